"""Compare AutoencoderImputer with other imputers on tables with values hidden.

    python docs/benchmarks/imputation.py --tables FOLDER

FOLDER holds .npz files with an array `X`; scikit-learn's tables are there anyway. Each is split
3 : 1 and standardised by its complete training rows. An imputer is fitted on training rows
with values hidden, and fills those of test rows; the error is that on the hidden values.

    python docs/benchmarks/imputation.py --tables FOLDER --choose

prints the errors of other settings of AutoencoderImputer on validation rows out of the training
rows; the test rows are never looked at.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderImputer, DenoisingAutoencoder, VariationalAutoencoder
from skae.corruption import MaskingNoise

SETTINGS = (("at random", 0.1), ("at random", 0.3), ("at random", 0.5), ("not at random", 0.3))
"""How values are hidden, and which share of them."""

MOST_ROWS, WIDE = 1000, 40
"""Random rows that are taken of larger tables; and from how many features on IterativeImputer
regresses on 20 of the others, for 5 rounds."""

N_DRAWS, INTERVAL = 100, (0.05, 0.95)
"""Draws of which intervals are made, and their ends."""

WORSE = 1.02
"""Ratio to another imputer's error from which ours is clearly worse."""

COLUMNS = {
    "imputer": "imputer",
    "rank": "mean rank",
    **{f"{kind} {share}": f"RMSE, {share:.0%} {kind}" for kind, share in SETTINGS},
    "coverage": "coverage of 90 % intervals",
    "seconds": "seconds of a fit",
}

NOTES = [
    "RMSE on the hidden values of the test rows, in standard deviations of the complete training "
    "rows: means over the tables and seeds; a seed decides on the split and on what is hidden. "
    "Ranks are of the imputers on each table and setting, 1 the best; means over all of them. "
    "Seconds are the median over tables and settings, with compiling where a program is new.",
    "Not at random: the larger a value is among those of its feature, the likelier it is hidden.",
    "KNNImputer takes 10 neighbours by distance. IterativeImputer takes scikit-learn's defaults, "
    f"but of more than {WIDE} features 20 others at a time and 5 rounds. With random forests, "
    "which are slow, these have 10 trees and there are 3 rounds. The denoising autoencoder, like "
    "MIDASpy's, is DenoisingAutoencoder(0.99, hidden_layer_sizes=(256,), "
    "corruption=MaskingNoise(0.2, value=nan), missing='mask') and its `impute`.",
]


def iterative(X, estimator=None, **params):
    """An IterativeImputer, limited where there are many features."""
    limits = {"n_nearest_features": 20, "max_iter": 5} if X.shape[1] > WIDE else {}
    return IterativeImputer(estimator, random_state=0, **{**limits, **params})


def forest(X):
    """Regressions by random forests, in three rounds, as missForest's."""
    return iterative(X, RandomForestRegressor(10, max_features="sqrt", random_state=0), max_iter=3)


def denoising(X):
    """The autoencoder that hides values of its own, which are filled by means."""
    return DenoisingAutoencoder(
        0.99,
        hidden_layer_sizes=(256,),
        corruption=MaskingNoise(0.2, value=np.nan),
        missing="mask",
        random_state=0,
    )


CONTENDERS = {
    "AutoencoderImputer": lambda X: AutoencoderImputer(random_state=0),
    "IterativeImputer, Bayesian ridge": iterative,
    "IterativeImputer, random forest": forest,
    "KNNImputer": lambda X: KNNImputer(n_neighbors=10, weights="distance"),
    "denoising autoencoder": denoising,
    "SimpleImputer": lambda X: SimpleImputer(),
}
"""Functions of training rows that give an imputer."""


def variational(X):
    """AutoencoderImputer with a variational autoencoder."""
    return AutoencoderImputer(VariationalAutoencoder(0.95, max_iter=20), random_state=0)


def denoiser(**params):
    """AutoencoderImputer with other settings of the default autoencoder."""
    params = {"n_components": 0.99, "hidden_layer_sizes": (256,), "max_iter": 20} | params
    return lambda X: AutoencoderImputer(DenoisingAutoencoder(**params), random_state=0)


CANDIDATES = {
    "default": CONTENDERS["AutoencoderImputer"],
    "40 epochs": denoiser(max_iter=40),
    "width 512": denoiser(hidden_layer_sizes=(512,)),
    "width 128": denoiser(hidden_layer_sizes=(128,)),
    "two layers": denoiser(hidden_layer_sizes=(256, 128)),
    "0.95 of the variance": denoiser(n_components=0.95),
    "variational": variational,
}
"""Settings that ``--choose`` compares."""


def tables(folder, most_features):
    """Name and rows of each table, without features that do not vary in its training rows."""
    for name in ("breast_cancer", "diabetes", "digits", "wine"):
        yield name, getattr(datasets, f"load_{name}")().data
    for path in sorted(folder.glob("*.npz")) if folder else ():
        with np.load(path) as file:
            X = file["X"].astype(float)
        if X.shape[1] <= most_features:
            rows = np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]
            yield path.stem, X[rows]


