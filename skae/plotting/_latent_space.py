"""The code as points in the plane."""

import numpy as np

from ._estimators import final_estimator, located
from ._groups import (
    MAX_CLASSES,
    MISSING_COLOR,
    OTHERS_COLOR,
    checked_y,
    class_colors,
    classes_of,
    find_missing,
    most_frequent,
)
from ._matplotlib import COLORS, axes_or_new, remove_spines


class LatentSpaceDisplay:
    """Scatter plot of the code, coloured by y.

    Create one with `from_estimator` or `from_predictions`. The parameters are stored as
    attributes.

    Parameters
    ----------
    code : ndarray of shape (n_samples, n_components)
        Codes, two components wide or wider.
    y : ndarray of shape (n_samples,), default=None
        Colours the points. Up to 20 different whole numbers and whatever is not a number are
        classes and get a legend; other numbers get a colour bar. Of more than 20 classes, the 19
        most frequent ones have a colour, and the others are grey. Missing values (None, NaN, NaT
        or pandas.NA) are grey, below the other points, and called "missing" in a legend.
    estimator_name : str, default=None
        Name for the title. None leaves the title out.

    Attributes
    ----------
    scatter_ : matplotlib PathCollection
        The points, in the order of the code. Those without a value in y are masked.
    missing_ : matplotlib PathCollection or None
        The points without a value in y, in the order of the code. The others are masked.
    legend_ : matplotlib Legend or None
        Legend of the classes and of missing values.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of a continuous y.
    ax_ : matplotlib Axes
        Axes of the points.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    ReconstructionDisplay : What the codes decode to.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer
    >>> from skae.plotting import LatentSpaceDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> autoencoder = AutoencoderTransformer(8, max_iter=5, random_state=0).fit(X / 16)
    >>> display = LatentSpaceDisplay.from_estimator(autoencoder, X / 16, y, projection="pca")
    >>> display.scatter_.get_offsets().shape
    (1797, 2)
    >>> [text.get_text() for text in display.legend_.get_texts()][:3]
    ['0', '1', '2']
    """

    def __init__(self, *, code, y=None, estimator_name=None):
        self.code = code
        self.y = y
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        components=(0, 1),
        projection=None,
        ax=None,
        scatter_kwargs=None,
    ):
        """Encode X and draw the code.

        Parameters
        ----------
        estimator : object
            Fitted estimator with `transform`, or with an autoencoder in it, such as a pipeline that
            ends in a classifier.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,), default=None
            Classes or numbers that colour the points.
        components : tuple of two int, default=(0, 1)
            Components of the code, or of its projection, on the horizontal and vertical axis.
        projection : {"pca"} or None, default=None
            "pca" draws principal components of the code.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        scatter_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : LatentSpaceDisplay

        Raises
        ------
        ValueError
            If `components`, `projection` or y does not fit the code.
        ImportError
            If matplotlib is not installed.
        """
        if hasattr(estimator, "transform"):
            code, name = estimator.transform(X), type(final_estimator(estimator)).__name__
        else:
            inner = located(estimator)
            code, name = inner.encode(X), inner.name
        return cls.from_predictions(
            code,
            y,
            components=components,
            projection=projection,
            estimator_name=name,
            ax=ax,
            scatter_kwargs=scatter_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        code,
        y=None,
        *,
        components=(0, 1),
        projection=None,
        estimator_name=None,
        ax=None,
        scatter_kwargs=None,
    ):
        """Draw codes.

        Parameters
        ----------
        code : array-like of shape (n_samples, n_components)
            Codes.
        y : array-like of shape (n_samples,), default=None
            Classes or numbers that colour the points.
        components : tuple of two int, default=(0, 1)
            Components of the code, or of its projection, on the horizontal and vertical axis.
        projection : {"pca"} or None, default=None
            "pca" draws principal components of the code.
        estimator_name : str, default=None
            Name for the title. None leaves the title out.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        scatter_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : LatentSpaceDisplay

        Raises
        ------
        ValueError
            If `components`, `projection` or y does not fit the code.
        ImportError
            If matplotlib is not installed.
        """
        code = np.asarray(code)
        y = checked_y(y, len(code), "the code")
        display = cls(code=code, y=y, estimator_name=estimator_name)
        return display.plot(
            ax, components=components, projection=projection, scatter_kwargs=scatter_kwargs
        )

    def plot(self, ax=None, *, components=(0, 1), projection=None, scatter_kwargs=None):
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        components : tuple of two int, default=(0, 1)
            Components of the code, or of its projection, on the horizontal and vertical axis.
        projection : {"pca"} or None, default=None
            "pca" draws principal components of the code.
        scatter_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : LatentSpaceDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `components` or `projection` does not fit the code.
        ImportError
            If matplotlib is not installed.
        """
        points = _points(self.code, components, projection)
        ax = axes_or_new(ax, self, (6, 4.8))
        missing, y = find_missing(self.y, len(points))
        classes = None if y is None else classes_of(y[~missing])
        n_others = 0
        if classes is not None and len(classes) > MAX_CLASSES:
            classes, n_others = most_frequent(y[~missing], classes, MAX_CLASSES - 1)
        size = np.clip(12_000 / len(points), 2, 16)
        style = {"s": size, "alpha": 0.8, "linewidths": 0, **_colors(y, classes)}
        style |= scatter_kwargs or {}
        self.missing_ = None
        if missing.any():  # drawn first, so that the others lie above
            self.missing_ = _scatter(ax, points, missing, {**style, "plotnonfinite": True})
            self.missing_.set(array=None, color=MISSING_COLOR)
        self.scatter_ = _scatter(ax, points, ~missing, style)
        self.legend_ = _legend(ax, classes or [], n_others, missing.any())
        self.colorbar_ = None
        if y is not None and classes is None:
            self.colorbar_ = ax.figure.colorbar(self.scatter_, ax=ax)
        axis = "Component" if projection is None else "Principal component"
        ax.set(xlabel=f"{axis} {components[0]}", ylabel=f"{axis} {components[1]}")
        ax.set_title(f"Code of {self.estimator_name}" if self.estimator_name else "")
        remove_spines(ax, ["right", "top"])
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _points(code, components, projection):
    if len(components) != 2:
        raise ValueError(f"components must be two numbers, got {components!r}.")
    if projection not in (None, "pca"):
        raise ValueError(f"projection must be 'pca' or None, got {projection!r}.")
    width = code.shape[1]
    if any(not 0 <= component < width for component in components):
        raise ValueError(
            f"components must lie in 0..{width - 1}, since the code has n_components={width}, "
            f"got {components!r}."
        )
    if projection == "pca":
        from sklearn.decomposition import PCA

        code = PCA(max(components) + 1, svd_solver="full").fit_transform(code)
    return code[:, list(components)]


def _colors(y, classes):
    if y is None:
        return {"color": COLORS[0]}
    if classes is None:
        return {"c": y, "cmap": "viridis"}
    colors = dict(zip(classes, class_colors(len(classes)), strict=True))
    return {"c": [colors.get(value, OTHERS_COLOR) for value in y]}


def _scatter(ax, points, drawn, style):
    """Draw some of the points; the others are masked, so that arrays in `style` still fit."""
    return ax.scatter(*np.where(drawn[:, np.newaxis], points, np.nan).T, **style)


def _legend(ax, classes, n_others, has_missing):
    from matplotlib.lines import Line2D

    entries = list(zip(classes, class_colors(len(classes)), strict=True))
    if n_others:
        entries.append((f"{n_others} others", OTHERS_COLOR))
    if has_missing:
        entries.append(("missing", MISSING_COLOR))
    if not entries:
        return None
    style = {"linestyle": "", "marker": "o", "markersize": 6}
    # Beside the axes there may be a colour bar, where there are no classes.
    beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    handles = [Line2D([], [], color=color, label=str(name), **style) for name, color in entries]
    return ax.legend(
        handles=handles,
        **(beside if classes else {"loc": "upper right"}),
        ncols=1 + (len(entries) - 1) // 12,
        frameon=False,
        handletextpad=0.1,
    )
