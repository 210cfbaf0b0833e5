"""Squared error with bounds, or cross-entropy, for columns that are zero or one.

python docs/benchmarks/one_hot.py
"""

import argparse
import warnings

import numpy as np
from _report import add_output_options, write_results
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skae import AutoencoderTransformer

COLUMNS = {
    "data": "data, code units",
    "loss": "loss",
    "error": "test error over PCA's",
    "right": "test values that rounding gives right",
}

NOTES = ["Defaults but for the loss; mean over three seeds of split and network."]


def data_sets():
    """Name, data of zeros and ones, and code size."""
    rng = np.random.default_rng(0)
    eye = np.eye(10)
    yield "4 columns of 10 levels", eye[rng.integers(0, 10, (3000, 4))].reshape(3000, -1), 8
    group, other = rng.integers(0, 6, 3000), rng.integers(0, 10, (3000, 4))
    related = (group[:, None] + np.arange(4) + (rng.uniform(size=(3000, 4)) < 0.1) * other) % 10
    yield "4 related columns of 10 levels", eye[related].reshape(3000, -1), 3
    yield "digits in black and white", (load_digits().data > 8).astype(float), 8


def figures(X, size, loss, seed):
    """Test error over PCA's, and the share of values that rounding gives right."""
    train, test = train_test_split(X, random_state=seed)
    pca = PCA(size, random_state=seed).fit(train)
    least = np.square(test - pca.inverse_transform(pca.transform(test))).mean()
    given = AutoencoderTransformer(size, loss=loss, random_state=seed).fit(train).reconstruct(test)
    return np.square(test - given).mean() / least, (given.round() == test).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_output_options(parser, "one_hot")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    records = []
    for name, X, size in data_sets():
        for loss in ("squared_error", "binary_crossentropy"):
            error, right = np.mean([figures(X, size, loss, seed) for seed in range(3)], axis=0)
            record = {"data": f"{name}, {size}", "loss": loss, "error": f"{error:.3f}"}
            records.append({**record, "right": f"{right:.4f}"})
            print(*records[-1].values(), flush=True)
    write_results(args.json, args.markdown, "Zeros and ones", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
