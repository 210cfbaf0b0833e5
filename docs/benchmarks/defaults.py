"""Compare settings of AutoencoderTransformer with PCA on several data sets.

    python docs/benchmarks/defaults.py --mnist mnist.npz

Each data set is split 75 : 25, scaled by its training rows, and encoded with `n_components` units;
the table holds the test MSE of the autoencoder over that of PCA, the median over seeds of the
split and of the network. Below 1 the autoencoder is better.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from _report import add_output_options, write_results
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skae import AutoencoderTransformer

CANDIDATES = {
    "default": {},
    "relu": {"activation": "relu"},
    "tanh": {"activation": "tanh"},
    "elu": {"activation": "elu"},
    "hidden 256": {"hidden_layer_sizes": (256,)},
    "hidden 128-32": {"hidden_layer_sizes": (128, 32)},
    "step 0.001": {"learning_rate_init": 1e-3},
    "constant step": {"learning_rate": "constant"},
    "as MLPRegressor": {
        "activation": "relu",
        "hidden_layer_sizes": (100,),
        "learning_rate": "constant",
        "learning_rate_init": 1e-3,
        "max_iter": 200,
        "batch_size": 200,
        "tol": 1e-4,
        "n_iter_no_change": 10,
    },
}
"""Names of settings, and what they change."""


def data_sets(mnist=None):
    """Name, data, scaler and code sizes of each data set."""
    rng = np.random.RandomState(0)
    scurve = datasets.make_s_curve(1000, noise=0.05, random_state=0)[0]
    lifted = scurve @ rng.normal(size=(3, 10)) + 0.05 * rng.normal(size=(1000, 10))
    low_rank = datasets.make_low_rank_matrix(
        1000, 30, effective_rank=5, tail_strength=0.1, random_state=0
    )
    yield "digits", datasets.load_digits().data, MinMaxScaler(clip=True), (2, 8, 32)
    yield "breast cancer", datasets.load_breast_cancer().data, StandardScaler(), (2, 5)
    yield "wine", datasets.load_wine().data, StandardScaler(), (2, 5)
    yield "diabetes", datasets.load_diabetes().data, StandardScaler(), (2, 5)
    yield "low-rank matrix", low_rank, StandardScaler(), (2, 5)
    yield "S curve in 10-D", lifted, StandardScaler(), (2,)
    yield "swiss roll", datasets.make_swiss_roll(1000, random_state=0)[0], StandardScaler(), (2,)
    if mnist:
        with np.load(mnist) as file:
            X = file["x_train"].reshape(60000, -1)[:20000]
        yield "MNIST (20,000)", X, MinMaxScaler(), (2, 8, 32)


def mse(X, reconstruction):
    """Mean squared error."""
    return float(np.square(X - reconstruction).mean())


def compare(X, scaler, n_components, params, seed):
    """Test MSE of the autoencoder over PCA's, and the seconds of its fit."""
    train, test = train_test_split(X, random_state=seed)
    train = scaler.fit_transform(train).astype(np.float32)
    test = scaler.transform(test).astype(np.float32)
    pca = PCA(n_components, random_state=seed).fit(train)
    baseline = mse(test, pca.inverse_transform(pca.transform(test)))
    start = time.perf_counter()
    autoencoder = AutoencoderTransformer(n_components, random_state=seed, **params).fit(train)
    seconds = time.perf_counter() - start
    return -autoencoder.score(test) / baseline, seconds


def measure(params, mnist, n_seeds):
    """Median ratio and seconds of every data set and code size."""
    results = {}
    for name, X, scaler, sizes in data_sets(mnist):
        seeds = range(n_seeds if len(X) < 5000 else 1)
        for size in sizes:
            runs = [compare(X, scaler, size, params, seed) for seed in seeds]
            ratios, seconds = zip(*runs, strict=True)
            results[f"{name}, {size}"] = statistics.median(ratios), statistics.median(seconds)
            print(f"    {name}, {size}: {results[f'{name}, {size}'][0]:.3f}", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="MNIST as an .npz file; left out without it")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--candidate", action="append", choices=CANDIDATES)
    add_output_options(parser, "defaults")
    args = parser.parse_args()
    measured = {}
    for name in args.candidate or CANDIDATES:
        print(name, flush=True)
        measured[name] = measure(CANDIDATES[name], args.mnist, args.seeds)
        report(measured, args)


def report(measured, args):
    """Write what was measured so far."""
    records = [
        {"data, code size": row}
        | {name: f"{results[row][0]:.3f}" for name, results in measured.items()}
        for row in next(iter(measured.values()))
    ]
    seconds = {name: sum(result[1] for result in r.values()) for name, r in measured.items()}
    records.append({"data, code size": "seconds"} | {n: f"{s:.1f}" for n, s in seconds.items()})
    notes = [
        "Test MSE of AutoencoderTransformer over that of PCA with the same code size; below 1 the "
        f"autoencoder is better. Median of {args.seeds} seeds of split and network (MNIST: one). "
        "The last row is the sum of the fits' seconds, compiling included.",
    ]
    columns = {column: column for column in records[0]}
    write_results(args.json, args.markdown, "Defaults", records, columns, notes)


if __name__ == "__main__":
    main()
