"""Penalties: numbers added to the reconstruction loss, each scaled by a weight of its estimator.

A penalty is a function of the `ForwardPass` of a training step. Those on the weights are means
over all entries of the trainable arrays of two or more dimensions: biases and other vectors are
left out, and `alpha` means the same whatever the size of the network. Those on the code are
published formulas: sums over the units of the code, means over rows.
"""


def _kernels(step):
    return [array for array in step.weights if len(array.shape) > 1]


def _mean_over_kernels(step, function):
    kernels = _kernels(step)
    n_weights = sum(int(kernel.size) for kernel in kernels)
    return sum(function(kernel).sum() for kernel in kernels) / n_weights


def l2(step):
    r"""Mean square of the weights, :math:`\frac1m \sum_i w_i^2`."""
    return _mean_over_kernels(step, lambda w: w * w)


def l1(step):
    r"""Mean magnitude of the weights, :math:`\frac1m \sum_i |w_i|`."""
    return _mean_over_kernels(step, abs)


def weight_elimination(step):
    r"""Mean of :math:`w_i^2 / (1 + w_i^2)` over the weights.

    Small weights are pushed to zero as by `l2`, large ones are left alone [1]_.

    References
    ----------
    .. [1] Weigend, A. S., Rumelhart, D. E. and Huberman, B. A. (1991). Generalization by
       weight-elimination with application to forecasting. Advances in Neural Information
       Processing Systems 3, 875-882.
    """
    return _mean_over_kernels(step, lambda w: w * w / (1 + w * w))


WEIGHT_PENALTIES = {"l2": l2, "l1": l1, "weight_elimination": weight_elimination}


def code_l1(step):
    r"""Magnitude of the code, :math:`\sum_j |h_j|`, mean over rows; in units of the code."""
    from keras import ops

    return ops.sum(step.row_weight * ops.sum(ops.abs(step.code), axis=-1))


def code_kl(step):
    r"""Divergence of the units' mean activities from the number ``"sparsity_target"``, in nats.

    :math:`\sum_j \rho \log\frac{\rho}{\hat\rho_j} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho_j}`,
    where :math:`\hat\rho_j` is the mean of unit j over the rows of the batch [1]_. The code must
    lie between 0 and 1.

    References
    ----------
    .. [1] Ng, A. (2011). Sparse autoencoder. CS294A lecture notes, Stanford University.
    """
    from keras import ops

    weight = step.row_weight[:, None]
    activity = ops.sum(weight * step.code, axis=0) / ops.sum(weight)
    activity = ops.clip(activity, 1e-6, 1 - 1e-6)
    rho = step.numbers["sparsity_target"]
    active = rho * (ops.log(rho) - ops.log(activity))
    silent = (1 - rho) * (ops.log1p(-rho) - ops.log1p(-activity))
    return ops.sum(active + silent)


SPARSITY_PENALTIES = {"l1": code_l1, "kl": code_kl}


def contraction(step):
    r"""Squared Frobenius norm of the encoder's Jacobian, mean over rows [1]_.

    :math:`\sum_{jk} (\partial h_j / \partial x_k)^2`, in squared units of the code over squared
    units of the data. See `skae.ContractiveAutoencoder` for when it is estimated.

    References
    ----------
    .. [1] Rifai, S., Vincent, P., Muller, X., Glorot, X. and Bengio, Y. (2011). Contractive
       auto-encoders: explicit invariance during feature extraction. ICML.
    """
    from keras import ops

    return ops.sum(step.row_weight * step.squared_jacobian())


def posterior_kl(step):
    r"""Divergence of the code's posterior from a standard normal prior, mean over rows, in nats.

    :math:`\frac12 \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2)` [1]_.

    References
    ----------
    .. [1] Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.
       https://doi.org/10.48550/arXiv.1312.6114
    """
    from keras import ops

    return ops.sum(step.row_weight * row_posterior_kl(step.posterior))


def row_posterior_kl(posterior):
    """The terms of `posterior_kl`, one a row, for the mean and log variance of a posterior."""
    from keras import ops

    mean, log_variance = posterior
    terms = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
    return 0.5 * ops.sum(terms, axis=-1)
