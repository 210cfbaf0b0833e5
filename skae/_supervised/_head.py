"""A linear model on the code of an autoencoder and on X itself, as one network."""

from dataclasses import replace

import numpy as np

from .._engine import FittedNetwork, NormalCode, PointCode, Recipe, graph_of, load_keras, ops
from .._own_layers import Activated, Affine, BesideInput, FirstUnits, Rescaled
from .._stages import OwnNetworks
from ..architectures import Architecture
from ..corruption import Corruption
from ..losses import Loss
from ..penalties import Penalty

__all__ = ["WithHead"]


class WithHead(Architecture):
    """The encoder of another architecture, and a linear model on its code and its input.

    The head sees the code and the input side by side, each with a centre and a scale of its own
    that are not trained.

    Parameters
    ----------
    architecture : Architecture
        The autoencoder's.
    n_units : int or None
        Width of the autoencoder's code; None lets `architecture` choose.
    code : str
        Activation of that code; "normal" for one that is drawn, of which the head sees the mean.
    n_targets : int
        Width of the output.

    Examples
    --------
    >>> from skae.architectures import Dense
    >>> from skae._supervised._head import WithHead
    >>> encoder, head = WithHead(Dense((16,)), 2, "identity", 3).build((10,), None)
    >>> encoder.output_shape, head.output_shape
    ((None, 12), (None, 3))
    """

    def __init__(self, architecture, n_units, code, n_targets):
        self.architecture = architecture
        self.n_units = n_units
        self.code = code
        self.n_targets = n_targets

    def build(self, input_shape, n_components):
        """Build encoder and head; see `Architecture.build`. The width is not for the caller."""
        keras = load_keras()
        encoder = self.architecture.build(input_shape, self._encoder_width)[0]
        rows = keras.Input(input_shape)
        code = self._follow.keras_layer({})(encoder(rows))
        both = BesideInput().keras_layer({})([code, rows])
        seen = outputs = keras.Input(both.shape[1:])
        for layer in self._head(both.shape[-1]):
            outputs = layer.keras_layer({})(outputs)
        return keras.Model(rows, both), keras.Model(seen, outputs)

    def _own_layers(self, input_shape, n_components, n_outputs):
        """The two networks as layers without Keras; see `Architecture._own_layers`."""
        inner = Recipe(self.architecture, *input_shape, self.n_units).own_layers(
            self._encoder_width
        )
        if not inner:
            return None
        n_seen = inner.n_codes + input_shape[0]
        encoder = [*inner.encoder, self._follow, BesideInput()]
        return OwnNetworks(encoder, self._head(n_seen), n_seen)

    @property
    def _encoder_width(self):
        return 2 * self.n_units if self.code == "normal" else self.n_units

    @property
    def _follow(self):
        """The layer from the encoder's output to the code."""
        return FirstUnits(self.n_units) if self.code == "normal" else Activated(self.code)

    def _head(self, n_seen):
        return [Rescaled(n_seen), Affine(n_seen, self.n_targets)]

    def weight_shapes(self, input_shape, n_components, n_outputs=None):
        """Shapes of the arrays of weights; see `Architecture.weight_shapes`."""
        trainable, fixed = self.encoder_weight_shapes(input_shape, n_outputs)
        seen, targets = (self.code_width(input_shape),), (self.n_targets,)
        return [*trainable, seen + targets, targets], [*fixed, seen, seen]

    def encoder_weight_shapes(self, input_shape, n_outputs):
        """Shapes of the encoder's arrays; see `Architecture.encoder_weight_shapes`."""
        return self.architecture.encoder_weight_shapes(input_shape, self._encoder_width)

    def code_width(self, input_shape):
        """Width of what the head sees; see `Architecture.code_width`."""
        n_units = self.n_units
        return (self.architecture.code_width(input_shape) if n_units is None else n_units) + (
            input_shape[0]
        )


