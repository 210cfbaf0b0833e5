"""Numbers of an objective that change from epoch to epoch, without a new compiled program."""

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
