"""Architectures: the layers of an autoencoder, as objects that can be searched and stored."""

import itertools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from ._engine import (
    ACTIVATION_NAMES,
    built_encoder,
    built_weight_shapes,
    canonical_activation,
    content_key,
)
from ._own_layers import LinearPath
from ._stages import (
    NO_MARGINS,
    ConvLayer,
    DenseLayer,
    OwnNetworks,
    flat,
    joined,
    keras_models,
    weight_shapes,
)

__all__ = ["Architecture", "Conv", "Dense"]

NORMALIZATIONS = ("batch", "layer")
"""Names of the normalisations."""


@dataclass(frozen=True)
class Stage:
    """One layer of an architecture as an autoencoder of its own, for layerwise pretraining.

    The encoders of the stages, each followed by its activation, must be the whole encoder one
    after the other, and their decoders in reverse order the whole decoder: the decoder of a stage
    is followed by the activation of the stage before.

    Parameters
    ----------
    architecture : Architecture
        One layer to the code and one back, with the normalisation and dropout of the whole. What
        the whole's decoder does between two layers, but for the activation, belongs to the end of
        the inner one's decoder, so that it makes what the outer one's encoder ends with.
    n_components : int or None
        Width of its code; None lets its architecture choose.
    activation : str
        Activation of its code, where it is a hidden layer of the whole.
    """

    architecture: "Architecture"
    n_components: int | None
    activation: str


class Architecture(BaseEstimator, ABC):
    """Base class of architectures: subclass it for networks of your own.

    A subclass has an `__init__` that only stores its parameters, and `build`. Its parameters must
    be numbers, strings, booleans, None, or lists of these, so that they can be stored and searched
    (``architecture__filters=...``).

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.architectures import Architecture
    >>> class Wide(Architecture):
    ...     def __init__(self, width=256):
    ...         self.width = width
    ...
    ...     def build(self, input_shape, n_components):
    ...         from keras import Sequential, layers
    ...         encoder = Sequential(
    ...             [layers.Input(input_shape), layers.Dense(self.width, "relu"),
    ...              layers.Dense(n_components)]
    ...         )
    ...         decoder = Sequential(
    ...             [layers.Input((n_components,)), layers.Dense(self.width, "relu"),
    ...              layers.Dense(input_shape[0])]
    ...         )
    ...         return encoder, decoder
    >>> AutoencoderTransformer(n_components=2, architecture=Wide(64))
    AutoencoderTransformer(architecture=Wide(width=64))
    """

    @abstractmethod
    def build(self, input_shape, n_components):
        """Build the two networks, without the code's and the output's activation.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of a row of X, ``(n_features,)``.
        n_components : int or None
            Width of the code; None lets the architecture choose.

        Returns
        -------
        encoder : keras.Model
            From ``(n_rows, n_features)`` to ``(n_rows, n_components)``.
        decoder : keras.Model
            From ``(n_rows, n_components)`` to ``(n_rows, n_features)``.
        """

    def _own_layers(self, input_shape, n_components, n_outputs):
        """The two networks as layers that skae runs itself, without Keras; here None.

        Those of skae have them; a subclass that overrides `build` has other layers, and none.

        Parameters
        ----------
        input_shape, n_components
            As in `build`.
        n_outputs : int or None
            Width of the encoder's output.

        Returns
        -------
        networks : OwnNetworks or None
        """
        return None

    def weight_shapes(self, input_shape, n_components, n_outputs=None):
        """Shapes of the arrays of weights, in the order in which a fitted network holds them.

        Parameters
        ----------
        input_shape, n_components
            As in `build`.
        n_outputs : int or None, default=None
            Width of the encoder's output, if it is not `n_components`: the variational
            autoencoder's encoder gives mean and variance of each component.

        Returns
        -------
        trainable, fixed : list of tuple of int
            Arrays that training changes by their gradient, and all others: running means, random
            states. Each list has the encoder's first, then those of the decoder that are not the
            encoder's.

        Notes
        -----
        This method builds the networks. A subclass may override it to spare that time.
        """
        return built_weight_shapes(self, input_shape, n_components, n_outputs or n_components)

    def encoder_weight_shapes(self, input_shape, n_outputs):
        """Shapes of the encoder's arrays of weights, as `weight_shapes` gives those of both parts.

        Parameters
        ----------
        input_shape : tuple of int
        n_outputs : int or None
            Width of its output; None lets the architecture choose.

        Returns
        -------
        trainable, fixed : list of tuple of int
        """
        _, *shapes = built_encoder(self, input_shape, n_outputs)
        return tuple(shapes)

    def code_width(self, input_shape):
        """Width of the code that the architecture chooses, where ``n_components=None``.

        Parameters
        ----------
        input_shape : tuple of int

        Returns
        -------
        width : int

        Notes
        -----
        This method builds the encoder. A subclass may override it to spare that time.
        """
        return built_encoder(self, input_shape, None)[0]

    def description(self, input_shape, n_components):
        """What the parameters say of the layers, as a value to compare.

        Training goes on with a fitted network if its description is still the same.

        Parameters
        ----------
        input_shape, n_components
            As in `build`.

        Returns
        -------
        description : object
            Equal for the same layers, however their parameters are spelled. Here the class and the
            attributes, where a list is the same as a tuple or an array of equal items.
        """
        attributes = {name: plain(value) for name, value in sorted(vars(self).items())}
        return type(self), content_key(attributes)

    def stages(self, input_shape, n_components):
        """The layers one by one, for ``pretraining="layerwise"``; optional.

        Parameters
        ----------
        input_shape, n_components
            As in `build`.

        Returns
        -------
        stages : list of Stage
            The outermost first. The arrays of weights of their encoders in order, and of their
            decoders in reverse order, must be those of the whole, each of the same shape.
        """
        raise ValueError(
            f"pretraining='layerwise' needs an architecture that names its layers, but "
            f"{type(self).__name__} has no method `stages`."
        )


