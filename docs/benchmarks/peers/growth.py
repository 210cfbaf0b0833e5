"""Part ``growth``: time and memory against the size of the problem, and over many fits."""

import gc
import time
from dataclasses import replace

import numpy as np

from peers.contenders import KERAS_JAX, MLP, SKAE
from peers.harness import Case
from peers.instruments import EpochClock, PeakMemory, anonymous_bytes
from peers.job import Job

TITLE = "Growth"

NOTE = (
    "Time of a whole fit, compiling included, after the imports and one tiny fit, and its peak "
    "memory beyond the data; 5 epochs of batches of 256, squared error, linear output, random "
    "numbers. Where nothing else is said: 10,000 rows, 128 features, a code of 32. Fits: 2 epochs "
    "of 500 digits, 64-32-64, one after another in one process, each with another step size and "
    "seed; the figure is the slope of memory over the fits after the first tenth. Architectures: "
    "the same with one hidden layer of another width in each fit, in one repetition; the figure is "
    "the slope over the last half, and early that over the first sixth."
)

CONTENDERS = (SKAE, KERAS_JAX, MLP)

READ_EVERY = 5
"""Fits between two readings of memory."""


def cases(settings):
    """Three axes of size, and two of number."""
    for axis, values in _axes(settings.quick).items():
        for value in values:
            size = {"rows": 10_000, "features": 128, "code": 32, axis: value}
            job = Job(size["features"], (), size["code"], batch_size=256, n_epochs=5)
            arguments = settings.files.random(size["rows"], size["features"])
            yield Case(f"{value:,} {axis}", time_fit, CONTENDERS, job, arguments)
    n_fits, n_architectures = (40, 20) if settings.quick else (1000, 300)
    job = Job(64, n_epochs=2)
    digits = settings.files.digits()
    yield _slope_case(f"{n_fits:,} fits", weigh_fits, job, digits, n_fits, (SKAE, MLP))
    yield _slope_case(
        f"{n_architectures} architectures",
        weigh_architectures,
        job,
        digits,
        n_architectures,
        tuple(replace(contender, max_repetitions=1) for contender in (SKAE, MLP)),
    )


def _axes(quick):
    if quick:
        return {"rows": (500, 1000), "features": (16, 64), "code": (2, 8)}
    return {
        "rows": (1_000, 10_000, 100_000, 1_000_000),
        "features": (16, 64, 256, 1024, 4096),
        "code": (2, 8, 32, 128, 512),
    }


def _slope_case(name, function, job, digits, n_fits, contenders):
    arguments = {"train": digits["train"], "n_fits": n_fits}
    return Case(name, function, contenders, job, arguments, figure="kb_a_fit")


def time_fit(contender, job, train):
    """Time and peak memory of a fit."""
    module = contender.load_all()
    X = np.load(train)
    module.fit(X[:64, :8].copy(), replace(job, n_features=8, n_components=2), EpochClock())
    with PeakMemory() as memory:
        start = time.perf_counter()
        fitted = module.fit(X, job, EpochClock())
        seconds = time.perf_counter() - start
    loss = job.mean_loss(X[:1000], fitted.reconstruct(X[:1000]))
    return {"seconds": seconds, "mb": memory.mb, "loss": loss}


def weigh_fits(contender, job, train, n_fits):
    """Slope of memory over fits with changing numbers, after the first tenth."""
    step_sizes = np.geomspace(1e-4, 1e-2, n_fits)
    jobs = (replace(job, seed=i, step_size=float(step_sizes[i])) for i in range(n_fits))
    sizes = _sizes_after_fits(contender, jobs, train)
    return {"kb_a_fit": _slope(sizes, 0.1, 1.0)}


def weigh_architectures(contender, job, train, n_fits):
    """Slope of memory over the last half of fits with changing networks, and the first sixth."""
    jobs = (replace(job, hidden=(33 + i,)) for i in range(n_fits))
    sizes = _sizes_after_fits(contender, jobs, train)
    early, late = _slope(sizes, 0.0, 1 / 6), _slope(sizes, 0.5, 1.0)
    return {"kb_a_fit": late, "early_kb_a_fit": early, "late_over_early": late / early}


def _sizes_after_fits(contender, jobs, train):
    """Memory in KB after every `READ_EVERY` fits."""
    module = contender.load_all()
    X = np.load(train)[:500]
    sizes = []
    for number, job in enumerate(jobs, 1):
        module.fit(X, job, EpochClock())
        if number % READ_EVERY == 0:
            gc.collect()
            sizes.append(anonymous_bytes() / 1000)
    return sizes


def _slope(sizes, start, stop):
    """KB a fit, by least squares over a stretch of the readings."""
    part = sizes[round(start * len(sizes)) : max(round(stop * len(sizes)), 2)]
    return float(np.polyfit(READ_EVERY * np.arange(len(part)), part, 1)[0])
