"""The contender Keras's own `fit` and `predict`, on the backend that KERAS_BACKEND names."""

import itertools
import random
from dataclasses import replace
from functools import partial

import keras
import numpy as np
from keras import layers

from peers.contenders import Fitted
from peers.job import IMAGE_SIDE, KERNEL_SIZE

PREDICT_BATCH = 1024
"""Rows of a batch of `predict`: many more than Keras's 32, which takes longer."""


def fit(X, job, clock=None):
    """Build, compile and fit a model."""
    random.seed(job.seed)  # Keras draws the seeds of initial weights from here
    model = make_model(job)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=clock.tick)] if clock else None
    model.fit(X, X, epochs=job.n_epochs, batch_size=job.batch_size, callbacks=callbacks, verbose=0)

    def reconstruct(rows):
        return job.output(model.predict(rows, batch_size=PREDICT_BATCH, verbose=0))

    return Fitted(reconstruct, model.count_params())


def search(X, job, grid):
    """Search in a loop over values and folds, and fit the best to X."""
    folds = np.array_split(np.arange(len(X)), grid.n_folds)

    def error(candidate):
        return np.mean([_fold_error(X, candidate, fold) for fold in folds])

    candidates = [
        replace(job, step_size=step_size, alpha=alpha)
        for step_size, alpha in itertools.product(grid.step_sizes, grid.alphas)
    ]
    return fit(X, min(candidates, key=error)).reconstruct


def _fold_error(X, job, fold):
    fitted = fit(np.delete(X, fold, axis=0), job)
    return job.mean_loss(X[fold], fitted.reconstruct(X[fold]))


def encoder(X, job, method):
    """The `predict` or `predict_on_batch` of an encoder; it need not be fitted to X."""
    rows = keras.Input((job.n_features,))
    model = keras.Model(rows, _dense(rows, job.widths[1 : len(job.hidden) + 2], "relu", None))
    if method == "predict":
        return partial(model.predict, batch_size=PREDICT_BATCH, verbose=0)
    return model.predict_on_batch


def make_model(job):
    """Make and compile the model of a job, whose output comes before the logistic function."""
    rows = keras.Input((job.n_features,))
    model = keras.Model(rows, _convolutional(rows, job) if job.filters else _mirrored(rows, job))
    loss = keras.losses.BinaryCrossentropy(from_logits=True) if job.is_logistic else "mse"
    model.compile(optimizer=keras.optimizers.Adam(job.step_size), loss=loss)
    return model


def _mirrored(rows, job):
    penalty = keras.regularizers.L2(job.penalty_of(job.alpha)) if job.alpha else None
    inner = _dense(rows, job.widths[1:-1], "relu", penalty)
    return _dense(inner, job.widths[-1:], None, penalty)


def _dense(outputs, widths, activation, penalty):
    for width in widths:
        outputs = layers.Dense(width, activation, kernel_regularizer=penalty)(outputs)
    return outputs


def _convolutional(rows, job):
    options = {"kernel_size": KERNEL_SIZE, "strides": 2, "padding": "same"}
    outputs = layers.Reshape((IMAGE_SIDE, IMAGE_SIDE, 1))(rows)
    for filters in job.filters:
        outputs = layers.Conv2D(filters, activation="relu", **options)(outputs)
    for filters in job.filters[-2::-1]:
        outputs = layers.Conv2DTranspose(filters, activation="relu", **options)(outputs)
    return layers.Flatten()(layers.Conv2DTranspose(1, **options)(outputs))
