"""Checkpoints: a fit that is killed and called again ends as one left alone."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cases import slow, slow_but
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import skae
from skae import (
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    Checkpoint,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._autoencoders import _checkpoint
from skae._autoencoders._base import is_fitted_name
from skae._autoencoders._checkpoint import CheckpointFile
from skae._engine import Training, batches, content_digest
from skae.architectures import Conv, Dense
from skae.corruption import MaskingNoise


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:150] / 16


class Killed(BaseException):
    """Ends a fit where a signal would."""


def autoencoder(cls=AutoencoderTransformer, **params):
    settings = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
    return cls(**{**settings, **params})


def with_rows(X):
    """X without some values, and what goes with it."""
    X = X.copy()
    X[::3, 20:30] = np.nan
    return X, {"sample_weight": np.linspace(0, 1, len(X)), "X_val": X[:40]}


def averaging():
    """An optimizer that ends with the averages of the weights, and has its own schedule."""
    import keras

    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    return keras.optimizers.SGD(rate, momentum=0.9, use_ema=True, ema_overwrite_frequency=None)


def table(X):
    pd = pytest.importorskip("pandas")
    levels = np.array(["low", "middle", "high"])[(X[:, 2] * 2.99).astype(int)]
    return pd.DataFrame({"a": X[:, 20], "b": X[:, 30], "level": pd.Categorical(levels)})


def with_layers():
    return autoencoder(
        architecture=Dense((8, 6), dropout=0.1, normalization="batch"), pretraining="layerwise"
    )


FITS = {
    "plain": lambda X: (autoencoder(), X, {}),
    "best epoch": lambda X: (
        autoencoder(early_stopping=True, learning_rate_init=0.1, n_iter_no_change=2, max_iter=12),
        X,
        {},
    ),
    "adaptive": lambda X: (
        autoencoder(learning_rate="adaptive", tol=1.0, n_iter_no_change=1, max_iter=12),
        X,
        {},
    ),
    "layers": lambda X: (with_layers(), X, {}),
    "masking": lambda X: (
        autoencoder(
            DenoisingAutoencoder, corruption=MaskingNoise(), corruption_level=(0.1, 0.4), batch_size=16
        ),
        X,
        {},
    ),
    "pairs": lambda X: (autoencoder(DenoisingAutoencoder), X + 0.1, {"X_clean": X}),
    "sparse code": lambda X: (autoencoder(SparseAutoencoder, sparsity="kl"), X, {}),
    "contractive": lambda X: (autoencoder(ContractiveAutoencoder), X, {}),
    "variational": lambda X: (autoencoder(VariationalAutoencoder, max_iter=10), X[:, 10:30], {}),
    "bernoulli": lambda X: (
        autoencoder(VariationalAutoencoder, likelihood="bernoulli", kl_warmup=3, solver="nadam"),
        X,
        {},
    ),
    "convolutional": lambda X: (
        autoencoder(architecture=Conv((8, 8), (4,), 3), batch_size=50, shuffle=False),
        X,
        {},
    ),
    "rows": lambda X: (autoencoder(missing="mask", trim_fraction=0.1), *with_rows(X)),
    "averages": lambda X: (autoencoder(solver=averaging()), X, {}),
    "table": lambda X: (autoencoder(n_components=1), table(X), {}),
    "matrix": lambda X: (autoencoder(), sparse.csr_matrix(X * (X > 0.5)), {}),
}


def assert_same(one, other):
    """Equal to the bit, whatever it consists of."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            if field.name != "architecture":
                assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other or (one != one and other != other)


def assert_same_fit(one, other):
    """All that two fits left behind is equal."""
    states = [
        {name: value for name, value in vars(fit).items() if is_fitted_name(name)}
        for fit in (one, other)
    ]
    assert len(states[0]) > 8
    assert_same(*states)


def kill(patch, n_written):
    """Make the process end, as it were, after so many checkpoints were written."""
    write, written = CheckpointFile.write, []

    def write_and_die(self, *arguments):
        write(self, *arguments)
        written.append(1)
        if len(written) == n_written:
            raise Killed

    patch.setattr(CheckpointFile, "write", write_and_die)


def call_until_it_ends(estimator, X, path, n_written, **rows):
    """Call fit as often as it is killed after so many checkpoints; returns it and the number."""
    for n_killed in range(30):
        with pytest.MonkeyPatch.context() as patch:
            kill(patch, n_written)
            fitted = clone(estimator).set_params(checkpoint=Checkpoint(path, every=0))
            try:
                return fitted.fit(X, **rows), n_killed
            except Killed:
                assert not fitted.__sklearn_is_fitted__()
    raise AssertionError("it never ends")


@pytest.mark.parametrize("name", slow_but("best epoch", "layers", "variational", of=FITS))
def test_a_fit_that_was_killed_ends_as_one_left_alone(name, digits, tmp_path):
    estimator, X, rows = FITS[name](digits)
    alone = clone(estimator).fit(X, **rows)
    for n_written in (1, 3):
        path = tmp_path / f"{n_written}.checkpoint"
        fitted, n_killed = call_until_it_ends(estimator, X, path, n_written, **rows)
        assert n_killed >= 1
        assert_same_fit(fitted, alone)
    assert sorted(os.listdir(tmp_path)) == ["1.checkpoint", "3.checkpoint"]
