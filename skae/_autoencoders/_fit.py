"""One fit: its data, its pretraining and its training."""

import copy
from contextlib import closing
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from .._data.statistics import root_mean, value_range
from .._data.validation import check_domain
from .._engine import (
    RESERVED,
    Hooks,
    NormalCode,
    PointCode,
    Recipe,
    Schedule,
    Solver,
    StoppingRule,
    Training,
    canonical_activation,
    check_runs,
    devices_of,
    graph_of,
    initial_network,
)
from .._sklearn_compat import EpochCallbacks
from ..architectures import Dense
from ..corruption import GaussianNoise, check_missing
from ..losses import Gaussian, SquaredError
from ..penalties import L2
from ._arguments import checked_rows
from ._batch_size import batch_size, largest_batch
from ._checkpoint import WHOLE, resumed_progress
from ._constants import bounds, fill, moved_bounds, scale
from ._factor_start import factor_model, started_at_factors
from ._linear_start import linear_model, observed_error, started_at, unseen_columns
from ._outcome import check_outcome
from ._pretraining import LayerHooks, layers_of, pretrained
from ._report import Report
from ._shares import check_agreement, check_share, check_undivided, shared
from ._shrinkage import weight_of_penalty
from ._state import fitted_state
from ._trimming import trimmed
from ._warnings import (
    warn_of_bounded_output,
    warn_of_dominating_column,
    warn_of_dominating_rows,
    warn_of_dominating_values,
    warn_of_interrupt,
    warn_of_noise_level,
    warn_of_share_held_out,
    warn_of_unweighted_penalty,
    warn_of_wide_code,
)

MOST_COUNTED = 256
"""Rows up to which copies among them are counted."""

LOWEST_PARTIAL_RATE = 0.1
"""Share of `learning_rate_init` below which `partial_fit` does not go on after a `fit` whose
schedule came down."""


