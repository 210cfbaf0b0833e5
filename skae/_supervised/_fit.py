"""One fit: a linear model on code and X, then the training of encoder and head from there."""

from dataclasses import dataclass, field

import numpy as np

from .._autoencoders._batch_size import batch_size
from .._data import Rows, TrainingSet
from .._engine import (
    FittedNetwork,
    Hooks,
    Objective,
    Schedule,
    Solver,
    SolverState,
    StoppingRule,
    Training,
    Weighted,
    diverged,
    graph_of,
)
from ._head import HeadShrinkage, InputNoise, at_linear_model, blended, with_head
from ._linear import chosen, folds, held_out_outputs, ridge_of_features, sure_share, views
from ._spreading import certainty, neighbourhood, padded, spread, spreading_helps

NOISES = (0.0, 0.5, 1.0)
"""Deviations of the noise on X in training that are tried, in root mean square deviations of X."""

MOST_MERGED = 2**26
"""Values of X up to which identical rows are merged."""

LINEAR_ROWS, SPREAD_ROWS = 10_000, 20_000
"""Most labelled rows that choices are made on, and most rows over which labels spread."""

LEFT_OUT_ROWS = 1_000
"""Most labelled rows that are left out one by one, which fewer rows need more and costs less."""

ALL_FOLDS, FOLD_ROWS = 5, 5_000
"""A fold is a fifth of the rows. The fewer rows there are, the more folds are held out in turn:
FOLD_ROWS divided by the number of rows, rounded down, but at least one."""


@dataclass(frozen=True)
class Settings:
    """How to train.

    Parameters
    ----------
    max_iter : int
    step_size : float
    batch_size : int or "auto"
    early_stopping : bool
        Whether rows held out decide on noise and number of epochs.
    spreads : bool or "auto"
        Whether labels spread to other rows; "auto" lets rows held out decide.
    seed : int
    """

    max_iter: int
    step_size: float
    batch_size: object
    early_stopping: bool
    spreads: object
    seed: int


@dataclass
class Outcome:
    """What a fit leaves behind.

    Parameters
    ----------
    network : FittedNetwork
    loss_curve : list of float
        Loss of each epoch.
    val_loss_curve : list of float
        Loss of rows held out before the first epoch and after each one.
    has_spread : bool
        Whether labels were spread.
    slots : SolverState or None
    """

    network: FittedNetwork
    loss_curve: list
    val_loss_curve: list = field(default_factory=list)
    has_spread: bool = False
    slots: SolverState | None = None


@dataclass
class Trial:
    """What training on the other rows gave for rows held out.

    Parameters
    ----------
    noise : float
    n_epochs : int
        Those after which the loss was least; 0 if it was least at the linear model.
    curve : list of float
        Loss before the first and after each epoch; empty where nothing was held out.
    outputs : ndarray of shape (n_rows, n_targets)
        Those of the network that was best for a row's fold; NaN for rows never held out.
    share : float, default=1.0
        That of the network in what is predicted, beside the linear model that is not trained.
    """

    noise: float
    n_epochs: int
    curve: list
    outputs: np.ndarray
    share: float = 1.0


class Counted(Hooks):
    """Ends a training after some epochs; its schedule of step sizes may be longer."""

    def __init__(self, n_epochs):
        self._n_left = n_epochs

    def after_epoch(self, training):
        """An epoch ended; returns whether it was the last."""
        self._n_left -= 1
        return self._n_left == 0


