"""Values of y as groups, each with a colour."""

from collections import Counter
from numbers import Real

import numpy as np

from ._matplotlib import COLORS

MAX_CLASSES = 20
"""Most values of a numeric y that are drawn as classes."""

MISSING_COLOR = "#d9d9d9"
"""Lighter than the greys among COLORS, which are colours of classes."""


OTHERS_COLOR = "#8a8a8a"
"""Of classes that are too many to tell apart."""


def checked_y(y, n_rows, name):
    """Return y as an array of one entry a row; `name` says what has the rows."""
    if y is None:
        return None
    # In a list, NumPy would make NaN beside strings the string "nan".
    y = np.asarray(y) if hasattr(y, "dtype") else np.array(y, dtype=object)
    if y.shape != (n_rows,):
        raise ValueError(f"y must have shape ({n_rows},) like {name}, got {y.shape}.")
    return y


def find_missing(y, n_rows):
    """Return where y is missing, and y, as floats if all of its other values are numbers."""
    if y is None:
        return np.zeros(n_rows, dtype=bool), None
    missing = np.array([_is_missing(value) for value in y])
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in y[~missing]):
        y = np.where(missing, np.nan, y.astype(object)).astype(float)
    return missing, y


def _is_missing(value):
    try:
        return value is None or bool(value != value)  # only NaN and NaT differ from themselves
    except TypeError:  # a comparison with pandas.NA is neither true nor false
        return True


def classes_of(y):
    """Return the classes in order, or None if y is continuous."""
    classes = set(y)
    if y.dtype.kind == "f":
        if len(classes) > MAX_CLASSES or not all(value.is_integer() for value in classes):
            return None
        return [int(value) for value in sorted(classes)]
    try:
        return sorted(classes, key=lambda value: (isinstance(value, str), value))
    except TypeError:  # other types that have no order
        return sorted(classes, key=str)


def most_frequent(y, classes, n_classes):
    """Return those of the classes that are most frequent, in order, and how many others there are.

    Parameters
    ----------
    y : ndarray
    classes : list
        Its values, in order.
    n_classes : int
    """
    counts = Counter(y.tolist())
    kept = sorted(range(len(classes)), key=lambda number: -counts[classes[number]])[:n_classes]
    return [classes[number] for number in sorted(kept)], len(classes) - n_classes


def class_colors(n_classes):
    """Return a colour for each class."""
    if n_classes <= len(COLORS):
        return COLORS[:n_classes]
    from matplotlib import colormaps

    return [tuple(color) for color in colormaps["viridis"](np.linspace(0, 1, n_classes))]
