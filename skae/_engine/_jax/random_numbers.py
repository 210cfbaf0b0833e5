"""Random keys, and the numbers that are drawn with them."""


def split(key):
    """Two keys that are independent of each other."""
    import jax

    return jax.random.split(key)


def fold_in(key, number):
    """A key that follows from another and a number."""
    import jax

    return jax.random.fold_in(key, number)


def normal(key, shape):
    """Standard normal numbers."""
    import jax

    return jax.random.normal(key, shape, "float32")


def uniform(key, shape):
    """Numbers uniform in [0, 1)."""
    import jax

    return jax.random.uniform(key, shape, "float32")


def signs(key, shape):
    """Numbers -1 and 1 with equal probability."""
    import jax

    return jax.random.rademacher(key, shape, "float32")


def dropped(x, rate, key):
    """A tensor of which a share of the values is zero, and the others are scaled up."""
    import jax

    kept = 1.0 - rate
    mask = jax.random.bernoulli(key, kept, x.shape)
    return jax.lax.select(mask, x / kept, jax.numpy.zeros_like(x))
