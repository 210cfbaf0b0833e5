"""What a finished training is checked for and warned of."""

import numpy as np

from .._data import Rows
from .._data.statistics import BLOCK_ROWS
from .._data.training_set import SAMPLE_ROWS
from .._engine import NormalCode, diverged
from ..losses import SquaredError
from ._linear_start import mean_error
from ._warnings import (
    warn_if_still_improving,
    warn_of_constant_units,
    warn_of_silent_units,
    warn_worse_than_pca,
)

LARGEST_HARMLESS = 1e3
"""Magnitude of weights and codes up to which no reconstruction is infinite, unless some ten layers
multiply it."""

WORSE, NEGLIGIBLE = 1.05, 1e-3
"""Error from which a network is worse than PCA: multiple of PCA's, plus share of the variance."""

HEAVY = 1000.0
"""Weight of the penalty from which the fall of a loss says little of the reconstruction."""


def check_outcome(fit, network):
    """Refuse the network of a `Fit` if it is of no use, and warn if it is of little."""
    X = fit.data.held.X
    code = first_code(network, X)
    check_outputs(network, code)
    if fit.recipe.latent == NormalCode():
        sample = fit.data.sample(BLOCK_ROWS)  # the first rows may be alike
        warn_of_silent_units(first_code(network, sample.X))
    elif (fit.data.copies.original if fit.data.copies else X).n_rows > 1:
        warn_of_constant_units(network, X, code)
    warn_of_early_end(fit)
    if competes_with_pca(fit):
        compare_with_pca(fit, network)


def warn_of_early_end(fit):
    """Warn of a fit that `max_iter` ended early; a likelihood has nats left to gain."""
    curve = fit.training.history["val_loss" if fit.estimator.early_stopping else "loss"]
    is_likelihood = fit.objective.loss.sums_features
    if fit.incremental or fit.training.interrupted or len(curve) < fit.n_epochs:
        return
    is_penalised = fit.alpha > (0 if is_likelihood else HEAVY)
    if is_penalised and not fit.estimator.early_stopping:  # the fall may be that of the penalty
        return
    warn_if_still_improving(curve, fit.recipe.n_features / 2 if is_likelihood else curve[-1])


def competes_with_pca(fit):
    """Whether PCA minimises the same number, but for what the network adds."""
    return (
        isinstance(fit.objective.loss, SquaredError)
        and not fit.objective.constrains_code
        and fit.data.target is fit.data.X  # PCA knows the target, of which pairs know but a part
        and fit.start is None
    )


def compare_with_pca(fit, network):
    """Warn if the reconstruction is clearly worse than PCA's, on the rows that PCA saw."""
    least = WORSE * fit.pca_error + NEGLIGIBLE * fit.linear.variance
    if fit.training.history["loss"][-1] > least:
        error = mean_error(network, fit.data.sample(SAMPLE_ROWS))
        if error > least:
            warn_worse_than_pca(error, fit.pca_error)


def first_code(network, X):
    """The code of the first block of rows."""
    part = X.subset(np.arange(min(X.n_rows, BLOCK_ROWS)))
    return network.encode(part, np.empty((part.n_rows, network.n_code_features), np.float32))


def check_outputs(network, code):
    """Refuse a network whose last training step diverged, which no loss has shown yet.

    Its reconstructions are computed only where weights or codes are so large that they might be
    infinite: many fits need no program that decodes.
    """
    if not network.is_finite:
        raise diverged("A weight became infinite or NaN in the last training step")
    largest = max(np.abs(array).max(initial=0) for array in (code, *network.trainable))
    # A logistic output may be finite where the code is not.
    if np.isfinite(code).all() and largest > LARGEST_HARMLESS:
        rows = Rows(code)
        rows = network.decode(rows, np.empty((rows.n_rows, network.recipe.n_features), np.float32))
        largest = np.abs(rows).max()
    if not np.isfinite(largest):
        raise diverged("The network's output became infinite or NaN in the last training step")
