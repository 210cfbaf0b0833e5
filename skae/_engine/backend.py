"""Keras on the backend that skae runs on, whichever Keras the session has."""

import os
import sys
import threading
from contextlib import contextmanager

from . import _jax
from .forks import renewed_in_child
from .interrupts import uninterrupted

TAKES_SECOND_KERAS = True
"""Whether a second Keras on JAX is imported beside one that runs on another backend.

Many notebooks import Keras on TensorFlow first. Keras supports one backend a process, so this
relies on undocumented behaviour: the modules of one copy never look for those of the other, except
by imports inside functions, for which `session` puts the right copy in place."""

_lock = threading.RLock()
_keras = None
_second = None


def load_keras():
    """Keras on JAX.

    A Keras that is already imported is followed, then the environment variable ``KERAS_BACKEND``,
    then JAX is taken. The environment is left as it was.

    Raises
    ------
    ImportError
        If ``KERAS_BACKEND`` asks for another backend than JAX, the only one so far.
    """
    global _keras, _second
    if _keras is None:
        with _lock:
            if _keras is None:
                # Other threads take `_keras` as soon as it is there, without the lock: it is last.
                imported, _second = uninterrupted(_import_keras)
                _keras = imported
    return _keras


def _import_keras():
    """Keras on JAX, and its modules if it is a second copy, else None."""
    if "keras" in sys.modules:
        # The statement waits for an import that another thread has begun, be it one that Ctrl-C
        # left running; the module in `sys.modules` may be half of it.
        import keras

        backend = keras.config.backend()
        if backend == "jax":
            return keras, None
        if TAKES_SECOND_KERAS:
            return _import_second_keras()
        raise ImportError(_wrong_backend(backend, "Keras was imported before"))
    _check_environment()
    return _import_on_jax(), None


def _check_environment():
    asked = os.environ.get("KERAS_BACKEND", "jax")
    if asked != "jax":
        raise ImportError(_wrong_backend(asked, "the environment variable KERAS_BACKEND says so"))


def _wrong_backend(backend, reason):
    return (
        f"skae runs on Keras with the JAX backend, but Keras would run on {backend!r}, because "
        f"{reason}. Set KERAS_BACKEND=jax before Keras is first imported (in Python: "
        "os.environ['KERAS_BACKEND'] = 'jax')."
    )


def _import_on_jax():
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        import keras

        return keras
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before


def _import_second_keras():
    theirs = _taken_out()
    try:
        keras = _import_on_jax()
        return keras, _taken_out()
    finally:
        _taken_out()
        sys.modules.update(theirs)


def _taken_out():
    """The modules of the Keras in place, which are removed from `sys.modules`."""
    names = [name for name in sys.modules if name.split(".")[0] == "keras"]
    return {name: sys.modules.pop(name) for name in names}


_depth = 0


@contextmanager
def session(needs_keras=True):
    """Where networks are built and programs made: in single precision, and compiled.

    What the user set globally is put aside: Keras's ``floatx``, and JAX's settings that change
    results or end programs. JAX's settings are those of this thread alone; Keras's is one for all
    threads, and so is the copy of Keras that imports find.

    Parameters
    ----------
    needs_keras : bool, default=True
        Whether a layer or function of Keras's or of a user's may be called. If none is, Keras is
        not imported, which takes longer than all else of a first answer.
    """
    if needs_keras or "keras" in sys.modules:
        keras = load_keras()
        with _jax.plain_settings(), _keras_settings(keras), _noting_second_keras():
            yield
    else:
        load_jax()
        with _jax.plain_settings():
            yield


def load_jax():
    """Import JAX, if Keras may run on it; see `load_keras`."""
    if "keras" not in sys.modules:
        _check_environment()
    _jax.load_jax()


_TWO_COPIES = (
    "Keras was imported on another backend than JAX, so that skae runs on a copy of its own, which "
    "cannot use objects of the other: import keras inside the methods of an architecture, loss, "
    "penalty or corruption, or set KERAS_BACKEND=jax before Keras is first imported."
)


@contextmanager
def _noting_second_keras():
    """Say in an error that there are two copies of Keras, whose objects do not mix."""
    try:
        yield
    except Exception as error:
        if _second is not None and _TWO_COPIES not in getattr(error, "__notes__", []):
            error.add_note(_TWO_COPIES)
        raise


def has_second_keras():
    """Whether skae runs on a copy of Keras of its own, beside the session's."""
    load_keras()
    return _second is not None


_theirs = None


@renewed_in_child
def _end_sessions():
    """End the sessions of threads that a fork did not copy: nobody else would."""
    global _lock, _depth
    _lock = threading.RLock()
    if _depth and _theirs is not None:
        _put_back(_keras, *_theirs)
    _depth = 0


@contextmanager
def _keras_settings(keras):
    """Put Keras's global state in place for the first thread that enters, back for the last."""
    global _depth, _theirs
    with _lock:
        _depth += 1
        if _depth == 1:
            _theirs = _put_aside(keras)
    try:
        yield
    finally:
        with _lock:
            if _depth:  # else the process was forked inside of the session, which ended there
                _depth -= 1
                if _depth == 0:
                    _put_back(keras, *_theirs)


def _put_aside(keras):
    """The user's modules and ``floatx``, each None where it is what skae needs."""
    modules, floatx = None, None
    if _second is not None:
        modules = _taken_out()
        sys.modules.update(_second)
    if keras.config.floatx() != "float32":
        floatx = keras.config.floatx()
        keras.config.set_floatx("float32")
    return modules, floatx


def _put_back(keras, modules, floatx):
    if floatx is not None:
        keras.config.set_floatx(floatx)
    if modules is not None:
        _second.update(_taken_out())
        sys.modules.update(modules)


def check_models_run():
    """Refuse to hand out Keras models that would not run in the session's own Keras.

    Raises
    ------
    AttributeError
        If the session's Keras is not the one that skae uses.
    """
    if has_second_keras():
        raise AttributeError(
            "Keras was imported on another backend than JAX, so that skae runs on a copy of its "
            "own, whose models cannot be used outside. To get encoder_, decoder_ and model_, set "
            "KERAS_BACKEND=jax before Keras is first imported."
        )


def backend_name():
    """Name of the backend in use, ``"jax"``, which is imported."""
    load_jax()
    return "jax"


def is_loaded():
    """Whether skae has imported Keras."""
    return _keras is not None
