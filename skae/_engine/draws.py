"""Random draws inside a program, all of which follow from one key."""

import functools

from . import _jax
from .backend import is_loaded, load_keras


def draws(key):
    """Source of the random numbers of a program: another seed at each draw.

    Parameters
    ----------
    key : array of two uint32, or callable that gives it
        The same key gives the same numbers. A callable is called at the first draw.

    Returns
    -------
    draws : Draws
        A user's code may give it to `keras.random` as `seed`: it is a `keras.random.SeedGenerator`
        if Keras has been imported, which it is for such code.
    """
    return _of_keras(load_keras())(key) if is_loaded() else Draws(key)


class Draws:
    """Seeds that follow from a key and from the number of the draw."""

    def __init__(self, key):
        # Keras's own makes a variable, which a pure function must not.
        self.key, self.n_draws = key, 0

    def next(self, ordered=True):
        """The seed of the next draw."""
        self.n_draws += 1
        if callable(self.key):
            self.key = self.key()
        return _jax.fold_in(self.key, self.n_draws)


@functools.cache
def _of_keras(keras):
    class KerasDraws(Draws, keras.random.SeedGenerator):
        """The same, for `keras.random`."""

    return KerasDraws