def split(X, seed):
    """Standardised training and test rows, without features that do not vary in training."""
    train, test = train_test_split(X, random_state=seed)
    varies = train.std(axis=0) > 0
    scaler = StandardScaler().fit(train[:, varies])
    return scaler.transform(train[:, varies]), scaler.transform(test[:, varies])


def hide(X, kind, share, seed):
    """X with NaN in place of a share of its values."""
    probability = share
    if kind == "not at random":
        probability = np.clip(2 * share * rankdata(X, axis=0) / len(X), 0, 1)
    hidden = np.random.default_rng(seed).random(X.shape) < probability
    return np.where(hidden, np.nan, X)


def measured(make, train, test, kind, share, seed):
    """Error, seconds of the fit and coverage of the intervals of one imputer."""
    known, incomplete = hide(train, kind, share, seed), hide(test, kind, share, seed + 1000)
    imputer, start = make(train), time.perf_counter()
    imputer.fit(known)
    seconds = time.perf_counter() - start
    filled = getattr(imputer, "impute", imputer.transform)(incomplete)
    hidden = np.isnan(incomplete)
    error = np.sqrt(np.square(filled - test)[hidden].mean())
    return float(error), seconds, coverage(imputer, incomplete, test)


def coverage(imputer, incomplete, test):
    """Share of the hidden values within the intervals of an imputer's draws, if it draws."""
    if not isinstance(imputer, AutoencoderImputer):
        return np.nan
    low, high = np.quantile(imputer.sample(incomplete, N_DRAWS, random_state=0), INTERVAL, axis=0)
    return float(((low <= test) & (test <= high))[np.isnan(incomplete)].mean())


def choose(data):
    """Print the mean errors of candidates on validation rows, by table."""
    for name, X in data:
        train, _ = split(X, 0)
        train, validation = train_test_split(train, random_state=1)
        for candidate, make in CANDIDATES.items():
            found = [
                measured(make, train, validation, kind, share, 100) for kind, share in SETTINGS
            ]
            errors = ", ".join(f"{error:.4f}" for error, *_ in found)
            print(f"{name:14} {candidate:22} {errors}  {found[-1][1]:.1f} s", flush=True)


def with_ranks(records):
    """The records, each with the mean rank of its imputer among those that have been run."""
    by_case = [set(record["errors"]) for record in records.values()]
    cases = sorted(set.intersection(*by_case))
    errors = np.array([[record["errors"][case] for case in cases] for record in records.values()])
    ranks = rankdata(errors, axis=0).mean(axis=1)
    for record, rank in zip(records.values(), ranks, strict=True):
        record["rank"] = f"{rank:.2f}"
    return list(records.values())


def compared(make, data, n_seeds):
    """The record of one imputer."""
    errors, seconds, covered = {}, [], []
    for name, X in data:
        for kind, share in SETTINGS:
            runs = [measured(make, *split(X, seed), kind, share, seed) for seed in range(n_seeds)]
            error, own, coverages = np.transpose(runs)
            errors[f"{name}, {share:.0%} {kind}"] = round(float(error.mean()), 4)
            seconds.extend(own)
            covered.extend(coverages)
    record = {"seconds": f"{np.median(seconds):.2f}"}
    if not np.isnan(covered).all():
        record["coverage"] = f"{np.mean(covered):.3f} ({min(covered):.3f} to {max(covered):.3f})"
    for kind, share in SETTINGS:
        own = [error for case, error in errors.items() if case.endswith(f" {share:.0%} {kind}")]
        record[f"{kind} {share}"] = f"{np.mean(own):.4f}"
    return {**record, "errors": errors}


def beside(records, ours="AutoencoderImputer"):
    """A note for each other imputer: how often ours is better, and where it is clearly worse."""
    if ours not in records:
        return
    errors = records[ours]["errors"]
    for name, record in records.items():
        if name == ours:
            continue
        others = record["errors"]
        ratio = {case: errors[case] / others[case] for case in errors if case in others}
        n_better = sum(value < 1 for value in ratio.values())
        worse = [f"{case}: {value:.2f}" for case, value in ratio.items() if value > WORSE]
        yield (
            f"{ours} is better than {name} in {n_better} of {len(ratio)} cases, and has over "
            f"{WORSE} times its error in {len(worse)}{': ' * bool(worse)}{'; '.join(worse)}."
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--imputers", nargs="+", help="those to run anew; all without it")
    parser.add_argument("--most-features", type=int, default=64, help="leave out wider tables")
    parser.add_argument("--choose", action="store_true", help="compare settings, write nothing")
    add_output_options(parser, "imputation")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    data = list(tables(args.tables, args.most_features))
    if args.choose:
        choose(data)
        return
    names = ", ".join(dict(data))
    notes = [*NOTES, f"{len(data)} tables of up to {MOST_ROWS} rows: {names}. Seeds: {args.seeds}."]
    records = read_records(args.json, "imputer") if args.imputers else {}
    for name, make in CONTENDERS.items():
        if args.imputers and name not in args.imputers:
            continue
        records[name] = {"imputer": name, **compared(make, data, args.seeds)}
        ranked = with_ranks(records)
        print(markdown_table(ranked, COLUMNS), flush=True)
        shown = [*notes, *beside(records)]
        write_results(args.json, args.markdown, "Imputation", ranked, COLUMNS, shown)


if __name__ == "__main__":
    main()
