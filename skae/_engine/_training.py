"""Training: one compiled call a block of batches, and the loop over epochs around it."""

from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ._backend import on_cpu
from ._data import Blocks, ahead
from ._graph import graph_of, initial_weights
from ._network import FittedNetwork
from ._numbers import value_at
from ._programs import PLAIN_CONVOLUTIONS, compile_program, programs, repeat
from ._recipe import canonical_activation
from ._solver import SCHEDULES, initial_slots, step_size_index

SMALLEST_STEP_SIZE = 1e-6
"""Where the "adaptive" schedule stops dividing, and training with it, as in scikit-learn's MLPs."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Parameters
    ----------
    max_iter : int
        Epochs, at most.
    step_size : float
        Initial step size.
    kind : str
        A key of `SCHEDULES`.
    shuffle : bool
    """

    max_iter: int
    step_size: float
    kind: str = "constant"
    shuffle: bool = True


def _nothing():
    """What is done around an epoch when nobody listens."""


class Training:
    """The state of a fit that is under way.

    Parameters
    ----------
    recipe : Recipe
    objective : Objective
    solver : Solver
    seed : int
        Everything random follows from it: weights, order of rows, corruption.
    start : FittedNetwork, default=None
        Weights to start from; None draws new ones.
    slots : list of ndarray, default=None
        The solver's own state to start from; None starts anew.
    n_epochs : int, default=0
        Epochs trained before, so that a continued training draws new random numbers.
    constants : dict of str to ndarray, default=None
        Arrays taken from the training data, as in `FittedNetwork`; None for none.
    """

    def __init__(
        self, recipe, objective, solver, seed, *,
        start=None, slots=None, n_epochs=0, constants=None,
    ):  # fmt: skip
        self.recipe, self.objective, self.solver, self.seed = recipe, objective, solver, seed
        self.constants = constants or {}
        self.graph = graph_of(recipe)
        self.optimizer = programs.get(
            "optimizer",
            (recipe.key, solver.key),
            lambda: solver.build(self.graph.trainable),
        )
        self._is_new = start is None
        if start is None:
            weights = initial_weights(recipe, seed)
        else:
            weights = (list(start.trainable), list(start.fixed))
        new_slots = initial_slots((recipe.key, solver.key), self.optimizer)
        slots = new_slots if slots is None else slots
        if [slot.shape for slot in slots] != [slot.shape for slot in new_slots]:
            raise ValueError(
                "solver must stay the same from one partial_fit to the next: the state of the "
                "earlier solver does not fit this one."
            )
        self.state = _host(((list(weights[0]), list(weights[1])), list(slots)))
        self._key = (recipe.key, objective.key, solver.key)
        self.n_epochs = n_epochs
        self.history = {"loss": [], "learning_rate": []}
        self._evaluation = None
        self._programs = {}

    def validate_on(self, data):
        """Record the reconstruction loss on these rows after each epoch."""
        self._evaluation = _blocks(data, min(data.n_rows, 1024))
        self.history["val_loss"] = []

    def run(self, data, batch_size, schedule, rule, before_epoch=_nothing, after_epoch=_nothing):
        """Train until the schedule ends, the stopping rule is met or `after_epoch` says so.

        Parameters
        ----------
        data : TrainingSet
            Its attributes X and target (`Rows`) and weight are read, and `target_means`.
        batch_size : int
        schedule : Schedule
        rule : StoppingRule
            Watches the validation loss where there is one, else the training loss.
        before_epoch, after_epoch : callable, default=_nothing
            Called without arguments around each epoch; a true value of the latter ends it all.

        Notes
        -----
        Where the rule watches the validation loss, the weights end as they were when it was lowest.
        """
        if self._is_new:
            self._centre_output(data)
        blocks = _blocks(data, batch_size)
        passes = self._passes(blocks, schedule, self.n_epochs)
        if blocks.worth_a_thread:
            passes = ahead(passes)
        step_size = schedule.step_size
        best = None
        with closing(passes):
            for epoch in range(schedule.max_iter):
                rate = SCHEDULES[schedule.kind](step_size, epoch, schedule.max_iter)
                before_epoch()
                self._epoch(islice(passes, blocks.n_blocks), rate)
                watched = self.history["val_loss" if rule.on_validation else "loss"][-1]
                if rule.update(watched) and rule.on_validation:
                    best = _host(self.state[0])
                if after_epoch():
                    break
                if rule.met:
                    step_size /= 5
                    if schedule.kind != "adaptive" or step_size < SMALLEST_STEP_SIZE:
                        break
                    rule.restart()
        if best is not None:
            self.state = (best, self.state[1])

    def _centre_output(self, data):
        """Start a logistic output whose bias many features share at the mean of the data.

        From a start at one half, the gradients of all features of mostly dark images push that one
        bias down together, until the output is black and the logistic function flat.
        """
        output_activation = canonical_activation(self.recipe.output_activation)
        if self.graph.shares_output_bias and output_activation == "logistic":
            bias = self.state[0][0][self.graph.output_bias_place]
            mean = data.target_means().reshape(-1, len(bias)).mean(axis=0).clip(0.01, 0.99)
            bias += np.log(mean / (1 - mean)).astype(np.float32)

    def _passes(self, blocks, schedule, first_epoch):
        """Yield each pass over a block: the block, a seed, and the numbers of its epoch."""
        for epoch in range(first_epoch, first_epoch + schedule.max_iter):
            random = np.random.default_rng([self.seed, epoch])
            numbers = self._numbers(self.objective, epoch, random)
            for block in blocks.epoch(random if schedule.shuffle else None):
                yield block, random.integers(2**32, size=2, dtype=np.uint32), numbers

    def _numbers(self, objective, epoch, random=None):
        """The arguments of an epoch's programs that are neither state nor data."""
        numbers = {**objective.numbers, **self.constants}
        numbers = {name: value_at(n, epoch, random) for name, n in numbers.items()}
        return {name: np.asarray(value, np.float32) for name, value in numbers.items()}

    def _epoch(self, passes, rate):
        losses = _Mean()
        for block, seed, numbers in passes:
            numbers = {**numbers, "learning_rate": np.float32(rate)}
            losses.add(self._pass(block, seed, numbers), block.n_present)
        self.n_epochs += 1
        self._record(losses.value, rate)

    def _pass(self, block, seed, numbers):
        """Train on each batch of a block; returns their losses.

        On a CPU, XLA differentiates a convolution inside a loop ten times slower than outside: such
        networks take one call a batch. All others take one call a block.
        """
        if not (self.graph.convolves and on_cpu()):
            arguments = (self.state, seed, *block.arguments, numbers)
            self.state, losses = self._program("epoch", epoch_function, arguments)(*arguments)
            return losses
        carry, losses = (self.state, seed), []
        for batch in block.batches():
            step = self._program("step", step_function, (carry, batch, numbers))
            carry, loss = step(carry, batch, numbers)
            losses.append(loss)
        self.state = carry[0]
        return losses

    def _record(self, loss, rate):
        self.history["loss"].append(loss)
        self.history["learning_rate"].append(float(rate))
        monitored = [loss]
        if self._evaluation is not None:
            self.history["val_loss"].append(self._validation_loss())
            monitored.append(self.history["val_loss"][-1])
        if not np.isfinite(monitored).all():
            raise ValueError(
                f"The loss became {monitored[-1]} in epoch {len(self.history['loss'])}, so the "
                "training was stopped. Scale the data (for instance with StandardScaler or "
                "MinMaxScaler) or take a smaller learning_rate_init."
            )

    def _program(self, kind, function, arguments):
        """The compiled program of a kind; one for all epochs, as their arguments have one shape."""
        if kind not in self._programs:
            self._programs[kind] = compile_program(
                kind,
                self._key,
                lambda: function(self.graph, self.objective, self.optimizer),
                arguments,
                cpu_options=PLAIN_CONVOLUTIONS if self.graph.convolves else None,
                donate_argnums=0,
            )
        return self._programs[kind]

    def _validation_loss(self):
        losses = _Mean()
        objective = self.objective.for_validation()
        numbers = self._numbers(objective, self.n_epochs)
        seed = np.array([self.seed, 0], np.uint32)
        for block in self._evaluation.epoch(None):
            arguments = (self.state[0], seed, *block.arguments, numbers)
            if "evaluation" not in self._programs:
                self._programs["evaluation"] = compile_program(
                    "evaluation",
                    (self.recipe.key, objective.key),
                    lambda: evaluation_function(self.graph, objective),
                    arguments,
                )
            losses.add(self._programs["evaluation"](*arguments), block.n_present)
        return losses.value

    def network(self):
        """The network as it stands, as NumPy arrays."""
        trainable, fixed = _host(self.state[0])
        return FittedNetwork(
            self.recipe, trainable, fixed, self.graph.n_code_features, self.constants
        )

    def slots(self):
        """The solver's own state, as NumPy arrays."""
        return _host(self.state[1])


