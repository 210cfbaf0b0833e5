"""Memory, asked for before work that does not survive to get none.

Where a process has a limit (`ulimit -v`, RLIMIT_AS), a lack of memory in Python and NumPy is a
`MemoryError`. Python's `Thread.start` and JAX's programs may wait for ever instead, and XLA's
compiler may end the process.
"""

import mmap

try:
    import resource
except ImportError:  # on Windows, where processes have no such limit
    resource = None

THREAD_BYTES = 24 * 2**20
"""A thread's stack, usually of 8 MiB, and what Python and JAX first ask for in it."""

COMPILING_BYTES = 96 * 2**20
"""What building a network and compiling a program take at most, as far as was tried."""

RUNNING_BYTES = 2**20
"""What a call of a program takes beside its arrays."""


def check_memory(n_bytes, what):
    """Refuse to begin what the memory that the process may have is too small for.

    Only a limit of the process is looked at: the machine's memory shows no end before it is used.

    Parameters
    ----------
    n_bytes : int
    what : str
        What they are for.

    Raises
    ------
    MemoryError
    """
    if resource is None or resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    try:  # not by malloc, which may have that much of its own, in which no thread has its stack
        mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        raise MemoryError(
            f"{what} takes up to {n_bytes / 2**20:.0f} MiB beyond what the process has, and its "
            "limit (ulimit -v, RLIMIT_AS) does not allow that."
        ) from None
