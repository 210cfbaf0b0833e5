"""Corruption processes: what a denoising autoencoder learns to undo.

They act in training only. The level is an argument of the compiled program, so that a search over
levels compiles one program.
"""

import json
from abc import ABC, abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state

from ._engine import load_keras

__all__ = ["Corruption", "GaussianNoise", "MaskingNoise"]


class Corruption(BaseEstimator, ABC):
    """Base class of corruption processes: subclass it to bring one of your own.

    A subclass has an `__init__` that only stores its parameters, of which `level` is the first,
    and `apply`.

    Examples
    --------
    >>> from skae import DenoisingAutoencoder
    >>> from skae.corruption import Corruption
    >>> class Dimming(Corruption):
    ...     def __init__(self, level=0.5):
    ...         self.level = level
    ...
    ...     def apply(self, X, level, seed):
    ...         from keras import ops, random
    ...         return X * (1 - level * random.uniform((ops.shape(X)[0], 1), seed=seed))
    >>> Dimming(1.0).corrupt([[2.0, 4.0]], random_state=0).shape
    (1, 2)
    >>> DenoisingAutoencoder(corruption=Dimming(0.3))
    DenoisingAutoencoder(corruption=Dimming(level=0.3))
    """

    upper_level = float("inf")
    """Highest level that makes sense; the lowest is 0."""

    @abstractmethod
    def apply(self, X, level, seed):
        """Corrupt a batch inside a compiled program, in terms of `keras.ops` and `keras.random`.

        Parameters
        ----------
        X : tensor of shape (n_rows, n_features)
        level : scalar tensor
            Takes the place of ``self.level``.
        seed : tensor
            What `keras.random` takes as `seed`; another in each step.

        Returns
        -------
        X_corrupted : tensor of shape (n_rows, n_features)
        """

    @property
    def key(self):
        """A hashable value, equal for processes that differ in their level alone."""
        params = {name: value for name, value in self.get_params().items() if name != "level"}
        return type(self), json.dumps(params, sort_keys=True, default=repr)

    def checked_level(self, level=None):
        """`level`, or the process's own where it is None, as a float within its bounds."""
        level = self.level if level is None else level
        if not isinstance(level, Real) or not 0 <= level <= self.upper_level:
            raise ValueError(
                f"The level of {type(self).__name__} must be a number from 0 to "
                f"{self.upper_level}, got {level!r}."
            )
        return float(level)

    def corrupt(self, X, random_state=None):
        """Return a corrupted copy of X, as training would see it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X_corrupted : ndarray of shape (n_samples, n_features)
            float64 for float64 input, else float32.
        """
        level = np.float32(self.checked_level())
        X = check_array(X, dtype=(np.float64, np.float32), input_name="X")
        ops = load_keras().ops
        seed = check_random_state(random_state).randint(2**32, size=2, dtype=np.uint32)
        tensor = ops.convert_to_tensor(X, dtype="float32")
        corrupted = self.apply(tensor, level, ops.convert_to_tensor(seed, dtype="uint32"))
        return ops.convert_to_numpy(corrupted).astype(X.dtype)


class GaussianNoise(Corruption):
    r"""Additive noise, :math:`\tilde x = x + \sigma\,\epsilon` with :math:`\epsilon \sim N(0, 1)`.

    Parameters
    ----------
    level : float, default=0.3
        Standard deviation :math:`\sigma`, in units of the data, 0 or more.
    clip : tuple (low, high), default=None
        Bounds the corrupted values are clipped to, where the data have bounds.

    References
    ----------
    .. [1] Vincent, P. et al. (2010). Stacked denoising autoencoders. Journal of Machine Learning
       Research 11, 3371-3408.

    Examples
    --------
    >>> import numpy as np
    >>> from skae.corruption import GaussianNoise
    >>> noisy = GaussianNoise(0.5).corrupt(np.zeros((1000, 4)), random_state=0)
    >>> print(f"{noisy.std():.1f}")
    0.5
    """

    def __init__(self, level=0.3, *, clip=None):
        self.level = level
        self.clip = clip

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        from keras import ops, random

        noisy = X + level * random.normal(ops.shape(X), seed=seed)
        return noisy if self.clip is None else ops.clip(noisy, *self.clip)


class MaskingNoise(Corruption):
    """A random share of each row's values is set to a constant; the others stay as they are [1]_.

    Unlike dropout, nothing is rescaled.

    Parameters
    ----------
    level : float, default=0.3
        Probability that a value is masked, from 0 to 1.
    value : float, default=0.0
        What a masked value becomes.

    References
    ----------
    .. [1] Vincent, P. et al. (2008). Extracting and composing robust features with denoising
       autoencoders. ICML. https://doi.org/10.1145/1390156.1390294

    Examples
    --------
    >>> import numpy as np
    >>> from skae.corruption import MaskingNoise
    >>> masked = MaskingNoise(0.25).corrupt(np.ones((1000, 4)), random_state=0)
    >>> print(f"{masked.mean():.2f}")
    0.75
    """

    upper_level = 1.0

    def __init__(self, level=0.3, *, value=0.0):
        self.level = level
        self.value = value

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        from keras import ops, random

        return ops.where(random.uniform(ops.shape(X), seed=seed) < level, self.value, X)


CORRUPTIONS = {"gaussian": GaussianNoise, "masking": MaskingNoise}
"""Corruption processes that can be asked for by name."""
