"""Parts ``epoch`` and ``conv``: one epoch of training on MNIST, after everything is compiled."""

from dataclasses import replace

import numpy as np

from peers.contenders import KERAS_JAX, KERAS_TENSORFLOW, KERAS_TORCH, MLP, SKAE, TORCH
from peers.harness import Case
from peers.instruments import EpochClock
from peers.job import Job

TITLE = "Epoch"

NOTE = (
    "Median epoch of one fit of 3 epochs, the first left out, on the 60,000 images of MNIST in "
    "[0, 1]; logistic output and binary cross-entropy, which all take from logits but "
    "`MLPRegressor`: it has the squared error and a linear output. Loss and squared error are "
    "those on the test images after the fit. The deep network with batches of 32 has the first "
    "12,800 images; in it `MLPRegressor` runs in one repetition."
)

CONV_TITLE = "Epoch of a convolutional network"

CONV_NOTE = (
    "Two convolutions and two transposed ones, 5x5 with stride 2, 16 and 32 filters; squared "
    "error. An epoch has the first 12,800 images of MNIST in batches of 50."
)

ALL_ROWS, SOME_ROWS = 60_000, 12_800


def cases(settings):
    """The shallow and the deep network, with small and large batches."""
    keras = (KERAS_JAX, KERAS_TENSORFLOW, KERAS_TORCH)
    networks = {
        (): (SKAE, *keras, TORCH, MLP),
        (1000, 500, 250): (SKAE, *keras, TORCH, replace(MLP, max_repetitions=1)),
    }
    for hidden, contenders in networks.items():
        n_components = 100 if hidden else 32
        for batch_size in (32, 256):
            job = Job(784, hidden, n_components, (), "binary_crossentropy", batch_size, n_epochs=3)
            is_slow = bool(hidden) and batch_size == 32
            yield _case(settings, job, contenders, SOME_ROWS if is_slow else ALL_ROWS)


def conv_cases(settings):
    """One convolutional network."""
    job = Job(784, (), None, (16, 32), "squared_error", 50, n_epochs=3)
    yield _case(settings, job, (SKAE, KERAS_JAX, KERAS_TENSORFLOW, TORCH), SOME_ROWS)


def _case(settings, job, contenders, n_rows):
    n_rows = 512 if settings.quick else n_rows
    return Case(
        f"{job.name}, batch {job.batch_size}",
        time_epoch,
        contenders,
        job,
        settings.files.mnist(n_rows),
        operations=job.operations(n_rows),
    )


def time_epoch(contender, job, train, test):
    """Time of one epoch, and the test losses and number of weights in the end."""
    module = contender.load_all()
    clock = EpochClock()
    fitted = module.fit(np.load(train), job, clock)
    X_test = np.load(test)
    reconstruction = fitted.reconstruct(X_test)
    return {
        "seconds": clock.seconds_an_epoch(),
        "loss": job.mean_loss(X_test, reconstruction),
        "squared_error": float(np.square(reconstruction - X_test).mean()),
        "n_weights": fitted.n_weights,
    }
