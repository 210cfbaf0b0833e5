"""Penalties: numbers added to the reconstruction loss, each scaled by a weight of its estimator.

Those on the weights are means over all entries of the trainable arrays of two or more dimensions:
biases and other vectors are left out, and `alpha` means the same whatever the size of the network.
Those on the code are published formulas: sums over the units of the code, means over rows.
"""

from abc import abstractmethod
from numbers import Real

from ._engine import divergence, ops
from ._terms import Term, as_term

__all__ = ["L1", "L2", "CodeKL", "CodeL1", "Contraction", "Penalty", "PosteriorKL"]
__all__ += ["WeightElimination"]


class Penalty(Term):
    """Base class of penalties: subclass it to bring one of your own.

    A subclass has an `__init__` that only stores its parameters, and `__call__`. Its weight is a
    parameter of the estimator (`alpha`).

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.penalties import Penalty
    >>> class CodeL2(Penalty):
    ...     '''Squared length of the code, mean over rows.'''
    ...
    ...     concerns = frozenset({"code"})
    ...
    ...     def __call__(self, forward):
    ...         from keras import ops
    ...         return ops.sum(forward.row_weight * ops.sum(ops.square(forward.code), axis=-1))
    >>> AutoencoderTransformer(weight_penalty=CodeL2(), alpha=1e-3)
    AutoencoderTransformer(alpha=0.001, weight_penalty=CodeL2())
    """

    parameter = "weight_penalty"

    concerns = frozenset({"weights", "code"})
    """What the penalty is about. One that concerns the weights takes part in layerwise pretraining;
    one that concerns the code prevents the identity mapping."""

    in_validation = False
    """Whether the penalty is also added to the validation loss."""

    @abstractmethod
    def __call__(self, forward):
        """The value of the penalty for a batch.

        Parameters
        ----------
        forward : ForwardPass
            What the training step computed. The numbers that the class names in `numbers` follow
            as keyword arguments.

        Returns
        -------
        penalty : scalar tensor
        """


class WeightPenalty(Penalty):
    """A mean of a function of each weight."""

    concerns = frozenset({"weights"})

    @abstractmethod
    def of_each(self, kernel):
        """The penalty of each entry of a kernel."""

    def __call__(self, forward):
        """The value of the penalty; see `Penalty.__call__`."""
        kernels = [array for array in forward.weights if len(array.shape) > 1]
        n_weights = sum(int(kernel.size) for kernel in kernels)
        return sum(ops.sum(self.of_each(kernel)) for kernel in kernels) / n_weights


class L2(WeightPenalty):
    r"""Mean square of the weights, :math:`\frac1m \sum_i w_i^2`.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.penalties import L2
    >>> AutoencoderTransformer(weight_penalty=L2(), alpha=1e-4).fit([[0, 1], [1, 0]]).n_iter_ > 0
    True
    """

    name = "l2"

    def of_each(self, kernel):
        """The penalty of each entry of a kernel."""
        return kernel * kernel


class L1(WeightPenalty):
    r"""Mean magnitude of the weights, :math:`\frac1m \sum_i |w_i|`.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.penalties import L1
    >>> AutoencoderTransformer(weight_penalty=L1(), alpha=1e-4).fit([[0, 1], [1, 0]]).n_iter_ > 0
    True
    """

    name = "l1"

    def of_each(self, kernel):
        """The penalty of each entry of a kernel."""
        return abs(kernel)


class WeightElimination(WeightPenalty):
    r"""Mean of :math:`w_i^2 / (1 + w_i^2)` over the weights.

    Small weights are pushed to zero as by `L2`, large ones are left alone [1]_.

    References
    ----------
    .. [1] Weigend, A. S., Rumelhart, D. E. and Huberman, B. A. (1991). Generalization by
       weight-elimination with application to forecasting. Advances in Neural Information
       Processing Systems 3, 875-882.

    Examples
    --------
    >>> from skae import AutoencoderTransformer
    >>> from skae.penalties import WeightElimination
    >>> AutoencoderTransformer(weight_penalty=WeightElimination(), alpha=1e-3)
    AutoencoderTransformer(alpha=0.001, weight_penalty=WeightElimination())
    """

    name = "weight_elimination"

    def of_each(self, kernel):
        """The penalty of each entry of a kernel."""
        return kernel * kernel / (1 + kernel * kernel)


class CodeL1(Penalty):
    r"""Magnitude of the code, :math:`\sum_j |h_j|`, mean over rows; in units of the code.

    Examples
    --------
    >>> from skae import ContractiveAutoencoder
    >>> from skae.penalties import CodeL1
    >>> ContractiveAutoencoder(weight_penalty=CodeL1(), alpha=1e-3)  # both penalties at once
    ContractiveAutoencoder(alpha=0.001, weight_penalty=CodeL1())
    """

    concerns = frozenset({"code"})

    def __call__(self, forward):
        """The value of the penalty; see `Penalty.__call__`."""
        return ops.sum(forward.row_weight * ops.sum(ops.abs(forward.code), axis=-1))


