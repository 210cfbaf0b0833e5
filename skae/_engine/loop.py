"""Training: one compiled call a block of batches, and the loop over epochs around it."""

from contextlib import closing
from itertools import islice

import numpy as np

from . import _jax
from .batches import WINDOW_BYTES, Blocks, StreamedBlocks, ahead
from .graph import graph_of, initial_weights
from .inference import FittedNetwork
from .interrupts import Interrupts
from .population import BlockProgram
from .programs import compile_program
from .progress import Progress, check_fits
from .schedules import StepSizes
from .sharing import ONE_DEVICE
from .solver import finished, initial_slots, scheduled_step_size
from .steps import epoch_function, evaluation_function, step_function
from .units import for_programs, standardised

STOP_REASONS = ("max_iter", "no_change", "callback", "interrupt")
"""Why a training ends: no epoch is left, the stopping rule is met, or a hook or Ctrl-C says so."""

EVALUATION_ROWS = 1024
"""Rows of a batch on which the validation loss is computed."""


class Hooks:
    """What is told of a training: hooks that do nothing, for a subclass to replace."""

    def before_epoch(self):
        """An epoch begins."""

    def after_epoch(self, training):
        """An epoch ended; a true result ends the training."""

    def between_passes(self, training):
        """The training goes on; `Training.progress` may be taken now."""


