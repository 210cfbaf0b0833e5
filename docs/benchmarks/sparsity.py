"""Measure what the weight of a sparsity penalty does to the code and to the reconstruction.

    python docs/benchmarks/sparsity.py --mnist mnist.npz

One layer on either side, 784-32, as in source C. The file is the one that `mnist_figures.py` takes.
"""

import argparse
import time
import warnings
from pathlib import Path

from _report import add_output_options, markdown_table, write_results
from mnist_figures import all_epochs, crossentropy, load_images

from skae import SparseAutoencoder

N_TRAIN = 12_000
"""Number of training images."""

EPOCHS = 20
"""Epochs of each training."""

WEIGHTS = {"l1": (0.0, 1e-5, 1e-4, 1e-3, 1e-2), "kl": (0.0, 1e-3, 1e-2, 1e-1)}
"""Weights of the penalty, by its name."""

CODE_ACTIVATIONS = {"l1": "relu", "kl": "logistic"}

NEAR_ZERO = 0.01
"""Code values below this count as zeros."""

COLUMNS = {
    "sparsity": "penalty",
    "weight": "weight",
    "code": "code",
    "zeros": f"code values below {NEAR_ZERO}",
    "activity": "mean activity",
    "constant": "constant units",
    "crossentropy": "test BCE",
    "seconds": "seconds",
}

NOTES = [
    f"784-32 and back, logistic output, binary cross-entropy; the first {N_TRAIN:,} training "
    f"images, {EPOCHS} epochs, Adam, batches of 128, step size 1e-3 along half a cosine, "
    "random_state=0. All but the seconds is measured on the 10,000 test images; BCE is in nats a "
    "pixel.",
    "l1 adds the sum of the units' magnitudes, kl their divergence from a mean activity of 0.05.",
    "Without a penalty the logistic code saturates: its units are near 1 for most images, and the "
    "reconstruction is worse than with a small weight.",
    "Constant units are those of 32 whose value is the same for all test images: they carry "
    "nothing. `fit` warns of them on the training data.",
    "Seconds are those of `fit`, compiling included, on a machine that did other work besides.",
]


def sparse_autoencoder(sparsity, weight):
    """Source C's network with the penalty."""
    return SparseAutoencoder(
        32,
        sparsity=sparsity,
        sparsity_weight=weight,
        code_activation=CODE_ACTIVATIONS[sparsity],
        hidden_layer_sizes=(),
        loss="binary_crossentropy",
        **all_epochs(EPOCHS, 128, 1e-3),
    )


def measure(sparsity, weight, X_train, X_test):
    """Record of the table."""
    autoencoder = sparse_autoencoder(sparsity, weight)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9]+ of 32 code units", UserWarning)
        autoencoder.fit(X_train)
    seconds = time.perf_counter() - start
    code = autoencoder.transform(X_test)
    return {
        "sparsity": sparsity,
        "weight": weight,
        "code": CODE_ACTIVATIONS[sparsity],
        "zeros": f"{(code < NEAR_ZERO).mean():.1%}",
        "activity": float(code.mean()),
        "constant": int((code == code[0]).all(axis=0).sum()),
        "crossentropy": crossentropy(autoencoder, X_test),
        "seconds": round(seconds),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="path of mnist.npz")
    add_output_options(parser, "sparsity")
    args = parser.parse_args()
    X_train, X_test = load_images(args.mnist)
    records = []
    for sparsity, weights in WEIGHTS.items():
        for weight in weights:
            records.append(measure(sparsity, weight, X_train[:N_TRAIN], X_test))
            print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    write_results(args.json, args.markdown, "Sparsity of the code", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
