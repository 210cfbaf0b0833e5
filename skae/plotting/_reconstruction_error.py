"""How reconstruction errors, or outlier scores, are distributed."""

import numpy as np

from ..outliers import AutoencoderOutlierDetector
from ._estimators import final_estimator, located
from ._groups import MISSING_COLOR, checked_y, class_colors, classes_of, find_missing
from ._matplotlib import NEUTRAL, axes_or_new, remove_spines

MOST_GROUPS = 10
"""Groups whose histograms can still be told apart."""

FAR = 30.0
"""Largest error, in medians, from which the axis is no longer linear: one far row would leave all
others in a single bin. Where errors may be negative, in deviations of the lower half."""

MOST_FILLED = 3
"""Groups up to which the histograms are filled; more would hide each other."""

N_TICKS = 6
"""Ticks of an axis that is logarithmic at both ends."""

MOST_BINS = 200
"""Bins that a far row may take."""

STYLES = ("-", "--", "-.", ":")
"""Lines of the groups, which are told apart without colours by them."""


class ReconstructionErrorDisplay:
    """Histograms of the reconstruction error, by group, with a threshold.

    Create one with `from_estimator` or `from_predictions`. The parameters are stored as
    attributes.

    Parameters
    ----------
    error : ndarray of shape (n_samples,)
        Error, or another score that is higher for odd rows, of each row.
    y : ndarray of shape (n_samples,), default=None
        Group of each row. Missing values (None, NaN, NaT or pandas.NA) are a group of their own.
    threshold : float, default=None
        Drawn as a line, with the share of each group beyond it.
    estimator_name : str, default=None
        Name for the title. None leaves the title out.
    error_name : str, default="Reconstruction error"
        Name of the horizontal axis.

    Attributes
    ----------
    histograms_ : list of matplotlib StepPatch
        Share of the group's rows in each bin, by group.
    threshold_line_ : matplotlib Line2D or None
        The threshold.
    legend_ : matplotlib Legend or None
        Legend of groups and threshold.
    ax_ : matplotlib Axes
        Axes of the histograms.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    skae.AutoencoderOutlierDetector : Scores that are better than the error alone.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skae import AutoencoderOutlierDetector
    >>> from skae.plotting import ReconstructionErrorDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> detector = AutoencoderOutlierDetector(random_state=0).fit(X[y == 1])
    >>> display = ReconstructionErrorDisplay.from_estimator(detector, X, y)
    >>> len(display.histograms_), bool(display.threshold == -detector.offset_)
    (2, True)
    """

    def __init__(
        self,
        *,
        error,
        y=None,
        threshold=None,
        estimator_name=None,
        error_name="Reconstruction error",
    ):
        self.error = error
        self.y = y
        self.threshold = threshold
        self.estimator_name = estimator_name
        self.error_name = error_name

    @classmethod
    def from_estimator(
        cls, estimator, X, y=None, *, threshold=None, log_scale="auto", ax=None, line_kwargs=None
    ):
        """Compute the error of each row and draw its distribution.

        Parameters
        ----------
        estimator : object
            Fitted autoencoder, or a pipeline or search with one in it; or an
            `AutoencoderOutlierDetector`, or a pipeline that ends in one, of which minus
            `score_samples` is drawn, and minus `offset_` is the threshold.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data. Of a pipeline, what its first step is given.
        y : array-like of shape (n_samples,), default=None
            Groups of the rows, 10 at most.
        threshold : float, default=None
            Drawn as a line. None draws none but that of a detector.
        log_scale : bool or "auto", default="auto"
            Whether the axis of the error is logarithmic, and linear near zero if there are errors
            that are not positive. "auto" takes such an axis if the largest error is far away: over
            30 times the median.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.stairs`.

        Returns
        -------
        display : ReconstructionErrorDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no autoencoder in it, no error is finite, or y does not fit X or has more
            than 10 groups.
        ImportError
            If matplotlib is not installed.
        """
        inner, last = located(estimator), final_estimator(estimator)
        error_name = "Reconstruction error"
        if isinstance(last, AutoencoderOutlierDetector):
            error, error_name = -estimator.score_samples(X), "Outlier score"
            threshold = -last.offset_ if threshold is None else threshold
        else:
            last = inner.autoencoder
            error = last.reconstruction_error(inner.features(X))
        return cls.from_predictions(
            error,
            y,
            threshold=threshold,
            log_scale=log_scale,
            estimator_name=type(last).__name__,
            error_name=error_name,
            ax=ax,
            line_kwargs=line_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        error,
        y=None,
        *,
        threshold=None,
        log_scale="auto",
        estimator_name=None,
        error_name="Reconstruction error",
        ax=None,
        line_kwargs=None,
    ):
        """Draw the distribution of errors.

        Parameters
        ----------
        error : array-like of shape (n_samples,)
            Error of each row.
        y : array-like of shape (n_samples,), default=None
            Groups of the rows, 10 at most.
        threshold : float, default=None
            Drawn as a line.
        log_scale : bool or "auto", default="auto"
            Whether the axis of the error is logarithmic, and linear near zero if there are errors
            that are not positive. "auto" takes such an axis if the largest error is far away: over
            30 times the median.
        estimator_name : str, default=None
            Name for the title. None leaves the title out.
        error_name : str, default="Reconstruction error"
            Name of the horizontal axis.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.stairs`.

        Returns
        -------
        display : ReconstructionErrorDisplay

        Raises
        ------
        ValueError
            If no error is finite, or y does not fit them or has more than 10 groups.
        ImportError
            If matplotlib is not installed.
        """
        error = np.asarray(error, dtype=float)
        if error.ndim != 1:
            raise ValueError(f"error must be one number a row, got an array of {error.shape}.")
        display = cls(
            error=error,
            y=checked_y(y, len(error), "the rows"),
            threshold=threshold,
            estimator_name=estimator_name,
            error_name=error_name,
        )
        return display.plot(ax, log_scale=log_scale, line_kwargs=line_kwargs)

    def plot(self, ax=None, *, log_scale="auto", line_kwargs=None):
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        log_scale : bool or "auto", default="auto"
            Whether the axis of the error is logarithmic, as in `from_predictions`.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.stairs`.

        Returns
        -------
        display : ReconstructionErrorDisplay
            The display itself.

        Raises
        ------
        ValueError
            If no error is finite, or the threshold is not, or there are more than 10 groups.
        ImportError
            If matplotlib is not installed.
        """
        finite = np.isfinite(self.error)
        if not finite.any():
            raise ValueError("error must have a finite value, but all are infinite or NaN.")
        groups = _groups(self.y, len(self.error))
        values = self.error[finite]
        if self.threshold is not None:
            if not np.isfinite(self.threshold):
                raise ValueError(f"threshold must be a finite number, got {self.threshold!r}.")
            values = np.append(values, self.threshold)
        scale, options = _scale(values, log_scale)
        edges = _edges(values, scale, **options)
        ax = axes_or_new(ax, self, (6, 4))
        self.histograms_ = []
        for number, (name, color, rows) in enumerate(groups):
            counts, _ = np.histogram(self.error[rows & finite], edges)
            style = {"color": color, "linewidth": 1.8, "linestyle": STYLES[number % len(STYLES)]}
            style |= {"label": self._label(name, rows, finite), **(line_kwargs or {})}
            self.histograms_.append(ax.stairs(counts / rows.sum(), edges, **style))
            if len(groups) <= MOST_FILLED:
                ax.stairs(counts / rows.sum(), edges, fill=True, color=color, alpha=0.15)
        self.threshold_line_ = None
        if self.threshold is not None:
            label = f"threshold {self.threshold:.3g}"
            self.threshold_line_ = ax.axvline(
                self.threshold, color=NEUTRAL, linewidth=1.5, linestyle=(0, (5, 2)), label=label
            )
        ax.set_xscale(scale, **options)
        if scale == "asinh":  # whose own ticks overlap where the linear part is wide
            ax.set_xticks(_round(edges[:: len(edges) // N_TICKS]), minor=False)
            ax.xaxis.set_major_formatter("{x:g}")
            ax.set_xticks([], minor=True)
        ax.set_xlabel(self.error_name)
        ax.set_ylim(0, None)
        ax.set_ylabel("Share of the rows" if len(groups) == 1 else "Share of the group's rows")
        ax.set_title(self.estimator_name or "")
        remove_spines(ax, ["right", "top"])
        self.legend_ = None
        if len(groups) > 1 or self.threshold is not None or not finite.all():
            self.legend_ = ax.legend(frameon=False, fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _label(self, name, rows, finite):
        """Name of a group, with what the picture alone does not tell."""
        notes = []
        if self.threshold is not None:
            beyond = (self.error[rows] > self.threshold).mean()
            notes.append(f"{beyond:.1%} beyond")
        if left_out := int((rows & ~finite).sum()):
            notes.append(f"{left_out} infinite or NaN, not drawn")
        return f"{name} ({', '.join(notes)})" if notes else str(name)


def _groups(y, n_rows):
    """Name, colour and rows of each group; missing values last."""
    missing, y = find_missing(y, n_rows)
    if y is None:
        return [("all rows", class_colors(1)[0], ~missing)]
    classes = classes_of(y[~missing])
    n_groups = len(set(y[~missing])) if classes is None else len(classes)
    if classes is None or n_groups > MOST_GROUPS:
        raise ValueError(
            f"y has {n_groups} different values, of which histograms of at most {MOST_GROUPS} "
            "groups can be told apart. Draw some of them, or bin y."
        )
    y = np.where(missing, None, y)  # pandas.NA is neither equal nor unequal to anything
    groups = [
        (name, color, y == name)
        for name, color in zip(classes, class_colors(len(classes)), strict=True)
    ]
    return groups + ([("missing", MISSING_COLOR, missing)] if missing.any() else [])


def _scale(values, log_scale):
    """Name and options of the axis's scale."""
    low, middle = np.quantile(values, (0.05, 0.5))
    is_positive = values.min() > 0
    deviation = max(middle - low, 1e-6 * np.abs(values).max())
    if log_scale == "auto":
        log_scale = values.max() > (FAR * middle if is_positive else middle + FAR * deviation)
    if not log_scale or not deviation:
        return "linear", {}
    return ("log", {}) if is_positive else ("asinh", {"linear_width": deviation})


def _round(values):
    """Values to one significant digit, without repetitions."""
    return sorted({float(f"{value:.1g}") for value in values})


def _edges(values, scale, linear_width=1.0):
    """Ends of the bins, evenly spaced on the axis, from the lowest to the highest value."""
    to_axis, from_axis = {
        "linear": (np.asarray, np.asarray),
        "log": (np.log, np.exp),
        "asinh": (lambda x: np.arcsinh(x / linear_width), lambda x: linear_width * np.sinh(x)),
    }[scale]
    values = to_axis(values)
    low, high = values.min(), values.max()
    # The rule of Freedman and Diaconis: by quartiles, which a far row does not move.
    width = 2 * np.subtract(*np.quantile(values, (0.75, 0.25))) / np.cbrt(len(values))
    n_bins = int(np.clip((high - low) / width, 10, MOST_BINS)) if width > 0 else MOST_BINS // 4
    if high - low <= 1e-12 * max(abs(low), abs(high)):  # one value
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    # Without a margin, rounding could leave the extreme errors outside of the bins.
    margin = 1e-9 * (high - low)
    return from_axis(np.linspace(low - margin, high + margin, n_bins + 1))
