"""Checks of arguments, data and codes that scikit-learn's own do not make, and their messages."""

import math
import re
import warnings
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

BLOCK_ROWS = 4096
"""Rows that are looked at together where a whole matrix of results is not needed."""


@contextmanager
def naming(argument):
    """Make the rejections of scikit-learn's checks name the argument where they do not."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if re.search(rf"\b{re.escape(argument)}", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{argument}: {error}") from error


def finiteness(missing):
    """What scikit-learn's checks take as `ensure_all_finite` where NaN may mark missing values."""
    return "allow-nan" if missing else True


def surely_in_range(X):
    """Whether one sum shows that a matrix has no NaN nor a value beyond single precision.

    The root of the sum of squares is no less than any magnitude. A false result shows nothing.
    scikit-learn's sum and the comparisons of `check_float32_range` take several times as long.
    """
    values = X.reshape(-1) if X.flags.c_contiguous else X.T.reshape(-1)
    return math.sqrt(np.vdot(values, values)) <= float(np.finfo(np.float32).max)


def check_float32_range(X, name):
    """Return X if its values are finite in single precision."""
    if X.dtype.itemsize > 4 and X.dtype.kind == "f":
        values = X.data if sparse.issparse(X) else X
        limit = np.finfo(np.float32).max
        if values.size and (_highest(values) > limit or _lowest(values) < -limit):
            raise ValueError(
                f"{name} contains values too large for dtype('float32'), which the network "
                "computes in. Scale the data."
            )
    return X


def check_like(array, name, X, *, missing, same_rows=True):
    """Check another matrix that must match X in width, and in length where they are pairs."""
    with naming(name):
        array = check_array(
            array,
            accept_sparse=("csr", "csc"),
            dtype="numeric",
            ensure_all_finite=finiteness(missing),
            input_name=name,
        )
    if array.shape[1] != X.shape[1] or (same_rows and array.shape[0] != X.shape[0]):
        expected = f"({X.shape[0] if same_rows else 'n_samples'}, {X.shape[1]})"
        raise ValueError(f"{name} must have shape {expected} to match X, got {array.shape}.")
    return check_float32_range(array, name)


def value_range(rows):
    """Lowest and highest value of the rows, NaN left out, read in blocks."""
    low, high = np.inf, -np.inf
    for start in range(0, rows.n_rows, BLOCK_ROWS):
        part = rows.part(slice(start, start + BLOCK_ROWS))
        low, high = min(low, _lowest(part)), max(high, _highest(part))
    return float(low), float(high)


def _lowest(array):
    return np.fmin.reduce(array, axis=None)


def _highest(array):
    return np.fmax.reduce(array, axis=None)


def check_unit_interval(loss, low, high, output_activation):
    """Refuse data or outputs outside [0, 1] for a loss that is a cross-entropy."""
    if low < 0 or high > 1:
        raise ValueError(
            f"{loss} needs data in [0, 1], but they range from {low:.6g} to {high:.6g}. Scale "
            "them with MinMaxScaler(clip=True), or take a squared error."
        )
    if output_activation not in ("logistic", "sigmoid"):
        raise ValueError(
            f"{loss} needs output_activation='logistic' or 'auto', got {output_activation!r}."
        )


def warn_of_wide_code(objective, training):
    """Warn of a code that could simply be a copy of the input."""
    n_units, n_features = training.graph.n_code_features, training.recipe.n_features
    if n_units > n_features and not objective.constrains_code:
        warnings.warn(
            f"The code has {n_units} units, more than the {n_features} features of X, and nothing "
            "else constrains it, so it may become a copy of the input. Take a smaller "
            "n_components, or a denoising, sparse, contractive or variational autoencoder.",
            UserWarning,
            stacklevel=4,
        )


def warn_of_constant_units(network, X):
    """Warn of code units that do not vary over the training data, which carry nothing."""
    first, varies = None, np.zeros(network.n_code_features, bool)
    for start in range(0, X.n_rows, BLOCK_ROWS):
        part = X.subset(np.arange(start, min(start + BLOCK_ROWS, X.n_rows)))
        code = network.encode(part, np.empty((part.n_rows, len(varies)), np.float32))
        first = code[0] if first is None else first
        varies |= (code != first).any(axis=0)
        if varies.all():
            return
    if X.n_rows > 1:
        constant = np.flatnonzero(~varies)
        some = ", ".join(map(str, constant[:10])) + (", ..." if len(constant) > 10 else "")
        warnings.warn(
            f"{len(constant)} of {len(varies)} code units (numbers {some}) are constant over the "
            "training data and carry nothing. Scale the data, take code_activation='identity' or "
            "another activation than 'relu', or a smaller learning_rate_init or alpha.",
            UserWarning,
            stacklevel=4,
        )
