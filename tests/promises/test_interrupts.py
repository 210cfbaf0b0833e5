"""Ctrl-C: what was trained is kept, what was there before stays, and the process goes on."""

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from cases import slow
from sklearn.datasets import load_digits

from skae import AutoencoderTransformer
from skae._autoencoders._fit import Fit
from skae._engine import loop


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:300] / 16


@pytest.fixture(autouse=True)
def _python_handles_ctrl_c():
    """Even in a process that was started in the background, where a shell has it ignored."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def interrupting(monkeypatch):
    """Makes Ctrl-C come at the beginning of an epoch, so many times."""

    def interrupt(epoch, times=1):
        before_epoch, begun = Fit.before_epoch, []

        def with_signal(self):
            begun.append(before_epoch(self))
            if len(begun) == epoch + 1:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Fit, "before_epoch", with_signal)

    return interrupt


def autoencoder(**params):
    settings = {"n_components": 3, "solver": "sgd", "max_iter": 6, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


CONSTANT = {"learning_rate": "constant"}


def test_what_was_trained_is_kept(digits, interrupting):
    expected = autoencoder(max_iter=4, **CONSTANT).fit(digits)
    interrupting(epoch=4)
    with pytest.warns(UserWarning, match="Ctrl-C ended the training after 4 epochs") as caught:
        fitted = autoencoder(**CONSTANT).fit(digits)
    assert caught[0].filename == __file__
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 4
    np.testing.assert_array_equal(fitted.transform(digits), expected.transform(digits))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_best_epoch_so_far_is_restored(digits, interrupting):
    interrupting(epoch=4)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        fitted = autoencoder(early_stopping=True, max_iter=10).fit(digits, X_val=digits[:100])
    assert -fitted.score(digits[:100]) == pytest.approx(min(fitted.val_loss_curve_), rel=1e-5)


@pytest.mark.parametrize(("epoch", "times"), [(0, 1), (3, 2)], ids=["first epoch", "twice"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_else_all_is_as_it_was(digits, interrupting, epoch, times, method):
    fitted = autoencoder().fit(digits)
    state = dict(vars(fitted))
    interrupting(0 if method == "partial_fit" else epoch, times)
    with pytest.raises(KeyboardInterrupt):
        getattr(fitted, method)(digits)
    assert vars(fitted).keys() == state.keys()
    assert all(value is state[name] for name, value in vars(fitted).items())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_loop_of_partial_fits_is_stopped_by_the_first_ctrl_c(digits, monkeypatch):
    """Even where it comes in the last call of an epoch: no warning takes its place."""
    fitted = autoencoder().partial_fit(digits)
    state, record = dict(vars(fitted)), loop.Training._record

    def with_signal(self, *arguments):
        record(self, *arguments)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop.Training, "_record", with_signal)
    with pytest.raises(KeyboardInterrupt):
        fitted.partial_fit(digits)
    assert all(value is state[name] for name, value in vars(fitted).items())


def test_pretraining_is_given_up(digits, monkeypatch):
    epoch = loop.Training._epoch

    def with_signal(self, passes, rate, interrupts):
        if len(self.history["loss"]) == 1:
            signal.raise_signal(signal.SIGINT)
        epoch(self, passes, rate, interrupts)

    monkeypatch.setattr(loop.Training, "_epoch", with_signal)
    estimator = autoencoder(hidden_layer_sizes=(8, 4), pretraining="layerwise")
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(digits)
    assert not estimator.__sklearn_is_fitted__()


def test_handlers_of_others_and_other_threads_are_left_alone(digits, interrupting):
    noted = []
    handler = signal.signal(signal.SIGINT, lambda *_: noted.append(1))
    try:
        interrupting(epoch=2)
        assert autoencoder().fit(digits).n_iter_ == 6
    finally:
        signal.signal(signal.SIGINT, handler)
    assert noted
    thread = threading.Thread(target=autoencoder().fit, args=(digits,))
    thread.start()
    thread.join()


@slow
def test_an_interrupted_import_leaves_the_process_able_to_fit():
    """The first fit imports Keras and JAX, which takes seconds."""
    program = """
import signal
import skae
signal.signal(signal.SIGINT, signal.default_int_handler)
estimator = skae.AutoencoderTransformer(1, solver="sgd", max_iter=2, random_state=0)
X = [[1.0, 2.0], [2.0, 1.0], [0.0, 0.5]]
n_interrupted = 0
for delay in (0.05, 0.4, 1.0):
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, delay)
    try:
        estimator.fit(X)
    except KeyboardInterrupt:
        n_interrupted += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
assert n_interrupted, "nothing was interrupted"
assert estimator.fit(X).n_iter_ == 2
"""
    subprocess.run([sys.executable, "-c", program], check=True)
