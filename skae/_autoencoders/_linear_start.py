"""The linear model of the data that PCA finds: where training starts, and what it must beat."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from scipy.linalg import eigh
from sklearn.utils.extmath import randomized_svd

from .._data import Rows
from .._data.statistics import blocks, root_mean, summarise
from .._data.training_set import most_sampled
from .._engine import graph_of

WIDE = 1024
"""Number of features from which components are found by a randomised method."""

SMALLEST_SHARE = 1e-12
"""Least share of the variance that counts as left over: below is rounding."""

VISIBLE_SHARE = 1e-10
"""Share of a variance from which hidden layers can learn something of it. What is less lies beyond
the digits of single precision beside the rest, and its gradients are smaller than what solvers add
to their divisors: hidden layers would stay as they were drawn."""


@dataclass(frozen=True)
class LinearModel:
    """The best linear autoencoder of some rows.

    Attributes
    ----------
    components : ndarray of shape (n_found, n_features)
        Orthonormal directions, that of the largest variance first.
    variances : ndarray of shape (n_found,)
        Variances along them.
    total : float
        Sum of the variances of all features.
    scale : float
        What the numbers are multiplied by for the units of X.
    n_rows : int
    mean : ndarray of shape (n_features,)
        Means of the features, in the units of X.
    """

    components: np.ndarray
    variances: np.ndarray
    total: float
    scale: float
    n_rows: int
    mean: np.ndarray

    array_shapes = {
        "components": ("n_found", "n_features"),
        "variances": ("n_found",),
        "mean": ("n_features",),
    }
    """Names of the sizes of arrays, for files; see `skae._persistence.sizes`."""

    @property
    def unexplained(self):
        """Share of the variance that the components leave."""
        share = 1 - self.variances.sum() / self.total if self.total > 0 else 0.0
        return max(share, SMALLEST_SHARE)

    @property
    def variance(self):
        """Mean variance of the features, in squared units of X."""
        return self.total * self.scale**2 / self.components.shape[1]

    @property
    def error(self):
        """Mean squared error of the reconstructions, in squared units of X."""
        return self.unexplained * self.variance

    def explaining(self, share):
        """The model of the fewest components that explain a share of the variance."""
        explained = np.cumsum(self.variances) / (self.total or 1.0)
        n_components = min(np.searchsorted(explained, share) + 1, len(explained))
        kept = {name: getattr(self, name)[:n_components] for name in ("components", "variances")}
        return replace(self, **kept)

    @property
    def unexplained_elsewhere(self):
        """About the share that they leave of other rows' variance: of few rows, they leave less."""
        freedom = 1 - (len(self.variances) + 1) / self.n_rows
        return min(1.0, self.unexplained / freedom**2) if freedom > 0 else 1.0


def sampled(data):
    """The rows of a `TrainingSet` of which linear models are computed."""
    return data.sample(most_sampled(data.target.n_features))


def linear_model(data, n_components, seed):
    """The `LinearModel` of a `TrainingSet`'s target, whose mean variance is taken for one.

    Missing values are taken for the mean; of many rows, evenly spaced ones stand for all.

    Parameters
    ----------
    data : TrainingSet
    n_components : int, or float between 0 and 1
        Number of components, or the share of the variance that they must explain.
    seed : int
    """
    data = sampled(data)
    summary = summarise(data.target, data.weight)
    scale = root_mean(summary.variance) or 1.0
    rows = data.target.standardised(summary.mean, scale)
    parts = weighted_parts(rows, data.weight)
    most = min(rows.n_rows, rows.n_features)
    n_found = min(n_components, most) if isinstance(n_components, Integral) else most
    components, variances, total = principal_components(parts, rows.n_features, n_found, seed)
    model = LinearModel(components, variances, total, scale, rows.n_rows, summary.mean)
    return model if isinstance(n_components, Integral) else model.explaining(n_components)


def observed_error(model, data):
    """Mean squared error of a `LinearModel` where values are missing: of those that are not."""
    data = sampled(data)
    rows = data.target.standardised(model.mean, model.scale)

    def residuals():
        for _, part in blocks(rows):
            yield part - np.nan_to_num(part) @ model.components.T @ model.components

    return _mean_square(residuals(), data.weight) * model.scale**2


