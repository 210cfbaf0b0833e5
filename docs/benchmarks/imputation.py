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

import numpy as np
from sklearn import datasets
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae.corruption import MaskingNoise

RATES = (0.1, 0.3, 0.5)
"""Shares of the values that are hidden, in training and test rows alike."""

GRIDS = {
    "digits": {
        "plain": {"n_components": (4, 8, 16), "alpha": (0.0, 1.0)},
        "denoising": {
            "n_components": (16, 32, 64),
            "level": (0.2, 0.3, 0.4),
            "hidden_layer_sizes": ((512,),),
        },
        "nearest": {"n_neighbors": (2, 5, 10, 20), "weights": ("uniform", "distance")},
        "iterative": {"n_nearest_features": (10, 20), "max_iter": (5,)},
    },
    "breast cancer": {
        "plain": {"n_components": (4, 8, 16), "alpha": (0.0, 1.0, 10.0)},
        "denoising": {
            "n_components": (4, 8, 16),
            "level": (0.2, 0.4),
            "alpha": (0.3, 3.0, 10.0, 30.0),
        },
        "nearest": {"n_neighbors": (2, 5, 10, 20), "weights": ("uniform", "distance")},
        "iterative": {"n_nearest_features": (10, None), "max_iter": (10, 20)},
    },
}
"""Settings that ``--choose`` tries, by data set and maker."""


def plain(n_components, **params):
    """Autoencoder that leaves missing values out of its loss."""
    return AutoencoderTransformer(n_components, missing="mask", random_state=0, **params)


def denoising(n_components, level, **params):
    """Autoencoder that also fills values it hides itself from the observed ones."""
    masking = MaskingNoise(level, value=float("nan"))
    return DenoisingAutoencoder(
        n_components, corruption=masking, missing="mask", random_state=0, **params
    )


def nearest(**params):
    """Mean of the nearest training rows."""
    return KNNImputer(**params)


def iterative(**params):
    """Round after round of regressions of each feature on others."""
    return IterativeImputer(random_state=0, **params)


MAKERS = {maker.__name__: maker for maker in (plain, denoising, nearest, iterative)}


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
    """Print the errors of each maker's settings on validation rows, best first."""
    for data, train, _ in data_sets():
        train, validation = train_test_split(train, random_state=1)
        for name, grid in GRIDS[data].items():
            results = []
            for params in combinations(grid):
                imputer = MAKERS[name](**params)
                errors = [measure(imputer, train, validation, rate, 100)[0] for rate in RATES]
                words = ", ".join(f"{error:.4f}" for error in errors)
                results.append((statistics.mean(errors), f"{words}  {name} {params}"))
            print(data, *(line for _, line in sorted(results)), sep="\n    ", flush=True)


if __name__ == "__main__":
    choose()
