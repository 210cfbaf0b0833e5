"""scikit-learn's private and experimental names, imported here alone."""

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
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
        """What scikit-learn before 1.9 lacks."""

        def set_callbacks(self, *callbacks):
            """Refuse callbacks.

            Raises
            ------
            ImportError
                Always.
            """
            raise ImportError("set_callbacks needs scikit-learn 1.9 or newer.")


class EpochCallbacks:
    """Tells scikit-learn's callbacks of a fit and of its epochs.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Being fitted by a method under `with_callbacks`.
    X : array-like
        The training data as the user gave them; also what is scored against.
    max_iter : int
        Number of epochs, at most.
    attributes : callable
        Gives the fitted attributes as if the fit had stopped now.
    """

    def __init__(self, estimator, X, max_iter, attributes):
        self._fit = self._epoch = None
        self._arguments = {"estimator": estimator, "X": X, "y": X}
        self._attributes = attributes
        if HAS_CALLBACKS:
            self._fit = estimator._init_callback_context(max_subtasks=max_iter)
            self._fit.call_on_fit_task_begin(**self._arguments)

    def begin_epoch(self):
        """An epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._arguments)

    def end_epoch(self):
        """An epoch ended; returns whether a callback wants the fit to stop."""
        return self._end(self._epoch)

    def end(self):
        """The fit ended."""
        self._end(self._fit)

    def _end(self, context):
        if context is None:
            return False
        return context.call_on_fit_task_end(
            **self._arguments, reconstruction_attributes=self._attributes
        )


def check_sample_weight(sample_weight, X):
    """`sample_weight` as a float64 vector of the length of X, none negative."""
    return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)


__all__ = [
    "HAS_CALLBACKS",
    "CallbackSupportMixin",
    "EpochCallbacks",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "with_callbacks",
]
