"""A grid search one fit after another, in workers, and with many networks in one program.

    python docs/benchmarks/population.py

The digits, 16 candidates that share a network, four folds. All ways are run in turns;
the seconds are medians of the rounds, and begin with an empty cache of programs.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from _report import add_output_options, write_results
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skae import AutoencoderTransformer, PopulationSearchCV
from skae._engine import clear_programs, devices, networks_at_once

GRID = {"learning_rate_init": [1e-3, 2e-3, 3e-3, 5e-3], "alpha": [0.0, 1e-5, 1e-4, 1e-3]}
HIDDEN = (32, 128)
N_NETWORKS = {"cpu": (4, 16), "gpu": (16,)}
WORKERS = {
    "cpu": {"serial": None, "2 processes": "loky", "2 threads": "threading"},
    "gpu": {"serial": None},
}

COLUMNS = {
    "hidden": "hidden units",
    "epochs": "epochs",
    "way": "way",
    "seconds": "seconds",
    "gain": "over serial",
    "difference": "largest relative difference of mean test scores",
}


def autoencoder(hidden, n_epochs):
    """One that trains for the same number of epochs whatever its parameters."""
    return AutoencoderTransformer(
        8, hidden_layer_sizes=(hidden,), max_iter=n_epochs, tol=0, random_state=0
    )


def in_workers(estimator, backend, X):
    """scikit-learn's search."""
    search = GridSearchCV(estimator, GRID, cv=4, refit=False)
    if backend is None:
        return search.fit(X)
    with parallel_config(backend, n_jobs=2):
        return search.fit(X)


def ways():
    """The name of each way, and a function of estimator and data that searches."""
    platform = "cpu" if networks_at_once() == 1 else "gpu"
    for name, backend in WORKERS[platform].items():
        yield name, lambda estimator, X, backend=backend: in_workers(estimator, backend, X)
    yield "PopulationSearchCV", lambda estimator, X: population(estimator, "auto", X)
    for n in N_NETWORKS[platform]:
        yield (
            f"PopulationSearchCV, n_networks={n}",
            lambda estimator, X, n=n: population(estimator, n, X),
        )


def population(estimator, n_networks, X):
    """The search of skae."""
    search = PopulationSearchCV(estimator, GRID, cv=4, refit=False, n_networks=n_networks)
    return search.fit(X)


def measured(hidden, X, n_epochs, n_rounds):
    """A record for each way."""
    seconds, scores = {}, {}
    for _ in range(n_rounds):
        for name, search in ways():
            clear_programs()
            start = time.perf_counter()
            found = search(autoencoder(hidden, n_epochs), X)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            scores[name] = found.cv_results_["mean_test_score"]
            print(hidden, n_epochs, name, seconds[name][-1], flush=True)
    medians = {name: statistics.median(all_) for name, all_ in seconds.items()}
    for name, median in medians.items():
        yield {
            "hidden": hidden,
            "epochs": n_epochs,
            "way": name,
            "seconds": median,
            "gain": medians["serial"] / median,
            "difference": float(np.max(np.abs(scores[name] / scores["serial"] - 1))),
        }


def main():
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, nargs="+", default=[30, 100])
    add_output_options(parser, "population")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    X = load_digits().data
    records = [
        row
        for hidden in HIDDEN
        for n_epochs in args.epochs
        for row in measured(hidden, X, n_epochs, args.rounds)
    ]
    notes = [
        f"{len(X)} rows, 64 fits, medians of {args.rounds} rounds; compiling is in each. "
        f"Programs ran on {', '.join(devices())}.",
        "What many networks in one program bring to the epoch alone, on a GPU: "
        "[a GPU](accelerator.md).",
    ]
    write_results(args.json, args.markdown, "Searches", records, COLUMNS, notes)
    print(args.markdown.read_text())


if __name__ == "__main__":
    main()
