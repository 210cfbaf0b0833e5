"""The number that training minimises, summed in one visible place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from . import jacobian, ops
from .draws import draws
from .schedules import final_value, value_at
from .units import restored, standardised


@dataclass(frozen=True)
class Weighted:
    """A penalty and its weight.

    Parameters
    ----------
    penalty : skae.penalties.Penalty
    weight : float or WarmUp
    """

    penalty: object
    weight: object


@dataclass(frozen=True)
class Objective:
    """Reconstruction loss plus weighted penalties, on a corruption of the input.

    Parameters
    ----------
    loss : skae.losses.Loss
    penalties : tuple of Weighted
    corruption : skae.corruption.Corruption, default=None
        What is done to the input of a training step.
    corruption_level : float or Uniform, default=None
        Level of the corruption.
    """

    loss: object
    penalties: tuple = ()
    corruption: object = None
    corruption_level: object = None

    @property
    def key(self):
        """A hashable value, equal for objectives that differ in numbers alone."""
        corruption = None if self.corruption is None else self.corruption.key
        return self.loss.key, tuple(term.penalty.key for term in self.penalties), corruption

    def numbers_at(self, epoch, random=None):
        """The numbers of all terms in an epoch: arguments of the compiled programs."""

        def now(number):
            with np.errstate(over="ignore"):  # what is infinite then is found in the loss
                return np.asarray(value_at(number, epoch, random), np.float32)

        def of(term):
            return {name: now(number) for name, number in term.number_values().items()}

        return {
            "loss": of(self.loss),
            "penalties": [(now(term.weight), of(term.penalty)) for term in self.penalties],
            "corruption_level": None if self.corruption is None else now(self.corruption_level),
        }

    @property
    def mixes_rows(self):
        """Whether what is done to a row depends on the other rows of its batch."""
        return self.corruption is not None and self.corruption.mixes_rows

    @property
    def constrains_code(self):
        """Whether anything but the code's width prevents the identity mapping."""
        weights = (term.weight for term in self._code_penalties)
        return self.corruption is not None or any(final_value(weight) != 0 for weight in weights)

    @property
    def code_weight(self):
        """Sum of the weights, at the end, of the penalties on the code."""
        return float(sum(final_value(term.weight) for term in self._code_penalties))

    @property
    def shapes_code(self):
        """Whether there is a corruption or a penalty on the code, be its weight zero or not.

        A search over weights that begins at zero is then one over the same network.
        """
        return self.corruption is not None or bool(self._code_penalties)

    @property
    def _code_penalties(self):
        return [term for term in self.penalties if "code" in term.penalty.concerns]

    def plus(self, penalty, weight):
        """The same objective with one more penalty."""
        return replace(self, penalties=(*self.penalties, Weighted(penalty, weight)))

    def weighing_weights(self, weight):
        """The same objective with another weight of the first penalty, that on the weights."""
        first, *others = self.penalties
        return replace(self, penalties=(Weighted(first.penalty, weight), *others))

    def on_table(self, table):
        """The same objective of rows that are the features of a table's columns."""
        corruption = None if self.corruption is None else self.corruption.on_table(table)
        return replace(self, loss=self.loss.on_table(table), corruption=corruption)

    def without_corruption(self):
        """The same objective on the input as it is."""
        return replace(self, corruption=None, corruption_level=None)

    def for_validation(self):
        """The part that is followed on rows held out, each weight at the value it ends with."""
        penalties = tuple(
            Weighted(term.penalty, final_value(term.weight))
            for term in self.penalties
            if term.penalty.in_validation
        )
        return Objective(self.loss, penalties)

    def check(self, latent):
        """Refuse terms whose parameters make no sense, or that the network's code cannot serve.

        Raises
        ------
        ValueError
            If there are any.
        """
        for term in (self.loss, *(term.penalty for term in self.penalties)):
            term.check()
            if lacking := sorted(term.needs - latent.offers):
                raise ValueError(
                    f"{term!r} needs: {', '.join(lacking)}; but the code is {latent!r}."
                )

    def __call__(self, graph, weights, batch, numbers, key, *, training=True):
        """Value of the objective on one batch, and the state of the layers after it."""
        forward, fixed = self.forward(graph, weights, batch, numbers, key, training=training)
        value = (forward.row_weight * self.row_losses(forward, numbers)).sum()
        if training:
            value = value + forward.regularizers
        for term, (weight, own) in zip(self.penalties, numbers["penalties"], strict=True):
            penalty = term.penalty(forward, **own)
            check_shape(term.penalty, penalty, ())
            value = value + weight * penalty
        return value, fixed

    def forward(self, graph, weights, batch, numbers, key, *, training):
        """One pass through the network as a `ForwardPass`, and the state of the layers after it."""
        X, target, row_weight = batch
        constants, seed = numbers["constants"], draws(key)
        observed = None
        if "fill" in constants:
            observed = ~ops.isnan(target)
            target = ops.where(observed, target, 0.0)
        if self.corruption is not None:
            X = self._corrupted(X, numbers["corruption_level"], seed, constants)
        X = filled(X, constants)
        encoded = graph.encoder_output(weights, X, training=training)
        code, posterior = graph.latent.draw(encoded.output, seed)
        decoded = graph.decoder_output((weights[0], encoded.fixed), code, training=training)
        forward = ForwardPass(
            X=X,
            target=target,
            observed=observed,
            row_weight=row_weight,
            code=code,
            code_logits=encoded.output,
            posterior=posterior,
            logits=decoded.output,
            activate=lambda logits: bounded(graph.activate(logits), constants),
            squared_jacobian=lambda: jacobian_norm(graph, weights, X, seed),
            regularizers=encoded.regularizers + decoded.regularizers,
            weights=weights[0],
            extra_weights=graph.extra_weights(weights[0]),
            constants=constants,
        )
        return forward, decoded.fixed

    def _corrupted(self, X, level, seed, constants):
        """The input after the corruption, which acts in the units of X if it has units.

        Where it leaves a value alone, that keeps its precision.
        """
        if not self.corruption.has_units:
            constants = {}
        if self.corruption.ignores_offset and "centre" in constants:
            constants = {**constants, "centre": ops.zeros_like(constants["centre"])}
        clean = restored(X, constants)
        corrupted = self.corruption.apply(clean, level, seed)
        check_shape(self.corruption, corrupted, X.shape)
        if clean is X:
            return corrupted
        return ops.where(corrupted == clean, X, standardised(corrupted, constants))

    def unit(self, constants):
        """What one of the loss is in terms of X: the objective is as many times as large."""
        if "scale" not in constants or not self.loss.degree:
            return 1.0
        return float(np.mean(constants["scale"], dtype=np.float64)) ** self.loss.degree

    def row_losses(self, forward, numbers):
        """The loss of each row, over its observed features: their sum or their mean."""
        if self.loss.degree is None:
            forward = forward.in_units_of_X()
        values = self.loss(forward, **numbers["loss"])
        check_shape(self.loss, values, forward.target.shape)
        if forward.observed is not None:
            values = ops.where(forward.observed, values, 0.0)
        if self.loss.sums_features:
            return ops.sum(values, axis=-1)
        if forward.observed is None:
            return ops.mean(values, axis=-1)
        return ops.sum(values, axis=-1) / ops.maximum(ops.sum(forward.observed, axis=-1), 1)


