"""Compare settings of AutoencoderTransformer with PCA on several data sets.

    python docs/benchmarks/defaults.py --mnist mnist.npz --markdown defaults.md

Each data set is split 75 : 25, scaled by its training rows, and encoded with `n_components` units;
the table holds the test MSE of the autoencoder over that of PCA, the median over seeds of the
split and of the network. Below 1 the autoencoder is better.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skae import AutoencoderTransformer

CANDIDATES = {
    "default": {},
    "relu 64": {"hidden_layer_sizes": (64,)},
    "relu 256-64": {"hidden_layer_sizes": (256, 64)},
    "tanh": {"activation": "tanh"},
    "gelu": {"activation": "gelu"},
    "constant step": {"learning_rate": "constant"},
    "batch 128": {"batch_size": 128},
    "early stopping": {"early_stopping": True},
}


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
    train, test = (
        part.astype(np.float32) for part in (scaler.fit_transform(train), scaler.transform(test))
    )
    pca = PCA(n_components, random_state=seed).fit(train)
    start = time.perf_counter()
    autoencoder = AutoencoderTransformer(n_components, random_state=seed, **params).fit(train)
    seconds = time.perf_counter() - start
    baseline = mse(test, pca.inverse_transform(pca.transform(test)))
    return -autoencoder.score(test) / baseline, seconds, autoencoder.n_iter_


def measure(params, mnist, seeds, only=None):
    """Median ratio and seconds of every data set and code size."""
    results = {}
    for name, X, scaler, sizes in data_sets(mnist):
        if only and name not in only:
            continue
        for size in sizes:
            runs = [
                compare(X, scaler, size, params, seed)
                for seed in range(seeds if len(X) < 5000 else 1)
            ]
            results[f"{name}, {size}"] = [
                statistics.median(column) for column in zip(*runs, strict=True)
            ]
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="MNIST as an .npz file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--candidate", action="append", help="name of a candidate, or JSON")
    args = parser.parse_args()
    for name in args.candidate or CANDIDATES:
        params = CANDIDATES[name] if name in CANDIDATES else json.loads(name)
        results = measure(params, args.mnist, args.seeds)
        print(name, flush=True)
        for row, (ratio, seconds, epochs) in results.items():
            print(f"    {row:22s} {ratio:.3f}  {seconds:.2f} s {epochs:.0f}", flush=True)


if __name__ == "__main__":
    main()
