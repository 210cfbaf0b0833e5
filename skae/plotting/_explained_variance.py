"""Share of the variance that is explained, beside that of PCA."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from .._autoencoders._base import BaseAutoencoder
from ._estimators import located, numbers
from ._matplotlib import COLORS, NEUTRAL, axes_or_new, remove_spines

MOST_NAMES = 40
"""Features up to which each has a line of its own; more are drawn in order of their shares."""

LOWEST = -1.0
"""Shares below are drawn at the edge: a single feature at -1000 would hide all others."""


class ExplainedVarianceDisplay:
    """Share of the variance that reconstructions explain: by size of the code, or by feature.

    Create one with `from_code_sizes` or `from_estimator`. The parameters are stored as attributes.

    Parameters
    ----------
    explained : ndarray of shape (n_entries,)
        Share that the autoencoder explains, for each size of the code or feature.
    pca_explained : ndarray of shape (n_entries,), default=None
        That of PCA with as many components.
    sizes : ndarray of shape (n_entries,), default=None
        Sizes of the code. None means that the entries are features.
    feature_names : list of str, default=None
        Names of the features. None writes x0, x1 and so on.
    estimator_name : str, default=None
        Name of the autoencoder. None writes "autoencoder".
    pca_name : str, default="PCA"
        Name of what is compared with.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The autoencoder's shares.
    pca_line_ : matplotlib Line2D or None
        PCA's.
    legend_ : matplotlib Legend
        Legend of both.
    ax_ : matplotlib Axes
        Axes of the lines.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    skae.AutoencoderTransformer.explained_variance : What is drawn.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skae import AutoencoderTransformer
    >>> from skae.plotting import ExplainedVarianceDisplay
    >>> wine = load_wine(as_frame=True).data
    >>> autoencoder = AutoencoderTransformer(2, max_iter=5, random_state=0).fit(wine)
    >>> display = ExplainedVarianceDisplay.from_estimator(autoencoder, wine)
    >>> display.explained.shape
    (13,)
    """

    def __init__(
        self,
        *,
        explained,
        pca_explained=None,
        sizes=None,
        feature_names=None,
        estimator_name=None,
        pca_name="PCA",
    ):
        self.explained = explained
        self.pca_explained = pca_explained
        self.sizes = sizes
        self.feature_names = feature_names
        self.estimator_name = estimator_name
        self.pca_name = pca_name

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, X_train=None, ax=None, line_kwargs=None):
        """Draw the share of each feature's variance that a fitted autoencoder explains.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder, or a pipeline or search with one in it.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data. Of a pipeline, what its first step is given; the features are those that the
            autoencoder gets.
        y : Ignored
            Present for the convention.
        X_train : array-like or sparse matrix of shape (n_train_samples, n_features), default=None
            Training rows of the autoencoder, to which PCA is fitted. None fits it to X, which is
            an advantage for PCA if X are other rows than those; the legend says so.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.plot`, for the autoencoder's.

        Returns
        -------
        display : ExplainedVarianceDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder in it, or X is refused by it.
        ImportError
            If matplotlib is not installed.

        Notes
        -----
        PCA is left out for tables with categories and data with missing values, on which it is not
        defined.
        """
        inner = located(estimator)
        autoencoder, rows = inner.autoencoder, inner.features(X)
        train = rows if X_train is None else inner.features(X_train)
        explained = autoencoder.explained_variance(rows, per_feature=True)
        pca = None
        if autoencoder._table is None:
            n_components = autoencoder._n_features_out
            pca = _explained_by_pca(numbers(train, "X"), numbers(rows, "X"), n_components)
        return cls(
            explained=explained,
            pca_explained=pca,
            feature_names=inner.own_feature_names,
            estimator_name=inner.name,
            pca_name="PCA fitted to these rows" if X_train is None else "PCA",
        ).plot(ax, line_kwargs=line_kwargs)

    @classmethod
    def from_code_sizes(
        cls,
        estimator,
        X,
        y=None,
        *,
        n_components=(1, 2, 4, 8),
        test_size=0.25,
        random_state=0,
        ax=None,
        line_kwargs=None,
    ):
        """Fit an autoencoder for each size of the code, and draw what it explains of other rows.

        Parameters
        ----------
        estimator : BaseAutoencoder or Pipeline
            An autoencoder, or a pipeline with one in it. Clones of it are fitted.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,), default=None
            What the other steps of a pipeline need.
        n_components : array-like of int, default=(1, 2, 4, 8)
            Sizes of the code.
        test_size : float or int, default=0.25
            Share or number of the rows that are held out, on which the variance is explained.
        random_state : int, RandomState instance or None, default=0
            Decides which rows are held out.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.plot`, for the autoencoder's.

        Returns
        -------
        display : ExplainedVarianceDisplay

        Raises
        ------
        ValueError
            If there is no autoencoder in the estimator, or no size is given, or a fit fails.
        ImportError
            If matplotlib is not installed.

        Notes
        -----
        PCA is fitted to the same training rows. It is left out for tables with categories and data
        with missing values, and for sizes that it cannot have.
        """
        sizes = np.unique(np.asarray(n_components, dtype=int))
        if not len(sizes):
            raise ValueError("n_components must name at least one size of the code.")
        name = _size_parameter(estimator)
        parts = train_test_split(
            *([X] if y is None else [X, y]), test_size=test_size, random_state=random_state
        )
        X_train, X_test, *labels = parts
        explained, pca = np.full((2, len(sizes)), np.nan)
        for number, size in enumerate(sizes):
            fitted = clone(estimator).set_params(**{name: int(size)}).fit(X_train, *labels[:1])
            inner = located(fitted)
            train, test = inner.features(X_train), inner.features(X_test)
            explained[number] = inner.autoencoder.explained_variance(test)
            if inner.autoencoder._table is None:
                train, test = numbers(train, "X"), numbers(test, "X")
                shares = _explained_by_pca(train, test, int(size), of_each=False)
                pca[number] = np.nan if shares is None else shares
        return cls(
            explained=explained,
            pca_explained=None if np.isnan(pca).all() else pca,
            sizes=sizes,
            estimator_name=inner.name,
        ).plot(ax, line_kwargs=line_kwargs)

    def plot(self, ax=None, *, line_kwargs=None):
        """Draw the shares.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.plot`, for the autoencoder's.

        Returns
        -------
        display : ExplainedVarianceDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if self.sizes is not None:
            ax = self._draw_sizes(ax, line_kwargs)
        elif len(self.explained) <= MOST_NAMES:
            ax = self._draw_features(ax, line_kwargs)
        else:
            ax = self._draw_ranks(ax, line_kwargs)
        # Above the axes: among the points of many features there is no room.
        above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 2, "borderaxespad": 0.2}
        is_narrow = self.sizes is None and len(self.explained) <= MOST_NAMES
        self.legend_ = ax.legend(frameon=False, fontsize="small", **(above if is_narrow else {}))
        remove_spines(ax, ["right", "top"])
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_sizes(self, ax, line_kwargs):
        ax = axes_or_new(ax, self, (6, 4))
        positions = np.arange(len(self.sizes))  # evenly spaced: sizes are mostly multiples
        self._draw(ax, positions, line_kwargs, along_x=True)
        ax.set_xticks(positions, [str(size) for size in self.sizes])
        ax.set(xlabel="Units of the code", ylabel="Explained variance of rows held out")
        ax.grid(axis="y", alpha=0.25)
        return ax

    def _draw_ranks(self, ax, line_kwargs):
        """Sort the features: each line by its own shares."""
        ax = axes_or_new(ax, self, (6, 4))
        self._draw(ax, None, {"marker": "", **(line_kwargs or {})}, along_x=True)
        n_features = int((~np.isnan(self.explained)).sum())
        ax.set(
            xlabel=f"{n_features} features, from the best explained", ylabel="Explained variance"
        )
        ax.grid(axis="y", alpha=0.25)
        return ax

    def _draw_features(self, ax, line_kwargs):
        n_features = len(self.explained)
        ax = axes_or_new(ax, self, (6, max(0.2 * n_features, 1.5) + 1))
        positions = np.arange(n_features)
        names = self.feature_names
        names = [f"x{number}" for number in positions] if names is None else names
        self._draw(ax, positions, {"linestyle": "", **(line_kwargs or {})}, along_x=False)
        if self.pca_explained is not None:
            ends = np.clip([self.pca_explained, self.explained], LOWEST, None)
            ax.hlines(positions, *ends, color=NEUTRAL, linewidth=1, zorder=1)
        ax.set_yticks(positions, names)
        ax.set_ylim(n_features - 0.5, -0.5)
        ax.set(xlabel="Explained variance")
        ax.grid(axis="x", alpha=0.25)
        return ax

    def _draw(self, ax, positions, line_kwargs, *, along_x):
        """Draw both lines, PCA's in grey below."""
        name = self.estimator_name or "autoencoder"
        style = {"color": COLORS[0], "marker": "o", "linewidth": 1.8, **(line_kwargs or {})}
        other = {
            "color": NEUTRAL,
            "linestyle": style.get("linestyle", "--"),
            "marker": style["marker"] and "D",
        }
        self.pca_line_ = None
        if self.pca_explained is not None:
            self.pca_line_ = _line(
                ax, positions, self.pca_explained, {"label": self.pca_name, **other}, along_x
            )
        self.line_ = _line(ax, positions, self.explained, {"label": name, **style}, along_x)


def _line(ax, positions, shares, style, along_x):
    """Draw shares, those too low at the edge; without positions, in descending order."""
    n_below = int((shares < LOWEST).sum())
    if n_below:
        style = {**style, "label": f"{style['label']} ({n_below} below {LOWEST:g})"}
    shares = np.clip(shares, LOWEST, None)
    if positions is None:
        shares = -np.sort(-shares[~np.isnan(shares)])
        positions = np.arange(1, len(shares) + 1)
    pair = (positions, shares) if along_x else (shares, positions)
    return ax.plot(*pair, **style)[0]


def _explained_by_pca(train, test, n_components, *, of_each=True):
    """Share that PCA explains of each feature or of all; None where it is not defined."""
    from sklearn.decomposition import PCA

    if n_components > min(train.shape) or np.isnan(train).any() or np.isnan(test).any():
        return None
    # Its own centring is that of the training rows, as in `explained_variance`.
    pca = PCA(n_components, svd_solver="full").fit(train)
    error = np.square(test - pca.inverse_transform(pca.transform(test))).sum(axis=0)
    variance = np.square(test - pca.mean_).sum(axis=0)
    if not of_each:
        error, variance = error.sum(), variance.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, 1 - error / variance, 1.0)


def _size_parameter(estimator):
    """Name of the parameter that is the size of the code."""
    if isinstance(estimator, BaseAutoencoder):
        return "n_components"
    for name, value in estimator.get_params(deep=True).items():
        if isinstance(value, BaseAutoencoder):
            return f"{name}__n_components"
    raise ValueError(f"estimator must be an autoencoder or hold one, got {estimator!r}.")
