"""Tables with columns of categories: as numbers that count alike, and back."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .._sklearn_compat import asked_library, check_sample_weight
from . import frames
from .rows import Rows
from .statistics import summarise
from .validation import LARGEST, check_range, checked_matrix, explaining, finiteness

MOST_LEVELS = 255
"""Levels of a column that are told apart, the most frequent ones; all others are one more."""

WIDE = 512
"""Features from which encoded tables are sparse."""


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, one feature: centred, and divided by its unit.

    Attributes
    ----------
    name : str, int or None
    dtype : str
        Its type in a frame.
    weight : float
        How much it counts, 1 on average.
    mean, deviation : float
    """

    name: object
    dtype: str
    weight: float
    mean: float
    deviation: float

    n_features = 1

    @property
    def unit(self):
        """What the feature is multiplied by for deviations from the mean."""
        return self.deviation / np.sqrt(self.weight)

    def decoded(self, encoded):
        """The column as a frame holds it, from its feature."""
        values = encoded[:, 0] * self.unit + self.mean
        return frames.Values(as_type(values, self.dtype), self.dtype)


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories, a feature for each level: the unit's inverse for the level, else 0.

    Attributes
    ----------
    name, dtype, weight : as in `NumberColumn`
    levels : list
        Those that are told apart, in order, and then None if the other ones are one more.
    others : list
        The other ones, the most frequent one first.
    shares : ndarray of shape (n_features,)
        Share of the rows of each of them.
    declared : list or None
        All levels that a categorical type has.
    ordered : bool
    """

    name: object
    dtype: str
    weight: float
    levels: list
    others: list
    shares: np.ndarray
    declared: list | None
    ordered: bool

    @property
    def n_features(self):
        """Number of levels that are told apart."""
        return len(self.levels)

    @property
    def unit(self):
        """What features are multiplied by for indicators; so their variances sum to the weight."""
        return np.sqrt((1 - np.square(self.shares).sum() or 1.0) / self.weight)

    @property
    def entropy(self):
        """Entropy of the levels, in nats: the least cross-entropy without a code; 1 if it is 0."""
        return -(self.shares * np.log(self.shares)).sum() or 1.0

    def numbers(self, values):
        """Number of each value's level; -1 for missing values, and -2 for unknown ones."""
        number = {level: i for i, level in enumerate(self.levels) if level is not None}
        number |= dict.fromkeys(self.others, len(self.levels) - 1)
        number[None] = -1
        return np.fromiter((number.get(value, -2) for value in values), int, len(values))

    def decoded(self, encoded):
        """The column as a frame holds it: of each row the level of the largest feature."""
        shown = [self.others[0] if level is None else level for level in self.levels]
        values = np.empty(len(shown), dtype=object)
        values[:] = shown
        values = values[encoded.argmax(axis=1)]
        return frames.Values(values, self.dtype, self.declared, self.ordered)


