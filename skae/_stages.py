"""Layers of an encoder, each with its mirror image in the decoder: what networks are made of."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from ._engine import load_keras
from ._own_layers import (
    Activated,
    Affine,
    BatchNormalization,
    BesideInput,
    Convolution,
    Cropping,
    Doubling,
    DoublingConvolution,
    Dropout,
    Flattening,
    Halving,
    LayerNormalization,
    LinearPath,
    MapNormalization,
    Padding,
    Reshaping,
    TiedAffine,
)

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

    def _own_layers(self, input_shape, n_components, n_outputs):
        """The layer as an autoencoder; see `Architecture._own_layers`."""
        return OwnNetworks(*self.layers(), self.n_units)

    def build(self, input_shape, n_components):
        """The layer as an autoencoder; see `Architecture.build`."""
        return keras_models((self.n_inputs,), (self.n_units,), *self.layers())

    def layers(self):
        """Layers of the encoder and of the decoder, in order."""
        layer = Affine(self.n_inputs, self.n_units)
        mirrored = TiedAffine(layer) if self.tied else Affine(self.n_units, self.n_inputs)
        inner = _normalized(self.code_normalization, self.n_units)
        outer = _normalized(self.output_normalization, self.n_inputs)
        return (
            [*_dropout(self.input_dropout), layer, *inner],
            [*_dropout(self.code_dropout), mirrored, *outer],
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

    def _own_layers(self, input_shape, n_components, n_outputs):
        """The layer as an autoencoder of flat rows; see `Architecture._own_layers`."""
        return OwnNetworks(*self._flat(), math.prod(self.code_shape))

    def build(self, input_shape, n_components):
        """The layer as an autoencoder of flat rows; see `Architecture.build`."""
        rows, codes = (math.prod(self.map_shape),), (math.prod(self.code_shape),)
        return keras_models(rows, codes, *self._flat())

    def _flat(self):
        return flat(self.layers(), self.map_shape, self.code_shape)

    def layers(self):
        """Layers of the encoder and of the decoder, in order, from maps to maps."""
        encoding = [*_dropout(self.input_dropout), *self._halving()]
        encoding += _normalized(self.code_normalization, self.n_filters, maps=True)
        decoding = [*self._inner(), *_dropout(self.code_dropout), *self._doubling()]
        decoding += _normalized(self.output_normalization, self.map_shape[-1], maps=True)
        if self.margins != NO_MARGINS:
            encoding.insert(0, Padding(self.margins))
            decoding.append(Cropping(self.margins))
        return encoding, decoding

    def _halving(self):
        ends = self.map_shape[-1], self.n_filters, self.kernel_size
        if self.downsampling == "max_pool":
            return [Convolution(*ends), Halving()]
        return [Convolution(*ends, stride=2)]

    def _doubling(self):
        ends = self.n_filters, self.map_shape[-1], self.kernel_size
        if self.downsampling == "max_pool":
            return [Doubling(), Convolution(*ends)]
        return [DoublingConvolution(*ends)]

    def _inner(self):
        if self.inner_activation is None:
            return []
        return [
            Convolution(self.n_filters, self.n_filters, self.kernel_size),
            *_normalized(self.inner_normalization, self.n_filters, maps=True),
            Activated(self.inner_activation),
        ]


# Networks of several layers


class OwnNetworks(NamedTuple):
    """Encoder and decoder as layers that skae runs itself, each network as a list of `OwnLayer`.

    Parameters
    ----------
    encoder, decoder : list of OwnLayer
    n_codes : int
        Width of the code.
    """

    encoder: list
    decoder: list
    n_codes: int

    @property
    def weight_shapes(self):
        """Shapes of the trainable and of the fixed arrays, the encoder's first."""
        return weight_shapes([*self.encoder, *self.decoder])


def weight_shapes(layers):
    """Shapes of the trainable and of the fixed arrays of layers, as a pair of lists."""
    weights = [weight for layer in layers for weight in layer.weights()]
    return tuple([w.shape for w in weights if w.trained is trained] for trained in (True, False))


def joined(parts, activations):
    """The layers of encoder and decoder that consist of several parts, the outermost first.

    Parameters
    ----------
    parts : list of pairs
        Layers of the encoder and of the decoder of each.
    activations : list of str
        Activation of each one's code, between it and the next; not used for the last.

    Returns
    -------
    encoding, decoding : list of OwnLayer
    """
    encoding, decoding = parts[0]
    for (inner_encoding, inner_decoding), activation in zip(parts[1:], activations, strict=False):
        encoding = [*encoding, Activated(activation), *inner_encoding]
        decoding = [*inner_decoding, Activated(activation), *decoding]
    return encoding, decoding


def flat(part, map_shape, code_shape):
    """Layers from maps to maps as layers from rows to rows."""
    encoding, decoding = part
    return (
        [Reshaping(map_shape), *encoding, Flattening()],
        [Reshaping(code_shape), *decoding, Flattening()],
    )


def keras_models(input_shape, code_shape, encoding, decoding):
    """Encoder and decoder as Keras models of layers one after the other."""
    made = {}
    encoder = _keras_model(input_shape, encoding, "encoder", made)
    return encoder, _keras_model(code_shape, decoding, "decoder", made)


def _keras_model(shape, layers, name, made):
    keras = load_keras()
    rows = outputs = keras.Input(shape)
    for layer in layers:
        made[id(layer)] = layer.keras_layer(made)
        if isinstance(layer, LinearPath):
            outputs = made[id(layer)]([rows, outputs])
        elif isinstance(layer, BesideInput):
            outputs = made[id(layer)]([outputs, rows])
        else:
            outputs = made[id(layer)](outputs)
    return keras.Model(rows, outputs, name=name)


def _dropout(rate):
    """The layers of a dropout: one, or none."""
    return [Dropout(rate)] if rate > 0 else []


def _normalized(name, n_units, maps=False):
    """The layers of a normalisation: one, or none.

    Over maps, "layer" takes all values of a row together.
    """
    if name is None:
        return []
    if name == "batch":
        return [BatchNormalization(n_units)]
    return [MapNormalization(n_units) if maps else LayerNormalization(n_units)]
