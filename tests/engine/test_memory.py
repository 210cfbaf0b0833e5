"""Memory is asked for before what would wait for ever, or end the process, without any."""

import subprocess
import sys

import pytest

from skae._engine import memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

PROGRAM = """
import os, resource
from skae._engine.interrupts import in_a_thread
from skae._engine.memory import THREAD_BYTES


def within(n_bytes):
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes, resource.RLIM_INFINITY))
    try:
        return in_a_thread(lambda: "done")
    except MemoryError as error:
        return str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


assert within(THREAD_BYTES // 2).startswith("A thread in which"), within(THREAD_BYTES // 2)
assert within(2 * THREAD_BYTES) == "done"
"""


def test_a_thread_is_started_where_there_is_memory_for_it():
    """Python's `Thread.start` waits for ever for one that gets none for its first frame."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


def test_without_a_limit_nothing_is_asked_for(monkeypatch):
    monkeypatch.setattr(memory.mmap, "mmap", lambda *_, **__: pytest.fail("asked"))
    memory.check_memory(2**60, "Nothing")


def test_the_message_says_what_for_and_how_much(monkeypatch):
    monkeypatch.setattr(memory.resource, "getrlimit", lambda _: (2**40, 2**40))
    with pytest.raises(MemoryError, match=r"^Much takes up to 1099511627776 MiB beyond"):
        memory.check_memory(2**60, "Much")
