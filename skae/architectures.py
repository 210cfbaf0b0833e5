"""Architectures: the layers of an autoencoder, as objects that can be searched and stored."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator

from ._engine import keras_activation, load_keras

__all__ = ["Architecture", "Dense"]


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


class Dense(Architecture):
    """Fully connected layers, mirrored in the decoder.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(128,)
        Widths of the encoder's hidden layers, outermost first; ``()`` for none.
    activation : str, default="silu"
        Activation of the hidden layers.

    Examples
    --------
    >>> from skae.architectures import Dense
    >>> encoder, decoder = Dense((32, 16)).build((64,), 2)
    >>> encoder.output_shape, decoder.output_shape
    ((None, 2), (None, 64))
    """

    def __init__(self, hidden_layer_sizes=(128,), *, activation="silu"):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation

    def build(self, input_shape, n_components):
        """Build the two networks; see `Architecture.build`.

        Raises
        ------
        ValueError
            If `n_components` is None.
        """
        if n_components is None:
            raise ValueError("n_components=None needs an architecture that chooses the code width.")
        widths = hidden_widths(self.hidden_layer_sizes)
        (n_features,) = input_shape
        encoder = self._chain(n_features, [*widths, n_components], "encoder")
        decoder = self._chain(n_components, [*reversed(widths), n_features], "decoder")
        return encoder, decoder

    def _chain(self, n_inputs, widths, name):
        keras = load_keras()
        activation = keras_activation(self.activation)
        rows = outputs = keras.Input((n_inputs,))
        for width in widths[:-1]:
            outputs = keras.layers.Dense(width, activation)(outputs)
        return keras.Model(rows, keras.layers.Dense(widths[-1])(outputs), name=name)


def hidden_widths(hidden_layer_sizes):
    """`hidden_layer_sizes` as a tuple of int.

    Raises
    ------
    ValueError
        If a width is not a whole number of at least 1.
    """
    sizes = hidden_layer_sizes if hasattr(hidden_layer_sizes, "__len__") else [hidden_layer_sizes]
    widths = tuple(int(size) for size in sizes)
    if any(width != size or width < 1 for width, size in zip(widths, sizes, strict=True)):
        raise ValueError(
            "hidden_layer_sizes must be whole numbers of at least 1 (or an empty tuple for no "
            f"hidden layer), got {hidden_layer_sizes!r}."
        )
    return widths
