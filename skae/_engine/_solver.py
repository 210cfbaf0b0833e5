"""Solvers: Keras optimizers, built afresh for each network, and their step sizes."""

import json
import math
from dataclasses import dataclass

import numpy as np

from ._backend import load_keras
from ._graph import without_values
from ._programs import QUICK_COMPILE, compile_program

SOLVERS = {
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "Nadam",
    "adamax": "Adamax",
    "rmsprop": "RMSprop",
    "sgd": "SGD",
    "adagrad": "Adagrad",
    "lion": "Lion",
}
"""Names of the solvers, and the Keras classes they stand for."""


@dataclass(frozen=True)
class Solver:
    """How weights move: a solver's name, or an unbuilt Keras optimizer.

    Parameters
    ----------
    spec : str or keras.optimizers.Optimizer
    """

    spec: object

    @property
    def key(self):
        """A hashable value, equal for solvers that differ in their step size alone."""
        if isinstance(self.spec, str):
            return self.spec
        config = {**self.spec.get_config(), "name": None}
        if not self.owns_step_size:
            config["learning_rate"] = None
        return type(self.spec), json.dumps(config, sort_keys=True, default=repr)

    @property
    def owns_step_size(self):
        """Whether the optimizer computes its own step size by a Keras schedule."""
        if isinstance(self.spec, str):
            return False
        return isinstance(self.spec.get_config()["learning_rate"], dict)

    def step_size(self, default):
        """The initial step size: the optimizer's own, or `default` for a solver's name."""
        if isinstance(self.spec, str) or self.owns_step_size:
            return default
        return float(self.spec.get_config()["learning_rate"])

    def build(self, variables):
        """A new Keras optimizer of this kind for `variables`."""
        optimizer = self._unbuilt()
        try:
            without_values(lambda: optimizer.build(variables))
        except ValueError:  # of one that makes a variable from a number
            optimizer = self._unbuilt()
            optimizer.build(variables)
        return optimizer

    def _unbuilt(self):
        if isinstance(self.spec, str):
            return getattr(load_keras().optimizers, SOLVERS[self.spec])()
        return type(self.spec).from_config(self.spec.get_config())


def initial_slots(key, optimizer):
    """The optimizer's own variables as NumPy arrays, before its first step.

    Parameters
    ----------
    key : hashable
        Equal for optimizers with equal variables.
    optimizer : keras.optimizers.Optimizer
    """

    def draw():
        return [variable.value + 0 for variable in optimizer.variables]

    values = compile_program("slots", key, lambda: draw, (), cpu_options=QUICK_COMPILE)()
    return [np.array(value) for value in values]


def step_size_index(optimizer):
    """Place of the step size among the optimizer's variables; None where a schedule gives it."""
    for index, variable in enumerate(optimizer.variables):
        if variable is optimizer.learning_rate:
            return index
    return None


def constant(step_size, epoch, max_iter):
    """The same step size in every epoch."""
    return step_size


def cosine(step_size, epoch, max_iter):
    """Half a cosine from the initial step size down to near zero in the last epoch [1]_.

    References
    ----------
    .. [1] Loshchilov, I. and Hutter, F. (2017). SGDR: Stochastic gradient descent with warm
       restarts. ICLR. https://doi.org/10.48550/arXiv.1608.03983
    """
    return step_size * 0.5 * (1 + math.cos(math.pi * min(epoch, max_iter - 1) / max_iter))


def invscaling(step_size, epoch, max_iter):
    """The initial step size over the square root of the epoch's number, counted from one."""
    return step_size / math.sqrt(epoch + 1)


SCHEDULES = {"constant": constant, "cosine": cosine, "invscaling": invscaling, "adaptive": constant}
"""Step size of an epoch; ``"adaptive"`` is constant until the stopping rule divides it."""
