"""Solvers: named ones, or Keras optimizers that each program builds afresh; their step sizes."""

import copy
import sys
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from . import _jax
from .backend import has_second_keras, load_keras
from .keras_graph import keras_graph_of
from .keys import Unshared, content_key
from .optimizers import SOLVERS, Optimizer
from .programs import compile_program


@dataclass(frozen=True)
class SolverState:
    """The state of a solver, from which a training goes on.

    Parameters
    ----------
    solver : str
        Name of the solver.
    arrays : list of ndarray
    """

    solver: str
    arrays: list


@dataclass(frozen=True)
class Solver:
    """How weights move: a solver's name, or an unbuilt Keras optimizer.

    Parameters
    ----------
    spec : str or keras.optimizers.Optimizer
    """

    spec: object

    @property
    def is_named(self):
        """Whether it is one of `SOLVERS`, given by its name."""
        return isinstance(self.spec, str)

    @property
    def name(self):
        """The solver's name, or that of the optimizer's class."""
        return self.spec if self.is_named else type(self.spec).__name__

    def check(self):
        """Refuse an optimizer that cannot be copied for each fit.

        What is no Keras optimizer at all is left to the validation of parameters.

        Raises
        ------
        ValueError
            If the copy would not train as the original does in Keras.
        """
        if isinstance(self.spec, type):
            raise ValueError(
                f"solver must be a name or an optimizer, an object and not its class; got "
                f"{self.spec!r}."
            )
        if not self._is_optimizer:
            return
        if has_second_keras():
            raise ValueError(
                "solver must be a name, because Keras was imported on another backend than JAX and "
                "skae runs on a copy of its own, which cannot take optimizers of the other. For an "
                "optimizer, set KERAS_BACKEND=jax before Keras is first imported."
            )
        reason = _refusal(self.spec)
        if reason is not None:
            raise ValueError(
                "solver must be a name or an optimizer that can be copied for each fit; got "
                f"{type(self.spec).__name__}, {reason}"
            )

    def copy(self):
        """A copy of what was given, for a clone of the estimator."""
        return _copied(self.spec) if self._is_optimizer else copy.deepcopy(self.spec)

    @property
    def _is_optimizer(self):
        optimizers = getattr(sys.modules.get("keras"), "optimizers", None)
        return optimizers is not None and isinstance(self.spec, optimizers.Optimizer)

    @property
    def key(self):
        """A hashable value, equal for solvers that differ in their step size alone."""
        return self.spec if self.is_named else content_key(_settings(self.spec))

    @property
    def owns_step_size(self):
        """Whether the optimizer computes its own step size by a Keras schedule."""
        return not self.is_named and _schedule(self.spec) is not None

    @property
    def finishes(self):
        """Whether training ends with other weights than those of its last step."""
        if self.is_named:
            return False
        optimizer, plain = _inner(self.spec) or self.spec, load_keras().optimizers.Optimizer
        finalizes = type(optimizer).finalize_variable_values is not plain.finalize_variable_values
        return optimizer.use_ema or finalizes

    def step_size(self, default):
        """The initial step size: the optimizer's own, or `default` for a solver's name."""
        if self.is_named:
            return default
        return float(load_keras().ops.convert_to_numpy(self.spec.learning_rate))

    def variables(self, graph):
        """What a graph's weights are to `build`: for a Keras optimizer they are Keras variables."""
        return (graph if self.is_named else keras_graph_of(graph.recipe)).trainable

    def build(self, variables):
        """The `Optimizer` of a name, or a new Keras optimizer for `variables`.

        It is meant to be called in a function that is being compiled, and dropped with it: there
        the values of its variables take no time and no memory. The step that is compiled never
        reads them, because their current values are its arguments, the slots.
        """
        if self.is_named:
            return SOLVERS[self.spec]()
        optimizer = _copied(self.spec)
        if _inner(optimizer) is not None:
            # Built by LossScaleOptimizer itself, Nadam would not list one of its variables.
            _inner(optimizer).build(variables)
        optimizer.build(variables)
        return optimizer


