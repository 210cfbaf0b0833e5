"""How the code comes about from the encoder's output: computed, or drawn from a distribution."""

from dataclasses import dataclass

from . import _jax, ops
from .activations import canonical_activation

LOG_VARIANCES = (-22.0, 1.0)
"""Bounds of the logarithm of a posterior's variance. Beside a linear decoder it is below zero, the
prior's; a greater one is what an encoder makes of a row that is far from all it was trained on, and
would grow exponentially."""


@dataclass(frozen=True)
class PointCode:
    """A code that is a function of the row: an activation of the encoder's output.

    Parameters
    ----------
    activation : str, default="identity"
    """

    activation: str = "identity"

    def __post_init__(self):
        object.__setattr__(self, "activation", canonical_activation(self.activation))

    @property
    def offers(self):
        """What of the forward pass there is only with this kind of code."""
        logistic = {"logistic code"} if self.activation == "logistic" else set()
        return frozenset({"code_logits"} | logistic)

    def n_outputs(self, n_components):
        """Width of the encoder's output for a code of that width."""
        return n_components

    def code(self, output):
        """The code as `transform` gives it."""
        return _jax.activated(self.activation, output)

    def draw(self, output, seed):
        """What the decoder gets in training; returns ``(code, posterior)``."""
        return self.code(output), None


@dataclass(frozen=True)
class NormalCode:
    """A code that is drawn from a normal distribution, whose mean and log variance are computed."""

    offers = frozenset({"posterior"})
    """What of the forward pass there is only with this kind of code."""

    def n_outputs(self, n_components):
        """Width of the encoder's output for a code of that width."""
        if n_components is None:
            raise ValueError(
                "n_components=None: a code that is drawn at random needs a given width."
            )
        return 2 * n_components

    def code(self, output):
        """The code as `transform` gives it: the posterior's mean."""
        return output[:, : output.shape[-1] // 2]

    def posterior(self, output):
        """Mean and log variance of each row's code."""
        log_variance = output[:, output.shape[-1] // 2 :]
        return self.code(output), log_variance.clip(*LOG_VARIANCES)

    def draw(self, output, seed):
        """What the decoder gets in training; returns ``(code, posterior)``."""
        mean, log_variance = self.posterior(output)
        noise = _jax.normal(seed.next(), mean.shape)
        return mean + ops.exp(log_variance / 2) * noise, (mean, log_variance)


LATENTS = {"point": PointCode, "normal": NormalCode}
"""Kinds of codes by the names under which files know them."""


def divergence(posterior):
    r"""Divergence of each row's posterior from a standard normal distribution, in nats.

    :math:`\frac12 \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2)`.
    """
    mean, log_variance = posterior
    terms = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
    return 0.5 * ops.sum(terms, axis=-1)
