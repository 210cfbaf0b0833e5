"""Count how often cross-validation meets levels that the training rows do not hold.

    python docs/benchmarks/rare_levels.py --tables FOLDER

The data are those of `tables.py`, at most 2,000 rows; columns of 3 to 50 whole numbers are taken as
categories.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _report import add_output_options, markdown_table, write_results
from sklearn.model_selection import KFold, cross_val_score
from tables import data_sets

from skae import AutoencoderTransformer

MOST_ROWS, MOST_COLUMNS, FEWEST_LEVELS, MOST_LEVELS, FOLDS = 2000, 100, 3, 50, 5

COLUMNS = {
    "data": "data, columns of categories",
    "folds": "folds with an unknown level",
    "values": "unknown, of all test values",
    "refused": 'folds without a score, "error"',
    "scored": 'folds without a score, "missing"',
    "score": 'mean score, "missing"',
}

NOTES = [
    f"{FOLDS} folds of shuffled rows. A level is unknown if no training row of the fold holds it. "
    "The scores are those of AutoencoderTransformer with two units, by `cross_val_score`, with "
    '`handle_unknown="error"`, which is the default, or `"missing"` beside `missing="mask"`.',
]


def with_categories(X):
    """A frame whose columns of few whole numbers are categories, and the names of these."""
    frame = pd.DataFrame(X).add_prefix("column ")
    names = [
        name
        for name, column in frame.items()
        if (column % 1 == 0).all() and FEWEST_LEVELS <= column.nunique() <= MOST_LEVELS
    ]
    return frame.astype(dict.fromkeys(names, "category")), names


def unknown(frame, names, folds):
    """Of each fold the number of values whose level no training row holds."""
    return [
        sum((~frame[name].iloc[test].isin(frame[name].iloc[train])).sum() for name in names)
        for train, test in folds.split(frame)
    ]


def scores(frame, folds, **params):
    """Scores of the folds, NaN where there is none."""
    estimator = AutoencoderTransformer(2, max_iter=20, random_state=0, **params)
    return cross_val_score(estimator, frame, cv=folds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    add_output_options(parser, "rare_levels")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    records = []
    for name, X, _ in data_sets(args.tables):
        if X.shape[1] > MOST_COLUMNS:
            continue
        X = X[np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]]
        frame, names = with_categories(X)
        if not names:
            continue
        folds = KFold(FOLDS, shuffle=True, random_state=0)
        counts = unknown(frame, names, folds)
        refused = np.isnan(scores(frame, folds)).sum()
        lenient = scores(frame, folds, handle_unknown="missing", missing="mask")
        records.append(
            {
                "data": f"{name}, {len(names)} of {X.shape[1]}",
                "folds": f"{np.count_nonzero(counts)} of {FOLDS}",
                "values": f"{sum(counts) / (len(frame) * len(names)):.2%}",
                "refused": f"{refused} of {FOLDS}",
                "scored": f"{np.isnan(lenient).sum()} of {FOLDS}",
                "score": f"{lenient.mean():.3f}",
            }
        )
        print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    write_results(args.json, args.markdown, "Rare levels", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
