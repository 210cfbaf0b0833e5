"""Memory, asked for before work that does not survive to get none.

Where a process has a limit (`ulimit -v`, RLIMIT_AS), a lack of memory in Python and NumPy is a
`MemoryError`. Python's `Thread.start` and JAX's programs may wait for ever instead, and XLA's
compiler may end the process.
"""

import numpy as np

THREAD_BYTES = 24 * 2**20
"""A thread's stack, usually of 8 MiB, and what Python and JAX first ask for in it."""

COMPILING_BYTES = 96 * 2**20
"""What building a network and compiling a program take at most, as far as was tried."""

RUNNING_BYTES = 2**20
"""What a call of a program takes beside its arrays."""


def check_memory(n_bytes, what):
    """Refuse to begin what the memory that the process may have is too small for.

    Parameters
    ----------
    n_bytes : int
        They are asked for and given back, without being written: so they cost no memory.
    what : str
        What they are for.

    Raises
    ------
    MemoryError
    """
    try:
        np.empty(n_bytes, np.uint8)
    except MemoryError:
        raise MemoryError(
            f"{what} takes up to {n_bytes / 2**20:.0f} MiB beyond what the process has, and its "
            "limit or the machine does not allow that."
        ) from None