def _host(tree):
    """A copy of a tree of arrays in NumPy."""
    import jax

    return jax.tree.map(lambda leaf: np.array(leaf), tree)


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
    def value(self):
        """The mean of all losses so far."""
        return self._total / self._n_rows


def _blocks(data, batch_size):
    """The blocks of a `TrainingSet`, its weights scaled to a mean of one."""
    weight = data.weight / data.weight.mean()
    return Blocks(data.X, data.target, weight, batch_size, resident=not on_cpu())


def _batch(data, order, number):
    """One batch of a block, its weights divided by the number of its rows."""
    X, target, weight = data
    if order is None:
        return X[number], None if target is None else target[number], weight[number]
    rows = order[number]
    present = rows >= 0
    places = rows ^ (rows >> 31)  # the row of padding that is marked ~row
    target = None if target is None else _gather(target, places)
    return _gather(X, places), target, _gather(weight, places) * present / present.sum()


def _gather(array, places):
    return array.at[places].get(mode="promise_in_bounds")


def _paired(batch):
    X, target, weight = batch
    return X, X if target is None else target, weight


def step_function(graph, objective, optimizer):
    """One training step as a pure function of (state, seed), a batch and numbers."""
    import jax

    rate_index = step_size_index(optimizer)
    gradient = jax.value_and_grad(
        lambda trainable, fixed, batch, numbers, seed: objective(
            graph, (trainable, fixed), batch, numbers, seed
        ),
        has_aux=True,
    )

    def step(carry, batch, numbers):
        ((trainable, fixed), slots), key = carry
        key, step_key = jax.random.split(key)
        (loss, fixed), slope = gradient(trainable, fixed, _paired(batch), numbers, step_key)
        if rate_index is not None:
            slots = list(slots)
            slots[rate_index] = numbers["learning_rate"]
        trainable, slots = optimizer.stateless_apply(slots, slope, trainable)
        return (((trainable, fixed), slots), key), loss

    return step


