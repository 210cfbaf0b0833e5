"""Part ``cold``: from the start of a new process to the first fitted estimator."""

import os
import time

import numpy as np

from peers.contenders import KERAS_JAX, KERAS_TENSORFLOW, KERAS_TORCH, PCA, SKAE, SKORCH
from peers.harness import STARTED, Case
from peers.instruments import EpochClock
from peers.job import Job

TITLE = "Cold start"

NOTE = (
    "New process, imports, and a fit of 10 epochs to digits; squared error and linear output. A "
    "first round is thrown away, so that files lie in the system's cache. Warm: with JAX's "
    "persistent compile cache (`JAX_COMPILATION_CACHE_DIR`, minimum compile time 0) filled by that "
    "round."
)


def cases(settings):
    """One case: 64-32-64 on digits."""
    job = Job(64, n_epochs=2 if settings.quick else 10)
    contenders = (SKAE, KERAS_JAX, KERAS_TENSORFLOW, KERAS_TORCH, SKORCH, PCA)
    cached = [_with_cache(contender, settings.folder) for contender in (SKAE, KERAS_JAX)]
    yield Case(
        job.name,
        time_from_start,
        (*contenders, *cached),
        job,
        settings.files.digits(),
        warm_up=True,
    )


def _with_cache(contender, folder):
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(folder / f"cache-{contender.module}"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return contender.variant("warm", env=contender.env | cache)


def time_from_start(contender, job, train, test):
    """Time from the start of the process to the end of the fit, and the test loss."""
    fitted = contender.load().fit(np.load(train), job, EpochClock())
    seconds = time.monotonic() - float(os.environ[STARTED])
    X_test = np.load(test)
    return {"seconds": seconds, "loss": job.mean_loss(X_test, fitted.reconstruct(X_test))}
