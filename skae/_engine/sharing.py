"""Several devices, and several processes with some each: what lies where, and what all agree on."""

import pickle
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np

from . import _jax
from .backend import load_jax


@dataclass(frozen=True)
class Devices:
    """The devices that share the rows of each training step.

    Each device has all weights and a part of the rows; XLA adds up what the parts give to losses
    and gradients. A program is the same function of a whole batch on any number of devices: so are
    its random numbers, and the results differ by rounding alone.

    Parameters
    ----------
    mesh : jax.sharding.Mesh, default=None
        None for the one device that JAX takes by itself.
    n_processes : int, default=1
        Number of processes, each of which has as many of the devices, and its own rows.
    process : int, default=0
        Number of this process.
    """

    mesh: object = None
    n_processes: int = 1
    process: int = 0

    @property
    def n(self):
        """Number of devices, in all processes."""
        return 1 if self.mesh is None else self.mesh.size

    @property
    def key(self):
        """What programs on these devices have in their keys: nothing for one device."""
        return () if self.mesh is None else (("devices", self.n),)

    # Where arrays lie

    @property
    def results(self):
        """Where programs leave their results: whole on each device, to be read by each process."""
        return None if self.mesh is None else _jax.sharding(self.mesh)

    def whole(self, tree):
        """A tree of arrays, all of it on each device."""
        return tree if self.mesh is None else _jax.placed(tree, self.results)

    def spread(self, tree, axis):
        """A tree of arrays, of whose `axis` each device has a part."""
        return tree if self.mesh is None else _jax.placed(tree, _jax.sharding(self.mesh, axis))

    def apart(self, tree):
        """A tree of arrays for a program of one device."""
        return _jax.without_parts(tree) if self.mesh is None else _jax.to_host(tree)

    def layout(self, batch_size, n_rows):
        """The `Layout` of batches of which this process has `n_rows` rows."""
        rows = -(-batch_size // self.n_processes)
        n_own = self.n // self.n_processes
        places = -(-rows // n_own) * n_own
        return Layout(rows, places, tuple(self.gathered(n_rows)), self.process)

    # What the processes agree on

    def gathered(self, value):
        """What each process gives, in the order of the processes."""
        if self.n_processes == 1:
            return [value]
        own = _as_bytes(value)
        lengths = _jax.gathered(np.array([len(own)], np.int32)).ravel()
        everyone = _jax.gathered(_filled_up(own, lengths.max()))
        return [_value(part[:length]) for part, length in zip(everyone, lengths, strict=True)]

    def of_first(self, value):
        """What the first process gives, in all of them to the bit."""
        if self.n_processes == 1:
            return value
        is_first = self.process == 0
        own = _as_bytes(value if is_first else None)
        length = int(_jax.of_first(np.array([len(own)], np.int32), is_first)[0])
        whole = _filled_up(own if is_first else own[:0], length)
        return _value(_jax.of_first(whole, is_first)[:length])

    def any(self, flag):
        """Whether any process says so."""
        if self.n_processes == 1:
            return bool(flag)
        return bool(_jax.gathered(np.array([bool(flag)])).any())

    @contextmanager
    def together(self):
        """Context that ends with an error in all processes if it does in one.

        Without it, the others would wait for the one that ended. Inside, no process may wait for
        another.

        Raises
        ------
        RuntimeError
            If another process ended with an error.
        """
        if self.n_processes == 1:
            yield
            return
        error = None
        try:
            yield
        except Exception as own:
            error = own
        if not self.any(error is not None):
            return
        texts = self.gathered(error and f"{type(error).__name__}: {error}")
        if error is not None:
            raise error
        number = next(number for number, text in enumerate(texts) if text is not None)
        raise RuntimeError(f"Process {number} of {self.n_processes} ended with {texts[number]}")

    def in_step(self, items):
        """Yield the items of a generator, each only when all processes have theirs."""
        if self.n_processes == 1:
            yield from items
            return
        with closing(items):
            while True:
                with self.together():
                    item = next(items, None)
                if item is None:
                    return
                yield item


ROOMS = (2**12, 2**16, 2**20, 2**24)
"""Numbers of bytes that go between processes."""

ONE_DEVICE = Devices()
"""The device that JAX takes by itself, in a process of its own."""


@dataclass(frozen=True)
class Layout:
    """How rows make batches.

    Parameters
    ----------
    rows : int
        Rows that this process gives to a batch.
    places : int
        Places for them, a multiple of its devices; those that are left hold padding.
    n_rows : tuple of int
        Rows that each process has.
    process : int
        Number of this process.
    """

    rows: int
    places: int
    n_rows: tuple
    process: int = 0

    @property
    def n_batches(self):
        """Batches of an epoch: a process whose rows are used up gives padding."""
        return -(-max(self.n_rows) // self.rows)

    def n_present(self, first, n_batches):
        """Rows without padding of `n_batches` batches from number `first` on, in all processes."""
        starts = self.rows * np.arange(first, first + n_batches)
        return sum(np.clip(n_rows - starts, 0, self.rows) for n_rows in self.n_rows)


def devices_of(asked):
    """The `Devices` that the parameter `devices` stands for.

    Raises
    ------
    ValueError
        If there are fewer, or if several processes are to share some of them.
    """
    if asked is None:
        return ONE_DEVICE
    load_jax()  # imports JAX where no interrupt can break it off
    n, (n_processes, process) = _jax.n_devices(), _jax.n_processes()
    if n_processes > 1 and asked != "all":
        raise ValueError(
            f"devices must be 'all' or None where {n_processes} processes work together, got "
            f"{asked!r}. 'all' trains one network on the rows of all processes, None one in each."
        )
    if asked != "all" and asked > n:
        raise ValueError(
            f"devices={asked} is more than the {n} that JAX finds here: "
            f"{', '.join(_jax.devices())}. Take at most {n}, or devices='all'. A processor counts "
            "as one, but as more, for trying, where the environment variable "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={asked} is set before JAX is "
            "imported."
        )
    n = n if asked == "all" else int(asked)
    return ONE_DEVICE if n == 1 else Devices(_jax.mesh(n), n_processes, process)


# Values go between the processes of one fit as bytes. They are pickled, which is safe here: whoever
# could write such bytes takes part in the fit, and runs its code anyway.


def _as_bytes(value):
    return np.frombuffer(pickle.dumps(value), np.uint8)


def _value(part):
    return pickle.loads(part.tobytes())


def _filled_up(part, length):
    """Bytes filled up to a power of 16, so that few programs move values of all lengths.

    Beyond 16 MiB it is a multiple of that.
    """
    steps = [size for size in ROOMS if size >= length] or [-(-length // ROOMS[-1]) * ROOMS[-1]]
    room = np.zeros(steps[0], np.uint8)
    room[: len(part)] = part
    return room
