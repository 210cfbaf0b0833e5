"""Settings of the session: other backends of Keras, and global float settings."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from cases import slow, slow_but

import skae
from skae._engine import load_keras, session

FIT = """
import numpy as np
from skae import AutoencoderTransformer, VariationalAutoencoder, save
from skae.architectures import Conv

X = np.random.default_rng(0).uniform(size=(60, 16))
conv = Conv((4, 4), (2,), normalization="batch", dropout=0.1)
estimators = [
    AutoencoderTransformer(2, max_iter=2, random_state=0),
    VariationalAutoencoder(2, architecture=conv, solver="sgd", max_iter=2, random_state=0),
]
codes = [estimator.fit(X).transform(X) for estimator in estimators]
"""


def run(program, **environment):
    clean = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def plain():
    namespace = {}
    exec(FIT, namespace)
    return namespace


SETTINGS = [
    "keras.config.set_floatx('float16'); keras.config.set_image_data_format('channels_first')",
    "keras.config.set_floatx('float64'); jax.config.update('jax_enable_x64', True)",
    "keras.mixed_precision.set_global_policy('mixed_bfloat16'); "
    "jax.config.update('jax_disable_jit', True); jax.config.update('jax_debug_nans', True)",
    "jax.config.update('jax_threefry_partitionable', False); "
    "jax.config.update('jax_default_prng_impl', 'rbg'); "
    "jax.config.update('jax_default_matmul_precision', 'bfloat16'); "
    "jax.config.update('jax_debug_infs', True)",
    "jax.config.update('jax_legacy_prng_key', 'error'); "
    "jax.config.update('jax_numpy_rank_promotion', 'raise'); "
    "jax.config.update('jax_numpy_dtype_promotion', 'strict'); "
    "jax.config.update('jax_transfer_guard', 'disallow')",
]


@slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_global_settings_change_no_bit_and_stay(setting, plain, tmp_path):
    state = "keras.config.floatx(), jax.config.jax_enable_x64, jax.config.jax_disable_jit"
    path = tmp_path / "codes.npz"
    program = f"""
import os
os.environ["KERAS_BACKEND"] = "jax"
import keras, jax
{setting}
before = {state}
{FIT}
np.savez({str(path)!r}, *codes)
save(estimators[0], {str(tmp_path / "model")!r})
assert ({state}) == before
"""
    done = run(program)
    assert done.returncode == 0, done.stderr
    for code, expected in zip(np.load(path).values(), plain["codes"], strict=True):
        np.testing.assert_array_equal(code, expected)
    loaded = skae.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.transform(plain["X"]), plain["codes"][0])


@slow
def test_beside_a_keras_on_another_backend(plain, tmp_path):
    """Keras's NumPy backend stands for TensorFlow and torch, which are large to install."""
    path = tmp_path / "codes.npz"
    program = f"""
import os, sys
os.environ["KERAS_BACKEND"] = "numpy"
import keras
theirs = {{name: module for name, module in sys.modules.items() if name.startswith("keras")}}
model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
before = model.predict(np.ones((1, 3)), verbose=0) if (np := __import__("numpy")) else None
{FIT}
np.savez({str(path)!r}, *codes)
assert {{n: m for n, m in sys.modules.items() if n.startswith("keras")}} == theirs
assert keras.config.backend() == "numpy"
assert (model.predict(np.ones((1, 3)), verbose=0) == before).all()
assert type(model.layers[0](np.ones((1, 3)))) is np.ndarray
assert estimators[0].backend_ == "jax"
assert not hasattr(estimators[0], "model_")

def message(**params):
    try:
        AutoencoderTransformer(**params).fit(X)
    except Exception as error:
        return " ".join([str(error), *getattr(error, "__notes__", [])])

assert "solver must be a name, because Keras was" in message(solver=keras.optimizers.SGD())
penalty = lambda forward: keras.ops.relu(forward.code).sum()
assert "skae runs on a copy of its own" in message(weight_penalty=penalty)
"""
    done = run(program)
    assert done.returncode == 0, done.stderr
    for code, expected in zip(np.load(path).values(), plain["codes"], strict=True):
        np.testing.assert_array_equal(code, expected)


def test_a_global_setting_is_put_back_only_when_no_thread_needs_skaes(monkeypatch):
    """One thread leaves while another, which has just read the setting, is about to enter."""
    keras = load_keras()
    read, inside, waits = keras.config.floatx, [], threading.Event()

    def first():
        with session():
            entered.set()
            waits.wait(2)

    def second():
        with session():
            inside.append(read())

    def slow_read():
        value = read()
        if threading.current_thread() is threads[1]:
            waits.set()
            threads[0].join(2)
        return value

    entered, threads = threading.Event(), [threading.Thread(target=f) for f in (first, second)]
    keras.config.set_floatx("float64")
    try:
        monkeypatch.setattr(keras.config, "floatx", slow_read)
        threads[0].start()
        assert entered.wait(5)
        threads[1].start()
        for thread in threads:
            thread.join()
        assert inside == ["float32"]
        assert read() == "float64"
    finally:
        keras.config.set_floatx("float32")


@slow
def test_while_another_thread_imports_keras():
    """As after a Ctrl-C in the first fit: half of the module is there."""
    program = """
import sys, threading, time
import skae
threading.Thread(target=__import__, args=("keras",)).start()
while not hasattr(sys.modules.get("keras"), "config"):
    time.sleep(1e-4)
assert not hasattr(sys.modules["keras"], "layers"), "the import was over too soon to test this"
estimator = skae.AutoencoderTransformer(1, solver="sgd", max_iter=1)
assert estimator.fit([[1.0, 2.0], [2.0, 1.0]]).n_iter_ == 1
"""
    done = run(program, KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", slow_but("numpy", of=["numpy", "tensorflow"]))
def test_another_backend_that_was_asked_for_is_one_clear_sentence(backend):
    done = run("import skae\nskae.AutoencoderTransformer(1).fit([[0, 1], [1, 0]])",
               KERAS_BACKEND=backend)  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        f"ImportError: skae runs on Keras with the JAX backend, but Keras would run on "
        f"{backend!r}, because the environment variable KERAS_BACKEND says so. Set "
        "KERAS_BACKEND=jax before Keras is first imported (in Python: "
        "os.environ['KERAS_BACKEND'] = 'jax')."
    )