class CodeKL(Penalty):
    r"""Divergence of the units' mean activities from a target, in nats.

    :math:`\sum_j \rho \log\frac{\rho}{\hat\rho_j} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho_j}`,
    where :math:`\hat\rho_j` is the mean of unit j over the rows of the batch [1]_. The code must
    be logistic.

    Parameters
    ----------
    target : float, default=0.05
        Mean activity :math:`\rho`, in the open interval (0, 1).

    Notes
    -----
    Both logarithms are taken of the encoder's output before the logistic function. From the code
    itself the gradient of a unit that is 0 or 1 in single precision for all rows would be zero, and
    the unit never freed.

    References
    ----------
    .. [1] Ng, A. (2011). Sparse autoencoder. CS294A lecture notes, Stanford University.

    Examples
    --------
    >>> from skae import ContractiveAutoencoder
    >>> from skae.penalties import CodeKL
    >>> ContractiveAutoencoder(code_activation="logistic", weight_penalty=CodeKL(0.1), alpha=0.01)
    ContractiveAutoencoder(alpha=0.01, code_activation='logistic',
                           weight_penalty=CodeKL(target=0.1))
    """

    concerns = frozenset({"code"})
    needs = frozenset({"logistic code"})
    numbers = ("target",)

    def __init__(self, target=0.05):
        self.target = target

    def check(self):
        """Refuse a target that is no mean activity; see `Term.check`."""
        if not (isinstance(self.target, Real) and 0 < self.target < 1):
            raise ValueError(
                f"target of CodeKL must be a float in the range (0, 1), got {self.target!r}."
            )

    def __call__(self, forward, target):
        """The value of the penalty; see `Penalty.__call__`."""
        log_active = _log_mean_sigmoid(forward.code_logits, forward.row_weight)
        log_silent = _log_mean_sigmoid(-forward.code_logits, forward.row_weight)
        active = target * (ops.log(target) - log_active)
        silent = (1 - target) * (ops.log1p(-target) - log_silent)
        return ops.sum(active + silent)


def _log_mean_sigmoid(z, row_weight):
    """Logarithm of each column's weighted mean of the logistic function, for z of any size.

    Zero for a batch whose weights are all zero in single precision.
    """
    present = ops.expand_dims(row_weight > 0, 1)
    log_sigmoid = ops.where(present, ops.log_sigmoid(z), -1e30)
    highest = ops.stop_gradient(ops.max(log_sigmoid, axis=0))
    scaled = ops.exp(ops.where(present, log_sigmoid - highest, 0.0))
    total = ops.sum(row_weight)
    mean = ops.sum(ops.expand_dims(row_weight, 1) * scaled, axis=0)
    mean = mean / ops.where(total > 0, total, 1.0)
    return ops.where(total > 0, highest + ops.log(ops.where(total > 0, mean, 1.0)), 0.0)


class Contraction(Penalty):
    r"""Squared Frobenius norm of the encoder's Jacobian, mean over rows [1]_.

    :math:`\sum_{jk} (\partial h_j / \partial x_k)^2`, in squared units of the code over squared
    units of the data. See `skae.ContractiveAutoencoder` for when it is estimated.

    References
    ----------
    .. [1] Rifai, S., Vincent, P., Muller, X., Glorot, X. and Bengio, Y. (2011). Contractive
       auto-encoders: explicit invariance during feature extraction. ICML.

    Examples
    --------
    >>> from skae import SparseAutoencoder
    >>> from skae.penalties import Contraction
    >>> SparseAutoencoder(weight_penalty=Contraction(), alpha=1e-3)  # both penalties at once
    SparseAutoencoder(alpha=0.001, weight_penalty=Contraction())
    """

    concerns = frozenset({"code"})

    def __call__(self, forward):
        """The value of the penalty; see `Penalty.__call__`."""
        return ops.sum(forward.row_weight * forward.squared_jacobian())


class PosteriorKL(Penalty):
    r"""Divergence of the code's posterior from a standard normal prior, mean over rows, in nats.

    :math:`\frac12 \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2)` [1]_.

    References
    ----------
    .. [1] Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.
       https://doi.org/10.48550/arXiv.1312.6114

    Examples
    --------
    >>> from skae.penalties import PosteriorKL
    >>> sorted(PosteriorKL().needs)  # only a variational autoencoder has a posterior
    ['posterior']
    """

    concerns = frozenset({"code"})
    needs = frozenset({"posterior"})
    in_validation = True

    def __call__(self, forward):
        """The value of the penalty; see `Penalty.__call__`."""
        return ops.sum(forward.row_weight * divergence(forward.posterior))


class FunctionPenalty(Penalty):
    """A penalty that a function of a `ForwardPass` describes; see `Penalty.__call__`.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function):
        self.function = function

    def __call__(self, forward):
        """The value of the penalty; see `Penalty.__call__`."""
        return self.function(forward)


WEIGHT_PENALTIES = {penalty.name: penalty for penalty in (L2, L1, WeightElimination)}
"""Penalties on the weights that can be asked for by name."""


def as_penalty(value):
    """The penalty that a name of one on the weights, a `Penalty` or a function stands for.

    Raises
    ------
    ValueError
        If it stands for none.
    """
    return as_term(value, Penalty, WEIGHT_PENALTIES, FunctionPenalty)
