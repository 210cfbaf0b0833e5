"""Draw the code of source D's network, whose 1,568 values are 32 feature maps of 7 x 7.

    python docs/benchmarks/feature_maps.py --mnist mnist.npz

The network is trained for a short while to undo noise; the picture shows its code of three noisy
test digits. The file is the one that `mnist_figures.py` takes.
"""

import argparse
from pathlib import Path

import numpy as np
from mnist_figures import denoiser_of_d, load_images

from skae.corruption import GaussianNoise

N_TRAIN = 12_000
"""Number of training images."""

EPOCHS = 4
"""Epochs of the training."""

NOISE = 0.5
"""Standard deviation of the noise."""

STEP_SIZE = 5e-4
"""Step size: small, because ReLU units die at larger ones and leave maps black."""

DIGITS = (0, 1, 4)
"""Positions of the digits in the test images."""

GRID = (4, 8)
"""Rows and columns of a digit's feature maps."""

OUTPUT = Path(__file__).parents[1] / "images" / "feature_maps.png"
"""Where the picture goes unless told otherwise."""


def tiled(code):
    """The feature maps of a code as one image with NaN between them."""
    maps = np.moveaxis(code.reshape(7, 7, -1), -1, 0)
    padded = np.pad(maps, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    rows = padded.reshape(*GRID, 8, 8).swapaxes(1, 2).reshape(GRID[0] * 8, GRID[1] * 8)
    return rows[:-1, :-1]


def draw(noisy, codes, denoised, path):
    """Noisy digits, their feature maps and what the decoder makes of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 1.75 * len(codes) + 0.3), layout="constrained")
    axes = figure.subplots(len(codes), 3, width_ratios=(1, 2.05, 1))
    for row, digit, code, result in zip(axes, noisy, codes, denoised, strict=True):
        for ax, image in ((row[0], digit), (row[2], result)):
            ax.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        row[1].imshow(tiled(code), cmap="magma", vmin=0, vmax=np.quantile(codes, 0.995))
    titles = (f"input, noise {NOISE}", "code: 32 feature maps of 7 x 7", "reconstruction")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=10)
    for ax in axes.flat:
        ax.set_axis_off()
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="path of mnist.npz")
    parser.add_argument(
        "--image", type=Path, default=OUTPUT, metavar="FILE", help="where the picture goes"
    )
    args = parser.parse_args()
    X_train, X_test = load_images(args.mnist)
    denoiser = denoiser_of_d(NOISE, EPOCHS, learning_rate_init=STEP_SIZE).fit(X_train[:N_TRAIN])
    noisy = GaussianNoise(NOISE).corrupt(X_test[list(DIGITS)], random_state=0)
    codes = denoiser.transform(noisy)
    zeros = (codes == 0).mean()
    print(f"{zeros:.0%} of the {codes.shape[1]:,} code values are zero")
    draw(noisy, codes, denoiser.inverse_transform(codes), args.image)


if __name__ == "__main__":
    main()
