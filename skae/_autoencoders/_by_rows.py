"""Methods whose result for a row depends on that row alone: over the blocks of X, and over Dask."""

import copy
from functools import wraps

from sklearn.utils.validation import check_is_fitted

from .._data.sources import is_of_dask, is_source, joined, source_of
from .._data.validation import reworded


def by_rows(like):
    """Let a method of X also take what is read in blocks: of Dask lazily, all else one by one.

    Parameters
    ----------
    like : callable
        Maps the estimator, some rows like those of X, and the method's other arguments to a result
        of some rows, of the width, type and container that the method gives.
    """

    def decorate(method):
        @wraps(method)
        def applied(self, X, *args, **kwargs):
            if not is_source(X):
                return method(self, X, *args, **kwargs)
            check_is_fitted(self)
            if not is_of_dask(X):
                return joined(list(_of_blocks(_Method(self, method, args, kwargs), X)))
            from .._data import dask

            dask.check_chunks(X, "X")
            own = _Method(copy.copy(self), method, args, kwargs)  # as it is now, if fitted again
            return dask.mapped(own, X, like(self, dask.example(X), *args, **kwargs)[:0])

        return applied

    return decorate


def _of_blocks(function, X):
    for number, block in enumerate(source_of(X).read()):
        if getattr(block, "shape", (1,))[0]:
            with reworded(lambda text, number=number: f"{text} (In block {number} of X.)"):
                yield function(block)


class _Method:
    """A method of a fitted estimator, which can be sent to other processes.

    Parameters
    ----------
    estimator : BaseEstimator
    method : callable
        Of its class, known there by its name.
    args, kwargs : tuple and dict
        Its arguments beside X.
    """

    def __init__(self, estimator, method, args, kwargs):
        self._estimator, self.__name__ = estimator, method.__name__
        self._args, self._kwargs = args, kwargs

    def __call__(self, block):
        return getattr(self._estimator, self.__name__)(block, *self._args, **self._kwargs)
