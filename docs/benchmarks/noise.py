"""Compare AutoencoderTransformer's defaults with PCA where hidden layers may only learn noise.

    python docs/benchmarks/noise.py --tables FOLDER

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
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skae import AutoencoderTransformer
from skae._autoencoders._shrinkage import SHRINKAGE, STRONG_SHRINKAGE

COLUMNS = {
    "data": "data, code units",
    "usual": "usual shrinkage",
    "strong": f"{STRONG_SHRINKAGE:.0f} times as strong",
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
    yield "4 factors and noise, 200 x 60", _factors(rng, 200, 60, 4, 1.0), 4
    yield "5 factors and noise, 400 x 60", _factors(rng, 400, 60, 5, 1.0), 20
    yield "5 factors and noise, 400 x 250", _factors(rng, 400, 250, 5, 5.0), 5
    yield "noise, 400 x 40", rng.normal(size=(400, 40)), 20
    yield "noise, 1000 x 80", rng.normal(size=(1000, 80)), 20
    yield "noise, 1 to 5, 400 x 40", rng.integers(1, 6, (400, 40)).astype(float), 15
    yield "zeros and ones, 400 x 200", (rng.random((400, 200)) < 0.05).astype(float), 5
    yield "curve, 400 x 100", _curve(rng, 400, 100), 2
    yield "digits", load_digits().data, 8
    yield "breast cancer", load_breast_cancer().data, 7
    yield "diabetes", load_diabetes().data, 5
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
    for name, alpha in (
        ("usual", usual),
        ("strong", STRONG_SHRINKAGE * usual),
        ("default", "auto"),
    ):
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
    add_output_options(parser, "noise")
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
    write_results(args.json, args.markdown, "Noise", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
