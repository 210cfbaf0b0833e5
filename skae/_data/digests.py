"""Digests of training data: equal only for the same rows, in the same order and type."""

import hashlib

import numpy as np
from scipy import sparse

from .statistics import BLOCK_ROWS, blocks


def digests(data):
    """Shape, type and digest of each part of a `TrainingSet`, as text by the argument's name.

    The SHA-256 of all bytes, read once and in order: a memory map is never held as a whole.

    Parameters
    ----------
    data : TrainingSet or StreamedSet

    Returns
    -------
    texts : dict of str to tuple (str, str)
        What describes the argument, and its digest.
    """
    parts = {"X": data.X}
    if hasattr(data, "weight"):  # streamed rows have none
        parts["sample_weight"] = data.weight
    if data.target is not data.X:
        parts["X_clean"] = data.target
    if data.validation is not None:
        parts["X_val"] = data.validation.X
        if data.validation.target is not data.validation.X:
            parts["X_val[1]"] = data.validation.target
    return {name: _digest(part) for name, part in parts.items()}


def _digest(part):
    """Description and digest of `Rows`, or of a vector."""
    digest = hashlib.sha256()
    if isinstance(part, np.ndarray):
        shape, pieces = part.shape, [part]
    elif hasattr(part, "windows"):
        shape, pieces = (
            (part.n_rows, part.n_features),
            (rows.X for rows in part.windows(BLOCK_ROWS)),
        )
    elif sparse.issparse(part.X):
        matrix = part.X if part.index is None else part.X[part.index]
        shape, pieces = matrix.shape, [matrix.indptr, matrix.indices, matrix.data]
    else:
        shape, pieces = (part.n_rows, part.n_features), (piece for _, piece in blocks(part))
    for piece in pieces:
        digest.update(np.ascontiguousarray(piece).reshape(-1).view(np.uint8))
    kind = f"{part.dtype} of shape {shape}"
    return kind, hashlib.sha256(kind.encode() + digest.digest()).hexdigest()
