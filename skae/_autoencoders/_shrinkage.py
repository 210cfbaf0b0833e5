"""``alpha="auto"``: how strongly the hidden layers beside a linear path are shrunk."""

import numpy as np

from .._engine import Hooks, NormalCode, Training, graph_of
from ..penalties import L2

SHRINKAGE = 4000.0
"""Weight of the penalty beside PCA, of one row, as a share of what PCA leaves."""

WIDE_SHRINKAGE = 1000.0
"""How many times that weight hidden layers get that only learn noise, where rows are fewer than
features; see docs/benchmarks/results/wide.md."""

DRAWN_SHRINKAGE = 1e4
"""Weight beside factor analysis, of one row and for each feature, where the loss is in nats."""

TRIED_VALUES = 2**18
"""Most values of data of which more than one thing is tried on rows held out."""

HELD_OUT = 0.15
"""Share of the rows that a trial holds out."""

ENOUGH_HELD_OUT = 200
"""Rows held out, in all trials, from which there is no other trial."""

MOST_TRIALS = 5
"""Most splits on trial, each with two trainings."""

FEWEST_EPOCHS, MOST_TRIAL_EPOCHS = 10, 100
"""Epochs of a fit from which there are trials, and most epochs of a training on trial."""

N_DRAWS = 8
"""Codes that are drawn for each row held out."""


def weight_of_penalty(fit):
    """The weight of the penalty on the weights of a `Fit`: that of `alpha`, or the one chosen."""
    if fit.estimator.alpha != "auto":
        return float(fit.estimator.alpha)
    if fit.start is not None:
        return fit.start.alpha_
    is_l2 = isinstance(fit.objective.penalties[0].penalty, L2)
    if not (is_l2 and fit.has_linear_path(graph_of(fit.recipe))):
        return 0.0
    if fit.reached.alpha is None:
        weights = _beside_factors if fit.recipe.latent == NormalCode() else _beside_pca
        fit.reached.alpha = _chosen(fit, weights(fit))
    return fit.reached.alpha


def _beside_pca(fit):
    """The weights to choose from, the weakest first."""
    n_rows, n_features = fit.data.n_rows, fit.data.X.n_features
    usual = float(SHRINKAGE * fit.linear.unexplained / n_rows)
    return [usual, WIDE_SHRINKAGE * usual] if n_rows < n_features and _is_tried(fit) else [usual]


def _beside_factors(fit):
    if not _is_tried(fit):
        return [0.0]
    n_rows, n_features = fit.data.n_rows, fit.data.X.n_features
    strong = DRAWN_SHRINKAGE * n_features / n_rows
    return [0.0, strong] if n_rows * n_features <= TRIED_VALUES else [strong]


def _is_tried(fit):
    """Whether noise may be learned: in enough epochs, of which held-out rows do not choose one."""
    return not fit.estimator.early_stopping and fit.n_epochs >= FEWEST_EPOCHS


def _chosen(fit, weights):
    """The weaker of two weights if rows that are held out are better described with it."""
    n_rows = fit.data.n_rows
    n_held_out = round(HELD_OUT * n_rows)
    if len(weights) == 1 or not n_held_out:
        return weights[-1]
    is_small = n_rows * fit.data.X.n_features <= TRIED_VALUES
    n_trials = min(MOST_TRIALS, -(-ENOUGH_HELD_OUT // n_held_out)) if is_small else 1
    gains = []
    for trial in range(n_trials):
        # Their own constants and start, because those of all rows hold the noise of the others.
        part = fit.on_rows(fit.data.split(HELD_OUT, fit.seed + trial))
        weak, strong = (_held_out_loss(part, weight) for weight in weights)
        gains.append(strong - weak)
        if trial and len(set(np.sign(gains))) == 1:
            break  # so far all say the same
    return weights[0] if sum(gains) > 0 else weights[1]


def _held_out_loss(fit, weight):
    """Loss on the rows that a fit holds out, of a training with a weight of the penalty."""
    training = Training(
        fit.recipe,
        fit.objective.weighing_weights(weight),
        fit.solver,
        fit.seed,
        fit.constants,
        start=fit.first_network(),
        devices=fit.devices,
    )
    rule = fit.stopping_rule(on_validation=False)
    schedule = fit.schedule(min(fit.n_epochs, MOST_TRIAL_EPOCHS))
    training.run(fit.data, fit.batch_size, schedule, rule, Hooks())
    if training.interrupted:
        raise KeyboardInterrupt
    n_draws = N_DRAWS if fit.recipe.latent == NormalCode() else 1
    training.validate_on(fit.data.validation.repeated(n_draws))
    return training.validation_loss()
