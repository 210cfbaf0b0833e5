"""The squared Frobenius norm of an encoder's Jacobian, row by row."""

import itertools

from . import _jax, ops
from .activations import is_elementwise
from .backend import load_keras

MAX_EXACT_UNITS = 8
"""Code units up to which the Jacobian of an encoder that is no dense chain is formed row by row."""

N_PROBES = 8
"""Number of random probes for wider codes; costs as much as `MAX_EXACT_UNITS` exact rows."""


def dense_chain(model, weights):
    """Kernel, bias and activation of each layer, if the model is provably a dense chain, else None.

    A dense chain is a sequence of trainable `Dense` layers whose activations act on each entry by
    itself, and of nothing else but dropout, which `transform` leaves out.

    Parameters
    ----------
    model : keras.Model
    weights : list of tensors
        In the order of ``model.trainable_variables``.
    """
    layers = load_keras().layers
    value_of = dict(zip(map(id, model.trainable_variables), weights, strict=True))
    chain = []
    for layer in _operations_in_a_row(model) or []:
        if type(layer) is layers.Dense and layer.use_bias and is_elementwise(layer.activation):
            arrays = [value_of.get(id(variable)) for variable in (layer.kernel, layer.bias)]
            if any(array is None for array in arrays):  # frozen
                return None
            chain.append((*arrays, layer.activation))
        elif type(layer) is layers.Activation and chain and is_elementwise(layer.activation):
            chain[-1] = then(chain[-1], layer.activation)
        elif type(layer) not in (layers.InputLayer, layers.Dropout):
            return None
    return chain or None


def _operations_in_a_row(model):
    """A model's operations, if each takes the output of the one before alone, else None."""
    if isinstance(model, load_keras().Sequential):
        return model.layers
    operations = getattr(model, "operations", None)
    if operations is None or len(model.inputs) != 1 or len(model.outputs) != 1:
        return None
    # Public in Keras: an operation's input and output, which raise if it was called twice.
    try:
        pairs = itertools.pairwise(operations)
        in_a_row = all(after.input is before.output for before, after in pairs)
        return operations if in_a_row and operations[-1].output is model.outputs[0] else None
    except (AttributeError, ValueError):
        return None


def then(layer, activation):
    """A layer of a chain with another activation behind its own."""
    kernel, bias, inner = layer
    return kernel, bias, lambda z: activation(inner(z))


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
        X, slope = _jax.derivative(activation, X @ kernel + bias)
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


def norm(encode, X, seed):
    r"""Squared norm for any differentiable encoder that treats each row by itself.

    Exact for codes of up to `MAX_EXACT_UNITS` units, by one backward pass a unit. Beyond, the mean
    of :math:`\|J^\top v\|^2` over `N_PROBES` vectors v of random signs, which is unbiased because
    :math:`E[v v^\top] = I` [1]_.

    Parameters
    ----------
    encode : callable
        From X to the code.
    X : tensor of shape (n_rows, n_features)
    seed : Draws
        Source of the random directions.

    Returns
    -------
    squared_norm : tensor of shape (n_rows,)

    References
    ----------
    .. [1] Hutchinson, M. F. (1990). A stochastic estimator of the trace of the influence matrix for
       Laplacian smoothing splines. Communications in Statistics - Simulation and Computation 19,
       433-450. https://doi.org/10.1080/03610919008812866
    """
    code, pull_back = _jax.pull_back(encode, X)
    n_rows, n_units = code.shape
    if n_units <= MAX_EXACT_UNITS:
        unit = ops.eye(n_units, dtype=code.dtype)[:, None, :]
        probes, n_probes = ops.broadcast_to(unit, (n_units, n_rows, n_units)), 1
    else:
        probes = _jax.signs(seed.next(), (N_PROBES, n_rows, n_units))
        n_probes = N_PROBES
    squares = _jax.map_rows(lambda v: ops.sum(ops.square(pull_back(v)), axis=-1))(probes)
    return ops.sum(squares, axis=0) / n_probes
