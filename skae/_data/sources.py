"""Data that are read in blocks of consecutive rows: streams, and arrays that lie elsewhere."""

import sys

import numpy as np
from scipy import sparse

from . import frames
from .statistics import BLOCK_ROWS

HELD_BYTES = 256 * 2**20
"""Data that take no more (as float32) are read as one array, larger ones block by block."""

CHUNK_ROWS = 64
"""Least rows that are read together where an array is read in another order than its own."""


class Stream:
    """Rows that a function reads, block by block, for data that are larger than memory.

    `fit` and `partial_fit` take it as X. They call the function for each pass over the rows: one
    for the statistics, then one in each epoch.

    Parameters
    ----------
    read : callable
        Takes no argument, and returns an iterable of blocks: arrays or frames of shape (n_rows,
        n_features), of any number of rows, with the same columns and type in each. Each call must
        give all rows, in any order. A generator is used up after one pass: give the function that
        makes it.

    Notes
    -----
    Blocks come in the order of the function, and rows are shuffled within windows of 64 MiB (as
    float32). Where rows are sorted, for instance by class, let the function read the blocks in
    another order each time.

    Columns of categories are not read from blocks: encode them first. While the network trains, the
    function runs in a thread of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer, Stream
    >>> X = load_digits().data
    >>> def read():
    ...     for start in range(0, len(X), 500):
    ...         yield X[start : start + 500]  # from a file, a data base, a network
    >>> autoencoder = AutoencoderTransformer(8, max_iter=5, random_state=0)
    >>> from_blocks = autoencoder.fit(Stream(read)).transform(X)
    >>> bool((from_blocks == autoencoder.fit(X).transform(X)).all())
    True
    """

    def __init__(self, read):
        self.read = read

    def __repr__(self):
        return f"{type(self).__name__}({getattr(self.read, '__name__', self.read)!s})"

    def blocks(self):
        """The blocks of one pass, from their function."""
        if not callable(self.read):
            raise TypeError(
                f"Stream(read) needs a function that returns an iterable of blocks, got "
                f"{type(self.read).__name__}. Pass the function itself rather than what it "
                "returns, so that the rows can be read once in each epoch: Stream(function)."
            )
        blocks = self.read()
        if not hasattr(blocks, "__iter__") or hasattr(blocks, "shape"):
            raise TypeError(
                "The function in Stream(read) must return an iterable of blocks, such as a list of "
                f"arrays or a generator, got {type(blocks).__name__}."
            )
        return iter(blocks)


class Source:
    """Blocks of rows, in order or by their numbers.

    Attributes
    ----------
    n_rows, n_features : int or None
        None where it is not known before all has been read.
    n_blocks : int or None
        None where blocks can be read in one order only.
    """

    n_rows = n_features = n_blocks = None

    def read(self, numbers=None):
        """Yield the blocks of some numbers, or all of them in order."""
        raise NotImplementedError


class StreamSource(Source):
    """The blocks of a `Stream`."""

    def __init__(self, stream, name):
        self._stream, self._name = stream, name
        self._was_read = False

    def read(self, numbers=None):
        """Yield all blocks in order."""
        empty = True
        for number, block in enumerate(self._stream.blocks()):
            empty = False
            if isinstance(block, (list, tuple)):
                raise TypeError(
                    f"Block {number} of {self._name} is a {type(block).__name__}, as of rows and "
                    "labels. A Stream gives the rows alone, for instance: "
                    "Stream(lambda: (X for X, y in loader))."
                )
            yield _as_table(block)
        if empty and self._was_read:
            raise ValueError(
                f"{self._name} could be read once only: the function in Stream(read) gave no block "
                "in a second pass. Let each call return a new iterator, so that rows can be read "
                "once in each epoch."
            )
        if empty:
            raise ValueError(
                f"{self._name} is an empty stream: the function in Stream(read) gave no block."
            )
        self._was_read = True


