"""Compare VariationalAutoencoder's defaults with factor analysis on rows held out.

    python docs/benchmarks/likelihoods.py --tables FOLDER

The data are those of `tables.py`, raw, at most 2,000 rows, without features that hardly vary.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from _report import add_jobs_option, add_output_options, markdown_table, write_results
from joblib import Parallel, delayed
from sklearn.decomposition import FactorAnalysis
from sklearn.model_selection import train_test_split
from tables import data_sets

from skae import VariationalAutoencoder

MOST_ROWS, RARE, SEEDS, N_WORST = 2000, 0.02, 4, 5
"""Most rows; share of a feature's values that must differ from its median; number of splits; test
rows of a split that are left out of the last column."""

COLUMNS = {
    "data": "data, code units",
    "factors": "factor analysis",
    "random": 'init="random"',
    "default": "default",
    "gain": "default minus factor analysis",
    "usual": f"the same without the {N_WORST} test rows that lose most",
}

NOTES = [
    "Nats a test row, in each data set's units: of factor analysis the log-likelihood, of the "
    f"autoencoders the evidence lower bound, which is below it; mean over {SEEDS} seeds of split "
    'and network. `init="random"` is the same network without its linear path.',
    f"Features of which less than {RARE:.0%} of the values differ from the median are left out: a "
    "feature that is constant in the training rows has whatever density one likes.",
]


def bounds(X, n_components, seed):
    """The columns of the table for one split."""
    warnings.simplefilter("ignore")
    train, test = train_test_split(X, random_state=seed)
    centre, scale = train.mean(axis=0), train.std(axis=0)
    factors = FactorAnalysis(n_components).fit((train - centre) / scale)
    by_factors = factors.score_samples((test - centre) / scale) - np.log(scale).sum()
    found = {"factors": by_factors.mean()}
    for name, init in (("random", "random"), ("default", "pca")):
        vae = VariationalAutoencoder(n_components, init=init, random_state=seed).fit(train)
        bound = vae.elbo(test, n_samples=32)
        found[name] = bound.mean()
    gain = np.sort(bound - by_factors)
    return {**found, "gain": gain.mean(), "usual": gain[N_WORST:].mean()}


def cases(folder):
    """Name, rows and code size of each data set."""
    for name, X, size in data_sets(folder):
        X = X[np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]]
        yield name, X[:, (np.median(X, axis=0) != X).mean(axis=0) > RARE], size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    add_jobs_option(parser)
    add_output_options(parser, "likelihoods")
    args = parser.parse_args()
    every, records = list(cases(args.tables)), []
    splits = Parallel(args.jobs, return_as="generator")(
        delayed(bounds)(X, size, seed) for _, X, size in every for seed in range(SEEDS)
    )
    for name, _, size in every:
        found = [next(splits) for _ in range(SEEDS)]
        means = {column: float(np.mean([each[column] for each in found])) for column in found[0]}
        means = {column: f"{mean:.2f}" for column, mean in means.items()}
        records.append({"data": f"{name}, {size}", **means})
        print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    write_results(args.json, args.markdown, "Likelihoods", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
