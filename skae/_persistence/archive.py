"""The archive of an estimator: a zip file of a JSON document and of arrays.

It holds ``skae.json``, which describes the estimator, and ``0.npy``, ``1.npy``, ... , its arrays;
all stored uncompressed. Any tool that knows zip, JSON and NumPy's format can read it.
"""

import glob
import io
import json
import math
import os
import secrets
import stat
import struct
import tokenize
import zipfile
import zlib
from contextlib import suppress

import numpy as np

from .checks import UnusableError, excerpt, is_plain

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

FORMAT = 4
"""Version of the files; a file of another one is refused."""

DOCUMENT = "skae.json"

PART = ".skae-part"
"""How the names of files end that are being written."""

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)
"""What the readers of zip, JSON and NumPy's format raise on what is not of that format."""


def write_archive(path, document, arrays):
    """Write a file under another name, and rename it when it is on the disk.

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
            with zipfile.ZipFile(file, "w") as archive:
                with archive.open(_member(DOCUMENT), "w") as member:
                    member.write(document.encode())
                for number, array in enumerate(arrays):
                    large = array.nbytes > 2**30
                    with archive.open(_member(f"{number}.npy"), "w", force_zip64=large) as member:
                        np.lib.format.write_array(member, array, (1, 0), allow_pickle=False)
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
        file = open(os.path.join(folder, f".{name}.{secrets.token_hex(4)}{PART}"), "xb")  # noqa: SIM115
        is_locked(file)
        if os.path.exists(file.name):  # else another call took it for abandoned before the lock
            return file
        file.close()


def remove_abandoned(folder, name):
    """Remove what earlier calls left of a file when they were killed.

    A call that still runs holds a lock on its part.
    """
    parts = os.path.join(glob.escape(folder), f".{glob.escape(name)}.*{PART}")
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


def _member(name):
    """A member of the archive whose date is always the same, as are then the file's bytes."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def parse_archive(content):
    """The document and the arrays in the bytes of a file."""
    if not content.startswith(b"PK"):
        raise UnusableError(f"it is not a zip file, but starts with {content[:8]!r}.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            n_arrays = _check_members(archive.infolist(), len(content))
            document = json.loads(archive.read(DOCUMENT), parse_constant=_refuse_constant)
            _check_version(document)
            arrays = [_read_array(archive, f"{number}.npy") for number in range(n_arrays)]
    except DAMAGE as error:
        raise UnusableError(f"it is damaged or incomplete ({error}).") from error
    return document, arrays


def _check_members(members, size):
    """The number of arrays in the archive, which holds them, the document, and nothing else."""
    names = [member.filename for member in members]
    expected = [DOCUMENT, *(f"{number}.npy" for number in range(len(names) - 1))]
    found = set(names)
    if missing := [name for name in expected if name not in found]:
        other = sorted(found.difference(expected))
        raise UnusableError(
            f"the member {missing[0]!r} is missing; others found: {excerpt(other)}."
        )
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise UnusableError("its members are compressed, which skae's are not.")
    if sum(member.file_size for member in members) > size:
        raise UnusableError("its members overlap.")
    return len(names) - 1


def _check_version(document):
    version = document.get("format") if isinstance(document, dict) else None
    if type(version) is not int or version != FORMAT:
        writer = document.get("skae") if isinstance(document, dict) else None
        raise UnusableError(
            f"it has format version {excerpt(version)}, written by skae {excerpt(writer)}; this "
            f"skae reads version {FORMAT}."
        )


def _refuse_constant(name):
    raise ValueError(f"{name} in {DOCUMENT}")


def _read_array(archive, name):
    """An array of numbers whose size is checked before memory is taken."""
    content = io.BytesIO(archive.read(name))
    if np.lib.format.read_magic(content) != (1, 0):
        raise UnusableError(f"{name!r} is not an array in NumPy's format 1.0.")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    n_bytes = content.getbuffer().nbytes - content.tell()
    if not is_plain(dtype) or math.prod(shape) * dtype.itemsize != n_bytes:
        raise UnusableError(f"{name!r} says {dtype} of shape {shape}, but holds {n_bytes} bytes.")
    content.seek(0)
    array = np.lib.format.read_array(content, allow_pickle=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
