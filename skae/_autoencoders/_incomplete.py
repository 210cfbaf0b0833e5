"""A normal distribution of rows with missing values: factor analysis of what is observed."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from sklearn.utils.extmath import randomized_svd

WIDE = 1024
"""Number of features from which the first directions are found by a randomised method."""

SHARE, MOST_FACTORS = 0.99, 64
"""Share of the variance that the factors explain at first, and most of them."""

MOST_WORK = 2**33
"""Most products of numbers in one step, which bounds the number of factors of much data."""

N_STEPS = 10
"""Steps of expectation-maximisation. More of them fit few rows more closely, and what is missing
less well."""

LEAST_NOISE, ROUNDING = 1e-2, 1e-12
"""Least variance of the noise, as a share of the feature's; and the share of all features' mean
variance up to which one has none."""

TILE_ROWS = 64
"""Rows that are completed together. Always the same number, so that a row's result is bit-identical
whatever rows it is completed with."""

BLOCK_VALUES = 2**21
"""Numbers that one block of rows takes in a step."""


@dataclass(frozen=True)
class NormalModel:
    r"""Rows as :math:`x = m + W z + \epsilon`, of standard normal z and independent noise.

    What is missing has a normal distribution given what is observed, in closed form.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
    loadings : ndarray of shape (n_factors, n_features)
        The columns of W.
    noise : ndarray of shape (n_features,)
        Variances of :math:`\epsilon`.
    """

    mean: np.ndarray
    loadings: np.ndarray
    noise: np.ndarray

    array_shapes = {
        "mean": ("n_features",),
        "loadings": ("n_factors", "n_features"),
        "noise": ("n_features",),
    }
    """Names of the sizes of arrays, for files; see `skae._persistence.sizes`."""

    @property
    def covariance(self):
        """Of the rows."""
        return self.loadings.T @ self.loadings + np.diag(self.noise)

    def posterior(self, Z):
        """Mean and covariance of each row's factors, given what is observed of it."""
        observed = ~np.isnan(Z)
        k, scaled = len(self.loadings), self.loadings / self.noise
        products = (self.loadings[:, None] * scaled[None]).reshape(k * k, -1)
        precision = (observed @ products.T).reshape(-1, k, k) + np.eye(k)
        covariance = np.linalg.inv(precision)
        told = np.where(observed, Z - self.mean, 0.0) @ scaled.T
        return np.einsum("nij,nj->ni", covariance, told), covariance

    def expected(self, Z):
        """Z with what is missing as expected given the rest of the row."""
        filled = Z.copy()
        for rows, tile in _tiles(Z):
            factors, _ = self.posterior(tile)
            own = (self.mean + factors @ self.loadings)[: len(rows)]
            filled[rows] = np.where(np.isnan(Z[rows]), own, Z[rows])
        return filled

    def variances(self, Z):
        """Variance of each missing value, given the rest of the row; zero where it is known."""
        out = np.zeros(Z.shape)
        for rows, tile in _tiles(Z):
            _, covariance = self.posterior(tile)
            factors = np.einsum("ip,nij,jp->np", self.loadings, covariance, self.loadings)
            out[rows] = np.where(np.isnan(Z[rows]), (self.noise + factors)[: len(rows)], 0.0)
        return out

    def deviations(self, Z, generator, n_draws=1):
        """Draws of the missing values about their expected ones; zero where a value is known.

        Of shape (n_draws, n_rows, n_features).
        """
        out = np.zeros((n_draws, *Z.shape))
        for rows, tile in _tiles(Z):
            _, covariance = self.posterior(tile)
            roots = np.linalg.cholesky(covariance)[: len(rows)]
            shape = n_draws, len(rows)
            normal = generator.normal(size=(*shape, len(self.loadings)))
            factors = np.einsum("nij,dnj->dni", roots, normal)
            noise = np.sqrt(self.noise) * generator.normal(size=(*shape, Z.shape[1]))
            out[:, rows] = np.where(np.isnan(Z[rows]), factors @ self.loadings + noise, 0.0)
        return out


def _tiles(Z):
    """Yield numbers of the rows with missing values, and those rows, filled up to a whole tile."""
    incomplete = np.flatnonzero(np.isnan(Z).any(axis=1))
    for start in range(0, len(incomplete), TILE_ROWS):
        rows = incomplete[start : start + TILE_ROWS]
        tile = np.zeros((TILE_ROWS, Z.shape[1]))
        tile[: len(rows)] = Z[rows]
        yield rows, tile