class Fit:
    """One call of `fit`.

    Parameters
    ----------
    task : Classification or Regression
    network : FittedNetwork
        The autoencoder.
    X : ndarray or sparse matrix of shape (n_rows, n_features)
        Checked rows, with and without label.
    target : ndarray of shape (n_rows, n_targets)
    weight, label_weight : ndarray of shape (n_rows,)
        Weights of the rows, and of their labels: zero for rows without one.
    has_label : ndarray of bool of shape (n_rows,)
        A class may have a weight of zero.
    settings : Settings
    """

    def __init__(self, task, network, X, target, weight, label_weight, has_label, settings):
        self.task, self.settings, self.has_label = task, settings, has_label
        self.X, self.target, self.weight, self.label_weight = X, target, weight, label_weight
        self.network = with_head(network, target.shape[1])
        self.n_units = network.n_code_features
        mixes_rows = graph_of(self.network.recipe).mixes_rows
        self.data = labelled(X, target, label_weight, mixes_rows)
        self.batch_size = batch_size(settings.batch_size, self.data.n_rows)

    def run(self):
        """Choose and fit the linear model, then train from there; returns an `Outcome`."""
        self._choose_linear_model()
        every = np.ones(len(self.y), bool)
        start = self._linear(every)
        trial = self._best_trial()
        data, n_epochs = self.data, trial.n_epochs
        spread_data = self._spread(trial.outputs)
        if spread_data is not None:
            data, n_epochs = spread_data, self.settings.max_iter
        network, history = start, {"loss": []}
        if n_epochs:
            training = self._trained(start, data, n_epochs, trial.noise)
            network, history = checked(training), training.history
        if trial.share < 1:
            network = blended(network, self._linear(every, self.alone), trial.share)
        return Outcome(network, history["loss"], trial.curve, spread_data is not None)

    def _choose_linear_model(self):
        """Choose what of code and X the linear model sees, and how strongly it is shrunk."""
        self.sample = sample = self.data.sample(LINEAR_ROWS)
        self.y = sample.target.to_array().astype(np.float64)
        self.seen = self._seen(sample.X)
        n_folds = int(np.clip(FOLD_ROWS // len(self.y), 1, ALL_FOLDS))
        strata = self.task.strata(self.y)
        self.fold = folds(strata, n_folds, ALL_FOLDS, self.settings.seed)
        candidates = list(views(self.seen, sample.weight, self.n_units))
        self.view, self.shrinkage = chosen(
            self.task, self.seen, self.y, sample.weight, self.fold, candidates
        )
        self.alone = None
        if hasattr(self.task, "left_out_losses") and 1 < len(self.y) <= LEFT_OUT_ROWS:
            self.alone = ridge_of_features(self.task, self.seen, self.y, sample.weight, candidates)

    def _seen(self, rows):
        """Code and X, side by side, on the network's scale."""
        return self.network.encode(rows, np.empty((rows.n_rows, self.network.n_code_features)))

    def _linear(self, kept, choice=None):
        """The network at the linear model of some of the labelled rows.

        Parameters
        ----------
        kept : ndarray of bool of shape (n_rows,)
        choice : pair of View and float, default=None
            What it sees, and its shrinkage; None takes those from which training starts.
        """
        view, shrinkage = choice or (self.view, self.shrinkage)
        weight = self.sample.weight[kept]
        model = self.task.linear(view.of(self.seen[kept]), self.y[kept], weight, shrinkage)
        return at_linear_model(self.network, view.centre, view.gain, *model)

    # Training

    def _best_trial(self):
        """The `Trial` whose loss on rows held out is least, over the levels of noise."""
        settings = self.settings
        if not settings.early_stopping or not settings.max_iter or self.fold.max() < 0:
            return Trial(0.0, settings.max_iter, [], np.full(self.y.shape, np.nan))
        trial = min((self._trial(noise) for noise in NOISES), key=lambda trial: min(trial.curve))
        if self.alone is not None:
            trial.share = self._share(trial)
            trial.n_epochs *= trial.share > 0
        return trial

    def _share(self, trial):
        """Share of the network of a trial beside the linear model that is not trained."""
        view, shrinkage = self.alone
        out, weight = self.fold >= 0, self.sample.weight
        seen = view.of(self.seen)
        alone = held_out_outputs(self.task, seen, self.y, weight, self.fold, shrinkage)
        return sure_share(self.y[out], self._outputs(trial)[out], alone[out], weight[out])

    def _outputs(self, trial):
        """What networks that are trained as the last one will be give for rows held out.

        The outputs of the trial do not tell: each is of the epoch that was best for its fold, which
        made the gain of the network on 50 rows of noisy tables look sure where there was none.
        """
        outputs = np.full(self.y.shape, np.nan)
        for number in range(self.fold.max() + 1):
            out = self.fold == number
            network = self._linear(~out)
            if trial.n_epochs:
                data = self.sample.subset(np.flatnonzero(~out))
                network = checked(self._trained(network, data, trial.n_epochs, trial.noise))
            outputs[out] = predicted(network, self.sample.subset(np.flatnonzero(out)).X)
        return outputs

    def _trial(self, noise):
        outputs, curve = np.full(self.y.shape, np.nan), 0.0
        for number in range(self.fold.max() + 1):
            out = self.fold == number
            own_curve, outputs[out] = self._held_out(out, noise)
            curve = curve + self.sample.weight[out].sum() * np.array(own_curve)
        curve = curve / self.sample.weight[self.fold >= 0].sum()
        return Trial(noise, int(curve.argmin()), curve.tolist(), outputs)

    def _held_out(self, out, noise):
        """Losses of rows held out, and their outputs where the loss was least."""
        data = self.sample.subset(np.flatnonzero(~out))
        data.validation = self.sample.subset(np.flatnonzero(out))
        start = self._linear(~out)
        outputs = predicted(start, data.validation.X)
        losses = self.task.losses(outputs, self.y[out])
        training = self._trained(start, data, self.settings.max_iter, noise)
        curve = [np.average(losses, weights=data.validation.weight), *training.history["val_loss"]]
        if np.argmin(curve) > 0:
            outputs = predicted(training.network(), data.validation.X)
        return curve, outputs

    def _trained(self, start, data, n_epochs, noise):
        """The `Training` of encoder and head from a start.

        Without noise its level is zero, so that all levels share one program.
        """
        settings = self.settings
        # The linear model has half the squares.
        penalty = Weighted(HeadShrinkage(), self.shrinkage / 2)
        level = noise * self._deviation()
        objective = Objective(self.task.loss, (penalty,), InputNoise(), level)
        training = Training(
            start.recipe, objective, Solver("adam"), settings.seed, start.constants, start=start
        )
        if data.validation is not None:
            training.validate_on(data.validation)
        rule = StoppingRule(0.0, np.inf, on_validation=data.validation is not None)
        schedule = Schedule(settings.max_iter, settings.step_size, "cosine")
        training.run(data, self.batch_size, schedule, rule, Counted(n_epochs))
        if training.interrupted:
            raise KeyboardInterrupt
        return training

    def _deviation(self):
        """Root mean square deviation of X, on the network's scale."""
        return float(np.sqrt(self.seen[:, self.n_units :].var(axis=0).mean()))

    # Spreading labels

    def _spread(self, outputs):
        """Rows whose labels were spread over neighbours in the code; None where that is no gain.

        Parameters
        ----------
        outputs : ndarray of shape (n_rows, n_targets)
            What the network gives for labelled rows that were held out; NaN for others.
        """
        spreads, known = self.settings.spreads, np.flatnonzero(self.label_weight > 0)
        others = np.flatnonzero(~self.has_label & (self.weight > 0))
        others = evenly(others, max(SPREAD_ROWS - len(known), 0))
        trains = spreads and self.settings.max_iter > 0
        if not trains or not len(others) or len(self.y) < self.data.n_rows:
            return None
        rows = Rows(self.X).subset(np.concatenate([known, others]))
        graph = neighbourhood(self._seen(rows)[:, : self.n_units])
        target, weight = self.target[known], self.label_weight[known]
        distinct = self.data.copies.copy_of if self.data.copies else np.arange(len(known))
        fold, outputs = self.fold[distinct], outputs[distinct]
        if spreads == "auto" and not spreading_helps(graph, target, weight, fold, outputs):
            return None
        distribution = spread(graph, padded(target, len(others)))[len(known) :]
        likeliest = np.eye(target.shape[1])[distribution.argmax(axis=1)]
        return TrainingSet.from_arrays(
            rows.part(np.arange(rows.n_rows)),
            np.concatenate([target, likeliest]),
            np.concatenate([weight, certainty(distribution) * self.weight[others]]),
        )


def one_epoch(task, network, slots, X, target, label_weight, settings, rate, n_epochs):
    """Train for one epoch more, going on from an earlier fit; returns an `Outcome`."""
    data = labelled(X, target, label_weight, graph_of(network.recipe).mixes_rows)
    training = Training(
        network.recipe,
        Objective(task.loss),
        Solver("adam"),
        settings.seed,
        network.constants,
        start=network,
        slots=slots and slots.arrays,
        n_epochs=n_epochs,
    )
    rule = StoppingRule(0.0, np.inf, on_validation=False)
    schedule = Schedule(1, rate * settings.step_size)
    training.run(data, batch_size(settings.batch_size, data.n_rows), schedule, rule, Hooks())
    if training.interrupted:
        raise KeyboardInterrupt
    slots = SolverState("adam", training.slots())
    return Outcome(checked(training), training.history["loss"], slots=slots)


def labelled(X, target, label_weight, mixes_rows):
    """The labelled rows as a `TrainingSet`, identical ones merged unless they may interact."""
    data = TrainingSet.from_arrays(X, target, label_weight)
    few = data.n_rows * data.X.n_features <= MOST_MERGED
    return data.merged() if few and not mixes_rows else data


def predicted(network, rows):
    """Outputs of a network with a head, float64."""
    return network.predict(rows, np.empty((rows.n_rows, network.recipe.n_targets)))


def checked(training):
    """The network of a training; refuses one whose last step diverged."""
    network = training.network()
    if not network.is_finite:
        raise diverged("A weight became infinite or NaN in the last training step")
    return network


def evenly(positions, most):
    """At most `most` of the positions, evenly spaced."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(int)]
