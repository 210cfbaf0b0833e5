"""Layers of an encoder, each with its mirror image in the decoder: what networks are made of."""

import math
from dataclasses import dataclass

from ._engine import keras_activation, load_keras
from ._layers import doubling_conv, halving_max, linear_path, tied_dense

BATCH_MOMENTUM = 0.9
"""Share of the running means that a training step keeps: small data have few steps."""

CHANNELS_LAST = {"data_format": "channels_last"}
"""The order of the axes of images, whatever Keras is configured to."""

NO_MARGINS = ((0, 0), (0, 0))
"""Pixels added above and below, left and right: none."""


@dataclass(frozen=True, kw_only=True)
class _Mirrored:
    """What the layers of both kinds have around their weights.

    Encoder and decoder alike are a dropout, the weights and a normalisation. The activation is not
    part of the layer: the next layer in the row, or the recipe of a single one, puts it behind.

    Parameters
    ----------
    input_dropout, code_dropout : float, default=0.0
        Dropout in front of the encoder's and of the decoder's weights.
    code_normalization, output_normalization : {"batch", "layer"} or None, default=None
        Normalisation behind the encoder's and behind the decoder's weights.
    """

    input_dropout: float = 0.0
    code_dropout: float = 0.0
    code_normalization: str | None = None
    output_normalization: str | None = None


@dataclass(frozen=True)
class DenseLayer(_Mirrored):
    """A fully connected layer and its mirror image; an architecture of its own, too.

    Parameters
    ----------
    n_inputs, n_units : int
    tied : bool, default=False
        Whether the decoder's matrix is the encoder's, transposed.
    """

    n_inputs: int
    n_units: int
    tied: bool = False

    def build(self, input_shape, n_components):
        """The layer as an autoencoder; see `Architecture.build`."""
        return models((self.n_inputs,), (self.n_units,), *self.keras_layers())

    def keras_layers(self):
        """Keras layers of the encoder and of the decoder, in order."""
        layers = load_keras().layers
        layer = layers.Dense(self.n_units)
        mirrored = tied_dense()(layer) if self.tied else layers.Dense(self.n_inputs)
        return (
            [*_dropout(self.input_dropout), layer, *_normalized(self.code_normalization)],
            [*_dropout(self.code_dropout), mirrored, *_normalized(self.output_normalization)],
        )

    def weight_shapes(self):
        """Shapes of the arrays of the encoder and of the decoder's own, as pairs of lists."""
        bias = [(self.n_inputs,)]
        mirrored = bias if self.tied else [(self.n_units, self.n_inputs), *bias]
        return (
            _shapes(
                [(self.n_inputs, self.n_units), (self.n_units,)],
                self.input_dropout,
                self.code_normalization,
            ),
            _shapes(mirrored, self.code_dropout, self.output_normalization),
        )


@dataclass(frozen=True)
class ConvLayer(_Mirrored):
    """A convolution that halves height and width, and what undoes it; an architecture of its own.

    Parameters
    ----------
    map_shape : tuple of int
        (height, width, channels) of its input.
    n_filters, kernel_size : int
    downsampling : {"stride", "max_pool"}
    margins : tuple, default=NO_MARGINS
        Pixels of zeros around its input, which the decoder crops. The sides must then be even.
    inner_activation : str or None, default=None
        Activation of a convolution more that the decoder begins with; None for none.
    inner_normalization : {"batch", "layer"} or None, default=None
        Normalisation of that convolution.
    """

    map_shape: tuple
    n_filters: int
    kernel_size: int
    downsampling: str
    margins: tuple = NO_MARGINS
    inner_activation: str | None = None
    inner_normalization: str | None = None

    @property
    def code_shape(self):
        """(height, width, channels) of its code."""
        height, width = (
            (side + sum(margin)) // 2
            for side, margin in zip(self.map_shape[:2], self.margins, strict=True)
        )
        return height, width, self.n_filters

    def build(self, input_shape, n_components):
        """The layer as an autoencoder of flat rows; see `Architecture.build`."""
        rows, codes = (math.prod(self.map_shape),), (math.prod(self.code_shape),)
        return models(rows, codes, *flat(self.keras_layers(), self.map_shape, self.code_shape))

    def keras_layers(self):
        """Keras layers of the encoder and of the decoder, in order, from maps to maps."""
        layers = load_keras().layers
        encoding = [*_dropout(self.input_dropout), *self._halving()]
        encoding += _normalized(self.code_normalization, maps=True)
        decoding = [*self._inner(), *_dropout(self.code_dropout), *self._doubling()]
        decoding += _normalized(self.output_normalization, maps=True)
        if self.margins != NO_MARGINS:
            encoding.insert(0, layers.ZeroPadding2D(self.margins, **CHANNELS_LAST))
            decoding.append(layers.Cropping2D(self.margins, **CHANNELS_LAST))
        return encoding, decoding

    def _halving(self):
        if self.downsampling == "max_pool":
            return [self._convolution(self.n_filters), halving_max()()]
        return [self._convolution(self.n_filters, strides=2)]

    def _doubling(self):
        n_channels = self.map_shape[-1]
        if self.downsampling == "max_pool":
            repeated = load_keras().layers.UpSampling2D(2, **CHANNELS_LAST)
            return [repeated, self._convolution(n_channels)]
        return [doubling_conv()(n_channels, self.kernel_size)]

    def _inner(self):
        if self.inner_activation is None:
            return []
        return [
            self._convolution(self.n_filters),
            *_normalized(self.inner_normalization, maps=True),
            activated(self.inner_activation),
        ]

    def _convolution(self, n_filters, strides=1):
        return load_keras().layers.Conv2D(
            n_filters, self.kernel_size, strides=strides, padding="same", **CHANNELS_LAST
        )

    def weight_shapes(self):
        """Shapes of the arrays of the encoder and of the decoder's own, as pairs of lists."""
        window, n_channels = (self.kernel_size, self.kernel_size), self.map_shape[-1]
        ends = n_channels, self.n_filters
        transposed = ends if self.downsampling == "stride" else ends[::-1]
        encoder = _shapes(
            [(*window, *ends), (self.n_filters,)], self.input_dropout, self.code_normalization
        )
        decoder = _shapes(
            [(*window, *transposed), (n_channels,)], self.code_dropout, self.output_normalization
        )
        if self.inner_activation is None:
            return encoder, decoder
        inner = [(*window, self.n_filters, self.n_filters), (self.n_filters,)]
        return encoder, concatenated([_shapes(inner, 0.0, self.inner_normalization), decoder])


