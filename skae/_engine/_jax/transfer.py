"""Arrays moved to where programs run and back, and the wait for results."""

from time import perf_counter

import numpy as np

POLLING_SECONDS = 2e-4
"""How long to poll a small tile's result before blocking: waking a sleeping thread takes longer
than computing one row."""


def to_device(tree):
    """A tree of arrays where programs run."""
    import jax

    return jax.device_put(tree)


def to_host(tree):
    """A copy of a tree of arrays in NumPy."""
    import jax

    return jax.tree.map(np.array, tree)


def wait_awake(result):
    """Wait for a result that will be there soon without putting the thread to sleep."""
    end = perf_counter() + POLLING_SECONDS
    while not result.is_ready() and perf_counter() < end:
        pass
