"""Activations in scikit-learn's and Keras's spelling, and one that Keras does not have."""

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


def activation_function(name):
    """Keras's function of an activation."""
    return load_keras().activations.get(keras_activation(name))


def is_elementwise(function):
    """Whether a Keras activation is known to act on each entry by itself."""
    get = load_keras().activations.get
    return any(function is get(name) for name in _CANONICAL)


def clipped(values, low, high):
    """Values cut off at bounds, for training.

    A gradient that leads back to the range passes through a bound: else what is beyond would never
    come back. One that leads further out, as some losses have where they are zero, does not.
    """
    from keras import ops

    @ops.custom_gradient
    def cut(values):
        def gradient(*inputs, upstream=None):
            upstream = inputs[-1] if upstream is None else upstream
            above, below = values > high, values < low
            back = ops.where(above, upstream > 0, ops.where(below, upstream < 0, True))
            return ops.where(back, upstream, 0.0)

        return ops.clip(values, low, high), gradient

    return cut(values)
