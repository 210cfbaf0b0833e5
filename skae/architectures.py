"""Architectures: the layers of an autoencoder, as objects that can be searched and stored."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real

from sklearn.base import BaseEstimator

from ._engine import ACTIVATIONS, keras_activation, load_keras
from ._layers import doubling_conv, halving_max, tied_dense

__all__ = ["Architecture", "Conv", "Dense"]

NORMALIZATIONS = ("batch", "layer")
"""Names of the normalisations."""

BATCH_MOMENTUM = 0.9
"""Share of the running means that a training step keeps: small data have few steps."""


@dataclass(frozen=True)
class Stage:
    """One layer of an architecture as an autoencoder of its own, for layerwise pretraining.

    It is plain: normalisation and dropout join when all layers train together.

    Parameters
    ----------
    architecture : Architecture
        One layer to the code and one back.
    n_components : int or None
        Width of its code.
    activation : str
        Activation of its code, where it is a hidden layer of the whole.
    n_inner_arrays : int, default=0
        Arrays at the start of its decoder that have no place in the whole.
    """

    architecture: "Architecture"
    n_components: int | None
    activation: str
    n_inner_arrays: int = 0


class Architecture(BaseEstimator, ABC):
    """Base class of architectures: subclass it to bring networks of your own.

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

    def stages(self, input_shape, n_components):
        """The layers one by one, for ``pretraining="layerwise"``; optional.

        Parameters
        ----------
        input_shape, n_components
            As in `build`.

        Returns
        -------
        stages : list of Stage
            The outermost first. The kernels and biases of their encoders in order, and of their
            decoders in reverse, must be those of the whole.
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
    activation : str or list of str, default="silu"
        Activation of the hidden layers, or one for each, outermost first. The decoder mirrors them.
    normalization : {"batch", "layer"} or None, default=None
        Normalisation of the hidden layers, over the rows of a training batch or over each row's
        units. In `transform` the former uses running means, of which a step keeps nine tenths.
    dropout : float, default=0.0
        Share of the hidden units that a training step leaves out, from 0 to below 1. `transform`
        leaves out none.
    tied : bool, default=False
        Whether the decoder's matrices are the encoder's, transposed; its biases are its own.

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
        activation="silu",
        normalization=None,
        dropout=0.0,
        tied=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.tied = tied

    def build(self, input_shape, n_components):
        """Build the two networks; see `Architecture.build`.

        Raises
        ------
        ValueError
            If `n_components` is None, or a parameter is not as described.
        """
        keras = load_keras()
        widths, activations = self._widths_and_activations(n_components)
        check_regularization(self.normalization, self.dropout)
        encoding = [keras.layers.Dense(width) for width in (*widths, n_components)]
        encoder = self._chain(input_shape, encoding, activations, "encoder")
        mirrored = [*reversed(widths), *input_shape]
        if self.tied:
            decoding = [tied_dense()(layer) for layer in reversed(encoding)]
        else:
            decoding = [keras.layers.Dense(width) for width in mirrored]
        return encoder, self._chain((n_components,), decoding, activations[::-1], "decoder")

    def _chain(self, shape, layers, activations, name):
        """A model of the layers one after the other, the last of them plain."""
        keras = load_keras()
        rows = hidden = keras.Input(shape)
        for layer, activation in zip(layers[:-1], activations, strict=True):
            hidden = regularized(layer(hidden), self.normalization, activation, self.dropout)
        return keras.Model(rows, layers[-1](hidden), name=name)

    def stages(self, input_shape, n_components):
        """The layers one by one; see `Architecture.stages`."""
        widths, activations = self._widths_and_activations(n_components)
        layer = Dense((), tied=self.tied)
        hidden = [Stage(layer, *pair) for pair in zip(widths, activations, strict=True)]
        return [*hidden, Stage(layer, n_components, "identity")]

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
        Number of filters of the encoder's layers, outermost first.
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
        Share of the values behind an activation that a training step leaves out, from 0 to below 1.

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
        filters, activations = self._checked(input_shape)
        keras = load_keras()
        height, width, channels = full_image_shape(self.image_shape)
        factor = 2 ** len(filters)
        down, across = -(-height // factor), -(-width // factor)
        margins = (
            _halves(down * factor - height),
            _halves(across * factor - width),
        )
        rows = keras.Input(input_shape)
        maps = keras.layers.Reshape((height, width, channels))(rows)
        maps = keras.layers.ZeroPadding2D(margins, **CHANNELS_LAST)(maps)
        for number, (n_filters, activation) in enumerate(zip(filters, activations, strict=True)):
            last = number == len(filters) - 1 and n_components is None
            maps = self._down(maps, n_filters, None if last else activation)
        code = keras.layers.Flatten(**CHANNELS_LAST)(maps)
        n_units = down * across * filters[-1]
        if n_components is not None:
            code = keras.layers.Dense(n_components)(code)
        encoder = keras.Model(rows, code, name="encoder")
        codes = maps = keras.Input((n_components or n_units,))
        if n_components is not None:
            maps = regularized(keras.layers.Dense(n_units)(maps), None, activations[-1], 0.0)
        maps = keras.layers.Reshape((down, across, filters[-1]))(maps)
        maps = self._up(maps, filters, activations, channels)
        maps = keras.layers.Cropping2D(margins, **CHANNELS_LAST)(maps)
        decoder = keras.Model(codes, keras.layers.Flatten(**CHANNELS_LAST)(maps), name="decoder")
        return encoder, decoder

    def stages(self, input_shape, n_components):
        """The layers one by one; see `Architecture.stages`."""
        filters, activations = self._checked(input_shape)
        height, width, channels = full_image_shape(self.image_shape)
        stages = []
        for number, (n_filters, activation) in enumerate(zip(filters, activations, strict=True)):
            layer = Conv(
                (height, width, channels),
                (n_filters,),
                self.kernel_size,
                downsampling=self.downsampling,
                activation=activation,
            )
            innermost = number == len(filters) - 1
            inner = 2 if self.downsampling == "max_pool" and not innermost else 0
            stages.append(Stage(layer, None, activation, inner))
            height, width, channels = -(-height // 2), -(-width // 2), n_filters
        if n_components is not None:
            stages.append(Stage(Dense(()), n_components, "identity"))
        return stages

    def _checked(self, input_shape):
        """Filters and activations of the layers, after all checks."""
        shape = full_image_shape(self.image_shape)
        check_image_shape(self.image_shape, shape, input_shape[0])
        filters = whole_numbers(self.filters, "filters")
        if not filters:
            raise ValueError("filters must have one entry a layer, got none.")
        whole_numbers(self.kernel_size, "kernel_size")
        if self.downsampling not in ("stride", "max_pool"):
            raise ValueError(
                f"downsampling must be 'stride' or 'max_pool', got {self.downsampling!r}."
            )
        check_regularization(self.normalization, self.dropout)
        return filters, layer_activations(self.activation, len(filters), "filters")

    def _down(self, maps, n_filters, activation):
        keras = load_keras()
        stride = 2 if self.downsampling == "stride" else 1
        layer = keras.layers.Conv2D(
            n_filters, self.kernel_size, strides=stride, padding="same", **CHANNELS_LAST
        )
        maps = layer(maps)
        if self.downsampling == "max_pool":
            maps = halving_max()()(maps)
        return self._regularized(maps, activation)

    def _up(self, maps, filters, activations, channels):
        keras = load_keras()
        options = {"padding": "same", **CHANNELS_LAST}
        if self.downsampling == "stride":
            for n_filters, activation in zip(filters[-2::-1], activations[-2::-1], strict=True):
                layer = doubling_conv()(n_filters, self.kernel_size)
                maps = self._regularized(layer(maps), activation)
            return doubling_conv()(channels, self.kernel_size)(maps)
        for n_filters, activation in zip(reversed(filters), reversed(activations), strict=True):
            layer = keras.layers.Conv2D(n_filters, self.kernel_size, **options)
            maps = self._regularized(layer(maps), activation)
            maps = keras.layers.UpSampling2D(2, **CHANNELS_LAST)(maps)
        return keras.layers.Conv2D(channels, self.kernel_size, **options)(maps)

    def _regularized(self, maps, activation):
        if activation is None:
            return maps
        return regularized(maps, self.normalization, activation, self.dropout)


CHANNELS_LAST = {"data_format": "channels_last"}
"""The order of the axes of images, whatever Keras is configured to."""


def regularized(outputs, normalization, activation, dropout):
    """What follows the matrix product or convolution of a hidden layer."""
    layers = load_keras().layers
    if normalization is not None:
        outputs = _normalization(normalization, len(outputs.shape))(outputs)
    if activation is not None:
        outputs = layers.Activation(keras_activation(activation))(outputs)
    return layers.Dropout(dropout)(outputs) if dropout > 0 else outputs


def _normalization(name, n_axes):
    """The layer of that name; over maps, "layer" takes all values of a row together."""
    layers = load_keras().layers
    if name == "batch":
        return layers.BatchNormalization(momentum=BATCH_MOMENTUM)
    return layers.LayerNormalization() if n_axes == 2 else layers.GroupNormalization(groups=1)


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
    """The activations of the hidden layers as a list of names.

    Raises
    ------
    ValueError
        If there are more or fewer than `n_layers`, or one is unknown.
    """
    names = [activation] * n_layers if isinstance(activation, str) else activation
    names = list(names) if hasattr(names, "__len__") else [names]
    known = set(ACTIVATIONS) | set(ACTIVATIONS.values())
    if len(names) != n_layers or any(name not in known for name in names):
        raise ValueError(
            f"activation must be one name, or one for each of the {n_layers} entries of {per}, out "
            f"of {sorted(known)}; got {activation!r}."
        )
    return names


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


def _halves(total):
    return total // 2, total - total // 2
