"""``alpha="auto"``: how strongly the hidden layers beside a linear path are shrunk."""

import numpy as np

from .._engine import DivergenceError, Hooks, NormalCode, Training, graph_of
from ..penalties import L2

SHRINKAGE = 4000.0
"""Weight of the penalty beside PCA, of one row, as a share of what PCA leaves."""

WIDE_SHRINKAGE = 1000.0
"""Factor on that weight that is tried where rows are fewer than features, in case they only learn
noise; see docs/benchmarks/results/wide.md."""

DRAWN_SHRINKAGE = 1e4
"""Weight beside factor analysis, of one row and for each feature, where the loss is in nats."""

STRONG_DRAWN_SHRINKAGE = 10.0
"""Factor on that weight that is tried on small data. It suits those on which factor analysis is
right; always taken, it would ruin others (docs/benchmarks/results/likelihoods.md)."""

TRIED_VALUES = 2**18
"""Most values of data of which there are several trials. Of more there is one beside PCA, and none
beside factor analysis."""

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
    usual = DRAWN_SHRINKAGE * n_features / n_rows
    is_small = n_rows * n_features <= TRIED_VALUES
    return [0.0, usual, STRONG_DRAWN_SHRINKAGE * usual] if is_small else [usual]


def _is_tried(fit):
    """Whether to run trials: not for few epochs, nor where held-out rows choose the epoch."""
    return not fit.estimator.early_stopping and fit.n_epochs >= FEWEST_EPOCHS


def _chosen(fit, weights):
    """The weight with which rows that are held out are described best.

    It is the strongest where no row can be held out: then the network is nearly its linear path.
    """
    if len(weights) == 1:
        return weights[0]
    losses, n_trials = [], _n_trials(fit)
    for trial in range(n_trials):
        rows = fit.data.split(HELD_OUT, fit.seed + trial)
        if rows is fit.data:  # what is read in blocks holds rows out in its first pass alone
            break
        if fit.estimator.missing == "mask" and not (rows.input_summary.weight > 0).all():
            continue  # a feature is known in the rows held out alone
        fit.report.trial(trial, n_trials)
        found = _held_out_losses(fit.on_rows(rows), weights)
        if np.isfinite(min(found)):
            losses.append(found)
        if trial == 1 and len(losses) == 2 and len(set(np.argmin(losses, axis=1))) == 1:
            break  # both say the same
    return weights[np.argmin(np.sum(losses, axis=0))] if losses else weights[-1]


def _n_trials(fit):
    """How many splits are tried: none if a process has no row to hold out."""
    n_rows = fit.data.n_rows
    n_held_out = round(HELD_OUT * n_rows)
    if not n_held_out or min(fit.devices.gathered(fit.data.X.n_rows)) < 2:
        return 0
    is_small = n_rows * fit.data.X.n_features <= TRIED_VALUES
    return min(MOST_TRIALS, -(-ENOUGH_HELD_OUT // n_held_out)) if is_small else 1


def _held_out_losses(part, weights):
    """Losses on the rows that a fit holds out, with each weight; infinite after one that is worse.

    Parameters
    ----------
    part : Fit
        Of the other rows, with their own constants and start: those of all rows would hold the
        noise of the rows held out.
    weights : list of float
        The weakest first.
    """
    network, losses = part.first_network(), []
    for weight in weights:
        losses.append(_held_out_loss(part, network, weight))
        if losses[-1] > min(losses):
            break
    return losses + [np.inf] * (len(weights) - len(losses))


def _held_out_loss(fit, network, weight):
    """Loss on the rows that a fit holds out, of a training with a weight of the penalty.

    It is infinite if the training diverges.
    """
    training = Training(
        fit.recipe,
        fit.objective.weighing_weights(weight),
        fit.solver,
        fit.seed,
        fit.constants,
        start=network,
        devices=fit.devices,
    )
    rule = fit.stopping_rule(on_validation=False)
    schedule = fit.schedule(min(fit.n_epochs, MOST_TRIAL_EPOCHS))
    try:
        training.run(fit.data, fit.batch_size, schedule, rule, Hooks())
    except DivergenceError:
        return np.inf
    if training.interrupted:
        raise KeyboardInterrupt
    n_draws = N_DRAWS if fit.recipe.latent == NormalCode() else 1
    training.validate_on(fit.data.validation.repeated(n_draws))
    loss = training.validation_loss()
    return loss if np.isfinite(loss) else np.inf