def recipe_with_head(recipe, n_targets):
    """The recipe of the encoder of an autoencoder's, with a head."""
    latent = recipe.latent
    code = "normal" if isinstance(latent, NormalCode) else latent.activation
    architecture = WithHead(recipe.architecture, recipe.n_components, code, n_targets)
    return Recipe(architecture, recipe.n_features, None, PointCode(), n_targets=n_targets)


def with_head(network, n_targets):
    """An autoencoder's encoder with a head whose weights are zero, as a `FittedNetwork`.

    Parameters
    ----------
    network : FittedNetwork
        The autoencoder.
    n_targets : int
    """
    recipe, graph = network.recipe, graph_of(network.recipe)
    new = recipe_with_head(recipe, n_targets)
    n_seen = network.n_code_features + recipe.n_features
    trainable, fixed = (
        [weights[index] for index in sorted(graph.indices(0, kind))]
        for kind, weights in enumerate((network.trainable, network.fixed))
    )
    zeros, ones = np.zeros, np.ones
    trainable += [zeros((n_seen, n_targets), np.float32), zeros(n_targets, np.float32)]
    fixed += [zeros(n_seen, np.float32), ones(n_seen, np.float32)]
    constants = {
        name: network.constants[name]
        for name in ("centre", "scale", "fill")
        if name in network.constants
    }
    return FittedNetwork(new, trainable, fixed, n_seen, constants)


def at_linear_model(network, centre, gain, coef, intercept):
    """The network with another head.

    Parameters
    ----------
    network : FittedNetwork
    centre, gain : ndarray of shape (n_seen,)
        Of what the head sees.
    coef : ndarray of shape (n_seen, n_targets)
        Coefficients of what it sees on that scale.
    intercept : ndarray of shape (n_targets,)
    """
    own = [np.asarray(array, np.float32) for array in (coef, intercept, centre, gain)]
    return replace(
        network,
        trainable=[*network.trainable[:-2], *own[:2]],
        fixed=[*network.fixed[:-2], *own[2:]],
    )


def blended(network, linear, share):
    """The network whose outputs are a share of those of one, and the rest those of a linear model.

    Parameters
    ----------
    network : FittedNetwork
    linear : FittedNetwork
        Of the same encoder at first, with a head that does not see the code; both heads have the
        same centre.
    share : float
    """
    shares, heads = (share, 1 - share), (network, linear)
    gain = np.where(network.fixed[-1] != 0, network.fixed[-1], linear.fixed[-1])
    slopes = sum(
        part * head.fixed[-1][:, None].astype(float) * head.trainable[-2]
        for part, head in zip(shares, heads, strict=True)
    )
    coef = np.divide(slopes, gain[:, None], out=np.zeros_like(slopes), where=gain[:, None] != 0)
    intercept = sum(
        part * head.trainable[-1].astype(float) for part, head in zip(shares, heads, strict=True)
    )
    return at_linear_model(network, network.fixed[-2], gain, coef, intercept)


class InputNoise(Corruption):
    """Normal noise on the network's scale: X may be beyond the range of single precision."""

    has_units = False
    mixes_rows = False

    def __init__(self, level=0.0):
        self.level = level

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        return X + level * ops.normal(X.shape, seed)


class CrossEntropy(Loss):
    r"""Cross-entropy of class probabilities in nats, :math:`-\sum_k p_k \log q_k`.

    q is the softmax of the outputs.
    """

    sums_features = True
    degree = 0

    def __call__(self, forward):
        """The loss of each class; see `Loss.__call__`."""
        return -forward.target * ops.log_softmax(forward.logits, axis=-1)


class TargetError(Loss):
    """Squared error of targets."""

    degree = 0

    def __call__(self, forward):
        """The loss of each target; see `Loss.__call__`."""
        return ops.square(forward.target - forward.logits)


class HeadShrinkage(Penalty):
    """Sum of the squared coefficients of the head."""

    concerns = frozenset({"weights"})

    def __call__(self, forward):
        """The value of the penalty; see `Penalty.__call__`."""
        return ops.sum(ops.square(forward.weights[-2]))
