"""How many new rows the detector flags that are like the training rows, which had no outliers.

    python docs/benchmarks/thresholds.py

By the threshold that `contamination="auto"` chooses, and by that of the scores of training rows.
"""

import argparse
import warnings

import numpy as np
from _report import add_output_options, read_records, write_results
from mixed import mixed
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

from skae import AutoencoderOutlierDetector
from skae.outliers import offset

COLUMNS = {
    "data": "data",
    "n_rows": "rows",
    "n_features": "features",
    "by_training_rows": "new rows flagged, scores of training rows",
    "auto": "new rows flagged, auto",
    "training": "training rows flagged, auto",
    "own": "new rows flagged, their own scores",
}

NOTES = [
    "Factors: five of them and noise of the same variance, normal; 1,000 new rows. Others: rows "
    "that are left over, at most 300. A box plot flags .4 % of normal numbers, and what it flags "
    "of the new rows' own scores is in the last column. Mixed: every second column is cut at its "
    "quintiles into categories; the features are those that the table is encoded as.",
]


def factors(n_rows, n_features, seed):
    """Rows of five factors and noise."""
    loadings = np.random.default_rng(n_features).normal(size=(5, n_features))
    random = np.random.default_rng(seed)
    return random.normal(size=(n_rows, 5)) @ loadings + random.normal(size=(n_rows, n_features))


def cases():
    """Yield name, training rows and new rows."""
    for n_rows, n_features in ((300, 30), (600, 30), (100, 30), (80, 8), (40, 30), (40, 200)):
        yield "factors", factors(n_rows, n_features, 0), factors(1000, n_features, 1)
    for name, load, n_rows in (
        ("breast cancer", load_breast_cancer, 60),
        ("breast cancer", load_breast_cancer, 269),
        ("digits", load_digits, 400),
    ):
        X = np.random.default_rng(0).permutation(load().data)
        yield name, X[:n_rows], X[n_rows : n_rows + 300]
    for name, load, n_rows in (
        ("diabetes, mixed", load_diabetes, 60),
        ("diabetes, mixed", load_diabetes, 150),
        ("wine, mixed", load_wine, 60),
        ("breast cancer, mixed", load_breast_cancer, 60),
    ):
        table = mixed(np.random.default_rng(0).permutation(load().data))
        train, new = table[:n_rows], table[n_rows : n_rows + 300]
        yield name, train, new[~unknown_levels(new, train)]


def unknown_levels(new, train):
    """Which rows hold a level that no training row holds, and are refused."""
    categories = train.select_dtypes("category")
    return np.any([~new[name].isin(train[name]) for name in categories], axis=0)


def record(name, X, new):
    """What the detector flags."""
    detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    scores = detector.score_samples(new)
    of_training_rows, own = (
        offset(found, np.ones(len(found)), "auto") for found in (detector.score_samples(X), scores)
    )
    result = {
        "key": key_of(name, X),
        "data": name,
        "n_rows": len(X),
        "n_features": len(detector.constant_),
        "by_training_rows": float(np.mean(scores < of_training_rows)),
        "auto": float(np.mean(scores < detector.offset_)),
        "training": float(np.mean(detector.predict(X) < 0)),
        "own": float(np.mean(scores < own)),
    }
    print(result, flush=True)
    return result


def key_of(name, X):
    """Name of a case."""
    return f"{name}, {len(X)} x {X.shape[1]}"


def main():
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="names of data to run anew; all without it")
    add_output_options(parser, "thresholds")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    records = read_records(args.json, "key") if args.only else {}
    for name, X, new in cases():  # each is kept: a run may be broken off
        if not args.only or name in args.only:
            records[key_of(name, X)] = record(name, X, new)
            title, every = "Thresholds of the detector", list(records.values())
            write_results(args.json, args.markdown, title, every, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
