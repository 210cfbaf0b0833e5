"""Recipes: what a network is, without the network."""

from dataclasses import dataclass, field
from functools import cached_property

from .activations import canonical_activation
from .keys import content_key
from .latent import PointCode


@dataclass(frozen=True)
class Recipe:
    """What a network is: enough to build it, small enough to store anywhere.

    Parameters
    ----------
    architecture : skae.architectures.Architecture
        The layers, as an object with `build` and `get_params`. Never changed.
    n_features : int
        Width of the rows of X.
    n_components : int or None
        Width of the code; None lets the architecture choose.
    latent : PointCode or NormalCode
        How the code comes about from the encoder's output.
    output_activation : str
        Activation after the decoder.
    extra_weights : tuple of (str, tuple of int)
        Names and shapes of arrays that are trained beside the layers' own, from zero.
    n_targets : int or None
        Width of the decoder's output where it does not reconstruct X but predicts something else,
        which then has no part in the units of X.
    """

    architecture: object
    n_features: int
    n_components: int | None
    latent: object = field(default_factory=PointCode)
    output_activation: str = "identity"
    extra_weights: tuple = ()
    n_targets: int | None = None

    def __post_init__(self):
        canonical = canonical_activation(self.output_activation)
        object.__setattr__(self, "output_activation", canonical)

    @property
    def reconstructs(self):
        """Whether the output is a reconstruction of X."""
        return self.n_targets is None

    @property
    def output_width(self):
        """Width of the decoder's output."""
        return self.n_features if self.reconstructs else self.n_targets

    @cached_property
    def key(self):
        """A hashable value, equal for recipes that build the same network.

        It is computed once, because what cannot be compared by its content is equal to itself
        alone: one network of such a recipe must serve all calls.
        """
        return (
            content_key(self.architecture),
            self.n_features,
            self.n_components,
            self.latent,
            self.output_activation,
            self.extra_weights,
            self.n_targets,
        )

    @property
    def description(self):
        """What the parameters say of the network: equal however they are spelled.

        Unlike the key, it leaves out what `build` reads elsewhere, which its first run may change:
        it imports a module, or fills a global.
        """
        return (
            self.architecture.description((self.n_features,), self.n_components),
            self.n_features,
            self.n_components,
            self.latent,
            self.output_activation,
            self.extra_weights,
            self.n_targets,
        )

    def weight_shapes(self):
        """Shapes of the trained and of the fixed arrays, without building the network.

        Returns
        -------
        trainable, fixed : list of tuple of int
        """
        n_outputs = self.latent.n_outputs(self.n_components)
        trainable, fixed = self.architecture.weight_shapes(
            (self.n_features,), self.n_components, n_outputs
        )
        return [*trainable, *(shape for _, shape in self.extra_weights)], fixed

    def own_layers(self, n_outputs=None):
        """Encoder and decoder as layers that skae runs itself; None where Keras must build them.

        `n_outputs` is the width of the encoder's output, if it is not that of the latent.
        """
        n_outputs = n_outputs or self.latent.n_outputs(self.n_components)
        # Of the class: an object that hands on what it has not, but has a `build`, is no Dense.
        of_class = getattr(type(self.architecture), "_own_layers", None)
        if of_class is None:  # a user's, that has but `build`
            return None
        return of_class(self.architecture, (self.n_features,), self.n_components, n_outputs)

    def code_width(self):
        """Width of the code, without building the network where the architecture knows it."""
        if self.n_components is not None:
            return self.n_components
        return self.architecture.code_width((self.n_features,))

    def __getstate__(self):
        """Leave the key out, which holds for this process alone."""
        return {name: value for name, value in vars(self).items() if name != "key"}
