"""Keras layers as operations: one small function a class.

Each gets the nodes, a layer, a function from its variables to their arrays, the names of its inputs
and the shape of the first one, whose rows come first; it returns the name of the output. The
channels of images come last in Keras and first in ONNX.
"""

import math

import numpy as np

from .._engine import calls, load_keras
from .._layers import (
    doubling_conv,
    first_units,
    halving_max,
    linear_path,
    rescaled,
    tied_dense,
)
from .activations import activated, name_of

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def dense(nodes, layer, value, inputs, shape):
    """A matrix product, a bias and an activation."""
    output = nodes("MatMul", inputs[0], value(layer.kernel))
    if layer.use_bias:
        output = nodes("Add", output, value(layer.bias))
    return activation(nodes, layer, value, [output], shape)


def tied(nodes, layer, value, inputs, shape):
    """A product with the transposed matrix of another layer, and a bias."""
    kernel = nodes("Transpose", value(layer.mirrored.kernel), perm=[1, 0])
    return nodes("Add", nodes("MatMul", inputs[0], kernel), value(layer.bias))


def path(nodes, layer, value, inputs, shape):
    """A linear function of the rows, and other layers' outputs times their gains."""
    rows, others = inputs
    scaled = nodes("Mul", others, value(layer.gain))
    return nodes("Add", nodes("MatMul", rows, value(layer.matrix)), scaled)


def first(nodes, layer, value, inputs, shape):
    """The first units of each row."""
    return nodes.first_columns(inputs[0], layer.n_units)


def centred(nodes, layer, value, inputs, shape):
    """Inputs less their centre, times a gain."""
    return nodes("Mul", nodes("Sub", inputs[0], value(layer.centre)), value(layer.gain))


def activation(nodes, layer, value, inputs, shape):
    """An activation that acts on each entry."""
    name = name_of(layer.activation)
    if name is None:
        raise no_converter(layer, f"the activation {layer.activation!r} of")
    return activated(nodes, name, inputs[0])


def unchanged(nodes, layer, value, inputs, shape):
    """What acts in training alone."""
    return inputs[0]


def added(nodes, layer, value, inputs, shape):
    """A sum."""
    total, *others = inputs
    for other in others:
        total = nodes("Add", total, other)
    return total


def concatenated(nodes, layer, value, inputs, shape):
    """Tensors side by side."""
    return nodes("Concat", *inputs, axis=layer.axis)


def batch_normalization(nodes, layer, value, inputs, shape):
    """A factor and a summand of each unit, from the running means and variances."""
    check_last_axis(layer, shape)
    factor = 1 / np.sqrt(value(layer.moving_variance).astype(np.float64) + layer.epsilon)
    factor = factor * (value(layer.gamma) if layer.scale else 1.0)
    summand = (value(layer.beta) if layer.center else 0.0) - value(layer.moving_mean) * factor
    scaled = nodes("Mul", inputs[0], factor.astype(np.float32))
    return nodes("Add", scaled, summand.astype(np.float32))


def layer_normalization(nodes, layer, value, inputs, shape):
    """Each row's units with mean zero and variance one; then a factor and a summand of each."""
    check_last_axis(layer, shape)
    if getattr(layer, "rms_scaling", False):
        raise no_converter(layer, "rms_scaling=True of")
    return normalized(nodes, layer, value, inputs[0], [len(shape) - 1], shape)


def group_normalization(nodes, layer, value, inputs, shape):
    """The same over all values of a row."""
    check_last_axis(layer, shape)
    if layer.groups != 1:
        raise no_converter(layer, f"groups={layer.groups} of")
    return normalized(nodes, layer, value, inputs[0], list(range(1, len(shape))), shape)


def normalized(nodes, layer, value, x, axes, shape):
    """Values with mean zero and variance one over some axes; then a factor and a summand each."""
    share = np.array(1 / math.prod(shape[axis] for axis in axes), np.float32)

    def mean(tensor):
        return nodes("Mul", nodes("ReduceSum", tensor, np.array(axes), keepdims=1), share)

    centred = nodes("Sub", x, mean(x))
    variance = mean(nodes("Mul", centred, centred))
    deviation = nodes("Sqrt", nodes("Add", variance, np.array(layer.epsilon, np.float32)))
    output = nodes("Div", centred, deviation)
    output = nodes("Mul", output, value(layer.gamma)) if layer.scale else output
    return nodes("Add", output, value(layer.beta)) if layer.center else output


