"""The linear model of the data that factor analysis finds: where variational training starts."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from .._engine import graph_of, standardised
from ..losses import Gaussian
from ._linear_start import WIDE, covariance, principal_components, sampled, weighted_parts
from ._shrinkage import HELD_OUT, TRIED_VALUES

TOLERANCE, TRIAL_TOLERANCE = 1e-5, 1e-3
"""Gain of a row's log-likelihood by one step, in nats, at which the noise is taken for found; and
while floors are tried."""

MOST_STEPS, MOST_WORK = 1000, 2**33
"""Most such steps, and most products of numbers in all of them."""

FLOORS = (1e-9, 1e-6, 1e-4, 1e-2)
"""Least variances of the noise on trial, as shares of the features'; the first is rounding."""

USUAL_FLOOR = 1e-3
"""The one that is taken where none is tried."""

TRIED_ROWS, N_SPLITS = 20, 3
"""Least rows of which floors are tried, and splits into rows that are fitted and that judge."""

LARGE_VARIANCE = 0.05
"""Variances of noise and posterior above which the hidden layers take steps of unit size; below,
of the size of the deviations."""


@dataclass(frozen=True)
class FactorModel:
    r"""A linear variational autoencoder :math:`x = W z + \epsilon` at its optimum.

    Its rows are those on the network's scale. The columns of W are rotated so that the posterior's
    covariance is diagonal: so independent units have the whole of the posterior, and the evidence
    lower bound is the likelihood.

    Attributes
    ----------
    loadings : ndarray of shape (n_found, n_features)
        The columns of W, the one that the data tell most of first.
    precision : ndarray of shape (n_found,)
        Inverse variances of the posterior of z.
    noise : ndarray of shape (n_features,)
        Variances of :math:`\epsilon`.
    beta : float
        Weight of the divergence in what is optimal.
    """

    loadings: np.ndarray
    precision: np.ndarray
    noise: np.ndarray
    beta: float

    def misfit(self, variances):
        """Minus twice the objective of rows of these variances, but for a constant."""
        whitened = (variances / (self.beta * self.noise)).sum()
        beyond = np.log(self.precision).sum() + whitened - (self.precision - 1).sum()
        return np.log(self.noise).sum() + self.beta * beyond

    def log_likelihood(self, Z):
        """Sum of the log-likelihoods of centred rows, but for a constant."""
        C = self.loadings.T @ self.loadings + np.diag(self.noise)
        root = cholesky(C, lower=True)
        squared = np.square(solve_triangular(root, Z.T, lower=True)).sum()
        return -0.5 * squared - len(Z) * np.log(np.diag(root)).sum()

    @property
    def scores(self):
        """Matrix of shape (n_features, n_found) that gives the posterior's means of rows."""
        return (self.loadings / (self.beta * self.noise)).T / self.precision


def factor_model(data, constants, n_components, seed, *, noise=None, least=0.0, beta=1.0):
    r"""The `FactorModel` of a `TrainingSet`: of noise that is found, or that is given.

    Missing values are taken for the mean; of many rows, evenly spaced ones stand for all; and of
    many features, the noise has one variance for all.

    Parameters
    ----------
    data : TrainingSet
    constants : dict of str to ndarray
        Those of the network.
    n_components : int
    seed : int
    noise : ndarray of shape (n_features,), default=None
        Variances of the noise, on the network's scale; None finds them.
    least : ndarray of shape (n_features,), default=0.0
        What they are at least where they are found.
    beta : float, default=1.0
        At least 1: with less, the optimum is noise that vanishes.

    Notes
    -----
    With :math:`\beta \ne 1` the data are to the loadings what they would be with :math:`\beta`
    times the noise.
    """
    data = sampled(data)
    rows = standardised(data.target, constants)
    parts, n_features = weighted_parts(rows, data.weight), rows.n_features
    n_found = min(n_components, n_features)
    if n_features > WIDE:
        return _of_wide_rows(parts, n_features, min(n_found, rows.n_rows), seed, noise, beta)
    S = covariance(parts, n_features)
    if noise is not None:
        return given_noise(S, noise, n_found, beta)
    floor = best_floor(rows, data.weight, n_found, seed, least)
    return found_noise(S, n_found, beta, floor, least=least)


def _of_wide_rows(parts, n_features, n_found, seed, noise, beta):
    deviation = np.ones(n_features) if noise is None else np.sqrt(noise)
    whitened = (part / deviation for part in parts)
    components, variances, total = principal_components(whitened, n_features, n_found, seed)
    if noise is None:
        rest = (total - variances.sum()) / max(n_features - n_found, 1)
        noise = np.full(n_features, max(rest, USUAL_FLOOR * total / n_features) or 1.0)
        variances = variances / noise[0]
    return from_whitened(variances / beta, components, noise, beta)


