"""What changes in a reconstruction as the code moves."""

import math

import numpy as np

from ._estimators import located
from ._images import check_at_least, checked_image_shape, draw_images, grid_size, limits_of
from ._latent_manifold import unit_range
from ._matplotlib import axes_or_new

MOST_ROWS = 10
"""Units that are drawn unless others are asked for."""

MOST_NAMES = 40
"""Features up to which their names are written beside a heat map."""

KINDS = ("auto", "images", "features")


class LatentTraversalDisplay:
    """Reconstructions along lines through the code: each unit in turn, or from row to row.

    Create one with `from_estimator` or `from_rows`. Images are drawn as such, one line a row; of
    tables a heat map shows by how many standard deviations each feature moves. The parameters are
    stored as attributes.

    Parameters
    ----------
    decoded : ndarray of shape (n_lines, n_steps, n_features)
        Reconstructions along each line.
    line_names : list of str
        Names of the lines.
    kind : {"images", "features"}
        What is drawn.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        Shape of an image. None takes a square, where `n_features` is a square number.
    feature_names : list of str, default=None
        Names for the heat map. None writes x0, x1 and so on.
    centre : ndarray of shape (n_features,), default=None
        What the heat map subtracts. None takes 0.
    deviation : ndarray of shape (n_features,), default=None
        What the heat map divides by. None takes 1.
    title : str, default=None
        Title of the axes.

    Attributes
    ----------
    images_ : ndarray of shape (n_lines, n_steps) of matplotlib AxesImage, or None
        The images.
    heat_map_ : matplotlib QuadMesh or None
        The heat map of (features, lines times steps), the first feature at the top.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of the heat map.
    ax_ : matplotlib Axes
        Axes that all is drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    LatentManifoldDisplay : Two units at once.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skae import AutoencoderTransformer
    >>> from skae.plotting import LatentTraversalDisplay
    >>> wine = load_wine(as_frame=True).data
    >>> autoencoder = AutoencoderTransformer(3, max_iter=5, random_state=0).fit(wine)
    >>> display = LatentTraversalDisplay.from_estimator(autoencoder, wine)
    >>> display.decoded.shape  # units, steps, features
    (3, 9, 13)
    """

    def __init__(
        self,
        *,
        decoded,
        line_names,
        kind,
        image_shape=None,
        feature_names=None,
        centre=None,
        deviation=None,
        title=None,
    ):
        self.decoded = decoded
        self.line_names = line_names
        self.kind = kind
        self.image_shape = image_shape
        self.feature_names = feature_names
        self.centre = centre
        self.deviation = deviation
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        components=None,
        n_steps=9,
        kind="auto",
        image_shape=None,
        ax=None,
        cmap=None,
        image_kwargs=None,
    ):
        """Move each unit of the code in turn, the others at their medians.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder, or a pipeline or search with one in it.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data whose codes say how far a unit moves: from its 2nd to its 98th percentile. Of a
            pipeline, what its first step is given.
        components : array-like of int, default=None
            Units to move, in this order. None takes those that change the reconstruction most, 10
            at most.
        n_steps : int, default=9
            Number of values of a unit.
        kind : {"auto", "images", "features"}, default="auto"
            Whether to draw images or a heat map of features. "auto" draws images if `image_shape`
            is given, or if the number of features is a square and they have no names.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where `n_features` is a square number.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours. None draws high values of images black, on dark backgrounds white, and heat
            maps in "viridis".
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`, or `pcolormesh` of a heat map.

        Returns
        -------
        display : LatentTraversalDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder in it, its reconstructions are no such images or no numbers,
            or `components` are no units of its code.
        ImportError
            If matplotlib is not installed.

        Warns
        -----
        UserWarning
            If a unit has one value for all rows of X, so that nothing changes along it.
        """
        check_at_least(n_steps, 2, "n_steps")
        inner = located(estimator)
        code = inner.encode(X)
        n_units = code.shape[1]
        units = _checked_units(components, n_units)
        low, centre, high = unit_range(code, units)
        lines = np.tile(centre, (len(units), n_steps, 1))
        for line, unit in zip(lines, units, strict=True):
            line[:, unit] = np.linspace(low[unit], high[unit], n_steps)
        decoded = inner.decode(lines.reshape(-1, n_units)).reshape(len(units), n_steps, -1)
        centre, deviation = _statistics(inner.comparable(X))
        if components is None:
            change = np.square(np.ptp(decoded, axis=1) / deviation).sum(axis=1)
            first = np.argsort(-change, kind="stable")[:MOST_ROWS]
            units, decoded = [units[number] for number in first], decoded[first]
        counted = f"{len(units)} of {n_units} units" if len(units) < n_units else "Units"
        return cls(
            decoded=decoded,
            line_names=[f"unit {unit}" for unit in units],
            kind=_kind(kind, decoded, image_shape, inner),
            image_shape=image_shape,
            feature_names=inner.feature_names,
            centre=centre,
            deviation=deviation,
            title=f"{counted} of the code, low to high",
        ).plot(ax, cmap=cmap, image_kwargs=image_kwargs)

    @classmethod
    def from_rows(
        cls,
        estimator,
        X,
        pairs=((0, 1),),
        *,
        n_steps=9,
        kind="auto",
        image_shape=None,
        ax=None,
        cmap=None,
        image_kwargs=None,
    ):
        """Go from the code of one row straight to that of another.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder, or a pipeline or search with one in it.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data. Of a pipeline, what its first step is given.
        pairs : array-like of shape (n_lines, 2), default=((0, 1),)
            Positions of the rows from which and to which each line goes.
        n_steps : int, default=9
            Number of codes of a line, its ends included.
        kind : {"auto", "images", "features"}, default="auto"
            As in `from_estimator`.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            Shape of an image. None takes a square, where `n_features` is a square number.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours, as in `from_estimator`.
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`, or `pcolormesh` of a heat map.

        Returns
        -------
        display : LatentTraversalDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder in it, its reconstructions are no such images or no numbers,
            or `pairs` are no rows of X.
        ImportError
            If matplotlib is not installed.
        """
        check_at_least(n_steps, 2, "n_steps")
        inner = located(estimator)
        code = inner.encode(X)
        pairs = np.asarray(pairs)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs) or pairs.dtype.kind not in "iu":
            raise ValueError(f"pairs must be positions of two rows each, got {pairs!r}.")
        if pairs.min() < 0 or pairs.max() >= len(code):
            raise ValueError(f"pairs must lie in 0..{len(code) - 1}, the rows of X, got {pairs!r}.")
        share = np.linspace(0, 1, n_steps)[:, np.newaxis]
        lines = [(1 - share) * code[first] + share * code[last] for first, last in pairs]
        decoded = inner.decode(np.concatenate(lines)).reshape(len(pairs), n_steps, -1)
        centre, deviation = _statistics(inner.comparable(X))
        return cls(
            decoded=decoded,
            line_names=[f"{first} to {last}" for first, last in pairs],
            kind=_kind(kind, decoded, image_shape, inner),
            image_shape=image_shape,
            feature_names=inner.feature_names,
            centre=centre,
            deviation=deviation,
            title="From row to row through the code",
        ).plot(ax, cmap=cmap, image_kwargs=image_kwargs)

    def plot(self, ax=None, *, cmap=None, image_kwargs=None):
        """Draw images or a heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colours. None draws high values of images black, on dark backgrounds white, and heat
            maps in "viridis".
        image_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.imshow`, or `pcolormesh` of a heat map.

        Returns
        -------
        display : LatentTraversalDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of features.
        ImportError
            If matplotlib is not installed.
        """
        self.images_ = self.heat_map_ = self.colorbar_ = None
        draw = self._draw_images if self.kind == "images" else self._draw_features
        ax = draw(ax, cmap, image_kwargs)
        ax.set_title(self.title or "", fontsize="medium")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_images(self, ax, cmap, image_kwargs):
        n_lines, n_steps, n_features = self.decoded.shape
        shape = checked_image_shape(self.image_shape, n_features)
        width, height = grid_size((n_lines, n_steps), shape)
        ax = axes_or_new(ax, self, (max(width, 3.5) + 1, height + 0.4))
        limits = limits_of(self.decoded)
        self.images_, (_, middles) = draw_images(
            ax, self.decoded, shape, limits, cmap=cmap, image_kwargs=image_kwargs
        )
        ax.set_yticks(middles, self.line_names)
        return ax

    def _draw_features(self, ax, cmap, image_kwargs):
        n_lines, n_steps, n_features = self.decoded.shape
        width = min(max(0.13 * n_lines * n_steps, 3.5), 9) + 2.2
        ax = axes_or_new(ax, self, (width, min(max(0.2 * n_features, 2), 7) + 0.9))
        centre = 0.0 if self.centre is None else self.centre
        deviation = 1.0 if self.deviation is None else self.deviation
        values = ((self.decoded - centre) / deviation).reshape(n_lines * n_steps, n_features).T
        style = {"cmap": cmap or "viridis", **(image_kwargs or {})}
        self.heat_map_ = ax.pcolormesh(values, **style)
        ax.invert_yaxis()
        bounds = n_steps * np.arange(1, n_lines)
        # In the colour of the page, so that the lines are gaps between the units.
        ax.vlines(bounds, 0, n_features, color=ax.get_facecolor(), linewidth=2)
        ax.set_xticks(n_steps * (np.arange(n_lines) + 0.5), self.line_names)
        if n_lines > 5:
            ax.tick_params(axis="x", labelrotation=90)
        names = self.feature_names or [f"x{number}" for number in range(n_features)]
        if n_features <= MOST_NAMES:
            ax.set_yticks(np.arange(n_features) + 0.5, names)
        else:
            ax.set_ylabel(f"{n_features} features")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        label = "Value" if self.deviation is None else "Standard deviations"
        self.colorbar_ = ax.figure.colorbar(self.heat_map_, ax=ax, label=label)
        return ax


def _checked_units(components, n_units):
    units = range(n_units) if components is None else np.asarray(components).tolist()
    units = units if hasattr(units, "__len__") else [units]
    if not len(units) or any(unit not in range(n_units) for unit in units):
        raise ValueError(
            f"components must be numbers in 0..{n_units - 1}, since the code has {n_units} units, "
            f"got {components!r}."
        )
    return list(units)


def _statistics(X):
    """Mean and standard deviation of each feature, 1 of those that do not vary."""
    some = np.isfinite(X).any(axis=0)
    centre, deviation = np.zeros(X.shape[1]), np.ones(X.shape[1])
    centre[some] = np.nanmean(X[:, some].astype(float), axis=0)
    deviation[some] = np.nanstd(X[:, some].astype(float), axis=0)
    # A constant's deviation may be that of its rounding.
    constant = deviation <= np.abs(centre) * 1e-7
    return centre, np.where(constant, 1.0, deviation)


def _kind(kind, decoded, image_shape, inner):
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
    if kind != "auto":
        return kind
    n_features = decoded.shape[-1]
    is_square = math.isqrt(n_features) ** 2 == n_features and inner.feature_names is None
    return "images" if image_shape is not None or is_square else "features"
