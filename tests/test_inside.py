"""An autoencoder inside another estimator: whose parameters its messages name."""

import warnings

import numpy as np
import pytest

from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    DenoisingAutoencoder,
)
from skae._autoencoders._inside import with_prefix
from skae.exceptions import StillImprovingWarning

X = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 2.0, 3.0]
GAPS = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
LABELS = (X[:, 0] > 0).astype(int)


def test_parameters_are_named_with_their_prefix():
    message = "at max_iter=3 the loss of 'max_iter' fell; set missing='mask' for missing values"
    found = with_prefix(message, {"max_iter", "missing", "loss"})
    assert found == (
        "at estimator__max_iter=3 the loss of 'max_iter' fell; set estimator__missing='mask' for "
        "missing values"
    )


@pytest.mark.filterwarnings("always::skae.exceptions.StillImprovingWarning")
def test_the_detector_names_the_autoencoders_parameter():
    slow = AutoencoderTransformer(2, init="random", max_iter=4, learning_rate_init=0.03)
    with pytest.warns(StillImprovingWarning, match="Raise estimator__max_iter") as caught:
        AutoencoderOutlierDetector(slow, random_state=0).fit(X)
    assert sum(one.category is StillImprovingWarning for one in caught) == 1


def test_the_imputer_does_not_warn_of_a_loss_that_falls():
    estimator = DenoisingAutoencoder(2, hidden_layer_sizes=(8,), max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AutoencoderImputer(estimator, random_state=0).fit(GAPS)


def test_a_default_autoencoder_is_named():
    with pytest.raises(ValueError, match=r"Set estimator__missing='mask'.*estimator=None stands "):
        AutoencoderClassifier().fit(GAPS, LABELS)
    with pytest.raises(ValueError, match=r"Set estimator__missing='mask'[^N]*NaN[^N]*$"):
        AutoencoderOutlierDetector(AutoencoderTransformer(1)).fit(GAPS)


def test_the_width_of_x_is_that_which_the_outer_estimator_expects():
    autoencoder = AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1)
    for outer in (
        AutoencoderClassifier(autoencoder, max_iter=0),
        AutoencoderOutlierDetector(autoencoder),
    ):
        outer.set_params(random_state=0).fit(X, LABELS)
        with pytest.raises(ValueError, match=f"but {type(outer).__name__} is expecting 3"):
            outer.predict(X[:, :2])
