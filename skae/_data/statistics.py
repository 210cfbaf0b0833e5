"""Weighted moments and ranges of the columns of data of any storage, read in blocks."""

import functools
from dataclasses import dataclass

import numpy as np

BLOCK_ROWS = 4096
"""Rows that are read together."""

FAR = 20.0
"""Distance from the median, in typical ones, from which a value is far: of normal numbers, those at
13 standard deviations."""


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


def weighted_median(values, weight):
    """The least of some values at or below which half of the weight is."""
    order = np.argsort(values)
    share = np.cumsum(weight[order])
    return values[order][np.searchsorted(share, share[-1] / 2)]


def far_values(values, weight, share):
    """Which values of a column are far from its median, if they have at most a share of the weight.

    Far is more than `FAR` times the median distance of the values that differ from the median. Of
    one distance are all or none.
    """
    values = values.astype(np.float64)
    known = ~np.isnan(values) & (weight > 0)
    is_far, values, weight = np.zeros(len(values), bool), values[known], weight[known]
    distance = np.abs(values - weighted_median(values, weight))
    if not distance.any():
        return is_far
    typical = weighted_median(distance[distance > 0], weight[distance > 0])
    order = np.argsort(distance)
    beyond = np.cumsum(weight[order][::-1])[::-1]
    beyond = beyond[np.searchsorted(distance[order], distance)]  # of its own distance or more
    is_far[known] = (distance > FAR * typical) & (beyond <= share * weight.sum() * (1 + 1e-12))
    return is_far


def lowest(array):
    """Lowest value of an array, NaN left out."""
    return np.fmin.reduce(array, axis=None)


def highest(array):
    """Highest value of an array, NaN left out."""
    return np.fmax.reduce(array, axis=None)


@dataclass(frozen=True)
class Summary:
    """Weighted statistics of the observed values of each column, float64.

    Those of a column without any value are NaN.

    Attributes
    ----------
    weight, mean, variance : ndarray of shape (n_features,)
        Sum of the weights, mean, and mean squared distance from it.
    low, high : ndarray of shape (n_features,)
        Lowest and highest value.
    at_low, at_high : ndarray of shape (n_features,)
        Sum of the weights of the values that equal them.
    """

    weight: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_low: np.ndarray
    at_high: np.ndarray

    def with_rows_of(self, other):
        """The statistics of the rows of both [1]_.

        References
        ----------
        .. [1] Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the
           sample variance. The American Statistician 37, 242-247.
        """
        weight = self.weight + other.weight
        share = _ratio(other.weight, weight)
        distance = other.mean - self.mean
        low, high = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        return Summary(
            weight,
            _known(self.mean, other.mean, self.mean + share * distance),
            _known(
                self.variance,
                other.variance,
                (1 - share) * self.variance
                + share * other.variance
                + share * (1 - share) * np.square(distance),
            ),
            low,
            high,
            self.at_low * (self.low == low) + other.at_low * (other.low == low),
            self.at_high * (self.high == high) + other.at_high * (other.high == high),
        )


def summarise(rows, weight=None):
    """The `Summary` of rows, in one pass; without weights all count alike."""
    weight = np.ones(rows.n_rows) if weight is None else weight
    parts = (
        _summary(part.astype(np.float64, order="C"), weight[start : start + len(part), None])
        for start, part in blocks(rows)
    )
    return functools.reduce(Summary.with_rows_of, parts)


def _summary(part, weight):
    observed = weight * ~np.isnan(part)
    total = observed.sum(axis=0)
    # From a row on, so that a sum of large values that are close to each other rounds nothing off.
    start = np.fmin.reduce(part, axis=0)
    distance = np.nan_to_num(part - start)
    mean = _ratio((observed * distance).sum(axis=0), total)
    variance = _ratio((observed * np.square(distance - mean)).sum(axis=0), total)
    low, high = start, np.fmax.reduce(part, axis=0)
    at_low, at_high = (
        (observed * (part == low)).sum(axis=0),
        (observed * (part == high)).sum(axis=0),
    )
    return Summary(total, start + mean, variance, low, high, at_low, at_high)


def _ratio(a, b):
    with np.errstate(invalid="ignore"):
        return a / b


def _known(one, other, both):
    """`both` where there is either, else the one that there is."""
    return np.where(np.isnan(one), other, np.where(np.isnan(other), one, both))


def root_mean(values):
    """Square root of the mean of the values that are known."""
    return float(np.sqrt(np.nanmean(values)))
