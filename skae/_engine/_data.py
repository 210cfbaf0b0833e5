"""Rows: data of any storage, read as float32 blocks of a fixed shape."""

import numpy as np
from scipy import sparse

BLOCK_BYTES = 256 * 2**20
"""Largest block, as float32: data above are read in blocks of a quarter of it."""

CHUNK_ROWS = 64
"""Rows that stay neighbours when data are read in blocks, so that a disk reads them together."""


class Rows:
    """Rows of a matrix that are read as float32 whatever their storage.

    Parameters
    ----------
    X : ndarray, memory map or sparse matrix of shape (n_rows, n_features)
        Never copied as a whole; what is read is made dense and float32.
    index : ndarray of int, default=None
        The rows that belong, in order; None for all.
    """

    def __init__(self, X, index=None):
        self.X = X.tocsr() if sparse.issparse(X) else X
        self.index = index
        self.n_rows = X.shape[0] if index is None else len(index)
        self.n_features = X.shape[1]

    def part(self, positions):
        """The rows at `positions`, dense, in their own type; a view where that is possible."""
        part = self.X[positions if self.index is None else self.index[positions]]
        return part.toarray() if sparse.issparse(part) else part

    def take(self, positions, out):
        """Write the rows at `positions` into the first rows of `out`; returns `out`."""
        part = self.part(positions)
        out[: len(part)] = part
        return out

    def to_array(self):
        """All rows as one float32 array."""
        return self.take(slice(None), np.empty((self.n_rows, self.n_features), np.float32))

    def subset(self, positions):
        """The rows at `positions`, as `Rows` of the same data."""
        return Rows(self.X, positions if self.index is None else self.index[positions])


def tiles(rows, tile_rows):
    """Yield ``(start, tile)`` over all rows, each of `tile_rows` rows, the last padded.

    A tile is a view of the data where they are float32 in one piece; it must not be written.
    """
    for start in range(0, rows.n_rows, tile_rows):
        n_rows = min(tile_rows, rows.n_rows - start)
        tile = rows.part(slice(start, start + n_rows))
        if n_rows < tile_rows or tile.dtype != np.float32 or not tile.flags.c_contiguous:
            part, tile = tile, np.empty((tile_rows, rows.n_features), np.float32)
            tile[:n_rows] = part
            tile[n_rows:] = 0.0
        yield start, tile


class Blocks:
    """The training data of a fit, handed out epoch by epoch in blocks of one shape.

    Parameters
    ----------
    X, target : Rows
        What the network reads and what it must give; the same object for most autoencoders.
    weight : ndarray of shape (n_rows,)
        Weight of each row.
    batch_size : int
    """

    def __init__(self, X, target, weight, batch_size):
        self.X, self.target = X, target
        self.weight = weight.astype(np.float32)
        self.batch_size = batch_size
        self.n_rows = X.n_rows
        bytes_of_batch = 4 * batch_size * X.n_features
        batches = -(-self.n_rows // batch_size)
        if batches * bytes_of_batch > BLOCK_BYTES:
            batches = max(1, BLOCK_BYTES // 4 // bytes_of_batch)
        self.capacity = batches * batch_size
        self._whole = self._read(slice(None)) if self.capacity >= self.n_rows else None

    def epoch(self, random):
        """Yield ``(data, order)`` of each block of one epoch.

        Parameters
        ----------
        random : numpy Generator or None
            Source of the shuffling; None keeps the rows in order.

        Yields
        ------
        data : tuple (X, target, weight)
            Device arrays of `capacity` rows; `target` is None where it equals X.
        order : ndarray of int32, shape (n_batches, batch_size)
            Rows of each batch within the block. What is left of the last batch holds other rows r
            as ``~r``, for layers whose statistics are those of the whole batch.
        """
        if self._whole is not None:
            yield self._whole, self._batches(self.n_rows, random)
            return
        rows = self._chunks(random)
        for start in range(0, self.n_rows, self.capacity):
            selected = rows[start : start + self.capacity]
            yield self._read(selected), self._batches(len(selected), random)

    def _chunks(self, random):
        """All row numbers, in shuffled runs of neighbours."""
        rows = np.arange(self.n_rows)
        if random is None:
            return rows
        starts = random.permutation(np.arange(0, self.n_rows, CHUNK_ROWS))
        return np.concatenate([rows[start : start + CHUNK_ROWS] for start in starts])

    def _batches(self, n_rows, random):
        n_batches = -(-n_rows // self.batch_size)
        order = np.arange(n_rows) if random is None else random.permutation(n_rows)
        padding = np.resize(~order, n_batches * self.batch_size - n_rows)
        order = np.concatenate([order, padding]).astype(np.int32)
        return order.reshape(n_batches, self.batch_size)

    def _read(self, selected):
        import jax

        weight = np.zeros(self.capacity, np.float32)
        n_rows = len(self.weight[selected])
        weight[:n_rows] = self.weight[selected]

        def read(rows):
            block = np.empty((self.capacity, rows.n_features), np.float32)
            block[n_rows:] = 0.0
            return rows.take(selected, block)

        target = None if self.target is self.X else read(self.target)
        return jax.device_put((read(self.X), target, weight))
