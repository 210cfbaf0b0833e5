"""Dask arrays and frames, read block by block or mapped over lazily; imported if X is one."""

import numpy as np

from . import frames
from .sources import Source


class DaskSource(Source):
    """The chunks of rows of a Dask array, or the partitions of a frame.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
    n_rows : int or None
    """

    def __init__(self, X, n_rows):
        self._X, self.n_rows, self.n_features = X, n_rows, X.shape[1]
        self._parts = X.partitions if is_frame(X) else X.blocks
        self.n_blocks = X.npartitions if is_frame(X) else X.numblocks[0]

    def read(self, numbers=None):
        """Yield the blocks of some numbers, or all of them in order, each computed by itself."""
        for number in range(self.n_blocks) if numbers is None else numbers:
            yield self._parts[int(number)].compute()


def is_frame(X):
    """Whether X is a frame rather than an array."""
    return hasattr(X, "to_dask_array")


def source_of(X, name):
    """The `Source` of a Dask array or frame.

    Raises
    ------
    ValueError
        If its chunks split the features, or the number of its rows is not known.
    """
    check_chunks(X, name)
    if is_frame(X):
        return DaskSource(X, None)
    if np.isnan(X.shape[0]):
        raise ValueError(
            f"{name} is a Dask array of unknown chunk sizes. Compute them before: "
            f"{name}.compute_chunk_sizes()."
        )
    return DaskSource(X, X.shape[0])


def check_chunks(X, name):
    """Refuse what has no two dimensions, or chunks that do not hold whole rows."""
    if len(X.shape) != 2:
        raise ValueError(
            f"{name} must have two dimensions, (n_samples, n_features), got a {type(X).__name__} "
            f"of Dask with {len(X.shape)}."
        )
    if not is_frame(X) and X.numblocks[1] != 1:
        raise ValueError(
            f"{name} is a Dask array whose chunks split the features into {X.numblocks[1]}. Give "
            f"chunks of whole rows: {name}.rechunk({{0: 'auto', 1: -1}})."
        )


def mapped(function, X, like):
    """What a function of rows gives for the rows of X, lazily.

    Parameters
    ----------
    function : callable
        Maps an array or frame to as many rows of an array or frame. It is sent to the workers.
    X : dask.array.Array or dask.dataframe.DataFrame
    like : ndarray or frame
        Without rows, of the width and type of what the function gives.

    Returns
    -------
    result : dask.array.Array or dask.dataframe.DataFrame

    Raises
    ------
    ValueError
        If the result would be frames of polars.
    """
    library, function = frames.library_of(like), _OfRows(function, like)
    if library == "polars":
        raise ValueError(
            "set_output(transform='polars') cannot be kept of a Dask X, as frames of polars cannot "
            "be lazy. Take transform='pandas' or 'default'."
        )
    if library != "numpy":
        return _frame_of(X).map_partitions(function, meta=like)
    if is_frame(X):
        return X.map_partitions(function, meta=like)
    if like.ndim == 1:
        return X.map_blocks(function, drop_axis=1, dtype=like.dtype, meta=like)
    chunks = (X.chunks[0], (like.shape[1],))
    return X.map_blocks(function, chunks=chunks, dtype=like.dtype, meta=like)


def example(X):
    """Some rows like those of X, to check its columns and types by before it is computed."""
    return X._meta_nonempty if is_frame(X) else np.ones((1, X.shape[1]), X.dtype)


def _frame_of(X):
    """X as a frame: an array's blocks become partitions."""
    if is_frame(X):
        return X
    from dask import dataframe

    return dataframe.from_dask_array(X)


class _OfRows:
    """A function of rows that also takes blocks without any."""

    def __init__(self, function, like):
        self.function, self.like = function, like
        self.__name__ = function.__name__  # with which Dask names the tasks

    def __call__(self, block):
        if len(block):
            return self.function(block)
        if hasattr(self.like, "iloc") and hasattr(block, "index"):
            return self.like.set_axis(block.index)
        return self.like
