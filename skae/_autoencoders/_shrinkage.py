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
"""Loss on rows held out, as a share of the linear model's, that ends a trial: such a network has
learned more than noise. Most are there after a few epochs."""

LATE, LESS, MORE = 0.4, 0.97, 1.02
"""After that share of its epochs a trial ends at less or more than these shares, too; earlier, some
trainings still came back to the other side."""

HELD_OUT = 0.15
"""Share of the rows that a trial holds out."""

ENOUGH_HELD_OUT = 200
"""Rows held out, in all trials, from which there is no other trial."""

SAME = 1e-3
"""Difference of losses, as a share of them, that decides nothing."""

FEWEST_HELD_OUT = 10
"""Rows held out, in trials that all say the same, without which there is another one."""

MOST_TRIALS = 5
"""Most splits on trial, each with a training beside PCA, and two or three beside factors."""

FEWEST_EPOCHS, MOST_TRIAL_EPOCHS = 10, 100
"""Epochs of a fit from which there are trials, and most epochs of a training on trial."""

N_DRAWS = 8
"""Codes that are drawn for each row held out."""


def weight_of_penalty(fit):
    """The weight of the penalty on the weights of a `Fit`: that of `alpha`, or the one chosen."""
    if fit.estimator.alpha != "auto":
        return float(fit.estimator.alpha)
    if not isinstance(fit.objective.penalties[0].penalty, L2):
        return 0.0
    if fit.start is not None:
        return fit.start.alpha_
    if not fit.has_linear_path(graph_of(fit.recipe)):
        return 0.0
    if fit.progress.alpha is None:
        alphas = _beside_factors if fit.recipe.latent == NormalCode() else _beside_pca
        fit.progress.alpha = _chosen(fit, alphas(fit))
    return fit.progress.alpha


def _beside_pca(fit):
    """The weights to choose from, the weakest first.

    Of as many components as rows, PCA leaves nothing of these, whatever it leaves of others: the
    share is taken to be all, as it is in the start of the hidden layers.
    """
    n_rows, n_features = _effective_rows(fit), fit.data.X.n_features
    explains_all = len(fit.linear.variances) + 1 >= n_rows
    unexplained = 1.0 if explains_all else fit.linear.unexplained
    usual = float(SHRINKAGE * unexplained / n_rows)
    is_few = n_rows < MOST_ROWS_PER_FEATURE * n_features
    is_tried = is_few and _is_held(fit, MOST_TRIED_VALUES) and fit.learns and _is_tried(fit)
    return [usual, STRONG_SHRINKAGE * usual] if is_tried else [usual]


def _beside_factors(fit):
    """The weights to choose from, the weakest first; without trials there is no shrinkage."""
    if not _is_tried(fit):
        return [0.0]
    usual = float(DRAWN_SHRINKAGE * fit.data.X.n_features / _effective_rows(fit))
    is_small = _is_held(fit, TRIED_VALUES)
    return [0.0, usual, STRONG_DRAWN_SHRINKAGE * usual] if is_small else [usual]


def _is_tried(fit):
    """Whether to run trials: not for few epochs, nor where held-out rows choose the epoch."""
    return not fit.estimator.early_stopping and fit.n_epochs >= FEWEST_EPOCHS


def _is_held(fit, most_values):
    """Whether the rows are held in memory, and have at most so many values."""
    n_values = fit.data.n_rows * fit.data.X.n_features
    return not fit.data.is_streamed and n_values <= most_values


def _effective_rows(fit):
    """Number of rows by what they tell: copies tell nothing new, nor does a weight near zero."""
    return fit.data.n_effective if _is_held(fit, MOST_TRIED_VALUES) else fit.data.n_rows


def _chosen(fit, alphas):
    """The weight with which rows that are held out are described best.

    Where none can be held out it is the usual one, but of more features than rows the strongest,
    with which the network is nearly its linear path.
    """
    if len(alphas) == 1:
        return alphas[0]
    losses, n_held_out, n_trials = [], 0, _n_trials(fit)
    for trial in range(n_trials):
        rows = fit.data.split(HELD_OUT, fit.seed, trial)
        if fit.estimator.missing == "mask" and not (rows.input_summary.weight > 0).all():
            continue  # a feature is known in the rows held out alone
        fit.report.trial(trial, n_trials)
        judges = rows.validation
        found = ShrinkageTrial(fit.on_rows(rows)).losses(alphas)
        if np.isfinite(found).any():
            losses.append(np.multiply(found, judges.total_weight))  # sums over their rows
        n_held_out += judges.n_rows
        if len(losses) > 1 and n_held_out >= FEWEST_HELD_OUT and _agree(losses):
            break
    if losses:
        diverged = np.isinf(losses)
        totals = np.where(diverged, 0.0, losses).sum(axis=0)
        return alphas[np.lexsort((totals, diverged.sum(axis=0)))[0]]
    return alphas[-1 if _effective_rows(fit) < fit.data.X.n_features else -2]


