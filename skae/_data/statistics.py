"""Weighted moments and ranges of the columns of data of any storage, read in blocks."""

import numpy as np

BLOCK_ROWS = 4096
"""Rows that are read together."""


def blocks(rows):
    """Yield ``(start, part)`` of consecutive rows, each part dense and in its own type."""
    for start in range(0, rows.n_rows, BLOCK_ROWS):
        yield start, rows.part(slice(start, min(start + BLOCK_ROWS, rows.n_rows)))


def value_range(rows):
    """Lowest and highest value of the rows, NaN left out."""
    low, high = np.inf, -np.inf
    for _, part in blocks(rows):
        low, high = min(low, lowest(part)), max(high, highest(part))
    return float(low), float(high)


def has_values(rows):
    """Whether each row has any value that is not missing."""
    return np.concatenate([~np.isnan(part).all(axis=1) for _, part in blocks(rows)])


def lowest(array):
    """Lowest value of an array, NaN left out."""
    return np.fmin.reduce(array, axis=None)


def highest(array):
    """Highest value of an array, NaN left out."""
    return np.fmax.reduce(array, axis=None)


def means(rows, weight=None):
    """Weighted mean of the observed values of each column, float64; None weighs all alike.

    That of a column without any value is NaN.
    """
    return _weighted_mean(rows, weight, lambda part: part)


def variances(rows, weight=None):
    """Weighted variance of the observed values of each column, float64."""
    mean = means(rows, weight)
    return _weighted_mean(rows, weight, lambda part: np.square(part - mean))


def _weighted_mean(rows, weight, function):
    weight = np.ones(rows.n_rows) if weight is None else weight
    total, weights = np.zeros(rows.n_features), np.zeros(rows.n_features)
    for start, part in blocks(rows):
        part = part.astype(np.float64)
        observed = ~np.isnan(part)
        own = weight[start : start + len(part), None] * observed
        total += (function(np.where(observed, part, 0.0)) * own).sum(axis=0)
        weights += own.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return total / weights
