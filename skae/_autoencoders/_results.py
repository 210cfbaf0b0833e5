"""Results of methods: their type, whether they are finite, and what they will be like.

Functions that end in `_like` give results like those of a method for rows that are not computed
yet; see `by_rows`.
"""

import numpy as np

from .._sklearn_compat import in_container


def floating_type(X):
    """The floating type in which results for X are given."""
    return np.float32 if X.dtype in (np.float32, np.float16) else np.float64


def check_computed(result, name):
    """Return codes or reconstructions if they are finite."""
    if not np.isfinite(result).all():
        raise ValueError(
            f"X holds values so far from those of the training that their {name} is infinite in "
            "single precision. Remove such rows, or scale the data."
        )
    return result


def code_like(estimator, X):
    """Codes of some rows."""
    code = np.empty((len(X), estimator._n_features_out), estimator._floating_type(X))
    return in_container(estimator, code, X, estimator.get_feature_names_out())


def features_of_codes_like(estimator, X):
    """Reconstructions of some codes."""
    return estimator._frame(
        estimator._decode(np.zeros(X.shape, floating_type(estimator._check_codes(X)))), X
    )


def features_like(estimator, X):
    """Reconstructions of some rows."""
    code = np.zeros((len(X), estimator._n_features_out), estimator._floating_type(X))
    return estimator._frame(estimator._decode(code), X)


def error_like(estimator, X, *, per_feature=False):
    """Reconstruction errors of some rows."""
    estimator._floating_type(X)  # checks X
    if not per_feature:
        return np.empty(len(X))
    error = np.empty((len(X), estimator.n_features_in_))
    return in_container(estimator, error, X, estimator._feature_names())
