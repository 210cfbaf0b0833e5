"""Activations as operations."""

import numpy as np

from .._engine import canonical_activation, keras_activation, load_keras

HALF, ONE, ROOT = (np.array(value, np.float32) for value in (0.5, 1.0, np.sqrt(0.5)))


def identity(nodes, x):
    """X."""
    return x


def gelu(nodes, x):
    """X times the normal distribution function of x."""
    error = nodes("Erf", nodes("Mul", x, ROOT))
    return nodes("Mul", nodes("Mul", x, HALF), nodes("Add", error, ONE))


def silu(nodes, x):
    """X times its logistic function."""
    return nodes("Mul", x, nodes("Sigmoid", x))


def operator(name, **attributes):
    """The activation that is one operator of ONNX."""
    return lambda nodes, x: nodes(name, x, **attributes)


ACTIVATIONS = {
    "identity": identity,
    "logistic": operator("Sigmoid"),
    "tanh": operator("Tanh"),
    "relu": operator("Relu"),
    "leaky_relu": operator("LeakyRelu", alpha=0.2),
    "elu": operator("Elu", alpha=1.0),
    "selu": operator("Selu"),
    "gelu": gelu,
    "silu": silu,
    "softplus": operator("Softplus"),
    "softsign": operator("Softsign"),
}
"""What each activation of skae's becomes."""


def activated(nodes, name, x):
    """A tensor behind an activation of skae's."""
    return ACTIVATIONS[canonical_activation(name)](nodes, x)


def name_of(function):
    """Name of an activation given as Keras's function; None for a user's own."""
    get = load_keras().activations.get
    return next((name for name in ACTIVATIONS if function is get(keras_activation(name))), None)
