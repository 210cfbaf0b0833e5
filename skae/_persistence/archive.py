"""The archive of an estimator: a zip file of a JSON document and of arrays.

It holds ``skae.json``, which describes the estimator, and ``0.npy``, ``1.npy``, ... , its arrays;
all stored uncompressed. Any tool that knows zip, JSON and NumPy's format can read it.

Reading does not go through `zipfile` and `numpy.load`: those take memory and time for what a file
says, before it can be compared with what the file has.
"""

import json
import math
import os
import re
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np

from .refusal import UnusableError, excerpt
from .replacing import write_whole

FORMAT = 4
"""Version of the files that are written."""

READABLE = (4,)
"""Versions of the files that are read: those of all releases of skae's major version and of the one
before."""

DOCUMENT = "skae.json"

MOST_ARRAYS = 10_000
"""Most arrays of a file; those of hundreds of layers and their solver are fewer. Each takes some
microseconds before it can be compared with anything."""

MOST_BYTES, MOST_COST = 2**25, 2**27
"""Most bytes of a document, and of memory that reading it may take. About a million names of
features or categories fit in."""


# Writing


def write_archive(path, document, arrays):
    """Write a file, which appears under its name when it is complete.

    Raises
    ------
    OSError
        If there is something else than a file at `path`, or it cannot be written.
    ValueError
        If the file would be one that is not read.
    """
    content = document.encode()
    if len(content) > MOST_BYTES or cost(document) > MOST_COST or len(arrays) > MOST_ARRAYS:
        raise ValueError(
            f"A file holds at most {MOST_ARRAYS} arrays, and about a million names of features, "
            f"categories and classes; got {len(arrays)} arrays and {len(content)} bytes of names "
            "and numbers. Pickle keeps any number."
        )

    def write(file):
        with zipfile.ZipFile(file, "w") as archive:
            with archive.open(_member(DOCUMENT), "w") as member:
                member.write(content)
            for number, array in enumerate(arrays):
                large = array.nbytes > 2**30
                with archive.open(_member(f"{number}.npy"), "w", force_zip64=large) as member:
                    np.lib.format.write_array(member, array, (1, 0), allow_pickle=False)

    write_whole(path, write)


def _member(name):
    """A member of the archive whose date is always the same, as are then the file's bytes."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


# Reading: the zip file


@dataclass(frozen=True)
class Member:
    """A member of a zip file.

    Parameters
    ----------
    name : str
    start, size : int
        Where its bytes are in the file.
    checksum : int
    """

    name: str
    start: int
    size: int
    checksum: int


END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
"""Records of a zip file: its end, that of large ones; an entry of the directory, and what stands in
front of each member. See PKWARE's APPNOTE.TXT, section 4.3."""

LOCATOR_SIZE = 20
"""Bytes between the two ends of a large file, which say where the first one is."""

MOST_OF_ENTRY = 512
"""Most bytes of an entry of the directory; those of skae's names are fewer than 100."""

UNKNOWN = 2**32 - 1
"""A size or place that is too large for its field, and stands elsewhere."""


def members_of(file):
    """The members by name of a zip file that stores them one after the other, uncompressed.

    They are the document, the arrays, and nothing else.
    """
    size = file.seek(0, os.SEEK_END)
    head = _bytes(file, 0, min(size, 8))
    if not head.startswith(b"PK\3\4"):
        raise UnusableError(f"it is not a zip file, but starts with {head!r}.")
    count, length, start, end = _directory(file, size)
    if count > MOST_ARRAYS + 1 or length > MOST_OF_ENTRY * count or start + length != end:
        raise _damaged("the directory of the zip file has another size or place")
    entries = sorted(_entries(_bytes(file, start, length), count))
    _check_names([entry[-1] for entry in entries])
    ends = [entry[0] for entry in entries[1:]] + [start]
    return {
        name: _member_at(file, name, at, end, n_bytes, checksum)
        for (at, n_bytes, checksum, name), end in zip(entries, ends, strict=True)
    }


