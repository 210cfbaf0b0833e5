"""One bounded, thread-safe store for everything that is dear to make.

A *program* is a compiled function or a Keras graph. It is made once for a key and then shared by
every estimator, fit and thread of the process; the least recently used are dropped.
"""

import threading
from collections import Counter, OrderedDict

import numpy as np

from ._backend import on_cpu

QUICK_COMPILE = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
"""XLA's options for a CPU that compile in a quarter of the time, to a program half as fast."""

PLAIN_CONVOLUTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    )
}
"""XLA's options for a CPU that leave convolutions to Eigen: YNNPACK trains them more slowly."""

MAX_PROGRAMS = 128


class _Slot:
    """A place in the store, made before its program, so that others wait instead of compiling."""

    def __init__(self):
        self.lock = threading.RLock()
        self.program = None


class ProgramCache:
    """A mapping from keys to programs that keeps the most recently used.

    Parameters
    ----------
    maxsize : int
        How many programs are kept.
    """

    def __init__(self, maxsize=MAX_PROGRAMS):
        self.maxsize = maxsize
        self._slots = OrderedDict()
        self._lock = threading.Lock()
        self._made = Counter()

    def get(self, kind, key, make):
        """Return the program of `key`, calling `make()` if there is none yet."""
        with self._lock:
            slot = self._slots.setdefault((kind, key), _Slot())
            self._slots.move_to_end((kind, key))
            while len(self._slots) > self.maxsize:
                self._slots.popitem(last=False)
        with slot.lock:
            if slot.program is None:
                slot.program = make()
                with self._lock:
                    self._made[kind] += 1
            return slot.program

    def info(self):
        """How many programs are held, and how many were made so far of each kind."""
        with self._lock:
            return {"held": len(self._slots), "made": dict(self._made)}

    def clear(self):
        """Drop every program and start counting anew."""
        with self._lock:
            self._slots.clear()
            self._made.clear()


def params_key(params):
    """A hashable value, equal for parameters that describe the same thing.

    Lists, tuples, dicts, arrays and objects with `get_params` are taken by their content, anything
    else by itself, or by its `repr` where it cannot be hashed.
    """
    if hasattr(params, "get_params") and not isinstance(params, type):
        return type(params), params_key(params.get_params(deep=False))
    if isinstance(params, dict):
        return tuple((name, params_key(params[name])) for name in sorted(params))
    if isinstance(params, (list, tuple)):
        return tuple(params_key(value) for value in params)
    if isinstance(params, np.ndarray) and params.dtype != object:
        return params.dtype.str, params.shape, params.tobytes()
    if isinstance(params, float) and params != params:
        return "nan"
    try:
        hash(params)
    except TypeError:
        return repr(params)
    return params


programs = ProgramCache()


def program_info():
    """How many programs the process holds, and how many it made of each kind."""
    return programs.info()


def clear_programs():
    """Drop every compiled program; the next fit or transform compiles anew."""
    programs.clear()


def compile_program(kind, key, function, arguments, *, cpu_options=None, **jit_options):
    """Return what `function()` returns, compiled for the shapes and types of `arguments`.

    Compiling happens here, under the program's lock, and never when it is called: a call of a
    program from many threads traces nothing. On a CPU, XLA gets `cpu_options`, such as
    `QUICK_COMPILE`, if its version knows them.

    A program without a user's code is traced with `jax.disable_jit`: else JAX keeps each function
    of `jax.numpy` that it calls, for each shape, as long as the process lives, and draws random
    numbers in a loop. A user's layer may have loops of many rounds, which that would unroll;
    skae's own go through `repeat`.
    """
    import jax

    leaves, structure = jax.tree.flatten(arguments)
    shapes = structure, tuple((jax.numpy.shape(leaf), str(leaf.dtype)) for leaf in leaves)

    def make():
        with jax.disable_jit(_is_own(key)):
            lowered = jax.jit(function(), **jit_options).lower(*arguments)
        return _compile(lowered, cpu_options if on_cpu() else None)

    return programs.get(kind, (key, shapes), make)


def _is_own(key):
    """Whether every class and function that a program's key names is skae's, or Keras's."""
    if isinstance(key, tuple):
        return all(map(_is_own, key))
    return str(getattr(key, "__module__", "skae")).split(".")[0] in ("skae", "keras")


def _compile(lowered, options):
    try:
        return lowered.compile(compiler_options=options)
    except RuntimeError:  # of options that this version of XLA lacks, or raised again
        return lowered.compile()


def repeat(n, function, carry):
    """Call ``carry = function(number, carry)`` for the numbers below `n`.

    It is a loop in the compiled program too where the program is traced with `jax.disable_jit`.
    """
    import jax

    inlines = jax.config.jax_disable_jit

    def body(number, carry):
        with jax.disable_jit(inlines):
            return function(number, carry)

    with jax.disable_jit(False):
        return jax.lax.fori_loop(0, n, body, carry)
