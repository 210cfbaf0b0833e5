"""Rows: data of any storage, read as float32."""

import numpy as np
from scipy import sparse

PIECE_ROWS = 256
"""Rows of another type than float32 that are converted together."""

HASHED_ROWS = 1024
"""Rows that are hashed together."""


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

    @property
    def dtype(self):
        """Type of the data."""
        return self.X.dtype

    def part(self, positions):
        """The rows at `positions`, dense, in their own type; a view where that is possible."""
        part = self.X[positions if self.index is None else self.index[positions]]
        return part.toarray() if sparse.issparse(part) else part

    def take(self, positions, out):
        """Write the rows at `positions`, an array, into the first rows of `out`; returns `out`."""
        if type(self.X) is np.ndarray and self.X.dtype == out.dtype and self.X.flags.c_contiguous:
            index = positions if self.index is None else self.index[positions]
            np.take(self.X, index, axis=0, out=out[: len(index)], mode="clip")
            return out
        return self._take_parts(positions, out)

    def _take_parts(self, positions, out):
        for start in range(0, len(positions), PIECE_ROWS):
            part = self.part(positions[start : start + PIECE_ROWS])
            out[start : start + len(part)] = part
        return out

    def to_array(self):
        """All rows as one float32 array."""
        out = np.empty((self.n_rows, self.n_features), np.float32)
        return self.take(np.arange(self.n_rows), out)

    def hashes(self):
        """A hash of each row; see `row_hashes`."""
        found = []
        for start in range(0, self.n_rows, HASHED_ROWS):
            positions = slice(start, start + HASHED_ROWS)
            if sparse.issparse(self.X):
                piece = self.X[positions if self.index is None else self.index[positions]]
                piece.sum_duplicates()
            else:
                piece = self.part(positions)
            found.append(row_hashes(piece))
        return np.concatenate(found)

    def subset(self, positions):
        """The rows at `positions`, as `Rows` of the same data."""
        return Rows(self.X, positions if self.index is None else self.index[positions])

    def computed(self, most_bytes):
        """The same rows, computed once if they take no more memory: here there is nothing to do."""
        return self

    def standardised(self, centre, scale):
        """The rows with `centre` subtracted, divided by `scale`, in double precision."""
        return _Standardised(self, centre, scale)


class _Standardised(Rows):
    """Rows on another scale, computed as they are read.

    Parameters
    ----------
    rows : Rows
    centre : ndarray of shape (n_features,)
    scale : ndarray of shape () or (n_features,)
    """

    def __init__(self, rows, centre, scale):
        super().__init__(rows.X, rows.index)
        self.centre, self.scale = centre, scale
        self._factor = 1 / scale  # a product takes less time than a quotient

    def part(self, positions):
        """The rows at `positions`, dense, in double precision.

        So the same numbers give the same rows whatever their type, in one order in memory, as sums
        are taken in that.
        """
        part = super().part(positions).astype(np.float64, order="C")
        part -= self.centre
        part *= self._factor
        return part

    def take(self, positions, out):
        """Write the rows at `positions`, an array, into the first rows of `out`; returns `out`."""
        return self._take_parts(positions, out)

    def computed(self, most_bytes):
        """The rows as a float32 array if it takes no more memory, else these, read anew."""
        return Rows(self.to_array()) if 4 * self.n_rows * self.n_features <= most_bytes else self

    def subset(self, positions):
        """The rows at `positions`, as rows of the same data on the same scale."""
        return super().subset(positions).standardised(self.centre, self.scale)


def row_hashes(part):
    """A hash of each row's values: equal rows have the same in any type and storage.

    It is a sum of products with fixed random numbers [1]_, mixed.

    Parameters
    ----------
    part : ndarray or csr matrix of shape (n_rows, n_features)

    Returns
    -------
    hashes : ndarray of uint64 of shape (n_rows,)

    References
    ----------
    .. [1] Lemire, D. and Kaser, O. (2014). Strongly universal string hashing is fast. The Computer
       Journal 57, 1624-1638. https://doi.org/10.1093/comjnl/bxt070
    """
    keys = np.random.default_rng(0).integers(2**63, size=part.shape[1], dtype=np.uint64) | 1
    if sparse.issparse(part):  # the bits of a zero are none, and add nothing
        products = mixed_bits(part.data) * keys[part.indices]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(products)])
        mixed = sums[part.indptr[1:]] - sums[part.indptr[:-1]]
    else:
        mixed = mixed_bits(part) @ keys
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed


def mixed_bits(array):
    """The bits of numbers in double precision, of which the low ones are zero in many numbers."""
    values = array.astype(np.float64, order="C")
    values += 0.0  # of a zero, the sign
    values[np.isnan(values)] = np.nan
    bits = values.view(np.uint64)
    bits ^= bits >> np.uint64(32)
    return bits
