"""Memory of a process over many fits and transforms, and what is compiled meanwhile."""

import gc
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from .subjects import NAMES, bits, data, subject
from .tally import Tally

PROMISE = (
    "under 5 KB a fit of one network; bounded over fits of new ones; nothing a transform; no "
    "compilation after the first fit of a network, or after the first transforms"
)

CHILD = """
import json, sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
from reliability import growth
print(json.dumps(getattr(growth, sys.argv[2])(int(sys.argv[3]))))
"""

KB_A_FIT, KB_A_TRANSFORM = 5.0, 0.01
"""Most growth of memory. That of a transform is a hundredth of a page for one of 2,400 numbers: a
MB over 100,000 calls, which is what allocators hold in another way from time to time."""

LATE_OVER_EARLY = 0.1
"""Growth over the last half of the fits of new networks, relative to that over the first sixth, in
which the cache of programs fills."""

FEWEST = 200
"""Fits below which a slope is that of allocators rather than of what is kept."""


def campaign(n_fits=1000, n_networks=500, n_transforms=100_000, n_refits=20, seed=0):
    """Fit and transform over and over, each kind in a process of its own."""
    tally = Tally()
    judge_fits(measured("fits", n_fits), n_fits, tally)
    judge_networks(measured("networks", n_networks), n_networks, tally)
    judge_transforms(measured("transforms", n_transforms), n_transforms, tally)
    for name, n_compiled in measured("refits", n_refits).items():
        judged(n_compiled == 0, f"{n_refits} refits of {name}", f"{n_compiled} compilations", tally)
    return tally


def measured(kind, number):
    """What a function of this module gives in a new process."""
    above = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", CHILD, above, kind, str(number)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def judge_fits(found, n_fits, tally):
    """One network, again and again."""
    case = f"{n_fits:,} fits of one network"
    judged(found["compiled"] == 0, case, f"{found['compiled']} compilations", tally)
    if n_fits >= FEWEST:
        judged(found["kb"] < KB_A_FIT, case, f"{found['kb']:.2g} KB a fit", tally)


def judge_networks(found, n_networks, tally):
    """New networks: the cache of programs is full at some time, and then memory rests."""
    case = f"{n_networks:,} fits of new networks"
    judged(found["held"] <= found["most"], case, f"{found['held']} programs held", tally)
    if n_networks >= FEWEST:
        figure = f"{found['early']:.3g} KB a fit at first, {found['late']:.3g} KB in the end"
        judged(found["late"] <= LATE_OVER_EARLY * found["early"], case, figure, tally)


def judge_transforms(found, n_transforms, tally):
    """Rows of any number."""
    case = f"{n_transforms:,} transforms of 1 to 5,000 rows"
    judged(found["compiled"] == 0, case, f"{found['compiled']} compilations", tally)
    judged(found["kb"] < KB_A_TRANSFORM, case, f"{found['kb']:.2g} KB a transform", tally)


def judged(holds, case, figure, tally):
    """Note a figure, as a fault where it is too large."""
    if holds:
        tally.note(f"{case}: {figure}")
    else:
        tally.fault("growth", f"{case}: {figure}")


# In the child process


class Compilations:
    """Counts what JAX compiles, by whomever."""

    EVENT = "/jax/core/compile/backend_compile_duration"

    def __init__(self):
        import jax

        self.number = 0
        jax.monitoring.register_event_duration_secs_listener(self._count)

    def _count(self, event, seconds, **_):
        self.number += event == self.EVENT


class Memory:
    """Readings of the memory of this process, in KB."""

    def __init__(self):
        self._places, self._sizes = [], []

    def read(self, place):
        """Read what is in use after as many calls as `place` says."""
        from peers.instruments import anonymous_bytes

        gc.collect()
        self._places.append(place)
        self._sizes.append(anonymous_bytes() / 1000)

    def slope(self, start, stop):
        """KB a call, by least squares over a stretch of the readings, as shares of their number."""
        n = len(self._sizes)
        part = slice(round(start * n), max(round(stop * n), round(start * n) + 2))
        return float(np.polyfit(self._places[part], self._sizes[part], 1)[0])


def fits(n_fits):
    """Fits of one network, each with another seed, step size and penalty."""
    X, _ = data()
    compilations, memory = Compilations(), Memory()
    subject("AutoencoderTransformer").fit(X).transform(X)
    before = compilations.number
    assert before, "no compilation was counted"
    for number in range(n_fits):
        estimator = subject("AutoencoderTransformer")
        estimator.set_params(random_state=number, alpha=1e-6 * number)
        estimator.set_params(learning_rate_init=1e-4 * (1 + number / n_fits)).fit(X).transform(X)
        if number % 5 == 0:
            memory.read(number)
    return {"kb": memory.slope(0.1, 1.0), "compiled": compilations.number - before}


def networks(n_networks):
    """Fits of networks that are all of another width."""
    from skae._engine import program_info
    from skae._engine.programs import MAX_PROGRAMS

    X, memory = data()[0], Memory()
    for number in range(n_networks):
        subject("AutoencoderTransformer").set_params(hidden_layer_sizes=(5 + number,)).fit(X)
        memory.read(number)
    slopes = {"early": memory.slope(0.0, 1 / 6), "late": memory.slope(0.5, 1.0)}
    return {**slopes, "held": program_info()["held"], "most": MAX_PROGRAMS}


def transforms(n_transforms):
    """Transforms of 1 to 5,000 rows."""
    X, _ = data()
    rows, generator = np.resize(X, (5000, X.shape[1])), np.random.default_rng(0)
    compilations, memory = Compilations(), Memory()
    fitted = subject("AutoencoderTransformer").fit(X)
    for n_rows in (1, 48, 49, 5000):
        fitted.transform(rows[:n_rows])
    before = compilations.number
    assert before, "no compilation was counted"
    for number, n_rows in enumerate(generator.integers(1, 5001, size=n_transforms)):
        fitted.transform(rows[:n_rows])
        if number % (n_transforms // 100) == 0:
            memory.read(number)
    return {"kb": memory.slope(0.1, 1.0), "compiled": compilations.number - before}


def refits(n_refits):
    """Compilations in refits of each estimator with other seeds, after its first two fits."""
    X, y = data()
    compilations, found = Compilations(), {}
    for name in NAMES:
        estimator, before = subject(name), None
        inner = "estimator__random_state" if hasattr(estimator, "estimator") else "random_state"
        for number in range(-2, n_refits):
            before = compilations.number if number == 0 else before
            bits(estimator.set_params(**{inner: 2 + number}).fit(X, y), X)
        assert before, "no compilation was counted"
        found[name] = compilations.number - before
    return found
