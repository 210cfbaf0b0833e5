"""The squared Frobenius norm of an encoder's Jacobian, row by row."""

import numpy as np

MAX_EXACT_UNITS = 8
"""Code units up to which the Jacobian of an encoder that is no dense chain is formed row by row."""

N_PROBES = 8
"""Random directions that estimate it beyond; as dear as `MAX_EXACT_UNITS` units."""


def dense_chain_norm(layers, X):
    r"""Exact squared norm for a chain of dense layers, without ever forming a Jacobian.

    The Jacobian of row i is :math:`G_i W_1^\top`, where the slopes of the row's activations enter
    :math:`G_i` alone. So :math:`\|G_i W_1^\top\|^2 = \sum_{jk} (G_i M)_{jk} (G_i)_{jk}` with
    :math:`M = W_1^\top W_1`, which is the same for all rows and spares the product with the widest
    matrix.

    Parameters
    ----------
    layers : list of tuples (kernel, bias, activation)
        First layer first; kernels of shape (n_inputs, n_units).
    X : tensor of shape (n_rows, n_features)

    Returns
    -------
    squared_norm : tensor of shape (n_rows,)
    """
    slopes = []
    for kernel, bias, activation in layers:
        X, slope = _with_slope(activation, X @ kernel + bias)
        slopes.append(slope)
    first = layers[0][0]
    gram = first.T @ first
    if len(layers) == 1:
        return (slopes[0] ** 2) @ gram.diagonal()
    G = slopes[-1][:, :, None] * layers[-1][0].T
    for (kernel, _, _), slope in zip(layers[-2:0:-1], slopes[-2:0:-1], strict=True):
        G = (G * slope[:, None, :]) @ kernel.T
    G = G * slopes[0][:, None, :]
    return ((G @ gram) * G).sum(axis=(1, 2))


def _with_slope(activation, z):
    """An activation that acts on each entry, and its derivative."""
    import jax

    return jax.jvp(activation, (z,), (jax.numpy.ones_like(z),))


def norm(encode, X, key):
    r"""Squared norm for any differentiable encoder that treats each row by itself.

    Exact for codes of up to `MAX_EXACT_UNITS` units, by one backward pass a unit. Beyond, the mean
    of :math:`\|J^\top v\|^2` over `N_PROBES` vectors v of random signs, which is unbiased because
    :math:`E[v v^\top] = I` [1]_.

    Parameters
    ----------
    encode : callable
        From X to the code.
    X : tensor of shape (n_rows, n_features)
    key : tensor
        Seed of the random directions.

    Returns
    -------
    squared_norm : tensor of shape (n_rows,)

    References
    ----------
    .. [1] Hutchinson, M. F. (1990). A stochastic estimator of the trace of the influence matrix for
       Laplacian smoothing splines. Communications in Statistics - Simulation and Computation 19,
       433-450. https://doi.org/10.1080/03610919008812866
    """
    import jax
    from jax import numpy as jnp

    code, pull_back = jax.vjp(encode, X)
    n_rows, n_units = code.shape
    if n_units <= MAX_EXACT_UNITS:
        units = jnp.eye(n_units, dtype=code.dtype)
        probes, scale = jnp.broadcast_to(units[:, None, :], (n_units, n_rows, n_units)), 1.0
    else:
        probes = jax.random.rademacher(key, (N_PROBES, n_rows, n_units), code.dtype)
        scale = np.float32(1 / N_PROBES)
    squares = jax.vmap(lambda v: jnp.square(pull_back(v)[0]).sum(axis=-1))(probes)
    return scale * squares.sum(axis=0)
