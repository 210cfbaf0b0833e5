"""Trainings side by side: equal programs of several threads, called as one mapped program."""

import threading
from collections import defaultdict
from contextlib import contextmanager

from . import _jax
from .backend import load_jax
from .programs import compile_program

AT_ONCE = 64
"""Networks in one program that pay on an accelerator, by docs/benchmarks/results/accelerator.md."""

_thread = threading.local()


def networks_at_once():
    """How many networks to train in one program: one on a processor, which they only fill once."""
    load_jax()  # which imports JAX where no interrupt can break it off
    return 1 if _jax.on_cpu() else AT_ONCE


class Population:
    """Threads that wait for each other, so that their trainings go on together.

    A thread belongs to it while it is in `member`. There a pass over a block is not computed before
    all members want one; then those of equal programs are one call.

    Parameters
    ----------
    most : int
        Most networks in a call.

    Notes
    -----
    The number of networks in a call is a power of two, so that few programs are compiled. Where
    fewer are left, the last of them is computed several times.
    """

    def __init__(self, most):
        self.most = most
        self._n_members = 0
        self._waiting = []
        self._changed = threading.Condition()
        self._is_cancelled = False

    @contextmanager
    def member(self):
        """In it the calling thread is a member."""
        with self._changed:
            self._n_members += 1
        _thread.population = self
        try:
            yield
        finally:
            _thread.population = None
            with self._changed:
                self._n_members -= 1
                self._changed.notify_all()

    def cancel(self):
        """End the trainings of all members by a `KeyboardInterrupt` in their threads."""
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()

    def call(self, program, arguments):
        """What a `BlockProgram` gives for a member's arguments, once all others wait as well."""
        call = _Call(program, arguments)
        with self._changed:
            self._waiting.append(call)
            while not (call.is_done or self._is_cancelled):
                if len(self._waiting) == self._n_members:
                    self._run_all()
                    self._changed.notify_all()
                else:
                    self._changed.wait()
        if not call.is_done:
            raise KeyboardInterrupt
        if call.error is not None:
            raise call.error
        return call.result

    def _run_all(self):
        groups = defaultdict(list)
        for call in self._waiting:
            groups[call.key].append(call)
        self._waiting = []
        for group in groups.values():
            for start in range(0, len(group), self.most):
                _run(group[start : start + self.most])


class _Call:
    """A member's call of a program, and what became of it."""

    def __init__(self, program, arguments):
        self.program, self.arguments = program, arguments
        self.key = program.key_of(arguments)
        self.result = self.error = None
        self.is_done = False


def _run(calls):
    """Compute the results of calls of equal programs."""
    try:
        results = _results(calls[0].program, [call.arguments for call in calls])
        for call, result in zip(calls, results, strict=True):
            call.result = result
    except BaseException as error:  # which each member raises in its own thread
        for call in calls:
            call.error = error
    for call in calls:
        call.is_done = True


def _results(program, arguments):
    if len(arguments) == 1:
        return [program.alone(*arguments[0])]
    n_rounded = 2 ** (len(arguments) - 1).bit_length()
    padded = arguments + arguments[-1:] * (n_rounded - len(arguments))
    return program.together(padded)[: len(arguments)]


N_BATCHES = 4
"""Place of the number of batches among the arguments of the program of a block. It is one for all
networks of a call: a mapped loop with a length for each would choose between all old and new
numbers in each round."""


class BlockProgram:
    """The program of a block of batches, for one training or for several at once.

    Parameters
    ----------
    kind : str
    key : hashable
        As for `compile_program`.
    function : callable
        Makes the function, of state, seed, data, order, number of batches, and numbers.
    options : dict
        Those of `compile_program` for one training.
    """

    def __init__(self, kind, key, function, **options):
        self.kind, self.key, self._function, self._options = kind, key, function, options
        self._shapes = None
        self._compiled = {}  # one for all epochs, as their arguments have one shape

    def __call__(self, *arguments):
        """What the program gives, computed with others where the thread is a member."""
        population = getattr(_thread, "population", None)
        if population is None or self._options.get("results_on") is not None:  # several devices
            return self.alone(*arguments)
        return population.call(self, arguments)

    def key_of(self, arguments):
        """A hashable value, equal for calls that can be one."""
        if self._shapes is None:
            self._shapes = _jax.shapes_of(arguments)
        return self.kind, self.key, self._shapes, int(arguments[N_BATCHES])

    def alone(self, *arguments):
        """What the program gives for the arguments of one training."""
        if 1 not in self._compiled:
            self._compiled[1] = compile_program(
                self.kind, self.key, self._function, arguments, **self._options
            )
        return self._compiled[1](*arguments)

    def together(self, arguments):
        """A list of what the program gives for each tuple of arguments, from one call."""
        own = [args[:N_BATCHES] + args[N_BATCHES + 1 :] for args in arguments]
        mapped = own, arguments[0][N_BATCHES]
        if len(own) not in self._compiled:
            self._compiled[len(own)] = compile_program(
                f"mapped {self.kind}", self.key, self._mapped, mapped
            )
        return self._compiled[len(own)](*mapped)

    def _mapped(self):
        function = self._function()

        def of_one(own, n_batches):
            return function(*own[:N_BATCHES], n_batches, *own[N_BATCHES:])

        return _jax.side_by_side(of_one)
