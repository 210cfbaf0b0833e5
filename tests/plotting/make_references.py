"""Write the pictures that each Display must resemble: look at them before they are kept.

    python tests/plotting/make_references.py

They are small and grey, because letters and lines differ by a pixel between versions of
matplotlib; what is drawn where, and how dark, does not.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from skae import plotting

REFERENCES = Path(__file__).parent / "references"

SIZE, BLOCK = (96, 72), 4
"""Pixels of a reference, and sides of the blocks of pixels that each is the mean of."""

RNG = np.random.RandomState(0)  # whose numbers are the same in all versions of NumPy
IMAGES = np.linspace(0, 1, 5 * 4 * 16).reshape(5, 4, 16) ** 2
POINTS = RNG.normal(size=(200, 2))
CLUSTERS = 0.1 * POINTS + np.where(np.arange(200)[:, np.newaxis] % 2, 1.0, -1.0)

DISPLAYS = {
    "ExplainedVarianceDisplay": lambda: plotting.ExplainedVarianceDisplay(
        explained=np.array([0.3, 0.6, 0.9]),
        pca_explained=np.array([0.2, 0.4, 0.7]),
        sizes=np.array([1, 2, 4]),
    ),
    "FeatureMapDisplay": lambda: plotting.FeatureMapDisplay(
        X=IMAGES[:2, 0], maps=IMAGES[:2].reshape(2, 4, 4, 4), title="Maps"
    ),
    "FiltersDisplay": lambda: plotting.FiltersDisplay(
        filters=IMAGES.reshape(20, 16)[:7] - 0.05, title="Filters"
    ),
    "LatentManifoldDisplay": lambda: plotting.LatentManifoldDisplay(
        decoded=IMAGES, values=(np.arange(4), np.arange(5)[::-1]), components=(0, 1)
    ),
    "LatentSpaceDisplay": lambda: plotting.LatentSpaceDisplay(
        code=CLUSTERS, y=np.where(CLUSTERS[:, 0] > 0, "right", "left")
    ),
    "LatentTraversalDisplay": lambda: plotting.LatentTraversalDisplay(
        decoded=IMAGES[:3], line_names=["a", "b", "c"], kind="features"
    ),
    "LossCurveDisplay": lambda: plotting.LossCurveDisplay(
        loss_curves=[1 / np.arange(1, 30)],
        val_loss_curves=[0.3 + 1 / np.arange(1, 30)],
        pca_error=0.5,
        stop_reason="max_iter was reached",
    ),
    "ReconstructionDisplay": lambda: plotting.ReconstructionDisplay(
        X=IMAGES[4], X_reconstructed=IMAGES[4] ** 2, estimator_name="Autoencoder"
    ),
    "ReconstructionErrorDisplay": lambda: plotting.ReconstructionErrorDisplay(
        error=np.exp(POINTS).ravel(), y=np.arange(400) % 2, threshold=2.0
    ),
}
"""A Display of each kind, of fixed numbers."""


def picture(display):
    """What a display draws, as grey values from 0 to 1."""
    width, height = SIZE
    with plt.rc_context({**matplotlib.rcParamsDefault, "backend": "Agg"}):
        figure = display.plot().figure_
        figure.set_size_inches(6, 6 * height / width)
        figure.set_dpi(width * BLOCK / 6)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba(), dtype=float)[..., :3].mean(axis=2) / 255
        plt.close(figure)
    return pixels.reshape(height, BLOCK, width, BLOCK).mean(axis=(1, 3))


def main():
    REFERENCES.mkdir(exist_ok=True)
    for name, make in DISPLAYS.items():
        path = REFERENCES / f"{name}.png"
        plt.imsave(path, picture(make()), cmap="gray", vmin=0, vmax=1)
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
