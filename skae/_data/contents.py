"""The columns of a table, read once: numbers as arrays, categories as values."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from . import frames
from .validation import (
    LARGEST,
    check_container,
    check_range,
    check_types,
    explaining,
    finiteness,
)


@dataclass(frozen=True)
class Contents:
    """What the columns of a table hold.

    Attributes
    ----------
    library : {"numpy", "pandas", "polars"}
        Of the table.
    names : list
        Those of the columns.
    columns : list of ndarray or frames.Values
        Numbers, float64, of which NaN is missing; or the values of categories.
    types : list of str
        Type of each column in its library; "" where it has none of its own.
    dtype : numpy.dtype
        Floating type that all numbers of the table have in common.
    weights : ndarray of shape (n_columns,)
        How much each column counts, 1 on average.
    """

    library: str
    names: list
    columns: list
    types: list
    dtype: np.dtype
    weights: np.ndarray

    @property
    def n_rows(self):
        """Number of rows."""
        first = self.columns[0]
        return len(first.values if isinstance(first, frames.Values) else first)

    def known(self):
        """Where each column has values, as a list of masks."""
        return [known(column) for column in self.columns]


def known(column):
    """Where a column of `Contents` has values."""
    if isinstance(column, frames.Values):
        return np.array([value is not None for value in column.values])
    return ~np.isnan(column)


def asked_contents(estimator, X):
    """The `Contents` of an estimator's training rows; None if all columns are plain numbers."""
    asked, weights = estimator.categorical_features, estimator.column_weights
    check_container(X, "X")
    by_type = asked is None or isinstance(asked, str)
    if by_type and weights is None and frames.library_of(X) == "numpy":
        return None
    if sparse.issparse(X):
        raise TypeError(
            "X is a sparse matrix, for which categorical_features must be 'from_dtype' or None, "
            "and column_weights None. Give a frame or an array."
        )
    X = frames.as_table(X)
    if len(X.shape) != 2 or not all(X.shape):
        return None  # for scikit-learn's checks to refuse
    chosen, weights = category_columns(X, asked), column_weights(X, weights)
    if not chosen.any() and weights is None:
        return None
    if estimator.handle_unknown == "missing" and estimator.missing != "mask":
        raise ValueError("handle_unknown='missing' needs missing='mask'.")
    contents = read(X, chosen, "X", missing=estimator.missing == "mask")
    return contents if weights is None else replace(contents, weights=weights)


def contents_by_type(X):
    """The `Contents` of a frame with columns of categories by type; None of all else."""
    if frames.library_of(X) == "numpy" or not all(X.shape):
        return None
    chosen = category_columns(X, "from_dtype")
    return read(X, chosen, "X", missing=True) if chosen.any() else None


def read(X, is_category, name, *, missing):
    """The `Contents` of a table.

    Parameters
    ----------
    X : frame or ndarray of shape (n_rows, n_columns)
    is_category : ndarray of bool of shape (n_columns,)
    name : str
        Name of the argument.
    missing : bool
        Whether values may be missing.
    """
    if not X.shape[0]:
        raise ValueError(
            f"{name}: Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is "
            "required."
        )
    library, n_columns = frames.library_of(X), X.shape[1]
    names = frames.names_of(X) or [f"x{number}" for number in range(n_columns)]
    types = frames.types_of(X) if library != "numpy" else [""] * n_columns
    matrix, dtype = checked_numbers(X, np.flatnonzero(~is_category).tolist(), name, missing)
    numbers = iter(matrix.T)
    columns = []
    for position, of_categories in enumerate(is_category):
        if of_categories:
            column = frames.column(X, position)
            column = column._replace(dtype="") if library == "numpy" else column
            if not missing and not known(column).all():
                raise ValueError(missing_message(name, names[position]))
            columns.append(column)
            types[position] = column.dtype
        else:
            columns.append(next(numbers))
    return Contents(library, names, columns, types, dtype, np.ones(n_columns))


def checked_numbers(X, positions, name, missing):
    """Columns of X as a matrix of numbers, float64, and the floating type that X has."""
    if not positions:
        return np.empty((X.shape[0], 0)), np.dtype(np.float64)
    part = frames.select(X, positions)
    check_types(part, name)
    with explaining(name, part):
        numbers = check_array(
            part,
            dtype=(np.float64, np.float32, np.float16),
            ensure_all_finite=finiteness(missing),
            input_name=name,
        )
    check_range(numbers, name, LARGEST, "whose squares are infinite. Scale the data")
    return numbers.astype(np.float64), numbers.dtype


def missing_message(name, column):
    """What is said of a category that is missing."""
    return (
        f"{name} contains NaN, or another mark of what is missing, in column {column!r}. Set "
        "missing='mask' to treat such as missing values, which the loss leaves out, or replace "
        "them first, for instance by SimpleImputer(strategy='most_frequent')."
    )


# What a user asks for


def category_columns(X, asked):
    """Which columns of X are of categories, as a mask.

    Parameters
    ----------
    X : frame or ndarray
    asked : "from_dtype", array-like or None
        Names, numbers or a mask of such columns.
    """
    n_columns = X.shape[1]
    chosen = np.zeros(n_columns, dtype=bool)
    if asked is None:
        return chosen
    if isinstance(asked, str):  # "from_dtype"
        chosen[:] = [frames.holds_categories(X, number) for number in range(n_columns)]
        if chosen.any():
            chosen |= [frames.holds_truth(X, number) for number in range(n_columns)]
        return chosen
    asked = list(asked)
    if asked and all(isinstance(item, (bool, np.bool_)) for item in asked):
        if len(asked) != n_columns:
            raise ValueError(
                f"categorical_features has a mask of {len(asked)}, but X has {n_columns} columns."
            )
        return np.array(asked)
    chosen[[_position(item, X, "categorical_features") for item in asked]] = True
    return chosen


def column_weights(X, asked):
    """Weight of each column, 1 on average; None if none is asked for."""
    if asked is None:
        return None
    weights = np.ones(X.shape[1])
    if isinstance(asked, dict):
        for item, weight in asked.items():
            weights[_position(item, X, "column_weights")] = weight
    elif np.shape(asked) == weights.shape:
        weights[:] = asked
    else:
        raise ValueError(
            f"column_weights must be a dict, or have a weight for each of the {len(weights)} "
            f"columns of X, got {asked!r}."
        )
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(f"column_weights must be positive numbers, got {asked!r}.")
    return weights / weights.mean()


def _position(item, X, parameter):
    """Number of the column that a name or a number means."""
    n_columns, names = X.shape[1], frames.names_of(X)
    if isinstance(item, Integral):  # a position even where names are numbers, as in scikit-learn
        if -n_columns <= item < n_columns:
            return int(item) % n_columns
    elif names is not None and item in names:
        if names.count(item) > 1:
            raise ValueError(f"{parameter} names {item!r}, as several columns of X are called.")
        return names.index(item)
    raise ValueError(f"{parameter} names the column {item!r}, which X does not have.")