@dataclass(frozen=True)
class Table:
    """How the columns of a table become features, and features such columns.

    Attributes
    ----------
    library : {"numpy", "pandas", "polars"}
        Of the table that was described.
    columns : list of NumberColumn or CategoryColumn
    """

    library: str
    columns: list

    @property
    def starts(self):
        """Number of the first feature of each column."""
        return np.cumsum([0, *(column.n_features for column in self.columns[:-1])])

    @property
    def column_of(self):
        """Number of the column of each feature."""
        widths = [column.n_features for column in self.columns]
        return np.repeat(np.arange(len(widths)), widths)

    def of_features(self, value):
        """A value for each feature, from a function of columns that gives one, or one of each."""
        parts = [np.broadcast_to(value(column), column.n_features) for column in self.columns]
        return np.concatenate(parts).astype(np.float64)

    @property
    def weights(self):
        """Weight of each column."""
        return np.array([column.weight for column in self.columns])

    @property
    def shares(self):
        """Share of the rows that a feature's level has; 0 for features of numbers."""
        return self.of_features(lambda column: getattr(column, "shares", 0.0))

    @property
    def units(self):
        """What each feature is multiplied by for its deviation or indicator."""
        return self.of_features(lambda column: column.unit)

    def encoded(self, X, name, *, missing, unknown):
        """X as a matrix of features; a column that is missing in a row has none there.

        Parameters
        ----------
        X : frame or array-like of shape (n_rows, n_columns)
        name : str
            Name of the argument.
        missing : bool
            Whether values may be missing.
        unknown : {"error", "missing"}

        Returns
        -------
        features : ndarray or csr_array of shape (n_rows, n_features), float64
        """
        X = frames.as_table(X)
        numbers = iter(self._numbers(X, name, missing).T)
        parts = []
        for position, column in enumerate(self.columns):
            if isinstance(column, NumberColumn):
                parts.append(((next(numbers) - column.mean) / column.unit)[:, None])
            else:
                values = frames.column(X, position).values
                parts.append(self._indicators(column, values, name, missing, unknown))
        if len(self.column_of) <= WIDE:
            return np.hstack(
                [part if isinstance(part, np.ndarray) else part.toarray() for part in parts]
            )
        return sparse.hstack([sparse.csr_array(part) for part in parts], format="csr")

    def _numbers(self, X, name, missing):
        positions = [
            number for number, own in enumerate(self.columns) if isinstance(own, NumberColumn)
        ]
        return checked_numbers(X, positions, name, missing)

    @staticmethod
    def _indicators(column, values, name, missing, unknown):
        levels = column.numbers(values)
        if (levels == -2).any() and unknown == "error":
            value = values[np.argmax(levels == -2)]
            raise ValueError(
                f"{name} holds a category that the training rows do not: {value!r} in column "
                f"{column.name!r}. Set handle_unknown='missing' and "
                "missing='mask' to take such for missing values."
            )
        if (levels == -1).any() and not missing:
            raise ValueError(missing_message(name, column.name))
        known = levels >= 0
        rows = np.flatnonzero(known)
        shape = (len(values), column.n_features)
        ones = np.full(len(rows), 1 / column.unit)
        features = sparse.csr_array((ones, (rows, levels[rows])), shape=shape)
        if known.all():
            return features
        features = features.toarray()
        features[~known] = np.nan
        return features

    def with_shares(self, features):
        """Features of which those of each column of categories are of shares that sum to one."""
        shares = self.shares
        levels = np.flatnonzero(shares)
        if not len(levels):
            return features
        units, columns = self.units[levels], self.column_of[levels]
        firsts = np.flatnonzero(np.diff(columns, prepend=-1))
        weight = np.exp(log_positive(features[:, levels] * units, shares[levels]))
        total = np.add.reduceat(weight, firsts, axis=1)
        total = np.repeat(total, np.diff([*firsts, len(levels)]), axis=1)
        features = features.copy()
        features[:, levels] = weight / total / units
        return features

    def drawn(self, expected, noisy, random):
        """Features of random rows: noisy numbers, and of categories one level by its probability.

        Parameters
        ----------
        expected, noisy : ndarray of shape (n_rows, n_features)
        random : RandomState
        """
        drawn = noisy.copy()
        for column, start in zip(self.columns, self.starts, strict=True):
            if isinstance(column, CategoryColumn):
                own = slice(start, start + column.n_features)
                below = np.cumsum(expected[:, own] * column.unit, axis=1)
                chance = random.uniform(size=(len(drawn), 1)) * below[:, -1:]
                level = (below <= chance).sum(axis=1).clip(max=column.n_features - 1)
                drawn[:, own] = np.eye(column.n_features)[level] / column.unit
        return drawn

    def summed(self, values):
        """Sums over the features of each column."""
        return np.add.reduceat(values, self.starts, axis=1)

    def decoded(self, features, library, index=None, keep=None, missing=None, beside=()):
        """A table of features.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features)
        library : {"numpy", "pandas", "polars"}
        index : pandas.Index, default=None
        keep : frame or array-like of shape (n_rows, n_columns), default=None
            A table whose values stay where they are not missing.
        missing : ndarray of bool of shape (n_rows, n_columns), default=None
            Where they are.
        beside : list of (str, Values), default=()
            Names and values of further columns.
        """
        parts = np.split(features, self.starts[1:], axis=1)
        columns = [own.decoded(part) for own, part in zip(self.columns, parts, strict=True)]
        if keep is not None:
            keep = frames.as_table(keep)
            columns = [
                kept(frames.column(keep, number), one, missing[:, number])
                for number, one in enumerate(columns)
            ]
        libraries = {self.library, library} | (
            {frames.library_of(keep)} if keep is not None else set()
        )
        if len(libraries) > 1:  # in which types have other names
            columns = [one._replace(dtype="") for one in columns]
        names = [*(own.name for own in self.columns), *(name for name, _ in beside)]
        return frames.frame(library, names, [*columns, *(own for _, own in beside)], index)


