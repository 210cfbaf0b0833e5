"""Which Keras backend runs, decided when the first network is built."""

import os
import sys
import threading

_lock = threading.Lock()


def load_keras():
    """Import Keras on the backend skae runs on, and return the module.

    A Keras that is already imported is followed, then the environment variable
    ``KERAS_BACKEND``, then JAX is taken. The environment is left as it was.

    Raises
    ------
    ImportError
        If Keras runs on another backend than JAX, the only one so far.
    """
    with _lock:
        chosen = "keras" in sys.modules or "KERAS_BACKEND" in os.environ
        if not chosen:
            os.environ["KERAS_BACKEND"] = "jax"
        try:
            import keras
        finally:
            if not chosen:
                del os.environ["KERAS_BACKEND"]
    if keras.config.backend() != "jax":
        raise ImportError(
            f"skae runs on Keras with the JAX backend, but Keras uses {keras.config.backend()!r}. "
            "Set the environment variable KERAS_BACKEND=jax before Keras is first imported, or "
            "import Keras after skae's first fit."
        )
    return keras


def backend_name():
    """Name of the Keras backend in use, ``"jax"``."""
    return load_keras().config.backend()


def on_cpu():
    """Whether programs run on a CPU."""
    import jax

    return jax.default_backend() == "cpu"


def devices():
    """The devices programs run on, as text, the default one first."""
    import jax

    return [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]
