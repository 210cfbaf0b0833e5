"""What outliers in the training rows do to the error on clean ones, with and without trimming.

    python docs/benchmarks/outliers.py --tables FOLDER

2 % of the training rows, at least one, are replaced by normal noise of ten standard deviations of
each feature. The data are those of `tables.py`, at most 1,500 rows.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from tables import data_sets

from skae import AutoencoderTransformer

SHARE, SIZE, TRIM, MOST_ROWS = 0.02, 10.0, 0.03, 1500
"""Share of outliers, their deviation, what is trimmed, and most rows."""

COLUMNS = {
    "data": "data, code units",
    "PCA": "PCA",
    "default": "default",
    "trimmed": f"trim_fraction={TRIM}",
    "clean": f"trim_fraction={TRIM}, no outliers",
}

NOTES = [
    "Mean squared error on clean test rows of a fit with outliers over that of the same "
    "estimator's fit without them, the raw columns; mean over three seeds of split, outliers and "
    "network. The last column is what trimming costs where there is nothing to trim: rows that "
    "are rare, but belong, are not learned.",
]


def spoiled(X, seed):
    """The rows with some replaced by noise."""
    rng, X = np.random.default_rng(seed), X.copy()
    rows = rng.choice(len(X), max(1, round(SHARE * len(X))), replace=False)
    noise = rng.normal(size=(len(rows), X.shape[1]))
    X[rows] = X.mean(axis=0) + SIZE * X.std(axis=0) * noise
    return X


def error(estimator, train, test):
    """Mean squared error of the reconstructions."""
    estimator.fit(train)
    return np.square(test - estimator.inverse_transform(estimator.transform(test))).mean()


def ratios(X, n_components, seed):
    """The columns of the table for one split."""
    train, test = train_test_split(X, random_state=seed)
    bad = spoiled(train, seed)
    pca = PCA(n_components, random_state=seed)
    plain = AutoencoderTransformer(n_components, random_state=seed)
    trimming = AutoencoderTransformer(n_components, trim_fraction=TRIM, random_state=seed)
    clean = error(plain, train, test)
    return {
        "PCA": error(pca, bad, test) / error(pca, train, test),
        "default": error(plain, bad, test) / clean,
        "trimmed": error(trimming, bad, test) / error(trimming, train, test),
        "clean": error(trimming, train, test) / clean,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    add_output_options(parser, "outliers")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    records = []
    for name, X, size in data_sets(args.tables):
        found = [ratios(X[:MOST_ROWS], size, seed) for seed in range(3)]
        means = {column: float(np.mean([each[column] for each in found])) for column in found[0]}
        records.append({"data": f"{name}, {size}", **means})
        print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    worst = {column: max(record[column] for record in records) for column in list(COLUMNS)[1:]}
    records.append({"data": "worst", **worst})
    write_results(args.json, args.markdown, "Outliers", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