def _agree(losses):
    """Whether one weight is the best in all trials, or as good."""
    losses = np.array(losses)
    least = losses.min(axis=1, keepdims=True)
    return (losses - least <= SAME * np.abs(least)).all(axis=0).any()


def _n_trials(fit):
    """How many splits are tried: none if a process has no row to hold out and another to keep."""
    n_rows = _effective_rows(fit)
    n_held_out, n_distinct = round(HELD_OUT * n_rows), len(np.unique(fit.data.X.hashes()))
    if not n_held_out or min(fit.devices.gathered(n_distinct)) < 2:
        return 0
    return min(MOST_TRIALS, -(-ENOUGH_HELD_OUT // n_held_out)) if _is_held(fit, TRIED_VALUES) else 1


class ShrinkageTrial:
    """Trainings with several weights, and their losses on rows held out.

    Parameters
    ----------
    part : Fit
        Of the other rows, with their own constants and start: those of all rows would hold the
        noise of the rows held out.
    """

    def __init__(self, part):
        self._part, self._network = part, part.first_network()
        self._held_out = part.data.validation
        self._beside_factors = part.recipe.latent == NormalCode()
        if self._beside_factors:
            self._held_out = self._held_out.repeated(N_DRAWS)

    def losses(self, alphas):
        """The loss with each weight; infinite where training diverges.

        Parameters
        ----------
        alphas : list of float
            The weakest first.
        """
        of_these = self._losses_beside_factors if self._beside_factors else self._losses_beside_pca
        return of_these(*alphas)

    def _losses_beside_pca(self, usual, strong):
        """With the strong weight hidden layers add nearly nothing: the linear model's loss counts.

        That spares a training (`docs/benchmarks/noise.py` compares the two). But training may
        diverge, which shows in a few epochs.
        """
        linear = started_at(self._part.linear, self._network, learns=False)
        by_linear_model = self._loss_of(self._training(linear, 0.0))
        is_known = np.isfinite(by_linear_model)
        stop = StopWhenClear(by_linear_model, self._n_epochs) if is_known else None
        loss = self._loss(usual, stop)
        if loss > by_linear_model and np.isinf(self._loss(strong, n_epochs=FEWEST_EPOCHS)):
            return loss, np.inf
        return loss, by_linear_model

    def _losses_beside_factors(self, *alphas):
        """If another weight does better than factor analysis, its loss counts for the strongest."""
        by_factors = self._loss_of(self._training(self._network, 0.0))
        losses = [self._loss(alpha) for alpha in alphas[:-1]]
        if min(losses) <= by_factors:
            return *losses, by_factors
        return *losses, self._loss(alphas[-1])

    @property
    def _n_epochs(self):
        return min(self._part.n_epochs, MOST_TRIAL_EPOCHS)

    def _training(self, network, alpha):
        part = self._part
        return Training(
            part.recipe,
            part.objective.weighing_weights(alpha),
            part.solver,
            part.seed,
            part.constants,
            start=network,
            devices=part.devices,
        )

    def _loss(self, alpha, stop=None, n_epochs=None):
        """The loss after a training, which a `StopWhenClear` may end."""
        part, training = self._part, self._training(self._network, alpha)
        if stop is not None:
            training.validate_on(self._held_out)
        rule = part.stopping_rule(on_validation=False)
        schedule = part.schedule(n_epochs or self._n_epochs)
        try:
            training.run(part.data, part.batch_size, schedule, rule, stop or Hooks())
        except DivergenceError:
            return np.inf
        if training.interrupted:
            raise KeyboardInterrupt
        return self._loss_of(training)

    def _loss_of(self, training):
        """The loss of the network that a training has reached."""
        training.validate_on(self._held_out)
        loss = training.validation_loss()
        return loss if np.isfinite(loss) else np.inf


class StopWhenClear(Hooks):
    """Ends a training when rows held out tell whether it learns more than noise.

    Parameters
    ----------
    reference : float
        The linear model's loss on them. A user's loss may be negative.
    n_epochs : int
        Epochs of the whole training.
    """

    def __init__(self, reference, n_epochs):
        shares = np.array([CLEARLY_LESS, LESS, MORE])
        self._clearly_less, *self._unclear = reference + (shares - 1) * abs(reference)
        self._late = LATE * n_epochs

    def after_epoch(self, training):
        """An epoch ended; returns whether the loss after it is clear."""
        loss = training.history["val_loss"][-1]
        less, more = self._unclear
        is_late = len(training.history["loss"]) >= self._late
        return loss <= self._clearly_less or (is_late and not less <= loss <= more)
