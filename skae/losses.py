"""Reconstruction losses: one value for each entry of the data.

Every loss is a function of a `ForwardPass`. It takes the decoder's output before the output
activation (`logits`), because cross-entropy is exact and cheaper from there. The objective takes
the mean over a row's features (of the likelihoods the sum), and the mean over rows.
"""

import math

NAMES = ("squared_error", "absolute_error", "binary_crossentropy")
"""Losses that can be asked for by name, means over the features."""

LIKELIHOODS = ("bernoulli", "gaussian")
"""Negative log-likelihoods, in nats, sums over the features."""

CROSSENTROPIES = ("binary_crossentropy", "bernoulli")
"""Losses of data in [0, 1]."""


def squared_error(step):
    r"""Squared error of each value, :math:`(x - \hat x)^2`, in squared units of the data.

    Parameters
    ----------
    step : ForwardPass
        Its `target`, `logits` and `activate` are read.

    Returns
    -------
    loss : tensor of shape (n_rows, n_features)
    """
    from keras import ops

    return ops.square(step.target - step.activate(step.logits))


def absolute_error(step):
    r"""Absolute error of each value, :math:`|x - \hat x|`, in units of the data."""
    from keras import ops

    return ops.abs(step.target - step.activate(step.logits))


def binary_crossentropy(step):
    r"""Cross-entropy of each value, in nats.

    :math:`-x \log \hat x - (1 - x) \log(1 - \hat x)` with :math:`\hat x = 1 / (1 + e^{-z})` of the
    logits z, written so that no logarithm of zero occurs: :math:`\max(z, 0) - x z +
    \log(1 + e^{-|z|})`. Its minimum is the entropy of the data, above zero unless they are all 0
    or 1. `activate` is not used: the loss implies the logistic function.
    """
    from keras import ops

    @ops.custom_gradient
    def crossentropy(z, x):
        """The loss, with a gradient that is simpler than that of each of its parts."""

        def gradient(*inputs, upstream=None):
            upstream = inputs[-1] if upstream is None else upstream
            return upstream * (ops.sigmoid(z) - x), -upstream * z

        return ops.maximum(z, 0.0) - x * z + ops.log1p(ops.exp(-ops.abs(z))), gradient

    return crossentropy(step.logits, step.target)


def bernoulli(step):
    """Negative logarithm of the Bernoulli likelihood: `binary_crossentropy`."""
    return binary_crossentropy(step)


def gaussian(step):
    r"""Negative logarithm of the normal density of each value.

    :math:`\frac12 \left(\log 2\pi\sigma_j^2 + (x_j - \hat x_j)^2 / \sigma_j^2\right)`, where the
    variance :math:`\sigma_j^2` of feature j is `noise_variance`.
    """
    from keras import ops

    variance = step.noise_variance()
    error = ops.square(step.target - step.activate(step.logits))
    return 0.5 * (math.log(2 * math.pi) + ops.log(variance) + error / variance)
