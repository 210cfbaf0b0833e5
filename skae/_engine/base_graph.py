"""What the networks of a recipe are as pure functions of their weights, whoever runs them."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from ._jax import activated

LINEAR_PATH = "linear_path"
"""Name of the layers that add a fixed linear function of a network's input to its output."""


class Weight(NamedTuple):
    """An array that a layer has.

    Parameters
    ----------
    name : str
    shape : tuple of int
    start : {"glorot_uniform", "zeros", "ones", "seed"}, default="zeros"
        How its first value comes about [1]_; "seed" is the state of a random generator.
    trained : bool, default=True
        Whether training changes it by its gradient.

    References
    ----------
    .. [1] Glorot, X. and Bengio, Y. (2010). Understanding the difficulty of training deep
       feedforward neural networks. AISTATS. https://proceedings.mlr.press/v9/glorot10a.html
    """

    name: str
    shape: tuple
    start: str = "zeros"
    trained: bool = True


class Pass(NamedTuple):
    """What a call of the encoder or of the decoder gave.

    Parameters
    ----------
    output : tensor
    fixed : list of tensors
        All arrays of both networks that are not trained, as they are after the call.
    regularizers : scalar
        Sum of the layers' own regularizers.
    """

    output: object
    fixed: list
    regularizers: object


class PathWeights(NamedTuple):
    """Where a linear path and the layer beside it have their weights.

    Parameters
    ----------
    matrix, gain : int
        Indices in the fixed weights.
    others : list of int
        Indices in the trainable weights of the last layer beside it.
    """

    matrix: int
    gain: int
    others: list


class Graph(ABC):
    """The networks of a recipe as pure functions of their weights.

    One graph serves all estimators and threads. Weights are a pair ``(trainable, fixed)`` of lists
    of arrays: the encoder's, then what the decoder does not share with it, then the extra weights.

    Attributes
    ----------
    trainable, fixed : list
        Objects with the name and the shape of each array.
    n_encoder_weights, n_layer_weights : int
        Number of trainable arrays of the encoder, and of both networks' layers.
    n_code_features : int
        Width of the code.
    convolves, mixes_rows : bool
        Whether a layer may be a convolution, and whether what one gives for a row in training may
        depend on the batch.
    """

    def __init__(self, recipe):
        self.recipe, self.latent = recipe, recipe.latent

    @abstractmethod
    def _call(self, part, weights, inputs, training):
        """The `Pass` through the encoder (part 0) or the decoder (1)."""

    @abstractmethod
    def dense_encoder(self, trainable):
        """The encoder as a dense chain if it is one, else None; see `jacobian.dense_chain`."""

    @property
    @abstractmethod
    def linear_paths(self):
        """The `PathWeights` of the encoder and of the decoder; empty if not both have one."""

    @abstractmethod
    def initial_weights(self, seed):
        """First values of all arrays; see `graph.initial_weights`."""

    def encoder_output(self, weights, X, *, training=False):
        """Output of the encoder, from which the code comes about."""
        return self._call(0, weights, X, training)

    def decoder_output(self, weights, code, *, training=False):
        """Output of the decoder before the output activation."""
        return self._call(1, weights, code, training)

    def encode(self, weights, X):
        """Code of the rows X as `transform` gives it."""
        return self.latent.code(self.encoder_output(weights, X).output)

    def posterior(self, weights, X):
        """Mean and log variance of the code of the rows X."""
        return self.latent.posterior(self.encoder_output(weights, X).output)

    def logits(self, weights, code):
        """Output of the decoder before the output activation, as a tensor."""
        return self.decoder_output(weights, code).output

    def activate(self, logits):
        """The reconstruction that belongs to the decoder's `logits`."""
        return activated(self.recipe.output_activation, logits)

    def decode(self, weights, code):
        """Reconstruction that belongs to a code."""
        return self.activate(self.logits(weights, code))

    def extra_weights(self, trainable):
        """What is trained beside the layers' weights, by name."""
        return extra_weights(self.recipe, trainable)

    def indices(self, part, kind):
        """Indices in ``weights[kind]`` of what the encoder (part 0) or the decoder alone (1) has.

        Those of the layers next to the data come first.
        """
        encoder, decoder = (self._trainable_of, self._fixed_of)[kind]
        return encoder if part == 0 else sorted(set(decoder) - set(encoder), reverse=True)

    @property
    def variables(self):
        """Objects with name and shape, as a pair of lists like the weights."""
        return self.trainable, self.fixed

    @property
    def shared_output_bias(self):
        """Index of the last layer's bias if several features share its entries, else None.

        Those are the channels of a convolution.
        """
        index = self.n_layer_weights - 1
        if index < 0:
            return None
        bias, n_features = self.trainable[index], self.recipe.n_features
        shared = bias.name == "bias" and bias.shape[0] < n_features
        return index if shared and n_features % bias.shape[0] == 0 else None


def extra_weights(recipe, trainable):
    """What is trained beside the layers' weights, by name."""
    names = [name for name, _ in recipe.extra_weights]
    return dict(zip(names, trainable[len(trainable) - len(names) :], strict=True))
