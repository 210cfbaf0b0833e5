"""Training rows that do not belong, found before a fit: the linear model of the others tells."""

from numbers import Integral

import numpy as np

from .._data.statistics import blocks
from ._linear_start import linear_model

N_STEPS = 10
"""Most steps in which the rows that agree and their model are found."""

ROWS_PER_COMPONENT = 5
"""Least rows of the first model for each of its components: else they are reconstructed exactly,
whether they belong or not."""

TILE_ROWS = 48
"""Rows of one product in `by_tiles`; a multiple of the panels in which processors take rows."""

EXPLAINED = 0.9
"""Share of the variance that the model has components for, where the code's width is not given."""


def trimmed(data, share, n_components, seed):
    """The rows of a `TrainingSet` but for those that agree least with the others.

    The half of the rows that is nearest to the medians gives a first linear model; then in turns
    the rows that are nearest to the model are kept, and give the next one, until they stay the
    same: the concentration steps of [1]_, for principal components and from one start.

    Parameters
    ----------
    data : TrainingSet
    share : float
        Most of the rows' weight that is left out, in the range [0, 0.5).
    n_components : int, float or None
        The code's width as the estimator was asked for.
    seed : int

    References
    ----------
    .. [1] Rousseeuw, P. J. and Van Driessen, K. (1999). A fast algorithm for the minimum covariance
       determinant estimator. Technometrics 41, 212-223.
       https://doi.org/10.1080/00401706.1999.10485670
    """
    return data.subset(agreeing(data, share, n_components, seed)[0])


def agreeing(data, share, n_components, seed, least=0.0):
    """Numbers of the rows that `trimmed` keeps, in order, and their `LinearModel`."""
    kept = nearest(lengths(data.target), data.weight, 0.5)
    n_components = _width(data.subset(kept), n_components, seed)
    for _ in range(N_STEPS):
        previous, model = kept, linear_model(data.subset(kept), n_components, seed)
        kept = nearest(distances(model, data.target, least), data.weight, 1 - share)
        if np.array_equal(kept, previous):
            break
    return kept, model


def _width(data, n_components, seed):
    """Number of components of the model: so few that its rows do not determine them alone."""
    if not isinstance(n_components, Integral):
        n_components = len(linear_model(data, n_components or EXPLAINED, seed).variances)
    return min(n_components, max(1, data.n_rows // ROWS_PER_COMPONENT))


def nearest(distance, weight, share):
    """Numbers of the rows of least distance, in order, that have a share of the weight."""
    order = np.argsort(distance, kind="stable")
    n_kept = np.searchsorted(np.cumsum(weight[order]), share * weight.sum() * (1 - 1e-12)) + 1
    return np.sort(order[:n_kept])


def lengths(rows):
    """Distance of each row from the medians of the features in some of the rows."""
    sample = rows.part(slice(None, None, -(-rows.n_rows * rows.n_features // 2**22)))
    unknown = np.isnan(sample).all(axis=0)  # there nanmedian would warn
    centre = np.nanmedian(np.where(unknown, 0, sample), axis=0)
    parts = (np.nan_to_num(part - centre) for _, part in blocks(rows))
    return np.concatenate(
        [np.sqrt(np.square(part, dtype=np.float64).sum(axis=1)) for part in parts]
    )


def distances(model, rows, least=0.0):
    """Squared distance of rows from the mean of a `LinearModel`, each direction in its deviation.

    Those that the components leave have one deviation. None is taken for less than a share `least`
    of the mean variance.
    """
    variances, noise = least_variances(model, least)
    squared = []
    for _, part in blocks(rows.standardised(model.mean, model.scale)):
        part = np.nan_to_num(np.ascontiguousarray(part))
        along = np.square(by_tiles(part, model.components.T))
        beside = np.square(part).sum(axis=1) - along.sum(axis=1)
        squared.append((along / variances).sum(axis=1) + beside / noise)
    return np.concatenate(squared)


def by_tiles(rows, matrix):
    """The matrix product of rows, whose bits for a row do not depend on the other rows.

    Products of matrices of another shape may round differently: so all have that of a tile.
    """
    n_tiles = -(-len(rows) // TILE_ROWS)
    tiles = np.zeros((n_tiles * TILE_ROWS, rows.shape[1]))
    tiles[: len(rows)] = rows
    products = tiles.reshape(n_tiles, TILE_ROWS, -1) @ matrix
    return products.reshape(len(tiles), -1)[: len(rows)]


def least_variances(model, least=0.0):
    """Variances along the components of a `LinearModel`, and that of each direction they leave.

    None is less than a share `least` of the mean variance.
    """
    n_features = model.components.shape[1]
    n_others = max(n_features - len(model.variances), 1)
    noise = max(model.unexplained / n_others, least / n_features) * model.total or 1.0
    return np.maximum(model.variances, noise), noise
