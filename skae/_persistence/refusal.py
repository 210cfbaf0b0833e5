"""How what a file says is refused."""

import json
import math

EXCERPT = 60
"""Characters of what a file says that a message shows."""


class UnusableError(Exception):
    """What is wrong with a file; `load` adds its name."""


def excerpt(form):
    """The beginning of a JSON form, for messages."""
    text = ""
    # Piece by piece, because a form may be as large as the file.
    for piece in json.JSONEncoder(default=repr).iterencode(form):
        text += piece
        if len(text) > EXCERPT:
            return text[: EXCERPT - 3] + "..."
    return text


def check_whole(value, name, low, high=math.inf):
    """Return a value that must be a whole number within bounds."""
    if type(value) is not int or not low <= value <= high:
        raise UnusableError(f"{name} is {excerpt(value)}.")
    return value


def is_plain(dtype):
    """Whether arrays of a type hold numbers, as files do."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8