def normal_model(Z, weight=None, n_factors=None, *, n_steps=N_STEPS, seed=0):
    """The `NormalModel` of standardised rows, by expectation-maximisation [1]_.

    The factors are what is not observed, and missing values take no part: so each feature's mean,
    loadings and noise are a regression on the factors, over the rows in which it is known. The
    loadings are shrunk as by a standard normal prior. After each step the factors are scaled to
    unit covariance, which makes the steps longer [2]_.

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_features)
        Of about mean 0 and variance 1, NaN where a value is missing.
    weight : ndarray of shape (n_rows,), default=None
    n_factors : int, default=None
        None takes as many as explain most of the variance.
    n_steps : int
    seed : int

    References
    ----------
    .. [1] Rubin, D. B. and Thayer, D. T. (1982). EM algorithms for ML factor analysis.
       Psychometrika 47, 69-76. https://doi.org/10.1007/BF02293851
    .. [2] Liu, C., Rubin, D. B. and Wu, Y. N. (1998). Parameter expansion to accelerate EM.
       Biometrika 85, 755-770. https://doi.org/10.1093/biomet/85.4.755
    """
    weight = np.ones(len(Z)) if weight is None else weight / weight.mean()
    weights = np.where(np.isnan(Z), 0.0, weight[:, None])
    total = weights.sum(axis=0)
    mean = _ratio((weights * np.nan_to_num(Z)).sum(axis=0), total)
    centred = np.nan_to_num(Z - mean)
    variances = _ratio((weights * centred**2).sum(axis=0), total)
    model = _first_model(centred, weights, mean, variances, n_factors, seed)
    some = variances > ROUNDING * variances.mean()
    least = LEAST_NOISE * np.where(some, variances, variances.mean() or 1.0)
    for _ in range(n_steps):
        model = _next_model(model, Z, weights, total, least)
    return model


def _first_model(centred, weights, mean, variances, n_factors, seed):
    """The directions of largest variance of the rows with means in place of what is missing."""
    n_rows, n_features = centred.shape
    most = max(1, min(n_rows - 1, n_features, _most_factors(n_rows, n_features)))
    X = centred * np.sqrt(weights)
    if n_features > WIDE:
        _, singular, directions = randomized_svd(X, most, random_state=seed)
        values = singular**2 / n_rows
    else:
        values, vectors = eigh(
            X.T @ X / n_rows, subset_by_index=(n_features - most, n_features - 1)
        )
        values, directions = values[::-1].clip(0), vectors.T[::-1]
    values = values / np.mean(weights > 0)  # a mean in a value's place varies by nothing
    if n_factors is None:
        explained = np.cumsum(values) / (variances.sum() or 1.0)
        n_factors = np.searchsorted(explained, SHARE) + 1
    n_factors = min(n_factors, most)
    loadings = np.sqrt(values[:n_factors, None]) * directions[:n_factors]
    noise = np.maximum(variances - np.square(loadings).sum(axis=0), 0.1 * variances)
    return NormalModel(mean, loadings, np.where(noise > 0, noise, LEAST_NOISE))


def _most_factors(n_rows, n_features):
    """Most factors of data of that size."""
    return min(MOST_FACTORS, max(1, int(np.sqrt(MOST_WORK / (n_rows * n_features)))))


def _next_model(model, Z, weights, total, least):
    """One step: regressions of the features on what is told of the factors."""
    (k, n_features), n_rows = model.loadings.shape, len(Z)
    products, moments = np.zeros((n_features, (k + 1) ** 2)), np.zeros((n_features, k + 1))
    covariance, squares, n_told = np.zeros((k, k)), np.zeros(n_features), 0.0
    size = max(1, BLOCK_VALUES // (k + 1) ** 2)
    for start in range(0, n_rows, size):
        part, own = Z[start : start + size], weights[start : start + size]
        factors, spread = model.posterior(part)
        second = spread + factors[:, :, None] * factors[:, None]
        both = np.empty((len(part), k + 1, k + 1))
        both[:, :k, :k], both[:, :k, k], both[:, k, :k], both[:, k, k] = second, factors, factors, 1
        residual = own * np.nan_to_num(part - model.mean)
        products += own.T @ both.reshape(len(part), -1)
        moments += residual.T @ both[:, :, k]
        squares += (residual * np.nan_to_num(part - model.mean)).sum(axis=0)
        of_row = own.max(axis=1)
        covariance += np.tensordot(of_row, second, 1)
        n_told += of_row.sum()
    products = products.reshape(n_features, k + 1, k + 1)
    prior = np.zeros_like(products)
    prior[:, range(k), range(k)] = model.noise[:, None]
    prior[:, k, k] = np.where(total > 0, 0.0, 1.0)
    found = np.linalg.solve(products + prior, moments[:, :, None])[:, :, 0]
    quadratic = np.einsum("pi,pij,pj->p", found, products, found)
    noise = _ratio(squares - 2 * (found * moments).sum(axis=1) + quadratic, total)
    root = np.linalg.cholesky(covariance / n_told)
    return NormalModel(model.mean + found[:, k], root.T @ found[:, :k].T, np.maximum(noise, least))


def _ratio(a, b):
    """The quotient a / b, and zero where b is."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)
