"""Training data that are read anew in each pass, block by block: what one pass tells of them."""

import copy
from dataclasses import dataclass

import numpy as np

from . import frames
from .rows import Rows, row_hashes
from .sources import reblocked
from .statistics import BLOCK_ROWS, Summary, highest, lowest, summarise
from .training_set import HeldElsewhere, TrainingSet, most_sampled
from .validation import checked_matrix, reworded, surely_in_range

VALIDATION_VALUES = 2**24
"""Most values of held-out rows that are kept, for the loss after each epoch: 64 MiB as float32."""


class CheckedBlocks:
    """The blocks of a source as checked matrices of one width and type.

    Parameters
    ----------
    source : Source
    estimator : BaseAutoencoder
        Number and names of the features are kept in it with ``reset=True``, else compared.
    name : str
        Name of the argument.
    missing : bool
        Whether NaN is a missing value.
    reset : bool

    Attributes
    ----------
    n_features, dtype : int and numpy.dtype
        Those of the first block; None before it was read.
    n_rows : int
        Those of the last pass; None before the first.
    """

    def __init__(self, source, estimator, name, *, missing, reset):
        self.source, self._estimator, self._name = source, estimator, name
        self._missing, self._reset = missing, reset
        self.n_features = self.dtype = self.n_rows = None

    def matrices(self, numbers=None):
        """Yield the blocks of some numbers, or all of them in order, but for those without rows.

        Raises
        ------
        TypeError, ValueError
            If a block is rejected, or differs from the first in width or type.
        """
        n_rows = 0
        for number, block in enumerate(self.source.read(numbers)):
            if not self._is_plainly_valid(block):
                with reworded(
                    lambda text, number=number: f"{text} (In block {number} of {self._name}.)"
                ):
                    block = self._checked(block)
            if len(block):
                n_rows += len(block)
                yield block
        if not n_rows:
            raise ValueError(f"{self._name} has no rows: all of its blocks are empty.")
        self.n_rows = n_rows

    def _is_plainly_valid(self, block):
        """Whether a block needs none of the checks, which take most of the time of small ones."""
        return (
            type(block) is np.ndarray
            and block.ndim == 2
            and (block.shape[1], block.dtype) == (self.n_features, self.dtype)
            and block.dtype in (np.float32, np.float64)
            and (block.flags.c_contiguous or block.flags.f_contiguous)
            and surely_in_range(block)
        )

    def _checked(self, block):
        shape = block.shape if hasattr(block, "shape") else np.shape(block)
        n_features = shape[1] if len(shape) == 2 else 0  # of other shapes, to be refused below
        if n_features and not shape[0]:
            return np.empty(shape)
        if n_features and self.n_features not in (None, n_features):
            raise ValueError(
                f"{self._name} has blocks of different width: {n_features} features after "
                f"{self.n_features}. Let all blocks have the same columns."
            )
        if any(frames.holds_categories(block, n) for n in range(n_features)):
            raise TypeError(
                f"{self._name} has columns of categories, which are not read from blocks. Encode "
                "them first, for instance by OneHotEncoder, or give one frame."
            )
        own = checked_matrix(
            self._estimator, block, self._name, missing=self._missing, reset=self._reset
        )
        self._reset = False
        if self.n_features is None:
            self.n_features, self.dtype = own.shape[1], own.dtype
        elif own.dtype != self.dtype:
            raise ValueError(
                f"{self._name} has blocks of different type: {own.dtype} after {self.dtype}. "
                f"Convert them in the function that reads them: block.astype('{self.dtype}')."
            )
        return own.toarray() if hasattr(own, "toarray") else own

    def to_array(self, n_rows):
        """All rows as one array in their own type."""
        out, filled = None, 0
        for part in self.matrices():
            if out is None:
                out = np.empty((n_rows, part.shape[1]), part.dtype)
            check_count(filled + len(part), n_rows, self._name, at_most=True)
            out[filled : filled + len(part)] = part
            filled += len(part)
        check_count(filled, n_rows, self._name)
        return out


