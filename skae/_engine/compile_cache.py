"""Compiled programs in a folder, from which other processes of the same user take them.

This file knows folders and files, and no JAX: a program is bytes here, and its key a digest of all
that compiling it depended on. Bytes that were compiled are run by whoever reads them. So a file is
read only if it belongs to this user, and nobody else may write to it.
"""

import functools
import hashlib
import os
import platform
import secrets
import stat
import sys
import threading
import time
import warnings
import zlib
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

from .forks import renewed_in_child

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

SWITCH = "SKAE_COMPILE_CACHE"
"""The environment variable that names the folder: workers of joblib, Dask and Ray inherit it."""

MAX_BYTES = 512 * 2**20
"""Size up to which a folder grows; then the programs that were not used for longest are removed."""

SWEEP_EVERY = 64
"""Files that a process writes between two looks at the size of the folder."""

ABANDONED_SECONDS = 3600
"""Age at which a file that is not complete belongs to a process that was killed."""

WAITING_SECONDS = 60
"""How long a process waits for another one that compiles the program it needs."""

ASKING_SECONDS = 0.01
"""How often it looks whether that one is done."""

SUFFIX, PART, LOCK = ".program", ".part", ".lock"

_START = b"skae program 1\n"

_counts = Counter()
_warned = set()
_lock = threading.Lock()


@renewed_in_child
def _renew_lock():
    global _lock
    _lock = threading.Lock()


def folder(unless=None):
    """The folder of this process, a Path, or None if programs are not shared.

    It is made if need be. That a folder is named and not used is said once.

    Parameters
    ----------
    unless : str, default=None
        A reason why no folder is used.
    """
    named = os.environ.get(SWITCH, "")
    if named in ("", "off"):
        return None
    path = Path(named).expanduser()
    try:
        reason = unless or _why_not(path)
    except OSError as error:
        reason = f"it cannot be used ({error})"
    if reason is None:
        return path
    warn_once(f"{SWITCH}={named!r}: programs are compiled anew in each process, because {reason}.")
    return None


def _why_not(path):
    """Why a folder is not used, or None; it is made if it is not there."""
    if fcntl is None or not hasattr(os, "geteuid"):
        return "on Windows it cannot be seen who may write to a folder"
    if not path.is_absolute():
        return "workers have other current folders: give an absolute path"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_own(path.stat()):
        return (
            "others may write to it, and programs of theirs would be run: it must belong to the "
            "user who runs this, with no write permission for others (chmod go-w)"
        )
    if not os.access(path, os.W_OK | os.X_OK):
        return "it cannot be written to"
    return None


def _is_own(status):
    """Whether a file or folder is this user's, and nobody else may write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def warn_once(message):
    """Warn, unless this process has been told the same before."""
    with _lock:
        if message in _warned:
            return
        _warned.add(message)
    warnings.warn(message, stacklevel=2)


def key_of(parts):
    """The key of a program: a digest of texts and numbers that say how it was compiled."""
    digest = hashlib.sha256()
    for part in (*parts, *_surroundings()):
        text = str(part).encode()
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.hexdigest()


def _surroundings():
    """What XLA reads of machine and environment, as texts.

    A program uses the instructions of the processor that it was compiled on, and is divided for as
    many threads as the process has there.
    """
    read = [f"{name}={value}" for name, value in sorted(os.environ.items()) if _is_read(name)]
    n_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return sys.platform, sys.version_info[:2], _processor(), n_threads, *read


def _is_read(name):
    return name.startswith(("XLA_", "TF_XLA_")) or name in ("NPROC", "PJRT_NPROC")


_OF_PROCESSOR = {
    *("vendor_id", "cpu family", "model", "stepping", "model name", "flags"),  # x86
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features"),  # ARM
}


@functools.cache
def _processor():
    """Kind and instructions of the processor; where they cannot be read, this machine's name."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        said = [line for line in lines if line.split(":")[0].strip() in _OF_PROCESSOR]
        if said:
            return "\n".join(said)
    return f"{platform.node()} {platform.machine()} {platform.processor()}"


def read(folder, key):
    """The program of a key, bytes, or None: if there is none, or its file is damaged."""
    path = folder / f"{key}{SUFFIX}"
    with suppress(OSError, zlib.error), open(path, "rb") as file:
        if not _is_own(os.fstat(file.fileno())):
            return None
        content = file.read()
        start = len(_START) + hashlib.sha256().digest_size
        if content[:start] != _start_of(key, content[start:]):
            return None
        with suppress(OSError):
            os.utime(path)  # so that it is not among those that were not used for longest
        return zlib.decompress(content[start:])
    return None


def write(folder, key, program):
    """Write a program under its key; if that is not possible, nothing is written."""
    packed = zlib.compress(program, 1)
    part = folder / f"{key}.{secrets.token_hex(4)}{PART}"
    try:
        with open(part, "xb", opener=_opened_for_this_user) as file:
            file.write(_start_of(key, packed) + packed)
        os.replace(part, folder / f"{key}{SUFFIX}")  # at once: others see all of it or nothing
    except OSError:
        with suppress(OSError):
            part.unlink()
        return
    note("written")
    if info()["written"] % SWEEP_EVERY == 1:
        _sweep(folder)


@contextmanager
def turn_of(folder, key):
    """Where one process compiles a program, while others that need it wait here.

    The workers of a search begin at once and with the same network: without turns, each would
    compile it before the first one has written it. The system ends the turn of a process that dies.
    Nothing but time is lost where two have their turn at once, as on a disk that knows no locks.
    """
    path, file = folder / f"{key}{LOCK}", None
    with suppress(OSError):
        file = open(path, "ab", opener=_opened_for_this_user)  # noqa: SIM115
    if file is None:  # as where the folder has been removed
        yield
        return
    with file:
        end = time.monotonic() + WAITING_SECONDS
        while _is_locked_by_another(file) and time.monotonic() < end:
            time.sleep(ASKING_SECONDS)
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
                fcntl.flock(file, fcntl.LOCK_UN)  # closing would not end it in a forked child


def _is_locked_by_another(file):
    """Lock a file, or tell that another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # of a disk that knows no locks
        return False
    return False


def _start_of(key, packed):
    """What a file begins with, by which it is known to be complete and of this key."""
    return _START + hashlib.sha256(key.encode() + packed).digest()


def _opened_for_this_user(path, flags):
    return os.open(path, flags, 0o600)


def _sweep(folder):
    """Remove what killed processes left, and the oldest programs where they are too many."""
    now, found = time.time(), []
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):  # removed by another process meanwhile
                status = entry.stat(follow_symlinks=False)
                if entry.name.endswith((PART, LOCK)) and now - status.st_mtime > ABANDONED_SECONDS:
                    os.unlink(entry.path)
                elif entry.name.endswith(SUFFIX):
                    found.append((status.st_mtime, status.st_size, entry.path))
    n_bytes = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if n_bytes <= MAX_BYTES:
            return
        with suppress(OSError):
            os.unlink(path)
            n_bytes -= size


def note(what):
    """Count that a program was "compiled", "loaded" or "written"."""
    with _lock:
        _counts[what] += 1


def info():
    """How many programs were compiled here, loaded from the folder, and written to it."""
    with _lock:
        return {what: _counts[what] for what in ("compiled", "loaded", "written")}


def forget_counts():
    """Count anew."""
    with _lock:
        _counts.clear()
