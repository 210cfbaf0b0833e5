"""What losses, penalties and corruption processes have in common: terms of an objective."""

import copy
import inspect
from abc import ABC

from sklearn.base import BaseEstimator

from ._engine import content_key


class Term(BaseEstimator, ABC):
    """A part of an objective, as an object with parameters.

    A subclass has an `__init__` that only stores its parameters, so that they can be searched,
    copied and saved. It says by class attributes what the rest of skae must know of it; nothing
    else knows a term by its name.
    """

    parameter = None
    """The parameter of an estimator that takes such terms, for messages."""

    numbers = ()
    """Names of the parameters that are arguments of the compiled programs: changing them does not
    recompile. They are passed to the term by keyword, in place of the attributes."""

    needs = frozenset()
    """What the term reads of the forward pass that not every network offers: "code_logits",
    "logistic code" or "posterior"."""

    def check(self):
        """Refuse parameters that make no sense; here none.

        Raises
        ------
        ValueError
            If there are any.
        """

    @property
    def key(self):
        """A hashable value, equal for terms that differ in `numbers` alone."""
        rest = copy.copy(self)
        for name in self.numbers:
            setattr(rest, name, None)
        return content_key(rest)

    def number_values(self):
        """The numbers by name."""
        return {name: getattr(self, name) for name in self.numbers}


def as_term(value, kind, named, of_function):
    """The term that the value of an estimator's parameter stands for.

    Parameters
    ----------
    value : str, object or callable
        A name, a term, or a function of a `ForwardPass`.
    kind : type
        Base class of the terms.
    named : dict of str to type
        Terms that can be asked for by name.
    of_function : type
        Class of the terms that a function describes.

    Raises
    ------
    ValueError
        If it stands for none.
    """
    if isinstance(value, str) and value in named:
        return named[value]()
    if isinstance(value, kind):
        return value
    if callable(value) and not isinstance(value, type) and _takes_one_argument(value):
        return of_function(value)
    raise ValueError(
        f"{kind.parameter} must be one of {sorted(named)}, a {kind.__name__} (an object, not its "
        f"class), or a function of one argument, a ForwardPass; got {value!r}."
    )


def _takes_one_argument(function):
    """Whether a function can be called with one argument, as far as Python can tell."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # of some that are compiled, of which it knows nothing
        return True
    return True