def _member_at(file, name, at, end, n_bytes, checksum):
    """A member of which the directory says where it is, and where the next one is."""
    signature, *_, n, m = LOCAL.unpack(_bytes(file, at, LOCAL.size))
    begin = at + LOCAL.size + n + m
    if signature != b"PK\3\4" or begin + n_bytes > end:
        raise _damaged("its members overlap")
    return Member(name, begin, n_bytes, checksum)


def _directory(file, size):
    """Number of entries of the directory, its length, its start, and where it must end."""
    end = size - END.size
    if end < 0:
        raise _damaged("it has no end of a zip file")
    signature, disk, _, here, count, length, start, comment = END.unpack(
        _bytes(file, end, END.size)
    )
    if signature != b"PK\5\6" or disk or here != count or comment:
        raise _damaged("it has no end of a zip file")
    at = end - LOCATOR_SIZE - END_64.size
    if at > 0 and _bytes(file, end - LOCATOR_SIZE, 4) == b"PK\6\7":  # of a large file
        signature, *_, count, length, start = END_64.unpack(_bytes(file, at, END_64.size))
        if signature != b"PK\6\6":
            raise _damaged("it has no end of a large zip file")
        end = at
    return count, length, start, end


def _entries(directory, count):
    """Yield place, size, checksum and name of each entry of a directory."""
    at = 0
    for _ in range(count):
        if at + ENTRY.size > len(directory):
            raise _damaged("its directory is cut off")
        signature, _, _, flags, method, _, _, checksum, packed, size, n, m, k, *_, place = (
            ENTRY.unpack_from(directory, at)
        )
        at += ENTRY.size
        name, extra = directory[at : at + n], directory[at + n : at + n + m]
        at += n + m + k
        if signature != b"PK\1\2" or at > len(directory):
            raise _damaged("its directory is cut off")
        if method != zipfile.ZIP_STORED or flags & 1:
            raise UnusableError("its members are compressed, which skae's are not.")
        size, packed, place = _sizes_64(extra, size, packed, place)
        if size != packed:
            raise _damaged("a member has two sizes")
        yield place, size, checksum, name.decode("utf-8", "replace")


def _sizes_64(extra, *fields):
    """Sizes and place of an entry, those that are too large for their field from its appendix."""
    if UNKNOWN not in fields:
        return fields
    n_unknown = fields.count(UNKNOWN)
    if len(extra) < 4 + 8 * n_unknown or extra[:2] != b"\1\0":
        raise _damaged("the size of a member is unknown")
    large = iter(struct.unpack_from(f"<{n_unknown}Q", extra, 4))
    return tuple(next(large) if field == UNKNOWN else field for field in fields)


def _bytes(file, start, count):
    if start >= 2**62:  # which no system seeks
        raise _damaged("it ends too early")
    file.seek(start)
    found = file.read(count)
    if len(found) != count:
        raise _damaged("it ends too early")
    return found


def _damaged(reason):
    return UnusableError(f"it is damaged or incomplete ({reason}).")


