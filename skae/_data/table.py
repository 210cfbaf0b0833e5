"""Tables with columns of categories: as numbers that count alike, and back."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from .._sklearn_compat import check_sample_weight
from . import frames
from .contents import known, read
from .rows import Rows
from .statistics import far_values, summarise
from .validation import check_container, checked_matrix, explaining

MOST_LEVELS = 255
"""Levels of a column that are told apart, the most frequent ones; all others are one more."""

WIDE = 512
"""Features from which encoded tables are sparse."""

ROUNDING = 4 * np.finfo(np.float64).eps
"""Share of a column's largest magnitude up to which its deviation is taken for rounding."""


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
        values = encoded[:, 0].astype(np.float64) * self.unit + self.mean
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

    array_shapes = {"shares": ("levels",)}
    """Names of the sizes of arrays, for files; see `skae._persistence.sizes`."""

    @property
    def n_features(self):
        """Number of levels that are told apart."""
        return len(self.levels)

    @property
    def all_levels(self):
        """All levels, with those that are not told apart."""
        return [*(level for level in self.levels if level is not None), *self.others]

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
class EmptyColumn:
    """A column that has no value in the training rows, and no feature.

    Attributes
    ----------
    name, dtype, weight, declared, ordered : as in `CategoryColumn`
    is_number : bool
        Whether it would be a column of numbers.
    """

    name: object
    dtype: str
    weight: float
    is_number: bool
    declared: list | None
    ordered: bool

    n_features = 0
    unit = 1.0

    def decoded(self, encoded):
        """Zeros, as of an empty feature of an array; categories have none, and stay missing."""
        if self.is_number:
            dtype = "" if self.dtype == "Null" else self.dtype
            return frames.Values(as_type(np.zeros(len(encoded)), dtype), dtype)
        values = np.full(len(encoded), None)
        return frames.Values(values, self.dtype, self.declared, self.ordered)