class StoredSource(Source):
    """An array with `shape` and row slices, wherever it lies.

    Parameters
    ----------
    X : object with `shape`
    rows_of_block : int
        Rows that are read together in another order than that of X.
    read : callable
        Gives the rows of X from a start to an end.
    """

    def __init__(self, X, rows_of_block, read):
        self.n_rows, self.n_features = X.shape
        self._rows, self._read = rows_of_block, read
        self.n_blocks = -(-self.n_rows // rows_of_block)

    def read(self, numbers=None):
        """Yield the blocks of some numbers, or in order larger ones."""
        rows = self._rows
        if numbers is None:
            rows *= -(-BLOCK_ROWS // rows)
            numbers = range(-(-self.n_rows // rows))
        for number in numbers:
            yield self._read(number * rows, min((number + 1) * rows, self.n_rows))


def is_source(X):
    """Whether X is read in blocks whatever its size."""
    if type(X) is np.ndarray:  # quickly, for calls on one row
        return False
    return isinstance(X, Stream) or is_of_dask(X) or _is_stored(X)


def source_of(X, name="X"):
    """The `Source` of an argument: a stream, or an array of any library that has rows.

    Raises
    ------
    ValueError
        If it has no two dimensions, or its blocks split the features.
    """
    if isinstance(X, Stream):
        return StreamSource(X, name)
    if is_of_dask(X):
        from . import dask  # imported only where X is of it

        return dask.source_of(X, name)
    if _is_arrow_table(X):
        return StoredSource(X, BLOCK_ROWS, lambda start, stop: X.slice(start, stop - start))
    if len(X.shape) != 2:
        raise ValueError(
            f"{name} must have two dimensions, (n_samples, n_features), got the shape {X.shape}."
        )
    rows = np.max(chunks[0]) if (chunks := getattr(X, "chunks", None)) else 1
    rows = int(rows) * -(-CHUNK_ROWS // int(rows))
    return StoredSource(X, rows, lambda start, stop: _as_array(X[start:stop]))


def _as_array(rows):
    """Rows that another library read, as an array; what it masks is missing."""
    if isinstance(rows, np.ma.MaskedArray):
        return rows.astype(np.result_type(rows.dtype, np.float32)).filled(np.nan)
    return np.asarray(rows)


def _as_table(block):
    """A block that NumPy can read, which batches of Arrow before version 15 are not."""
    if (
        type(block).__module__.partition(".")[0] == "pyarrow"
        and type(block).__name__ == "RecordBatch"
    ):
        return sys.modules["pyarrow"].Table.from_batches([block])
    return block


def large_source(X):
    """The `Source` of an array or table in memory, or mapped to it, that is large; else None."""
    is_table = _is_matrix(X) or _is_arrow_table(X)
    return source_of(X) if is_table and is_large(*X.shape) else None


def is_large(n_rows, n_features):
    """Whether data are read block by block."""
    return 4 * n_rows * n_features > HELD_BYTES


def is_of_dask(X):
    """Whether X is a Dask array or frame, told without importing Dask."""
    for module, kinds in (("dask.array", ("Array",)), ("dask.dataframe", ("DataFrame", "Series"))):
        library = sys.modules.get(module)
        names = [getattr(library, kind, ()) for kind in kinds] if library else []
        if any(isinstance(X, kind) for kind in names):
            return True
    return False


def _is_stored(X):
    """Whether X is an array of another library that reads slices of rows: HDF5, zarr and others."""
    return (
        isinstance(getattr(X, "dtype", None), np.dtype)
        and hasattr(X, "shape")
        and hasattr(X, "__getitem__")
        and not isinstance(X, (np.ndarray, np.generic, type))
        and not hasattr(X, "iloc")  # frames
        and not hasattr(X, "__array_namespace__")  # arrays that lie in memory
        and not hasattr(X, "__array_interface__")
        and not sparse.issparse(X)
    )


def _is_matrix(X):
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "biuf"


def _is_arrow_table(X):
    return type(X).__module__.partition(".")[0] == "pyarrow" and type(X).__name__ == "Table"


def reblocked(parts, n_rows):
    """Yield the rows of parts of any length in parts of `n_rows`, of which the last may have fewer.

    A part may be overwritten when the next one is asked for.
    """
    buffer, filled = None, 0
    for part in parts:
        start = 0
        while start < len(part):
            if not filled and len(part) - start >= n_rows:
                yield part[start : start + n_rows]
                start += n_rows
                continue
            if buffer is None:
                buffer = np.empty((n_rows, part.shape[1]), part.dtype)
            n_taken = min(n_rows - filled, len(part) - start)
            buffer[filled : filled + n_taken] = part[start : start + n_taken]
            filled, start = filled + n_taken, start + n_taken
            if filled == n_rows:
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]


def joined(results):
    """Results of blocks, one after the other, in the container that they have."""
    library = frames.library_of(results[0])
    if library == "pandas":
        return sys.modules["pandas"].concat(results, ignore_index=True)
    if library == "polars":
        return sys.modules["polars"].concat(results)
    return np.concatenate(results)
