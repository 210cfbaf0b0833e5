"""Compare skae's imputation with scikit-learn's imputers on data with values hidden at random.

    python docs/benchmarks/imputation.py

Each imputer is fitted on training rows with values missing, and fills the missing values of test
rows; the error is that on the hidden values. Settings of skae were chosen by

    python docs/benchmarks/imputation.py --choose

which takes validation rows out of the training rows, and never looks at the test rows.
"""

import itertools
import statistics
import time
from dataclasses import dataclass

import numpy as np
from sklearn import datasets
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae.corruption import MaskingNoise

RATES = (0.1, 0.3, 0.5)
"""Shares of the values that are hidden, in training and test rows alike."""

PLAIN = {"n_components": (4, 8, 16), "alpha": (0.0, 0.1, 1.0), "hidden_layer_sizes": ((128,),)}
"""Settings of AutoencoderTransformer that ``--choose`` tries."""

DENOISING = {
    "n_components": (8, 16, 32),
    "alpha": (0.0, 0.1, 1.0),
    "level": (0.2, 0.4),
    "hidden_layer_sizes": ((128,), (512,)),
}
"""Settings of DenoisingAutoencoder that ``--choose`` tries."""


@dataclass(frozen=True)
class Contender:
    """An imputer and the words that describe it in the table."""

    name: str
    imputer: object
    settings: str


def plain(n_components, **params):
    """Autoencoder that leaves missing values out of its loss."""
    return AutoencoderTransformer(n_components, missing="mask", random_state=0, **params)


def denoising(n_components, level, **params):
    """Autoencoder that also fills values it hides itself from the observed ones."""
    masking = MaskingNoise(level, value=float("nan"))
    return DenoisingAutoencoder(
        n_components, corruption=masking, missing="mask", random_state=0, **params
    )


def data_sets():
    """Name, training rows and test rows of each data set."""
    digits, breast_cancer = datasets.load_digits().data / 16, datasets.load_breast_cancer().data
    yield "digits", *train_test_split(digits, random_state=0)
    train, test = train_test_split(breast_cancer, random_state=0)
    scaler = StandardScaler().fit(train)
    yield "breast cancer", scaler.transform(train), scaler.transform(test)


def hide(X, rate, seed):
    """X with NaN in place of a random share of its values."""
    hidden = np.random.default_rng(seed).random(X.shape) < rate
    return np.where(hidden, np.nan, X)


def measure(imputer, train, test, rate, seed):
    """Error on the hidden values of the test rows, and seconds of fit and of imputation."""
    known, incomplete = hide(train, rate, seed), hide(test, rate, seed + 1000)
    start = time.perf_counter()
    imputer.fit(known)
    fitted = time.perf_counter()
    fill = getattr(imputer, "impute", None) or imputer.transform
    filled = fill(incomplete)
    seconds = fitted - start, time.perf_counter() - fitted
    hidden = np.isnan(incomplete)
    return float(np.sqrt(np.square(filled - test)[hidden].mean())), *seconds


def combinations(grid):
    """Dicts of all combinations of the values in `grid`."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def choose():
    """Print the errors of skae's settings on validation rows, best first."""
    makers = [(plain, params) for params in combinations(PLAIN)]
    makers += [(denoising, params) for params in combinations(DENOISING)]
    for data, train, _ in data_sets():
        train, validation = train_test_split(train, random_state=1)
        results = []
        for make, params in makers:
            errors = [measure(make(**params), train, validation, rate, 100)[0] for rate in RATES]
            words = ", ".join(f"{error:.4f}" for error in errors)
            results.append((statistics.mean(errors), f"{words}: {make.__name__} {params}"))
            print(data, results[-1][1], flush=True)
        print(f"{data}, best first\n" + "\n".join(line for _, line in sorted(results)[:12]))
