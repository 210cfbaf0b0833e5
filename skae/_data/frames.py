"""Columns of data frames and arrays: read as values, and made again of such."""

import re
import sys
from numbers import Real
from typing import NamedTuple

import numpy as np

MISSING = ("NoneType", "NAType", "NaTType")
"""Types whose values are missing; so is what is not equal to itself."""

TEXT = ("category", "string", "large_string", "str", "Categorical", "Enum", "String", "dictionary")
"""Types of columns that hold categories."""

LENGTHS_OF_TIME = ("timedelta64", "duration", "Duration")
TIMES = (
    *LENGTHS_OF_TIME,
    *("datetime64", "period", "date32", "date64", "timestamp", "time32", "time64"),
    *("Date", "Datetime", "Time"),
)
"""Types of columns of dates and times, which NumPy may take for numbers of an unknown unit."""


class Values(NamedTuple):
    """What a column holds.

    Parameters
    ----------
    values : ndarray of object, shape (n_rows,)
        None where a value is missing.
    dtype : str
        Name of the type that the column has in its library.
    declared : list or None
        All levels that a categorical type has, in order.
    ordered : bool
        Whether it says that they are ordered.
    """

    values: np.ndarray
    dtype: str
    declared: list | None = None
    ordered: bool = False


def library_of(X):
    """The library of a frame, "pandas" or "polars"; "numpy" for all else."""
    for name in ("pandas", "polars"):
        library = sys.modules.get(name)
        if library is not None and isinstance(X, library.DataFrame):
            return name
    return "numpy"


def index_of(X):
    """The index of a frame of pandas; None for all else."""
    return X.index if library_of(X) == "pandas" else None


def names_of(X):
    """Names of the columns of a frame; None for all else."""
    return None if library_of(X) == "numpy" else list(X.columns)


def as_table(X):
    """X, or an array of what is neither a frame nor an array."""
    if library_of(X) != "numpy" or hasattr(X, "dtype"):
        return X
    rows = list(X)
    if any(isinstance(row, str) or not hasattr(row, "__iter__") for row in rows):
        return objects(rows)  # not of two dimensions: the letters of text are no columns
    return np.array([list(row) for row in rows], dtype=object)


def select(X, numbers):
    """Some columns of X, in the same container; sparse ones of pandas become dense."""
    if library_of(X) != "pandas":
        return X[:, numbers]
    part = X.iloc[:, numbers]
    sparse = [type_name(dtype) == "Sparse" for dtype in part.dtypes]
    if not any(sparse):
        return part
    columns = (part.iloc[:, number] for number in range(len(numbers)))
    dense = (
        own.sparse.to_dense() if is_sparse else own
        for own, is_sparse in zip(columns, sparse, strict=True)
    )
    return frame("pandas", list(part.columns), [Values(own, "") for own in dense])


def column(X, number):
    """The `Values` of a column."""
    library = library_of(X)
    if library == "pandas":
        series = X.iloc[:, number]
        values = series.astype(object).to_numpy(copy=True)
        values[series.isna().to_numpy()] = None
        if series.dtype == "category":
            return Values(values, "category", series.cat.categories.tolist(), series.cat.ordered)
        name = str(series.dtype)
        if name == "string":  # whose storage the name does not say
            name = f"string[{series.dtype.storage}]"
        return Values(values, name)
    if library == "polars":
        series = X.to_series(number)
        name = type_name(series.dtype)
        if name == "Enum":
            return Values(objects(series.to_list()), name, series.dtype.categories.to_list())
        # Of the others with parameters each value has no more than those of the type say.
        return Values(objects(series.to_list()), name if name in TEXT else str(series.dtype))
    return Values(objects(X[:, number].tolist()), str(X.dtype))


def types_of(X):
    """The type of each column of a frame, as text."""
    return [str(dtype) for dtype in X.dtypes]


def objects(items):
    """A vector of objects, None where one is missing."""
    found = np.empty(len(items), dtype=object)
    found[:] = [None if is_missing(item) else item for item in items]
    return found


def is_missing(value):
    """Whether a value stands for none."""
    return type(value).__name__ in MISSING or (
        isinstance(value, (float, np.floating)) and value != value
    )


def type_name(dtype):
    """Name of the type of a column of a frame, without its parameters."""
    return re.split(r"[(\[<]", str(dtype), maxsplit=1)[0]


def number_type(dtype):
    """Name of the type of the numbers in a column, in lower case."""
    if type_name(dtype) == "Sparse":  # of what stands in brackets
        dtype = dtype.partition("[")[2].partition(",")[0]
    return type_name(dtype).lower()


def holds_categories(X, number):
    """Whether a column is one of categories by its type: categorical, or of text.

    One of objects that are not all text is none: a column of numbers may hold a mark by mistake.
    """
    if library_of(X) == "numpy":
        return False
    return type_name(list(X.dtypes)[number]) in TEXT or _is_all(str, X, number)


def _is_all(kind, X, number):
    """Whether a column of objects holds values of one type alone, but for missing ones."""
    if type_name(list(X.dtypes)[number]) != "object":
        return False
    known = X.iloc[:, number].dropna()
    return len(known) > 0 and all(isinstance(value, kind) for value in known)


def holds_truth(X, number):
    """Whether a column of a frame is boolean by its type, or of objects that are all booleans."""
    name = type_name(list(X.dtypes)[number])
    return name in ("bool", "boolean", "Boolean") or _is_all(bool, X, number)


def frame(library, names, columns, index=None):
    """A container of columns.

    Parameters
    ----------
    library : {"numpy", "pandas", "polars"}
    names : list
    columns : list of Values
        Of a dtype "" where the library is to choose one.
    index : pandas.Index, default=None
    """
    if library == "numpy":
        stacked = np.column_stack([values for values, *_ in columns])
        numbers = all(isinstance(value, Real) for value in stacked.flat)
        return stacked.astype(np.float64) if numbers and stacked.dtype == object else stacked
    module = sys.modules.get(library) or __import__(library)
    make = {"pandas": _pandas_series, "polars": _polars_series}[library]
    series = [make(module, own) for own in columns]
    if library == "polars":
        return module.DataFrame(
            [one.alias(str(name)) for one, name in zip(series, names, strict=True)]
        )
    made = module.DataFrame(dict(enumerate(series)))
    made.columns = names
    return made if index is None else made.set_axis(index)


def _pandas_series(pandas, column):
    if column.dtype == "category":
        return pandas.Series(
            pandas.Categorical(column.values, categories=column.declared, ordered=column.ordered)
        )
    series = pandas.Series(column.values)
    try:
        return series.astype(column.dtype) if column.dtype else series.infer_objects()
    except (NotImplementedError, TypeError):  # types of Arrow's that have no name for pandas
        return series.infer_objects()


def _polars_series(polars, column):
    dtype = _polars_type(polars, column) if column.dtype else None
    return polars.Series(column.values.tolist(), dtype=dtype, strict=False)


def _polars_type(polars, column):
    name = type_name(column.dtype)
    if name == "Enum":
        return polars.Enum(column.declared)
    parameters = dict(
        re.findall(r"(precision|scale|time_unit|time_zone)='?([^,')]+)", column.dtype)
    )
    parameters = {
        key: int(value) if value.isdigit() else None if value == "None" else value
        for key, value in parameters.items()
    }
    return getattr(polars, name)(**parameters)
