"""The loss in each epoch."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._html import comparable_pca_error, why_ended
from ._estimators import final_estimator, find
from ._matplotlib import COLORS, NEUTRAL, axes_or_new, remove_spines


class LossCurveDisplay:
    """Loss in each epoch of the training of one or several estimators.

    Create one with `from_estimator` or `from_estimators`. The parameters are stored as attributes.

    Parameters
    ----------
    loss_curves : list of array-like of shape (n_epochs,)
        Training loss in each epoch, by estimator.
    val_loss_curves : list of (array-like of shape (n_epochs,) or None), default=None
        Validation loss after each epoch, by estimator.
    names : list of str, default=None
        Names of the estimators. None calls the curves "training" and "validation", which suits a
        single estimator.
    pca_error : float, default=None
        Squared error that PCA leaves, as a level to compare with.
    stop_reason : str, default=None
        Why the training ended, written below the axis of epochs.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        Curves of the training loss, by estimator.
    val_lines_ : list of (matplotlib Line2D or None)
        Curves of the validation loss, by estimator.
    best_points_ : list of (matplotlib Line2D or None)
        Lowest loss of each estimator, on the validation rows where there are any.
    pca_line_ : matplotlib Line2D or None
        Level of PCA's error.
    ax_ : matplotlib Axes
        Axes of the curves.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    ReconstructionDisplay : Originals over reconstructions.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer
    >>> from skae.plotting import LossCurveDisplay
    >>> X = load_digits().data / 16
    >>> autoencoder = AutoencoderTransformer(8, max_iter=5, random_state=0)
    >>> autoencoder = autoencoder.fit(X[:1500], X_val=X[1500:])
    >>> display = LossCurveDisplay.from_estimator(autoencoder)
    >>> [line.get_label() for line in display.ax_.lines]
    ['training', 'validation', 'best epoch: 5', 'PCA']
    """

    def __init__(
        self, *, loss_curves, val_loss_curves=None, names=None, pca_error=None, stop_reason=None
    ):
        self.loss_curves = loss_curves
        self.val_loss_curves = val_loss_curves
        self.names = names
        self.pca_error = pca_error
        self.stop_reason = stop_reason

    @classmethod
    def from_estimator(
        cls, estimator, X=None, *, name=None, log_scale=False, ax=None, line_kwargs=None
    ):
        """Draw the loss curve of one fitted estimator, its best epoch, and why it ended.

        Beside it, where the loss is a mean squared error, the level of PCA with as many components.

        Parameters
        ----------
        estimator : object
            Fitted estimator with `loss_curve_`; or a pipeline or search that ends in one, or has
            an autoencoder among its steps.
        X : Ignored
            Present for the convention; the curve was recorded during fit.
        name : str, default=None
            Name of the estimator. None calls the curves "training" and "validation".
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If it has no loss curve.
        ImportError
            If matplotlib is not installed.
        """
        estimator = _with_curve(estimator)
        train, validation = _curves(estimator)
        names = None if name is None else [name]
        display = cls(
            loss_curves=[train],
            val_loss_curves=[validation],
            names=names,
            pca_error=comparable_pca_error(estimator),
            stop_reason=why_ended(estimator),
        )
        return display.plot(ax, log_scale=log_scale, line_kwargs=line_kwargs)

    @classmethod
    def from_estimators(cls, estimators, *, log_scale=False, ax=None, line_kwargs=None):
        """Draw the loss curves of several fitted estimators.

        Parameters
        ----------
        estimators : dict of str to object, or list of object
            Fitted estimators with `loss_curve_`, by name. Those of a list are named by class.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If an estimator is not fitted.
        ValueError
            If one has no loss curve.
        ImportError
            If matplotlib is not installed.
        """
        if isinstance(estimators, Mapping):
            names, estimators = list(estimators), list(estimators.values())
        else:
            names = [type(_with_curve(estimator)).__name__ for estimator in estimators]
        estimators = list(map(_with_curve, estimators))
        curves = [_curves(estimator) for estimator in estimators]
        display = cls(
            loss_curves=[train for train, _ in curves],
            val_loss_curves=[validation for _, validation in curves],
            names=names,
        )
        return display.plot(ax, log_scale=log_scale, line_kwargs=line_kwargs)

    def plot(self, ax=None, *, log_scale=False, line_kwargs=None):
        """Draw the curves: training loss solid, validation loss dashed, a dot at the lowest.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        line_kwargs : dict, default=None
            Arguments for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes_or_new(ax, self, (6, 4))
        validation = self.val_loss_curves or [None] * len(self.loss_curves)
        self.lines_, self.val_lines_, self.best_points_ = [], [], []
        for i, (curve, val_curve) in enumerate(zip(self.loss_curves, validation, strict=True)):
            labels = ("training", "validation")
            if self.names is not None:
                labels = (self.names[i], f"{self.names[i]} (validation)")
            style = {"color": COLORS[i % len(COLORS)], "linewidth": 1.8, **(line_kwargs or {})}
            self.lines_.append(_draw(ax, curve, {"label": labels[0], **style}))
            style["linestyle"] = "--"
            self.val_lines_.append(_draw(ax, val_curve, {"label": labels[1], **style}))
            self.best_points_.append(self._draw_best(ax, curve, val_curve, style["color"]))
        self.pca_line_ = None
        if self.pca_error is not None:
            style = {"color": NEUTRAL, "linewidth": 1.2, "linestyle": ":", "label": "PCA"}
            self.pca_line_ = ax.axhline(self.pca_error, **style)
        ended = f"\n(ended: {self.stop_reason})" if self.stop_reason else ""
        ax.set(xlabel=f"Epoch{ended}", ylabel="Loss", title="Loss curve")
        ax.set_yscale("log" if log_scale else "linear")
        ax.grid(axis="y", which="both" if log_scale else "major", alpha=0.25)
        ax.legend(frameon=False)
        remove_spines(ax, ["right", "top"])
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_best(self, ax, curve, val_curve, color):
        """Mark the lowest loss; in the legend only where one estimator is drawn."""
        watched = curve if val_curve is None else val_curve
        watched = np.asarray(watched, dtype=float)
        if not np.isfinite(watched).any():
            return None
        best = int(np.nanargmin(watched))
        label = f"best epoch: {best + 1}" if self.names is None else "_best epoch"
        style = {"linestyle": "", "marker": "o", "markersize": 7, "color": color, "label": label}
        return ax.plot([best + 1], watched[best : best + 1], **style)[0]


def _with_curve(estimator):
    """The estimator whose curve is drawn: the last one, else the autoencoder in it."""
    last = final_estimator(estimator)
    inner = None if hasattr(last, "loss_curve_") else find(estimator)
    return last if inner is None else inner.autoencoder


def _curves(estimator):
    check_is_fitted(estimator)
    if not hasattr(estimator, "loss_curve_"):
        raise ValueError(f"{type(estimator).__name__} has no loss_curve_ to draw.")
    validation = getattr(estimator, "val_loss_curve_", None)
    return np.asarray(estimator.loss_curve_), None if validation is None else np.asarray(validation)


def _draw(ax, curve, style):
    if curve is None:
        return None
    return ax.plot(np.arange(1, len(curve) + 1), curve, **style)[0]