def epoch_function(graph, objective, optimizer):
    """One pass over a block as a pure function of state, seed, block and numbers."""
    step = step_function(graph, objective, optimizer)

    def epoch(state, seed, data, order, n_batches, numbers):
        def train(number, carry):
            return step(carry, _batch(data, order, number), numbers)

        (state, _), losses = _over_batches(train, (state, seed), data, order, n_batches)
        return state, losses

    return epoch


def evaluation_function(graph, objective):
    """The loss of each batch of a block, without training."""
    import jax

    def evaluate(weights, seed, data, order, n_batches, numbers):
        def loss(number, seed):
            batch = _paired(_batch(data, order, number))
            key = jax.random.fold_in(seed, number)
            return seed, objective(graph, weights, batch, numbers, key, training=False)[0]

        return _over_batches(loss, seed, data, order, n_batches)[1]

    return evaluate


def _over_batches(function, carry, data, order, n_batches):
    """Call ``carry, loss = function(number, carry)`` for each batch; returns carry and losses.

    The number of batches is no constant of the program: data of any number of rows share it.
    """
    import jax

    def body(number, state):
        carry, losses = state
        carry, loss = function(number, carry)
        return carry, losses.at[number].set(loss)

    losses = jax.numpy.zeros(len(data[2] if order is None else order), "float32")
    return repeat(n_batches, body, (carry, losses))
