"""scikit-learn's private and experimental names, imported here alone."""

import copy

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import HasMethods, Interval, Options, RealNotInt, StrOptions
from sklearn.utils._set_output import _get_container_adapter
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False

    def with_callbacks(method):
        """Return `method` itself: scikit-learn before 1.9 has no callbacks."""
        return method

    class CallbackSupportMixin:
        """What scikit-learn before 1.9 does not have."""

        def set_callbacks(self, *callbacks):
            """Refuse callbacks.

            Raises
            ------
            ImportError
                Always.
            """
            raise ImportError("set_callbacks needs scikit-learn 1.9 or newer.")


class EpochCallbacks:
    """Tells scikit-learn's callbacks of a fit, of its epochs, and of layers that are pretrained.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Being fitted by a method under `with_callbacks`.
    X : array-like
        The training data as the user gave them; also what is scored against.
    n_tasks : int
        Number of epochs, at most, and of pretrained layers.
    attributes : callable
        Gives the fitted attributes as if the fit had stopped now.
    """

    def __init__(self, estimator, X, n_tasks, attributes):
        self._arguments = {"estimator": estimator, "X": X, "y": X}
        self._attributes = attributes
        self._task = self._epoch = None
        # Without callbacks nobody reads the contexts, which take some 20 microseconds an epoch.
        if getattr(estimator, "_skl_callbacks", None):
            self._begin(estimator._init_callback_context(max_subtasks=n_tasks))

    def _begin(self, task):
        self._task = task.call_on_fit_task_begin(**self._arguments)

    def layer(self, name, n_epochs):
        """The same for the training of one layer, during which there is no fitted estimator."""
        layer = copy.copy(self)
        layer._attributes = None
        if self._task is not None:
            layer._begin(self._task.subcontext(task_name=name, max_subtasks=n_epochs))
        return layer

    def begin_epoch(self):
        """An epoch begins."""
        if self._task is not None:
            self._epoch = self._task.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._arguments)

    def end_epoch(self, training):
        """An epoch ended; returns whether a callback wants the training to stop."""
        if self._epoch is not None:
            # As metadata, which scikit-learn offers, a ScoringMonitor would hand it to its scorers.
            history = {name: curve[-1] for name, curve in training.history.items()}
            self._epoch.skae_recorded = {"epoch": training.n_epochs, **history}
        return self._end(self._epoch)

    def end(self):
        """The fit, or the training of the layer, ended."""
        self._end(self._task)

    def _end(self, task):
        if task is None:
            return False
        return task.call_on_fit_task_end(
            **self._arguments, reconstruction_attributes=self._attributes
        )


class ObjectWith(HasMethods):
    """Constraint of a parameter to objects with some methods, where `HasMethods` takes classes."""

    def is_satisfied_by(self, value):
        """Whether `value` is such an object."""
        return not isinstance(value, type) and super().is_satisfied_by(value)

    def __str__(self):
        return f"{super().__str__()} (an object, not its class)"


def asked_library(estimator):
    """The library whose frames `set_output` asks for; None for none."""
    adapter = _get_container_adapter("transform", estimator)
    return None if adapter is None else adapter.container_lib


def in_container(estimator, array, X, names):
    """A matrix in the container that `set_output` asks for, a frame with the index of X."""
    adapter = _get_container_adapter("transform", estimator)
    if adapter is None:
        return array
    return adapter.create_container(array, X, columns=lambda: names)


def check_sample_weight(sample_weight, X):
    """`sample_weight` as a float64 vector of the length of X, none negative."""
    return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)


__all__ = [
    "HAS_CALLBACKS",
    "CallbackSupportMixin",
    "EpochCallbacks",
    "HasMethods",
    "Interval",
    "ObjectWith",
    "Options",
    "RealNotInt",
    "StrOptions",
    "asked_library",
    "check_feature_names_in",
    "check_sample_weight",
    "fit_context",
    "in_container",
    "with_callbacks",
]
