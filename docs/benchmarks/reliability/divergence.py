"""Data and step sizes with which training cannot work."""

import warnings

import numpy as np

from .subjects import AUTOENCODERS, SMALL, data
from .tally import Tally

PROMISE = "an error or a warning; never NaN in a fitted estimator"


def campaign(seed=0):
    """Fit every autoencoder to hopeless data, and with hopeless step sizes."""
    X, tally = data()[0], Tally()
    one = np.zeros_like(X)
    one[0, 0] = 1.0
    cases = {
        "data of 1e30": (1e30 * X, {}), "data of 1e-30": (1e-30 * X, {}),
        "data about 1e30": (X + 1e30, {}), "constant columns": (np.ones_like(X), {}),
        "zeros": (np.zeros_like(X), {}), "one value": (one, {}), "one row": (X[:1], {}),
        "two equal rows": (np.repeat(X[:1], 2, 0), {}), "one column": (X[:, :1], {}),
        "one huge column": (X * np.r_[1e20, np.ones(11)], {}),
        "step 1e6": (X, {"learning_rate_init": 1e6}),
        "step 1e30": (X, {"learning_rate_init": 1e30}),
        "step 1e6, sgd": (X, {"learning_rate_init": 1e6, "solver": "sgd", "max_iter": 20}),
        "step 1e6, 1e30": (1e30 * X, {"learning_rate_init": 1e6}),
        "step 1e-30": (X, {"learning_rate_init": 1e-30}),
        "alpha 1e30": (X, {"alpha": 1e30}),
    }  # fmt: skip
    expected = ("step 1e6", "step 1e30", "step 1e6, sgd", "step 1e6, 1e30", "alpha 1e30")
    for name, cls in AUTOENCODERS.items():
        for init in ("pca", "random"):
            for case, (rows, params) in cases.items():
                estimator = cls(**{**SMALL, "init": init, **params})
                one_case(estimator, rows, f"{name}, {init}, {case}", case in expected, tally)
    return tally


def one_case(estimator, X, case, must_speak, tally):
    """Fit one, and look for what is not finite, or useless without a word."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator.fit(X)
        except ValueError:
            tally.note("an error")
            return
        except Exception as error:
            tally.fault("another exception", f"{case}: {error!r}")
            return
    network = estimator._network
    arrays = [*network.trainable, *network.fixed, estimator.transform(X), estimator.reconstruct(X)]
    arrays += [np.asarray(estimator.loss_curve_)]
    share = estimator.explained_variance(X)
    if not all(np.isfinite(array).all() for array in arrays):
        tally.fault("not finite", case)
    elif must_speak and not caught and share < 0:
        tally.fault("worse than the means, without a word", f"{case}: {share:.3g}")
    else:
        tally.note("a warning" if caught else "a finite fit")
