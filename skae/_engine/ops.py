"""Functions of tensors for skae's own layers and terms: `keras.ops`, without importing Keras.

They have the names and arguments of `keras.ops`, and on JAX compute the same to the bit. A user's
own pieces take Keras's, which may be mixed with these.
"""

from . import _jax


def __getattr__(name):
    return _jax.function(name)


def normal(shape, seed):
    """Standard normal numbers; `seed` is what `draws` gave."""
    return _jax.normal(seed.next(), shape)


def uniform(shape, seed):
    """Numbers uniform in [0, 1); `seed` is what `draws` gave."""
    return _jax.uniform(seed.next(), shape)
