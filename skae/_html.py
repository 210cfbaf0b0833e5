"""What notebooks show of an estimator: links to the documentation, and what a fit has reached."""

import html
from numbers import Real

import numpy as np

from ._version import DOCUMENTATION
from .losses import SquaredError

WIDTH, HEIGHT, MARGIN = 160, 36, 3
"""Pixels of a loss curve, and of the margin around it."""

MOST_POINTS = 80
"""Points of a curve; more could not be seen."""


class HTMLReprMixin:
    """Links and fitted attributes of an estimator of skae, as scikit-learn's HTML shows them.

    scikit-learn shows a parameter's description as a tooltip where the class says by these
    attributes where its documentation is.
    """

    _doc_link_module = "skae"
    _doc_link_template = DOCUMENTATION

    def _doc_link_url_param_generator(self):
        return {"name": type(self).__name__}

    def _get_fitted_attr_html(self, doc_link=""):
        """Few attributes and short ones, below the loss curve; since scikit-learn 1.9."""
        attributes = super()._get_fitted_attr_html(doc_link)
        for name, entry in list(attributes.items()):
            if not isinstance(entry["value"], Real):  # scikit-learn cuts words after 9 letters
                del attributes[name]
        table = attributes._html_repr
        attributes._html_repr = lambda: reached(self) + table()
        return attributes


def reached(estimator):
    """The loss curve of a fitted estimator, and what it has reached in words, as HTML.

    Of one that has none, that of its autoencoder.
    """
    if not hasattr(estimator, "loss_curve_"):
        estimator = getattr(estimator, "estimator_", None)
    curve = getattr(estimator, "loss_curve_", None)
    if not curve:
        return ""
    validation = getattr(estimator, "val_loss_curve_", None)
    # The classifier records the validation loss before the first epoch, too.
    validation = validation[-len(curve) :] if validation else None
    words = f"loss {curve[0]:.4g} to {curve[-1]:.4g} in {len(curve)} epochs"
    words = words.removesuffix("s") if len(curve) == 1 else words
    pca_error = comparable_pca_error(estimator)
    if pca_error:
        words += f", {curve[-1] / pca_error:.2f} of PCA's error"
    if reason := why_ended(estimator):
        words += f"; ended: {reason}"
    words = html.escape(words)
    return (
        '<div style="padding: 0.4em 0.6em; color: inherit; font-size: 90%;">'
        f"{loss_svg(curve, validation, words)}<div>{words}</div></div>"
    )


def comparable_pca_error(estimator):
    """PCA's error where the training loss measures the same, else None.

    Not where the network reconstructs corrupted rows, or pays for its code.
    """
    if not hasattr(estimator, "pca_error_"):
        return None
    objective = estimator._objective()
    if estimator._table is not None:
        objective = objective.on_table(estimator._table)
    is_same = isinstance(objective.loss, SquaredError) and not objective.constrains_code
    return estimator.pca_error_ if is_same else None


def why_ended(estimator):
    """Why the training ended, in words; None where that is not known."""
    return {
        "max_iter": "max_iter was reached",
        "no_change": f"no better in {getattr(estimator, 'n_iter_no_change', 0)} epochs",
        "callback": "a callback stopped it",
        "interrupt": "Ctrl-C",
    }.get(getattr(estimator, "stop_reason_", None))


def loss_svg(curve, validation, title):
    """Training loss, and validation loss dashed, as a small picture in the colour of the text."""
    curves = [np.asarray(values, float) for values in (curve, validation) if values is not None]
    finite = np.concatenate(curves)
    finite = finite[np.isfinite(finite)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    lines = [
        _polyline(values, low, high, style)
        for values, style in zip(curves, ("", ' stroke-dasharray="4 2"'), strict=False)
    ]
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}" '
        f'style="color: inherit;"><title>{title}</title>{"".join(lines)}</svg>'
    )


def _polyline(values, low, high, style):
    positions = np.unique(np.linspace(0, len(values) - 1, MOST_POINTS).astype(int))
    x = MARGIN + (WIDTH - 2 * MARGIN) * positions / max(len(values) - 1, 1)
    share = (values[positions] - low) / ((high - low) or 1.0)
    y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share
    seen = np.isfinite(y)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[seen], y[seen], strict=True))
    # A round cap makes a dot of a single epoch.
    return (
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5" '
        f'stroke-linecap="round"{style}/>'
    )