def _copied(optimizer):
    """A new optimizer with the same settings, without variables of a network.

    Its parts are handed over as objects, because Keras finds a class by name only if it is
    registered.
    """
    config, inner = optimizer.get_config(), _inner(optimizer)
    if inner is not None:
        return type(optimizer)(**{**config, "inner_optimizer": _copied(inner)})
    if _schedule(optimizer) is not None:
        config["learning_rate"] = _schedule(optimizer)
    return type(optimizer).from_config(config)


def _refusal(optimizer):
    """Why an optimizer cannot be used, and what to do, as the end of a message; None if it can."""
    optimizers = load_keras().optimizers
    if type(optimizer) is optimizers.Optimizer:
        return "the abstract base. Pass one of its subclasses, such as keras.optimizers.Adam()."
    if isinstance(optimizer, getattr(optimizers, "MultiOptimizer", ())):
        return (
            "which has no step size of its own, and tells variables apart by paths that an "
            "estimator does not fix. Pass a single optimizer."
        )
    if _inner(optimizer) is not None and _refusal(_inner(optimizer)) is not None:
        return f"which wraps {type(_inner(optimizer)).__name__}, {_refusal(_inner(optimizer))}"
    if optimizer.built:
        return (
            "which belongs to the variables of another model. Pass a new one, for instance "
            "type(solver).from_config(solver.get_config())."
        )
    if callable(optimizer._learning_rate) and _schedule(optimizer) is None:
        return (
            "whose learning_rate is a plain function, of which a compiled program would keep the "
            "first value. Pass a number or a keras.optimizers.schedules.LearningRateSchedule."
        )
    return _refusal_of_copy(optimizer)


def _refusal_of_copy(optimizer):
    """What goes wrong when an optimizer is copied, as in `_refusal`."""
    try:
        twin = _copied(optimizer)
    except Warning:  # that is made an error, as Keras's own about NumPy 2
        raise
    except Exception as error:  # of a user's get_config or from_config
        return (
            f"which Keras cannot copy by its get_config ({type(error).__name__}: {error}). Let "
            "get_config, also of a schedule, return all arguments of __init__."
        )
    lost = _lost(optimizer, twin)
    if lost:
        return (
            f"whose copy by get_config loses {', '.join(lost)}. Let get_config return all "
            "arguments of __init__, and change nothing later: Keras does not keep "
            "exclude_from_weight_decay, for instance. Biases are left out by alpha and "
            "weight_penalty of the estimator."
        )
    return None


def _lost(optimizer, twin):
    """Names of attributes of an optimizer that its copy has not, or with another value."""
    kept = vars(twin)
    return [
        name
        for name, value in vars(optimizer).items()
        if name != "name" and (name not in kept or _differs(value, kept[name]))
    ]


def _differs(value, kept):
    """Whether a copy's value is not that of the original.

    Of Keras's own objects, such as variables, the type is compared: they belong to one optimizer.
    So it is of what cannot be compared by its content, such as a lock.
    """
    if value is kept:
        return False
    if type(value) is not type(kept):
        return True
    if isinstance(value, dict):
        return _differs([*value.items()], [*kept.items()])
    if isinstance(value, (list, tuple)):
        return len(value) != len(kept) or any(map(_differs, value, kept))
    if type(value).__module__.startswith("keras."):
        return False
    keys = content_key(value), content_key(kept)
    return keys[0] != keys[1] and not isinstance(keys[0], Unshared)


def _settings(optimizer):
    """All that sets an optimizer apart, but for its name and a constant step size."""
    config, inner = {**optimizer.get_config(), "name": None}, _inner(optimizer)
    if inner is not None:
        return type(optimizer), {**config, "inner_optimizer": _settings(inner)}
    return type(optimizer), {**config, "learning_rate": _schedule(optimizer)}


def _inner(optimizer):
    """What a LossScaleOptimizer wraps, None for other optimizers."""
    return getattr(optimizer, "inner_optimizer", None)