def found_noise(S, n_components, beta=1.0, floor=FLOORS[0], tolerance=TOLERANCE, least=0.0):
    """Factor analysis of a covariance: the noise is what the loadings leave of the variances [1]_.

    References
    ----------
    .. [1] Barber, D. (2012). Bayesian reasoning and machine learning, algorithm 21.1. Cambridge
       University Press.
    """
    variances = np.diag(S)
    usual = Gaussian.LEAST_SHARE * variances.mean() or 1.0
    least = np.maximum(np.where(variances > 0, floor * variances, usual), least)
    noise, before = np.maximum(variances, least), np.inf
    for _ in range(max(20, min(MOST_STEPS, MOST_WORK // len(S) ** 3))):
        model = given_noise(S, noise, n_components, beta)
        misfit = model.misfit(variances)
        if before - misfit < 2 * tolerance:
            break
        before = misfit
        noise = np.maximum(variances - np.square(model.loadings).sum(axis=0), least)
    return model


def best_floor(rows, weight, n_components, seed, least=0.0):
    """The least variance of the noise with which rows that are held out are most likely.

    Without a floor, a feature that others determine in the training rows has no noise left, and a
    row in which they do not has no density.
    """
    n_rows = rows.n_rows
    if n_rows < TRIED_ROWS or n_rows * rows.n_features > TRIED_VALUES:
        return USUAL_FLOOR
    Z = np.concatenate(list(weighted_parts(rows, weight)))
    rng, likelihoods = np.random.default_rng(seed), np.zeros(len(FLOORS))
    for _ in range(N_SPLITS):
        order = rng.permutation(n_rows)
        judges, fitted = np.split(order, [round(HELD_OUT * n_rows)])
        S = Z[fitted].T @ Z[fitted] / len(fitted)
        models = [
            found_noise(S, n_components, 1.0, floor, TRIAL_TOLERANCE, least) for floor in FLOORS
        ]
        likelihoods += [model.log_likelihood(Z[judges]) for model in models]
    return FLOORS[likelihoods.argmax()]


def given_noise(S, noise, n_components, beta):
    """The best loadings beside some noise, in closed form: of one variance, probabilistic PCA [1]_.

    References
    ----------
    .. [1] Tipping, M. E. and Bishop, C. M. (1999). Probabilistic principal component analysis.
       Journal of the Royal Statistical Society B 61, 611-622.
    """
    deviation = np.sqrt(beta * noise)
    last = len(noise) - 1
    values, vectors = eigh(
        S / np.outer(deviation, deviation), subset_by_index=(last + 1 - n_components, last)
    )
    return from_whitened(values[::-1], vectors.T[::-1], noise, beta)


def from_whitened(variances, directions, noise, beta):
    """The model whose rows, divided by the deviation of the noise, vary most in some directions."""
    precision = np.maximum(variances, 1.0)
    loadings = np.sqrt(precision - 1)[:, None] * directions * np.sqrt(beta * noise)
    return FactorModel(loadings, precision, noise, beta)


def gain(variance):
    """What multiplies what hidden layers add to a quantity that is known up to some variance."""
    return np.sqrt(variance / (variance + LARGE_VARIANCE))


def started_at_factors(model, network):
    """A new network whose linear paths and noise are a `FactorModel`, and which adds nothing yet.

    What the hidden layers add begins at zero, and is trained in steps of about the deviations of
    the noise and of the posterior.
    """
    graph = graph_of(network.recipe)
    n_units, n_found = network.n_code_features, len(model.precision)
    precision = np.ones(n_units)
    precision[:n_found] = model.precision
    encoding = np.zeros((len(model.noise), 2 * n_units))
    encoding[:, :n_found] = model.scores
    decoding = np.zeros((n_units, len(model.noise)))
    decoding[:n_found] = model.loadings
    gains = np.concatenate([gain(1 / precision), np.ones(n_units)]), gain(model.noise)
    log_variance = np.concatenate([np.zeros(n_units), -np.log(precision)])

    trainable, fixed = list(network.trainable), list(network.fixed)
    outputs = zip(graph.linear_paths, (encoding, decoding), gains, (log_variance, 0.0), strict=True)
    for path, matrix, own, bias in outputs:
        fixed[path.matrix], fixed[path.gain] = matrix.astype(np.float32), own.astype(np.float32)
        for index in path.others:
            trainable[index] = np.zeros_like(trainable[index])
        trainable[path.others[-1]] += np.float32(bias)
    if graph.n_layer_weights < len(trainable):
        start = network.constants["noise_variance"]
        trainable[graph.n_layer_weights] = np.log(model.noise / start).astype(np.float32)
    return replace(network, trainable=trainable, fixed=fixed)
