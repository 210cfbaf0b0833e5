"""Keras networks built without values, and their initial weights drawn by one program.

Both rest on what Keras does rather than on what it documents; the tests of this file tell when a
new version does otherwise.
"""

import functools
import random
import threading
from contextlib import contextmanager, nullcontext

import numpy as np

from . import _jax
from .backend import load_keras, session
from .forks import check_runs, renewed_in_child
from .interrupts import in_a_thread

BUILDS_WITHOUT_VALUES = True
"""Whether variables get no values when a network is built.

Drawing each value as it is made compiles a small program a shape, which takes longer than compiling
the training."""

_build_lock = threading.Lock()
"""Held while Keras builds a network, which is not thread-safe."""

_thread = threading.local()
"""`_thread.builds` is set in threads that build a network."""


@renewed_in_child
def _renew_lock():
    global _build_lock
    _build_lock = threading.Lock()


def builds_network():
    """Whether this thread is one in which a network is built.

    What is called there may use other estimators. It must wait for no other thread, because that
    may wait for this network.
    """
    return getattr(_thread, "builds", False)


def without_values(build):
    """Call `build`, whose new Keras variables get a shape but no value.

    Keras would draw the values later, in any model that the thread uses, from a list that it keeps
    for each thread: so `build` is called in a thread of its own. There Keras's dtype policy, which
    is the thread's too, follows from the session. Where a layer makes a value that it needs, all
    get theirs.
    """
    keras = load_keras()

    def deferred():
        with keras.StatelessScope(initialize_variables=False):
            return build()

    if BUILDS_WITHOUT_VALUES:
        try:
            return _in_a_thread(deferred)
        except Exception:  # of any layer; if the architecture itself is wrong, it is raised again
            check_runs()
    return _in_a_thread(build)


def _in_a_thread(build):
    def marked():
        _thread.builds = True
        with _seeds_apart():
            return build()

    # A build inside a build is part of it: the thread that waits for it holds the lock.
    alone = nullcontext() if builds_network() else _build_lock
    with session(), alone:
        return in_a_thread(marked)


class _RandomApart:
    """Python's module `random`, but with a state of its own for threads that build a network."""

    def __init__(self, module):
        self._module, self._apart = module, random.Random()

    def __getattr__(self, name):
        return getattr(self._apart if builds_network() else self._module, name)


@contextmanager
def _seeds_apart():
    """Let layers that are built in this thread leave Python's global random state alone.

    Keras draws a seed from it for each initializer and dropout without one, and skae never uses
    them. To put the state back afterwards would rewind it for other threads. So the name by which
    Keras's module knows `random` is replaced meanwhile; a Keras without that name draws as ever.
    """
    of_keras = load_keras().random.SeedGenerator.__init__.__globals__
    module = of_keras.get("python_random")
    if module is None:
        yield
        return
    of_keras["python_random"] = _RandomApart(module)
    try:
        yield
    finally:
        of_keras["python_random"] = module


def build_models(architecture, shape, n_components, n_outputs):
    """An encoder of `n_outputs` outputs and a decoder of codes of width `n_components`."""
    networks = architecture.build(shape, n_components)
    if not isinstance(networks, (tuple, list)) or len(networks) != 2:
        raise TypeError(
            f"{type(architecture).__name__}.build must return a pair (encoder, decoder) of Keras "
            f"models, got {networks!r}."
        )
    encoder, decoder = networks
    if n_outputs == n_components:
        return encoder, decoder
    if {id(v) for v in encoder.variables} & {id(v) for v in decoder.variables}:
        raise ValueError(
            f"{architecture!r} ties the decoder's weights to the encoder's, which cannot be where "
            "the encoder gives mean and variance of the code."
        )
    return architecture.build(shape, n_outputs)[0], decoder


def merged_variables(models, kind):
    """The "trainable" or "non_trainable" variables of two models, each once.

    Returns
    -------
    variables : list of keras.Variable
    indices : list of two lists of int
        Where those of each model are in that list.
    """
    variables, indices = [], {}
    lists = [getattr(model, f"{kind}_variables") for model in models]
    for variable in [variable for some in lists for variable in some]:
        if id(variable) not in indices:
            indices[id(variable)] = len(variables)
            variables.append(variable)
    return variables, [[indices[id(variable)] for variable in some] for some in lists]


def built_weight_shapes(architecture, shape, n_components, n_outputs):
    """Shapes of the trainable and of the fixed arrays of an architecture's networks.

    They are read from Keras models; see `skae.architectures.Architecture.weight_shapes`.
    """
    models = without_values(lambda: build_models(architecture, shape, n_components, n_outputs))
    return tuple(
        [tuple(variable.shape) for variable in merged_variables(models, kind)[0]]
        for kind in ("trainable", "non_trainable")
    )


