"""Originals over reconstructions."""

import math

import numpy as np
from scipy import sparse

from ._matplotlib import axes_or_new, final_estimator, remove_spines

_GAP = 0.08
"""Space between two images, as a share of an image's side."""


class ReconstructionDisplay:
    """Rows of images: originals, noisy inputs where there are any, reconstructions.

    Create one with `from_estimator` or `from_predictions`. The parameters are stored as
    attributes.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
        Original images, a flattened one in each row.
    X_reconstructed : ndarray of shape (n_images, n_features)
        Reconstructions of these images.
    X_noisy : ndarray of shape (n_images, n_features), default=None
        Noisy images that the reconstructions were made from, drawn as a row in between.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        Shape of an image. None takes a square, where `n_features` is a square number.
    estimator_name : str, default=None
        Name for the title. None leaves the title out.

    Attributes
    ----------
    images_ : ndarray of shape (2 or 3, n_images) of matplotlib AxesImage
        The images, by row: originals, noisy inputs if any, reconstructions.
    ax_ : matplotlib Axes
        Axes that all images are drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    LatentSpaceDisplay : The codes the reconstructions are made from.
    LossCurveDisplay : The loss in each epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer
    >>> from skae.plotting import ReconstructionDisplay
    >>> X = load_digits().data / 16
    >>> autoencoder = AutoencoderTransformer(8, max_iter=5, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(autoencoder, X, n_images=5)
    >>> display.images_.shape
    (2, 5)
    """

    def __init__(self, *, X, X_reconstructed, X_noisy=None, image_shape=None, estimator_name=None):
        self.X = X
        self.X_reconstructed = X_reconstructed
        self.X_noisy = X_noisy
        self.image_shape = image_shape
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator, X, *, X_noisy=None, n_images=10, image_shape=None, ax=None, cmap="gray_r"
    ):
        """Reconstruct images and draw them.

        Parameters
        ----------
        estimator : object
            Fitted estimator with `reconstruct`, or with `transform` and `inverse_transform`,
            such as a pipeline or PCA.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Images, of which the first `n_images` are drawn.
        X_noisy : array-like or sparse matrix of shape (n_samples, n_features), default=None
            Noisy versions of the rows of X, to reconstruct in their place.
        n_images : int, default=10
            Number of images, at most.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where `n_features` is a square number.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours of images without a colour axis.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        ValueError
            If `n_images` or `image_shape` does not fit the data, or `X_noisy` does not fit X.
        ImportError
            If matplotlib is not installed.
        """
        _check_n_images(n_images)
        rows = X[:n_images]
        noisy = None if X_noisy is None else X_noisy[:n_images]
        return cls.from_predictions(
            rows,
            _reconstruct(estimator, rows if noisy is None else noisy),
            X_noisy=noisy,
            n_images=n_images,
            image_shape=image_shape,
            estimator_name=type(final_estimator(estimator)).__name__,
            ax=ax,
            cmap=cmap,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        X_reconstructed,
        *,
        X_noisy=None,
        n_images=10,
        image_shape=None,
        estimator_name=None,
        ax=None,
        cmap="gray_r",
    ):
        """Draw images and their reconstructions.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Images, of which the first `n_images` are drawn.
        X_reconstructed : array-like of shape (n_samples, n_features)
            Their reconstructions.
        X_noisy : array-like or sparse matrix of shape (n_samples, n_features), default=None
            Noisy images that the reconstructions were made from.
        n_images : int, default=10
            Number of images, at most.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where `n_features` is a square number.
        estimator_name : str, default=None
            Name for the title. None leaves the title out.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours of images without a colour axis.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        ValueError
            If `n_images` or `image_shape` does not fit the data, or the matrices do not fit
            each other.
        ImportError
            If matplotlib is not installed.
        """
        _check_n_images(n_images)
        X = _dense(X[:n_images])
        display = cls(
            X=X,
            X_reconstructed=_dense_like(X_reconstructed[:n_images], "X_reconstructed", X),
            X_noisy=None if X_noisy is None else _dense_like(X_noisy[:n_images], "X_noisy", X),
            image_shape=image_shape,
            estimator_name=estimator_name,
        )
        return display.plot(ax, cmap=cmap)

    def plot(self, ax=None, *, cmap="gray_r"):
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours of images without a colour axis, from the lowest to the highest value of X.

        Returns
        -------
        display : ReconstructionDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of features.
        ImportError
            If matplotlib is not installed.
        """
        rows = {"original": self.X, "noisy": self.X_noisy, "reconstruction": self.X_reconstructed}
        rows = {name: values for name, values in rows.items() if values is not None}
        shape = _checked_image_shape(self.image_shape, self.X.shape[1])
        n_images, (height, width) = len(self.X), shape[:2]
        x_step, y_step = width * (1 + _GAP), height * (1 + _GAP)
        inches = 9 / max(n_images, 5)
        ax = axes_or_new(
            ax, self, (n_images * inches + 1.2, len(rows) * inches * height / width + 0.4)
        )
        self.images_ = np.empty((len(rows), n_images), dtype=object)
        for i, values in enumerate(rows.values()):
            for j, image in enumerate(self._images(values, shape)):
                left, top = j * x_step, i * y_step
                extent = (left, left + width, top + height, top)
                self.images_[i, j] = ax.imshow(image, cmap=cmap, extent=extent)
                self.images_[i, j].set_clim(self.X.min(), self.X.max())
        right, bottom = n_images * x_step - _GAP * width, len(rows) * y_step - _GAP * height
        middles = height / 2 + y_step * np.arange(len(rows))
        ax.set(xlim=(0, right), ylim=(bottom, 0), xticks=[], title=self.estimator_name or "")
        ax.set_yticks(middles, rows)
        ax.tick_params(length=0)
        remove_spines(ax, ["left", "right", "top", "bottom"])
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _images(self, values, shape):
        """Reshape rows to images; those with a colour axis are brought to [0, 1]."""
        if len(shape) == 3:
            low, high = self.X.min(), self.X.max()
            values = np.clip((values - low) / ((high - low) or 1), 0, 1)
        return values.reshape(-1, *shape)


def _reconstruct(estimator, X):
    if hasattr(estimator, "reconstruct"):
        return estimator.reconstruct(X)
    return estimator.inverse_transform(estimator.transform(X))


def _dense(X):
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def _dense_like(values, name, X):
    values = _dense(values)
    if values.shape != X.shape:
        raise ValueError(f"{name} must have the shape of X, {X.shape}, got {values.shape}.")
    return values


def _check_n_images(n_images):
    if n_images < 1:
        raise ValueError(f"n_images must be 1 or more, got {n_images!r}.")


def _checked_image_shape(image_shape, n_features):
    if image_shape is None:
        side = math.isqrt(n_features)
        if side * side != n_features:
            raise ValueError(
                f"image_shape must be given, because {n_features} features are no square image."
            )
        return side, side
    shape = tuple(image_shape)
    if len(shape) not in (2, 3) or math.prod(shape) != n_features:
        raise ValueError(
            "image_shape must be (height, width) or (height, width, 3) with a product of "
            f"{n_features}, the number of features, got {image_shape!r}."
        )
    if len(shape) == 3 and shape[2] != 3:
        raise ValueError(f"image_shape must end in 3 colours if in anything, got {image_shape!r}.")
    return shape
