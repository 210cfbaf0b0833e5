"""Numbers that change from epoch to epoch without a new program, step sizes among them."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Uniform:
    """A number drawn anew for each epoch, uniform between two bounds.

    Parameters
    ----------
    low, high : float or ndarray
        Of arrays, each entry is drawn by itself.
    """

    low: object
    high: object

    def at(self, epoch, random):
        """The value in an epoch, counted from 0, drawn from the NumPy generator `random`."""
        return random.uniform(self.low, self.high)


@dataclass(frozen=True)
class WarmUp:
    """A number that rises in equal steps and reaches its value in epoch `n_epochs`.

    Parameters
    ----------
    value : float
    n_epochs : int
        1 starts with the full value.
    """

    value: float
    n_epochs: int

    def at(self, epoch, random):
        """The value in an epoch, counted from 0."""
        return self.value * min(1.0, (epoch + 1) / self.n_epochs)


def value_at(number, epoch, random):
    """The value of a constant, `Uniform` or `WarmUp` in an epoch."""
    return number.at(epoch, random) if hasattr(number, "at") else number


def final_value(number):
    """The value that a number ends with."""
    return getattr(number, "value", number)


def constant(step_size, epoch, max_iter):
    """The same step size in every epoch."""
    return step_size


def cosine(step_size, epoch, max_iter):
    """Half a cosine from the initial step size down to near zero in the last epoch [1]_.

    References
    ----------
    .. [1] Loshchilov, I. and Hutter, F. (2017). SGDR: Stochastic gradient descent with warm
       restarts. ICLR. https://doi.org/10.48550/arXiv.1608.03983
    """
    return step_size * 0.5 * (1 + math.cos(math.pi * min(epoch, max_iter - 1) / max_iter))


def invscaling(step_size, epoch, max_iter):
    """The initial step size over the square root of the epoch's number, counted from one."""
    return step_size / math.sqrt(epoch + 1)


SCHEDULES = {"constant": constant, "cosine": cosine, "invscaling": invscaling, "adaptive": constant}
"""Step size of an epoch; ``"adaptive"`` is constant until the stopping rule divides it."""

SMALLEST_STEP_SIZE = 1e-6
"""Where the "adaptive" schedule stops dividing, and training with it, as in scikit-learn's MLPs."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Parameters
    ----------
    max_iter : int
        Maximum number of epochs.
    step_size : float
        Initial step size.
    kind : str
        A key of `SCHEDULES`.
    shuffle : bool
    """

    max_iter: int
    step_size: float
    kind: str = "constant"
    shuffle: bool = True


class StepSizes:
    """The step sizes of a training, one an epoch."""

    def __init__(self, schedule):
        self._schedule, self._step_size = schedule, float(schedule.step_size)
        self._epoch = 0

    @property
    def state(self):
        """Step size before the schedule, and number of epochs so far."""
        return self._step_size, self._epoch

    @state.setter
    def state(self, state):
        self._step_size, self._epoch = state

    @property
    def n_left(self):
        """Number of epochs that are left."""
        return self._schedule.max_iter - self._epoch

    @property
    def exhausted(self):
        """Whether there is no epoch left."""
        return self.n_left == 0

    @property
    def current(self):
        """The step size of the current epoch."""
        schedule = self._schedule
        return SCHEDULES[schedule.kind](self._step_size, self._epoch, schedule.max_iter)

    def advance(self):
        """The current epoch is over."""
        self._epoch += 1

    def divided(self):
        """Divide the step size where the schedule is adaptive; returns whether to go on."""
        self._step_size /= 5
        return self._schedule.kind == "adaptive" and self._step_size >= SMALLEST_STEP_SIZE
