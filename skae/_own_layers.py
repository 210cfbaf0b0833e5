"""The layers of skae's own architectures: their weights, what they compute, and their Keras layers.

A network of skae's is a chain of such layers, which needs no Keras: importing it takes longer than
all else of a first answer, and tracing a program through it as long as compiling it. What a layer
computes is what its Keras layer does, in the same operations, so that both give the same bits.
"""

import math
from dataclasses import dataclass

from ._engine import (
    LINEAR_PATH,
    Weight,
    activated,
    convolved,
    dropped,
    keras_activation,
    load_keras,
    ops,
)
from ._layers import (
    doubled,
    doubling_conv,
    first_units,
    halved,
    halving_max,
    linear_path,
    rescaled,
    tied_dense,
)

BATCH_MOMENTUM = 0.9
"""Share of the running means that a training step keeps: small data have few steps."""

EPSILON = 1e-3
"""What normalisations add to a variance, as in Keras."""

CHANNELS_LAST = {"data_format": "channels_last"}
"""The order of the axes of images, whatever Keras is configured to."""


class OwnLayer:
    """A layer that skae runs itself; a subclass is called with its arrays, and has no state."""

    convolves = False
    """Whether it is a convolution."""

    mixes_rows = False
    """Whether what it gives for a row in training depends on the batch."""

    name = None
    """By which `LINEAR_PATH` is found."""

    def weights(self):
        """Its arrays, as a list of `Weight`."""
        return []

    def borrowed(self):
        """Arrays of other layers that it reads: layers by the arrays' name."""
        return {}

    def __call__(self, own, x, rows):
        """Its output.

        Parameters
        ----------
        own : dict of str to tensor
            Its arrays.
        x : tensor
            Output of the layer before.
        rows : tensor of shape (n_rows, n_features)
            What the network was given.
        """
        raise NotImplementedError

    def train(self, own, x, rows):
        """Its output in training, and new values of arrays that are not trained, by name."""
        return self(own, x, rows), {}

    def after(self, chain, own):
        """The dense chain that follows from that of the layers before, or None; see `jacobian`."""
        return None

    def keras_layer(self, made):
        """A new Keras layer; `made` are those of layers before, by the layers' ids."""
        raise NotImplementedError


# Fully connected


@dataclass(frozen=True, eq=False)
class Affine(OwnLayer):
    """A matrix product and a bias."""

    n_inputs: int
    n_units: int

    def weights(self):
        """Matrix and bias."""
        kernel = Weight("kernel", (self.n_inputs, self.n_units), "glorot_uniform")
        return [kernel, Weight("bias", (self.n_units,))]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.matmul(x, own["kernel"]) + own["bias"]

    def after(self, chain, own):
        """The chain with one layer more."""
        return [*chain, (own["kernel"], own["bias"], lambda z: z)]

    def keras_layer(self, made):
        """A `keras.layers.Dense`."""
        return load_keras().layers.Dense(self.n_units)


@dataclass(frozen=True, eq=False)
class TiedAffine(OwnLayer):
    """A product with the transposed matrix of another layer, and a bias."""

    mirrored: Affine

    def weights(self):
        """The bias."""
        return [Weight("bias", (self.mirrored.n_inputs,))]

    def borrowed(self):
        """The other layer's matrix."""
        return {"kernel": self.mirrored}

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.matmul(x, ops.transpose(own["kernel"])) + own["bias"]

    def keras_layer(self, made):
        """A layer of skae's."""
        return tied_dense()(made[id(self.mirrored)])


@dataclass(frozen=True, eq=False)
class Activated(OwnLayer):
    """An activation, by its name."""

    activation: str

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return activated(self.activation, x)

    def after(self, chain, own):
        """The chain whose last layer has one activation more."""
        if not chain:
            return None
        *before, (kernel, bias, inner) = chain
        name = self.activation
        return [*before, (kernel, bias, lambda z: activated(name, inner(z)))]

    def keras_layer(self, made):
        """A `keras.layers.Activation`."""
        return load_keras().layers.Activation(keras_activation(self.activation))


@dataclass(frozen=True, eq=False)
class Dropout(OwnLayer):
    """A share of the values is left out of each training step; the others are scaled up."""

    rate: float

    def weights(self):
        """The state of its random numbers."""
        return [Weight("seed_generator_state", (2,), "seed", trained=False)]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return x

    def train(self, own, x, rows):
        """Its output in training; see `OwnLayer.train`."""
        seed = own["seed_generator_state"]
        following = seed + ops.asarray([0, 1], "uint32")
        return dropped(x, self.rate, seed), {"seed_generator_state": following}

    def after(self, chain, own):
        """The chain as it is: `transform` leaves nothing out."""
        return chain

    def keras_layer(self, made):
        """A `keras.layers.Dropout`."""
        return load_keras().layers.Dropout(self.rate)


