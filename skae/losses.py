"""Reconstruction losses: one value a row, the mean over its features.

Every loss takes the decoder's output before the output activation (`logits`), because
cross-entropy is exact and cheaper from there. The mean over rows is taken by the objective.
"""

NAMES = ("squared_error", "absolute_error", "binary_crossentropy")


def squared_error(target, logits, activate):
    r"""Mean squared error of each row, :math:`\frac1d \sum_j (x_j - \hat x_j)^2`.

    Parameters
    ----------
    target : tensor of shape (n_rows, n_features)
    logits : tensor of shape (n_rows, n_features)
        Output of the decoder before the output activation.
    activate : callable
        The output activation.

    Returns
    -------
    loss : tensor of shape (n_rows,)
        In squared units of the data.
    """
    from keras import ops

    return ops.mean(ops.square(target - activate(logits)), axis=-1)


def absolute_error(target, logits, activate):
    r"""Mean absolute error of each row, :math:`\frac1d \sum_j |x_j - \hat x_j|`.

    Parameters and shapes are those of `squared_error`; in units of the data.
    """
    from keras import ops

    return ops.mean(ops.abs(target - activate(logits)), axis=-1)


def binary_crossentropy(target, logits, activate):
    r"""Mean cross-entropy of each row, in nats a feature.

    :math:`\frac1d \sum_j -x_j \log \hat x_j - (1 - x_j) \log(1 - \hat x_j)` with
    :math:`\hat x = 1 / (1 + e^{-z})` of the logits z, written so that no logarithm of zero occurs:
    :math:`\log(1 + e^z) - x z`. Its minimum is the entropy of the data, above zero unless they
    are all 0 or 1. `activate` is not used: the loss implies the logistic function.
    """
    from keras import ops

    return ops.mean(ops.softplus(logits) - target * logits, axis=-1)
