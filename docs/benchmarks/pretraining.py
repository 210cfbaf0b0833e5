"""Measure what layerwise pretraining does to the reconstruction of new rows.

    python docs/benchmarks/pretraining.py --mnist mnist.npz

Dense and convolutional networks, plain, normalised and max-pooling, on digits and a part of MNIST.
The file is the one that `mnist_figures.py` takes.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results
from mnist_figures import load_images
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skae import AutoencoderTransformer
from skae.architectures import Conv, Dense

SEEDS = range(3)
"""Values of random_state; rows and their split are the same for all."""

EPOCHS = 30
"""Epochs of a training of all layers together."""

N_COMPONENTS = 8
"""Width of the code."""

N_MNIST = 2_000
"""Number of training images, and of test images, of MNIST."""

DENSE = (64, 32)
"""Widths of the dense networks' hidden layers."""

FILTERS = (8, 16)
"""Filters of the convolutional networks' layers."""

COLUMNS = {
    "data": "data",
    "network": "network",
    "without": "without",
    "with": "with",
    "longer": "without, as many epochs",
    "ratio": "with / without",
    "ratio_longer": "with / as many epochs",
    "seconds": "seconds without",
    "seconds_with": "seconds with",
}

NOTES = [
    f"MSE on test rows, median over {len(SEEDS)} seeds, of AutoencoderTransformer({N_COMPONENTS}) "
    f"without and with pretraining='layerwise', with max_iter={EPOCHS} and defaults else. "
    "Ratios are medians over the seeds of the ratio of two fits of one seed; below 1 pretraining "
    "is better.",
    "Pretraining takes a third of the epochs for each layer, on top of those of the whole. "
    '"As many epochs" is without it and as many epochs in all: twice as many, as all networks have '
    "three layers. Epochs of a single layer are shorter than those of the whole.",
    f"Dense networks are 64-32-{N_COMPONENTS}; convolutions have {FILTERS[0]} and {FILTERS[1]} "
    f"filters of 3 x 3 and a dense layer of {N_COMPONENTS}. Digits are pixels / 16, 1,347 to "
    f"train and 450 to test; of MNIST, the first {N_MNIST:,} training and test images.",
    "Seconds of the fits, compiling included where an earlier fit has not done it, on a machine "
    "that did other work besides.",
]


def networks(side):
    """Name and architecture of each network, for images of so many pixels a side."""
    shape = (side, side)
    return {
        "dense": Dense(DENSE),
        "dense, batch": Dense(DENSE, normalization="batch"),
        "dense, layer": Dense(DENSE, normalization="layer"),
        "conv, stride": Conv(shape, FILTERS),
        "conv, max_pool": Conv(shape, FILTERS, downsampling="max_pool"),
        "conv, stride, batch": Conv(shape, FILTERS, normalization="batch"),
    }


def data_sets(mnist):
    """Name, side of the images, training rows and test rows of each data set."""
    digits = (load_digits().data / 16).astype(np.float32)
    yield "digits", 8, *train_test_split(digits, random_state=0)
    X_train, X_test = load_images(mnist)
    yield "MNIST", 28, X_train[:N_MNIST], X_test[:N_MNIST]


def test_error(architecture, X_train, X_test, seed, **params):
    """Test MSE of a fit, and its seconds."""
    settings = {"architecture": architecture, "max_iter": EPOCHS, "random_state": seed}
    settings |= {"output_activation": "logistic", "init": "random", "learning_rate_init": 0.005}
    autoencoder = AutoencoderTransformer(N_COMPONENTS, **{**settings, **params})
    start = time.perf_counter()
    autoencoder.fit(X_train)
    return -autoencoder.score(X_test), time.perf_counter() - start


def measure(architecture, X_train, X_test):
    """Record of the table, without the names."""
    variants = {
        "without": {},
        "with": {"pretraining": "layerwise"},
        "longer": {"max_iter": 2 * EPOCHS},
    }
    runs = {
        name: [test_error(architecture, X_train, X_test, seed, **params) for seed in SEEDS]
        for name, params in variants.items()
    }
    errors = {name: np.array([error for error, _ in some]) for name, some in runs.items()}
    seconds = {name: statistics.median(s for _, s in some) for name, some in runs.items()}
    return {
        **{name: float(np.median(values)) for name, values in errors.items()},
        "ratio": round(float(np.median(errors["with"] / errors["without"])), 3),
        "ratio_longer": round(float(np.median(errors["with"] / errors["longer"])), 3),
        "seconds": seconds["without"],
        "seconds_with": seconds["with"],
        "errors": {name: values.tolist() for name, values in errors.items()},
    }


def main():
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="path of mnist.npz")
    add_output_options(parser, "pretraining")
    args = parser.parse_args()
    records = []
    for data, side, X_train, X_test in data_sets(args.mnist):
        for network, architecture in networks(side).items():
            measured = measure(architecture, X_train, X_test)
            records.append({"data": data, "network": network, **measured})
            print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    write_results(args.json, args.markdown, "Layerwise pretraining", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
