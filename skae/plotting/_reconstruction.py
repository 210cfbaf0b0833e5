"""Originals over reconstructions."""

from ._estimators import final_estimator, located, numbers
from ._images import check_at_least, checked_image_shape, draw_images, grid_size, limits_of
from ._matplotlib import axes_or_new


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
        cls,
        estimator,
        X,
        *,
        X_noisy=None,
        n_images=10,
        image_shape=None,
        ax=None,
        cmap=None,
        image_kwargs=None,
    ):
        """Reconstruct images and draw them.

        Parameters
        ----------
        estimator : object
            Fitted estimator with `reconstruct`, or with `transform` and `inverse_transform`,
            such as a pipeline or PCA; or a pipeline with an autoencoder before its last step, whose
            steps before that have an `inverse_transform`.
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
        cmap : str or matplotlib Colormap, default=None
            Colours of images without a colour axis. None draws high values black, on dark
            backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

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
        check_at_least(n_images, 1, "n_images")
        rows = X[:n_images]
        noisy = None if X_noisy is None else X_noisy[:n_images]
        return cls.from_predictions(
            rows,
            _reconstruct(estimator, rows if noisy is None else noisy),
            X_noisy=noisy,
            n_images=n_images,
            image_shape=image_shape,
            estimator_name=_name(estimator),
            ax=ax,
            cmap=cmap,
            image_kwargs=image_kwargs,
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
        cmap=None,
        image_kwargs=None,
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
        cmap : str or matplotlib Colormap, default=None
            Colours of images without a colour axis. None draws high values black, on dark
            backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

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
        check_at_least(n_images, 1, "n_images")
        X = numbers(X[:n_images], "X")
        display = cls(
            X=X,
            X_reconstructed=_dense_like(X_reconstructed[:n_images], "X_reconstructed", X),
            X_noisy=None if X_noisy is None else _dense_like(X_noisy[:n_images], "X_noisy", X),
            image_shape=image_shape,
            estimator_name=estimator_name,
        )
        return display.plot(ax, cmap=cmap, image_kwargs=image_kwargs)

    def plot(self, ax=None, *, cmap=None, image_kwargs=None):
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of images without a colour axis, from the lowest to the highest value of X.
            None draws high values black, on dark backgrounds white.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`.

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
        shape = checked_image_shape(self.image_shape, self.X.shape[1])
        width, height = grid_size((len(rows), max(len(self.X), 5)), shape)
        ax = axes_or_new(ax, self, (width * len(self.X) / max(len(self.X), 5) + 1.2, height + 0.4))
        self.images_, (_, middles) = draw_images(
            ax,
            list(rows.values()),
            shape,
            limits_of(self.X),
            cmap=cmap,
            image_kwargs=image_kwargs,
        )
        ax.set_title(self.estimator_name or "")
        ax.set_yticks(middles, rows)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _reconstruct(estimator, X):
    if hasattr(estimator, "reconstruct"):
        return estimator.reconstruct(X)
    if hasattr(estimator, "inverse_transform"):
        return estimator.inverse_transform(estimator.transform(X))
    inner = located(estimator)
    return inner.decode(inner.encode(X))


def _name(estimator):
    """Name of the class that reconstructs."""
    if hasattr(estimator, "reconstruct") or hasattr(estimator, "inverse_transform"):
        return type(final_estimator(estimator)).__name__
    return located(estimator).name


def _dense_like(values, name, X):
    values = numbers(values, name)
    if values.shape != X.shape:
        raise ValueError(f"{name} must have the shape of X, {X.shape}, got {values.shape}.")
    return values
