"""From checked data to the rows a network trains on: weights, merging, validation split."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .rows import Rows
from .statistics import has_values, summarise, value_range

SAMPLE_ROWS = 8192
"""Most rows of which principal components are computed."""

SAMPLE_VALUES = 2**25
"""Most values of them, which bounds their memory where rows are wide."""


def most_sampled(n_features):
    """Most rows of which linear models are computed."""
    return min(SAMPLE_ROWS, max(1, SAMPLE_VALUES // n_features))


@dataclass
class TrainingSet:
    """Rows to train on and to validate on.

    Attributes
    ----------
    X, target : Rows
        Input and what the network must give for it; the same object unless they are pairs.
    weight : ndarray of shape (n_rows,)
        Weight of each row, the highest of them from 0.5 to 1.
    validation : TrainingSet or None
    copies : Copies or None
        Where the rows come from, if they were merged.
    exponent : int
        The weights are those that were given, divided by two to this power.
    is_streamed : bool
        Whether rows are read anew in each pass, so that `split` can hold none out.
    """

    X: Rows
    target: Rows
    weight: np.ndarray
    validation: "TrainingSet | None" = None
    copies: "Copies | None" = None
    exponent: int = 0
    is_streamed = False

    @classmethod
    def from_arrays(cls, X, target=None, sample_weight=None, *, missing=False):
        """Rows of checked arrays, without those of weight zero or of a target that is all missing.

        Raises
        ------
        ValueError
            If none is left.
        """
        weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        if missing:
            weight = weight * has_values(Rows(X if target is None else target))
            if not weight.any():
                raise ValueError("No row of positive weight has any value to reconstruct.")
        # So that no sum of weights is infinite; by a power of two, which rounds nothing.
        exponent = int(np.frexp(weight.max())[1])
        weight = np.ldexp(weight, -exponent)
        index = None if (weight > 0).all() else np.flatnonzero(weight)
        rows = Rows(X, index)
        target = rows if target is None else Rows(target, index)
        weight = weight if index is None else weight[index]
        return cls(rows, target, weight, exponent=exponent)

    @property
    def n_rows(self):
        """Number of rows to train on."""
        return self.X.n_rows

    @property
    def held(self):
        """Rows that are read by their numbers: all of them."""
        return self

    @property
    def mean_weight(self):
        """Mean weight of the rows to train on."""
        return self.weight.mean()

    @property
    def total_weight(self):
        """Sum of their weights."""
        return self.weight.sum()

    @cached_property
    def target_summary(self):
        """The `Summary` of the target."""
        return summarise(self.target, self.weight)

    @property
    def input_summary(self):
        """The `Summary` of X."""
        return summarise(self.X, self.weight)

    @property
    def target_range(self):
        """Lowest and highest value of the target."""
        return value_range(self.target)

    def merged(self):
        """The distinct rows in a fixed order, each with the summed weight of its copies.

        Where all rows go into one batch, and no row's part in the objective depends on the others,
        this leaves the objective as it is. It makes a weight of k the same as k copies, and any
        order of the rows the same, to the bit, in statistics too.
        """
        X = _canonical(self.X)
        paired = self.target is not self.X
        both = np.hstack([X, _canonical(self.target)]) if paired else X
        as_bytes = _ordered(both).view(np.dtype((np.void, both.shape[1] * 8))).ravel()
        _, first, copy_of = np.unique(as_bytes, return_index=True, return_inverse=True)
        copy_of = copy_of.ravel()
        weight = np.bincount(copy_of, weights=self.weight)
        X = Rows(X[first].astype(self.X.dtype))
        target = self.target.subset(first) if paired else X
        copies = Copies(self, copy_of, np.arange(len(first)))
        return TrainingSet(X, target, weight, self.validation, copies, self.exponent)

    def unmerged(self):
        """The rows as they were before they were merged."""
        if self.copies is None:
            return self
        original, copy_of, numbers = self.copies
        rows = original.subset(np.flatnonzero(np.isin(copy_of, numbers)))
        rows.validation = self.validation
        return rows

    def check_features(self):
        """Refuse features of X that are missing in every row.

        Raises
        ------
        ValueError
            If there are any.
        """
        known = self.input_summary.weight > 0
        if not known.all():
            empty = np.flatnonzero(~known).tolist()
            raise ValueError(f"X has no value at all in the features {empty}: leave them out.")

    def target_means(self):
        """Weighted mean of the observed values of each feature of the target, float64."""
        return self.target_summary.mean

    def sample(self, most):
        """At most `most` of the rows, evenly spaced."""
        if self.n_rows <= most:
            return self
        return self.subset(np.linspace(0, self.n_rows - 1, most).astype(int))

    @cached_property
    def distinct_numbers(self):
        """The number of each row's X: copies have the same, in the order of their first ones."""
        _, first, number = np.unique(self.X.hashes(), return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[number]

    @property
    def n_effective(self):
        """Number of distinct rows; of unequal weights, their Hill number of order 1/2 [1]_.

        Rows of hardly any weight hardly count, and one of a large weight, or of many copies, counts
        little more than others: a weight of k is the same as k copies.

        References
        ----------
        .. [1] Hill, M. O. (1973). Diversity and evenness: a unifying notation and its consequences.
           Ecology 54, 427-432. https://doi.org/10.2307/1934352
        """
        weight = np.bincount(self.distinct_numbers, weights=self.weight)
        weight /= weight.max()  # equal ones, which are 1 now, are summed exactly
        return np.sqrt(weight).sum() ** 2 / weight.sum()

    def split(self, validation_fraction, seed, number=0):
        """Hold out a random share of the distinct rows for validation, with all their copies.

        A row with more copies, or weight, than is to be held out in all is trained on, unless all
        rows are so.

        Parameters
        ----------
        validation_fraction : float
        seed : int
        number : int, default=0
            Splits of other numbers hold out other rows, as long as there are any.

        Raises
        ------
        ValueError
            If no row would be left on either side.
        """
        numbers = self.distinct_numbers
        n_distinct = numbers.max() + 1
        n_validation = max(1, round(validation_fraction * n_distinct))
        if n_validation >= n_distinct:
            raise ValueError(
                f"early_stopping=True cannot hold out validation_fraction={validation_fraction} "
                f"of n_samples={n_distinct} distinct rows of positive weight and keep some to "
                "train on. Give more rows, or rows for validation as X_val, or set "
                "early_stopping=False."
            )
        order = np.random.default_rng([seed, 2**32 - 1]).permutation(n_distinct)
        weight = np.bincount(numbers, weights=self.weight)
        most = (1 + 1e-9) * n_validation / n_distinct  # equal weights may differ in rounding
        is_light = weight <= most * weight.sum()
        if is_light.any():
            order = order[is_light[order]]
        chosen = np.roll(order, -number * n_validation)[:n_validation]
        is_held_out = np.isin(numbers, chosen)
        training = self.subset(np.flatnonzero(~is_held_out))
        training.validation = self.subset(np.flatnonzero(is_held_out))
        return training

    def repeated(self, times):
        """The rows, each as many times."""
        return self.subset(np.tile(np.arange(self.n_rows), times))

    def with_rows(self, rows):
        """As many other rows, such as codes, as inputs and targets."""
        return TrainingSet(rows, rows, self.weight, exponent=self.exponent)

    def subset(self, positions):
        """The rows at `positions`, without those for validation."""
        X = self.X.subset(positions)
        target = X if self.target is self.X else self.target.subset(positions)
        copies = self.copies and self.copies._replace(numbers=self.copies.numbers[positions])
        weight = self.weight[positions]
        return TrainingSet(X, target, weight, copies=copies, exponent=self.exponent)


def _canonical(rows):
    """Rows as one float64 array; equal rows have equal bytes, as zero and NaN have one sign."""
    array = rows.part(np.arange(rows.n_rows)).astype(np.float64) + 0.0
    array[np.isnan(array)] = np.nan
    return array


def _ordered(array):
    """Integers whose bytes, one after the other, are in the order of the numbers.

    So the order of rows is the same in any units of the data.
    """
    bits = array.view(np.int64)
    bits = np.where(bits < 0, ~bits, bits ^ np.int64(-(2**63)))
    return np.ascontiguousarray(bits.view(np.uint64).astype(">u8"))


class Copies(NamedTuple):
    """Where merged rows come from.

    Parameters
    ----------
    original : TrainingSet
        The rows before they were merged.
    copy_of : ndarray of int
        Number of the merged row that each of them is a copy of.
    numbers : ndarray of int
        Numbers of the merged rows, some of which may have been left out.
    """

    original: TrainingSet
    copy_of: np.ndarray
    numbers: np.ndarray


class HeldElsewhere:
    """What rows have that stand in the place of a `TrainingSet`, but are not all held here.

    A subclass has `target_summary`, and in `held` some of the rows, evenly spaced.
    """

    copies = None
    """They are never merged: identical rows may be in another block or process."""

    def merged(self):
        """These rows, as they are."""
        return self

    def unmerged(self):
        """These rows, as they are."""
        return self

    def check_features(self):
        """Refuse features of X that are missing in every row; see `TrainingSet`."""
        TrainingSet.check_features(self)

    def target_means(self):
        """Weighted mean of the observed values of each feature of the target, float64."""
        return self.target_summary.mean

    def sample(self, most):
        """At most `most` of the rows, evenly spaced, as a `TrainingSet`."""
        return self.held.sample(most)
