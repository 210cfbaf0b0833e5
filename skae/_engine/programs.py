"""A bounded, thread-safe LRU cache of everything that is expensive to build.

A *program* is a compiled function or a Keras graph. It is made once for a key and then shared by
every estimator, fit and thread of the process; the least recently used are dropped.
"""

import threading
from collections import Counter, OrderedDict

from . import _jax, compile_cache
from .backend import session
from .building import builds_network
from .forks import renewed_in_child
from .interrupts import uninterrupted
from .keys import is_own

MAX_PROGRAMS = 128


class _Slot:
    """A place in the cache, made before its program, so that others wait instead of compiling."""

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
        """Return the program of `key`, calling `make()` if there is none yet.

        A thread that builds a network makes its own rather than waiting for another.
        """
        with self._lock:
            slot = self._slots.setdefault((kind, key), _Slot())
            self._slots.move_to_end((kind, key))
            while len(self._slots) > self.maxsize:
                self._slots.popitem(last=False)
        if not slot.lock.acquire(blocking=not builds_network()):
            with session(needs_keras=not is_own(key)):
                return make()
        try:
            if slot.program is None:
                with session(needs_keras=not is_own(key)):
                    slot.program = make()
                with self._lock:
                    self._made[kind] += 1
            return slot.program
        finally:
            slot.lock.release()

    def renew_locks(self):
        """Release what threads hold that a fork did not copy."""
        self._lock = threading.Lock()
        for slot in self._slots.values():
            slot.lock = threading.RLock()

    def info(self):
        """How many programs are held, and how many were made so far of each kind."""
        with self._lock:
            return {"held": len(self._slots), "made": dict(self._made)}

    def clear(self):
        """Drop every program and start counting anew."""
        with self._lock:
            self._slots.clear()
            self._made.clear()


programs = ProgramCache()
renewed_in_child(programs.renew_locks)


def program_info():
    """How many programs the process holds, and how many it made of each kind.

    "compiled", "loaded" and "written" are those of the folder that processes share; see
    `compile_cache`.
    """
    return {**programs.info(), **compile_cache.info()}


def clear_programs():
    """Drop every compiled program of the process; the next fit or transform makes them anew."""
    programs.clear()
    compile_cache.forget_counts()


def compile_program(kind, key, function, arguments, **options):
    """Return what `function()` returns, compiled for the shapes and types of `arguments`.

    Compiling happens here, under the program's lock, and never when it is called: a call of a
    program from many threads traces nothing. The options are those of `_jax.compiled`.
    """

    def make():
        traced = function()

        def compiled():
            with session(needs_keras=not is_own(key)):  # whose settings are each thread's own
                return _jax.compiled(traced, arguments, is_own=is_own(key), **options)

        return uninterrupted(_jax.on_this_device(compiled))

    return programs.get(kind, (key, _jax.shapes_of(arguments)), make)