def check_last_axis(layer, shape):
    """Refuse a normalisation of another axis than the last."""
    axis = list(layer.axis) if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    if axis not in ([-1], [len(shape) - 1]):
        raise no_converter(layer, f"axis={layer.axis} of")


# Images


def reshaped(nodes, layer, value, inputs, shape):
    """Values of each row in another shape."""
    return of_shape(nodes, inputs[0], layer.target_shape)


def flattened(nodes, layer, value, inputs, shape):
    """Values of each row in a row."""
    check_channels_last(layer)
    return of_shape(nodes, inputs[0], [math.prod(shape[1:])])


def of_shape(nodes, x, shape):
    """A tensor whose rows get a shape; 0 stands for their number."""
    return nodes("Reshape", x, np.array([0, *shape], np.int64))


def convolution(nodes, layer, value, inputs, shape):
    """A convolution, and an activation."""
    check_channels_last(layer)
    if layer.padding not in ("same", "valid"):
        raise no_converter(layer, f"padding={layer.padding!r} of")
    reach = [1 + d * (k - 1) for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    margins = same_margins(shape[1:3], reach, layer.strides)
    pads = margins if layer.padding == "same" else [0, 0, 0, 0]
    maps = nodes(
        "Conv",
        nodes("Transpose", inputs[0], perm=TO_CHANNELS_FIRST),
        np.ascontiguousarray(value(layer.kernel).transpose(3, 2, 0, 1)),
        *([value(layer.bias)] if layer.use_bias else []),
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        group=layer.groups,
        pads=pads,
    )
    output = nodes("Transpose", maps, perm=TO_CHANNELS_LAST)
    return activation(nodes, layer, value, [output], shape)


def same_margins(sides, reach, strides):
    """Pixels around an image with which a convolution gives one output a stride."""
    totals = [
        max((-(-side // stride) - 1) * stride + size - side, 0)
        for side, size, stride in zip(sides, reach, strides, strict=True)
    ]
    before = [total // 2 for total in totals]
    return [*before, *(total - first for total, first in zip(totals, before, strict=True))]


def transposed_convolution(nodes, layer, value, inputs, shape):
    """The transposed convolution of padding "same", and an activation."""
    check_channels_last(layer)
    if layer.padding != "same" or tuple(layer.dilation_rate) != (1, 1):
        raise no_converter(layer, "padding or dilation_rate of")
    if getattr(layer, "output_padding", None) is not None:
        raise no_converter(layer, "output_padding of")
    # Of what all kernels cover, so much is cut off that each input pixel leaves one a stride.
    extra = [k - s for k, s in zip(layer.kernel_size, layer.strides, strict=True)]
    before = [max(total, 0) // 2 for total in extra]
    after = [max(total - first, 0) for total, first in zip(extra, before, strict=True)]
    maps = nodes(
        "ConvTranspose",
        nodes("Transpose", inputs[0], perm=TO_CHANNELS_FIRST),
        np.ascontiguousarray(value(layer.kernel).transpose(3, 2, 0, 1)),
        *([value(layer.bias)] if layer.use_bias else []),
        strides=list(layer.strides),
        pads=[*before, *after],
        output_padding=[max(-total, 0) for total in extra],
    )
    output = nodes("Transpose", maps, perm=TO_CHANNELS_LAST)
    return activation(nodes, layer, value, [output], shape)


def halved(nodes, layer, value, inputs, shape):
    """The maximum of each 2 x 2 pixels."""
    maps = nodes("Transpose", inputs[0], perm=TO_CHANNELS_FIRST)
    maps = nodes("MaxPool", maps, kernel_shape=[2, 2], strides=[2, 2])
    return nodes("Transpose", maps, perm=TO_CHANNELS_LAST)


def upsampled(nodes, layer, value, inputs, shape):
    """Repeated pixels."""
    check_channels_last(layer)
    if layer.interpolation != "nearest":
        raise no_converter(layer, f"interpolation={layer.interpolation!r} of")
    _, height, width, channels = shape
    rows, columns = layer.size
    apart = of_shape(nodes, inputs[0], [height, 1, width, 1, channels])
    many = nodes("Expand", apart, np.array([1, 1, rows, 1, columns, 1], np.int64))
    return of_shape(nodes, many, [height * rows, width * columns, channels])


def padded(nodes, layer, value, inputs, shape):
    """Margins of zeros."""
    check_channels_last(layer)
    (top, bottom), (left, right) = layer.padding
    return nodes("Pad", inputs[0], np.array([0, top, left, 0, 0, bottom, right, 0], np.int64))


def cropped(nodes, layer, value, inputs, shape):
    """An image without its margins."""
    check_channels_last(layer)
    (top, bottom), (left, right) = layer.cropping
    ends = np.array([shape[1] - bottom, shape[2] - right], np.int64)
    return nodes("Slice", inputs[0], np.array([top, left], np.int64), ends, np.array([1, 2]))


def check_channels_last(layer):
    """Refuse images whose channels come first."""
    if layer.data_format != "channels_last":
        raise no_converter(layer, f"data_format={layer.data_format!r} of")


# All layers

OF_KERAS = {
    "Activation": activation,
    "ActivityRegularization": unchanged,
    "Add": added,
    "AlphaDropout": unchanged,
    "BatchNormalization": batch_normalization,
    "Concatenate": concatenated,
    "Conv2D": convolution,
    "Conv2DTranspose": transposed_convolution,
    "Cropping2D": cropped,
    "Dense": dense,
    "Dropout": unchanged,
    "Flatten": flattened,
    "GaussianDropout": unchanged,
    "GaussianNoise": unchanged,
    "GroupNormalization": group_normalization,
    "LayerNormalization": layer_normalization,
    "Reshape": reshaped,
    "SpatialDropout2D": unchanged,
    "UpSampling2D": upsampled,
    "ZeroPadding2D": padded,
}
"""Keras's layers by name. Its other layers have no converter yet."""

OF_SKAE = {
    doubling_conv: transposed_convolution,
    first_units: first,
    halving_max: halved,
    linear_path: path,
    rescaled: centred,
    tied_dense: tied,
}
"""skae's layers, by the functions that return the classes."""


def converter_of(layer):
    """The function that converts a layer; None where there is none."""
    layers = load_keras().layers
    for name, convert in OF_KERAS.items():
        if type(layer) is getattr(layers, name):  # a subclass may compute something else
            return convert
    return next((convert for make, convert in OF_SKAE.items() if type(layer) is make()), None)


def no_converter(layer, what="the layer"):
    """The error for what cannot be converted."""
    return NotImplementedError(
        f"skae.onnx has no converter for {what} {layer.name!r} of class {type(layer).__name__}. "
        "Keras can export the networks by itself, as models from and to the units of X: "
        "model = estimator.model_; model(X[:1]); model.export('model.onnx', format='onnx'), and so "
        "encoder_ and decoder_; with Keras 3.15 on JAX that needs the package jax2onnx."
    )


def model_nodes(nodes, model, value, x):
    """Add what a Keras model computes; returns the name of its output.

    Parameters
    ----------
    nodes : Nodes
    model : keras.Model
        Of one input and one output.
    value : callable
        From a variable to its array.
    x : str
    """
    names = {id(model.inputs[0]): x}
    for layer, inputs, outputs, options in calls(model):
        given = [names[id(tensor)] for tensor in inputs]
        if options:
            raise no_converter(layer, f"the arguments {sorted(options)} of the layer")
        if getattr(layer, "inputs", None) and len(layer.inputs) == len(layer.outputs) == 1:
            output = model_nodes(nodes, layer, value, given[0])
        elif convert := converter_of(layer):
            output = convert(nodes, layer, value, given, inputs[0].shape)
        else:
            raise no_converter(layer)
        names[id(outputs[0])] = output
    return names[id(model.outputs[0])]
