"""Compare AutoencoderTransformer's defaults with PCA on tables, raw and scaled.

    python docs/benchmarks/tables.py --tables FOLDER

FOLDER holds .npz files with an array `X` each; without it, the data sets that scikit-learn brings
and some that are made up are used alone. Each is split 75 : 25, and encoded with a quarter as many
units as it has columns, from 2 to 8. The table holds the mean squared error on the test rows over
PCA's, the mean over seeds of the split and of the network. Below 1 the autoencoder is better.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _report import add_output_options, write_results
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from skae import AutoencoderTransformer

SCALERS = {
    "raw": FunctionTransformer(),
    "standardised": StandardScaler(),
    "min-max": MinMaxScaler(),
}


def data_sets(folder):
    """Name, data and code size of each data set: a quarter of its columns if none is given."""
    for name, X, size in _data_sets(folder):
        yield name, X, size or int(np.clip(X.shape[1] // 4, 2, 8))


def _data_sets(folder):
    for path in sorted(folder.glob("*.npz")) if folder else ():
        with np.load(path) as file:
            yield path.stem, file["X"].astype(np.float64), None
    for name in ("wine", "breast_cancer", "diabetes", "iris", "digits"):
        yield name, getattr(datasets, f"load_{name}")().data, None
    rng = np.random.RandomState(0)
    roll = datasets.make_swiss_roll(1000, random_state=0)[0]
    yield "swiss roll in 20 columns", lifted(roll, 20, 0.05, rng), 2
    curve = datasets.make_s_curve(1000, random_state=0)[0]
    yield "S curve in 50 columns", lifted(curve, 50, 0.05, rng), 2
    yield "torus in 15 columns", lifted(torus(1000, rng), 15, 0.02, rng), 2
    yield "5 factors and noise, 400 x 40", lifted(rng.normal(size=(400, 5)), 40, 0.5, rng), 5
    yield "4 factors and noise, 200 x 60", lifted(rng.normal(size=(200, 4)), 60, 0.7, rng), 4


def lifted(X, n_columns, noise, rng):
    """Random linear mixtures of columns, and normal noise."""
    mixtures = X @ rng.normal(size=(X.shape[1], n_columns))
    return mixtures + noise * rng.normal(size=mixtures.shape)


def torus(n_rows, rng):
    """Points on a torus of radii 2 and 1."""
    a, b = rng.uniform(0, 2 * np.pi, size=(2, n_rows))
    return np.column_stack([(2 + np.cos(a)) * np.cos(b), (2 + np.cos(a)) * np.sin(b), np.sin(a)])


def ratio(X, scaler, n_components, seed):
    """Test error of the autoencoder over that of PCA."""
    train, test = train_test_split(X, random_state=seed)
    train = scaler.fit_transform(train)
    test = scaler.transform(test)
    pca = PCA(n_components, random_state=seed).fit(train)
    error = np.square(test - pca.inverse_transform(pca.transform(test))).mean()
    autoencoder = AutoencoderTransformer(n_components, random_state=seed).fit(train)
    return -autoencoder.score(test) / error


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    parser.add_argument("--seeds", type=int, default=3)
    add_output_options(parser, "tables")
    args = parser.parse_args()
    records, start = [], time.perf_counter()
    for name, X, size in data_sets(args.tables):
        record = {"data": f"{name}, {size}"}
        for scaling, scaler in SCALERS.items():
            ratios = [ratio(X, scaler, size, seed) for seed in range(args.seeds)]
            record[scaling] = f"{np.mean(ratios):.3f}"
        records.append(record)
        print(*record.values(), flush=True)
    ratios = {scaling: np.array([float(r[scaling]) for r in records]) for scaling in SCALERS}
    means = {scaling: f"{np.exp(np.log(r).mean()):.3f}" for scaling, r in ratios.items()}
    records.append({"data": "geometric mean", **means})
    records.append({"data": "worst", **{s: f"{r.max():.3f}" for s, r in ratios.items()}})
    notes = [
        "Test error of AutoencoderTransformer with its defaults over that of PCA with the same "
        "code size, which stands behind the name; below 1 the autoencoder is better. Mean of "
        f"{args.seeds} seeds of split and network. {time.perf_counter() - start:.0f} s in all.",
    ]
    columns = {column: column for column in records[0]}
    write_results(args.json, args.markdown, "Tables", records, columns, notes)


if __name__ == "__main__":
    main()
