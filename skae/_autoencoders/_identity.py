"""Which fit a checkpoint is of: its class, parameters, data and versions."""

from importlib import metadata
from numbers import Real

import numpy as np

from .._data.digests import digests
from .._data.validation import short
from .._engine import Solver, content_digest
from .._version import __version__

WITHOUT_EFFECT = frozenset({"checkpoint", "devices", "verbose", "random_state"})
"""Parameters that are not compared. The seed that `random_state` gave is compared instead. On
other devices a fit goes on, because there it differs by rounding alone, and the ones it had may be
lost."""

PACKAGES = ("keras", "jax", "jaxlib", "numpy", "scipy")
"""Those on whose versions the bits of a fit may depend."""

ANY = "any"
"""What stands for the seed where a new fit would draw one."""


def identity(estimator, rows, start, seed, devices):
    """What a fit is of, as texts, by which the same fit is known in another process.

    Parameters
    ----------
    estimator : BaseAutoencoder
    rows : TrainingSet
        The arguments of the fit.
    start : BaseAutoencoder or None
        The earlier fit that this one goes on from.
    seed : int or None
        None where any will do.
    devices : Devices
        Of several processes, each tells the digests of its share.

    Returns
    -------
    identity : dict of str to dict of str to list
        By kind and name, what is shown of it and its digest.

    Raises
    ------
    TypeError
        If a parameter cannot be compared with that of another process.
    """
    return {
        "versions": {name: [version, version] for name, version in versions().items()},
        "fit": {
            "estimator": [type(estimator).__name__] * 2,
            "random_state": ["a seed", ANY if seed is None else str(seed)],
            "start": ["an earlier fit" if start else "none", content_digest(learned(start))],
        },
        "params": {
            name: [short(getattr(estimator, name)), digest]
            for name, digest in parameter_digests(estimator).items()
        },
        "data": {
            **{name: list(texts) for name, texts in _of_shares(digests(rows), devices)},
            "columns": ["of categories", content_digest(_described(estimator._table))],
        },
    }


def parameter_digests(estimator):
    """Digests of the parameters that are compared, by name.

    Raises
    ------
    TypeError
        If there is none of a parameter that would be the same in another process.
    """
    params = sorted(estimator.get_params(deep=False).items())
    return {name: _digest(name, value) for name, value in params if name not in WITHOUT_EFFECT}


def _of_shares(texts, devices):
    """Yield what the digests of all processes are of, and themselves."""
    for number, own in enumerate(devices.gathered(texts)):
        for name, value in own.items():
            yield name if devices.n_processes == 1 else f"{name} of process {number}", value


def versions():
    """Versions of skae and of `PACKAGES`, by name."""
    return {"skae": __version__, **{name: metadata.version(name) for name in PACKAGES}}


def learned(start):
    """What an earlier fit hands on."""
    if start is None:
        return None
    network, slots = start._network, start._slots
    arrays = network.trainable, network.fixed, slots and slots.arrays
    numbers = start._seed, start.n_iter_, start.alpha_, start.history_
    return arrays, numbers, network.constants


def _described(table):
    return None if table is None else vars(table)


def _digest(name, value):
    try:
        if name == "solver":
            solver = Solver(value)
            return content_digest((solver.key, solver.step_size(None)))
        return content_digest(_plain(value))
    except TypeError as error:
        raise TypeError(
            "A fit with a checkpoint, or in several processes, needs parameters that can be "
            f"compared in another process, but of {name}={value!r} {error}. Take another one, or "
            "checkpoint=None and devices=None."
        ) from error


def _plain(value):
    """Numbers of all types, and lists and tuples, in one form: a search may give another."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def differences(content, now):
    """What of a fit is not as it was, as texts; versions alone if those differ.

    Parameters
    ----------
    content : dict
        Of a checkpoint.
    now : dict
        From `identity`.
    """
    earlier = content["identity"]
    if texts := _changes(earlier.get("versions", {}), now["versions"]):
        return texts
    texts = [
        text
        for kind in ("fit", "params", "data")
        for text in _changes(earlier.get(kind, {}), now[kind])
    ]
    if now["fit"]["random_state"][1] not in (ANY, str(content["seed"])):
        texts.append("random_state gives another seed")
    return texts


def _changes(earlier, now):
    """What differs in one kind of texts."""
    texts = []
    for name in sorted({*earlier, *now} - {"random_state"}):
        (shown, digest), (now_shown, now_digest) = (
            part.get(name, ["not given", None]) for part in (earlier, now)
        )
        if digest == now_digest:  # what is shown of a function has its place in memory
            continue
        if shown != now_shown:
            texts.append(f"{name} was {shown} and is {now_shown}")
        else:
            texts.append(f"{name} ({shown}) has another content")
    return texts
