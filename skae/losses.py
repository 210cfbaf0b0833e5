"""Reconstruction losses: one value for each entry of the data.

A loss takes the decoder's output before the output activation (``forward.logits``), because
cross-entropy is exact and cheaper from there. The objective takes the mean over a row's features
(of the likelihoods the sum), and the mean over rows.
"""

import copy
import math
from abc import abstractmethod

import numpy as np

from ._data.table import log_positive
from ._engine import ops
from ._terms import Term, as_term

__all__ = ["AbsoluteError", "BinaryCrossentropy", "Loss", "SquaredError"]


class Loss(Term):
    """Base class of reconstruction losses: subclass it to bring one of your own.

    A subclass has an `__init__` that only stores its parameters, and `__call__`.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.losses import Loss
    >>> class LogCosh(Loss):
    ...     '''Squared error near zero, absolute error far from it.'''
    ...
    ...     def __call__(self, forward):
    ...         from keras import ops
    ...         return ops.log(ops.cosh(forward.target - forward.reconstruction))
    >>> AutoencoderTransformer(loss=LogCosh())
    AutoencoderTransformer(loss=LogCosh())
    """

    parameter = "loss"

    domain = None
    """Interval (low, high) in which the data must lie; None for any."""

    output_activation = None
    """The output activation that the loss implies, in scikit-learn's spelling; None for any."""

    sums_features = False
    """Whether the loss of a row is the sum over its features rather than their mean."""

    degree = None
    """The power of the data's unit in which the loss is: then it is computed on the network's own
    scale, so that the weights of penalties mean the same in any units, and given in those of X. A
    loss of None sees target and reconstruction in the units of X."""

    scales_features = False
    """Whether each feature may have a scale of its own, which changes the loss by a constant."""

    @abstractmethod
    def __call__(self, forward):
        """The loss of each value.

        Parameters
        ----------
        forward : ForwardPass
            Its `target`, and `reconstruction` or `logits`, are read. The numbers that the class
            names in `numbers` follow as keyword arguments.

        Returns
        -------
        loss : tensor of shape (n_rows, n_features)
        """

    def extra_weights(self, n_features):
        """Names and shapes of arrays to train beside the network's, as a tuple of pairs."""
        return ()

    def constants(self, variances, scale, earlier):
        """What the loss takes from the training data.

        Parameters
        ----------
        variances : ndarray of shape (n_features,)
            Those of the target's features, on the network's scale.
        scale : ndarray of shape () or (n_features,)
            What the network's numbers are multiplied by for the units of X.
        earlier : dict of str to ndarray
            The constants of the fit that is continued; empty for a new one.

        Returns
        -------
        constants : dict of str to ndarray
            Found in ``forward.constants`` then.
        """
        return {}

    def of_layer(self):
        """What the first layer minimises when layers are pretrained one by one."""
        return self

    def on_table(self, table):
        """The loss where rows are the features of a `Table`, whose numbers are standardised.

        Raises
        ------
        ValueError
            If it has no meaning for such.
        """
        if self.domain is not None or self.output_activation is not None:
            raise ValueError(
                f"{self!r} has no meaning for a table with categories or column_weights, whose "
                "numbers are standardised. Take the default loss, or encode the table yourself and "
                "set categorical_features=None."
            )
        return TableLoss(self, table)


class SquaredError(Loss):
    r"""Squared error of each value, :math:`(x - \hat x)^2`, in squared units of the data.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.losses import SquaredError
    >>> AutoencoderTransformer(loss=SquaredError()).fit([[0.0, 1.0], [1.0, 0.0]]).n_iter_ > 0
    True
    """

    name = "squared_error"
    degree = 2

    def __call__(self, forward):
        """The loss of each value; see `Loss.__call__`."""
        return ops.square(forward.target - forward.reconstruction)


class AbsoluteError(Loss):
    r"""Absolute error of each value, :math:`|x - \hat x|`, in units of the data.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.losses import AbsoluteError
    >>> AutoencoderTransformer(loss=AbsoluteError()).fit([[0.0, 1.0], [1.0, 0.0]]).n_iter_ > 0
    True
    """

    name = "absolute_error"
    degree = 1

    def __call__(self, forward):
        """The loss of each value; see `Loss.__call__`."""
        return ops.abs(forward.target - forward.reconstruction)


