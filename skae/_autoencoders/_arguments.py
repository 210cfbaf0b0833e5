"""The arguments of a fit: what is refused, and the rows that they are."""

import numpy as np

from .._data import TrainingSet
from .._data.contents import asked_contents
from .._data.sources import HELD_BYTES, is_large, is_source, large_source, source_of
from .._data.streamed import CheckedBlocks, StreamedSet, check_parted
from .._data.table import Encoded, checked_features, table_of
from .._data.validation import explaining
from .._sklearn_compat import check_sample_weight
from ._warnings import warn_of_far_rows, warn_of_levels, warn_of_share_held_out


def checked_rows(estimator, X, X_clean, sample_weight, X_val, *, reset):
    """The `TrainingSet` of what `fit` was given, after all checks; a `StreamedSet` of large data.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Number and names of the features are kept in it with ``reset=True``, else compared.
    X : as in `fit`, or Encoded
    X_clean, sample_weight, X_val : as in `fit`
    reset : bool
    """
    missing = estimator.missing == "mask"
    read = None
    if not isinstance(X, Encoded):
        splits = X_val is None
        read = read_by_blocks(estimator, X, X_clean, sample_weight, reset=reset, splits=splits)
    if isinstance(read, StreamedSet):
        data, X = read, read.held.X.X
    else:
        if isinstance(X, Encoded):
            X, estimator._table, estimator.n_features_in_ = X.features, X.table, X.n_columns
        elif read is not None:
            X = read
        else:
            X = features_of(estimator, X, sample_weight, missing=missing, reset=reset)
        if X_clean is not None:
            X_clean = checked_companion(estimator, X_clean, "X_clean", X, missing=missing)
        if sample_weight is not None:
            with explaining("sample_weight"):
                sample_weight = check_sample_weight(sample_weight, X)
            if not sample_weight.any():
                raise ValueError("sample_weight is zero for every row; some must be positive.")
        data = TrainingSet.from_arrays(X, X_clean, sample_weight, missing=missing)
    if X_clean is not None:
        warn_of_far_rows(data.target, "X_clean", data)
    if X_val is not None:
        data.validation = checked_validation(estimator, X_val, X, X_clean)
        warn_of_far_rows(data.validation.X, "X_val", data.held)
    return data


def features_of(estimator, X, sample_weight, *, missing, reset):
    """X as the matrix of features that it is trained on; with ``reset=True`` it is described."""
    contents = None
    if reset:
        contents = asked_contents(estimator, X)
        estimator._table = None
        if contents is not None:
            share = estimator.trim_fraction
            estimator._table = table_of(contents, sample_weight, trim_fraction=share)
    X = checked_features(estimator, X, "X", missing=missing, contents=contents, reset=reset)
    if contents is not None:
        warn_of_levels(contents, estimator._table, estimator)
    return X


def checked_validation(estimator, X_val, X, X_clean):
    """The `TrainingSet` of the rows to validate on."""
    missing = estimator.missing == "mask"
    is_pair = isinstance(X_val, tuple) and len(X_val) == 2 and np.ndim(X_val[0]) == 2
    if is_pair and X_clean is None:
        raise ValueError("X_val can be a tuple of noisy and clean rows only beside X_clean.")
    pairs = X_clean is not None and isinstance(X_val, tuple) and len(X_val) == 2
    noisy, clean = X_val if pairs else (X_val, None)
    noisy = checked_companion(estimator, noisy, "X_val", X, missing=missing, same_rows=False)
    if clean is not None:
        clean = checked_companion(estimator, clean, "X_val[1]", noisy, missing=missing)
    with explaining("X_val"):
        return TrainingSet.from_arrays(noisy, clean, missing=missing)


def checked_companion(estimator, array, name, X, *, missing, same_rows=True):
    """Another matrix that must match X in its features, and in length where they are pairs."""
    if is_source(array):
        array = whole(estimator, array, name)
    array = checked_features(estimator, array, name, missing=missing)
    if same_rows and array.shape[0] != X.shape[0]:
        raise ValueError(f"{name} must have shape {X.shape} to match X, got {array.shape}.")
    return array


# Data that are read block by block


