"""Recipes: what a network is, without the network."""

from dataclasses import dataclass

from ._programs import params_key

ACTIVATIONS = {
    "identity": "linear",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "softsign": "softsign",
}
"""scikit-learn's names of the activations, and Keras's."""

_CANONICAL = {keras_name: name for name, keras_name in ACTIVATIONS.items()}


def canonical_activation(name):
    """scikit-learn's name of an activation given in either spelling."""
    return name if name in ACTIVATIONS else _CANONICAL[name]


def keras_activation(name):
    """Keras's name of an activation given in either spelling."""
    return ACTIVATIONS[canonical_activation(name)]


@dataclass(frozen=True)
class Recipe:
    """What a network is: enough to build it, small enough to store anywhere.

    Parameters
    ----------
    architecture : skae.architectures.Architecture
        The layers, as an object with `build` and `get_params`.
    n_features : int
        Width of the rows of X.
    n_components : int or None
        Width of the code; None lets the architecture choose.
    code_activation, output_activation : str
        Activations after the encoder and after the decoder.
    draws_code : bool
        Whether the encoder gives mean and log variance of a normal distribution, from which
        training draws the code; the code activation is then not used.
    learns_noise : bool
        Whether a variance of each feature around its reconstruction is trained.
    """

    architecture: object
    n_features: int
    n_components: int | None
    code_activation: str = "identity"
    output_activation: str = "identity"
    draws_code: bool = False
    learns_noise: bool = False

    @property
    def key(self):
        """A hashable value, equal for recipes that build the same network."""
        return (
            params_key(self.architecture),
            self.n_features,
            self.n_components,
            canonical_activation(self.code_activation),
            canonical_activation(self.output_activation),
            self.draws_code,
            self.learns_noise,
        )