def check_count(n_rows, expected, name="X", *, at_most=False):
    """Refuse a pass over an argument that gives another number of rows than the first."""
    if n_rows > expected or (n_rows < expected and not at_most):
        raise ValueError(
            f"{name} gave {expected} rows in the first pass, but {'more' if at_most else n_rows} "
            "in a later one. Let each call of the function in Stream(read) return an iterator over "
            "the same rows."
        )


class StreamedRows:
    """The rows to train on, read anew in each pass.

    Parameters
    ----------
    blocks : CheckedBlocks
    missing : bool
        Whether rows without any value are left out.
    held_out : float
        Share of the rows that are held out.
    """

    def __init__(self, blocks, *, missing, held_out):
        self._blocks, self._missing, self._held_out = blocks, missing, held_out
        self._centre = None
        self.n_rows = None

    @property
    def n_features(self):
        """Number of columns."""
        return self._blocks.n_features

    @property
    def dtype(self):
        """Type of the data."""
        return self._blocks.dtype

    def parted(self, numbers=None):
        """Yield parts of rows to train on, and of rows that are held out, of the same blocks."""
        for block in self._blocks.matrices(numbers):
            for start in range(0, len(block), BLOCK_ROWS):
                # In one order, as that of sums follows that of the memory.
                part = np.ascontiguousarray(block[start : start + BLOCK_ROWS])
                if self._missing:
                    part = part[~np.isnan(part).all(axis=1)]
                if not self._held_out:
                    yield part, part[:0]
                    continue
                is_out = held_out(part, self._held_out)
                yield part[~is_out], part[is_out]

    def windows(self, n_rows, random=None):
        """Yield all rows as `Rows` of `n_rows`, the last of which may be fewer.

        Parameters
        ----------
        n_rows : int
        random : numpy Generator, default=None
            Source of the order of the blocks, where they can be read in any; None keeps it.
        """
        n_blocks, n_seen = self._blocks.source.n_blocks, 0
        numbers = random.permutation(n_blocks) if random is not None and n_blocks else None
        for part in reblocked((part for part, _ in self.parted(numbers)), n_rows):
            n_seen += len(part)
            check_count(n_seen, self.n_rows, at_most=True)
            rows = Rows(part)
            yield rows if self._centre is None else rows.standardised(self._centre, self._scale)
        check_count(n_seen, self.n_rows)

    def standardised(self, centre, scale):
        """The rows with `centre` subtracted, divided by `scale`."""
        rows = copy.copy(self)
        rows._centre, rows._scale = centre, scale
        return rows

    def computed(self, most_bytes):
        """These rows, which are too many to be kept."""
        return self


def held_out(part, fraction):
    """Which rows are held out, by a hash of their values.

    So a row is held out in every pass, whatever the order of the rows, and so are all its copies;
    and it takes no memory.
    """
    return row_hashes(part) < np.uint64(fraction * 2**64)


class Thinned:
    """Rows of a sequence of unknown length, evenly spaced: every one, or second, or fourth, ...

    Parameters
    ----------
    most : int
        The most that are kept; at least half as many are, if there are so many.
    """

    def __init__(self, most):
        self._most, self._step, self._n_seen = most, 1, 0
        self._parts, self._n_kept = [], 0

    def add(self, part):
        """Go on with more rows."""
        own = part[-self._n_seen % self._step :: self._step].copy()
        self._n_seen += len(part)
        if len(own) or not self._parts:
            self._parts.append(own)
        self._n_kept += len(own)
        while self._n_kept > self._most:
            kept = np.concatenate(self._parts)[::2]
            self._parts, self._n_kept, self._step = [kept], len(kept), 2 * self._step

    def rows(self):
        """What is kept."""
        return np.concatenate(self._parts)