def read_by_blocks(estimator, X, X_clean, sample_weight, *, reset, splits):
    """Of large data a `StreamedSet`, of small ones that lie elsewhere an array; None of all else.

    Parameters
    ----------
    estimator : BaseAutoencoder
    X, X_clean, sample_weight : as in `fit`
    reset : bool
    splits : bool
        Whether rows of X are to be held out where the estimator says so.
    """
    asked = needs_array(estimator, X_clean, sample_weight)
    source = source_to_read(estimator, X, asked)
    if source is None:
        return None
    blocks, data = checked_blocks(estimator, source, "X", reset=reset), None
    n_rows, n_features = source.n_rows, source.n_features
    held_out = estimator.validation_fraction if splits and estimator.early_stopping else 0.0
    if n_rows is not None and is_large(n_rows, n_features):
        check_needs_no_array(estimator, asked, n_features)
    if n_rows is None or is_large(n_rows, n_features):
        missing = estimator.missing == "mask"
        data = StreamedSet.from_blocks(blocks, missing=missing, held_out=held_out)
        n_rows, n_features = blocks.n_rows, blocks.n_features
    if not is_large(n_rows, n_features):
        return blocks.to_array(n_rows)
    check_needs_no_array(estimator, asked, n_features)
    check_parted(data, held_out)
    warn_of_share_held_out(data.share_held_out, held_out)
    return data


def source_to_read(estimator, X, asked):
    """The `Source` that X is read from block by block; None if it is read as a whole.

    Arrays and tables in memory are so where they are small, or something `asked` needs all rows.
    """
    if is_source(X):
        return source_of(X, "X")
    source = None if asked else large_source(X)
    return None if source is None or batch_is_large(estimator, source.n_features) else source


def check_needs_no_array(estimator, asked, n_features):
    """Refuse large data if something needs all of their rows at once.

    Raises
    ------
    ValueError
        If so.
    """
    if batch_is_large(estimator, n_features):
        asked = [*asked, "batch_size"]
    if asked:
        raise ValueError(
            f"X takes more than {HELD_BYTES >> 20} MiB as float32 and is read block by block, but "
            f"{' and '.join(asked)} need{'s' * (len(asked) == 1)} all rows at once. Do without, or "
            "give X as an array or a memory map, or some of its rows."
        )


def whole(estimator, X, name):
    """A small source as one array.

    Raises
    ------
    ValueError
        If it is large.
    """
    source = source_of(X, name)
    blocks = checked_blocks(estimator, source, name, reset=False)
    n_rows = source.n_rows
    if n_rows is None:
        for _ in blocks.matrices():
            pass
        n_rows = blocks.n_rows
    if is_large(n_rows, source.n_features or blocks.n_features):
        raise ValueError(
            f"{name} takes more than {HELD_BYTES >> 20} MiB as float32, but all of its rows are "
            "needed at once. Give some of them."
        )
    return blocks.to_array(n_rows)


def checked_blocks(estimator, source, name, *, reset):
    """The `CheckedBlocks` of an argument; tables with categories are not read from blocks."""
    columns = estimator.categorical_features
    if estimator.column_weights is not None or not (columns is None or isinstance(columns, str)):
        raise ValueError(
            f"{name} is read block by block, for which categorical_features must be 'from_dtype' "
            "or None, and column_weights None. Give one frame or array."
        )
    if reset:
        estimator._table = None
    elif estimator._table is not None:
        raise ValueError(
            f"{name} is read block by block, but the earlier fit was one of a table with "
            "categories. Give one frame."
        )
    missing = estimator.missing == "mask"
    return CheckedBlocks(source, estimator, name, missing=missing, reset=reset)


def needs_array(estimator, X_clean, sample_weight):
    """What a fit is asked for that needs all rows at once, by the names of arguments."""
    asked = {
        "X_clean": X_clean is not None,
        "sample_weight": sample_weight is not None,
        "trim_fraction": bool(estimator.trim_fraction),
        "pretraining": estimator.pretraining is not None,
        "column_weights": estimator.column_weights is not None,
        "categorical_features": not isinstance(estimator.categorical_features, (str, type(None))),
    }
    return [name for name, is_asked in asked.items() if is_asked]


def batch_is_large(estimator, n_features):
    """Whether one batch is as large as data that are not held."""
    size = estimator.batch_size
    return size != "auto" and is_large(size, n_features)