class Dense(Architecture):
    """Fully connected layers, mirrored in the decoder.

    Each hidden layer is a matrix product, then the normalisation, the activation and the dropout.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(128,)
        Widths of the encoder's hidden layers, outermost first; ``()`` for none.
    activation : str or list of str, default="relu"
        Activation of the hidden layers, or one for each, outermost first. The decoder mirrors them.
    normalization : {"batch", "layer"} or None, default=None
        Normalisation of the hidden layers, over the rows of a training batch or over each row's
        units. In `transform` the former uses running means, which a step changes by a tenth.
    dropout : float, default=0.0
        Share of the hidden units that a training step leaves out, in the range [0, 1). `transform`
        leaves out none.
    tied : bool, default=False
        Whether the decoder's matrices are the encoder's, transposed; its biases are its own.
    linear_path : bool, default=True
        Whether a network whose training starts at PCA keeps it: a fixed linear function of the
        input is added to the code, and one of the code to the reconstruction, so that the hidden
        layers learn what PCA leaves, and are scaled by its size. Where training starts at random
        there is none; see `init` of the estimators.

    References
    ----------
    .. [1] Ioffe, S. and Szegedy, C. (2015). Batch normalization. ICML.
       https://doi.org/10.48550/arXiv.1502.03167
    .. [2] Ba, J. L., Kiros, J. R. and Hinton, G. E. (2016). Layer normalization.
       https://doi.org/10.48550/arXiv.1607.06450
    .. [3] Srivastava, N. et al. (2014). Dropout: a simple way to prevent neural networks from
       overfitting. Journal of Machine Learning Research 15, 1929-1958.

    Examples
    --------
    >>> from skae.architectures import Dense
    >>> encoder, decoder = Dense((32, 16), activation=["relu", "tanh"]).build((64,), 2)
    >>> encoder.output_shape, decoder.output_shape
    ((None, 2), (None, 64))
    """

    def __init__(
        self,
        hidden_layer_sizes=(128,),
        *,
        activation="relu",
        normalization=None,
        dropout=0.0,
        tied=False,
        linear_path=True,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.tied = tied
        self.linear_path = linear_path

    def build(self, input_shape, n_components):
        """Build the two networks; see `Architecture.build`.

        Raises
        ------
        ValueError
            If `n_components` is None, or a parameter is not as described.
        """
        networks = self._networks(input_shape, n_components, n_components)
        return keras_models(input_shape, (n_components,), *networks[:2])

    def _own_layers(self, input_shape, n_components, n_outputs):
        """The two networks as layers without Keras; see `Architecture._own_layers`."""
        if type(self).build is not Dense.build:  # a subclass has other layers
            return None
        return self._networks(input_shape, n_components, n_outputs)

    def _networks(self, input_shape, n_components, n_outputs):
        encoder, decoder = self._chains(input_shape, n_components)
        if n_outputs != n_components:
            if self.tied:
                raise ValueError(
                    f"tied=True needs an encoder of as many outputs as the code has units, because "
                    f"it ties the decoder's weights to the encoder's; got n_outputs={n_outputs} "
                    f"and n_components={n_components}."
                )
            encoder = self._chains(input_shape, n_outputs)[0]
        return OwnNetworks(encoder, decoder, n_components)

    def _chains(self, input_shape, n_components):
        """Layers of encoder and decoder, for a code of as many units as the encoder's output."""
        layers, activations = self._layers(input_shape, n_components)
        encoder, decoder = joined([layer.layers() for layer in layers], activations)
        if self.linear_path:
            ends = (*input_shape, n_components)
            encoder, decoder = [*encoder, LinearPath(*ends)], [*decoder, LinearPath(*ends[::-1])]
        return encoder, decoder

    def weight_shapes(self, input_shape, n_components, n_outputs=None):
        """Shapes of the arrays of weights; see `Architecture.weight_shapes`."""
        if type(self).build is not Dense.build:  # a subclass has other layers
            return super().weight_shapes(input_shape, n_components, n_outputs)
        return self._networks(input_shape, n_components, n_outputs or n_components).weight_shapes

    def encoder_weight_shapes(self, input_shape, n_outputs):
        """Shapes of the encoder's arrays; see `Architecture.encoder_weight_shapes`."""
        if type(self).build is not Dense.build:  # a subclass has other layers
            return super().encoder_weight_shapes(input_shape, n_outputs)
        return weight_shapes(self._chains(input_shape, n_outputs)[0])

    def description(self, input_shape, n_components):
        """What the parameters say of the layers; see `Architecture.description`."""
        if type(self).build is not Dense.build:  # a subclass has other layers
            return super().description(input_shape, n_components)
        return type(self), *self._layers(input_shape, n_components)

    def _layers(self, input_shape, n_components):
        """The layers, the outermost first, and the activations of all but the last."""
        widths, activations = self._widths_and_activations(n_components)
        check_regularization(self.normalization, self.dropout)
        pairs = list(itertools.pairwise([*input_shape, *widths, n_components]))
        layers = []
        for number, pair in enumerate(pairs):
            outermost, innermost = number == 0, number == len(pairs) - 1
            layer = DenseLayer(
                *pair,
                tied=self.tied,
                input_dropout=0.0 if outermost else self.dropout,
                code_dropout=0.0 if innermost else self.dropout,
                code_normalization=None if innermost else self.normalization,
                output_normalization=None if outermost else self.normalization,
            )
            layers.append(layer)
        return layers, activations

    def stages(self, input_shape, n_components):
        """The layers one by one; see `Architecture.stages`."""
        return staged(*self._layers(input_shape, n_components))

    def _widths_and_activations(self, n_components):
        if n_components is None:
            raise ValueError("n_components=None needs an architecture that chooses the code width.")
        widths = whole_numbers(self.hidden_layer_sizes, "hidden_layer_sizes")
        return widths, layer_activations(self.activation, len(widths), "hidden_layer_sizes")


class Conv(Architecture):
    """Convolutions over images, mirrored in the decoder.

    The rows of X stay flat, ``(n_samples, height * width * channels)`` in NumPy's order, as from
    ``images.reshape(len(images), -1)``; the network gives them their shape. Each layer halves
    height and width. Images whose sides do not divide are padded with zeros inside, and the
    reconstruction is cropped.

    Parameters
    ----------
    image_shape : tuple of int
        ``(height, width)`` or ``(height, width, channels)``.
    filters : array-like of int or int, default=(16, 32)
        Number of filters of the encoder's layers, outermost first; at most as many layers as it
        takes to halve the longer side of an image down to one pixel.
    kernel_size : int, default=3
        Side of the filters, in pixels.
    downsampling : {"stride", "max_pool"}, default="stride"
        How a layer halves height and width: by convolutions of stride 2, undone by transposed ones;
        or by the maximum of 2 x 2 pixels of a convolution, before its activation, undone by
        repeating pixels.
    activation : str or list of str, default="silu"
        Activation of the layers, or one for each, outermost first. The decoder mirrors them.
    normalization : {"batch", "layer"} or None, default=None
        Normalisation between a layer and its activation; see `Dense`.
    dropout : float, default=0.0
        Share of the values behind an activation that a training step leaves out, in the range
        [0, 1).

    Notes
    -----
    With ``n_components`` an int, a fully connected layer makes the code of the last feature map.
    With ``n_components=None`` the code is that map, flattened; ``code_activation`` is then the
    activation of the last convolution.

    References
    ----------
    .. [1] Masci, J., Meier, U., Ciresan, D. and Schmidhuber, J. (2011). Stacked convolutional
       auto-encoders for hierarchical feature extraction. ICANN.
       https://doi.org/10.1007/978-3-642-21735-7_7

    Examples
    --------
    >>> from skae.architectures import Conv
    >>> encoder, decoder = Conv((28, 28), filters=(16, 32)).build((784,), None)
    >>> encoder.output_shape, decoder.output_shape
    ((None, 1568), (None, 784))
    """

    def __init__(
        self,
        image_shape,
        filters=(16, 32),
        kernel_size=3,
        *,
        downsampling="stride",
        activation="silu",
        normalization=None,
        dropout=0.0,
    ):
        self.image_shape = image_shape
        self.filters = filters
        self.kernel_size = kernel_size
        self.downsampling = downsampling
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout

    def build(self, input_shape, n_components):
        """Build the two networks; see `Architecture.build`.

        Raises
        ------
        ValueError
            If `image_shape` does not match the width of X, or a parameter is not as described.
        """
        networks = self._networks(input_shape, n_components, n_components)
        return keras_models(input_shape, (networks.n_codes,), *networks[:2])

    def _own_layers(self, input_shape, n_components, n_outputs):
        """The two networks as layers without Keras; see `Architecture._own_layers`."""
        if type(self).build is not Conv.build:  # a subclass has other layers
            return None
        return self._networks(input_shape, n_components, n_outputs)

    def _networks(self, input_shape, n_components, n_outputs):
        encoder, decoder, n_codes = self._chains(input_shape, n_components)
        if n_outputs != n_components:
            encoder = self._chains(input_shape, n_outputs)[0]
        return OwnNetworks(encoder, decoder, n_codes)

    def _chains(self, input_shape, n_components):
        """Layers of encoder and decoder, and the width of the encoder's output."""
        layers, activations = self._layers(input_shape, n_components)
        n_maps = len(activations)
        maps = joined([layer.layers() for layer in layers[:n_maps]], activations)
        image_shape, code_shape = layers[0].map_shape, layers[n_maps - 1].code_shape
        parts = [flat(maps, image_shape, code_shape)]
        parts += [layer.layers() for layer in layers[n_maps:]]
        return *joined(parts, activations[-1:]), n_components or math.prod(code_shape)

    def weight_shapes(self, input_shape, n_components, n_outputs=None):
        """Shapes of the arrays of weights; see `Architecture.weight_shapes`."""
        if type(self).build is not Conv.build:  # a subclass has other layers
            return super().weight_shapes(input_shape, n_components, n_outputs)
        return self._networks(input_shape, n_components, n_outputs or n_components).weight_shapes

    def encoder_weight_shapes(self, input_shape, n_outputs):
        """Shapes of the encoder's arrays; see `Architecture.encoder_weight_shapes`."""
        if type(self).build is not Conv.build:  # a subclass has other layers
            return super().encoder_weight_shapes(input_shape, n_outputs)
        return weight_shapes(self._chains(input_shape, n_outputs)[0])

    def code_width(self, input_shape):
        """Width of the last map, flattened; see `Architecture.code_width`."""
        if type(self).build is not Conv.build:  # a subclass has other layers
            return super().code_width(input_shape)
        layers, _ = self._layers(input_shape, None)
        return math.prod(layers[-1].code_shape)

    def description(self, input_shape, n_components):
        """What the parameters say of the layers; see `Architecture.description`."""
        if type(self).build is not Conv.build:  # a subclass has other layers
            return super().description(input_shape, n_components)
        return type(self), *self._layers(input_shape, n_components)

    def _layers(self, input_shape, n_components):
        """The layers, the outermost first, and the activations of the convolutions."""
        filters, activations = self._checked(input_shape)
        map_shape = full_image_shape(self.image_shape)
        margins = tuple(_halves(-side % 2 ** len(filters)) for side in map_shape[:2])
        pools = self.downsampling == "max_pool"
        layers = []
        for number, (n_filters, activation) in enumerate(zip(filters, activations, strict=True)):
            outermost, innermost = number == 0, number == len(filters) - 1
            is_code = innermost and n_components is None
            layer = ConvLayer(
                map_shape,
                n_filters,
                int(self.kernel_size),
                self.downsampling,
                margins=margins if outermost else NO_MARGINS,
                inner_activation=activation if innermost and pools else None,
                inner_normalization=self.normalization,
                input_dropout=0.0 if outermost else self.dropout,
                code_dropout=0.0 if innermost and not pools else self.dropout,
                code_normalization=None if is_code else self.normalization,
                output_normalization=None if outermost else self.normalization,
            )
            layers.append(layer)
            map_shape = layer.code_shape
        if n_components is not None:
            layer = DenseLayer(math.prod(map_shape), n_components, input_dropout=self.dropout)
            layers.append(layer)
        return layers, activations

    def stages(self, input_shape, n_components):
        """The layers one by one; see `Architecture.stages`."""
        return staged(*self._layers(input_shape, n_components))

    def _checked(self, input_shape):
        """Filters and activations of the layers, after all checks."""
        shape = full_image_shape(self.image_shape)
        check_image_shape(self.image_shape, shape, input_shape[0])
        filters = whole_numbers(self.filters, "filters")
        if not filters:
            raise ValueError("filters must have one entry a layer, got none.")
        check_number_of_halvings(self.filters, filters, shape)
        if hasattr(self.kernel_size, "__len__"):
            raise ValueError(f"kernel_size must be one whole number, got {self.kernel_size!r}.")
        whole_numbers(self.kernel_size, "kernel_size")
        if self.downsampling not in ("stride", "max_pool"):
            raise ValueError(
                f"downsampling must be 'stride' or 'max_pool', got {self.downsampling!r}."
            )
        check_regularization(self.normalization, self.dropout)
        return filters, layer_activations(self.activation, len(filters), "filters")


def staged(layers, activations):
    """Layers as stages; their activations, and none for the code."""
    codes = [*activations, "identity"][: len(layers)]
    return [Stage(layer, None, code) for layer, code in zip(layers, codes, strict=True)]


def whole_numbers(values, name):
    """One or several widths as a tuple of int.

    Raises
    ------
    ValueError
        If one is not a whole number of at least 1.
    """
    several = values if hasattr(values, "__len__") else [values]
    if not all(isinstance(value, Real) for value in several):
        raise ValueError(f"{name} must be whole numbers of at least 1, got {values!r}.")
    numbers = tuple(int(value) for value in several)
    if any(number != value or number < 1 for number, value in zip(numbers, several, strict=True)):
        raise ValueError(f"{name} must be whole numbers of at least 1, got {values!r}.")
    return numbers


def layer_activations(activation, n_layers, per):
    """The activations of the hidden layers as a list of names in scikit-learn's spelling.

    Raises
    ------
    ValueError
        If there are more or fewer than `n_layers`, or one is unknown.
    """
    names = [activation] * n_layers if isinstance(activation, str) else activation
    names = list(names) if hasattr(names, "__len__") else [names]

    if len(names) != n_layers or any(name not in ACTIVATION_NAMES for name in names):
        raise ValueError(
            f"activation must be one name, or one for each of the {n_layers} entries of {per}, out "
            f"of {sorted(ACTIVATION_NAMES)}; got {activation!r}."
        )
    return list(map(canonical_activation, names))


def plain(value):
    """A parameter whose lists and arrays are tuples, and its NumPy scalars Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


def check_regularization(normalization, dropout):
    """Refuse what is not described for the parameters of these names."""
    if normalization is not None and normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization must be 'batch', 'layer' or None, got {normalization!r}.")
    if not isinstance(dropout, Real) or not 0 <= dropout < 1:
        raise ValueError(f"dropout must be a number from 0 to below 1, got {dropout!r}.")


def full_image_shape(image_shape):
    """`image_shape` as (height, width, channels)."""
    shape = tuple(image_shape) if hasattr(image_shape, "__len__") else ()
    if len(shape) not in (2, 3) or not all(isinstance(n, Integral) and n > 0 for n in shape):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels), got "
            f"{image_shape!r}."
        )
    return shape if len(shape) == 3 else (*shape, 1)


def check_image_shape(image_shape, shape, n_features):
    """Refuse images that have not as many values as X has features."""
    if math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} stands for {math.prod(shape)} values a row, but X has "
            f"{n_features} features."
        )


def check_number_of_halvings(given, filters, shape):
    """Refuse layers beyond a map of one pixel: each would double the padding around the image."""
    height, width, _ = shape
    n_halvings = (max(height, width) - 1).bit_length()  # log2, rounded up
    if len(filters) > max(1, n_halvings):
        raise ValueError(
            f"filters must have at most {max(1, n_halvings)} entries for images of {height} x "
            f"{width} pixels, because each layer halves height and width; got {given!r} with "
            f"{len(filters)} entries."
        )


def _halves(total):
    return total // 2, total - total // 2
