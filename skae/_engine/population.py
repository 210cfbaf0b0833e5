"""Trainings side by side: equal programs of several threads, called as one mapped program."""

import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import NamedTuple

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
        self._n_members = self._n_ever = 0
        self._waiting = []
        self._changed = threading.Condition()
        self._is_cancelled = False
        self._data = {}
        """Of each place among the calls: its members, their data, and these on the device."""

    @contextmanager
    def member(self):
        """In it the calling thread is a member."""
        with self._changed:
            self._n_members += 1
            self._n_ever += 1
            number = self._n_ever
        _thread.population, _thread.number = self, number
        try:
            yield
        finally:
            _thread.population = None
            with self._changed:
                self._n_members -= 1
                for place in [place for place, kept in self._data.items() if number in kept[0]]:
                    del self._data[place]  # those that are left have another call
                self._changed.notify_all()

    def cancel(self):
        """End the trainings of all members by a `KeyboardInterrupt` in their threads."""
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()

    def call(self, program, arguments):
        """What a `BlockProgram` gives for a member's arguments, once all others wait as well."""
        call = _Call(_thread.number, program, Arguments(*arguments))
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
        # In one order, so that data which lie side by side on a device can stay there.
        for call in sorted(self._waiting, key=lambda call: call.member):
            groups[call.key].append(call)
        self._waiting = []
        for key, group in groups.items():
            for start in range(0, len(group), self.most):
                self._run((key, start), group[start : start + self.most])

    def _run(self, place, calls):
        """Compute the results of calls of equal programs, in some place among all calls."""
        try:
            n_rounded = 2 ** (len(calls) - 1).bit_length()
            padded = calls + calls[-1:] * (n_rounded - len(calls))
            results = self._results(place, padded)[: len(calls)]
            for call, result in zip(calls, results, strict=True):
                call.result = result
        except BaseException as error:  # which each member raises in its own thread
            for call in calls:
                call.error = error
        for call in calls:
            call.is_done = True

    def _results(self, place, calls):
        program, arguments = calls[0].program, [call.arguments for call in calls]
        if len(calls) == 1:
            return [program.alone(*_jax.without_parts(arguments[0]))]
        return program.together(self._data_on_device(place, calls), arguments)

    def _data_on_device(self, place, calls):
        """The data of all calls, those of the call before where they are the same."""
        data = [call.arguments.data for call in calls]
        if calls[0].arguments.order is None:  # then the arrays are written anew for each block
            return _jax.stacked(data)
        _, kept, together = self._data.get(place, ((), (), None))
        if len(kept) != len(data) or any(a is not b for a, b in zip(kept, data, strict=True)):
            together = _jax.stacked(data, on_device=True)
            self._data[place] = {call.member for call in calls}, data, together
        return together


class _Call:
    """A member's call of a program, and what became of it."""

    def __init__(self, member, program, arguments):
        self.member, self.program, self.arguments = member, program, arguments
        self.key = program.key_of(arguments)
        self.result = self.error = None
        self.is_done = False


class Arguments(NamedTuple):
    """The arguments of the program of a block."""

    state: object
    seed: object
    data: object
    order: object
    n_batches: object
    numbers: object


class BlockProgram:
    """The program of a block of batches, for one training or for several at once.

    Parameters
    ----------
    kind : str
    key : hashable
        As for `compile_program`.
    function : callable
        Makes the function, of the `Arguments`.
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
        return self.kind, self.key, self._shapes, int(arguments.n_batches)

    def alone(self, *arguments):
        """What the program gives for the arguments of one training."""
        if 1 not in self._compiled:
            self._compiled[1] = compile_program(
                self.kind, self.key, self._function, arguments, **self._options
            )
        return self._compiled[1](*arguments)

    def together(self, data, arguments):
        """A list of what the program gives for each of the `Arguments`, from one call.

        What it gives are parts of arrays that stay where they are: a program with an argument for
        each array of each network would take far longer to compile than to run.
        """
        # The number of batches is one for all: a mapped loop with a length for each would choose
        # between all old and new numbers in each round.
        n_batches = arguments[0].n_batches
        own = _jax.stacked([each._replace(data=None, n_batches=None) for each in arguments])
        own = tuple(own._replace(data=data, n_batches=n_batches))
        if len(arguments) not in self._compiled:
            self._compiled[len(arguments)] = compile_program(
                f"mapped {self.kind}", self.key, self._mapped, own
            )
        return _jax.parts(self._compiled[len(arguments)](*own), len(arguments))

    def _mapped(self):
        in_axes = Arguments(state=0, seed=0, data=0, order=0, n_batches=None, numbers=0)
        return _jax.side_by_side(self._function(), tuple(in_axes))