# Normalisation


@dataclass(frozen=True, eq=False)
class BatchNormalization(OwnLayer):
    """Each unit with mean zero and variance one over a batch; then a factor and a summand."""

    n_units: int

    mixes_rows = True

    def weights(self):
        """Factor, summand, and the running means and variances that `transform` uses."""
        shape = (self.n_units,)
        return [
            Weight("gamma", shape, "ones"),
            Weight("beta", shape),
            Weight("moving_mean", shape, trained=False),
            Weight("moving_variance", shape, "ones", trained=False),
        ]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return self._normalized(own, x, own["moving_mean"], own["moving_variance"])

    def train(self, own, x, rows):
        """Its output in training; see `OwnLayer.train`."""
        axes = tuple(range(x.ndim - 1))
        mean, variance = ops.mean(x, axes), ops.var(x, axes)
        kept, new = BATCH_MOMENTUM, 1.0 - BATCH_MOMENTUM
        running = {
            "moving_mean": own["moving_mean"] * kept + mean * new,
            "moving_variance": own["moving_variance"] * kept + variance * new,
        }
        return self._normalized(own, x, mean, variance), running

    def _normalized(self, own, x, mean, variance):
        shape = (1,) * (x.ndim - 1) + (self.n_units,)
        mean, variance = (ops.reshape(moment, shape) for moment in (mean, variance))
        return scaled(x, mean, variance, own, shape)

    def keras_layer(self, made):
        """A `keras.layers.BatchNormalization`."""
        return load_keras().layers.BatchNormalization(momentum=BATCH_MOMENTUM)


@dataclass(frozen=True, eq=False)
class LayerNormalization(OwnLayer):
    """Each row's units with mean zero and variance one; then a factor and a summand of each."""

    n_units: int

    def weights(self):
        """Factor and summand."""
        return [Weight("gamma", (self.n_units,), "ones"), Weight("beta", (self.n_units,))]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        mean, variance = (f(x, -1, keepdims=True) for f in (ops.mean, ops.var))
        shape = (1, self.n_units)
        own = {name: ops.reshape(array, shape) for name, array in own.items()}
        return scaled(x, mean, variance, own, shape)

    def keras_layer(self, made):
        """A `keras.layers.LayerNormalization`."""
        return load_keras().layers.LayerNormalization()


@dataclass(frozen=True, eq=False)
class MapNormalization(LayerNormalization):
    """The same over all values of a row's maps; a factor and a summand of each channel."""

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        # With an axis of one group, as Keras has it: sums over other axes may round otherwise.
        grouped = ops.reshape(x, (*x.shape[:-1], 1, self.n_units))
        axes = (1, 2, 4)
        mean, variance = (f(grouped, axes, keepdims=True) for f in (ops.mean, ops.var))
        output = scaled(grouped, mean, variance, own, (1, 1, 1, 1, self.n_units))
        return ops.reshape(output, x.shape)

    def keras_layer(self, made):
        """A `keras.layers.GroupNormalization`."""
        return load_keras().layers.GroupNormalization(groups=1)


def scaled(x, mean, variance, own, shape):
    """Values with another mean and variance, then a factor and a summand, reshaped, of each unit.

    In the order in which Keras computes them.
    """
    factor = ops.rsqrt(variance + EPSILON) * ops.reshape(own["gamma"], shape)
    summand = -mean * factor + ops.reshape(own["beta"], shape)
    return x * factor + summand


# Images


@dataclass(frozen=True, eq=False)
class Convolution(OwnLayer):
    """A convolution of padding "same", and a bias."""

    n_channels: int
    n_filters: int
    size: int
    stride: int = 1

    convolves = True

    def weights(self):
        """Filters and bias."""
        shape = (self.size, self.size, self.n_channels, self.n_filters)
        return [Weight("kernel", shape, "glorot_uniform"), Weight("bias", (self.n_filters,))]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        maps = convolved(x, own["kernel"], self.stride, "same")
        return maps + ops.reshape(own["bias"], (1, 1, 1, self.n_filters))

    def keras_layer(self, made):
        """A `keras.layers.Conv2D`."""
        options = {"strides": self.stride, "padding": "same", **CHANNELS_LAST}
        return load_keras().layers.Conv2D(self.n_filters, self.size, **options)


