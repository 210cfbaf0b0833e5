"""The arguments of a fit: what is refused, and the rows that they are."""

import numpy as np

from .._data import TrainingSet
from .._data.contents import asked_contents
from .._data.table import Encoded, checked_features, table_of
from .._data.validation import explaining
from .._sklearn_compat import check_sample_weight
from ._warnings import warn_of_far_rows, warn_of_levels


def checked_rows(estimator, X, X_clean, sample_weight, X_val, *, reset):
    """The `TrainingSet` of what `fit` was given, after all checks.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Number and names of the features are kept in it with ``reset=True``, else compared.
    X : as in `fit`, or Encoded
    X_clean, sample_weight, X_val : as in `fit`
    reset : bool
    """
    missing = estimator.missing == "mask"
    if isinstance(X, Encoded):
        X, estimator._table, estimator.n_features_in_ = X.features, X.table, X.n_columns
    else:
        X = features_of(estimator, X, sample_weight, missing=missing, reset=reset)
    if X_clean is not None:
        X_clean = checked_companion(estimator, X_clean, "X_clean", X, missing=missing)
    if sample_weight is not None:
        with explaining("sample_weight"):
            sample_weight = check_sample_weight(sample_weight, X)
        if not sample_weight.any():
            raise ValueError("sample_weight is zero for every row; some must be positive.")
    data = TrainingSet.from_arrays(X, X_clean, sample_weight, missing=missing)
    if X_clean is not None:
        warn_of_far_rows(data.target, "X_clean", data)
    if X_val is not None:
        data.validation = checked_validation(estimator, X_val, X, X_clean)
        warn_of_far_rows(data.validation.X, "X_val", data)
    return data


def features_of(estimator, X, sample_weight, *, missing, reset):
    """X as the matrix of features that it is trained on; with ``reset=True`` it is described."""
    contents = None
    if reset:
        contents = asked_contents(estimator, X)
        estimator._table = None if contents is None else table_of(contents, sample_weight)
    X = checked_features(estimator, X, "X", missing=missing, contents=contents, reset=reset)
    if contents is not None:
        warn_of_levels(contents, estimator._table, estimator)
    return X


def checked_validation(estimator, X_val, X, X_clean):
    """The `TrainingSet` of the rows to validate on."""
    missing = estimator.missing == "mask"
    is_pair = isinstance(X_val, tuple) and len(X_val) == 2 and np.ndim(X_val[0]) == 2
    if is_pair and X_clean is None:
        raise ValueError("X_val can be a tuple of noisy and clean rows only beside X_clean.")
    pairs = X_clean is not None and isinstance(X_val, tuple) and len(X_val) == 2
    noisy, clean = X_val if pairs else (X_val, None)
    noisy = checked_companion(estimator, noisy, "X_val", X, missing=missing, same_rows=False)
    if clean is not None:
        clean = checked_companion(estimator, clean, "X_val[1]", noisy, missing=missing)
    with explaining("X_val"):
        return TrainingSet.from_arrays(noisy, clean, missing=missing)


def checked_companion(estimator, array, name, X, *, missing, same_rows=True):
    """Another matrix that must match X in its features, and in length where they are pairs."""
    array = checked_features(estimator, array, name, missing=missing)
    if same_rows and array.shape[0] != X.shape[0]:
        raise ValueError(f"{name} must have shape {X.shape} to match X, got {array.shape}.")
    return array
