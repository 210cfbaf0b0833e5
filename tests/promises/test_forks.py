"""Forked processes: the right result, or an error at once; never a process that waits for ever."""

import multiprocessing
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from cases import slow, slow_but
from sklearn.base import clone
from sklearn.datasets import load_digits

import skae
from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    AutoencoderTransformer,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import building, forks, load_keras, programs
from skae.architectures import Architecture, Conv, Dense
from skae.corruption import GaussianNoise

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")

DIGITS = load_digits()
X, Y = DIGITS.data[:120] / 16, DIGITS.target[:120]
WITH_MISSING = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
SECONDS = 10

load_keras()  # else children import it to compute by NumPy, which a busy machine takes longer for


class HungError(Exception):
    """A child that did not answer."""


def in_forked_child(function):
    """What `function` gives or raises in a forked child, and the seconds that it took there."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX and Python warn of every fork
        child = os.fork()
    if child == 0:
        start = time.perf_counter()
        try:
            outcome = function()
        except Exception as error:
            outcome = error
        os.write(writing, pickle.dumps((outcome, time.perf_counter() - start)))
        os._exit(0)
    os.close(writing)
    try:
        if not select.select([reading], [], [], SECONDS)[0]:
            raise HungError
        with os.fdopen(reading, "rb", closefd=False) as pipe:
            return pickle.loads(pipe.read())
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def assert_refused(function):
    outcome, seconds = in_forked_child(function)
    assert isinstance(outcome, RuntimeError), outcome
    assert "'spawn' or 'forkserver'" in str(outcome)
    assert "'loky'" in str(outcome)
    assert seconds < 1


class Theirs(Architecture):
    """An architecture that skae does not know."""

    def build(self, input_shape, n_components):
        """The networks of `Dense`."""
        return Dense((5,)).build(input_shape, n_components)


def plain(architecture=None, **params):
    settings = {"hidden_layer_sizes": (6,), "max_iter": 2, "random_state": 0}
    return AutoencoderTransformer(2, architecture=architecture, **{**settings, **params})


ESTIMATORS = {
    "plain": (plain(), X),
    "missing": (plain(missing="mask"), WITH_MISSING),
    "variational": (VariationalAutoencoder(2, max_iter=2, random_state=0), X),
    "batch": (plain(Dense((6, 5), normalization="batch", dropout=0.1)), X),
    "layer, tied": (plain(Dense((6,), normalization="layer", tied=True)), X),
    "detector": (AutoencoderOutlierDetector(plain(trim_fraction=0.1)), X),
    "classifier": (AutoencoderClassifier(plain(), random_state=0), X),
    "variational classifier": (
        AutoencoderClassifier(VariationalAutoencoder(2, max_iter=2), random_state=0),
        X,
    ),
    "regressor": (AutoencoderRegressor(plain(), random_state=0), X),
    "imputer": (AutoencoderImputer(DenoisingAutoencoder(2, max_iter=2)), WITH_MISSING),
}
for number, activation in enumerate(["elu", "gelu", "leaky_relu", "selu", "silu", "softsign"]):
    others = {"code_activation": "tanh", "output_activation": ["softplus", "logistic"][number % 2]}
    ESTIMATORS[activation] = (plain(activation=activation, init="random", **others), X)

METHODS = {
    "transform": lambda estimator, X: estimator.transform(X),
    "inverse_transform": lambda estimator, X: estimator.inverse_transform([[0.5, -2.0]]),
    "reconstruct": lambda estimator, X: estimator.reconstruct(X),
    "reconstruction_error": lambda estimator, X: estimator.reconstruction_error(X),
    "impute": lambda estimator, X: estimator.impute(X),
    "posterior": lambda estimator, X: np.hstack(estimator.posterior(X)),
    "sample": lambda estimator, X: estimator.sample(3, random_state=0),
    "score_samples": lambda estimator, X: estimator.score_samples(X),
    "predict": lambda estimator, X: estimator.predict(X),
    "predict_proba": lambda estimator, X: estimator.predict_proba(X),
}


@pytest.fixture(scope="module")
def fitted():
    """The plain autoencoder."""
    return plain().fit(X)


@pytest.mark.parametrize("name", slow_but("plain", of=ESTIMATORS))
def test_dense_networks_compute_the_same_in_a_forked_child(name):
    estimator, rows = ESTIMATORS[name]
    estimator = clone(estimator).fit(rows, Y)
    methods = [method for method in METHODS if hasattr(estimator, method)]
    assert methods
    for method in methods:
        if name == "imputer" and method == "sample":  # of rows that are drawn anew
            continue
        expected = METHODS[method](estimator, rows)
        found, _ = in_forked_child(lambda method=method: METHODS[method](estimator, rows))
        assert found.dtype == expected.dtype
        tolerance = 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=tolerance)


def test_rows_of_a_forked_child_do_not_depend_on_each_other(fitted):
    whole, _ = in_forked_child(lambda: fitted.transform(X))
    for rows in (slice(3, 4), slice(50, 120)):
        part, _ = in_forked_child(lambda rows=rows: fitted.transform(X[rows]))
        np.testing.assert_array_equal(part, whole[rows])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_is_refused_in_a_forked_child(fitted, method):
    assert_refused(lambda: getattr(fitted, method)(X))
    assert_refused(lambda: getattr(clone(fitted).set_params(hidden_layer_sizes=7), method)(X))


def test_what_is_refused_leaves_the_estimator_as_it_was(fitted):
    def code_after_a_refused_fit():
        with pytest.raises(RuntimeError):
            fitted.fit(X[:, :5])
        return fitted.transform(X)

    found, _ = in_forked_child(code_after_a_refused_fit)
    np.testing.assert_allclose(found, fitted.transform(X), rtol=1e-4, atol=1e-6)


@slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_refuses_to_be_fitted_in_a_forked_child(name, fitted):
    estimator, rows = ESTIMATORS[name]
    assert_refused(lambda: clone(estimator).fit(rows, Y))


def test_draws_are_refused_in_a_forked_child(fitted):
    assert_refused(lambda: GaussianNoise(0.1).corrupt(X))


@slow
def test_what_numpy_does_not_compute_is_refused_in_a_forked_child():
    variational = VariationalAutoencoder(2, max_iter=2).fit(X)
    assert_refused(lambda: variational.elbo(X))
    detector = AutoencoderOutlierDetector(VariationalAutoencoder(2, max_iter=2)).fit(X)
    assert_refused(lambda: detector.score_samples(X))
    for architecture in (Conv((8, 8), (2,)), Theirs()):
        estimator = plain(architecture, hidden_layer_sizes=(128,)).fit(X)
        assert_refused(lambda estimator=estimator: estimator.transform(X))


def test_what_runs_no_program_goes_on_in_a_forked_child(fitted, tmp_path):
    def work():
        skae.save(fitted, tmp_path / "child.skae")
        loaded = skae.load(tmp_path / "child.skae")
        copied = clone(pickle.loads(pickle.dumps(fitted)))
        weights = [weight.tolist() for weight in fitted.encoder_.get_weights()]
        return copied.get_params()["n_components"], loaded.transform(X), weights

    (n_components, code, weights), _ = in_forked_child(work)
    assert n_components == 2
    np.testing.assert_allclose(code, fitted.transform(X), rtol=1e-4, atol=1e-6)
    assert weights == [weight.tolist() for weight in fitted.encoder_.get_weights()]


def test_locks_that_another_thread_held_are_free_in_a_forked_child(fitted):
    """That thread is not copied, and would never release them."""
    slots = programs.programs._slots.values()
    locks = [programs.programs._lock, building._build_lock, *(slot.lock for slot in slots)]
    held, done = threading.Event(), threading.Event()

    def hold():
        for lock in locks:
            lock.acquire()
        held.set()
        done.wait()
        for lock in reversed(locks):
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        code, _ = in_forked_child(lambda: fitted.transform(X))
    finally:
        done.set()
        thread.join()
    np.testing.assert_allclose(code, fitted.transform(X), rtol=1e-4, atol=1e-6)


def test_jax_that_others_started_is_noticed(fitted):
    """The name by which it is known that JAX has its threads is private to JAX."""
    bridge = sys.modules["jax._src.xla_bridge"]
    assert bridge._backends
    assert forks._jax_has_started()
    assert not forks.has_forked()
    assert in_forked_child(forks.has_forked)[0]


PROGRAM = """
import multiprocessing
import numpy as np
import skae

X = np.random.default_rng(0).random((40, 6))


def fit_and_transform(_=None):
    return skae.AutoencoderTransformer(2, max_iter=2, random_state=0).fit(X).transform(X)


if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        codes = pool.map(fit_and_transform, range(2))
    expected = fit_and_transform()
    assert all((code == expected).all() for code in codes)
    {after}
"""

IN_WORKERS = """
    with multiprocessing.get_context({method!r}).Pool(1) as pool:
        assert (pool.map(fit_and_transform, range(2))[1] == expected).all()
"""


@slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_that_are_no_fork_of_a_running_jax_give_the_same_bits(method, tmp_path):
    """A child that is forked before JAX starts in its parent works as any process."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    after = "" if method == "fork" else IN_WORKERS.format(method=method)
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(method=method, after=after))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, path], check=True, timeout=120, env=environment)
