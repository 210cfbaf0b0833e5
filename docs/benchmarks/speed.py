"""Time skae where people wait: refits, searches, single rows and the import.

Contestants take turns, and ratios are medians over the rounds, because other work on the machine
disturbs single timings. Run it as

    python docs/benchmarks/speed.py [--parts fit search row import]

Parts that are not run stay as they were. The exit status is 1 when a target is missed.
"""

import argparse
import os
import subprocess
import sys
import time
import warnings

os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

from skae import AutoencoderTransformer
from skae._engine import clear_programs, program_info
from skae.exceptions import WorseThanPCAWarning

COLUMNS = {
    "what": "what",
    "value": "value",
    "target": "target (at most)",
    "reached": "reached?",
    "spread": "spread",
}

NOTES = [
    "Fits: digits in [0, 1], 64-32-64, linear code and output, squared error, Adam with step "
    "size 0.001, 50 epochs of batches of 32: one network for all three. `refit` is a fit of a "
    "fresh clone in a process that has fitted that network before; Keras's `fit` is that of a "
    "fresh model on the JAX backend, building and compiling included.",
    "A test loss is the mean squared error on a quarter of the digits that no contestant saw. "
    "Each round has another seed; what the seeds do is in the spread.",
    "The first fit includes the import of Keras and JAX.",
    "Search: 5-fold GridSearchCV over 4 step sizes and 3 alphas, 60 fits of 50 epochs, and with "
    "`refit=True` one more on all rows, by the same program.",
    "PCA's transform of the same rows, in turns with skae's, shows what the machine's other work "
    "does to a 99th percentile.",
    "A spread is the lowest and highest value over the rounds.",
]

N_EPOCHS = 50
BATCH_SIZE = 32
STEP_SIZE = 1e-3


def load_data():
    """Digits scaled to [0, 1] as float32, in training and test rows."""
    X = (load_digits().data / 16).astype(np.float32)
    X = X[np.random.default_rng(0).permutation(len(X))]
    n_test = len(X) // 4
    return X[n_test:], X[:n_test]


def make_autoencoder(**params):
    """Make skae's estimator of the 64-32-64 network."""
    return AutoencoderTransformer(
        32,
        hidden_layer_sizes=(),
        output_activation="identity",
        init="random",
        learning_rate_init=STEP_SIZE,
        learning_rate="constant",
        max_iter=N_EPOCHS,
        batch_size=BATCH_SIZE,
        tol=0.0,
        n_iter_no_change=np.inf,
        **params,
    )


def fit_skae(X_train, seed):
    """Fit a fresh clone; returns a function that reconstructs."""
    return clone(make_autoencoder(random_state=seed)).fit(X_train).reconstruct


def fit_mlp(X_train, seed):
    """Fit scikit-learn's regressor from X to X; returns a function that reconstructs."""
    mlp = MLPRegressor(
        hidden_layer_sizes=(32,),
        activation="identity",
        alpha=0.0,
        learning_rate_init=STEP_SIZE,
        max_iter=N_EPOCHS,
        batch_size=BATCH_SIZE,
        tol=0.0,
        n_iter_no_change=N_EPOCHS + 1,
        random_state=seed,
    )
    return mlp.fit(X_train, X_train).predict


def fit_keras(X_train, seed):
    """Build and fit a fresh Keras model; returns a function that reconstructs."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32), keras.layers.Dense(64)])
    model.compile(optimizer=keras.optimizers.Adam(STEP_SIZE), loss="mse")
    model.fit(X_train, X_train, epochs=N_EPOCHS, batch_size=BATCH_SIZE, verbose=0)
    return lambda X: model.predict(X, verbose=0)


def seconds_of(function, *arguments):
    """Seconds that a call takes, and its result."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def record(what, values, target=None, unit=""):
    """Make a record of the table from the values of the rounds, or from one value."""
    values = np.atleast_1d(np.asarray(values, float))
    value = float(np.median(values))
    spread = f"{values.min():.3g} to {values.max():.3g}" if len(values) > 1 else None
    return {
        "what": what,
        "value": f"{value:.4g} {unit}".strip(),
        "target": target,
        "reached": None if target is None else value <= target,
        "spread": spread,
        "rounds": [float(f"{v:.6g}") for v in values],
    }


