"""What the programs of a training compute: a step, a pass over a block, the loss of a block.

They are pure functions of arrays, which `loop.py` compiles and calls.
"""

from . import _jax
from .solver import apply, scaled


def step_function(graph, objective, solver):
    """One training step as a pure function of (state, seed), a batch and numbers."""
    variables = solver.variables(graph)

    def step(carry, batch, numbers):
        ((trainable, fixed), slots), key = carry
        optimizer = solver.build(variables)

        def scaled_loss(trainable):
            weights, keys = (trainable, fixed), _StepKeys(key)
            loss, new_fixed = objective(graph, weights, _paired(batch), numbers, keys.own)
            return scaled(optimizer, slots, loss), (loss, new_fixed, keys.following)

        (_, rest), gradient = _jax.value_and_gradient(scaled_loss)(trainable)
        loss, new_fixed, key = rest
        trainable, slots = apply(optimizer, slots, gradient, trainable, numbers["learning_rate"])
        return (((trainable, new_fixed), slots), key), loss

    return step


def epoch_function(graph, objective, solver):
    """One pass over a block as a pure function of state, seed, block and numbers."""
    step = step_function(graph, objective, solver)

    def epoch(state, seed, data, order, n_batches, numbers):
        def train(number, carry):
            return step(carry, _batch(data, order, number), numbers)

        (state, _), losses = _jax.collect(n_batches, _capacity(data, order), train, (state, seed))
        return state, losses

    return epoch


def evaluation_function(graph, objective):
    """The loss of each batch of a block, without training."""

    def evaluate(weights, seed, data, order, n_batches, numbers):
        def loss(number, seed):
            batch = _paired(_batch(data, order, number))
            key = _jax.fold_in(seed, number)
            return seed, objective(graph, weights, batch, numbers, key, training=False)[0]

        return _jax.collect(n_batches, _capacity(data, order), loss, seed)[1]

    return evaluate


def _batch(data, order, number):
    """One batch of a block, its weights divided by the number of its rows."""
    X, target, weight = data
    if order is None:
        return X[number], None if target is None else target[number], weight[number]
    rows = order[number]
    present = rows >= 0
    rows = rows ^ (rows >> 31)  # a row of padding is marked ~row
    target = None if target is None else _jax.gather(target, rows)
    return _jax.gather(X, rows), target, _jax.gather(weight, rows) * present / present.sum()


def _paired(batch):
    X, target, weight = batch
    return X, X if target is None else target, weight


class _StepKeys:
    """The random key of a step, and that of the step after it.

    They are split where a number is drawn, which most networks do not do: a split would be a fifth
    of what is compiled for a step.
    """

    def __init__(self, key):
        self.following = key

    def own(self):
        """The key of the step."""
        self.following, own = _jax.split(self.following)
        return own


def _capacity(data, order):
    """Number of batches that a block has room for."""
    return len(data[2] if order is None else order)
