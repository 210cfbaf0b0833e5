"""Compare a convolutional and a dense denoising autoencoder over levels of corruption.

    python docs/benchmarks/noise_curves.py --mnist mnist.npz

Source D's network and a dense one are trained with Gaussian noise of several levels and with a
part of each image hidden. Besides the table, two pictures are written: the errors over the level
of the noise, and test digits before and after. The file is the one that `mnist_figures.py` takes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results
from mnist_figures import all_epochs, denoiser_of_d, load_images

from skae import DenoisingAutoencoder
from skae.corruption import GaussianNoise, Occlusion

N_TRAIN = 12_000
"""Number of training images."""

EPOCHS = 4
"""Epochs of each training."""

STEP_SIZES = {"dense": 1e-3, "conv": 5e-3}
"""Initial step sizes."""

NOISE_LEVELS = (0.3, 0.5, 0.8, 1.0)
"""Standard deviations of the noise."""

HIDDEN_SHARES = {"a quarter": 1 / 4, "a third": 1 / 3}
"""Shares of the image that are hidden, at a random place."""

EXAMPLES = 8
"""Number of test digits in the second picture, the first of the file."""

IMAGES = Path(__file__).parents[1] / "images"
"""Where the pictures go unless told otherwise."""

COLORS = {"dense": "#D55E00", "conv": "#0072B2"}

COLUMNS = {
    "corruption": "corruption",
    "level": "level",
    "network": "network",
    "clean": "MSE, clean input",
    "corrupted": "MSE, corrupted input",
    "untouched": "MSE of the corrupted input itself",
    "seconds": "seconds",
}

NOTES = [
    f"Each network is trained on the first {N_TRAIN:,} training images for {EPOCHS} epochs, so "
    "the errors are above those of a full training; see D-0.3 and D-0.8 in "
    "[MNIST figures](mnist_figures.md). Errors are means over the 10,000 test images and their "
    "pixels, against the clean image.",
    "conv is source D's network: 5 x 5 filters of stride 2, 16 and 32 of them, transposed back, "
    "ReLU, a ReLU code of 7 x 7 x 32 = 1,568 values, logistic output; batches of 50, step size "
    "5e-3. dense is 784-512-128-64 mirrored, ReLU, a linear code of 64 values, logistic output; "
    "batches of 50, step size 1e-3. "
    "Both: Adam, half a cosine, random_state=0, noise not clipped.",
    "Level is the standard deviation of the noise, or the share of the image that is hidden, by a "
    "rectangle at a random place in each image.",
    "The convolutional network is better at undoing noise, and on clean input by far. Hidden parts "
    "it paints in with blur: each value of its output sees a neighbourhood of the image (one of "
    "its code 13 x 13 pixels), little larger than the hole, while the dense code sees all of it. "
    "With a third hidden the dense network has the lower error.",
    "Seconds are those of `fit`, compiling included, on a machine that did other work besides.",
]


def dense_denoiser(**params):
    """Dense network of about the size of sources A and E."""
    options = all_epochs(EPOCHS, 50, STEP_SIZES["dense"])
    options |= {"activation": "relu", "output_activation": "logistic"}
    return DenoisingAutoencoder(64, hidden_layer_sizes=(512, 128), **options, **params)


def conv_denoiser(**params):
    """Source D's network."""
    return denoiser_of_d(None, EPOCHS, learning_rate_init=STEP_SIZES["conv"], **params)


NETWORKS = {"dense": dense_denoiser, "conv": conv_denoiser}


def corruptions():
    """Name, level and process of each row of the table."""
    for level in NOISE_LEVELS:
        yield "noise", level, GaussianNoise(level)
    for share in HIDDEN_SHARES.values():
        yield "hidden", share, Occlusion(share)


def mse(X, reconstruction):
    """Mean squared error."""
    return float(np.square(X - reconstruction).mean())