def check_shape(term, value, expected):
    """Refuse what a user's term gave if it is not of the shape that a sum would take it for."""
    shape = () if isinstance(value, Real) else getattr(value, "shape", None)
    if shape is None or tuple(shape) != tuple(expected):
        wanted = "a scalar" if expected == () else "a value for each entry"
        given = f"a {type(value).__name__}" if shape is None else f"one of shape {tuple(shape)}"
        raise ValueError(
            f"{term.parameter}={term!r} must give {wanted}, of shape {tuple(expected)} here, but "
            f"gave {given}."
        )


def bounded(values, constants):
    """Reconstructions cut off at the bounds of the features.

    A gradient that leads back to the range passes through a bound: else what is beyond would never
    come back. One that leads further out, as some losses have where they are zero, does not.
    """
    if "low" not in constants:
        return values
    low, high = constants["low"], constants["high"]

    @ops.custom_gradient
    def cut(values):
        def gradient(*inputs, upstream=None):
            upstream = inputs[-1] if upstream is None else upstream
            above, below = values > high, values < low
            back = ops.where(above, upstream > 0, ops.where(below, upstream < 0, True))
            return ops.where(back, upstream, 0.0)

        return ops.clip(values, low, high), gradient

    return cut(values)


def filled(X, constants):
    """X with its missing values replaced, where the network was trained with such."""
    return ops.where(ops.isnan(X), constants["fill"], X) if "fill" in constants else X


def jacobian_norm(graph, weights, X, seed):
    """Squared Frobenius norm of d code / d X of each row, of the encoder as it transforms."""
    chain = graph.dense_encoder(weights[0])
    if chain is None or not hasattr(graph.latent, "activation"):
        return jacobian.norm(lambda X: graph.encode(weights, X), X, seed)
    chain[-1] = jacobian.then(chain[-1], graph.latent.code)
    return jacobian.dense_chain_norm(chain, X)


@dataclass(frozen=True)
class ForwardPass:
    """What one training step computed, for losses and penalties to read.

    Attributes
    ----------
    X : tensor of shape (n_rows, n_features)
        The input on the network's scale, corrupted if the objective corrupts, missing values
        replaced.
    target : tensor of shape (n_rows, n_features)
        What the network must give, on its scale; 0 where a value is missing.
    observed : tensor of bool, shape (n_rows, n_features), or None
        Where the target is known; None where it is everywhere.
    row_weight : tensor of shape (n_rows,)
        The mean over rows is ``sum(row_weight * value_of_row)``; rows of padding have weight 0.
    code : tensor of shape (n_rows, n_components)
        What the decoder gets.
    code_logits : tensor of shape (n_rows, n_components)
        Output of the encoder before the code's activation.
    posterior : tuple of two tensors of shape (n_rows, n_components), or None
        Mean and logarithm of the variance of a code that is drawn at random.
    logits : tensor of shape (n_rows, n_features)
        Output of the decoder before the output activation.
    activate : callable
        The output activation.
    squared_jacobian : callable
        Gives the squared Frobenius norm of d code / d input of each row, shape (n_rows,).
    regularizers : scalar tensor
        Sum of what regularizers of the layers' own add to the objective.
    weights : list of tensors
        All trainable arrays of the network, biases included.
    extra_weights : dict of str to tensor
        What is trained beside the network's own weights.
    constants : dict of str to tensor
        What was taken from the training data.
    """

    X: object
    target: object
    observed: object
    row_weight: object
    code: object
    code_logits: object
    posterior: object
    logits: object
    activate: Callable
    squared_jacobian: Callable
    regularizers: object
    weights: list
    extra_weights: dict
    constants: dict

    def in_units_of_X(self):
        """The same with target and reconstruction in the units of X, for losses that need them."""
        if "centre" not in self.constants:
            return self
        return replace(
            self,
            target=restored(self.target, self.constants),
            activate=lambda logits: restored(self.activate(logits), self.constants),
        )

    @property
    def reconstruction(self):
        """Tensor of shape (n_rows, n_features): the output of the network."""
        return self.activate(self.logits)
