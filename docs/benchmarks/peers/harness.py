"""The measuring harness: contenders in fresh processes, in turns."""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from peers.instruments import seconds_elsewhere
from peers.job import Job

SEARCH_PATH = str(Path(__file__).resolve().parents[1])
"""Folder from which a fresh process imports this package."""

STARTED = "PEERS_STARTED"
"""Environment variable with the system's monotonic clock when the process was started."""

TIME_LIMIT = 3 * 3600
"""Seconds after which a contender is given up."""


@dataclass(frozen=True)
class Contender:
    """One of those who are measured.

    Parameters
    ----------
    name : str
        Its name in the tables.
    module : str
        The module of `peers.contenders` that knows its library.
    packages : tuple of str
        What it imports; where one is not installed, the contender is left out.
    env : dict of str to str
        Environment variables of its processes.
    arguments : dict
        Arguments of the measured function that are this contender's own.
    max_repetitions : int or None
        Repetitions of a contender that is too slow for more.
    """

    name: str
    module: str
    packages: tuple = ()
    env: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)
    max_repetitions: int | None = None

    def variant(self, suffix, **changes):
        """The same contender under another name, with changes."""
        return replace(self, name=f"{self.name}, {suffix}", **changes)

    def missing(self):
        """Those of its packages that are not installed."""
        return [name for name in self.packages if find_spec(name) is None]

    def load(self):
        """Import its module, which imports what a user's script would import."""
        return import_module(f"peers.contenders.{self.module}")

    def load_all(self):
        """Import its module and the packages that it would import later."""
        for name in self.packages:
            import_module(name)
        return self.load()


@dataclass(frozen=True)
class Case:
    """One comparison: a function that each contender runs in a process of its own.

    Parameters
    ----------
    name : str
    function : callable
        Called in the fresh process as ``function(contender, job, **arguments)``; returns figures by
        name.
    contenders : tuple of Contender
        The first is the one that the others are divided by.
    job : Job or None
        Its seed becomes the repetition's number.
    arguments : dict
    figure : str
        The figure that is compared.
    operations : float or None
        Floating-point operations of the matrix products behind the figure, which is then a time.
    warm_up : bool
        Whether a first round is thrown away, which fills caches.
    """

    name: str
    function: Callable
    contenders: tuple
    job: Job | None = None
    arguments: dict = field(default_factory=dict)
    figure: str = "seconds"
    operations: float | None = None
    warm_up: bool = False


class ContenderError(Exception):
    """A contender's process failed; the message says why."""


def measure(case, repetitions, report):
    """Measure a case, the contenders taking turns.

    Parameters
    ----------
    case : Case
    repetitions : int
    report : callable
        Called with a line of text after each process.

    Returns
    -------
    record : dict
        ``rounds`` has a list of figures for each contender, ``left_out`` the reasons of the others.
    """
    left_out = {
        contender.name: f"{', '.join(missing)} not installed"
        for contender in case.contenders
        if (missing := contender.missing())
    }
    rounds = {}
    for number in range(-1 if case.warm_up else 0, repetitions):
        for contender in _taking_part(case, number, left_out):
            start, elsewhere = time.monotonic(), seconds_elsewhere()
            try:
                figures = run_fresh(case, contender, number)
            except ContenderError as error:
                left_out[contender.name] = str(error)
                report(f"{case.name}: {contender.name} left out: {error}")
                continue
            elapsed = time.monotonic() - start
            figures["cores_elsewhere"] = (seconds_elsewhere() - elsewhere) / elapsed
            if number >= 0:
                rounds.setdefault(contender.name, []).append(figures)
            report(f"{case.name}: {contender.name}, round {number + 1}: {json.dumps(figures)}")
    return {
        "case": case.name,
        "figure": case.figure,
        "operations": case.operations,
        "rounds": rounds,
        "left_out": left_out,
    }


def _taking_part(case, number, left_out):
    """The contenders of a round; one may be left out while the round runs."""
    for contender in case.contenders:
        limit = contender.max_repetitions
        if contender.name not in left_out and (limit is None or number < limit):
            yield contender


def run_fresh(case, contender, number):
    """Run the function of a case in a new process and return its figures.

    Raises
    ------
    ContenderError
        If the process fails or takes too long.
    """
    job = case.job and replace(case.job, seed=max(number, 0))
    request = pickle.dumps((case.function, contender, job, case.arguments | contender.arguments))
    path = os.pathsep.join(filter(None, (SEARCH_PATH, os.environ.get("PYTHONPATH"))))
    env = os.environ | contender.env | {"PYTHONPATH": path, STARTED: repr(time.monotonic())}
    try:
        process = subprocess.run(
            [sys.executable, "-P", "-m", "peers.worker"],
            input=request,
            capture_output=True,
            env=env,
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise ContenderError(f"took more than {TIME_LIMIT} s") from None
    if process.returncode < 0:
        raise ContenderError(f"ended by signal {-process.returncode}")
    if process.returncode:
        raise ContenderError(process.stderr.decode(errors="replace").strip().splitlines()[-1])
    return json.loads(process.stdout.splitlines()[-1])