def mean_error(network, data):
    """Weighted mean squared error of the reconstructions of some rows, in squared units of X."""
    code = network.encode(data.X, np.empty((data.n_rows, network.n_code_features), np.float32))

    def residuals():
        for start, target in blocks(data.target):
            own = Rows(code[start : start + len(target)])
            yield target - network.decode(own, np.empty(target.shape))

    return _mean_square(residuals(), data.weight)


def _mean_square(parts, weight):
    """Mean over rows, by weight, of the mean square of each row's known values."""
    means = [np.nanmean(np.square(part), axis=1) for part in parts]
    return np.average(np.concatenate(means), weights=weight)


def weighted_parts(rows, weight):
    """Yield parts of centred rows, missing values as the mean, each row times its weight's root."""
    factor = np.sqrt(weight / weight.mean())[:, None]
    for start, part in blocks(rows):
        yield np.nan_to_num(part) * factor[start : start + len(part)]


def covariance(parts, n_features):
    """Mean over rows of the products of each two features."""
    n_rows, products = 0, np.zeros((n_features, n_features))
    for part in parts:
        n_rows, products = n_rows + len(part), products + part.T @ part
    return products / n_rows


def principal_components(parts, n_features, n_found, seed):
    """Directions of largest variance of centred rows, and the variances along them.

    Parameters
    ----------
    parts : iterable of ndarray of shape (n_rows_of_part, n_features)
        Centred rows, each multiplied by the root of its weight, the weights of mean 1. In double
        precision, because what the components leave may be a millionth of the variance.
    n_features : int
    n_found : int
        Number of directions, at most that of rows or features.
    seed : int

    Returns
    -------
    components : ndarray of shape (n_found, n_features)
        Of unit length, each with its largest entry positive.
    variances : ndarray of shape (n_found,)
    total : float
        Sum of the variances of all features.
    """
    if n_features > WIDE:
        X = np.concatenate(list(parts))
        _, singular, components = randomized_svd(X, n_found, random_state=seed)
        variances, total = np.square(singular) / len(X), np.square(X).sum() / len(X)
    else:
        S = covariance(parts, n_features)
        of_largest = slice(n_features - n_found, None)
        variances, vectors = eigh(S, subset_by_index=(n_features - n_found, n_features - 1))
        if np.trace(S) - variances.sum() < VISIBLE_SHARE * np.trace(S):  # slower, and more exact
            variances, vectors = np.linalg.eigh(S)
            variances, vectors = variances[of_largest], vectors[:, of_largest]
        variances, components = variances[::-1].clip(0), vectors.T[::-1]
        total = np.trace(S)
    largest = np.abs(components).argmax(axis=1, keepdims=True)
    components = components * np.sign(np.take_along_axis(components, largest, axis=1))
    return components, variances, float(total)


def unseen_columns(model, variance):
    """Numbers of columns of which hidden layers learn nothing beside others that are much larger.

    There are none if a `LinearModel` leaves so much of the whole that it can be seen.

    Parameters
    ----------
    model : LinearModel
    variance : ndarray of shape (n_features,)
        Of the columns.
    """
    variance = np.nan_to_num(variance)
    is_small = (variance > 0) & (variance < VISIBLE_SHARE * variance.max(initial=0.0))
    return np.flatnonzero(is_small & (model.unexplained < VISIBLE_SHARE))


def started_at(model, network, *, learns=True):
    """A new network whose linear paths are a `LinearModel`, its code of a mean variance of one.

    What the hidden layers add is multiplied by the root of the share that the model leaves, so that
    it begins, and is trained, in steps of that size. If the network `learns` nothing, they add
    nothing.
    """
    unit = np.sqrt(model.variances.mean()) or 1.0
    fixed, n_found = list(network.fixed), len(model.variances)
    encoder, decoder = graph_of(network.recipe).linear_paths
    for path in (encoder, decoder):
        fixed[path.matrix] = np.zeros_like(fixed[path.matrix])
        gain = np.sqrt(model.unexplained_elsewhere) if learns else 0.0
        fixed[path.gain] = np.full_like(fixed[path.gain], gain)
    fixed[encoder.matrix][:, :n_found] = model.components.T / unit
    fixed[decoder.matrix][:n_found] = model.components * unit
    return replace(network, fixed=fixed)
