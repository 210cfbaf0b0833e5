"""What a variational autoencoder says of a row: its posterior and its likelihood."""

from dataclasses import replace

import numpy as np

from ..penalties import row_posterior_kl
from ._programs import repeat


def mean_and_deviation(graph, weights, X):
    """Mean and standard deviation of each row's code, side by side."""
    from keras import ops

    (mean, log_variance), _ = graph.posterior(weights, X)
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
    import jax
    from jax import numpy as jnp

    def log_density_ratio(z, noise, log_variance):
        """Logarithm of prior over posterior at z = mean + deviation * noise."""
        return 0.5 * (noise**2 + log_variance - z**2).sum(axis=-1)

    def likelihood(weights, X, numbers, n_samples, seed):
        batch = (X, X, jnp.ones(len(X)))
        keys = _row_keys(X, seed)
        step, _ = objective.forward(graph, weights, batch, numbers, keys[0], training=False)
        mean, log_variance = step.posterior

        def draw(number, carry):
            total, highest, scaled = carry
            noise = jax.vmap(
                lambda key: jax.random.normal(jax.random.fold_in(key, number), mean.shape[1:])
            )(keys)
            z = mean + jnp.exp(log_variance / 2) * noise
            decoded = replace(step, logits=graph.decode_logits(weights, z)[0])
            fit = -objective.row_losses(decoded)
            weight = fit + log_density_ratio(z, noise, log_variance)
            new = jnp.maximum(highest, weight)
            scaled = scaled * jnp.exp(highest - new) + jnp.exp(weight - new)
            return total + fit, new, scaled

        zeros = jnp.zeros(len(X))
        start = zeros, zeros - jnp.inf, zeros
        total, highest, scaled = repeat(n_samples, draw, start)
        bound = total / n_samples - row_posterior_kl(step.posterior)
        return jnp.stack([bound, highest + jnp.log(scaled / n_samples)], axis=1)

    return likelihood


def _row_keys(X, seed):
    """A random key for each row: a hash of the bits of its values, and the seed."""
    import jax
    from jax import numpy as jnp

    bits = jax.lax.bitcast_convert_type(X, jnp.uint32)
    factors = np.random.default_rng(0).integers(2**32, size=(2, X.shape[1]), dtype=np.uint32) | 1
    mixed = (bits ^ (bits >> 15))[:, None, :] * factors
    hashes = (mixed ^ (mixed >> 13)).sum(axis=-1, dtype=jnp.uint32)
    return hashes ^ jnp.stack([seed, ~seed])
