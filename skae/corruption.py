"""Corruption processes: what a denoising autoencoder learns to undo.

They act in training only. The level is an argument of the compiled program, so that a search over
levels compiles one program. If a level is a range ``(low, high)``, each epoch draws one uniformly
from it.
"""

import copy
from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_array, check_random_state

from ._data.contents import contents_by_type
from ._data.table import corrupted, table_of
from ._data.validation import check_container, check_types, explaining
from ._engine import (
    Uniform,
    check_runs,
    check_shape,
    draws,
    is_own,
    ops,
    session,
    uninterrupted,
    value_at,
)
from ._terms import Term
from .architectures import check_image_shape, full_image_shape

__all__ = [
    "Composition",
    "Corruption",
    "GaussianNoise",
    "MaskingNoise",
    "Occlusion",
    "SaltAndPepperNoise",
    "SwapNoise",
]


class Corruption(Term):
    """Base class of corruption processes: subclass it to bring one of your own.

    A subclass has an `__init__` that only stores its parameters, of which `level` is the first,
    and `apply`; `check_data` where not all data will do.

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

    parameter = "corruption"

    upper_level = float("inf")
    """Highest level that makes sense; the lowest is 0."""

    n_levels = 1
    """Number of levels that `apply` gets."""

    suits_codes = True
    """Whether it makes sense on the code of a hidden layer too, in layerwise pretraining."""

    makes_missing = False
    """Whether it gives NaN, which stands for missing values."""

    ignores_offset = False
    """Whether adding a number to the data adds it to the result. Then the process gets data whose
    means are zero, in their units, so that a large mean takes no precision away."""

    has_units = True
    """Whether it acts in the units of X, rather than on the scale of the network."""

    mixes_rows = True
    """Whether what a row becomes may depend on the other rows of its batch. If in doubt, it may:
    then identical rows of small data are not merged."""

    numbers = ("level",)

    _column_of = None
    """Number of the column of each feature, of a table with categories."""

    @abstractmethod
    def apply(self, X, level, seed):
        """Corrupt a batch inside a compiled program, in terms of `keras.ops` and `keras.random`.

        Parameters
        ----------
        X : tensor of shape (n_rows, n_features)
        level : scalar tensor
            Takes the place of ``self.level``.
        seed : keras.random.SeedGenerator
            What `keras.random` takes as `seed`; each draw is another, in each step.

        Returns
        -------
        X_corrupted : tensor of shape (n_rows, n_features)
        """

    def checked_level(self, level=None):
        """`level`, or the process's own where it is None, as a float or range within its bounds.

        Parameters
        ----------
        level : float, tuple (low, high) or None

        Returns
        -------
        level : float, or Uniform where a range is given
        """
        level = self.level if level is None else level
        ends = list(level) if isinstance(level, (tuple, list)) else [level, level]
        numbers = len(ends) == 2 and all(isinstance(end, Real) for end in ends)
        if not numbers or not 0 <= ends[0] <= ends[1] <= self.upper_level:
            raise ValueError(
                f"The level of {type(self).__name__} must be a number from 0 to "
                f"{self.upper_level}, or a range (low, high) of such, got {level!r}."
            )
        return float(level) if isinstance(level, Real) else Uniform(*map(float, ends))

    def check_data(self, n_features, low, high):
        """Refuse data that the process cannot corrupt in a meaningful way.

        Parameters
        ----------
        n_features : int
        low, high : float
            Lowest and highest value of the training data.

        Raises
        ------
        ValueError
            If it cannot; here never.
        """

    def on_table(self, table):
        """The process where rows are the features of a `Table`.

        Raises
        ------
        ValueError
            If it has no meaning for categories; here always.
        """
        raise ValueError(
            f"{self!r} has no meaning for a table with categories. Take SwapNoise, MaskingNoise or "
            "GaussianNoise, or encode the table yourself and set categorical_features=None."
        )

    def _placed_on(self, table):
        placed = copy.copy(self)
        placed._column_of = table.column_of
        deviations = table.of_features(lambda column: np.sqrt(column.weight))
        placed._deviations = np.where(table.shares > 0, 0.0, deviations).astype(np.float32)
        return placed

    def _chances(self, X, seed):
        """A number in [0, 1) for each value; the features of a column have the same."""
        n_rows, n_features = X.shape
        if self._column_of is None:
            return ops.uniform((n_rows, n_features), seed)
        chances = ops.uniform((n_rows, int(self._column_of[-1]) + 1), seed)
        return ops.take(chances, self._column_of, axis=1)

    def corrupt(self, X, random_state=None):
        """Return a corrupted copy of X, as training would see it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Of a frame with columns of categories, what is corrupted are its columns, as in a fit.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X_corrupted : ndarray or frame of shape (n_samples, n_features)
            float32 for float32 input, else float64. Of a frame with columns of categories such a
            frame, in which a category that was masked is missing, and a number that was masked is
            the mean.
        """
        check_container(X, "X")
        contents = contents_by_type(X)
        if contents is not None:
            table = table_of(contents, None)
            return corrupted(table, X, lambda Z: self.on_table(table)._corrupted(Z, random_state))
        check_types(X, "X")
        with explaining("X", X):
            X = check_array(X, dtype=(np.float64, np.float32), input_name="X")
        return self._corrupted(X, random_state)

    def _corrupted(self, X, random_state):
        """A corrupted copy of a checked matrix."""
        self.check_data(X.shape[1], X.min(), X.max())
        random = check_random_state(random_state)
        key = random.randint(2**32, size=2, dtype=np.uint32)
        level = np.asarray(value_at(self.checked_level(), 0, random), np.float32)
        check_runs()
        return uninterrupted(lambda: self._noisy(X, level, key))

    def _noisy(self, X, level, key):
        """Checked rows, corrupted with the noise of a key."""
        with session(needs_keras=not is_own(self.key)):
            noisy = self.apply(ops.asarray(X, "float32"), level, draws(ops.asarray(key)))
            check_shape(self, noisy, X.shape)
            return np.asarray(noisy).astype(X.dtype)


class GaussianNoise(Corruption):
    r"""Additive noise, :math:`\tilde x = x + \sigma\,\epsilon` with :math:`\epsilon \sim N(0, 1)`.

    Parameters
    ----------
    level : float, default=0.3
        Standard deviation :math:`\sigma`, in units of the data, in the range [0, inf).
    clip : tuple (low, high), default=None
        Bounds to which the corrupted values are clipped, if the data have bounds. Data beyond them
        are refused.

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

    mixes_rows = False

    def __init__(self, level=0.3, *, clip=None):
        self.level = level
        self.clip = clip

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        noise = level * ops.normal(X.shape, seed)
        if self._column_of is not None:
            noise = noise * self._deviations[None]
        noisy = X + noise
        return noisy if self.clip is None else ops.clip(noisy, *self.clip)

    def on_table(self, table):
        """On columns of numbers, in their standard deviations; see `Corruption.on_table`."""
        return super().on_table(table) if self.clip is not None else self._placed_on(table)

    @property
    def suits_codes(self):
        """Not if the data have bounds, because codes have none."""
        return self.clip is None

    @property
    def ignores_offset(self):
        """Unless the data have bounds."""
        return self.clip is None

    def check_data(self, n_features, low, high):
        """Refuse data beyond `clip`; see `Corruption.check_data`."""
        if self.clip is not None:
            check_bounds(self, "clip", self.clip, low, high)