def _schedule(optimizer):
    """The Keras schedule that gives an optimizer's step size, None for a constant one.

    The attribute is private to Keras, whose public `learning_rate` is a schedule's value of now.
    """
    rate = (_inner(optimizer) or optimizer)._learning_rate
    schedule = load_keras().optimizers.schedules.LearningRateSchedule
    return rate if isinstance(rate, schedule) else None


def initial_slots(key, solver, variables, trainable):
    """Values of the optimizer's own variables before its first step, as NumPy arrays.

    Parameters
    ----------
    key : hashable
        Equal for equal solvers and variables.
    solver : Solver
    variables : list of keras.Variable
        Those that the optimizer changes; of a named solver not read.
    trainable : list of ndarray
        Their values, which an optimizer may read: ScheduleFreeAdamW starts an average there.
    """
    if solver.is_named:
        return solver.build(variables).slots(trainable)

    def draw(trainable):
        stand_ins = list(map(_stand_in, variables, trainable))
        return [variable.value for variable in solver.build(stand_ins).variables]

    return [np.array(value) for value in _call("slots", key, draw, trainable)]


def _stand_in(variable, value):
    """A variable that has a value, with the path by which some optimizers choose what to do."""
    keras = load_keras()
    *scopes, name = variable.path.split("/")
    with ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        return keras.Variable(value, dtype=variable.dtype, name=name)


def finished(key, solver, variables, slots, trainable):
    """The weights that a training ends with: their running averages with ``use_ema=True``.

    Parameters
    ----------
    key, solver, variables
        As for `initial_slots`.
    slots, trainable : lists of arrays
        Values of the optimizer's own variables and of `variables`.
    """

    def finish(slots, trainable):
        optimizer = solver.build(variables)
        with _holding(optimizer, slots, zip(variables, trainable, strict=True)) as scope:
            optimizer.finalize_variable_values(variables)
        return [scope.get_current_value(variable) for variable in variables]

    return _call("finished", key, finish, slots, trainable)


def scheduled_step_size(key, solver, variables, slots):
    """The step size that the optimizer's own schedule gives for the next step.

    Parameters
    ----------
    key, solver, variables
        As for `initial_slots`.
    slots : list of arrays
        Values of the optimizer's own variables.
    """

    def read(slots):
        optimizer = solver.build(variables)
        with _holding(optimizer, slots):
            return load_keras().ops.convert_to_tensor(optimizer.learning_rate)

    return float(_call("step_size", key, read, slots))


def _call(kind, key, function, *arguments):
    """What a small function gives, which is compiled once for a key."""
    program = compile_program(
        kind, key, lambda: function, arguments, cpu_options=_jax.QUICK_COMPILE
    )
    return program(*arguments)


def scaled(optimizer, slots, loss):
    """The loss as the optimizer wants it differentiated, so that small gradients do not vanish.

    `apply` divides the gradients again.
    """
    if isinstance(optimizer, Optimizer):
        return loss
    with _holding(optimizer, slots):
        return optimizer.scale_loss(loss)


def apply(optimizer, slots, gradients, trainable, step_size):
    """One step as a pure function; returns new values of the weights and of the slots.

    Parameters
    ----------
    optimizer : Optimizer or keras.optimizers.Optimizer
        What `Solver.build` gave.
    slots : list of tensors
        Values of the optimizer's own variables.
    gradients : list of tensors
        Of the loss that `scaled` gives.
    trainable : list of tensors
        Values of the variables it was built for.
    step_size : scalar tensor
        Ignored where the optimizer has a schedule of its own.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer.apply(slots, gradients, trainable, step_size)
    if _schedule(optimizer) is None:
        with _holding(optimizer, slots) as scope:
            optimizer.learning_rate = step_size
        slots = [scope.get_current_value(variable) for variable in optimizer.variables]
    return optimizer.stateless_apply(slots, gradients, trainable)


def _holding(optimizer, slots, others=()):
    """A scope in which the optimizer's variables hold `slots`, and writing to them is noted."""
    mapping = [*zip(optimizer.variables, slots, strict=True), *others]
    return load_keras().StatelessScope(mapping, initialize_variables=False)
