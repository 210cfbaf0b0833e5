"""What a variational autoencoder says of a row: its posterior and its likelihood."""

from dataclasses import replace

import numpy as np

from . import _jax, ops
from .latent import divergence
from .objective import filled


def mean_and_deviation(graph, weights, X):
    """Mean and standard deviation of each row's code, side by side."""
    mean, log_variance = graph.posterior(weights, X)
    return ops.concatenate([mean, ops.exp(log_variance / 2)], axis=1)


def likelihood_function(graph, objective):
    r"""Evidence lower bound and log-likelihood of each row, in nats, by drawing codes.

    With codes :math:`z_s` drawn from the row's posterior q, the bound is
    :math:`\frac1S \sum_s \log p(x|z_s) - KL(q \| p)`, and the likelihood is estimated by importance
    sampling, :math:`\log \frac1S \sum_s p(x|z_s) p(z_s) / q(z_s)` [1]_. A row's draws follow from
    its own values and the seed, so its result depends on no other row.

    References
    ----------
    .. [1] Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders.
       ICLR. https://doi.org/10.48550/arXiv.1509.00519
    """

    def log_density_ratio(z, noise, log_variance):
        """Logarithm of prior over posterior at z = mean + deviation * noise."""
        return 0.5 * ops.sum(noise**2 + log_variance - z**2, axis=-1)

    def likelihood(weights, X, numbers, n_samples, seed):
        batch = (X, X, ops.ones(len(X)))
        keys = row_keys(filled(X, numbers["constants"]), seed)
        forward, _ = objective.forward(graph, weights, batch, numbers, keys[0], training=False)
        mean, log_variance = forward.posterior

        def draw(number, carry):
            total, highest, scaled = carry
            noise = _jax.map_rows(
                lambda key: _jax.normal(_jax.fold_in(key, number), mean.shape[1:])
            )(keys)
            z = mean + ops.exp(log_variance / 2) * noise
            decoded = replace(forward, logits=graph.logits(weights, z))
            fit = -objective.row_losses(decoded, numbers)
            weight = fit + log_density_ratio(z, noise, log_variance)
            new = ops.maximum(highest, weight)
            scaled = scaled * ops.exp(highest - new) + ops.exp(weight - new)
            return total + fit, new, scaled

        zeros = ops.zeros(len(X))
        total, highest, scaled = _jax.repeat(n_samples, draw, (zeros, zeros - np.inf, zeros))
        bound = total / n_samples - divergence(forward.posterior)
        values = ops.stack([bound, highest + ops.log(scaled / n_samples)], axis=1)
        # Weights and rows are finite, so that NaN can only come from a row so far from the data
        # that its density is zero in single precision.
        return ops.where(ops.isnan(values), -np.inf, values)

    return likelihood


def row_keys(X, seed):
    """A random key for each row: a hash of the first bits of its values, and the seed."""
    # -0.0 and 0.0 are one value, and so are most that differ by the rounding of another unit.
    bits = _jax.bits(ops.where(X == 0, 0.0, X)) >> 12
    mixed = (bits ^ (bits >> 15))[:, None, :] * row_factors(X.shape[1])
    hashes = (mixed ^ (mixed >> 13)).sum(axis=-1, dtype="uint32")
    return hashes ^ ops.stack([seed, ~seed])


def row_factors(n_features):
    """What the bits of a row's values are multiplied by: odd numbers, two for each feature."""
    drawn = np.random.default_rng(0).integers(2**32, size=(2, n_features), dtype=np.uint32)
    return drawn | 1
