"""What the units next to the data look for, or draw."""

import numpy as np

from ._estimators import located
from ._images import check_at_least, checked_image_shape, draw_images, grid_size
from ._matplotlib import axes_or_new
from ._networks import outermost_filters

PARTS = ("encoder", "decoder")

SATURATED = 0.01
"""Share of the weights that are beyond the colours: those of pixels that hardly vary are not held
by the data, and may be many times as large as all others."""


class FiltersDisplay:
    """Weights of the layer next to the images, each unit's as an image.

    Of the encoder's first layer they are what a unit looks for, of the decoder's last one what it
    adds to a reconstruction. Grey is zero. Create one with `from_estimator`. The parameters are
    stored as attributes.

    Parameters
    ----------
    filters : ndarray of shape (n_filters, n_values)
        Weights of each unit.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        Shape of a filter. None takes a square, where `n_values` is a square number.
    title : str, default=None
        Title of the axes.

    Attributes
    ----------
    images_ : ndarray of shape (n_rows, n_columns) of matplotlib AxesImage or None
        The filters; None where the last row has no further one.
    ax_ : matplotlib Axes
        Axes that all filters are drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    FeatureMapDisplay : What convolutions make of an image.
    LatentTraversalDisplay : What units of the code change in a reconstruction.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import SparseAutoencoder
    >>> from skae.plotting import FiltersDisplay
    >>> X = load_digits().data
    >>> autoencoder = SparseAutoencoder(16, max_iter=5, random_state=0).fit(X)
    >>> FiltersDisplay.from_estimator(autoencoder, n_filters=16).images_.shape
    (4, 4)
    """

    def __init__(self, *, filters, image_shape=None, title=None):
        self.filters = filters
        self.image_shape = image_shape
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        part="encoder",
        n_filters=64,
        image_shape=None,
        ax=None,
        cmap="gray",
        image_kwargs=None,
    ):
        """Draw the filters of a fitted autoencoder, on the scale of its network.

        A linear path beside a single dense layer is part of the filters.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder of images, or a pipeline or search with one in it.
        X : Ignored
            Present for the convention; filters do not depend on data.
        part : {"encoder", "decoder"}, default="encoder"
            Whose layer next to the images is drawn.
        n_filters : int, default=64
            Number of filters, at most. Of more, those with the largest sum of squares are drawn.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where the number of features is a square number.
            Filters of convolutions have the shape of their kernel.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default="gray"
            Colours of filters without a colour axis, from minus to plus the 99th percentile of the
            weights' magnitudes.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : FiltersDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder in it, its filters are no such images, or `part` or
            `n_filters` is not as described.
        ImportError
            If matplotlib is not installed.
        """
        check_at_least(n_filters, 1, "n_filters")
        if part not in PARTS:
            raise ValueError(f"part must be one of {PARTS}, got {part!r}.")
        inner = located(estimator)
        if inner.autoencoder._table is not None:
            raise ValueError("estimator was fitted on a table of categories, not on images.")
        filters, kernel_shape = outermost_filters(inner.autoencoder, part)
        if kernel_shape is not None:
            height, width, n_channels = kernel_shape
            if n_channels not in (1, 3):
                raise ValueError(
                    f"filters of {n_channels} channels are no images; they must have 1 or 3."
                )
            image_shape = (height, width) if n_channels == 1 else kernel_shape
        n_units = len(filters)
        strongest = np.argsort(-np.square(filters).sum(axis=1), kind="stable")[:n_filters]
        counted = f"{n_filters} of {n_units} filters" if n_filters < n_units else "Filters"
        return cls(
            filters=filters[np.sort(strongest)],
            image_shape=image_shape,
            title=f"{counted} of {inner.name}'s {part}",
        ).plot(ax, cmap=cmap, image_kwargs=image_kwargs)

    def plot(self, ax=None, *, cmap="gray", image_kwargs=None):
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default="gray"
            Colours of filters without a colour axis, from minus to plus the 99th percentile of the
            weights' magnitudes.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : FiltersDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of values.
        ImportError
            If matplotlib is not installed.
        """
        n_filters, n_values = self.filters.shape
        shape = checked_image_shape(self.image_shape, n_values)
        n_columns = int(np.ceil(np.sqrt(n_filters)))
        n_rows = -(-n_filters // n_columns)
        grid = np.full((n_rows * n_columns, n_values), np.nan)
        grid[:n_filters] = self.filters
        width, height = grid_size((n_rows, n_columns), shape, inches=5)
        ax = axes_or_new(ax, self, (max(width, 3.8), height + 0.4))
        largest = np.quantile(np.abs(self.filters), 1 - SATURATED) or np.abs(self.filters).max()
        self.images_, _ = draw_images(
            ax,
            grid.reshape(n_rows, n_columns, n_values),
            shape,
            (-(largest or 1.0), largest or 1.0),
            cmap=cmap,
            image_kwargs=image_kwargs,
        )
        ax.set_title(self.title or "", fontsize="medium")
        self.ax_, self.figure_ = ax, ax.figure
        return self
