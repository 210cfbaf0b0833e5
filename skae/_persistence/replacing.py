"""Files that appear under their name only when they are complete."""

import glob
import hashlib
import os
import secrets
import stat
from contextlib import suppress

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

PART = ".skae-part"
"""How the names of files end that are being written."""

LONGEST_STEM = 200
"""Bytes of a name to which a part's own ending is added: most file systems allow 255."""


def write_whole(path, write):
    """Write a file under another name, and rename it when it is on the disk.

    Parameters
    ----------
    path : str
        Without symbolic links.
    write : callable
        Called with the file, open for writing.

    Raises
    ------
    OSError
        If there is something else than a file at `path`, or it cannot be written.
    """
    exists = os.path.exists(path)
    if exists and not os.path.isfile(path):
        raise OSError(f"{path!r} is no regular file, which could be replaced.")
    folder, name = os.path.split(path)
    remove_abandoned(folder, name)
    file = open_part(folder, name)
    temporary = file.name
    try:
        with file:
            if exists:
                os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:  # while the lock is held
                os.replace(temporary, path)
        if fcntl is None:  # Windows renames no file that is open
            os.replace(temporary, path)
        sync_folder(folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def open_part(folder, name):
    """A new file beside the one of that name, open and locked."""
    while True:
        part = f".{_stem(name)}.{secrets.token_hex(4)}{PART}"
        file = open(os.path.join(folder, part), "xb")  # noqa: SIM115
        # Another call may take it for abandoned before it is locked: then it has the lock, or the
        # file is gone.
        if is_locked(file) and os.path.exists(file.name):
            return file
        file.close()


def _stem(name):
    """What the parts of a file have in their names: its own, unless it is too long for more."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= LONGEST_STEM else hashlib.sha256(encoded).hexdigest()


def remove_abandoned(folder, name):
    """Remove what earlier calls left of a file when they were killed.

    A call that still runs holds a lock on its part.
    """
    parts = os.path.join(glob.escape(folder), f".{glob.escape(_stem(name))}.*{PART}")
    for part in glob.glob(parts):
        with suppress(OSError), open(part, "rb") as file:
            if is_locked(file):
                os.unlink(part)


def is_locked(file):
    """Lock a file for as long as it is open; returns whether that was possible.

    Windows has no such locks, but deletes no file that is open.
    """
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sync_folder(folder):
    """Have a new name written to the disk, where folders can be synchronised."""
    with suppress(OSError):
        opened = os.open(folder or os.curdir, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
