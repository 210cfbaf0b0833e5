"""Event files of TensorBoard, of scalars alone, without TensorFlow.

A file is a sequence of records, each with its length and two checksums [1]_. A record is an `Event`
in the wire format of protocol buffers [2]_. These few fields are written by hand, because the
packages that write them bring a web server or a deep learning framework.

References
----------
.. [1] https://www.tensorflow.org/tutorials/load_data/tfrecord
.. [2] https://protobuf.dev/programming-guides/encoding
"""

import struct

VERSION = "brain.Event:2"
"""What the first event of a file says."""

POLYNOMIAL = 0x82F63B78
"""Of the checksum CRC-32C (Castagnoli), its bits reversed; `zlib.crc32` has another one."""

MASK = 0xA282EAD8
"""Added to a rotated checksum, as the format asks for."""


def _table():
    table = []
    for entry in range(256):
        for _ in range(8):
            entry = (entry >> 1) ^ (POLYNOMIAL if entry & 1 else 0)
        table.append(entry)
    return table


_TABLE = _table()


def checksum(data):
    """CRC-32C of bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked_checksum(data):
    """Checksum as a record has it, in little-endian bytes."""
    crc = checksum(data)
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + MASK) & 0xFFFFFFFF)


def record(event):
    """The record of an event: length, its checksum, event, its checksum."""
    length = struct.pack("<Q", len(event))
    return length + masked_checksum(length) + event + masked_checksum(event)


def version_event(seconds):
    """The first event of a file, written at a time in seconds since 1970."""
    return _double(1, seconds) + _bytes(3, VERSION.encode())


def scalars_event(seconds, step, values):
    """The event of a step with its values, a dict of str to float."""
    summary = b"".join(
        _bytes(1, _bytes(1, tag.encode()) + _key(2, 5) + struct.pack("<f", value))
        for tag, value in values.items()
    )
    return _double(1, seconds) + _key(2, 0) + _varint(step) + _bytes(5, summary)


def _key(field, wire_type):
    return _varint(field << 3 | wire_type)


def _varint(number):
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _double(field, value):
    return _key(field, 1) + struct.pack("<d", value)


def _bytes(field, content):
    return _key(field, 2) + _varint(len(content)) + content