def measure_fits(n_rounds=7):
    """Time a refit against MLPRegressor's and Keras's fit, in turns."""
    X_train, X_test = load_data()
    contestants = {"skae": fit_skae, "MLPRegressor": fit_mlp, "Keras": fit_keras}
    seconds, losses = ({name: [] for name in contestants} for _ in range(2))
    clear_programs()
    first, _ = seconds_of(fit_skae, X_train, 0)
    for seed in range(n_rounds):
        for name, fit in contestants.items():
            duration, reconstruct = seconds_of(fit, X_train, seed)
            seconds[name].append(duration)
            error = np.square(np.asarray(reconstruct(X_test), float) - X_test)
            losses[name].append(error.mean())
    ratios = {name: np.divide(seconds["skae"], seconds[name]) for name in contestants}
    yield record("first fit, skae, compiling included", first, unit="s")
    for name in contestants:
        yield record("refit, skae" if name == "skae" else f"fit, {name}", seconds[name], unit="s")
    yield record("refit, skae / MLPRegressor", ratios["MLPRegressor"], 1 / 4)
    yield record("refit, skae / Keras", ratios["Keras"], 1 / 10)
    for name in contestants:
        yield record(f"test loss, {name}", losses[name])


def measure_search():
    """Time a grid search from an empty program store, and count its training programs."""
    X_train, _ = load_data()
    grid = {"learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2], "alpha": [1e-4, 1e-3, 1e-2]}
    for refit in (True, False):
        clear_programs()
        search = GridSearchCV(make_autoencoder(random_state=0), grid, cv=5, refit=refit)
        seconds, _ = seconds_of(search.fit, X_train)
        made = program_info()["made"]["epoch"]
        name = f"search, 12 values, 5 folds, refit={refit}"
        yield record(name, seconds, unit="s")
        yield record(f"{name}: training programs", made, 2)


def measure_row(n_calls=5000):
    """Time transform of one row, in turns with PCA's."""
    X_train, X_test = load_data()
    rows = [row[np.newaxis] for row in X_test]
    fitted = {"skae": make_autoencoder(random_state=0).fit(X_train), "PCA": PCA(32).fit(X_train)}
    milliseconds = {name: [] for name in fitted}
    for i in range(n_calls):
        for name, estimator in fitted.items():
            seconds, _ = seconds_of(estimator.transform, rows[i % len(rows)])
            milliseconds[name].append(1e3 * seconds)
    for name, target in (("skae", 0.3), ("PCA", None)):
        median, late = np.percentile(milliseconds[name][50:], [50, 99])
        yield record(f"transform of one row, {name}, median", median, target, unit="ms")
        yield record(f"transform of one row, {name}, 99th percentile", late, None, unit="ms")


def seconds_of_import(module):
    """Seconds that a fresh process takes to import a module, of which it finds compiled files."""
    code = (
        "import time; start = time.perf_counter()\n"
        f"import {module}; print(time.perf_counter() - start)\n"
        "import sys; print(*{'keras', 'jax', 'matplotlib'} & set(sys.modules))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    seconds, heavy = output.stdout.split("\n")[:2]
    return float(seconds), heavy.split()


def measure_import(n_rounds=15):
    """Time `import skae` against `import sklearn.base`, in turns and in fresh processes."""
    seconds = {"skae": [], "sklearn.base": []}
    heavy = set()
    for module in seconds:
        seconds_of_import(module)  # which compiles its files
    for _ in range(n_rounds):
        for module in seconds:
            duration, loaded = seconds_of_import(module)
            seconds[module].append(duration)
            heavy.update(loaded if module == "skae" else ())
    for module, durations in seconds.items():
        yield record(f"import {module}", durations, unit="s")
    ratios = np.divide(seconds["skae"], seconds["sklearn.base"])
    yield record("import skae / import sklearn.base", ratios, 1.15)
    yield record("keras, jax, matplotlib loaded by import skae", len(heavy), 0)


PARTS = {
    "fit": measure_fits,
    "search": measure_search,
    "row": measure_row,
    "import": measure_import,
}


def main():
    """Run the parts, write the results, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add_output_options(parser, "speed")
    arguments = parser.parse_args()
    for category in (ConvergenceWarning, WorseThanPCAWarning):  # so few epochs are compared
        warnings.simplefilter("ignore", category)
    kept = {} if set(arguments.parts) == set(PARTS) else read_records(arguments.json, "what")
    for part in arguments.parts:
        for new in PARTS[part]():
            kept[new["what"]] = new
            print(markdown_table([new], COLUMNS).splitlines()[-1], flush=True)
        records = list(kept.values())
        write_results(arguments.json, arguments.markdown, "Speed", records, COLUMNS, NOTES)
    missed = [record["what"] for record in records if record["reached"] is False]
    print(f"missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
