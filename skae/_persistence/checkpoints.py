"""Files of fits that are under way, in the archive that `save` writes too: data and no code."""

import dataclasses
import json

import numpy as np

from .._engine import Progress
from .._version import __version__
from .archive import FORMAT, Archive, write_archive
from .file_format import Reader, Writer
from .refusal import UnusableError, excerpt

KINDS = {"identity": dict, "seed": int, "alpha": (float, type(None)), "trainings": dict}
"""What a checkpoint holds, and its types."""


def write_checkpoint(path, content):
    """Write what a fit has reached, as `save` writes an estimator.

    Parameters
    ----------
    path : str
    content : dict
        Values of `KINDS`; the trainings are `Progress` objects by name.

    Raises
    ------
    OSError
        If the file cannot be written. What was there before stays.
    """
    trainings = {name: _fields(progress) for name, progress in content["trainings"].items()}
    writer = Writer("The checkpoint")
    form = writer.encode({**content, "trainings": trainings}, "checkpoint")
    document = {"format": FORMAT, "skae": __version__, "checkpoint": form}
    write_archive(path, json.dumps(document, allow_nan=False, indent=1), writer.arrays)


def read_checkpoint(path):
    """What `write_checkpoint` wrote.

    Raises
    ------
    UnusableError
        If the file is not one that it wrote.
    FileNotFoundError
        If there is no such file.
    """
    with open(path, "rb") as file:
        archive = Archive(file)
        arrays = [archive.read(number) for number in range(len(archive.stored))]
    document = archive.document
    if "checkpoint" not in document:
        raise UnusableError("it holds an estimator and no checkpoint.")
    content = Reader(arrays, {}).decode(document["checkpoint"])
    if not isinstance(content, dict) or set(content) != set(KINDS):
        raise UnusableError(f"skae writes no checkpoint like {excerpt(document['checkpoint'])}.")
    for name, kind in KINDS.items():
        if not isinstance(content[name], kind):
            raise UnusableError(f"its {name} is {content[name]!r}.")
    trainings = {name: _progress(fields) for name, fields in content["trainings"].items()}
    return {**content, "trainings": trainings}


def _fields(progress):
    """A `Progress` as a dict, its curves as arrays: text would take many times as long."""
    fields = {field.name: getattr(progress, field.name) for field in dataclasses.fields(progress)}
    return {**fields, "history": {name: np.array(c) for name, c in progress.history.items()}}


def _progress(fields):
    try:
        history = {name: array.tolist() for name, array in fields["history"].items()}
        progress = Progress(**{**fields, "history": history})
        sound = (
            _are_arrays(progress.slots)
            and _are_weights(progress.weights)
            and (progress.best_weights is None or _are_weights(progress.best_weights))
            and _are(progress.rates, float, int)
            and _are(progress.rule, float, int)
            and _are(progress.losses, (float, int), int)
            and _are((progress.n_epochs, progress.n_passes), int, int)
            and isinstance(progress.ended, bool)
            and all(_are(curve, *[float] * len(curve)) for curve in history.values())
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise UnusableError(f"it does not say what a training has reached ({error}).") from error
    if not sound:
        raise UnusableError("it says of a training what no training reaches.")
    return progress


def _are(values, *kinds):
    return len(values) == len(kinds) and all(map(isinstance, values, kinds))


def _are_arrays(values):
    return isinstance(values, list) and all(isinstance(value, np.ndarray) for value in values)


def _are_weights(values):
    return _are(values, list, list) and all(map(_are_arrays, values))
