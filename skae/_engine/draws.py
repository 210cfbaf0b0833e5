"""Random draws inside a program, all of which follow from one key."""

import functools

from . import _jax
from .backend import load_keras


def draws(key):
    """What `keras.random` takes as `seed` in a program: another seed at each draw.

    Parameters
    ----------
    key : array of two uint32
        The same key gives the same numbers.

    Returns
    -------
    draws : keras.random.SeedGenerator
    """
    return _generator(load_keras())(key)


@functools.cache
def _generator(keras):
    class Draws(keras.random.SeedGenerator):
        """Seeds that follow from a key and from the number of the draw."""

        def __init__(self, key):
            # Keras's own makes a variable, which a pure function must not.
            self.key, self.n_draws = key, 0

        def next(self, ordered=True):
            """The seed of the next draw."""
            self.n_draws += 1
            return _jax.fold_in(self.key, self.n_draws)

    return Draws