# Reading: what skae writes into it


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, of which type and shape are known.

    Parameters
    ----------
    member : Member
    header : bytes
    dtype : numpy.dtype
    shape : tuple of int
    is_fortran : bool
        Whether the first index varies fastest.
    """

    member: Member
    header: bytes
    dtype: np.dtype
    shape: tuple
    is_fortran: bool

    @property
    def n_bytes(self):
        """Bytes of its numbers."""
        return self.member.size - len(self.header)

    @property
    def promise(self):
        """An array of this type and shape that takes no memory; its numbers say nothing."""
        native = self.dtype.newbyteorder("=")
        return np.broadcast_to(np.zeros((), native), self.shape)

    def read(self, file):
        """The array."""
        file.seek(self.member.start + len(self.header))
        array = np.empty(self.shape, self.dtype, order="F" if self.is_fortran else "C")
        numbers = array.reshape(-1, order="A").view(np.uint8)  # a view of all of them
        if file.readinto(memoryview(numbers)) != self.n_bytes:
            raise _damaged("it ends too early")
        if zlib.crc32(numbers, zlib.crc32(self.header)) != self.member.checksum:
            raise _damaged(f"the checksum of {self.member.name!r} is another")
        if self.dtype == bool and numbers.size and numbers.max() > 1:
            # NumPy counts what is true by adding bytes, and would write beyond an array's end.
            raise _damaged(f"{self.member.name!r} holds what is neither true nor false")
        return array.astype(array.dtype.newbyteorder("="), copy=False)


class Archive:
    """A file of `save`, of which no more is read than what is asked for.

    Parameters
    ----------
    file : binary file
        Open for reading, and seekable.

    Attributes
    ----------
    document : dict
        Of a version that this skae reads.
    stored : list of StoredArray
    """

    def __init__(self, file):
        self._file = file
        members = members_of(file)
        self.document = self._document(members[DOCUMENT])
        numbers = range(len(members) - 1)
        self.stored = [self._stored(members[f"{number}.npy"]) for number in numbers]

    def read(self, number):
        """The array of that number."""
        return self.stored[number].read(self._file)

    def _document(self, member):
        if member.size > MOST_BYTES:
            raise UnusableError(f"its {DOCUMENT} has {member.size} bytes, more than {MOST_BYTES}.")
        content = _bytes(self._file, member.start, member.size)
        if zlib.crc32(content) != member.checksum:
            raise _damaged(f"the checksum of {DOCUMENT!r} is another")
        try:
            text = content.decode()
            if cost(text) > MOST_COST:
                raise UnusableError(f"its {DOCUMENT} holds too many names and numbers.")
            document = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise _damaged(error) from error
        _check_version(document)
        return document

    def _stored(self, member):
        start = _bytes(self._file, member.start, min(member.size, len(MAGIC) + 2))
        length = int.from_bytes(start[len(MAGIC) :], "little")
        header = start + _bytes(self._file, member.start + len(start), length)
        found = HEADER.fullmatch(header[len(MAGIC) + 2 :])
        if not start.startswith(MAGIC) or found is None or len(header) > member.size:
            raise _damaged(f"{member.name!r} is not an array in NumPy's format 1.0")
        kind, order, numbers = (text.decode() for text in found.groups())
        shape = tuple(int(number) for number in numbers.split(",") if number.strip())
        dtype = np.dtype(kind) if PLAIN.fullmatch(kind) else None
        n_bytes = member.size - len(header)
        if dtype is None or len(shape) > 32 or math.prod(shape) * dtype.itemsize != n_bytes:
            raise UnusableError(
                f"{member.name!r} says {kind} of shape {shape}, but holds {n_bytes} bytes."
            )
        return StoredArray(member, header, dtype, shape, order == "True")


MAGIC = np.lib.format.magic(1, 0)
"""What arrays start with; the length of their header follows, in two bytes."""

HEADER = re.compile(
    rb"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,400})\), \}"
    rb" *\n"
)
"""The header of an array, as NumPy writes it."""

PLAIN = re.compile(r"[|<>](b1|[iu][1248]|f[248])")
"""Types of numbers that files hold."""


def cost(text):
    """Bytes of memory that a JSON text may take as values, about and at most.

    Most are those of lists and dicts, which may be as short as ``[],``; and of numbers and strings.
    """
    containers = 100 * text.count("[") + 600 * text.count("{")
    return containers + 80 * text.count(",") + 2 * sys.getsizeof(text)


def _check_names(names):
    """Refuse members that are not the document, the arrays, and nothing else."""
    expected = [DOCUMENT, *(f"{number}.npy" for number in range(len(names) - 1))]
    found = set(names)
    if missing := [name for name in expected if name not in found]:
        other = sorted(found.difference(expected))
        raise UnusableError(
            f"the member {missing[0]!r} is missing; others found: {excerpt(other)}."
        )


def _check_version(document):
    version = document.get("format") if isinstance(document, dict) else None
    if type(version) is not int or version not in READABLE:
        writer = document.get("skae") if isinstance(document, dict) else None
        raise UnusableError(
            f"it has format version {excerpt(version)}, written by skae {excerpt(writer)}; this "
            f"skae reads version {', '.join(map(str, READABLE))}."
        )


def _refuse_constant(name):
    raise ValueError(f"{name} in {DOCUMENT}")