def table_of(estimator, features, X, **parts):
    """Features as the table that `set_output` asks for, else that of the training rows.

    Parameters
    ----------
    estimator : BaseEstimator
        Has a `Table`, and `set_output`.
    features : ndarray of shape (n_rows, n_features)
    X : frame or array-like of shape (n_rows, ...)
        Whose index the table gets.
    **parts
        `keep`, `missing` and `beside` of `Table.decoded`.
    """
    table = estimator._table
    library = asked_library(estimator) or table.library
    return table.decoded(features, library, frames.index_of(X), **parts)


def kept(column, other, missing):
    """A column with its missing values taken from another, of whose type it is if that can be."""
    if not missing.any():
        return column
    values = np.where(missing, other.values, column.values)
    if other.declared is not None or holds(other.dtype, column.values[~missing]):
        return other._replace(values=values)
    return column._replace(values=values)


def holds(dtype, values):
    """Whether a type of columns holds values as they are."""
    name = frames.type_name(dtype).lower()
    if name.rstrip("0123456789") in ("int", "uint"):
        limits = np.iinfo(name)
        return all(
            float(value).is_integer() and limits.min <= value <= limits.max for value in values
        )
    return name not in ("float16", "float32") and (
        name not in ("bool", "boolean") or all(value in (0, 1) for value in values)
    )


def log_positive(x, share, ops=np):
    r"""Logarithm of a number that is about x where that is larger than a share, and positive else.

    :math:`\log(c p \log(1 + e^{x / c p}))` of the share p: so the logits of a softmax whose
    probabilities are the shares that a linear model gives, as long as those are positive.
    """
    bend = BEND * share
    z = x / bend
    softplus = ops.log(ops.logaddexp(ops.maximum(z, -15.0), ops.zeros_like(z)))
    return ops.log(bend) + ops.where(z < -15.0, ops.maximum(z, LOWEST_LOGIT), softplus)


BEND, LOWEST_LOGIT = 0.3, -60.0
"""Share c of its level's share below which `log_positive` bends, and its least value there."""


def as_type(values, dtype):
    """Numbers as a column of a type holds them: whole numbers, or truth, where it is of such."""
    name = frames.type_name(dtype).lower()
    if name in ("bool", "boolean"):
        return values >= 0.5
    if name.rstrip("0123456789") not in ("int", "uint"):
        return values
    limits = np.iinfo(name)
    return np.clip(np.rint(values), limits.min, limits.max)


def missing_message(name, column):
    """What is said of a category that is missing."""
    return (
        f"{name} contains NaN, or another mark of what is missing, in column {column!r}. Set "
        "missing='mask' to treat such as missing values, which the loss leaves out, or replace "
        "them first, for instance by SimpleImputer(strategy='most_frequent')."
    )


def checked_numbers(X, positions, name, missing):
    """Columns of X as a matrix of numbers."""
    if not positions:
        return np.empty((X.shape[0], 0))
    part = frames.select(X, positions)
    with explaining(name, part):
        numbers = check_array(
            part, dtype=np.float64, ensure_all_finite=finiteness(missing), input_name=name
        )
    return check_range(numbers, name, LARGEST, "whose squares are infinite. Scale the data")


