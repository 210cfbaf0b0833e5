"""The evidence lower bound of rows as ONNX nodes, from the draws that skae makes."""

import math

import numpy as np

from .._engine import for_programs
from ..losses import LIKELIHOODS, Gaussian
from ..outliers import DRAWS
from ._draws import normal_draws
from ._nodes import DOUBLE, FLOAT

HALF, ONE, LOWEST = np.array(0.5), np.array(1.0), np.array(-np.inf)


def lower_bound(nodes, estimator, network, X):
    """What `VariationalAutoencoder.elbo` gives, as a column in double precision.

    Parameters
    ----------
    nodes : Nodes
    estimator : VariationalAutoencoder
        Trained without missing values.
    network : NetworkNodes
        Its own.
    X : str
        Rows in double precision.
    """
    rows, n_units = network.rows(X), estimator._n_features_out
    mean, log_variance = (nodes.cast(one, DOUBLE) for one in network.posterior(rows))
    noise = normal_draws(nodes, rows, estimator.n_features_in_, estimator._seed, DRAWS, n_units)
    deviation = nodes("Exp", nodes("Mul", HALF, log_variance))
    codes = nodes("Mul", nodes("Unsqueeze", deviation, np.array([1])), noise)
    codes = nodes("Add", nodes("Unsqueeze", mean, np.array([1])), codes)
    codes = nodes.cast(nodes("Reshape", codes, np.array([-1, n_units])), FLOAT)
    target = nodes("Unsqueeze", nodes.cast(rows, DOUBLE), np.array([1]))
    losses = LOSSES[estimator.likelihood_](nodes, estimator._network, network, codes, target)
    fit = nodes("ReduceSum", losses, np.array([1, 2]), keepdims=0)
    fit = nodes("Div", nodes("Unsqueeze", fit, np.array([1])), np.array(float(DRAWS)))
    bound = nodes("Neg", nodes("Add", fit, divergence(nodes, mean, log_variance)))
    scale = np.broadcast_to(
        estimator._network.constants.get("scale", 1.0), estimator.n_features_in_
    )
    bound = nodes("Sub", bound, np.array(np.log(scale).sum()))
    bound = nodes("Add", bound, network.refused(X))
    return nodes("Where", nodes("IsNaN", bound), LOWEST, bound)


def gaussian(nodes, fitted, network, codes, target):
    """Negative logarithm of the normal density of each value; see `skae.losses.Gaussian`."""
    constants = for_programs(fitted.constants)
    found = network.activated(network.logits(codes))
    if "low" in constants:
        found = nodes("Min", nodes("Max", found, constants["low"]), constants["high"])
    variance = Gaussian.variance_of(constants, fitted.extra_weights).astype(np.float64)
    error = nodes("Sub", target, by_draws(nodes, found, len(variance)))
    relative = nodes("Mul", nodes("Mul", error, error), 1 / variance)
    return nodes("Mul", HALF, nodes("Add", relative, np.log(2 * math.pi * variance)))


def bernoulli(nodes, fitted, network, codes, target):
    """Cross-entropy of each value; NaN where it is not in [0, 1], which skae refuses."""
    z = by_draws(nodes, network.logits(codes), fitted.recipe.n_features)
    size = nodes("Exp", nodes("Neg", nodes("Abs", z)))
    largest = nodes("Max", z, np.array(0.0))
    losses = nodes("Add", nodes("Sub", largest, nodes("Mul", target, z)), logarithm(nodes, size))
    low, high = LIKELIHOODS["bernoulli"].domain
    beyond = nodes(
        "Or", nodes("Less", target, np.array(low)), nodes("Less", np.array(high), target)
    )
    return nodes("Where", beyond, np.array(np.nan), losses)


LOSSES = {"gaussian": gaussian, "bernoulli": bernoulli}
"""By the names of the likelihoods."""


def logarithm(nodes, x):
    """Logarithm of 1 + x."""
    return nodes("Log", nodes("Add", ONE, x))


def by_draws(nodes, rows, n_features):
    """Rows of all draws, double precision, as a matrix of draws and features for each row of X."""
    return nodes("Reshape", nodes.cast(rows, DOUBLE), np.array([-1, DRAWS, n_features]))


def divergence(nodes, mean, log_variance):
    """Divergence of each row's posterior from a standard normal distribution."""
    terms = nodes("Add", nodes("Mul", mean, mean), nodes("Exp", log_variance))
    terms = nodes("Sub", nodes("Sub", terms, ONE), log_variance)
    return nodes("Mul", HALF, nodes.sum_of_rows(terms))
