"""Training: one compiled call an epoch, and the loop over epochs around it."""

from dataclasses import dataclass

import numpy as np

from ._backend import on_cpu
from ._data import Blocks
from ._graph import graph_of, initial_weights
from ._network import FittedNetwork
from ._numbers import value_at
from ._programs import compile_program, programs
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
        new_slots = initial_slots(self.optimizer)
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

    def validate_on(self, data):
        """Record the reconstruction loss on these rows after each epoch."""
        weight = data.weight / data.weight.sum()
        self._evaluation = Blocks(data.X, data.target, weight, min(data.n_rows, 1024))
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
        weight = data.weight / data.weight.mean()
        blocks = Blocks(data.X, data.target, weight, batch_size)
        step_size = schedule.step_size
        best = None
        for epoch in range(schedule.max_iter):
            rate = SCHEDULES[schedule.kind](step_size, epoch, schedule.max_iter)
            before_epoch()
            self._epoch(blocks, rate, schedule.shuffle)
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

    def _epoch(self, blocks, rate, shuffle):
        random = np.random.default_rng([self.seed, self.n_epochs])
        numbers = self._numbers(self.objective, random, learning_rate=rate)
        total = 0.0
        for data, order in blocks.epoch(random if shuffle else None):
            seed = random.integers(2**32, size=2, dtype=np.uint32)
            losses = self._pass(data, order, seed, numbers)
            rows = (order >= 0).sum(axis=1)
            total += float(np.asarray(losses, np.float64) @ rows)
        self.n_epochs += 1
        self._record(total / blocks.n_rows, rate)

    def _numbers(self, objective, random=None, **others):
        """The arguments of this epoch's programs that are neither state nor data."""
        numbers = {**objective.numbers, **self.constants, **others}
        numbers = {name: value_at(n, self.n_epochs, random) for name, n in numbers.items()}
        return {name: np.asarray(value, np.float32) for name, value in numbers.items()}

    def _pass(self, data, order, seed, numbers):
        """Train on each batch of a block; returns their losses.

        On a CPU, XLA differentiates a convolution inside a loop ten times slower than outside: such
        networks take one call a batch. All others take one call a block.
        """
        if not (self.graph.convolves and on_cpu()):
            arguments = (self.state, data, order, seed, numbers)
            self.state, losses = self._program("epoch", epoch_function, arguments)(*arguments)
            return losses
        carry, losses = (self.state, seed), []
        step = self._program("step", step_function, (carry, data, order[0], numbers))
        for rows in order:
            carry, loss = step(carry, data, rows, numbers)
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
        return compile_program(
            kind,
            self._key,
            lambda: function(self.graph, self.objective, self.optimizer),
            arguments,
            donate_argnums=0,
        )

    def _validation_loss(self):
        total = 0.0
        objective = self.objective.for_validation()
        numbers = self._numbers(objective)
        seed = np.array([self.seed, 0], np.uint32)
        for data, order in self._evaluation.epoch(None):
            arguments = (self.state[0], data, order, seed, numbers)
            program = compile_program(
                "evaluation",
                (self.recipe.key, objective.key),
                lambda: evaluation_function(self.graph, objective),
                arguments,
            )
            total += float(program(*arguments))
        return total

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


def _batch(data, rows):
    """Rows of one batch; the weight is divided by their number, and zero where there is none."""
    X, target, weight = data
    present = rows >= 0
    places = rows ^ (rows >> 31)  # the row of padding that is marked ~row
    X, target = _gather(X, places), None if target is None else _gather(target, places)
    return X, X if target is None else target, _gather(weight, places) * present / present.sum()


def _gather(array, places):
    return array.at[places].get(mode="promise_in_bounds")


def step_function(graph, objective, optimizer):
    """One training step as a pure function of (state, seed), data, rows and numbers."""
    import jax

    rate_index = step_size_index(optimizer)
    gradient = jax.value_and_grad(
        lambda trainable, fixed, batch, numbers, seed: objective(
            graph, (trainable, fixed), batch, numbers, seed
        ),
        has_aux=True,
    )

    def step(carry, data, rows, numbers):
        ((trainable, fixed), slots), key = carry
        key, step_key = jax.random.split(key)
        batch = _batch(data, rows)
        (loss, fixed), slope = gradient(trainable, fixed, batch, numbers, step_key)
        if rate_index is not None:
            slots = list(slots)
            slots[rate_index] = numbers["learning_rate"]
        trainable, slots = optimizer.stateless_apply(slots, slope, trainable)
        return (((trainable, fixed), slots), key), loss

    return step


def epoch_function(graph, objective, optimizer):
    """One pass over a block as a pure function of state, data, order, seed and numbers."""
    import jax

    step = step_function(graph, objective, optimizer)

    def epoch(state, data, order, seed, numbers):
        def body(carry, rows):
            return step(carry, data, rows, numbers)

        (state, _), losses = jax.lax.scan(body, (state, seed), order)
        return state, losses

    return epoch


def evaluation_function(graph, objective):
    """The loss on validation rows of a block, weighted by the rows' weights."""
    import jax

    def evaluate(weights, data, order, seed, numbers):
        def body(total, batch):
            rows, number = batch
            X, target, weight = _batch(data, rows)
            weight = weight * (rows >= 0).sum()
            key = jax.random.fold_in(seed, number)
            loss = objective(graph, weights, (X, target, weight), numbers, key, training=False)[0]
            return total + loss, None

        return jax.lax.scan(body, np.float32(0), (order, np.arange(len(order))))[0]

    return evaluate
