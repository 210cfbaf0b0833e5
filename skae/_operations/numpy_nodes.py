"""Operations carried out by NumPy: what dense networks compute of rows, without JAX."""

import numpy as np
from scipy import special

from .networks import NetworkNodes

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""Constants of the activation "selu"."""


def elu(x, alpha):
    """X where positive, else ``alpha * (exp(x) - 1)``."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


OPERATIONS = {
    "Add": np.add,
    "Concat": lambda *parts, axis: np.concatenate(parts, axis=axis),
    "Div": np.divide,
    "Elu": elu,
    "Erf": special.erf,
    "IsNaN": np.isnan,
    "LeakyRelu": lambda x, alpha: np.where(x > 0, x, alpha * x),
    "MatMul": np.matmul,
    "Mul": np.multiply,
    "ReduceSum": lambda x, axes, keepdims: x.sum(axis=tuple(axes), keepdims=bool(keepdims)),
    "Relu": lambda x: np.maximum(x, 0),
    "Selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "Sigmoid": special.expit,
    "Softplus": lambda x: np.logaddexp(x, 0),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Where": np.where,
}
"""The operations of dense networks, by ONNX's names. Convolutions have none."""


class NumpyNodes:
    """Carries out operations as they are named; see `skae.onnx` for those that write them down."""

    def __call__(self, operator, *inputs, **attributes):
        """The result of an operation on arrays.

        Raises
        ------
        NotImplementedError
            If there is none of that name.
        """
        if operator not in OPERATIONS:
            raise NotImplementedError(f"{operator} is not written in NumPy.")
        return OPERATIONS[operator](*inputs, **attributes)

    def first_columns(self, matrix, n_columns):
        """The first columns of a matrix."""
        return matrix[:, :n_columns]


def in_numpy(network, kind):
    """What a network computes of rows on its own scale, as a function of arrays; None if unknown.

    Parameters
    ----------
    network : FittedNetwork
    kind : {"encode", "decode", "predict", "posterior"}
        As in `FittedNetwork`.

    Returns
    -------
    function : callable or None
        From rows in single precision to results, which equal those of JAX but for rounding. None of
        a kind that draws random numbers. It raises NotImplementedError if a layer is not written in
        NumPy.
    """
    nodes = NetworkNodes(NumpyNodes(), network)

    def encode(rows):
        return nodes.code(nodes.filled(rows))

    def decode(code):
        return nodes.activated(nodes.logits(code))

    functions = {
        "encode": encode,
        "decode": decode,
        "predict": lambda rows: decode(encode(rows)),
        "posterior": lambda rows: mean_and_deviation(
            network, nodes.encoder_output(nodes.filled(rows))
        ),
    }
    function = functions.get(kind)
    return function and quiet(function)


def mean_and_deviation(network, output):
    """Mean and standard deviation of each row's code, side by side."""
    mean, log_variance = network.recipe.latent.posterior(output)
    return np.concatenate([mean, np.exp(log_variance / 2)], axis=1)


def quiet(function):
    """The function without warnings of what single precision does not hold: callers check."""

    def called(rows):
        with np.errstate(all="ignore"):
            return function(rows)

    return called
