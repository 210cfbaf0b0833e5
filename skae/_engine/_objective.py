"""The number that training minimises, summed in one visible place."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .. import losses
from ..penalties import WEIGHT_PENALTIES

ON_WEIGHTS = frozenset(WEIGHT_PENALTIES.values())
"""Penalties that do not concern the code."""


@dataclass(frozen=True)
class Objective:
    """Reconstruction loss plus weighted penalties, on a corruption of the input.

    Parameters
    ----------
    loss : str
        Name of a function of `skae.losses`.
    penalties : tuple of callables
        Functions of a `ForwardPass` from `skae.penalties`; each needs a weight in `numbers` under
        its own name.
    corruption : skae.corruption.Corruption or None
        What is done to the input of a training step.
    numbers : dict of str to float, Uniform or WarmUp
        Weight of each penalty, ``"corruption_level"`` and what else the terms read: arguments of
        the compiled program.
    summed : bool
        Whether the loss of a row is the sum over its features rather than their mean.
    validated : tuple of callables
        Those of the penalties that belong to the loss on validation rows too.
    """

    loss: str
    penalties: tuple = ()
    corruption: object = None
    numbers: dict = field(default_factory=dict)
    summed: bool = False
    validated: tuple = ()

    @property
    def key(self):
        """A hashable value, equal for objectives that differ in `numbers` alone."""
        corruption = None if self.corruption is None else self.corruption.key
        return self.loss, self.penalties, corruption, self.summed, self.validated

    @property
    def is_crossentropy(self):
        """Whether the loss is defined for data in [0, 1] alone."""
        return self.loss in losses.CROSSENTROPIES

    @property
    def weight_penalties(self):
        """Those of the penalties that do not concern the code."""
        return tuple(penalty for penalty in self.penalties if penalty in ON_WEIGHTS)

    @property
    def constrains_code(self):
        """Whether something else than its width keeps the code from being a copy of the input."""
        on_code = set(self.penalties) - ON_WEIGHTS
        weights = [self.numbers[penalty.__name__] for penalty in on_code]
        return self.corruption is not None or any(weight != 0 for weight in weights)

    def without_corruption(self):
        """The same objective on the input as it is."""
        return replace(self, corruption=None)

    def for_validation(self):
        """The part that is followed on rows held out, each number at the value it ends with."""
        numbers = {name: getattr(n, "value", n) for name, n in self.numbers.items()}
        numbers.pop("corruption_level", None)
        return replace(self, penalties=self.validated, corruption=None, numbers=numbers)

    def __call__(self, graph, weights, batch, numbers, seed, *, training=True):
        """Value of the objective on one batch, and the state of the layers after it."""
        step, fixed = self.forward(graph, weights, batch, numbers, seed, training=training)
        value = (step.row_weight * self.row_losses(step)).sum()
        for penalty in self.penalties:
            value = value + numbers[penalty.__name__] * penalty(step)
        return value, fixed

    def forward(self, graph, weights, batch, numbers, seed, *, training):
        """One pass through the network as a `ForwardPass`, and the state of the layers after it."""
        from keras import ops

        X, target, row_weight = batch
        observed = None
        if "fill" in numbers:
            observed = ~ops.isnan(target)
            target = ops.where(observed, target, 0.0)
        if self.corruption is not None:
            X = self.corruption.apply(X, numbers["corruption_level"], seed)
        if "fill" in numbers:
            X = ops.where(ops.isnan(X), numbers["fill"], X)
        code, posterior, fixed = graph.draw_code(weights, X, seed, training=training)
        logits, fixed = graph.decode_logits((weights[0], fixed), code, training=training)
        step = ForwardPass(
            X=X,
            target=target,
            observed=observed,
            row_weight=row_weight,
            code=code,
            posterior=posterior,
            logits=logits,
            activate=graph.activate,
            squared_jacobian=lambda: graph.squared_jacobian(weights, X, seed),
            noise_variance=lambda: graph.noise_variance(weights, numbers),
            weights=weights[0],
            numbers=numbers,
        )
        return step, fixed

    def row_losses(self, step):
        """The loss of each row, over its observed features: their sum or their mean."""
        from keras import ops

        values = getattr(losses, self.loss)(step)
        if step.observed is not None:
            values = ops.where(step.observed, values, 0.0)
        if self.summed:
            return ops.sum(values, axis=-1)
        if step.observed is None:
            return ops.mean(values, axis=-1)
        return ops.sum(values, axis=-1) / ops.maximum(ops.sum(step.observed, axis=-1), 1)


@dataclass(frozen=True)
class ForwardPass:
    """What one training step computed, for losses and penalties to read.

    Attributes
    ----------
    X : tensor of shape (n_rows, n_features)
        The input, corrupted if the objective corrupts, missing values replaced.
    target : tensor of shape (n_rows, n_features)
        What the network must give; 0 where a value is missing.
    observed : tensor of bool, shape (n_rows, n_features), or None
        Where the target is known; None where it is everywhere.
    row_weight : tensor of shape (n_rows,)
        The mean over rows is ``sum(row_weight * value_of_row)``; rows of padding have weight 0.
    code : tensor of shape (n_rows, n_components)
        What the decoder gets.
    posterior : tuple of two tensors of shape (n_rows, n_components), or None
        Mean and logarithm of the variance of a code that is drawn at random.
    logits : tensor of shape (n_rows, n_features)
        Output of the decoder before the output activation.
    activate : callable
        The output activation.
    squared_jacobian : callable
        Gives the squared Frobenius norm of d code / d input of each row, shape (n_rows,).
    noise_variance : callable
        Gives the variance of each feature around its reconstruction, for the Gaussian likelihood.
    weights : list of tensors
        All trainable arrays of the network, biases included.
    numbers : dict of str to scalar tensor
        The numbers of the objective.
    """

    X: object
    target: object
    observed: object
    row_weight: object
    code: object
    posterior: object
    logits: object
    activate: Callable
    squared_jacobian: Callable
    noise_variance: Callable
    weights: list
    numbers: dict
