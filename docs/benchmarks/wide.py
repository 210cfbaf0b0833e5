"""Compare AutoencoderTransformer's defaults with PCA on data of fewer rows than columns.

    python docs/benchmarks/wide.py --tables FOLDER

FOLDER holds .npz files with an array `X` each, of which InternetAds and optdigits are read; without
it, data that are made up and those that scikit-learn brings are used alone. The table holds the
mean squared error on the test rows over PCA's, the mean over splits 75 : 25. Below 1 the
autoencoder is better.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from _report import add_jobs_option, add_output_options, markdown_table, write_results
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skae import AutoencoderTransformer
from skae._autoencoders._shrinkage import SHRINKAGE, WIDE_SHRINKAGE

COLUMNS = {
    "data": "data, code units",
    "usual": "usual shrinkage",
    "strong": f"{WIDE_SHRINKAGE:.0f} times as strong",
    "default": "default",
    "worst": "default, the worst split",
    "chosen": "splits where the default took the usual one",
    "times": "time of a fit, default over usual",
}


def data_sets(folder):
    """Name, rows and code size of each data set."""
    rng = np.random.default_rng(0)
    yield "3 factors and noise, 40 x 500", _factors(rng, 40, 500, 3, 0.5), 3
    yield "noise, 40 x 500", rng.normal(size=(40, 500)), 3
    yield "5 factors and noise, 100 x 100", _factors(rng, 100, 100, 5, 0.5), 5
    yield "5 factors and noise, logarithmic, 60 x 2000", np.exp(_factors(rng, 60, 2000, 5, 1.0)), 5
    yield "curve, 80 x 300", _curve(rng, 80, 300), 2
    yield "curve, 40 x 1500", _curve(rng, 40, 1500), 2
    yield "counts of 4 topics, 300 x 1000", _counts(rng, 300, 1000, 4), 8
    yield "sparse uniform, 200 x 200", sparse.random(200, 200, 0.05, random_state=0).toarray(), 8
    yield "digits, 60 x 64", load_digits().data[:60], 8
    for name, n_rows, n_columns, size in (
        ("InternetAds", 100, 1555, 8),
        ("InternetAds", 60, 400, 4),
        ("optdigits", 80, 64, 8),
    ):
        if folder:
            with np.load(folder / f"{name}.npz") as file:
                X = file["X"].astype(np.float64)
            X = X[rng.permutation(len(X))[:n_rows], :n_columns]
            yield f"{name}, {n_rows} x {n_columns}", X, size


def _factors(rng, n_rows, n_columns, n_factors, noise):
    scores, loadings = rng.normal(size=(n_rows, n_factors)), rng.normal(size=(n_factors, n_columns))
    return scores @ loadings * min(1.0, 0.5 / noise) + noise * rng.normal(size=(n_rows, n_columns))


def _curve(rng, n_rows, n_columns):
    t = rng.uniform(0, 9, n_rows)
    places = np.column_stack([np.sin(t), np.cos(t), t / 5, np.sin(2 * t)])
    noise = 0.3 * rng.normal(size=(n_rows, n_columns))
    return places @ rng.normal(size=(4, n_columns)) + noise


def _counts(rng, n_rows, n_columns, n_topics):
    rates = rng.normal(size=(n_rows, n_topics)) @ rng.normal(size=(n_topics, n_columns)) - 3
    return rng.poisson(np.exp(rates)).astype(float)


def compare(X, n_components, seed):
    """The columns of the table for one split."""
    warnings.simplefilter("ignore")
    train, test = train_test_split(X, random_state=seed)
    pca = PCA(n_components, random_state=seed).fit(train)
    error = np.square(test - pca.inverse_transform(pca.transform(test))).mean()
    unexplained = np.square(train - pca.inverse_transform(pca.transform(train))).mean()
    usual = SHRINKAGE * unexplained / train.var(axis=0).mean() / len(train)
    found, seconds = {}, {}
    for name, alpha in (("usual", usual), ("strong", WIDE_SHRINKAGE * usual), ("default", "auto")):
        autoencoder = AutoencoderTransformer(n_components, alpha=alpha, random_state=seed)
        autoencoder.fit(train)  # compiles
        start = time.perf_counter()
        autoencoder.fit(train)
        seconds[name] = time.perf_counter() - start
        found[name] = -autoencoder.score(test) / error
    chosen = autoencoder.alpha_ < 2 * usual
    return {**found, "chosen": chosen, "times": seconds["default"] / seconds["usual"]}


def main():
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    parser.add_argument("--seeds", type=int, default=5)
    add_jobs_option(parser)
    add_output_options(parser, "wide")
    args = parser.parse_args()
    every, records = list(data_sets(args.tables)), []
    splits = Parallel(args.jobs, return_as="generator")(
        delayed(compare)(X, size, seed) for _, X, size in every for seed in range(args.seeds)
    )
    for name, _, size in every:
        found = [next(splits) for _ in range(args.seeds)]
        means = {key: float(np.mean([each[key] for each in found])) for key in found[0]}
        record = {key: f"{mean:.3f}" for key, mean in means.items()}
        record |= {"chosen": f"{means['chosen']:.0%}", "times": f"{means['times']:.1f}"}
        worst = max(each["default"] for each in found)
        records.append({"data": f"{name}, {size}", **record, "worst": f"{worst:.3f}"})
        print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    notes = [
        "Test error of AutoencoderTransformer over that of PCA with the same code size; below 1 "
        f"the autoencoder is better. Mean of {args.seeds} seeds of split and network; "
        f"{args.jobs} at a time, so that the times of fits are those beside each other."
    ]
    write_results(args.json, args.markdown, "Fewer rows than columns", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