# Describing a table


def described(estimator, X, sample_weight):
    """The `Table` of an estimator's training rows; None if all columns are plain numbers."""
    asked, weights = estimator.categorical_features, estimator.column_weights
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
    with explaining("sample_weight"):
        sample_weight = check_sample_weight(sample_weight, X)
    n_columns, library = X.shape[1], frames.library_of(X)
    weights = np.ones(n_columns) if weights is None else weights
    names = frames.names_of(X) or [f"x{number}" for number in range(n_columns)]
    missing = estimator.missing == "mask"
    numbers = checked_numbers(X, np.flatnonzero(~chosen).tolist(), "X", missing)
    summary = iter(_moments(numbers, sample_weight))
    columns = []
    for number, (name, is_category, weight) in enumerate(zip(names, chosen, weights, strict=True)):
        if is_category:
            values = frames.column(X, number)
            values = values._replace(dtype="") if library == "numpy" else values
            columns.append(category_column(name, weight, values, sample_weight))
        else:
            dtype = "" if library == "numpy" else frames.column(X[:1], number).dtype
            columns.append(NumberColumn(name, dtype, weight, *next(summary)))
    return Table(library, columns)


def _moments(numbers, sample_weight):
    """Mean and deviation of each column of numbers, 1 where that is zero."""
    if not numbers.shape[1]:
        return []
    summary = summarise(Rows(numbers), sample_weight)
    if np.isnan(summary.mean).any():
        raise ValueError("X has no value at all in some columns of numbers: leave them out.")
    deviations = np.sqrt(summary.variance)
    return zip(
        summary.mean.tolist(), np.where(deviations > 0, deviations, 1.0).tolist(), strict=True
    )


def category_column(name, weight, column, sample_weight):
    """The `CategoryColumn` of some values."""
    totals = {}
    for value, own in zip(column.values, sample_weight, strict=True):
        if value is not None and own > 0:
            totals[value] = totals.get(value, 0.0) + own
    if not totals:
        raise ValueError(f"X has no value at all in the column {name!r}: leave it out.")
    order = column.declared if column.declared is not None else sorted(totals, key=sorting_key)
    order = [level for level in order if level in totals]
    frequent = sorted(order, key=lambda level: -totals[level])  # stable
    kept, others = set(frequent[:MOST_LEVELS]), frequent[MOST_LEVELS:]
    levels = [level for level in order if level in kept]
    shares = [totals[level] for level in levels]
    if others:
        levels, shares = [*levels, None], [*shares, sum(totals[level] for level in others)]
    shares = np.array(shares) / sum(shares)
    return CategoryColumn(
        name, column.dtype, weight, levels, others, shares, column.declared, column.ordered
    )


def sorting_key(level):
    """By which levels of several types have an order."""
    return type(level).__name__, level


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


def _position(item, X, parameter):
    """Number of the column that a name or a number means."""
    n_columns, names = X.shape[1], frames.names_of(X)
    if isinstance(item, Integral):
        if -n_columns <= item < n_columns:
            return int(item) % n_columns
    elif names is not None and item in names:
        if names.count(item) > 1:
            raise ValueError(f"{parameter} names {item!r}, as several columns of X are called.")
        return names.index(item)
    raise ValueError(f"{parameter} names the column {item!r}, which X does not have.")


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


def checked_features(estimator, X, name, *, missing, reset=False):
    """X as the matrix of an estimator's features, after all checks; see `checked_matrix`."""
    table = estimator._table
    if table is None:
        return checked_matrix(estimator, X, name, missing=missing, reset=reset)
    with explaining(name):
        X = validate_data(estimator, frames.as_table(X), reset=reset, skip_check_array=True)
    # Training rows hold unknown levels only where their weight is zero, so that they are left out.
    lenient = reset or (missing and estimator.handle_unknown == "missing")
    return table.encoded(X, name, missing=missing, unknown="missing" if lenient else "error")