@dataclass
class StreamedSet(HeldElsewhere):
    """Rows to train on that are read anew in each pass, and what the first one told of them.

    It stands in the place of a `TrainingSet`. Each row has the weight 1.

    Attributes
    ----------
    X : StreamedRows
    target_summary : Summary
        Of the rows to train on.
    target_range : tuple (low, high)
        Of these and of those held out.
    held : TrainingSet
        Some of the rows, evenly spaced.
    validation : TrainingSet or None
        At most `VALIDATION_VALUES` of the rows held out.
    share_held_out : float
        Share of all rows that are held out.
    is_streamed : bool
        See `TrainingSet`.
    """

    X: StreamedRows
    target_summary: Summary
    target_range: tuple
    held: TrainingSet
    validation: TrainingSet | None = None
    share_held_out: float = 0.0
    copies, exponent, is_streamed = None, 0, True

    @classmethod
    def from_blocks(cls, blocks, *, missing, held_out=0.0):
        """What one pass over `CheckedBlocks` tells; None if there are no rows to train on."""
        X = StreamedRows(blocks, missing=missing, held_out=held_out)
        survey = _Survey()
        for part in reblocked(survey.training(X.parted()), BLOCK_ROWS):
            survey.add(summarise(Rows(part)), len(part))
        X.n_rows, summary = survey.n_rows, survey.summary
        if summary is None:
            return None
        low, high = survey.held_out_range
        ends = float(np.fmin.reduce(summary.low, initial=low))
        ends = ends, float(np.fmax.reduce(summary.high, initial=high))
        data = cls(X, summary, ends, TrainingSet.from_arrays(survey.sample.rows()))
        if survey.n_held_out:
            data.validation = TrainingSet.from_arrays(survey.validation.rows())
            data.share_held_out = survey.n_held_out / (survey.n_rows + survey.n_held_out)
        return data

    @property
    def target(self):
        """What the network must give: X itself."""
        return self.X

    @property
    def input_summary(self):
        """Statistics of X."""
        return self.target_summary

    @property
    def n_rows(self):
        """Number of rows to train on."""
        return self.X.n_rows

    @property
    def total_weight(self):
        """Sum of their weights."""
        return float(self.n_rows)

    def split(self, validation_fraction, seed, number=0):
        """These rows: what is held out was left out of the first pass."""
        return self


class _Survey:
    """What one pass over rows tells of them.

    Attributes
    ----------
    n_rows, n_held_out : int
    summary : Summary or None
        Of the rows to train on.
    held_out_range : tuple (low, high)
    sample, validation : Thinned or None
        Some of the rows to train on, and of those held out.
    """

    def __init__(self):
        self.n_rows = self.n_held_out = 0
        self.held_out_range = np.inf, -np.inf
        self.summary = self.sample = self.validation = None

    def training(self, parted):
        """Go through the parts of `StreamedRows.parted`; yields those to train on."""
        for part, out in parted:
            if self.sample is None:
                width = part.shape[1]
                self.sample = Thinned(most_sampled(width))
                self.validation = Thinned(max(1, VALIDATION_VALUES // width))
            self.sample.add(part)
            self.validation.add(out)
            if len(out):
                low, high = self.held_out_range
                self.held_out_range = min(low, lowest(out)), max(high, highest(out))
                self.n_held_out += len(out)
            yield part

    def add(self, summary, n_rows):
        """Go on with the statistics of more rows to train on."""
        self.n_rows += n_rows
        self.summary = summary if self.summary is None else self.summary.with_rows_of(summary)


def check_parted(data, fraction):
    """Refuse large data of which no row is left to train on, or none is held out.

    Raises
    ------
    ValueError
        If so.
    """
    if data is None and not fraction:
        raise ValueError("No row of X has any value to reconstruct.")
    if fraction and (data is None or data.validation is None):
        raise ValueError(
            f"early_stopping=True cannot hold out validation_fraction={fraction} of X and keep "
            "some rows to train on: most of its rows seem to be identical, and copies are held "
            "out together. Give rows for validation as X_val, or set early_stopping=False."
        )
