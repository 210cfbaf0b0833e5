"""What convolutions make of images."""

import numpy as np

from ._estimators import located, numbers
from ._images import check_at_least, checked_image_shape, draw_images, grid_size, limits_of
from ._matplotlib import axes_or_new
from ._networks import feature_maps


class FeatureMapDisplay:
    """Images, each beside its feature maps: the outputs of a convolution.

    Create one with `from_estimator`. The parameters are stored as attributes.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        The images as the autoencoder gets them.
    maps : ndarray of shape (n_images, height, width, n_maps)
        Their feature maps.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        Shape of an image. None takes a square, where `n_features` is a square number.
    title : str, default=None
        Title of the axes.

    Attributes
    ----------
    images_ : ndarray of shape (n_images, 1 + n_maps) of matplotlib AxesImage
        By row: the image, then its maps. Colours mean the same in all maps.
    ax_ : matplotlib Axes
        Axes that all is drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    FiltersDisplay : The weights of the layer next to the images.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer
    >>> from skae.architectures import Conv
    >>> from skae.plotting import FeatureMapDisplay
    >>> X = load_digits().data
    >>> conv = Conv((8, 8), filters=(4, 6))
    >>> autoencoder = AutoencoderTransformer(None, architecture=conv, max_iter=2, random_state=0)
    >>> display = FeatureMapDisplay.from_estimator(autoencoder.fit(X[:500]), X, n_images=2)
    >>> display.maps.shape
    (2, 2, 2, 6)
    """

    def __init__(self, *, X, maps, image_shape=None, title=None):
        self.X = X
        self.maps = maps
        self.image_shape = image_shape
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        layer=-1,
        n_images=3,
        n_maps=12,
        image_shape=None,
        ax=None,
        cmap=None,
        image_kwargs=None,
    ):
        """Compute feature maps and draw them.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder with convolutions, or a pipeline or search with one in it.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Images, of which the first `n_images` are drawn. Of a pipeline, what its first step is
            given.
        layer : int or str, default=-1
            Which layer's outputs to draw: its position among the encoder's layers whose outputs
            are maps (convolutions, activations, pooling), or its name in `encoder_`.
        n_images : int, default=3
            Number of images, at most.
        n_maps : int, default=12
            Number of maps, at most. Of more, those that vary most over the images drawn are taken.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where `n_features` is a square number.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours. None draws high values black, on dark backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : FeatureMapDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder with convolutions in it, or `layer`, `image_shape` or a
            number is not as described.
        ImportError
            If matplotlib is not installed.
        """
        check_at_least(n_images, 1, "n_images")
        check_at_least(n_maps, 1, "n_maps")
        inner = located(estimator)
        rows = numbers(inner.features(X[:n_images]), "X")
        maps, name = feature_maps(inner.autoencoder, rows, layer)
        n_all = maps.shape[-1]
        strongest = np.argsort(-maps.var(axis=(0, 1, 2)), kind="stable")[:n_maps]
        counted = f"{n_maps} of {n_all} maps" if n_maps < n_all else "Maps"
        shape = getattr(inner.autoencoder.architecture, "image_shape", None)
        return cls(
            X=rows,
            maps=maps[..., np.sort(strongest)],
            image_shape=shape if image_shape is None else image_shape,
            title=f"{counted} of layer {name!r} of {inner.name}",
        ).plot(ax, cmap=cmap, image_kwargs=image_kwargs)

    def plot(self, ax=None, *, cmap=None, image_kwargs=None):
        """Draw images and maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours. None draws high values black, on dark backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : FeatureMapDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of features.
        ImportError
            If matplotlib is not installed.
        """
        shape = self.image_shape
        if shape is not None and len(shape) == 3 and shape[2] == 1:
            shape = shape[:2]
        shape = checked_image_shape(shape, self.X.shape[1])
        n_images, height, width, n_maps = self.maps.shape
        inches = grid_size((n_images, 1 + n_maps), (height, width), inches=9)
        ax = axes_or_new(ax, self, (max(inches[0], 3.5) + 0.2, inches[1] + 0.7))
        # Maps as wide as high, in pixels of their own, so that one grid holds all.
        style = {"cmap": cmap, "image_kwargs": image_kwargs}
        maps = np.moveaxis(self.maps, -1, 1).reshape(n_images, n_maps, height * width)
        blank = np.full((n_images, 1, height * width), np.nan)
        grid = np.concatenate([blank, maps], axis=1)
        self.images_, (x_places, y_places) = draw_images(
            ax, grid, (height, width), limits_of(maps), **style
        )
        limits = ax.get_xlim(), ax.get_ylim()
        first, _ = draw_images(ax, self.X[:, np.newaxis], shape, limits_of(self.X), **style)
        for image, middle in zip(first[:, 0], y_places, strict=True):
            image.set_extent((0, width, middle + height / 2, middle - height / 2))
        self.images_[:, 0] = first[:, 0]
        ax.set(xlim=limits[0], ylim=limits[1])
        ax.set_xticks(x_places, ["input", *map(str, range(1, n_maps + 1))])
        ax.set_title(self.title or "", fontsize="medium")
        self.ax_, self.figure_ = ax, ax.figure
        return self
