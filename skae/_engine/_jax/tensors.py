"""Functions of tensors: those of `keras.ops` by name, activations, convolutions, rows by number."""

_ELSEWHERE = {
    "custom_gradient": ("", "custom_gradient"),
    "log_sigmoid": ("nn", "log_sigmoid"),
    "log_softmax": ("nn", "log_softmax"),
    "rsqrt": ("lax", "rsqrt"),
    "sigmoid": ("nn", "sigmoid"),
    "stop_gradient": ("lax", "stop_gradient"),
}
"""Where JAX has those functions of `keras.ops` that are not in `jax.numpy`."""

ACTIVATIONS = {
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "softsign": "soft_sign",
}
"""Activations but the identity, in scikit-learn's spelling, and JAX's names of them."""

ACTIVATION_OPTIONS = {"leaky_relu": {"negative_slope": 0.2}, "gelu": {"approximate": False}}
"""Keras's defaults where JAX's differ."""


def function(name):
    """The function of arrays that has that name in `keras.ops`."""
    import jax

    room, name = _ELSEWHERE.get(name, ("numpy", name))
    return getattr(getattr(jax, room) if room else jax, name)


def activated(name, x):
    """An activation, by scikit-learn's name, of a tensor."""
    import jax

    if name == "identity":
        return x
    return getattr(jax.nn, ACTIVATIONS[name])(x, **ACTIVATION_OPTIONS.get(name, {}))


def convolved(images, kernel, stride, padding):
    """Images, channels last, convolved with a kernel; `padding` is "same" or "valid"."""
    import jax

    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        images, kernel, (stride, stride), padding, dimension_numbers=axes
    )


def gather(array, rows):
    """The rows of an array at numbers that all exist, which is not checked."""
    return array.at[rows].get(mode="promise_in_bounds")


def bits(array):
    """The bits of a float32 array as whole numbers."""
    import jax

    return jax.lax.bitcast_convert_type(array, "uint32")
