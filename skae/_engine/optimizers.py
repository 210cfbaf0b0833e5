"""The solvers that have a name: Keras's optimizers of these names, without importing Keras.

They compute what Keras's do, in the same operations and with the same defaults, and have their
state in the same order: number of steps, step size, and some arrays for each weight.
"""

import numpy as np

from . import ops

EPSILON = 1e-7
"""What is added to divisors."""


class Optimizer:
    """A rule by which weights move; a subclass is a rule."""

    n_moments = 2
    """Number of arrays that it keeps for each weight."""

    start = 0.0
    """Their first value."""

    default_rate = 0.001
    """Keras's default step size. It is in the state before the first step alone."""

    weight_decay = None
    """What each step takes off the weights first, as a share and divided by the step size."""

    beta_1, beta_2 = 0.9, 0.999
    """Shares of running means that a step keeps."""

    def slots(self, trainable):
        """The state before the first step, as NumPy arrays."""
        shapes = [np.shape(weight) for weight in trainable for _ in range(self.n_moments)]
        moments = [np.full(shape, self.start, np.float32) for shape in shapes]
        return [np.asarray(0, np.int32), np.asarray(self.default_rate, np.float32), *moments]

    def apply(self, slots, gradients, trainable, rate):
        """One step as a pure function; returns new values of the weights and of the slots."""
        n_steps, _, *rest = slots
        rate, number = ops.asarray(rate, "float32"), (n_steps + 1).astype("float32")
        own = rest[self.n_moments * len(trainable) :]
        shared, own = self.shared(own, rate, number)
        weights, moments = [], []
        for place, (weight, gradient) in enumerate(zip(trainable, gradients, strict=True)):
            if self.weight_decay is not None:
                weight = weight - weight * np.float32(self.weight_decay) * rate
            of_weight = rest[self.n_moments * place :][: self.n_moments]
            weight, *of_weight = self.step(weight, gradient, rate, shared, *of_weight)
            weights.append(weight)
            moments += of_weight
        return weights, [n_steps + 1, rate, *moments, *own]

    def shared(self, own, rate, number):
        """What all weights' steps take of the number of the step, and new state of the rule."""
        return None, own

    def step(self, weight, gradient, rate, shared, *moments):
        """New value of a weight, and of the arrays that are kept for it."""
        raise NotImplementedError


def moved(mean, value, beta):
    """A running mean after one value more."""
    return mean + (value - mean) * (1 - beta)


class SGD(Optimizer):
    """Gradient descent."""

    n_moments = 0
    default_rate = 0.01

    def step(self, weight, gradient, rate, shared):
        """See `Optimizer.step`."""
        return (weight - gradient * rate,)


class Adam(Optimizer):
    """Adam [1]_.

    References
    ----------
    .. [1] Kingma, D. P. and Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
       https://doi.org/10.48550/arXiv.1412.6980
    """

    def shared(self, own, rate, number):
        """The step size that takes the bias off the means of the first steps."""
        betas = self.beta_1, self.beta_2
        unbias_1, unbias_2 = (1 - ops.power(np.float32(beta), number) for beta in betas)
        return rate * ops.sqrt(unbias_2) / unbias_1, own

    def step(self, weight, gradient, rate, alpha, mean, square):
        """See `Optimizer.step`."""
        mean = moved(mean, gradient, self.beta_1)
        square = moved(square, ops.square(gradient), self.beta_2)
        return weight - mean * alpha / (ops.sqrt(square) + EPSILON), mean, square


class AdamW(Adam):
    """Adam with decoupled weight decay [1]_.

    References
    ----------
    .. [1] Loshchilov, I. and Hutter, F. (2019). Decoupled weight decay regularization. ICLR.
       https://doi.org/10.48550/arXiv.1711.05101
    """

    weight_decay = 0.004


