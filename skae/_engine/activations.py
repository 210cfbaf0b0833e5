"""Activations in scikit-learn's and Keras's spelling."""

from .backend import load_keras

ACTIVATIONS = {
    "identity": "linear",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "softsign": "softsign",
}
"""scikit-learn's names of the activations, and Keras's. All act on each entry by itself."""

_CANONICAL = {keras_name: name for name, keras_name in ACTIVATIONS.items()}

ACTIVATION_NAMES = frozenset(ACTIVATIONS) | frozenset(_CANONICAL)
"""The names in either spelling."""


def canonical_activation(name):
    """scikit-learn's name of an activation given in either spelling."""
    return name if name in ACTIVATIONS else _CANONICAL[name]


def keras_activation(name):
    """Keras's name of an activation given in either spelling."""
    return ACTIVATIONS[canonical_activation(name)]


def is_elementwise(function):
    """Whether a Keras activation is known to act on each entry by itself."""
    get = load_keras().activations.get
    return any(function is get(name) for name in _CANONICAL)
