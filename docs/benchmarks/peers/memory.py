"""Part ``memory``: peak memory of a fit, by storage of the data."""

from dataclasses import replace

import numpy as np

from peers.contenders import KERAS_JAX, KERAS_TENSORFLOW, MLP, SKAE, TORCH
from peers.harness import Case
from peers.instruments import EpochClock, PeakMemory
from peers.job import Job

TITLE = "Memory of a fit"

NOTE = (
    "Peak of anonymous memory while data are read and fitted, beyond a process that has imported "
    "its libraries and fitted 512 rows. One epoch of 784-32-784, squared error, linear output, "
    "batches of 256. `uint8` are the pixels as they are in the file, which a user would otherwise "
    "have to convert. The memory map is a file of 4 GB of random numbers, opened read-only. The "
    "loss is that on the first 1,000 rows."
)

CONTENDERS = (SKAE, KERAS_JAX, KERAS_TENSORFLOW, TORCH, MLP)

TINY_ROWS = 512


def cases(settings):
    """MNIST in three types, and a memory map."""
    job = Job(784, batch_size=256, n_epochs=1)
    n_rows = 2000 if settings.quick else 60_000
    for dtype in ("uint8", "float32", "float64"):
        if settings.files.mnist_path:
            train = settings.files.mnist(n_rows, dtype)["train"]
            yield _case(f"MNIST, {dtype}", job, train, mapped=False)
    n_rows = 2000 if settings.quick else 4 * 10**9 // (4 * job.n_features)
    train = settings.files.random(n_rows, job.n_features)["train"]
    yield _case("4 GB memory map", job, train, mapped=True)


def _case(name, job, train, mapped):
    arguments = {"train": train, "mapped": mapped}
    return Case(name, weigh_fit, CONTENDERS, job, arguments, figure="mb")


def weigh_fit(contender, job, train, mapped):
    """Peak memory of reading and fitting data."""
    module = contender.load_all()
    mode = "r" if mapped else None
    tiny = np.array(np.load(train, mmap_mode="r")[:TINY_ROWS])
    module.fit(tiny, replace(job, n_epochs=1), EpochClock())
    with PeakMemory() as memory:
        X = np.load(train, mmap_mode=mode)
        fitted = module.fit(X, job, EpochClock())
    X = np.array(X[:1000])
    return {"mb": memory.mb, "loss": job.mean_loss(X, fitted.reconstruct(X))}
