"""Random combinations of parameters, valid and not."""

import re
import warnings

import numpy as np
from sklearn.base import clone

from skae.architectures import Conv, Dense
from skae.corruption import GaussianNoise, MaskingNoise
from skae.losses import SquaredError

from .subjects import NAMES, USES, data, first_use, subject
from .tally import Tally

PROMISE = "a finite fit, or an error that names the parameter; a constant one only with a warning"

JUNK = (
    None, "", "none", -1, 0, 1, 2.5, -0.1, np.nan, np.inf, -np.inf, 1e300, True, False, (), [], {},
    "auto", b"adam", object(), np.zeros(3), np.float32(0.5), np.int64(2), (1, 2), [0.5, None],
    {1: 2}, lambda x: x, int,
)  # fmt: skip
"""Values that some parameters take and others must refuse by name."""

SENSIBLE = {
    "n_components": (1, 2, 3, 12, 40, 0.5, 0.99, None, np.int64(2)),
    "hidden_layer_sizes": ((), (4,), 4, [3, 2], np.array([4]), (0,), (4.0,), "4"),
    "activation": ("relu", "tanh", "linear", ["relu"], ["relu", "tanh"], "sine"),
    "code_activation": ("identity", "relu", "logistic", "tanh"),
    "output_activation": ("auto", "identity", "logistic", "relu", "softplus"),
    "architecture": (None, Dense((4,)), Dense((4,), normalization="batch"), Conv((3, 4), (2,)),
                     Dense, Dense((4,), tied=True), Conv((4, 4), (2,))),
    "loss": ("squared_error", "absolute_error", "binary_crossentropy", SquaredError(), "hinge"),
    "alpha": (0, 1e-4, 10.0, "auto", np.float32(0.1)),
    "weight_penalty": ("l1", "l2", "weight_elimination"),
    "solver": ("adam", "sgd", "rmsprop", "lbfgs"),
    "learning_rate_init": (1e-12, 1e-3, 1, 1e6, 1e30),
    "learning_rate": ("constant", "cosine", "adaptive"),
    "batch_size": (1, 7, 80, 1000, "auto", np.int32(8)),
    "max_iter": (1, 3, np.int64(2)),
    "tol": (0, 1e-3, 1e300),
    "early_stopping": (True, np.True_),
    "validation_fraction": (1e-9, 0.5, 0.999999),
    "n_iter_no_change": (1, np.inf),
    "warm_start": (True,),
    "init": ("pca", "random"),
    "pretraining": ("layerwise", None),
    "missing": ("error", "mask"),
    "column_weights": (np.ones(12), np.arange(12), [1] * 11, np.zeros(12), {0: 2.0}, {99: 1.0}),
    "trim_fraction": (0, 0.1, 0.49, 0.5),
    "random_state": (0, 2**32 - 1, 2**32, np.random.RandomState(0), np.random.default_rng(0)),
    "verbose": (0,),
    "corruption": ("gaussian", "masking", MaskingNoise(0.2), GaussianNoise(-1), [], ["masking"]),
    "corruption_level": (0, 0.5, (0.1, 0.5), (0.5, 0.1), [1]),
    "sparsity": ("l1", "kl"),
    "sparsity_weight": (0, 1e-3, 1e6),
    "sparsity_target": (1e-9, 0.5, 1),
    "contraction": (0, 1.0, 1e9),
    "likelihood": ("gaussian", "bernoulli"),
    "noise_variance": ("learned", "auto", 0.1, 1e-30, 1e30),
    "beta": (0, 1, 1e6),
    "kl_warmup": (0, 1, 1000),
    "contamination": ("auto", 0.1, 0.5, 0.9),
    "class_weight": ("balanced", {0: 1, 1: 2, 2: 1}, {7: 1}),
    "spread_labels": (True, False, "auto"),
    "sample_posterior": (True, False),
    "add_indicator": (True, False),
    "keep_empty_features": (True, False),
}  # fmt: skip

QUIET = ("verbose",)
"""Parameters that are not set to what makes an estimator print."""


def campaign(n_cases=500, seed=0):
    """Fit random combinations of every estimator."""
    generator, tally = np.random.default_rng(seed), Tally()
    for number in range(n_cases):
        name = NAMES[number % len(NAMES)]
        estimator = subject(name)
        one_case(name, estimator, drawn(generator, estimator), tally)
    return tally


def drawn(generator, estimator):
    """One to four parameters of an estimator, or of the autoencoder in it, with random values."""
    names = sorted(set(estimator.get_params()) - {"estimator", *QUIET})
    names = [name for name in names if name.rsplit("__", 1)[-1] in SENSIBLE]
    chosen = generator.choice(names, size=generator.integers(1, 5), replace=False)
    return {str(name): value_for(generator, name.rsplit("__", 1)[-1]) for name in chosen}


def value_for(generator, name):
    """A value for a parameter, out of what it may be meant to take or, one in four, of junk."""
    values = JUNK if generator.random() < 0.25 else SENSIBLE[name]
    return values[generator.integers(len(values))]


def one_case(name, estimator, params, tally):
    """Fit one combination, and judge what came of it."""
    X, y = data()
    case = f"{name}(**{params!r})"
    names = [parameter.rsplit("__", 1)[-1] for parameter in params]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator.set_params(**params).fit(X, y)
            result = USES[first_use(estimator)](estimator, X)
        except (ValueError, TypeError) as error:
            if any(re.search(rf"(\b|__){name}\b", str(error)) for name in [*names, "X"]):
                tally.note("refused by name")
            else:
                tally.fault("an error that names no parameter", f"{case}: {error!r}")
            return
        except Exception as error:
            tally.fault("another exception", f"{case}: {error!r}")
            return
    result = np.asarray(result, float)
    if not np.isfinite(result).all():
        tally.fault("not finite", case)
    elif np.ptp(result, axis=0).max() == 0 and not caught:
        tally.fault("a silent constant", case)
    else:
        tally.note("fitted with a warning" if caught else "fitted")
        check_clone(estimator, case, tally)


def check_clone(estimator, case, tally):
    """Hold what every fitted estimator promises: a clone has its parameters."""
    try:
        clone(estimator)
    except Exception as error:
        tally.fault("no clone", f"{case}: {error!r}")