@dataclass(frozen=True)
class Table:
    """How the columns of a table become features, and features such columns.

    Attributes
    ----------
    library : {"numpy", "pandas", "polars"}
        Of the table that was described.
    columns : list of NumberColumn, CategoryColumn or EmptyColumn
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

    def read(self, X, name, *, missing):
        """The `Contents` of a table with such columns; see `contents.read`."""
        is_category = [not isinstance(column, NumberColumn) for column in self.columns]
        return read(frames.as_table(X), np.array(is_category), name, missing=missing)

    def encoded(self, contents, name, *, unknown):
        """The contents of a table as a matrix; a column that is missing in a row has none there.

        Parameters
        ----------
        contents : Contents
        name : str
            Name of the argument.
        unknown : {"error", "missing"}

        Returns
        -------
        features : ndarray or csr_array of shape (n_rows, n_features)
            In the floating type of the numbers, float64 where there are none.
        """
        parts = []
        for column, own in zip(self.columns, contents.columns, strict=True):
            if isinstance(column, NumberColumn):
                parts.append(((own - column.mean) / column.unit)[:, None])
            elif isinstance(column, CategoryColumn):
                parts.append(self._indicators(column, own.values, name, unknown))
        if len(self.column_of) <= WIDE:
            features = np.hstack(
                [part if isinstance(part, np.ndarray) else part.toarray() for part in parts]
            )
        else:
            features = sparse.hstack([sparse.csr_array(part) for part in parts], format="csr")
        return features.astype(contents.dtype, copy=False)

    @staticmethod
    def _indicators(column, values, name, unknown):
        levels = column.numbers(values)
        if (levels == -2).any() and unknown == "error":
            value = values[np.argmax(levels == -2)]
            raise ValueError(
                f"{name} holds a category that the training rows do not: {value!r} in column "
                f"{column.name!r}. In cross-validation this happens where a level is rare. Set "
                "handle_unknown='missing' and missing='mask' to take such for "
                "missing values, or join rare levels into one."
            )
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

    def missing(self, features, X):
        """Where the columns of a table X are missing, from its features."""
        missing = np.empty((len(features), len(self.columns)), bool)
        X = frames.as_table(X)
        for number, (column, start) in enumerate(zip(self.columns, self.starts, strict=True)):
            if column.n_features:
                missing[:, number] = np.isnan(features[:, start])
            else:
                missing[:, number] = ~known(frames.column(X, number))
        return missing

    def decoded(self, features, library, index=None, keep=None, missing=None, names=None):
        """A table of features.

        Parameters
        ----------
        features, library, keep, missing : as in `values`
        index : pandas.Index, default=None
        names : list of str, default=None
            Those of the columns; None for the ones they had.
        """
        columns = self.values(features, library, keep, missing)
        names = [own.name for own in self.columns] if names is None else names
        return frames.frame(library, names, columns, index)

    def values(self, features, library, keep=None, missing=None):
        """The `Values` of each column of a table of features.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features)
        library : {"numpy", "pandas", "polars"}
            In which they are to be held.
        keep : frame or array-like of shape (n_rows, n_columns), default=None
            A table whose values stay where they are not missing.
        missing : ndarray of bool of shape (n_rows, n_columns), default=None
            Where they are.
        """
        parts = np.split(features, self.starts[1:], axis=1)
        columns = [own.decoded(part) for own, part in zip(self.columns, parts, strict=True)]
        libraries = {self.library, library}
        if keep is not None:
            keep = frames.as_table(keep)
            libraries.add(frames.library_of(keep))
            columns = [
                kept(frames.column(keep, number), one, missing[:, number])
                if own.n_features
                else one
                for number, (own, one) in enumerate(zip(self.columns, columns, strict=True))
            ]
        if len(libraries) > 1:  # in which types have other names
            columns = [one._replace(dtype="") for one in columns]
        return columns


def corrupted(table, X, corrupt):
    """A table whose features were corrupted; what they leave as it is stays as it is in X.

    Parameters
    ----------
    table : Table
    X : frame of shape (n_rows, n_columns)
    corrupt : callable
        Of float32 features makes such.
    """
    features = table.encoded(table.read(X, "X", missing=True), "X", unknown="error")
    features = features.toarray() if sparse.issparse(features) else features
    features = features.astype(np.float32)
    noisy = corrupt(features)
    is_same = (features == noisy) | (np.isnan(features) & np.isnan(noisy))
    columns_of_features = np.eye(len(table.columns), dtype=bool)[table.column_of]
    changed = ~is_same @ columns_of_features
    empty = changed & ~((np.nan_to_num(noisy) != 0) @ columns_of_features)
    is_category = np.array([isinstance(column, CategoryColumn) for column in table.columns])
    gone = (np.isnan(noisy) @ columns_of_features | empty & is_category) & changed
    values = table.values(noisy, table.library, X, changed)
    columns = [
        without(one, mask, None if of_categories else np.nan)
        for one, mask, of_categories in zip(values, gone.T, is_category, strict=True)
    ]
    names = [own.name for own in table.columns]
    return frames.frame(table.library, names, columns, frames.index_of(X))


def without(column, mask, mark):
    """A column with a mark of what is missing where a mask says so."""
    if not mask.any():
        return column
    values = column.values.astype(object)
    is_text = frames.type_name(column.dtype) in frames.TEXT
    values[mask] = mark
    return column._replace(values=values, dtype=column.dtype if is_text else "")


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
    name = frames.number_type(dtype)
    if name in ("bool", "boolean"):
        return values >= 0.5
    if name.rstrip("0123456789") not in ("int", "uint"):
        return values
    limits = np.iinfo(name)
    high = float(limits.max)
    if high > limits.max:  # of 64 bits, the next number that is floating
        high = np.nextafter(high, 0.0)
    return np.clip(np.rint(values), limits.min, high)


class Encoded(NamedTuple):
    """Training rows that are features already, for fits of some rows of data that are described.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n_rows, n_features)
        Checked rows.
    table : Table or None
        Whose features they are; None for plain numbers.
    """

    features: object
    table: Table | None

    @property
    def n_columns(self):
        """Number of columns of the table, or of the features that are none."""
        return self.features.shape[1] if self.table is None else len(self.table.columns)


# Describing a table


def table_of(contents, sample_weight, *, keep_empty=False, trim_fraction=0.0):
    """The `Table` of the contents of training rows.

    Parameters
    ----------
    contents : Contents
    sample_weight : array-like of shape (n_rows,) or None
    keep_empty : bool, default=False
        Whether columns without any value become `EmptyColumn`, rather than being refused.
    trim_fraction : float, default=0.0
        Most of the rows' weight that may be outliers: means and deviations of numbers are without
        as many of those that are far from all others.
    """
    with explaining("sample_weight"):
        sample_weight = check_sample_weight(sample_weight, np.empty((contents.n_rows, 1)))
    counts = [own[sample_weight > 0].any() for own in contents.known()]
    if not (keep_empty or all(counts)):
        empty = [name for name, some in zip(contents.names, counts, strict=True) if not some]
        raise ValueError(f"X has no value at all in the columns {empty}: leave them out.")
    described = zip(
        contents.names,
        contents.types,
        contents.weights.tolist(),
        contents.columns,
        counts,
        strict=True,
    )
    columns = [
        column_of(*parts, sample_weight, trim_fraction) if has_values else empty_column(*parts)
        for *parts, has_values in described
    ]
    return Table(contents.library, columns)


def column_of(name, dtype, weight, own, sample_weight, trim_fraction):
    """A column of training rows, as `Contents` has it, described."""
    if isinstance(own, frames.Values):
        return category_column(name, weight, own, sample_weight)
    return number_column(name, dtype, weight, own, sample_weight, trim_fraction)


def empty_column(name, dtype, weight, own):
    """The `EmptyColumn` of a column without values."""
    if isinstance(own, frames.Values):
        return EmptyColumn(name, dtype, weight, False, own.declared, own.ordered)
    return EmptyColumn(name, dtype, weight, True, None, False)


def number_column(name, dtype, weight, values, sample_weight, trim_fraction):
    """The `NumberColumn` of some values; of a constant, but for rounding, the deviation is 1."""
    if trim_fraction:
        sample_weight = sample_weight * ~far_values(values, sample_weight, trim_fraction)
    summary = summarise(Rows(values[:, None]), sample_weight)
    ((mean,), (variance,)) = summary.mean, summary.variance
    deviation = float(np.sqrt(variance))
    rounding = ROUNDING * max(abs(float(summary.low[0])), abs(float(summary.high[0])))
    return NumberColumn(
        name, dtype, weight, float(mean), deviation if deviation > rounding else 1.0
    )


def category_column(name, weight, column, sample_weight):
    """The `CategoryColumn` of some values."""
    totals = {}
    try:
        for value, own in zip(column.values, sample_weight, strict=True):
            if value is not None and own > 0:
                totals[value] = totals.get(value, 0.0) + own
    except TypeError as error:
        raise TypeError(f"The column {name!r} of X holds no categories: {error}.") from error
    order = column.declared if column.declared is not None else in_order(totals)
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


def in_order(levels):
    """Levels sorted, those of each type by themselves; as text where they have no order."""
    try:
        return sorted(levels, key=lambda level: (type(level).__name__, level))
    except TypeError:
        return sorted(levels, key=lambda level: (type(level).__name__, repr(level)))


def checked_features(estimator, X, name, *, missing, contents=None, reset=False):
    """X as the matrix of an estimator's features, after all checks; see `checked_matrix`."""
    if estimator._table is None:
        return checked_matrix(estimator, X, name, missing=missing, reset=reset)
    # Training rows hold unknown levels only where their weight is zero, so that they are left out.
    lenient = reset or (missing and estimator.handle_unknown == "missing")
    return encoded_table(
        estimator, X, name, missing=missing, lenient=lenient, contents=contents, reset=reset
    )


def encoded_table(estimator, X, name, *, missing, lenient, contents=None, reset=False):
    """X as the features of an estimator's `Table`, after all checks.

    Where its `Contents` were read before, these are taken. A level that the table does not know is
    missing if `lenient`, else refused.
    """
    check_container(X, name)
    with explaining(name):
        X = validate_data(estimator, frames.as_table(X), reset=reset, skip_check_array=True)
    if contents is None:
        contents = estimator._table.read(X, name, missing=missing)
    return estimator._table.encoded(contents, name, unknown="missing" if lenient else "error")
