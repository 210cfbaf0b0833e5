"""What the plane of two units of the code decodes to."""

import numpy as np

from .._autoencoders._warnings import warn
from ._estimators import located
from ._images import check_at_least, checked_image_shape, draw_images, grid_size, limits_of
from ._matplotlib import axes_or_new

OUTER = 0.02
"""Share of the codes beyond each end of an axis: a single far row would stretch it."""

PRIOR_RANGE = 2.0
"""Ends of an axis under a standard normal prior, about its quantiles of `OUTER`."""

N_TICKS = 5
"""Most ticks of an axis."""

INCHES_OF_TICK = 0.6, 0.25
"""Room that a label takes on the horizontal and on the vertical axis."""


class LatentManifoldDisplay:
    """Grid of images that codes on a plane decode to.

    Create one with `from_estimator`. The parameters are stored as attributes.

    Parameters
    ----------
    decoded : ndarray of shape (n_rows, n_columns, n_features)
        Decoded images, the row of the highest value of the second unit first.
    values : tuple of ndarray of shape (n_columns,) and ndarray of shape (n_rows,)
        Values of the first unit by column, and of the second one by row. With one unit, the
        second array holds a single number, which is not drawn.
    components : tuple of one or two int
        The units.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        Shape of an image. None takes a square, where `n_features` is a square number.
    estimator_name : str, default=None
        Name for the title. None leaves the title out.

    Attributes
    ----------
    images_ : ndarray of shape (n_rows, n_columns) of matplotlib AxesImage
        The images.
    ax_ : matplotlib Axes
        Axes that all images are drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    LatentSpaceDisplay : The codes of given rows.
    LatentTraversalDisplay : One unit after the other, of tables too.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer
    >>> from skae.plotting import LatentManifoldDisplay
    >>> X = load_digits().data
    >>> autoencoder = AutoencoderTransformer(2, max_iter=5, random_state=0).fit(X)
    >>> display = LatentManifoldDisplay.from_estimator(autoencoder, X, n_images=4)
    >>> display.images_.shape
    (4, 4)
    """

    def __init__(self, *, decoded, values, components, image_shape=None, estimator_name=None):
        self.decoded = decoded
        self.values = values
        self.components = components
        self.image_shape = image_shape
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        components=(0, 1),
        n_images=15,
        image_shape=None,
        ax=None,
        cmap=None,
        image_kwargs=None,
    ):
        """Decode a grid of codes and draw what comes out.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder, or a pipeline or search with one in it.
        X : array-like or sparse matrix of shape (n_samples, n_features), default=None
            Data whose codes say where the grid lies: between the 2nd and the 98th percentile of
            either unit, the other units at their medians. Of a pipeline, what its first step is
            given. None takes -2 to 2, and zeros, which fits the normal prior of a
            `VariationalAutoencoder` and is refused for others.
        components : tuple of one or two int, default=(0, 1)
            Units of the code on the horizontal and vertical axis. A code of one unit gives a
            single row of images.
        n_images : int, default=15
            Number of images on an axis.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where `n_features` is a square number.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of images without a colour axis. None draws high values black, on dark
            backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : LatentManifoldDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder in it, its reconstructions are no such images, or
            `components` are no units of its code.
        ImportError
            If matplotlib is not installed.

        Warns
        -----
        UserWarning
            If a unit has one value for all rows of X, so that its axis shows nothing.
        """
        check_at_least(n_images, 1, "n_images")
        inner = located(estimator)
        n_units = inner.autoencoder._n_features_out
        components = checked_components(components, n_units)
        low, centre, high = _range(inner, X, n_units, components)
        values = [np.linspace(low[c], high[c], n_images) for c in components]
        values.append(centre[:1])  # of a single unit
        columns, rows = values[:2]
        codes = np.tile(centre, (len(rows), len(columns), 1))
        codes[:, :, components[0]] = columns
        if len(components) == 2:
            codes[:, :, components[1]] = rows[::-1, np.newaxis]
        decoded = inner.decode(codes.reshape(-1, n_units))
        display = cls(
            decoded=decoded.reshape(len(rows), len(columns), -1),
            values=(columns, rows[::-1]),
            components=components,
            image_shape=image_shape,
            estimator_name=inner.name,
        )
        return display.plot(ax, cmap=cmap, image_kwargs=image_kwargs)

    def plot(self, ax=None, *, cmap=None, image_kwargs=None):
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of images without a colour axis. None draws high values black, on dark
            backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : LatentManifoldDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of features.
        ImportError
            If matplotlib is not installed.
        """
        n_rows, n_columns, n_features = self.decoded.shape
        shape = checked_image_shape(self.image_shape, n_features)
        width, height = grid_size((n_rows, n_columns), shape, gap=0, inches=6)
        ax = axes_or_new(ax, self, (max(width, 2) + 0.7, height + 0.9))
        limits = limits_of(self.decoded)
        self.images_, places = draw_images(
            ax, self.decoded, shape, limits, gap=0, cmap=cmap, image_kwargs=image_kwargs
        )
        for axis, component, places_, values in zip(
            (ax.xaxis, ax.yaxis), self.components, places, self.values, strict=False
        ):
            n_ticks = min(len(values), _room_for_ticks(ax, axis))
            some = np.linspace(0, len(values) - 1, n_ticks).astype(int)
            axis.set_ticks(places_[some], [f"{value:.3g}" for value in values[some]])
            axis.set_label_text(f"Component {component}")
        name = self.estimator_name
        ax.set_title(f"Decoded codes of {name}" if name else "", fontsize="medium")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _room_for_ticks(ax, axis):
    """Number of ticks whose labels do not overlap."""
    box = ax.get_window_extent()
    pixels = box.width / INCHES_OF_TICK[0] if axis is ax.xaxis else box.height / INCHES_OF_TICK[1]
    return int(np.clip(pixels / ax.figure.dpi, 1, N_TICKS))


def checked_components(components, n_units):
    """One or two units of a code of `n_units`; a code of one has the first unit alone."""
    if n_units == 1 and tuple(components) == (0, 1):
        return (0,)
    components = tuple(components)
    possible = all(0 <= component < n_units for component in components)
    if len(components) not in (1, 2) or len(set(components)) < len(components) or not possible:
        raise ValueError(
            f"components must be one or two different numbers in 0..{n_units - 1}, since the code "
            f"has {n_units} units, got {components!r}."
        )
    return components


def _range(inner, X, n_units, components):
    """Lowest, middle and highest value of each unit."""
    if X is None:
        if not hasattr(inner.autoencoder, "posterior"):
            raise ValueError(
                f"X must be given: the code of {inner.name} has no prior that says where its "
                "values lie."
            )
        return np.full(n_units, -PRIOR_RANGE), np.zeros(n_units), np.full(n_units, PRIOR_RANGE)
    return unit_range(inner.encode(X), components)


def unit_range(code, units):
    """Where each unit of a code begins, lies and ends; warns of those that are constant.

    Parameters
    ----------
    code : ndarray of shape (n_samples, n_units)
    units : sequence of int
        Those that are to move.

    Returns
    -------
    low, centre, high : ndarray of shape (n_units,)
        Quantiles; of units that are active for few rows only, the lowest and highest value.
    """
    low, centre, high = np.quantile(code, (OUTER, 0.5, 1 - OUTER), axis=0)
    is_rare = low == high
    low, high = np.where(is_rare, code.min(axis=0), low), np.where(is_rare, code.max(axis=0), high)
    if constant := [unit for unit in units if low[unit] == high[unit]]:
        warn(
            f"Of the code, the units {constant} have one value for all rows of X, so that nothing "
            "changes along them."
        )
    return low, centre, high