class BinaryCrossentropy(Loss):
    r"""Cross-entropy of each value, in nats, for data in [0, 1].

    :math:`-x \log \hat x - (1 - x) \log(1 - \hat x)` with :math:`\hat x = 1 / (1 + e^{-z})` of the
    logits z, written so that no logarithm of zero occurs: :math:`\max(z, 0) - x z +
    \log(1 + e^{-|z|})`. Its minimum is the entropy of the data, above zero unless they are all 0
    or 1.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.losses import BinaryCrossentropy
    >>> AutoencoderTransformer(loss=BinaryCrossentropy()).fit([[0, 1], [1, 0]]).n_iter_ > 0
    True
    """

    name = "binary_crossentropy"
    domain = (0.0, 1.0)
    output_activation = "logistic"
    degree = 0

    def __call__(self, forward):
        """The loss of each value; see `Loss.__call__`."""

        @ops.custom_gradient
        def crossentropy(z, x):
            """The loss, with a gradient that is simpler than that of each of its parts."""

            def gradient(*inputs, upstream=None):
                upstream = inputs[-1] if upstream is None else upstream
                return upstream * (ops.sigmoid(z) - x), -upstream * z

            return ops.maximum(z, 0.0) - x * z + ops.log1p(ops.exp(-ops.abs(z))), gradient

        return crossentropy(forward.logits, forward.target)


class Bernoulli(BinaryCrossentropy):
    """Negative logarithm of the Bernoulli likelihood: the cross-entropy, summed over features."""

    name = "bernoulli"
    sums_features = True

    def of_layer(self):
        """The cross-entropy, a mean over features."""
        return BinaryCrossentropy()


class Gaussian(Loss):
    r"""Negative logarithm of the normal density of each value, in nats.

    :math:`\frac12 \left(\log 2\pi\sigma_j^2 + (x_j - \hat x_j)^2 / \sigma_j^2\right)`, where
    :math:`\sigma_j^2` is the variance of feature j around its reconstruction.

    Parameters
    ----------
    noise_variance : float or "learned", default="learned"
        The variance of all features, in squared units of X, or "learned" for one of each feature
        that is trained, from the feature's own variance on.
    """

    name = "gaussian"
    sums_features = True
    scales_features = True
    degree = 0

    LEAST_SHARE = 1e-2
    """Variance of a feature that does not vary, or hardly, as a share of the mean variance."""

    LOG_BOUND = 22.0
    """Bound on the magnitude of the logarithm of a trained variance over its start."""

    def __init__(self, noise_variance="learned"):
        self.noise_variance = noise_variance

    @property
    def key(self):
        """Equal for all variances that are given: they are among the constants."""
        rest = copy.copy(self)
        if self.noise_variance != "learned":
            rest.noise_variance = None
        return super(Gaussian, rest).key

    def extra_weights(self, n_features):
        """The logarithm of each feature's variance over its start, if it is learned."""
        learned = self.noise_variance == "learned"
        return (("log_relative_noise_variance", (n_features,)),) if learned else ()

    def constants(self, variances, scale, earlier):
        """Each feature's variance on the network's scale, or where learning it starts.

        Where a feature hardly varies, a share of the mean variance stands in its place.
        """
        if self.noise_variance == "learned" and "noise_variance" in earlier:
            return {"noise_variance": earlier["noise_variance"]}
        variances = np.nan_to_num(variances)  # of a feature that is known in no row
        variance = np.maximum(variances, self.LEAST_SHARE * variances.mean() or 1.0)
        if self.noise_variance != "learned":
            variance = np.broadcast_to(self.noise_variance / np.square(scale), variance.shape)
        return {"noise_variance": variance.astype(np.float32)}

    @classmethod
    def variance_of(cls, constants, extra_weights, ops=np):
        """Variance of each feature around its reconstruction, on the network's scale.

        `ops` is the module whose functions compute it, NumPy's or the engine's.
        """
        variance = constants["noise_variance"]
        relative = extra_weights.get("log_relative_noise_variance")
        if relative is not None:
            variance = variance * ops.exp(ops.clip(relative, -cls.LOG_BOUND, cls.LOG_BOUND))
        return variance

    def __call__(self, forward):
        """The loss of each value; see `Loss.__call__`."""
        variance = self.variance_of(forward.constants, forward.extra_weights, ops)
        error = ops.square(forward.target - forward.reconstruction)
        log_variance = ops.log(variance) + 2 * forward.constants["log_scale"]  # in units of X
        return 0.5 * (math.log(2 * math.pi) + log_variance + error / variance)

    def of_layer(self):
        """The squared error."""
        return SquaredError()