# Networks of several layers


def joined(parts, activations):
    """The Keras layers of a row of layers, the outermost first, with activations between them.

    Parameters
    ----------
    parts : list of pairs
        Keras layers of the encoder and of the decoder of each.
    activations : list of str
        Activation of each one's code; not used for the last.

    Returns
    -------
    encoding, decoding : list of keras.Layer
    """
    encoding, decoding = parts[0]
    for (inner_encoding, inner_decoding), activation in zip(parts[1:], activations, strict=False):
        encoding = [*encoding, activated(activation), *inner_encoding]
        decoding = [*inner_decoding, activated(activation), *decoding]
    return encoding, decoding


def joined_shapes(encoding, decoding):
    """Shapes of the trainable and of the fixed arrays of a network.

    Parameters
    ----------
    encoding, decoding : list of DenseLayer or ConvLayer
        The layers whose encoders and whose decoders make up the network, the outermost first.

    Returns
    -------
    trainable, fixed : list of tuple of int
    """
    encoders = [layer.weight_shapes()[0] for layer in encoding]
    return concatenated([*encoders, *(layer.weight_shapes()[1] for layer in reversed(decoding))])


def concatenated(pairs):
    """Several pairs of lists, or none, as one pair."""
    kinds = zip(*pairs, strict=True) if pairs else ((), ())
    return tuple([shape for some in kind for shape in some] for kind in kinds)


def flat(part, map_shape, code_shape):
    """Layers from maps to maps as layers from rows to rows."""
    layers = load_keras().layers
    encoding, decoding = part
    return (
        [layers.Reshape(map_shape), *encoding, layers.Flatten(**CHANNELS_LAST)],
        [layers.Reshape(code_shape), *decoding, layers.Flatten(**CHANNELS_LAST)],
    )


def models(input_shape, code_shape, encoding, decoding, *, linear_path=False):
    """Encoder and decoder as Keras models of layers one after the other.

    With a `linear_path`, a fixed linear function of their inputs is added to the outputs of each.
    """
    return (
        _chain(input_shape, encoding, "encoder", code_shape if linear_path else None),
        _chain(code_shape, decoding, "decoder", input_shape if linear_path else None),
    )


def _chain(shape, layers, name, linear_shape):
    keras = load_keras()
    rows = outputs = keras.Input(shape)
    for layer in layers:
        outputs = layer(outputs)
    if linear_shape is not None:
        outputs = linear_path()(*linear_shape)([rows, outputs])
    return keras.Model(rows, outputs, name=name)


# Layers with and without weights


def activated(name):
    """The Keras layer of an activation."""
    return load_keras().layers.Activation(keras_activation(name))


def _dropout(rate):
    """The Keras layers of a dropout: one, or none."""
    return [load_keras().layers.Dropout(rate)] if rate > 0 else []


def _normalized(name, maps=False):
    """The Keras layers of a normalisation: one, or none.

    Over maps, "layer" takes all values of a row together.
    """
    layers = load_keras().layers
    if name is None:
        return []
    if name == "batch":
        return [layers.BatchNormalization(momentum=BATCH_MOMENTUM)]
    return [layers.GroupNormalization(groups=1) if maps else layers.LayerNormalization()]


def _shapes(weights, dropout, normalization):
    """Shapes of the trainable and of the fixed arrays of dropout, weights and normalisation.

    The last of `weights` is that of the bias. A dropout has the two numbers of its random state; a
    normalisation has gamma and beta, and over a batch the running mean and variance.
    """
    per_unit = [weights[-1]] * 2
    trainable = [*weights, *(per_unit if normalization is not None else [])]
    fixed = [*([(2,)] if dropout > 0 else []), *(per_unit if normalization == "batch" else [])]
    return trainable, fixed
