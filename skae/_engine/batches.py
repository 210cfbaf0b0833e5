"""Rows in float32 arrays of a fixed shape: blocks of batches for training, tiles for inference."""

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from . import _jax
from .memory import THREAD_BYTES, check_memory
from .sharing import ONE_DEVICE

BLOCK_BYTES = 16 * 2**20
"""Largest block, as float32: some milliseconds of training, small beside the data."""

WINDOW_BYTES = 256 * 2**20
"""Larger data (as float32) are shuffled chunk by chunk, so that a memory map is read almost in
order."""

ALONE_BYTES = 2**20
"""Data up to which a thread that makes blocks costs more than it saves."""

CHUNK_ROWS = 64
"""Length of the chunks of consecutive rows that are permuted first; rows are then permuted within
windows of WINDOW_BYTES / 4."""

ALIGNMENT = 64
"""Bytes to whose multiple an array must start for JAX to read it without a copy."""


def aligned(shape):
    """A new float32 array that JAX reads without a copy; its values are arbitrary."""
    size = 4 * int(np.prod(shape))
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(np.float32).reshape(shape)


def ahead(items):
    """Yield items of an iterator, each made in a thread while the one before is in use."""
    check_memory(THREAD_BYTES, "The thread that prepares the rows")
    with ThreadPoolExecutor(1) as worker:
        following = worker.submit(next, items, None)
        while (item := following.result()) is not None:
            following = worker.submit(next, items, None)
            yield item


class Ring:
    """Aligned arrays of one shape that are handed out in turn.

    Parameters
    ----------
    n_arrays : int
    shape : tuple of int
    """

    def __init__(self, n_arrays, shape):
        self.n_arrays, self.shape = n_arrays, shape
        self._arrays = []
        self._place = 0

    def next(self):
        """The array that was handed out longest ago; a new one of zeros until there are all."""
        if self._place == len(self._arrays):
            self._arrays.append(aligned(self.shape))
            self._arrays[-1].fill(0.0)
        array = self._arrays[self._place]
        self._place = (self._place + 1) % self.n_arrays
        return array

    def restart(self):
        """Begin with the first array again, which is more likely in the processor's cache."""
        self._place = 0


class IdleRings:
    """Rings that nobody uses, kept for those who need one next: new memory is slow.

    Parameters
    ----------
    n_rings : int
        The number that is kept, each of another shape.
    """

    def __init__(self, n_rings):
        self._n_rings = n_rings
        self._rings = OrderedDict()

    def take(self, n_arrays, shape):
        """A `Ring`, which is the caller's until given back."""
        ring = self._rings.pop((n_arrays, shape), None)
        return ring or Ring(n_arrays, shape)

    def give(self, ring):
        """Keep a ring; those that were kept longest go."""
        ring.restart()
        self._rings[ring.n_arrays, ring.shape] = ring
        while len(self._rings) > self._n_rings:
            self._rings.popitem(last=False)


idle_rings = IdleRings(4)


def tiles(rows, ring):
    """Yield ``(start, tile)`` over all rows.

    Behind the last row, the last tile holds what happens to be there.

    Parameters
    ----------
    rows : Rows
    ring : Ring
        Gives the tiles that are no views of data that JAX reads without a copy.
    """
    tile_rows = ring.shape[0]
    for start in range(0, rows.n_rows, tile_rows):
        part = rows.part(slice(start, min(start + tile_rows, rows.n_rows)))
        if len(part) == tile_rows and _is_aligned(part):
            yield start, part
            continue
        tile = ring.next()
        with np.errstate(over="ignore"):  # callers refuse results that are not finite
            tile[: len(part)] = part
        yield start, tile


def _is_aligned(array):
    in_one_piece = array.dtype == np.float32 and array.flags.c_contiguous
    return in_one_piece and array.__array_interface__["data"][0] % ALIGNMENT == 0


