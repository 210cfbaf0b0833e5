"""Part ``search``: a grid search over step sizes and penalties."""

import time
from dataclasses import replace

import numpy as np

from peers.contenders import KERAS_JAX, MLP, SCIKERAS, SKAE, SKORCH, Grid
from peers.harness import Case
from peers.job import Job

TITLE = "Search"

NOTE = (
    "5 folds of digits, 50 epochs a fit, 12 points, and a fit of the best to all training rows: "
    "61 fits. Squared error and linear output. Libraries are imported before the clock starts, "
    "compiling is timed. Keras on JAX is a loop by hand, the others run in `GridSearchCV`; "
    "scikeras on its TensorFlow, in one repetition because it takes minutes. The test loss is "
    "that of the best estimator."
)


def cases(settings):
    """One case: 64-32-64 on digits."""
    grid = Grid(step_sizes=(3e-4, 1e-3, 3e-3, 1e-2), alphas=(1e-4, 1e-3, 1e-2), n_folds=5)
    job = Job(64, n_epochs=50)
    if settings.quick:
        grid = Grid(step_sizes=(1e-3, 1e-2), alphas=(1e-3,), n_folds=2)
        job = Job(64, n_epochs=2)
    scikeras = replace(SCIKERAS, max_repetitions=1)
    yield Case(
        f"{job.name}, {len(grid.step_sizes) * len(grid.alphas)} points, {grid.n_folds} folds",
        time_search,
        (SKAE, SKORCH, MLP, KERAS_JAX, scikeras),
        job,
        {"grid": grid, **settings.files.digits()},
    )


def time_search(contender, job, grid, train, test):
    """Time of a search, and the test loss of what it found."""
    module = contender.load_all()
    X, X_test = np.load(train), np.load(test)
    start = time.perf_counter()
    reconstruct = module.search(X, job, grid)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "loss": job.mean_loss(X_test, reconstruct(X_test))}