class Nadam(Optimizer):
    """Adam with Nesterov's momentum [1]_.

    References
    ----------
    .. [1] Dozat, T. (2016). Incorporating Nesterov momentum into Adam. ICLR workshop.
    """

    def slots(self, trainable):
        """As of others, and a product over the steps."""
        return [*super().slots(trainable), np.asarray(1.0, np.float32)]

    def shared(self, own, rate, number):
        """Factors of momentum in this step and the next, and what takes the bias off squares."""
        product = own[0] * self.beta_1 * (1.0 - 0.5 * ops.power(0.96, number))
        decay, beta_1, beta_2 = map(np.float32, (0.96, self.beta_1, self.beta_2))
        kept, following = (beta_1 * (1.0 - 0.5 * ops.power(decay, n)) for n in (number, number + 1))
        unbias = 1 - ops.power(beta_2, number)
        return (kept, following, 1 - product, 1 - product * following, unbias), [product]

    def step(self, weight, gradient, rate, shared, mean, square):
        """See `Optimizer.step`."""
        kept, following, unbias_now, unbias_ahead, unbias = shared
        mean = moved(mean, gradient, np.float32(self.beta_1))
        square = moved(square, ops.square(gradient), np.float32(self.beta_2))
        ahead = following * mean / unbias_ahead + (1 - kept) * gradient / unbias_now
        return weight - ahead * rate / (ops.sqrt(square / unbias) + EPSILON), mean, square


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root mean square [1]_.

    References
    ----------
    .. [1] Kingma, D. P. and Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
       https://doi.org/10.48550/arXiv.1412.6980
    """

    def shared(self, own, rate, number):
        """What takes the bias off the means of the first steps."""
        return 1 - ops.power(np.float32(self.beta_1), number), own

    def step(self, weight, gradient, rate, unbias, mean, largest):
        """See `Optimizer.step`."""
        mean = moved(mean, gradient, self.beta_1)
        largest = ops.maximum(self.beta_2 * largest, abs(gradient))
        return weight - rate * mean / (unbias * (largest + EPSILON)), mean, largest


class RMSprop(Optimizer):
    """Gradients divided by their root mean square [1]_.

    References
    ----------
    .. [1] Tieleman, T. and Hinton, G. (2012). Lecture 6.5: rmsprop. Neural networks for machine
       learning, Coursera.
    """

    n_moments = 1

    def step(self, weight, gradient, rate, shared, square):
        """See `Optimizer.step`."""
        square = 0.9 * square + (1 - 0.9) * ops.square(gradient)
        return weight - rate * gradient / ops.sqrt(square + EPSILON), square


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares [1]_.

    References
    ----------
    .. [1] Duchi, J., Hazan, E. and Singer, Y. (2011). Adaptive subgradient methods for online
       learning and stochastic optimization. Journal of Machine Learning Research 12, 2121-2159.
    """

    n_moments = 1
    start = 0.1

    def step(self, weight, gradient, rate, shared, total):
        """See `Optimizer.step`."""
        total = total + ops.square(gradient)
        return weight - rate * gradient / ops.sqrt(total + EPSILON), total


class Lion(Optimizer):
    """The sign of a mean of gradients [1]_.

    References
    ----------
    .. [1] Chen, X. et al. (2023). Symbolic discovery of optimization algorithms. NeurIPS.
       https://doi.org/10.48550/arXiv.2302.06675
    """

    n_moments = 1
    beta_2 = 0.99

    def step(self, weight, gradient, rate, shared, mean):
        """See `Optimizer.step`."""
        beta_1, beta_2 = np.float32(self.beta_1), np.float32(self.beta_2)
        direction = ops.sign(mean * beta_1 + gradient * (1.0 - beta_1))
        return weight - rate * direction, mean * beta_2 + gradient * (1.0 - beta_2)


SOLVERS = {
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "adamax": Adamax,
    "rmsprop": RMSprop,
    "sgd": SGD,
    "adagrad": Adagrad,
    "lion": Lion,
}
"""Names of the solvers; the classes have the names of Keras's."""
