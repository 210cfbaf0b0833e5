"""The step size at which `partial_fit` goes on after a `fit` whose cosine came down.

    python docs/benchmarks/going_on.py

Each network is fitted with the defaults, and goes on for twenty epochs at a share of
`learning_rate_init`: on its own training rows, on rows of kinds that it has not seen, and on one
row that is given again and again. The table holds the test MSE over that before, the median over
seeds; the test rows of "new kinds" are those of the new kinds.
"""

import argparse
import statistics

import numpy as np
from _report import add_output_options, write_results
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skae import AutoencoderTransformer
from skae._autoencoders import _fit

SHARES = (1.0, 0.3, 0.1, 0.03, 0.01)
N_EPOCHS = 20
SEEDS = range(3)


def data_sets():
    """Name, rows, kinds, scaler and code size of each data set."""
    yield "digits", *load_digits(return_X_y=True), MinMaxScaler(), 8
    yield "breast cancer", *load_breast_cancer(return_X_y=True), StandardScaler(), 5
    yield "wine", *load_wine(return_X_y=True), StandardScaler(), 3


def going_on(X, X_new, X_test, n_components, share, seed):
    """Test MSE after going on with new rows, over that before."""
    _fit.LOWEST_PARTIAL_RATE = share
    estimator = AutoencoderTransformer(n_components, random_state=seed).fit(X)
    before = estimator.score(X_test)
    for _ in range(N_EPOCHS):
        estimator.partial_fit(X_new)
    return estimator.score(X_test) / before


def situations(X, kind, scaler, seed):
    """Name, training rows, rows to go on with, and test rows of each situation."""
    train, test, kind_train, kind_test = train_test_split(X, kind, random_state=seed)
    train, test = scaler.fit_transform(train), scaler.transform(test)
    known_train, known_test = (np.isin(k, np.unique(kind)[::2]) for k in (kind_train, kind_test))
    yield "its own rows", train, train, test
    yield "new kinds", train[known_train], train, test[~known_test]
    yield "one row", train, train[:1], test


def main():
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_output_options(parser, "going_on")
    options = parser.parse_args()
    records = []
    for name, X, kind, scaler, n_components in data_sets():
        by_seed = [list(situations(X, kind, scaler, seed)) for seed in SEEDS]
        for rows in zip(*by_seed, strict=True):
            record = {"data": name, "going on with": rows[0][0]}
            for share in SHARES:
                ratios = [
                    going_on(*parts, n_components, share, seed)
                    for seed, (_, *parts) in zip(SEEDS, rows, strict=True)
                ]
                record[str(share)] = statistics.median(ratios)
            print(record, flush=True)
            records.append(record)
    columns = {"data": "data", "going on with": "going on with"}
    columns |= {str(share): f"{share:g} of the step" for share in SHARES}
    write_results(
        options.json,
        options.markdown,
        "Going on after a fit",
        records,
        columns,
        ["Test MSE after twenty calls of `partial_fit` over that before; lower is better."],
    )


if __name__ == "__main__":
    main()