@dataclass(frozen=True, eq=False)
class DoublingConvolution(OwnLayer):
    """The transposed convolution of stride 2, and a bias."""

    n_channels: int
    n_filters: int
    size: int

    convolves = True

    def weights(self):
        """Filters and bias."""
        shape = (self.size, self.size, self.n_filters, self.n_channels)
        return [Weight("kernel", shape, "glorot_uniform"), Weight("bias", (self.n_filters,))]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return doubled(x, own["kernel"], ops, convolved) + own["bias"]

    def keras_layer(self, made):
        """A layer of skae's."""
        return doubling_conv()(self.n_filters, self.size)


class Halving(OwnLayer):
    """The maximum of each 2 x 2 pixels."""

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return halved(x, ops)

    def keras_layer(self, made):
        """A layer of skae's."""
        return halving_max()()


class Doubling(OwnLayer):
    """Each pixel 2 x 2 times."""

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)

    def keras_layer(self, made):
        """A `keras.layers.UpSampling2D`."""
        return load_keras().layers.UpSampling2D(2, **CHANNELS_LAST)


@dataclass(frozen=True, eq=False)
class Padding(OwnLayer):
    """Margins of zeros: above and below, left and right."""

    margins: tuple

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.pad(x, ((0, 0), *self.margins, (0, 0)))

    def keras_layer(self, made):
        """A `keras.layers.ZeroPadding2D`."""
        return load_keras().layers.ZeroPadding2D(self.margins, **CHANNELS_LAST)


@dataclass(frozen=True, eq=False)
class Cropping(OwnLayer):
    """Images without their margins."""

    margins: tuple

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        (top, bottom), (left, right) = self.margins
        return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]

    def keras_layer(self, made):
        """A `keras.layers.Cropping2D`."""
        return load_keras().layers.Cropping2D(self.margins, **CHANNELS_LAST)


@dataclass(frozen=True, eq=False)
class Reshaping(OwnLayer):
    """The values of each row in another shape."""

    shape: tuple

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.reshape(x, (len(x), *self.shape))

    def keras_layer(self, made):
        """A `keras.layers.Reshape`."""
        return load_keras().layers.Reshape(self.shape)


class Flattening(OwnLayer):
    """The values of each row in a row."""

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.reshape(x, (len(x), math.prod(x.shape[1:])))

    def keras_layer(self, made):
        """A `keras.layers.Flatten`."""
        return load_keras().layers.Flatten(**CHANNELS_LAST)


# Beside other layers


@dataclass(frozen=True, eq=False)
class LinearPath(OwnLayer):
    """A fixed linear function of the network's input beside the layers before, times a gain."""

    n_inputs: int
    n_units: int

    name = LINEAR_PATH

    def weights(self):
        """Matrix and gains."""
        matrix = Weight("matrix", (self.n_inputs, self.n_units), trained=False)
        return [matrix, Weight("gain", (self.n_units,), "ones", trained=False)]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        gain = ops.expand_dims(own["gain"], 0)
        return ops.matmul(rows, own["matrix"]) + gain * x

    def keras_layer(self, made):
        """A layer of skae's, of two inputs."""
        return linear_path()(self.n_units)


@dataclass(frozen=True, eq=False)
class FirstUnits(OwnLayer):
    """The first units of each row."""

    n_units: int

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return x[:, : self.n_units]

    def keras_layer(self, made):
        """A layer of skae's."""
        return first_units()(self.n_units)


class BesideInput(OwnLayer):
    """The output of the layer before and the network's input side by side."""

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        return ops.concatenate([x, rows], axis=-1)

    def keras_layer(self, made):
        """A `keras.layers.Concatenate`, of two inputs."""
        return load_keras().layers.Concatenate()


@dataclass(frozen=True, eq=False)
class Rescaled(OwnLayer):
    """Inputs less their centre, times a gain, neither of which is trained."""

    n_units: int

    def weights(self):
        """Centres and gains."""
        shape = (self.n_units,)
        return [Weight("centre", shape, trained=False), Weight("gain", shape, "ones", False)]

    def __call__(self, own, x, rows):
        """Its output; see `OwnLayer.__call__`."""
        centre, gain = (ops.expand_dims(own[name], 0) for name in ("centre", "gain"))
        return (x - centre) * gain

    def keras_layer(self, made):
        """A layer of skae's."""
        return rescaled()()