def train_and_measure(network, corruption, X_train, X_test):
    """Fitted denoiser and its errors."""
    denoiser = NETWORKS[network](corruption=corruption)
    start = time.perf_counter()
    denoiser.fit(X_train)
    seconds = time.perf_counter() - start
    corrupted = corruption.corrupt(X_test, random_state=0)
    errors = {
        "clean": mse(X_test, denoiser.reconstruct(X_test)),
        "corrupted": mse(X_test, denoiser.reconstruct(corrupted)),
        "untouched": mse(X_test, corrupted),
        "seconds": round(seconds),
    }
    return denoiser, errors


def with_hole(X_test, share):
    """Example digits with NaN where `Occlusion` hides them, to be drawn in a colour."""
    return Occlusion(share, value=float("nan")).corrupt(X_test[:EXAMPLES], random_state=0)


def run(X_train, X_test):
    """Records of the table, and rows of example images by name of the corruption."""
    records, rows = [], {}
    for name, level, corruption in corruptions():
        digits = corruption.corrupt(X_test[:EXAMPLES], random_state=0)
        rows[name, level] = {"input": digits if name == "noise" else with_hole(X_test, level)}
        for network in NETWORKS:
            denoiser, errors = train_and_measure(network, corruption, X_train, X_test)
            rows[name, level][network] = denoiser.reconstruct(digits)
            records.append(
                {"corruption": name, "level": round(level, 3), "network": network, **errors}
            )
            print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    return records, rows


def draw_curves(records, path):
    """Errors over the level of the noise."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    ax = figure.subplots()
    for network, color in COLORS.items():
        noisy = [r for r in records if r["corruption"] == "noise" and r["network"] == network]
        for measure, style in (("corrupted", "o-"), ("clean", "o--")):
            ax.plot(
                [r["level"] for r in noisy],
                [r[measure] for r in noisy],
                style,
                color=color,
                label=f"{network}, {measure} input",
            )
    ax.set(
        xlabel="standard deviation of the noise, in training and test",
        ylabel="test MSE",
        xticks=NOISE_LEVELS,
    )
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path, dpi=110)


def draw_digits(originals, rows, path):
    """Test digits, what the networks got of them and what they made of it."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    gray = colormaps["gray_r"].with_extremes(bad="#BBD7EA")
    shown = [("original", originals)]
    blocks = {"noise 0.5": ("noise", 0.5)}
    blocks |= {f"{words} hidden": ("hidden", share) for words, share in HIDDEN_SHARES.items()}
    for words, key in blocks.items():
        block = rows[key]
        shown += [(words, block["input"]), ("dense", block["dense"]), ("conv", block["conv"])]
    gaps = [i for i, (words, _) in enumerate(shown) if words in blocks]
    margin, label, gap = 0.05, 2.05, 0.3
    width = label + EXAMPLES + margin
    height = len(shown) + gap * len(gaps) + 2 * margin
    figure = Figure(figsize=(0.55 * width, 0.55 * height))
    top = height - margin
    for i, (words, images) in enumerate(shown):
        top -= gap * (i in gaps)
        strip = np.hstack([np.pad(digit.reshape(28, 28), 1) for digit in images])
        place = (label / width, (top - 1) / height, EXAMPLES / width, 1 / height)
        ax = figure.add_axes(place)
        ax.imshow(strip, cmap=gray, vmin=0, vmax=1)
        ax.set_axis_off()
        middle = (top - 0.5) / height
        figure.text(0.95 * label / width, middle, words, ha="right", va="center", fontsize=9)
        top -= 1
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="path of mnist.npz")
    parser.add_argument(
        "--images", type=Path, default=IMAGES, metavar="FOLDER", help="where the pictures go"
    )
    add_output_options(parser, "noise_curves")
    args = parser.parse_args()
    X_train, X_test = load_images(args.mnist)
    records, rows = run(X_train[:N_TRAIN], X_test)
    write_results(args.json, args.markdown, "Dense or convolutional", records, COLUMNS, NOTES)
    draw_curves(records, args.images / "noise_curves.png")
    draw_digits(X_test[:EXAMPLES], rows, args.images / "denoised.png")


if __name__ == "__main__":
    main()