class FunctionLoss(Loss):
    """A loss that a function of a `ForwardPass` describes; see `Loss.__call__`.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function):
        self.function = function

    def __call__(self, forward):
        """The loss of each value; see `Loss.__call__`."""
        return self.function(forward)


class TableLoss(Loss):
    """The loss of a table: one of its columns of numbers, cross-entropy of its categories.

    Of a likelihood it is that of all columns. Of another loss it is a mean over the columns, where
    the cross-entropy is divided by the entropy of the column, so that it is about 1 without a code,
    as the squared error of numbers is.

    Parameters
    ----------
    numbers_loss : Loss
    table : skae._data.table.Table
    """

    sums_features = True
    degree = 0

    def __init__(self, numbers_loss, table):
        self.numbers_loss = numbers_loss
        self.table = table

    @property
    def scales_features(self):
        """As in the loss of numbers."""
        return self.numbers_loss.scales_features

    @property
    def key(self):
        """That of the loss of numbers: all of the table is among the constants."""
        return type(self).__name__, self.numbers_loss.key

    def number_values(self):
        """Those of the loss of numbers."""
        return self.numbers_loss.number_values()

    def extra_weights(self, n_features):
        """Those of the loss of numbers."""
        return self.numbers_loss.extra_weights(n_features)

    def constants(self, variances, scale, earlier):
        """Those of the loss of numbers, and what the table says of its categories."""
        table, loss = self.table, self.numbers_loss
        own = loss.constants(variances, scale * table.units, earlier)
        weight = np.ones(len(variances))
        if not loss.sums_features:
            unit = np.broadcast_to(scale, weight.shape) ** (loss.degree or 0)
            degree = 2 if loss.degree is None else loss.degree
            # Features have the root of the weight, so that squares have it.
            rest = table.of_features(lambda one: one.weight ** (1 - degree / 2))
            relative = table.of_features(lambda one: one.weight / getattr(one, "entropy", 1.0))
            weight = np.where(table.shares > 0, relative, rest * unit) / len(table.columns)
        return {**own, **table_constants(table), "table_weight": weight}

    def __repr__(self):
        return repr(self.numbers_loss)

    def of_layer(self):
        """The squared error of all features."""
        return SquaredError()

    def __call__(self, forward, **numbers):
        """The loss of each value; see `Loss.__call__`."""
        loss, constants = self.numbers_loss, forward.constants
        in_units = forward.in_units_of_X()
        of_numbers = loss(forward if loss.degree is not None else in_units, **numbers)
        share, unit = constants["level_share"], constants["level_unit"]
        is_level = share > 0
        share = ops.where(is_level, share, 1.0)
        logits = log_positive(in_units.reconstruction * unit, share, ops)
        total = ops.log(ops.matmul(ops.exp(logits), constants["same_column"]))
        total = ops.matmul(total, ops.transpose(constants["same_column"]))
        of_levels = in_units.target * unit * (total - logits)
        return constants["table_weight"] * ops.where(is_level, of_levels, of_numbers)


def table_constants(table):
    """What a `TableLoss` takes from its table, of any loss of numbers.

    "same_column" tells which level is of which column of categories.
    """
    categories = np.unique(table.column_of[table.shares > 0])
    same_column = table.column_of[:, None] == categories
    return {
        "level_share": table.shares,
        "level_unit": table.units,
        "same_column": same_column.astype(np.float64),
    }


LOSSES = {loss.name: loss for loss in (SquaredError, AbsoluteError, BinaryCrossentropy)}
"""Losses that can be asked for by name."""

LIKELIHOODS = {likelihood.name: likelihood for likelihood in (Gaussian, Bernoulli)}
"""Distributions of a row's values around the reconstruction, by name."""


def as_loss(value):
    """The loss that a name, a `Loss` or a function stands for.

    Raises
    ------
    ValueError
        If it stands for none.
    """
    return as_term(value, Loss, LOSSES, FunctionLoss)
