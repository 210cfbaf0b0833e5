"""Compare settings of AutoencoderTransformer with PCA: the defaults, earlier ones, and others.

    python docs/benchmarks/defaults.py --tables FOLDER --mnist mnist.npz

The data are those of `tables.py`, raw and standardised, at most 1,500 rows and 100 columns, and
20,000 images of MNIST. The table holds the test error over that of PCA with as many components.
Below 1 the autoencoder is better.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from _report import add_jobs_option, add_output_options, write_results
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from tables import SCALERS, data_sets

from skae import AutoencoderTransformer

MOST_ROWS, MOST_COLUMNS, MNIST_ROWS, MNIST_SIZES = 1500, 100, 20_000, (2, 8, 32)
SCALINGS = ("raw", "standardised")


def earlier(train):
    """The defaults before there was a linear path: a plain network, logistic for data in [0, 1]."""
    inside = train.min() >= 0 and train.max() <= 1
    return {
        "activation": "silu",
        "alpha": 0.0,
        "init": "random",
        "output_activation": "logistic" if inside else "identity",
    }


def settings(**params):
    """Settings that are the same for all data."""
    return lambda train: params


CANDIDATES = {
    "default": settings(),
    "earlier": earlier,
    "init random": settings(init="random"),
    "alpha 0": settings(alpha=0.0),
    "silu": settings(activation="silu"),
    "tanh": settings(activation="tanh"),
    "hidden 256": settings(hidden_layer_sizes=(256,)),
    "hidden 128-32": settings(hidden_layer_sizes=(128, 32)),
    "step 0.002": settings(learning_rate_init=2e-3),
    "constant step": settings(learning_rate="constant"),
    "40 epochs": settings(max_iter=40),
    "as MLPRegressor": settings(
        hidden_layer_sizes=(100,),
        learning_rate="constant",
        learning_rate_init=1e-3,
        max_iter=200,
        batch_size=200,
        tol=1e-4,
        n_iter_no_change=10,
    ),
}
"""Names of settings, and what they change, given the training rows."""


def all_data(tables, mnist):
    """Name, data, scaling and code size."""
    for name, X, size in data_sets(tables):
        if X.shape[1] <= MOST_COLUMNS:
            chosen = np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]
            for scaling in SCALINGS:
                yield f"{name}, {scaling}, {size}", X[chosen], scaling, size
    if mnist:
        with np.load(mnist) as file:
            X = file["x_train"].reshape(60_000, -1)[:MNIST_ROWS].astype(np.float32)
        for size in MNIST_SIZES:
            yield f"MNIST, raw, {size}", X, "raw", size


def compare(X, scaling, n_components, candidate, seed):
    """Test error of the autoencoder over PCA's, and the seconds of its fit."""
    train, test = train_test_split(X, random_state=seed)
    scaler = SCALERS[scaling].fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    pca = PCA(n_components, random_state=seed).fit(train)
    error = np.square(test - pca.inverse_transform(pca.transform(test))).mean()
    autoencoder = AutoencoderTransformer(n_components, random_state=seed)
    start = time.perf_counter()
    autoencoder.set_params(**CANDIDATES[candidate](train)).fit(train)
    return -autoencoder.score(test) / error, time.perf_counter() - start


def compare_all(X, scaling, n_components, candidates, n_seeds):
    """For each candidate, mean ratio and mean seconds over the seeds."""
    warnings.simplefilter("ignore")
    return {
        candidate: np.mean(
            [compare(X, scaling, n_components, candidate, seed) for seed in range(n_seeds)], axis=0
        )
        for candidate in candidates
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    parser.add_argument("--mnist", type=Path, help="MNIST as an .npz file; left out without it")
    parser.add_argument("--seeds", type=int, default=2, help="for all but MNIST, which has one")
    parser.add_argument("--candidate", action="append", choices=CANDIDATES)
    add_jobs_option(parser)
    add_output_options(parser, "defaults")
    args = parser.parse_args()
    candidates, ratios, seconds = args.candidate or list(CANDIDATES), {}, {}
    cases = [
        (name, X, scaling, size, 1 if name.startswith("MNIST") else args.seeds)
        for name, X, scaling, size in all_data(args.tables, args.mnist)
    ]
    rows = Parallel(args.jobs, return_as="generator")(
        delayed(compare_all)(X, scaling, size, candidates, n_seeds)
        for _, X, scaling, size, n_seeds in cases
    )
    for (name, *_), row in zip(cases, rows, strict=True):
        for candidate, found in row.items():
            ratios[name, candidate], seconds[name, candidate] = found
        print(name, *(f"{ratios[name, candidate]:.3f}" for candidate in candidates), flush=True)
    report(candidates, ratios, seconds, args)


def report(candidates, ratios, seconds, args):
    """Write the ratios of each data set, and their means, the worst, and the time of the fits."""
    names = list(dict.fromkeys(name for name, _ in ratios))
    records = [
        {"data, scaling, code units": name} | {c: f"{ratios[name, c]:.3f}" for c in candidates}
        for name in names
    ]
    for label, figure in (("geometric mean", geometric_mean), ("worst", max), ("seconds", sum)):
        of = seconds if label == "seconds" else ratios
        values = {c: f"{figure([of[name, c] for name in names]):.3g}" for c in candidates}
        records.append({"data, scaling, code units": label} | values)
    notes = [
        "Test error of AutoencoderTransformer over that of PCA with the same code size; below 1 "
        f"the autoencoder is better. Mean of {args.seeds} seeds of split and network (MNIST: one). "
        "`seconds` is the sum over the rows of a fit's mean time, compiling included, on a machine "
        "that did other work besides.",
        "`earlier`: the defaults before networks had a linear path, but centred and scaled as all "
        "are now; their former scaling cannot be had any more.",
    ]
    columns = {column: column for column in records[0]}
    write_results(args.json, args.markdown, "Defaults", records, columns, notes)


def geometric_mean(values):
    """The exponential of the mean logarithm."""
    return float(np.exp(np.mean(np.log(values))))


if __name__ == "__main__":
    main()
