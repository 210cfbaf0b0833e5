"""Gradients and derivatives of functions."""


def value_and_gradient(function):
    """``((value, rest), gradient)`` of a function that returns ``(value, rest)``, by its first."""
    import jax

    return jax.value_and_grad(function, has_aux=True)


def derivative(function, x):
    """Values and derivatives of a function that acts on each entry of x by itself."""
    import jax

    return jax.jvp(function, (x,), (jax.numpy.ones_like(x),))


def pull_back(function, x):
    """``function(x)``, and the function from v to ``v @ Jacobian`` there."""
    import jax

    value, back = jax.vjp(function, x)
    return value, lambda v: back(v)[0]
