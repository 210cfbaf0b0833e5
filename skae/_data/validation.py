"""Checks of arguments and data that scikit-learn's own do not make, and their messages."""

import math
import re
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .statistics import highest, lowest

LARGEST = 1e150
"""Largest magnitude of data: sums of squares of such are finite."""


@contextmanager
def explaining(name, X=None, *, refit=False):
    """Make the rejections of scikit-learn's checks name the argument, and say what to do.

    Parameters
    ----------
    name : str
        Name of the argument.
    X : array-like, default=None
        The argument, where it is a matrix.
    refit : bool, default=False
        Whether ``missing="mask"`` is set, but was not when the network was trained.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        message = _explained(str(error), name, X, refit)
        if message == str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(message) from error


def _explained(message, name, X, refit):
    if X is not None and (other := _first_other(X)) is not None:
        column, value = other
        return (
            f"{name} has columns that are no numbers: column {column!r} holds {value!r}. If it "
            "holds categories, give it a categorical type or name it in categorical_features; else "
            f"leave it out. ({message.splitlines()[0]})"
        )
    if "NAType" in message:
        return (
            f"{name} holds pandas.NA in a column of type object. Give the column a type that knows "
            "missing values: X.convert_dtypes()."
        )
    if X is not None and "contains NaN" in message:
        way = "Fit anew, now that missing='mask' is set," if refit else "Set missing='mask'"
        return (
            f"{name} contains NaN. {way} to treat NaN as missing values, which the loss leaves "
            "out, or replace them first, for instance by SimpleImputer."
        )
    return message if re.search(rf"\b{re.escape(name)}", message) else f"{name}: {message}"


def _first_other(X):
    """The first column of X that holds something else than numbers, and what; None if none does."""
    if sparse.issparse(X):
        return None
    if hasattr(X, "iloc") and hasattr(X, "columns"):  # by position, as names may be there twice
        columns = ((name, X.iloc[:, number]) for number, name in enumerate(X.columns))
    elif hasattr(X, "columns"):
        columns = ((name, X[name]) for name in X.columns)
    else:
        try:
            X = np.asarray(X)
        except ValueError:  # of rows of different length
            return None
        columns = enumerate(X.T) if X.dtype.kind in "OUSM" and X.ndim == 2 else ()
    found = ((name, value) for name, column in columns for value in column if not _is_number(value))
    return next(found, None)


def _is_number(value):
    """Whether a value is a number, or text that is one, or missing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return isinstance(value, complex)  # which has a message of its own
    return not isinstance(value, np.datetime64)


def finiteness(missing):
    """What scikit-learn's checks take as `ensure_all_finite` where NaN may mark missing values."""
    return "allow-nan" if missing else True


def checked_matrix(estimator, X, name, *, missing, reset=False):
    """X as a numeric matrix of any storage whose values and their squares are finite, or missing.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Number and names of the features are kept in it with ``reset=True``, else compared.
    X : array-like or sparse matrix
    name : str
        Name of the argument.
    missing : bool
        Whether NaN is a missing value.
    reset : bool, default=False
    """
    with explaining(name, X, refit=not missing and estimator.missing == "mask"):
        X = validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype="numeric",
            ensure_all_finite=finiteness(missing),
        )
        check_no_dates(X, name)
        if X.dtype.kind not in "biuf":  # of a categorical column, which scikit-learn leaves alone
            X = check_array(X.astype(np.float64), ensure_all_finite=finiteness(missing))
    return check_range(X, name, LARGEST, "whose squares are infinite. Scale the data")


def check_no_dates(X, name):
    """Refuse an array of dates or durations, which would be read as numbers of any unit."""
    if getattr(getattr(X, "dtype", None), "kind", None) in ("m", "M"):
        raise TypeError(f"{name} holds dates or durations. Convert them to numbers first.")


def surely_in_range(X):
    """Whether one sum shows that a matrix has no NaN nor a value beyond single precision.

    The root of the sum of squares is no less than any magnitude. A false result shows nothing.
    scikit-learn's sum and the comparisons of `check_range` take several times as long.
    """
    values = X.reshape(-1) if X.flags.c_contiguous else X.T.reshape(-1)
    return math.sqrt(np.vdot(values, values)) <= float(np.finfo(np.float32).max)


def check_range(X, name, limit, reason):
    """Return X if no value is of a larger magnitude than `limit`, for the reason given."""
    if X.dtype.itemsize > 4 and X.dtype.kind == "f":
        values = X.data if sparse.issparse(X) else X
        if values.size and (highest(values) > limit or lowest(values) < -limit):
            raise ValueError(f"{name} contains values of more than {limit:.3g}, {reason}.")
    return X


def check_domain(domain, low, high, *, asker, name="X"):
    """Refuse data from `low` to `high` that are not all within a loss's domain.

    Parameters
    ----------
    domain : tuple (low, high) or None
    low, high : float
    asker : str
        The parameter that chose the loss, as in a call.
    name : str, default="X"
        Name of the argument that holds the data.
    """
    if domain is not None and (low < domain[0] or high > domain[1]):
        raise ValueError(
            f"{asker} needs data in [{domain[0]:g}, {domain[1]:g}], but those of {name} range from "
            f"{low:.6g} to {high:.6g}. Scale them with MinMaxScaler(clip=True), or take another "
            f"{asker.partition('=')[0]}."
        )