class Fit(Hooks):
    """One call of `fit` or `partial_fit`.

    It works on a copy of the estimator, so that the estimator stays as it is until the state of
    the finished fit is swapped in.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Its parameters and its hooks are read.
    incremental : bool
        Whether it is a `partial_fit`.

    Attributes
    ----------
    start : BaseAutoencoder or None
        The earlier fit that this one goes on from.
    devices : Devices
        Those that share the rows of each training step.
    seed : int
        All that is random follows from it.
    progress : FitProgress
        What is kept of the fit while it is under way, or was by an earlier process.
    data : TrainingSet
    objective : Objective
    recipe : Recipe
    constants : dict of str to ndarray
    mean : ndarray of shape (n_features,)
        Means of the target's features, about which variance is explained.
    batch_size : int
    n_epochs : int
        Most epochs to train.
    linear : LinearModel or None
        What PCA finds; None where a fit goes on.
    pca_error, alpha : float
    training : Training
    report : Report
        What `verbose` shows.
    """

    def __init__(self, estimator, *, incremental=False):
        self._original = estimator
        self.estimator = copy.copy(estimator)
        self.incremental = incremental
        goes_on = incremental or estimator.warm_start
        is_fitted = self.estimator.__sklearn_is_fitted__()
        self.start = copy.copy(self.estimator) if goes_on and is_fitted else None
        self.solver = Solver(estimator.solver)
        self.solver.check()
        self.linear = None
        self._unseen = ()
        self.training = None

    def run(self, X, *, X_clean=None, sample_weight=None, X_val=None):
        """Prepare, pretrain and train; returns what the fit learned, by attribute."""
        check_runs()
        self._prepare(X, X_clean, sample_weight, X_val)
        self._callbacks = EpochCallbacks(
            self._original, X, self.n_epochs + len(self._layers), partial(fitted_state, self)
        )
        n_earlier = 0 if self.start is None else self.start.n_iter_
        self.report = Report(
            self.estimator.verbose,
            len(self._layers),
            self._n_layer_epochs,
            self.n_epochs,
            n_earlier=n_earlier,
        )
        with closing(self.report):
            self._train(self.first_network())
        state = fitted_state(self)
        check_outcome(self, state["_network"])
        return state

    # Preparing

    def _prepare(self, X, X_clean, sample_weight, X_val):
        estimator = self.estimator
        self.devices = devices_of(estimator.devices)
        goes_on = self.start is not None
        with self.devices.together():
            rows = checked_rows(estimator, X, X_clean, sample_weight, X_val, reset=not goes_on)
            if self.devices.n_processes > 1:
                check_share(estimator)
        if self.devices.n_processes > 1:
            check_agreement(self, rows, X_val)
        self.progress = resumed_progress(self, rows, self.devices.of_first(self._draw_seed()))
        self.seed = self.progress.seed
        self.objective = estimator._objective()
        if estimator._table is not None:
            self.objective = self.objective.on_table(estimator._table)
        if X_clean is not None:
            self.objective = self.objective.without_corruption()
        with self.devices.together():
            output_activation = self._output_activation(rows)
            own = self._distinct(rows)
        self.data = shared(own, self.devices)
        self._starts_linear = self._takes_linear_start(output_activation)
        self.recipe = self._recipe(output_activation)
        self.objective.check(self.recipe.latent)
        self._take_earlier_recipe()
        graph = graph_of(self.recipe)
        self._make_batches(mixes_rows=self.objective.mixes_rows or graph.mixes_rows)
        summary = self.data.target_summary
        self.mean = summary.mean if self.start is None else self.start.mean_
        # Processors of another kind may round in another way.
        self.constants = self.devices.of_first(self._constants(summary))
        self._check_noise(summary)
        self._find_linear_model(graph)
        penalty = self.objective.penalties[0].penalty
        # partial_fit was told by its first call; a warm start may have another penalty.
        has_weight = estimator.alpha != "auto" or isinstance(penalty, L2)
        if not (has_weight or (goes_on and self.incremental)):
            warn_of_unweighted_penalty(penalty)
        warn_of_wide_code(self.objective, graph, self.recipe.n_features)
        self.n_epochs = 1 if self.incremental else estimator.max_iter
        pretrains = estimator.pretraining and self.start is None and not self.incremental
        loss = self.objective.loss
        self._layers = layers_of(self.recipe, loss.of_layer()) if pretrains else []

    def _draw_seed(self):
        """The seed of a new fit, or the earlier one's, from which later epochs draw further.

        An int that changed in between takes effect.
        """
        random_state = self.estimator.random_state
        if self.start is not None and not isinstance(random_state, Integral):
            return self.start._seed
        return int(check_random_state(random_state).randint(2**31 - 1))

    def _output_activation(self, rows):
        """The output activation, for rows that loss and corruption allow."""
        asked, loss = self.estimator.output_activation, self.objective.loss
        asker, implied = self.estimator._loss_parameter(), loss.output_activation
        low, high = rows.target_range
        name = "X" if rows.target is rows.X else "X_clean"
        check_domain(loss.domain, low, high, asker=asker, name=name)
        if rows.validation is not None and loss.domain is not None:
            ends = rows.validation.target_range
            check_domain(loss.domain, *ends, asker=asker, name="X_val")
        if self.objective.corruption is not None:
            check_missing(self.objective.corruption, self.estimator.missing)
            ends = (low, high) if rows.target is rows.X else value_range(rows.X)
            self.objective.corruption.check_data(rows.X.n_features, *ends)
        if asked == "auto":
            asked = implied or "identity"
            return asked if self.start is None else self.start._network.recipe.output_activation
        if canonical_activation(asked) == "logistic" and (low < 0 or high > 1):
            warn_of_bounded_output(low, high, name)
        if implied is not None and asked not in (implied, "sigmoid"):
            raise ValueError(
                f"{asker} needs output_activation={implied!r} or 'auto', got {asked!r}."
            )
        return asked

    def _distinct(self, rows):
        """The rows, merged where they may make one batch, without outliers and those held out."""
        estimator = self.estimator
        data = self._merged(rows)
        if estimator.trim_fraction:
            if estimator.missing == "mask":
                data.check_features()
            data = self._merged(self._trimmed(data))
        if estimator.early_stopping and data.validation is None:
            n_rows, asked = data.n_rows, estimator.validation_fraction
            data = data.split(asked, self.seed)
            n_held_out = data.validation.n_rows
            if n_held_out != max(1, round(asked * n_rows)):
                warn_of_share_held_out(n_held_out / n_rows, asked)
        return data

    def _merged(self, rows):
        if self.devices.n_processes > 1:
            return rows
        fit_together = rows.n_rows <= largest_batch(self.estimator.batch_size, rows.n_rows)
        return rows.merged() if fit_together and rows.copies is None else rows

    def _trimmed(self, rows):
        estimator = self.estimator
        kept = trimmed(rows, estimator.trim_fraction, estimator.n_components, self.seed)
        kept.validation = rows.validation
        return kept

    def _constants(self, summary):
        """What the network takes from the data: that of the earlier fit where one goes on.

        An output activation that was asked for has units of its own, so that nothing is scaled.

        Parameters
        ----------
        summary : Summary
            That of the target.
        """
        estimator, loss = self.estimator, self.objective.loss
        earlier = {} if self.start is None else self.start._network.constants
        constants = dict(earlier)
        if self.start is not None:
            constants |= moved_bounds(earlier, summary)
        elif self.recipe.output_activation == "identity":
            constants |= scale(summary, self.data, by_feature=loss.scales_features)
            if estimator.output_activation == "auto":
                constants |= bounds(summary, self._level_features(), self._n_distinct_rows())
        if estimator.missing != "mask":
            constants.pop("fill", None)
        elif "fill" not in earlier:
            constants |= fill(self.data)
        variances = summary.variance / np.square(constants.get("scale", 1.0))
        own = loss.constants(variances, constants.get("scale", 1.0), earlier)
        if taken := sorted(set(own) & set(RESERVED)):
            raise ValueError(
                f"{loss!r} gives constants of the names {taken}, which skae's own have. Name them "
                "otherwise."
            )
        return {**constants, **own}

    def _features_per_column(self):
        """Number of features for each column of a table, of whose errors the mean is taken."""
        table = self.estimator._table
        return 1.0 if table is None else self.data.X.n_features / len(table.columns)

    def _check_noise(self, summary):
        """Warn of normal noise of another order than the rows of a first fit."""
        corruption, level = self.objective.corruption, self.objective.corruption_level
        is_noise = isinstance(corruption, GaussianNoise) and self.estimator._table is None
        if is_noise and self.start is None:
            warn_of_noise_level(getattr(level, "high", level), root_mean(summary.variance))

    def _names(self):
        """Names of the columns of X, or their numbers."""
        names = getattr(self.estimator, "feature_names_in_", None)
        return list(range(self.data.X.n_features)) if names is None else list(names)

    def _n_distinct_rows(self):
        """Number of rows that differ, of few rows; copies of many are counted as rows."""
        data = self.data
        is_few = data.n_rows <= MOST_COUNTED and self.devices.n_processes == 1
        return data.merged().n_rows if is_few and data.copies is None else data.n_rows

    def _level_features(self):
        """Which features are levels of categories, as a mask."""
        table = self.estimator._table
        return np.zeros(self.data.X.n_features, bool) if table is None else table.shares > 0

    def _find_linear_model(self, graph):
        """Find the linear model of the data, and what it leaves.

        A fit that goes on keeps what the first one found.
        """
        if self.start is not None:
            self.pca_error = self.start.pca_error_
        else:
            if self.linear is None:
                self.linear = self._linear_model(graph.n_code_features)
            masked = self.estimator.missing == "mask"
            error = observed_error(self.linear, self.data) if masked else self.linear.error
            error = self.devices.of_first(float(error))
            self.pca_error = error * self._features_per_column()
            if not self.objective.loss.scales_features:
                variance = self.data.target_summary.variance
                self._unseen = unseen_columns(self.linear, variance)
                if len(self._unseen):
                    warn_of_dominating_column(variance, self._unseen, self._names())
            if not self.incremental:
                self._check_far_values()

    def _check_far_values(self):
        """Warn of rows or values beside which the others hardly count."""
        table = self.estimator._table
        if table is not None:  # of numbers divided by their deviations
            of_feature = zip(table.column_of, table.shares == 0, strict=True)
            names = [table.columns[number].name if own else None for number, own in of_feature]
            warn_of_dominating_values(self.data, names)
        elif isinstance(self.objective.loss, (SquaredError, Gaussian)):
            scale = self.constants.get("scale", 1.0)
            if not warn_of_dominating_rows(self.data, scale):
                warn_of_dominating_values(self.data, self._names())

    def _recipe(self, output_activation):
        """The network to train."""
        estimator, n_features = self.estimator, self.data.X.n_features
        architecture = estimator.architecture
        if architecture is None:
            architecture = Dense(estimator.hidden_layer_sizes, activation=estimator.activation)
        architecture = copy.deepcopy(architecture)
        if isinstance(architecture, Dense) and not self._starts_linear:
            architecture.linear_path = False
        return Recipe(
            architecture,
            n_features,
            self._n_components(),
            estimator._latent(),
            output_activation,
            self.objective.loss.extra_weights(n_features),
        )

    def _n_components(self):
        """Width of the code: where a share is asked for, as many as PCA needs to explain it."""
        n_components = self.estimator.n_components
        if n_components is None or isinstance(n_components, Integral):
            return None if n_components is None else int(n_components)
        if self.start is not None:
            return self.start._network.recipe.n_components
        self.linear = self._linear_model(float(n_components))
        return len(self.linear.variances)

    def _linear_model(self, n_components):
        return self.devices.of_first(linear_model(self.data, n_components, self.seed))

    def _takes_linear_start(self, output_activation):
        """Whether the linear path of a network, if it has one, is to be that of a linear model.

        PCA's is not where the code is to be something else than what reconstructs best, because a
        linear path that is kept could not be penalised, contracted or denoised. Factor analysis is
        the linear model of a code that is drawn, beside normal noise.
        """
        estimator, objective = self.estimator, self.objective
        if self.start is not None:
            return getattr(self.start._network.recipe.architecture, "linear_path", False)
        if estimator._latent() == NormalCode():
            fits = objective.loss.scales_features and output_activation == "identity"
        else:
            fits = estimator._latent() == PointCode("identity") and not objective.shapes_code
        return (
            fits
            and estimator.init == "pca"
            and self.data.target is self.data.X
            and estimator.pretraining is None
        )

    def has_linear_path(self, graph):
        """Whether the network has one that starts at a linear model.

        Architectures of a user's own may build one with `Dense`, which is zero otherwise.
        """
        return bool(graph.linear_paths) and self._starts_linear

    def _take_earlier_recipe(self):
        """Go on with the recipe of the earlier fit; refuse parameters of another network."""
        start = self.start
        if start is None:
            return
        self.estimator._check_start(start)
        if not start._network.is_described_by(self.recipe):
            raise ValueError(
                "warm_start=True and partial_fit go on with the fitted network, but the parameters "
                "now describe another one. Set them back, or clone the estimator and fit anew."
            )
        self.recipe = start._network.recipe

    def _make_batches(self, *, mixes_rows):
        """Choose the batch size; where rows interact, one batch holds each once, as it came."""
        asked = self.estimator.batch_size
        if mixes_rows:
            self.data = self.data.unmerged()
            self.batch_size = min(largest_batch(asked, self.data.n_rows), self.data.n_rows)
            check_undivided(self.devices, self.batch_size, self.data.X.n_rows)
        else:
            self.batch_size = batch_size(asked, self.data.n_rows)

    # Training

    def first_network(self):
        """Where the training starts: an earlier fit, pretrained layers, or None for new weights."""
        if WHOLE in self.progress.trainings:
            return None  # the weights that it had reached take the place of new ones
        if self._layers:
            return pretrained(
                self.recipe,
                self._layers,
                self.objective,
                self.data,
                self.seed,
                self.constants,
                self._train_layer,
            )
        if self.start is not None:
            return self.start._network
        if not self.has_linear_path(graph_of(self.recipe)):
            return None
        network = initial_network(self.recipe, self.seed, self.constants)
        if self.recipe.latent == NormalCode():
            return started_at_factors(self._factor_model(), network)
        return started_at(self.linear, network, learns=self.learns)

    def _factor_model(self):
        learned = self.objective.loss.extra_weights(self.recipe.n_features)
        return factor_model(
            self.data,
            self.constants,
            self.recipe.n_components,
            self.seed,
            noise=None if learned else self.constants["noise_variance"].astype(np.float64),
            least=self._least_noise(),
            beta=max(self.objective.code_weight, 1.0),
        )

    def _least_noise(self):
        """Least variances of the noise of a linear model.

        Those of a category's levels are their shares, by which the cross-entropy is about half the
        squared error over the variance. Otherwise indicators, which determine each other, would
        take a factor for each category.
        """
        table = self.estimator._table
        if table is None:
            return 0.0
        return table.shares / np.square(table.units * self.constants["scale"])

    @property
    def learns(self):
        """Whether hidden layers beside PCA learn: not if a column hides others from them."""
        return not len(self._unseen)

    def on_rows(self, data):
        """The same fit of other rows, with what a network takes from them, and their PCA."""
        other = copy.copy(self)
        other.data = data
        other.constants = self.devices.of_first(other._constants(data.target_summary))
        other.linear = other._linear_model(graph_of(self.recipe).n_code_features)
        return other

    @property
    def _n_layer_epochs(self):
        return -(-self.estimator.max_iter // 3)

    def _train_layer(self, number, recipe, objective, data, seed, constants):
        """The network of one layer, trained like the whole for a third of its epochs."""
        name, n_epochs = f"layer {number + 1}", self._n_layer_epochs
        training = Training(recipe, objective, self.solver, seed, constants, devices=self.devices)
        hooks = LayerHooks(self, number, name, self._callbacks.layer(name, n_epochs))
        rule, schedule = self.stopping_rule(on_validation=False), self.schedule(n_epochs)
        self.progress.run(name, training, data, self.batch_size, schedule, rule, hooks)
        hooks.callbacks.end()
        if training.interrupted:
            raise KeyboardInterrupt
        return training.network()

    def _train(self, network):
        estimator, start = self.estimator, self.start
        self.alpha = weight_of_penalty(self)
        self.objective = self.objective.weighing_weights(self.alpha)
        self.training = training = Training(
            self.recipe,
            self.objective,
            self.solver,
            self.seed,
            self.constants,
            start=network,
            slots=self._earlier_slots(),
            n_epochs=0 if start is None else start.n_iter_,
            devices=self.devices,
        )
        if self.data.validation is not None:
            training.validate_on(self.data.validation)
        rule = self.stopping_rule(on_validation=estimator.early_stopping)
        schedule = self.schedule(self.n_epochs)
        self.progress.run(WHOLE, training, self.data, self.batch_size, schedule, rule, self)
        self._callbacks.end()
        if training.interrupted and self.incremental:
            raise KeyboardInterrupt  # else a loop over chunks of data could not be stopped
        if training.interrupted:
            warn_of_interrupt(len(training.history["loss"]))

    def _earlier_slots(self):
        """The solver's state of the earlier fit, if it is the same solver's."""
        slots = None if self.start is None else self.start._slots
        if slots is None or slots.solver == self.solver.name:
            return slots and slots.arrays
        if self.incremental:
            raise ValueError(
                "solver must stay the same from one partial_fit to the next, but it was "
                f"{slots.solver!r} and is now {self.solver.name!r}."
            )
        return None

    def stopping_rule(self, *, on_validation):
        estimator = self.estimator
        return StoppingRule(estimator.tol, estimator.n_iter_no_change, on_validation=on_validation)

    def schedule(self, n_epochs):
        """Step sizes: `fit` begins its schedule anew, `partial_fit` has one of a single epoch."""
        estimator = self.estimator
        kind, shuffle = estimator.learning_rate, estimator.shuffle
        if self.solver.owns_step_size:
            kind = "constant"
        step_size = self.solver.step_size(estimator.learning_rate_init)
        if self.start is not None:
            step_size = self._step_size_to_go_on(step_size, kind)
        return Schedule(n_epochs, step_size, kind, shuffle)

    def _step_size_to_go_on(self, step_size, kind):
        """Where an adaptive schedule was, or where `partial_fit` goes on after others.

        A fit ends its cosine near zero. New data are learned by steps that are not so small, but
        the full ones would destroy what was trained.
        """
        rates = self.start.history_["learning_rate"]
        if kind == "adaptive":
            return min(step_size, rates[-1]) if rates[0] == step_size else step_size
        if self.incremental and kind == "invscaling":
            return step_size / np.sqrt(self.start.n_iter_ + 1)
        if self.incremental and kind == "cosine" and rates[-1] < rates[0]:
            return max(min(step_size, rates[-1]), LOWEST_PARTIAL_RATE * step_size)
        return step_size

    def before_epoch(self):
        """An epoch begins."""
        self._callbacks.begin_epoch()

    def after_epoch(self, training):
        """An epoch ended; returns whether a callback wants the fit to stop."""
        self.report.epoch(training)
        return self._callbacks.end_epoch(training)

    def between_passes(self, training):
        """The training goes on."""
        self.progress.keep_if_due(WHOLE, training)