class Training:
    """The state of a fit that is under way.

    Parameters
    ----------
    recipe : Recipe
    objective : Objective
    solver : Solver
    seed : int
        Everything random follows from it: weights, order of rows, corruption.
    constants : dict of str to ndarray
        Arrays taken from the training data, as in `FittedNetwork`.
    start : FittedNetwork, default=None
        Weights to start from; None draws new ones.
    slots : list of ndarray, default=None
        The solver's own state to start from; None starts anew.
    n_epochs : int, default=0
        Epochs trained before, so that a continued training draws new random numbers.
    devices : Devices, default=ONE_DEVICE
        Those that share the rows of each batch.

    Attributes
    ----------
    history : dict of str to list of float
        "loss", "learning_rate" and, with validation rows, "val_loss" of each epoch.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    def __init__(
        self,
        recipe,
        objective,
        solver,
        seed,
        constants,
        *,
        start=None,
        slots=None,
        n_epochs=0,
        devices=ONE_DEVICE,
    ):
        self.recipe, self.objective, self.solver, self.seed = recipe, objective, solver, seed
        self.constants, self.devices = constants, devices
        self.graph = graph_of(recipe)
        self._is_new = start is None
        weights = initial_weights(recipe, seed) if start is None else (start.trainable, start.fixed)
        self.state = _jax.to_host(((list(weights[0]), list(weights[1])), slots))
        # Held by functions that hold nothing else of this training, so that it goes with its state.
        self._parts = parts = self.graph, objective, solver
        self._key = (recipe.key, objective.key, solver.key, *devices.key)
        self._options = {
            "cpu_options": _jax.PLAIN_CONVOLUTIONS if self.graph.convolves else None,
            "donates_first": True,
            "results_on": devices.results,
        }
        self._epoch_program = BlockProgram(
            "epoch", self._key, lambda: epoch_function(*parts), **self._options
        )
        self._solving = ((recipe.key, solver.key), solver, solver.variables(self.graph))
        self.n_epochs = n_epochs
        self.history = {"loss": [], "learning_rate": []}
        self.interrupted = False
        self._evaluation = self._restored = None
        self._step = self._evaluation_program = None
        self._program_constants = devices.whole(for_programs(constants))
        self._unit = objective.unit(constants) if recipe.reconstructs else 1.0

    def validate_on(self, data):
        """Record the reconstruction loss on these rows after each epoch."""
        self._evaluation = self._blocks(data, min(data.n_rows, EVALUATION_ROWS))
        self.history["val_loss"] = []

    def run(self, data, batch_size, schedule, rule, hooks, progress=None):
        """Train until the schedule ends, the stopping rule is met, or a hook or Ctrl-C says so.

        Parameters
        ----------
        data : TrainingSet
            Its attributes X and target (`Rows`) and weight are read, and `target_means`; of a
            `StreamedSet` X alone.
        batch_size : int
        schedule : Schedule
        rule : StoppingRule
            Watches the validation loss where there is one, else the training loss.
        hooks : Hooks
        progress : Progress, default=None
            What an earlier run with equal arguments had reached: this one does the rest of it.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C comes before the first epoch ended.
        ValueError
            If a loss becomes infinite or NaN.

        Notes
        -----
        Where the rule watches the validation loss, the network is the one for which it was lowest.
        """
        self._start(data)
        self._rule, self._rates = rule, StepSizes(schedule)
        self._losses, self._n_passes, self._best, self._ended = _Mean(), 0, None, False
        if progress is not None:
            self._go_on(progress)
        if not self._ended:
            self._train(self._blocks(data, batch_size), schedule, hooks)
        if self.interrupted and not self.history["loss"]:
            raise KeyboardInterrupt
        self._restored = self._best

    def _train(self, blocks, schedule, hooks):
        passes = self._passes(blocks, schedule)
        if blocks.worth_a_thread:
            passes = ahead(passes)
        passes = self.devices.in_step(passes)  # a user's code reads them, which may fail in one
        with closing(passes), Interrupts() as interrupts:
            for _ in islice(passes, self._n_passes):  # those that an earlier run trained on
                pass
            while not self._ended:
                with self.devices.together():
                    hooks.before_epoch()
                rest = islice(passes, blocks.n_blocks - self._n_passes)
                is_whole = self._epoch(rest, interrupts, hooks)
                self._ended = is_whole and self._is_last()
                if self.devices.any(interrupts.noted):
                    break
                with self.devices.together():
                    stops = hooks.after_epoch(self)
                self._ended = self.devices.any(stops) or self._ended
                if not self._ended:
                    hooks.between_passes(self)
        self.interrupted = self.devices.any(interrupts.noted)

    def _is_last(self):
        """Whether the training ends after the epoch that was recorded last."""
        rule, rates = self._rule, self._rates
        watched = self.history["val_loss" if rule.on_validation else "loss"][-1]
        if rule.update(watched / self._unit) and rule.on_validation:
            self._best = _jax.to_host(self._weights())
        if rule.met:
            if not rates.divided():
                return True
            rule.restart()
        return rates.exhausted

    @property
    def stop_reason(self):
        """Why the training ended, or would if it ended now: one of `STOP_REASONS`."""
        if self.interrupted:
            return "interrupt"
        if self._rule.met:
            return "no_change"
        return "max_iter" if self._rates.exhausted else "callback"

    def progress(self):
        """What this training has reached, for another run to go on from; see `Progress`."""
        weights, slots = _jax.to_host(self.state)
        return Progress(
            weights=weights,
            slots=slots,
            best_weights=self._best,
            n_epochs=self.n_epochs,
            history={name: list(curve) for name, curve in self.history.items()},
            rates=self._rates.state,
            rule=self._rule.state,
            n_passes=self._n_passes,
            losses=self._losses.state,
            ended=self._ended,
        )

    def _go_on(self, progress):
        check_fits(progress, self.state, self.history)
        self.state = _jax.to_host((progress.weights, progress.slots))
        self.n_epochs = progress.n_epochs
        self.history = {name: list(curve) for name, curve in progress.history.items()}
        self._rates.state, self._rule.state = progress.rates, progress.rule
        self._losses.state, self._n_passes = progress.losses, progress.n_passes
        self._best, self._ended = progress.best_weights, progress.ended

    def _start(self, data):
        """Give the weights of a new network, and then a new solver's state, their first values."""
        if self._is_new:
            self._centre_output(data)
        weights, slots = self.state
        new_slots = initial_slots(*self._solving, weights[0])
        slots = new_slots if slots is None else slots
        if [slot.shape for slot in slots] != [slot.shape for slot in new_slots]:
            raise ValueError(
                "solver must stay the same while a training goes on: the state of the earlier "
                "solver does not fit this one."
            )
        self.state = self.devices.of_first((weights, slots))

    def _centre_output(self, data):
        """Start a logistic output whose bias many features share at the mean of the data.

        From a start at one half, the gradients of all features of mostly dark images push that one
        bias down together, until the output is black and the logistic function flat.
        """
        index = self.graph.shared_output_bias
        if index is not None and self.recipe.output_activation == "logistic":
            bias = self.state[0][0][index]
            means = np.nan_to_num(data.target_means(), nan=0.5)  # of features without any value
            mean = means.reshape(-1, len(bias)).mean(axis=0).clip(0.01, 0.99)
            bias += np.log(mean / (1 - mean)).astype(np.float32)

    def _passes(self, blocks, schedule):
        """Yield each pass from the current epoch on: block, seed, and numbers of the epoch."""
        for epoch in range(self.n_epochs, self.n_epochs + self._rates.n_left):
            random = np.random.default_rng([self.seed, epoch])
            numbers, order = self._numbers(self.objective, epoch, random), random
            if self.devices.n_processes > 1:
                # Of other numbers of rows, other numbers would be drawn, and then other seeds.
                order = np.random.default_rng([self.seed, epoch, self.devices.process])
            for block in blocks.epoch(order if schedule.shuffle else None):
                yield block, random.integers(2**32, size=2, dtype=np.uint32), numbers

    def _numbers(self, objective, epoch, random=None):
        """The arguments of an epoch's programs that are neither state nor data."""
        return {**objective.numbers_at(epoch, random), "constants": self._program_constants}

    def _blocks(self, data, batch_size):
        """The blocks of a `TrainingSet` on the network's scale, its weights of a mean of one."""
        # Every epoch reads them.
        X = standardised(data.X, self.constants).computed(WINDOW_BYTES)
        if hasattr(X, "windows"):
            return StreamedBlocks(X, batch_size, self.devices)
        target = X
        if data.target is not data.X:
            target = data.target
            if self.recipe.reconstructs:
                target = standardised(target, self.constants)
            target = target.computed(WINDOW_BYTES)
        weight = data.weight / data.mean_weight
        resident = not _jax.on_cpu()
        return Blocks(X, target, weight, batch_size, resident=resident, devices=self.devices)

    def _epoch(self, passes, interrupts, hooks):
        """Train on the passes that an epoch has left; returns whether it was not interrupted."""
        rate = self._rates.current
        for number, (block, seed, numbers) in enumerate(passes):
            if number:
                hooks.between_passes(self)
            if interrupts.noted and self.devices.n_processes == 1:  # else the others would wait
                return False
            with np.errstate(over="ignore"):  # what is infinite then is found in the loss
                numbers = {**numbers, "learning_rate": np.float32(rate)}
            self._losses.add(self._pass(block, seed, numbers), block.n_present)
            self._n_passes += 1
        self.n_epochs += 1
        if self.solver.owns_step_size:
            rate = scheduled_step_size(*self._solving, self.devices.apart(self.state[1]))
        loss = self._losses.value * self._unit
        self._rates.advance()
        self._losses, self._n_passes = _Mean(), 0
        self._record(loss, rate)
        return True

    def _pass(self, block, seed, numbers):
        """Train on each batch of a block; returns their losses.

        On a CPU, XLA differentiates a convolution inside a loop ten times slower than outside: such
        networks take one call a batch. All others take one call a block.
        """
        if not (self.graph.convolves and _jax.on_cpu()):
            arguments = self._arguments(self.state, seed, block, numbers)
            self.state, losses = self._epoch_program(*arguments)
            return losses
        carry, losses = self.devices.whole((self.state, seed)), []
        numbers = self.devices.whole(numbers)
        for batch in block.batches():
            arguments = (carry, batch, numbers)
            if self._step is None:
                self._step = compile_program(
                    "step",
                    self._key,
                    lambda: step_function(*self._parts),
                    arguments,
                    **self._options,
                )
            carry, loss = self._step(*arguments)
            losses.append(loss)
        self.state = carry[0]
        return losses

    def _arguments(self, state, seed, block, numbers):
        """What the program of a block is called with."""
        data, order, n_batches = block.arguments
        state, seed, n_batches, numbers = self.devices.whole((state, seed, n_batches, numbers))
        return state, seed, data, order, n_batches, numbers

    def _record(self, loss, rate):
        self.history["loss"].append(loss)
        self.history["learning_rate"].append(float(rate))
        monitored = [loss]
        if self._evaluation is not None:
            self.history["val_loss"].append(self.validation_loss())
            monitored.append(self.history["val_loss"][-1])
        if not np.isfinite(monitored).all():
            raise diverged(f"The loss became {monitored[-1]} in epoch {len(self.history['loss'])}")

    def validation_loss(self):
        """The loss on the rows of `validate_on`; each call draws the same random numbers."""
        losses = _Mean()
        objective = self.objective.for_validation()
        numbers = self._numbers(objective, self.n_epochs)
        seed = np.array([self.seed, 0], np.uint32)
        weights = self._weights()
        if self._evaluation_program is None:
            graph = self.graph
            self._evaluation_program = BlockProgram(
                "evaluation",
                (self.recipe.key, objective.key, *self.devices.key),
                lambda: evaluation_function(graph, objective),
                results_on=self.devices.results,
            )
        for block in self._evaluation.epoch(None):
            of_batches = self._evaluation_program(*self._arguments(weights, seed, block, numbers))
            losses.add(of_batches, block.n_present)
        return losses.value * self._unit

    def _weights(self):
        """The weights of the network that the training would give if it ended now.

        Where the solver averages them, the averages are validated and given back, while the next
        step goes on from the weights of the last one.
        """
        (trainable, fixed), slots = self.state
        if self.solver.finishes and slots is not None:
            trainable = finished(*self._solving, *self.devices.apart((slots, trainable)))
        return trainable, fixed

    def network(self):
        """The network as it stands, as NumPy arrays."""
        trainable, fixed = _jax.to_host(self._restored or self._weights())
        return FittedNetwork(
            self.recipe, trainable, fixed, self.graph.n_code_features, self.constants
        )

    def slots(self):
        """The solver's own state, as NumPy arrays."""
        return _jax.to_host(self.state[1])


class DivergenceError(ValueError):
    """A training diverged."""


def diverged(what):
    """The error of a training that diverged, with what to do."""
    return DivergenceError(
        f"{what}, so the training was stopped. Take a smaller learning_rate_init, or "
        "solver='adam'; a few values far outside all others can be the cause, too."
    )


class _Mean:
    """The mean over rows of losses that are means over batches."""

    def __init__(self):
        self._total = self._n_rows = 0

    def add(self, losses, n_present):
        """Add the losses of some batches; what stands behind the last one does not count."""
        losses = np.asarray(losses, np.float64)[: len(n_present)]
        self._total += float(losses @ n_present)
        self._n_rows += int(n_present.sum())

    @property
    def state(self):
        """Sum of the losses, and number of rows."""
        return self._total, self._n_rows

    @state.setter
    def state(self, state):
        self._total, self._n_rows = state

    @property
    def value(self):
        """The mean of all losses so far."""
        return self._total / self._n_rows