def built_encoder(architecture, shape, n_outputs):
    """Width of the encoder's output, and shapes of its trainable and of its fixed arrays."""
    encoder = without_values(lambda: architecture.build(shape, n_outputs)[0])
    shapes = (
        [tuple(variable.shape) for variable in variables]
        for variables in (encoder.trainable_variables, encoder.non_trainable_variables)
    )
    return encoder.output_shape[-1], *shapes


def initial_values(models, variables, build_again):
    """A pure function from a seed's state to the initial values of variables.

    Parameters
    ----------
    models : list of keras.Model
        Those whose layers own the variables.
    variables : list of lists of keras.Variable
    build_again : callable
        Gives the same lists of another build, to tell random values from constants.

    Returns
    -------
    draw : callable
        From an array of two uint32 to lists of arrays.
    """
    keras = load_keras()
    generator = keras.random.SeedGenerator(0)
    twins = functools.cache(build_again)
    owners = {}
    for layer in all_layers(models):
        for variable in layer.variables:
            owners.setdefault(id(variable), []).append(layer)

    def drawing(kind, index, variable):
        """A function that gives the initial value of a variable."""
        if variable.name == "seed_generator_state":
            return generator.next
        layers = owners.get(id(variable), [])
        initializer = _initializer(layers, variable)
        config = {} if initializer is None else initializer.get_config()
        if "seed" in config:
            initializer = type(initializer).from_config({**config, "seed": generator})
        elif (
            layers
            and not type(initializer).__module__.startswith("keras.")
            # A random value of one entry looks like a constant, but each build draws another.
            and not np.array_equal(variable.value, twins()[kind][index].value)
        ):
            raise _unseeded(layers, variable)
        if initializer is None:
            value = np.asarray(variable.value)
            return lambda: keras.ops.convert_to_tensor(value)
        return lambda: initializer(variable.shape, dtype=variable.dtype)

    draws = [
        [drawing(kind, index, variable) for index, variable in enumerate(some)]
        for kind, some in enumerate(variables)
    ]

    def draw(state):
        with keras.StatelessScope(state_mapping=[(generator.state, state)]):
            return [[value() for value in some] for some in draws]

    return draw


def _initializer(layers, variable):
    """The initializer of a variable, by Keras's convention `<name>_initializer` in its layer.

    Returns None where there is none and all entries are the same.
    """
    short = variable.name.removesuffix("_kernel")  # "recurrent_kernel", "pointwise_kernel"
    names = [variable.name, short] + ["depthwise"] * (variable.name == "kernel")
    found = (getattr(layer, f"{name}_initializer", None) for layer in layers for name in names)
    initializer = next(filter(callable, found), None)
    forgets = any(getattr(layer, "unit_forget_bias", False) for layer in layers)
    if forgets and variable.name == "bias":  # an LSTM's, of which Keras sets some to one
        return None
    if hasattr(initializer, "get_config"):
        return initializer
    value = np.asarray(variable.value)
    if value.size and np.ptp(value) > 0:
        raise _unseeded(layers, variable)
    return None


def _unseeded(layers, variable):
    return ValueError(
        f"skae cannot seed the weight {variable.name!r} of layer {layers[0].name!r}: keep its "
        f"initializer, an object of `keras.initializers`, in the attribute "
        f"`{variable.name}_initializer` of the layer, as Keras's own layers do."
    )


def all_layers(models):
    """All layers of models, those inside others included, each before the ones that hold it.

    Keras has no public way to those that a wrapper or a layer of a user's holds.
    """
    found = {
        id(layer): layer
        for model in models
        for layer in model._flatten_layers(include_self=False, recursive=True)
    }
    return sorted(found.values(), key=lambda layer: len(layer.variables))


def all_operations(models):
    """All layers of models, and what is computed between them, such as a sum."""
    layers = all_layers(models)
    graphs = [getattr(model, "operations", []) for model in (*models, *layers)]
    return [*layers, *(operation for operations in graphs for operation in operations)]


def small_program_options(variables):
    """XLA's options for a program that runs once: a small one gains nothing from optimising."""
    n_weights = sum(int(np.prod(variable.shape)) for variable in variables)
    return _jax.QUICK_COMPILE if n_weights <= SMALL_NETWORK else None


SMALL_NETWORK = 2**18
"""Number of weights up to which drawing them takes less time than compiling how to do it fast."""
