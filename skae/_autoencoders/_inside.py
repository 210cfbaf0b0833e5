"""An autoencoder inside another estimator: what it says, in the words of the outer one."""

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from sklearn.base import clone

from .._data.validation import reworded

WORDS = {"activation", "architecture", "contraction", "corruption", "init", "likelihood", "loss"}
WORDS |= {"missing", "pretraining", "shuffle", "solver", "sparsity", "verbose"}
"""Parameters that are words, too: only where "=" follows is the parameter meant."""


class Speakers(NamedTuple):
    """Whose words are said in whose name.

    Parameters
    ----------
    outer : BaseEstimator
        Has the parameter `estimator`.
    inner : BaseAutoencoder
    silenced : tuple of classes
        Categories of warnings that are not given.
    """

    outer: object
    inner: object
    silenced: tuple


_speakers = ContextVar("speakers", default=None)


@contextmanager
def inside(outer, inner, *, silenced=()):
    """Let warnings and errors name parameters as users of the outer estimator set them.

    So `max_iter` is ``estimator__max_iter``, because the outer one may have a `max_iter` of its
    own.

    Parameters
    ----------
    outer : BaseEstimator
        Has the parameter `estimator`.
    inner : BaseAutoencoder
    silenced : tuple of classes, default=()
        Categories of warnings that are not given.
    """
    if (around := _speakers.get()) is not None:
        silenced = (*silenced, *around.silenced)
    token = _speakers.set(Speakers(outer, inner, silenced))
    try:
        with reworded(said):
            yield
    finally:
        _speakers.reset(token)


def is_silenced(category):
    """Whether what runs in this thread is not to give warnings of a category."""
    speakers = _speakers.get()
    return speakers is not None and issubclass(category, speakers.silenced)


def said(message):
    """A message in the words of the outer estimator, if there is one."""
    if (speakers := _speakers.get()) is None:
        return message
    outer, inner, _ = speakers
    message = message.replace(
        f"{type(inner).__name__} is expecting", f"{type(outer).__name__} is expecting"
    )
    named = with_prefix(message, set(inner.get_params(deep=False)) - set(OF_BOTH))
    if named != message and outer.estimator is None:
        default = " ".join(repr(clone(inner).set_params(random_state=None)).split())
        named += f" estimator=None stands for {default}: pass that with the change."
    return named


OF_BOTH = ("random_state",)
"""Parameters that the outer estimator has in place of the autoencoder's."""


def with_prefix(message, parameters):
    """A message in which parameters are named as those of `estimator`.

    What stands in quotes is left alone: names of columns, and scikit-learn's rejections, which say
    whose they are.
    """

    def named(match):
        name, sign = match.groups()
        if name is None:
            return match[0]
        is_meant = name in parameters and (sign or name not in WORDS)
        return f"estimator__{match[0]}" if is_meant else match[0]

    return re.sub(r"(?<!\w)'[^']*'|(?<!['\w])([a-z]\w*)\b(=?)", named, message)
