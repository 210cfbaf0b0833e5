"""Each Display resembles a picture that was looked at; see make_references.py."""

import numpy as np
import pytest

from skae import plotting

plt = pytest.importorskip("matplotlib.pyplot")

from plotting.make_references import (  # noqa: E402
    CLUSTERS,
    DISPLAYS,
    IMAGES,
    POINTS,
    REFERENCES,
    picture,
)

TOLERANCE = 0.03
"""Root mean square difference of grey values. Other fonts make one of 0.01; see the faults."""

FAULTS = {
    "ExplainedVarianceDisplay": {"explained": np.array([0.9, 0.6, 0.3])},
    "FeatureMapDisplay": {"maps": IMAGES[1::-1].reshape(2, 4, 4, 4)},
    "FiltersDisplay": {"filters": 0.05 - IMAGES.reshape(20, 16)[:7]},
    "LatentManifoldDisplay": {"decoded": IMAGES[::-1]},
    "LatentSpaceDisplay": {"code": CLUSTERS * np.array([1.0, -1.0])},
    "LatentTraversalDisplay": {"decoded": IMAGES[2::-1]},
    "LossCurveDisplay": {"loss_curves": [1 - 1 / np.arange(1, 30)]},
    "ReconstructionDisplay": {"X_reconstructed": IMAGES[4, ::-1]},
    "ReconstructionErrorDisplay": {"error": np.exp(2 * POINTS).ravel()},
}
"""Something wrong with each, which must be noticed."""


def difference(name, display):
    reference = plt.imread(REFERENCES / f"{name}.png")[..., 0]
    return np.sqrt(np.square(picture(display) - reference).mean())


@pytest.mark.parametrize("name", plotting.__all__)
def test_pictures_resemble_their_references(name):
    assert difference(name, DISPLAYS[name]()) < TOLERANCE


@pytest.mark.parametrize("name", plotting.__all__)
def test_a_fault_is_more_than_the_tolerance(name):
    display = DISPLAYS[name]()
    vars(display).update(FAULTS[name])
    assert difference(name, display) > TOLERANCE
