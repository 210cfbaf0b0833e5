"""``alpha="auto"``: how strongly the hidden layers beside a linear path are shrunk."""

import numpy as np

from .._engine import DivergenceError, Hooks, NormalCode, Training, graph_of
from ..penalties import L2
from ._linear_start import started_at

SHRINKAGE = 4000.0
"""Weight of the penalty beside PCA, of one row, as a multiple of the share that PCA leaves."""

STRONG_SHRINKAGE = 1000.0
"""Factor on that weight where hidden layers only learn noise: they add nearly nothing then."""

MOST_ROWS_PER_FEATURE = 100
"""Rows a feature below which that is tried: more tell relations from noise by themselves."""

DRAWN_SHRINKAGE = 1e4
"""Weight beside factor analysis, of one row and for each feature, where the loss is in nats."""

STRONG_DRAWN_SHRINKAGE = 10.0
"""Factor on that weight that is tried on small data, some of which are just factors and noise."""

TRIED_VALUES, MOST_TRIED_VALUES = 2**18, 2**24
"""Most values of data of which there are several trials. Of more there is one beside PCA, up to the
second number, and none beside factor analysis."""

CLEARLY_LESS = 0.9
"""Loss on rows held out, as a share of PCA's, that ends a trial: such a network has learned more
than noise. Most are there after a few epochs."""

HELD_OUT = 0.15
"""Share of the rows that a trial holds out."""

ENOUGH_HELD_OUT = 200
"""Rows held out, in all trials, from which there is no other trial."""

MOST_TRIALS = 5
"""Most splits on trial, each with one or two trainings beside PCA, two or three beside factors."""

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
    is_few = n_rows < MOST_ROWS_PER_FEATURE * n_features
    is_small = n_rows * n_features <= MOST_TRIED_VALUES
    is_tried = is_few and is_small and fit.learns and not fit.data.is_streamed and _is_tried(fit)
    return [usual, STRONG_SHRINKAGE * usual] if is_tried else [usual]


def _beside_factors(fit):
    if not _is_tried(fit):
        return [0.0]
    n_rows, n_features = fit.data.n_rows, fit.data.X.n_features
    usual = DRAWN_SHRINKAGE * n_features / n_rows
    is_small = n_rows * n_features <= TRIED_VALUES and not fit.data.is_streamed
    return [0.0, usual, STRONG_DRAWN_SHRINKAGE * usual] if is_small else [usual]


def _is_tried(fit):
    """Whether to run trials: not for few epochs, nor where held-out rows choose the epoch."""
    return not fit.estimator.early_stopping and fit.n_epochs >= FEWEST_EPOCHS


def _chosen(fit, weights):
    """The weight with which rows that are held out are described best.

    Where none can be held out it is the usual one, but of more features than rows the strongest,
    with which the network is nearly its linear path.
    """
    if len(weights) == 1:
        return weights[0]
    losses, n_trials = [], _n_trials(fit)
    for trial in range(n_trials):
        rows = fit.data.split(HELD_OUT, fit.seed + trial)
        if fit.estimator.missing == "mask" and not (rows.input_summary.weight > 0).all():
            continue  # a feature is known in the rows held out alone
        fit.report.trial(trial, n_trials)
        losses.append(_held_out_losses(fit.on_rows(rows), weights))
        if trial == 1 and len(losses) == 2 and len(set(np.argmin(losses, axis=1))) == 1:
            break  # both say the same
    if losses:
        return weights[np.argmin(np.sum(losses, axis=0))]
    return weights[-1 if fit.data.n_rows < fit.data.X.n_features else -2]


def _n_trials(fit):
    """How many splits are tried: none if a process has no row to hold out."""
    n_rows = fit.data.n_rows
    n_held_out = round(HELD_OUT * n_rows)
    if not n_held_out or min(fit.devices.gathered(fit.data.X.n_rows)) < 2:
        return 0
    is_small = n_rows * fit.data.X.n_features <= TRIED_VALUES
    return min(MOST_TRIALS, -(-ENOUGH_HELD_OUT // n_held_out)) if is_small else 1


def _held_out_losses(part, weights):
    """Losses on the rows that a fit holds out, with each weight; infinite where training diverges.

    With the strongest, hidden layers add nearly nothing: if another comes back better than by the
    linear model alone, the linear model's loss stands for that.

    Parameters
    ----------
    part : Fit
        Of the other rows, with their own constants and start: those of all rows would hold the
        noise of the rows held out.
    weights : list of float
        The weakest first.
    """
    network, held_out = part.first_network(), part.data.validation
    if part.recipe.latent == NormalCode():
        linear, held_out = network, held_out.repeated(N_DRAWS)  # which adds nothing yet
    else:
        linear = started_at(part.linear, network, learns=False)
    by_linear_model = _loss_on(held_out, _trial(part, linear, 0.0))
    *weaker, strongest = weights
    # Among several the losses at the end decide. A user's loss may be negative.
    enough = by_linear_model - (1 - CLEARLY_LESS) * abs(by_linear_model)
    enough = enough if len(weaker) == 1 else None
    losses = [_held_out_loss(part, held_out, network, weight, enough) for weight in weaker]
    if min(losses) <= by_linear_model:
        return [*losses, by_linear_model]
    return [*losses, _held_out_loss(part, held_out, network, strongest)]


class StopsBelow(Hooks):
    """Ends a training when the loss on rows held out is low enough."""

    def __init__(self, loss):
        self._loss = loss

    def after_epoch(self, training):
        """An epoch ended; returns whether the loss is low enough."""
        return training.history["val_loss"][-1] <= self._loss


def _trial(part, network, weight):
    """The `Training` of a fit with a weight of the penalty."""
    return Training(
        part.recipe,
        part.objective.weighing_weights(weight),
        part.solver,
        part.seed,
        part.constants,
        start=network,
        devices=part.devices,
    )


def _held_out_loss(part, held_out, network, weight, enough=None):
    """Loss after a training, which ends as soon as it is `enough`; without, it is computed once."""
    training, hooks = _trial(part, network, weight), Hooks()
    if enough is not None:
        training.validate_on(held_out)
        hooks = StopsBelow(enough)
    rule = part.stopping_rule(on_validation=False)
    schedule = part.schedule(min(part.n_epochs, MOST_TRIAL_EPOCHS))
    try:
        training.run(part.data, part.batch_size, schedule, rule, hooks)
    except DivergenceError:
        return np.inf
    if training.interrupted:
        raise KeyboardInterrupt
    return _loss_on(held_out, training)


def _loss_on(held_out, training):
    training.validate_on(held_out)
    loss = training.validation_loss()
    return loss if np.isfinite(loss) else np.inf
