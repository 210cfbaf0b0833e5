"""Training rows of which several processes have a share each: one's own, and what all tell."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from .rows import Rows
from .statistics import Summary
from .training_set import HeldElsewhere, TrainingSet, most_sampled


@dataclass(frozen=True)
class Told:
    """What a process tells of its share.

    Parameters
    ----------
    target_summary, input_summary : Summary
    target_range : tuple (low, high)
    sample : tuple (X, target, weight)
        Some rows, evenly spaced; `target` is None where it equals X.
    total_weight : float
    """

    target_summary: Summary
    input_summary: Summary
    target_range: tuple
    sample: tuple
    total_weight: float


class SharedSet(HeldElsewhere):
    """The share that this process has of the training rows, in the place of a `TrainingSet`.

    What is read row by row is its own; statistics, and the rows on which linear models are found,
    are those of all processes, in which they are equal.

    Parameters
    ----------
    own : TrainingSet or StreamedSet
    devices : Devices
        All processes make one at the same time, because each tells the others of its rows.

    Attributes
    ----------
    n_rows : int
        Number of rows of all processes.
    held : TrainingSet
        Some of the rows of all, evenly spaced within each share.
    validation : SharedSet or None
    has_copies : bool
        Whether two shares have the same statistics, as equal rows have.
    is_streamed : bool
        Whether any share is; see `TrainingSet`.
    """

    def __init__(self, own, devices):
        self._own, self._devices = own, devices
        self.X, self.target = own.X, own.target
        counts = devices.gathered((own.n_rows, own.exponent, own.is_streamed))
        self.n_rows = sum(n_rows for n_rows, _, _ in counts)
        # Each share's weights were divided by a power of two of its own.
        self._shift = own.exponent - max(exponent for _, exponent, _ in counts)
        self.is_streamed = any(is_streamed for _, _, is_streamed in counts)
        told = devices.gathered(self._told(own))
        self.target_summary = _of_all(each.target_summary for each in told)
        self.input_summary = _of_all(each.input_summary for each in told)
        lows, highs = zip(*(each.target_range for each in told), strict=True)
        self.target_range = min(lows), max(highs)
        self.mean_weight = sum(each.total_weight for each in told) / self.n_rows
        means = {each.target_summary.mean.tobytes() for each in told}
        self.has_copies = len(means) < len(told)
        self.held = _joined([each.sample for each in told])
        self.validation = own.validation and SharedSet(own.validation, devices)

    def _told(self, own):
        factor = np.ldexp(1.0, self._shift)
        most = most_sampled(own.X.n_features) * own.n_rows // self.n_rows
        sample = own.sample(max(most, 1))
        everything = np.arange(sample.n_rows)
        target = None if sample.target is sample.X else sample.target.part(everything)
        target_summary = _times(own.target_summary, factor)
        paired = own.target is not own.X
        return Told(
            target_summary,
            _times(own.input_summary, factor) if paired else target_summary,
            own.target_range,
            (sample.X.part(everything), target, factor * sample.weight),
            factor * own.total_weight,
        )

    @property
    def weight(self):
        """Weights of the rows of this share."""
        return np.ldexp(self._own.weight, self._shift)

    @property
    def total_weight(self):
        """Sum of the weights of all shares."""
        return self.mean_weight * self.n_rows

    @property
    def n_effective(self):
        """As of a `TrainingSet`; copies in several shares count as several rows."""
        weight = np.bincount(self._own.distinct_numbers, weights=self.weight)
        weight /= max(self._devices.gathered(float(weight.max())))
        sums = self._devices.gathered((float(np.sqrt(weight).sum()), float(weight.sum())))
        roots, weights = zip(*sums, strict=True)
        return sum(roots) ** 2 / sum(weights)

    def split(self, validation_fraction, seed, number=0):
        """Hold out a random part of each share; see `TrainingSet`."""
        return SharedSet(self._own.split(validation_fraction, seed, number), self._devices)

    def repeated(self, times):
        """The rows, each as many times."""
        return SharedSet(self._own.repeated(times), self._devices)

    def with_rows(self, rows):
        """As many other rows, such as codes, as inputs and targets."""
        return SharedSet(self._own.with_rows(rows), self._devices)


def _of_all(summaries):
    return functools.reduce(Summary.with_rows_of, summaries)


def _times(summary, factor):
    """The statistics of rows whose weights are as many times as large."""
    names = ("weight", "at_low", "at_high")
    return replace(summary, **{name: factor * getattr(summary, name) for name in names})


def _joined(samples):
    """Rows of several processes as one `TrainingSet`."""
    X, target, weight = zip(*samples, strict=True)
    rows = Rows(np.concatenate(X))
    paired = target[0] is not None
    return TrainingSet(
        rows, Rows(np.concatenate(target)) if paired else rows, np.concatenate(weight)
    )