class MaskingNoise(Corruption):
    """A random share of each row's values is set to a constant; the others stay as they are [1]_.

    Unlike dropout, nothing is rescaled.

    Parameters
    ----------
    level : float, default=0.3
        Probability that a value is masked, in the range [0, 1].
    value : float, default=0.0
        What a masked value becomes. With ``missing="mask"`` it may be NaN: it is then treated as a
        missing one.

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
    mixes_rows = False

    def __init__(self, level=0.3, *, value=0.0):
        self.level = level
        self.value = value

    @property
    def makes_missing(self):
        """Whether `value` is NaN."""
        return self.value != self.value

    @property
    def suits_codes(self):
        """Not if masked values count as missing, because no code is missing."""
        return not self.makes_missing

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        return ops.where(self._chances(X, seed) < level, self.value, X)

    def on_table(self, table):
        """On columns, where 0 is the mean of numbers and no level; see `Corruption.on_table`."""
        return self._placed_on(table)


class SaltAndPepperNoise(Corruption):
    """A random share of the values is set to the lowest or highest possible one [1]_.

    Either with the same probability.

    Parameters
    ----------
    level : float, default=0.3
        Probability that a value is changed, in the range [0, 1].
    bounds : tuple (low, high), default=(0.0, 1.0)
        Lowest and highest possible value. Data beyond them are refused.

    References
    ----------
    .. [1] Vincent, P. et al. (2010). Stacked denoising autoencoders. Journal of Machine Learning
       Research 11, 3371-3408.

    Examples
    --------
    >>> import numpy as np
    >>> from skae.corruption import SaltAndPepperNoise
    >>> noisy = SaltAndPepperNoise(0.2).corrupt(np.full((1000, 4), 0.5), random_state=0)
    >>> for value in (0.0, 0.5, 1.0):
    ...     print(f"{(noisy == value).mean():.1f}")
    0.1
    0.8
    0.1
    """

    upper_level = 1.0
    suits_codes = False
    mixes_rows = False

    def __init__(self, level=0.3, *, bounds=(0.0, 1.0)):
        self.level = level
        self.bounds = bounds

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        low, high = self.bounds
        chance = ops.uniform(X.shape, seed)
        return ops.where(chance < level / 2, low, ops.where(chance < level, high, X))

    def check_data(self, n_features, low, high):
        """Refuse data beyond `bounds`; see `Corruption.check_data`."""
        check_bounds(self, "bounds", self.bounds, low, high)


class SwapNoise(Corruption):
    """A random share of the values is replaced by those of other rows in the same column.

    Every column keeps its distribution, so that it suits tables whose columns differ in scale, or
    hold categories. The other row is drawn anew for each value, from those of the training batch.

    Parameters
    ----------
    level : float, default=0.15
        Probability that a value is replaced, in the range [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from skae.corruption import SwapNoise
    >>> X = np.arange(2000.0).reshape(1000, 2)
    >>> swapped = SwapNoise(0.2).corrupt(X, random_state=0)
    >>> print(f"{(swapped != X).mean():.1f}")
    0.2
    >>> bool((swapped % 2 == X % 2).all())  # odd numbers stay in the second column
    True
    """

    upper_level = 1.0
    ignores_offset = True

    def __init__(self, level=0.15):
        self.level = level

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        n_rows = X.shape[0]
        chance = self._chances(X, seed)
        replaced = chance < level
        which = ops.where(replaced, chance / level, 0.0)  # uniform again among those replaced
        ahead = 1 + (which * (n_rows - 1)).astype("int32")
        own = ops.expand_dims(ops.arange(n_rows), 1)
        other = ops.take_along_axis(X, ops.mod(own + ahead, n_rows), axis=0)
        return ops.where(replaced, other, X)

    def on_table(self, table):
        """On columns as wholes; see `Corruption.on_table`."""
        return self._placed_on(table)


class Occlusion(Corruption):
    """A rectangle of each image is hidden; the network must paint it in.

    Parameters
    ----------
    level : float, default=0.25
        Share of the image that is hidden, in the range [0, 1]. Both sides of the rectangle are the
        image's times the square root of it, to the next whole pixel.
    image_shape : tuple of int or None, default=None
        ``(height, width)`` or ``(height, width, channels)`` of the images in the rows of X. None
        takes them as square, of one channel.
    position : "random", "center" or tuple (top, left), default="random"
        Where the rectangle is: anywhere within each image, with the same probability, in the
        middle, or where its first pixel is given.
    value : float, default=0.0
        What a hidden value becomes.

    References
    ----------
    .. [1] Pathak, D., Krähenbühl, P., Donahue, J., Darrell, T. and Efros, A. A. (2016). Context
       encoders: feature learning by inpainting. CVPR. https://doi.org/10.1109/CVPR.2016.278

    Examples
    --------
    >>> import numpy as np
    >>> from skae.corruption import Occlusion
    >>> hidden = Occlusion(0.25, position=(0, 0)).corrupt(np.ones((1, 16)), random_state=0)
    >>> hidden.reshape(4, 4).astype(int)
    array([[0, 0, 1, 1],
           [0, 0, 1, 1],
           [1, 1, 1, 1],
           [1, 1, 1, 1]])
    """

    upper_level = 1.0
    suits_codes = False
    mixes_rows = False

    def __init__(self, level=0.25, *, image_shape=None, position="random", value=0.0):
        self.level = level
        self.image_shape = image_shape
        self.position = position
        self.value = value

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        n_rows, n_features = X.shape
        height, width, channels = self._shape(n_features)
        side = ops.sqrt(level)
        tall, wide = ops.round(side * height), ops.round(side * width)
        free = ops.stack([height - tall, width - wide])[:, None]
        if self.position == "random":
            corner = ops.floor(ops.uniform((2, n_rows), seed) * (free + 1))
        elif self.position == "center":
            corner = ops.floor(free / 2)
        else:
            corner = ops.minimum(np.float32(self.position)[:, None], free)
        top, left = corner[0][:, None], corner[1][:, None]
        row, column = ops.arange(height, dtype="float32"), ops.arange(width, dtype="float32")
        rows = ops.logical_and(row >= top, row < top + tall)
        columns = ops.logical_and(column >= left, column < left + wide)
        hidden = ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])
        hidden = ops.broadcast_to(hidden, (hidden.shape[0], height, width, channels))
        return ops.where(ops.reshape(hidden, (-1, n_features)), self.value, X)

    def check_data(self, n_features, low, high):
        """Refuse images that do not fit; see `Corruption.check_data`."""
        shape = self._shape(n_features)
        check_image_shape(self.image_shape, shape, n_features)
        known = isinstance(self.position, str) and self.position in ("random", "center")
        if isinstance(self.position, (tuple, list)) and len(self.position) == 2:
            known = all(
                isinstance(start, Integral) and 0 <= start < size
                for start, size in zip(self.position, shape[:2], strict=True)
            )
        if not known:
            raise ValueError(
                "position of Occlusion must be 'random', 'center' or the (top, left) pixel within "
                f"an image of shape {shape[:2]}, got {self.position!r}."
            )

    def _shape(self, n_features):
        side = round(n_features**0.5)
        if self.image_shape is None and side**2 != n_features:
            raise ValueError(
                f"Occlusion needs image_shape=(height, width): X has {n_features} features, which "
                "are no square image."
            )
        return full_image_shape((side, side) if self.image_shape is None else self.image_shape)


class Composition(Corruption):
    """Several corruption processes, one after the other.

    Parameters
    ----------
    corruptions : list of Corruption
        The processes, each with its own level, in order.
    level : float, default=1.0
        Factor on all their levels. If it is a range, each process draws its own factor from it.

    Examples
    --------
    >>> import numpy as np
    >>> from skae.corruption import Composition, GaussianNoise, MaskingNoise
    >>> both = Composition([GaussianNoise(0.1), MaskingNoise(0.5)])
    >>> print(f"{(both.corrupt(np.ones((1000, 4)), random_state=0) == 0).mean():.1f}")
    0.5
    """

    def __init__(self, corruptions, *, level=1.0):
        self.corruptions = corruptions
        self.level = level

    @property
    def suits_codes(self):
        """Whether all of the processes do."""
        return all(part.suits_codes for part in self._parts())

    @property
    def makes_missing(self):
        """Whether one of the processes does."""
        return any(part.makes_missing for part in self._parts())

    @property
    def ignores_offset(self):
        """Whether all of the processes do."""
        return all(part.ignores_offset for part in self._parts())

    @property
    def mixes_rows(self):
        """Whether one of the processes does."""
        return any(part.mixes_rows for part in self._parts())

    @property
    def key(self):
        """A hashable value, equal for compositions that differ in levels alone."""
        rest = copy.copy(self)  # all but the parts: what a subclass has of its own
        vars(rest).pop("corruptions", None)
        return super(Composition, rest).key, tuple(part.key for part in self._parts())

    def on_table(self, table):
        """All of the processes; see `Corruption.on_table`."""
        placed = copy.copy(self)
        placed.corruptions = [part.on_table(table) for part in self._parts()]
        return placed

    def checked_level(self, level=None):
        """The levels of all processes, as an array or a range of arrays."""
        factor = super().checked_level(level)
        lowest, highest = (factor.low, factor.high) if hasattr(factor, "at") else (factor, factor)
        low, high = [], []
        for part in self._parts():
            level = part.checked_level()
            low.append(np.atleast_1d(lowest * getattr(level, "low", level)))
            high.append(np.atleast_1d(highest * getattr(level, "high", level)))
        levels = Uniform(np.concatenate(low), np.concatenate(high))
        for process, level in zip(self._processes(), levels.high, strict=True):
            process.checked_level(float(level))
        return levels

    def check_data(self, n_features, low, high):
        """Refuse what one of the processes refuses."""
        for part in self._parts():
            part.check_data(n_features, low, high)

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        start = 0
        for part in self._parts():
            levels = level[start : start + part.n_levels]
            X = part.apply(X, levels if isinstance(part, Composition) else levels[0], seed)
            start += part.n_levels
        return X

    @property
    def n_levels(self):
        """Number of levels of all processes, those of compositions within counted each."""
        return sum(part.n_levels for part in self._parts())

    def _parts(self):
        if not len(self.corruptions):
            raise ValueError("corruptions of Composition must name at least one, got none.")
        return [as_corruption(part) for part in self.corruptions]

    def _processes(self):
        """The parts that are no compositions, in the order of their levels."""
        for part in self._parts():
            yield from part._processes() if isinstance(part, Composition) else [part]


class Function(Corruption):
    """A corruption that a function of X, level and seed describes; see `Corruption.apply`.

    Parameters
    ----------
    function : callable
    level : float, default=1.0
    """

    def __init__(self, function, *, level=1.0):
        self.function = function
        self.level = level

    def apply(self, X, level, seed):
        """Corrupt a batch; see `Corruption.apply`."""
        return self.function(X, level, seed)


CORRUPTIONS = {
    "gaussian": GaussianNoise,
    "masking": MaskingNoise,
    "salt_and_pepper": SaltAndPepperNoise,
    "swap": SwapNoise,
    "occlusion": Occlusion,
}
"""Corruption processes that can be asked for by name."""


def as_corruption(value):
    """The process that a name, a `Corruption`, a function or a list of such stands for.

    Raises
    ------
    ValueError
        If it stands for none.
    """
    if isinstance(value, str) and value in CORRUPTIONS:
        return CORRUPTIONS[value]()
    is_class = isinstance(value, type)
    if hasattr(value, "apply") and hasattr(value, "checked_level") and not is_class:
        return value
    if callable(value) and not is_class:
        return Function(value)
    if isinstance(value, (list, tuple)) and value:
        return Composition([as_corruption(part) for part in value])
    raise ValueError(
        f"corruption must be one of {sorted(CORRUPTIONS)}, a Corruption (an object, not its "
        f"class), a function of X, level and seed, or a list of such; got {value!r}."
    )


def check_missing(corruption, missing):
    """Refuse a process that gives NaN where the estimator's parameter `missing` allows none."""
    if corruption.makes_missing and missing != "mask":
        raise ValueError(
            f"{corruption!r} makes values NaN, which needs missing='mask', got missing={missing!r}."
        )


def check_bounds(corruption, name, bounds, low, high):
    """Refuse data from `low` to `high` that are not all within the bounds."""
    pair = isinstance(bounds, (tuple, list)) and len(bounds) == 2
    if not pair or not all(isinstance(bound, Real) for bound in bounds) or bounds[0] >= bounds[1]:
        raise ValueError(
            f"{name} of {type(corruption).__name__} must be (low, high), got {bounds!r}."
        )
    if low < bounds[0] or high > bounds[1]:
        raise ValueError(
            f"{type(corruption).__name__} with {name}={bounds!r} needs data within, but they range "
            f"from {low:.6g} to {high:.6g}. Scale them with MinMaxScaler(clip=True), or give other "
            f"{name}."
        )
