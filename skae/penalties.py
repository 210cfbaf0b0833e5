"""Penalties: numbers added to the reconstruction loss, each scaled by a weight of its estimator.

A penalty is a function of the `ForwardPass` of a training step. Those on the weights are means
over all entries of the trainable arrays of two or more dimensions: biases and other vectors are
left out, and `alpha` means the same whatever the size of the network.
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
