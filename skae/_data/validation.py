"""Checks of arguments and data that scikit-learn's own do not make, and their messages."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from itertools import islice

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from . import frames
from .statistics import highest, lowest

LARGEST = 1e150
"""Largest magnitude of data: sums of squares of such are finite."""


@contextmanager
def reworded(say):
    """Raise rejections with the message that `say` makes of theirs."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = say(str(error))
        if message == str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(message) from error


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
    with reworded(lambda message: _explained(message, name, X, refit)):
        yield


def _explained(message, name, X, refit):
    if X is not None and (other := _first_other(X)) is not None:
        column, value = other
        if isinstance(value, (date, time, timedelta, np.datetime64, np.timedelta64)):
            kind = "duration" if isinstance(value, timedelta) else type(value).__name__
            return times_message(name, column, kind, frames.library_of(X))
        return (
            f"{name} has columns that are no numbers: column {column!r} holds {short(value)}. If "
            "it holds categories, give it a categorical type or name it in categorical_features; "
            f"else leave it out. ({message.splitlines()[0]})"
        )
    if "NAType" in message:
        where = f"column {_first_with_na(X)!r}" if hasattr(X, "iloc") else "a column"
        return (
            f"{name} holds pandas.NA in {where} of type object. Give the column a type that knows "
            "missing values: X.convert_dtypes()."
        )
    if X is not None and "contains NaN" in message:
        way = "Fit anew, now that missing='mask' is set," if refit else "Set missing='mask'"
        return (
            f"{name} contains NaN{_where_missing(X)}. {way} to treat NaN as missing values, which "
            "the loss leaves out, or replace them first, for instance by SimpleImputer."
        )
    if X is not None and "contains infinity" in message and hasattr(X, "columns"):
        return f"{message} In the columns {_names_where(X, _is_infinite)}."
    return message if re.search(rf"\b{re.escape(name)}", message) else f"{name}: {message}"


def short(value):
    """A value as text of one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _first_with_na(X):
    """The first column of a frame of pandas that holds pandas.NA among objects."""
    return next(
        name
        for number, name in enumerate(X.columns)
        if any(type(value).__name__ == "NAType" for value in X.iloc[:, number])
    )


def _where_missing(X):
    """In which columns of a frame values are missing, as text."""
    if frames.library_of(X) == "numpy":
        return ""
    return f" in the columns {_names_where(X, lambda value: value is None)}"


def _names_where(X, is_meant):
    """Names of the first columns of a frame that hold certain values."""
    names = (name for number, name in enumerate(X.columns) if _holds(X, number, is_meant))
    return list(islice(names, 10))


def _holds(X, number, is_meant):
    return any(map(is_meant, frames.column(X, number).values))


def _is_infinite(value):
    return value is not None and abs(float(value)) == math.inf


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


def check_container(X, name):
    """Refuse containers of other libraries that scikit-learn cannot read, or misreads."""
    library, kind = type(X).__module__.partition(".")[0], type(X).__name__
    if library in ("pandas", "polars") and kind == "Series":
        row = " or X.to_frame().T for one row" if library == "pandas" else ""
        raise ValueError(
            f"{name} is a Series of {library}, but must have two dimensions. Give X.to_frame() for "
            f"one column{row}."
        )
    if library == "skae" and kind == "Stream":
        raise TypeError(
            f"{name} is a Stream, which is not taken here. Go through its blocks: "
            "for block in stream.blocks()."
        )
    if isinstance(X, Iterator) or callable(X):
        raise TypeError(
            f"{name} is a {kind}, not an array. To fit on blocks of rows, pass the function that "
            "returns an iterator of them, which is called for each epoch: skae.Stream(function)."
        )
    if library == "polars" and kind == "LazyFrame":
        raise TypeError(f"{name} is a LazyFrame, whose values are not computed. Give X.collect().")
    if library == "pyarrow" and kind in ("Table", "RecordBatch"):
        others = [field.name for field in X.schema if not _is_number_of_arrow(str(field.type))]
        if others:
            raise TypeError(
                f"{name} is a {kind} of pyarrow with columns that are no numbers: {others}. Give a "
                "frame: X.to_pandas() or polars.from_arrow(X)."
            )


def _is_number_of_arrow(dtype):
    return dtype.rstrip("0123456789") in ("int", "uint", "float", "double", "halffloat", "bool")


def check_types(X, name):
    """Refuse columns of dates and times, which NumPy may take for numbers of an unknown unit."""
    library = frames.library_of(X)
    if library == "numpy":
        dtype = getattr(X, "dtype", None)
        if getattr(dtype, "kind", None) in ("m", "M"):
            raise TypeError(times_message(name, None, str(dtype), library))
        return
    for column, dtype in zip(X.columns, frames.types_of(X), strict=True):
        if frames.type_name(dtype) in frames.TIMES:
            raise TypeError(times_message(name, column, dtype, library))
        if dtype.startswith("complex"):
            raise ValueError(
                f"{name}: Complex data not supported, as in column {column!r}. Give its real and "
                "its imaginary part as columns."
            )


def times_message(name, column, dtype, library):
    """What is said of a column of dates or times."""
    if column is None:
        return (
            f"{name} is an array of dates or times ({dtype}). Make numbers of them, for instance "
            "days: X.astype('datetime64[D]').astype(float)."
        )
    kind, values = frames.type_name(dtype), f"X[{column!r}]"
    if kind in frames.LENGTHS_OF_TIME:
        way = f"seconds: {values}.dt.total_seconds()"
    elif kind.lower().startswith("time") and kind != "timestamp":
        way = f"hours: {values}.dt.hour()" if library == "polars" else "hours"
    elif library == "polars":
        way = f"days since 1970: {values}.dt.epoch('s') / 86400"
    else:
        values = (
            f"{values}.dt.to_timestamp()" if kind == "period" else f"pandas.to_datetime({values})"
        )
        way = (
            f"days since 2000: ({values} - pandas.Timestamp(2000, 1, 1)) / pandas.Timedelta(days=1)"
        )
    return (
        f"{name} has a column of dates or times: {column!r} ({dtype}). Make numbers of it, for "
        f"instance {way}; or name it in categorical_features if few dates come back in many rows; "
        "or leave it out."
    )


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
    check_container(X, name)
    check_types(X, name)
    with explaining(name, X, refit=not missing and estimator.missing == "mask"):
        X = validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype="numeric",
            ensure_all_finite=finiteness(missing),
        )
        if X.dtype.kind not in "biuf":  # of a categorical column, which scikit-learn leaves alone
            X = check_array(X.astype(np.float64), ensure_all_finite=finiteness(missing))
    return check_range(X, name, LARGEST, "whose squares are infinite. Scale the data")


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