class Blocks:
    """The rows of a fit, handed out epoch by epoch as batches, many in a block of one shape.

    A block holds rows that are already in the order of training, so that a batch lies in one
    piece; on an accelerator, which gathers faster than it is fed, it holds the data as they are,
    once for all epochs, and the order.

    Parameters
    ----------
    X, target : Rows
        What the network reads and what it must give; the same object for most autoencoders.
    weight : ndarray of shape (n_rows,) or None
        Weight of each row; None for the same.
    batch_size : int
    resident : bool, default=False
        Whether data that fit into one window are handed to the devices once.
    devices : Devices, default=ONE_DEVICE
        Of several processes, each has the blocks of its own rows, in step with the others.
    """

    def __init__(self, X, target, weight, batch_size, *, resident=False, devices=ONE_DEVICE):
        self.X, self.target = X, target
        self.weight = None if weight is None else weight.astype(np.float32)
        self.devices = devices
        self.layout = devices.layout(batch_size, X.n_rows)
        self.n_rows = X.n_rows
        self.n_batches = self.layout.n_batches
        bytes_of_batch = 4 * self.layout.places * X.n_features
        resident = resident and devices.n_processes == 1
        self.resident = resident and self.n_batches * bytes_of_batch <= WINDOW_BYTES
        most = self.n_batches if self.resident else max(1, BLOCK_BYTES // bytes_of_batch)
        self.capacity = min(most, 2 ** int(self.n_batches - 1).bit_length())
        self.n_blocks = -(-self.n_batches // self.capacity)
        self._kept = None
        self._buffers = [None, None]

    @property
    def worth_a_thread(self):
        """Whether blocks are large enough to be made while the one before is in use."""
        return not self.resident and 4 * self.X.n_features * self.n_rows > ALONE_BYTES

    def epoch(self, random):
        """Yield each `Block` of one epoch.

        Parameters
        ----------
        random : numpy Generator or None
            Source of the shuffling; None keeps the rows in order.

        Yields
        ------
        block : Block
            Its arrays are overwritten while the next block but one is made.
        """
        if self.resident:
            if self._kept is None:
                self._kept = self._on_device()
            yield self._block(0, self._order(random), self._kept)
            return
        if random is None and self.n_blocks == 1:
            if self._kept is None:
                self._kept = self._block(0, self._order(None))
            yield self._kept
            return
        order = self._order(random)
        for number in range(self.n_blocks):
            start = number * self._rows_of_block
            yield self._block(number, order[start : start + self._rows_of_block])

    @property
    def _rows_of_block(self):
        return self.capacity * self.layout.rows

    def _order(self, random):
        """All row numbers in the order of training.

        Data of more than a window are shuffled in chunks of consecutive rows, then within windows.
        """
        if random is None:
            return np.arange(self.n_rows)
        rows_of_window = max(1, WINDOW_BYTES // (4 * self.X.n_features))
        if self.n_rows <= rows_of_window:
            return random.permutation(self.n_rows)
        starts = random.permutation(np.arange(0, self.n_rows, CHUNK_ROWS))
        order = (starts[:, None] + np.arange(CHUNK_ROWS)).ravel()
        order = order[order < self.n_rows]
        for start in range(0, self.n_rows, rows_of_window // 4):
            random.shuffle(order[start : start + rows_of_window // 4])
        return order

    def _batches(self, order, n_batches):
        """Row numbers of each batch.

        The last batch is padded with other rows; a padding row r is stored as ``~r``, so that it
        can be told from a real one.
        """
        layout, others = self.layout, ~order if len(order) else np.array([~0])
        padding = np.resize(others, n_batches * layout.rows - len(order))
        rows = np.concatenate([order, padding]).reshape(n_batches, layout.rows)
        if layout.places == layout.rows:
            return rows
        return np.hstack([rows, np.resize(others, (n_batches, layout.places - layout.rows))])

    def _block(self, number, order, resident=None):
        """The block of some number, whose rows have an order."""
        n_before = number * self.capacity
        n_batches = min(self.capacity, self.n_batches - n_before)
        n_present = self.layout.n_present(n_before, n_batches)
        rows = self._batches(order, n_batches)
        present = rows >= 0
        if resident is not None:
            return Block(resident, rows.astype(np.int32), n_present, self.devices)
        rows = np.where(present, rows, ~rows)
        X, target, weight = self._buffer()
        self._take(rows.ravel(), X, target)
        own = present if self.weight is None else self.weight[rows] * present
        np.divide(own, n_present[:, None], out=weight[: len(rows)])
        return Block((X, target, weight), None, n_present, self.devices)

    def _take(self, rows, X, target):
        """Write the rows of some numbers into the arrays of a block."""
        for source, out in ((self.X, X), (self.target, target)):
            if out is not None:
                source.take(rows, out.reshape(-1, source.n_features))

    def _buffer(self):
        """Arrays of a block, those of the last but one again."""
        self._buffers.reverse()
        if self._buffers[0] is None:
            shape = (self.capacity, self.layout.places)
            self._buffers[0] = (
                aligned((*shape, self.X.n_features)),
                None if self.target is self.X else aligned((*shape, self.target.n_features)),
                aligned(shape),
            )
        return self._buffers[0]

    def _on_device(self):
        """The data where programs run, and rows behind them that no batch has.

        So folds whose numbers of rows are nearly equal have one shape, and share their programs.
        """
        n_behind = self.n_batches * self.layout.rows - self.n_rows
        arrays = (
            self.X.to_array(),
            None if self.target is self.X else self.target.to_array(),
            self.weight,
        )
        data = tuple(
            None
            if array is None
            else np.concatenate([array, np.zeros((n_behind, *array.shape[1:]), array.dtype)])
            for array in arrays
        )
        return _jax.to_device(data) if self.devices.n == 1 else self.devices.whole(data)


class StreamedBlocks(Blocks):
    """The same of rows that are read anew in each epoch, and shuffled within windows.

    Parameters
    ----------
    X : object with `n_rows`, `n_features` and `windows`
        ``windows(n_rows, random)`` yields all rows as `Rows` of that many, the last of which may be
        fewer.
    batch_size : int
    devices : Devices, default=ONE_DEVICE
    """

    def __init__(self, X, batch_size, devices=ONE_DEVICE):
        super().__init__(X, X, None, batch_size, devices=devices)

    def epoch(self, random):
        """Yield each `Block` of one epoch; see `Blocks.epoch`."""
        rows_of_block, number = self._rows_of_block, 0
        blocks_of_window = max(1, WINDOW_BYTES // 4 // (4 * rows_of_block * self.X.n_features))
        for window in self.X.windows(blocks_of_window * rows_of_block, random):
            n_rows = window.n_rows
            order = np.arange(n_rows) if random is None else random.permutation(n_rows)
            self._window = window
            for start in range(0, n_rows, rows_of_block):
                yield self._block(number, order[start : start + rows_of_block])
                number += 1
        for rest in range(number, self.n_blocks):  # of processes with more rows: padding here
            yield self._block(rest, order[:0])

    def _take(self, rows, X, target):
        self._window.take(rows, X.reshape(-1, self.X.n_features))


@dataclass(frozen=True)
class Block:
    """Some batches of an epoch.

    Parameters
    ----------
    data : tuple (X, target, weight)
        Arrays of shape (capacity, places, ...), of which the first batches count, the weights
        divided by the number of rows in the batch; with an `order`, of shape (n_rows, ...).
        `target` is None where it equals X. Rows of padding have weight zero, or are marked in
        `order`.
    order : ndarray of int32, shape (n_batches, places), or None
        Rows of each batch; ``~r`` for a row r that stands there as padding, for layers whose
        statistics are those of the whole batch.
    n_present : ndarray of shape (n_batches,)
        Rows of each batch without padding, those of other processes included.
    devices : Devices, default=ONE_DEVICE
        Those that each have a part of the rows of every batch.
    """

    data: tuple
    order: np.ndarray | None
    n_present: np.ndarray
    devices: object = ONE_DEVICE

    @property
    def arguments(self):
        """What a program takes of a block: data, order, and number of batches."""
        data, order = self.data, self.order
        if order is None:
            data = self.devices.spread(data, 1)
        else:
            order = self.devices.spread(order, 1)
        return data, order, np.int32(len(self.n_present))

    def batches(self):
        """Yield each batch of a block without an order."""
        X, target, weight = self.data
        for number in range(len(self.n_present)):
            batch = X[number], None if target is None else target[number], weight[number]
            yield self.devices.spread(batch, 0)
