"""Warnings of fits that are valid, but probably not what was wanted; all are `UserWarning`.

Examples
--------
>>> import warnings
>>> from skae.exceptions import WorseThanPCAWarning
>>> with warnings.catch_warnings():
...     warnings.simplefilter("ignore", WorseThanPCAWarning)
"""

from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "DominatingColumnWarning",
    "DominatingRowsWarning",
    "NoiseLevelWarning",
    "SilentUnitsWarning",
    "StillImprovingWarning",
    "WorseThanPCAWarning",
]


class DominatingColumnWarning(UserWarning):
    """A column of X is so large that nothing is learned of others beside it."""


class DominatingRowsWarning(UserWarning):
    """A few rows hold most of the variance of X, or of a column, and hide what others hold."""


class NoiseLevelWarning(UserWarning):
    """The noise of a denoising autoencoder hides the data, or is too small to be seen in them."""


class WorseThanPCAWarning(UserWarning):
    """PCA of as many components reconstructs the training rows better than the network does."""


class SilentUnitsWarning(UserWarning):
    """Units of the code say nothing of a row: constant ones, or those drawn from the prior."""


class StillImprovingWarning(ConvergenceWarning):
    """Training ended at `max_iter` while its loss was still falling fast."""
