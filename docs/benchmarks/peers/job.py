"""A job: the network and the training that every contender is given alike."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

KERNEL_SIZE = 5
"""Width and height of a convolution's kernel; its stride is 2."""

IMAGE_SIDE = 28
"""Width and height of the images that convolutions read."""

ADAM_EPSILON = 1e-7
"""The constant in Adam's denominator: Keras's default, given to everybody."""


@dataclass(frozen=True)
class Job:
    """An autoencoder and its training by Adam with a constant step size.

    All layers but the last are followed by ReLU, the code's included, because `MLPRegressor` has
    one activation for all. The output is logistic for the cross-entropy, else linear.

    Parameters
    ----------
    n_features : int
    hidden : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    n_components : int or None
        Width of the code; None for convolutions, whose code is the last feature map.
    filters : tuple of int
        Filters of the encoder's convolutions, in place of `hidden`; the decoder transposes them.
    loss : {"squared_error", "binary_crossentropy"}
        Mean over rows and features.
    batch_size, n_epochs : int
    step_size : float
    alpha : float
        Weight of the mean squared kernel weight in the objective.
    seed : int
    """

    n_features: int
    hidden: tuple = ()
    n_components: int | None = 32
    filters: tuple = ()
    loss: str = "squared_error"
    batch_size: int = 32
    n_epochs: int = 10
    step_size: float = 1e-3
    alpha: float = 0.0
    seed: int = 0

    @property
    def widths(self):
        """Width of every layer of a dense network, from input to output."""
        encoder = (self.n_features, *self.hidden, self.n_components)
        return encoder + encoder[-2::-1]

    @property
    def name(self):
        """The network in the usual notation."""
        if self.filters:
            return f"conv {KERNEL_SIZE}x{KERNEL_SIZE} stride 2, {'-'.join(map(str, self.filters))}"
        if not self.hidden:
            return "-".join(map(str, self.widths))
        return f"{'-'.join(map(str, self.widths[: len(self.hidden) + 2]))} mirrored"

    @property
    def is_logistic(self):
        """Whether the output is a probability."""
        return self.loss == "binary_crossentropy"

    def penalty_of(self, alpha):
        """Weight of the sum of squared kernel weights that does what `alpha` does."""
        return alpha / sum(self._products())

    def operations(self, n_rows):
        """Floating-point operations of the matrix products of one epoch.

        A layer multiplies forward, for the gradient of its weights, and for that of its input,
        which the first layer does not need.
        """
        products = self._products()
        return n_rows * (6 * sum(products) - 2 * products[0])

    def encoding_operations(self, n_rows):
        """Floating-point operations of the encoder's matrix products."""
        products = self._products()
        return n_rows * 2 * sum(products[: len(products) // 2])

    def _products(self):
        """Multiplications of one row with the weights of each layer."""
        if not self.filters:
            return [a * b for a, b in pairwise(self.widths)]
        encoder = [
            (IMAGE_SIDE // 2**depth * KERNEL_SIZE) ** 2 * inputs * outputs
            for depth, (inputs, outputs) in enumerate(pairwise((1, *self.filters)), 1)
        ]
        return encoder + encoder[::-1]

    def output(self, logits):
        """The reconstruction that belongs to the last layer's values."""
        return 0.5 + 0.5 * np.tanh(logits / 2) if self.is_logistic else logits

    def mean_loss(self, X, reconstruction):
        """The loss of a reconstruction, in double precision."""
        X = X.astype(np.float64)
        reconstruction = reconstruction.astype(np.float64)
        if not self.is_logistic:
            return float(np.square(X - reconstruction).mean())
        p = np.clip(reconstruction, 1e-7, 1 - 1e-7)
        return float(-(X * np.log(p) + (1 - X) * np.log1p(-p)).mean())
