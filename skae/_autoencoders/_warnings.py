"""What a fit warns of: results that are valid, but probably not what was wanted."""

import sys
import warnings

import numpy as np

from .._data.rows import Rows
from .._data.statistics import BLOCK_ROWS, blocks, far_values, summarise, weighted_median
from ..exceptions import (
    DominatingColumnWarning,
    DominatingRowsWarning,
    NoiseLevelWarning,
    SilentUnitsWarning,
    StillImprovingWarning,
    WorseThanPCAWarning,
)
from ._inside import is_silenced, said

SILENT = 0.01
"""Variance of a unit's posterior mean over rows below which it is silent; the prior's is 1."""

FAST = 0.2
"""Fall of a loss over the second half of the epochs from which more of them are worth a try, as a
share of what is left. Where it fell by more, twice the epochs brought it to 0.56 to 0.78, else to
0.73 to 1.00; see ``docs/benchmarks/epochs.py``."""

FAR = 3.0
"""Distance from the training rows, in their standard deviations, from which companions are far."""

NOISE = 0.01, 5.0
"""Levels of normal noise that are usual, in standard deviations of the rows. Images of digits are
still recognised at four."""

FEW_ROWS, MOST_OF_VARIANCE, FEWEST_ROWS = 0.01, 0.5, 20
"""A share of the rows, and one of the variance, from which these rows dominate; and rows of X below
which any may. Of 20 tables three are so as they come: page blocks, mails and shuttle flights."""

HIDDEN = 0.05
"""Deviation without those rows, as a share of that of all, below which a feature's values hardly
differ beside theirs. Of the features of 20 tables two are so: one of mails, one of flights."""

FARTHEST = 15.0
"""Squared distance of the farthest value from the mean, in variances, from which a column is looked
at: that of one value of 20, or of 1 %, that hides the others is at least 19."""

MOST_LOOKED_AT = 2**24
"""Most values that are looked at for that."""

FEWEST_LEVELS = 20
"""Levels of a column up to which it is no column of ids, however few its rows."""


def warn(message, category=UserWarning):
    """Warn at the line of the user's that called skae, through whichever packages."""
    if is_silenced(category):
        return
    frame, level = sys._getframe(), 1
    while frame is not None and _is_library(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(said(message), category, stacklevel=level)


def _is_library(frame):
    return frame.f_globals.get("__name__", "").split(".")[0] in ("skae", "sklearn", "contextlib")


def warn_of_wide_code(objective, graph, n_features):
    """Warn of a code that could simply be a copy of the input."""
    n_units = graph.n_code_features
    if n_units > n_features and not objective.constrains_code:
        warn(
            f"The code has {n_units} units, more than the {n_features} features of X, and nothing "
            "else constrains it, so it may become a copy of the input. Take a smaller "
            "n_components, or a denoising, sparse, contractive or variational autoencoder."
        )


def warn_of_unweighted_penalty(penalty):
    """Warn of a penalty that was asked for, but whose weight is 0 because it was not given."""
    warn(
        f"weight_penalty={penalty!r} has no effect: alpha='auto' is 0 for all penalties but 'l2'. "
        "Set alpha."
    )


def warn_of_levels(contents, table, estimator):
    """Warn of columns of categories that tell rows apart, or that are numbers written as text.

    Parameters
    ----------
    contents : Contents
    table : Table
        That of them.
    estimator : BaseAutoencoder
        Whose `categorical_features` say whether the columns were asked for.
    """
    by_type = isinstance(estimator.categorical_features, str)
    ids, numbers = [], []
    for column, known, own in zip(table.columns, contents.known(), contents.columns, strict=True):
        if not hasattr(column, "levels"):
            continue
        n_levels, n_rows = len(column.all_levels), int(known.sum())
        if by_type and own.declared is None and _are_written_numbers(column.all_levels):
            numbers.append(repr(column.name))
        elif n_levels > max(FEWEST_LEVELS, n_rows / 2):
            ids.append(f"{column.name!r} ({n_levels} levels in {n_rows} rows)")
    if ids:
        warn(
            f"Columns of X have almost as many levels as rows, like ids or names: {_some(ids)}. "
            "Little can be learned of levels that hardly come back. Leave such columns out, join "
            "their levels into groups, or give text as numbers, for instance by TfidfVectorizer."
        )
    if numbers:
        warn(
            f"Columns of X hold numbers as text, which are taken for categories: {_some(numbers)}. "
            "Make numbers of them, for instance by pandas.to_numeric, or give them a categorical "
            "type if each is a category of its own."
        )


def _are_written_numbers(levels):
    """Whether levels are text of numbers, some with a fraction, and no codes of digits alone."""
    try:
        numbers = [float(level) for level in levels if isinstance(level, str)]
    except ValueError:
        return False
    return len(numbers) == len(levels) and not all(number.is_integer() for number in numbers)


def warn_of_dominating_column(variance, unseen, names):
    """Warn of a column beside which single precision does not see others.

    Parameters
    ----------
    variance : ndarray of shape (n_features,)
    unseen : ndarray of int
        Numbers of the columns that are not seen.
    names : sequence
        Of all columns.
    """
    warn(
        f"Column {names[np.nanargmax(variance)]!r} varies over 1e5 times as much as {len(unseen)} "
        f"others ({_some([repr(names[number]) for number in unseen])}), of which nothing is "
        "learned beside it: what the network gives is PCA. Standardise X (StandardScaler), or give "
        "column_weights, so that columns count alike; or, if a few rows are wrong, leave them out "
        "(trim_fraction).",
        DominatingColumnWarning,
    )


def warn_of_dominating_rows(data, scale):
    """Warn of rows so far from all others that squared errors are all but theirs.

    Parameters
    ----------
    data : TrainingSet
    scale : float or ndarray of shape (n_features,)

    Returns
    -------
    warned : bool
    """
    rows = data.sample(BLOCK_ROWS)
    mean = rows.target_summary.mean
    squares = [
        np.square(np.nan_to_num(part - mean) / scale, dtype=np.float64).sum(axis=1)
        for _, part in blocks(rows.target)
    ]
    distance = np.concatenate(squares)
    order = np.argsort(-distance)
    distance, weight = distance[order], rows.weight[order]
    few = max(FEW_ROWS, 1 / rows.n_rows) * weight.sum()
    taken = np.clip(few - (np.cumsum(weight) - weight), 0, weight)
    share = (taken @ distance) / ((weight @ distance) or 1.0)
    dominate = rows.n_rows >= FEWEST_ROWS and share > MOST_OF_VARIANCE
    if dominate:
        warn(
            f"The {few / weight.sum():.0%} of the rows that are farthest from the mean hold "
            f"{share:.0%} of the variance of X, so the squared error is mostly theirs, and rows "
            "like them may come back badly. If they are wrong, leave them out (trim_fraction, or "
            "by hand). If they belong, transform columns with heavy tails, for instance by "
            "logarithms or PowerTransformer.",
            DominatingRowsWarning,
        )
    return dominate


def warn_of_dominating_values(data, names):
    """Warn of features whose deviation is that of a few values, beside which others hardly differ.

    Parameters
    ----------
    data : TrainingSet
    names : sequence
        Of the features; None for one of which nothing is said.
    """
    data = data.sample(min(BLOCK_ROWS, MOST_LOOKED_AT // data.X.n_features))
    if data.n_rows < FEWEST_ROWS:
        return
    summary = data.target_summary
    farthest = np.maximum(summary.high - summary.mean, summary.mean - summary.low)
    numbers = [
        number
        for number in np.flatnonzero(np.square(farthest) > FARTHEST * summary.variance)
        if names[number] is not None
    ]
    if not numbers:
        return
    rows = np.concatenate([part[:, numbers] for _, part in blocks(data.target)])
    few = max(FEW_ROWS, data.weight.max() / data.weight.sum())
    shares = [share_without_far_values(column, data.weight, few) for column in rows.T]
    own_shares = zip(numbers, shares, strict=True)
    hidden = [f"{names[number]!r} ({own:.1%})" for number, own in own_shares if own < HIDDEN]
    if hidden:
        warn(
            f"Without a few values that are far from all others, at most {few:.0%}, some columns "
            "have only a small share of their standard deviation: "
            f"{_some(hidden)}. Beside those values the others hardly differ, so little is learned "
            "of them. If they are wrong, make them missing or leave out the rows (trim_fraction, "
            "or by hand). If they belong, transform the columns, for instance by logarithms or "
            "PowerTransformer.",
            DominatingRowsWarning,
        )


def share_without_far_values(values, weight, few):
    """The standard deviation of a column without a few far values, as a share of that of all.

    If no more than a few of the other values differ, such as those of a pixel at an image's edge,
    these values hide nothing, and the share is 1.
    """
    is_far = far_values(values, weight, few)
    if not is_far.any():
        return 1.0
    weight = np.where(np.isnan(values), 0.0, weight)
    others = weight * ~is_far
    differ = values != weighted_median(values, weight)
    if others @ differ <= few * weight.sum():
        return 1.0
    variance = [summarise(Rows(values[:, None]), part).variance[0] for part in (others, weight)]
    return np.sqrt(variance[0] / variance[1])


def warn_of_noise_level(level, deviation):
    """Warn of normal noise that hides the training rows, or that nobody could see in them.

    Parameters
    ----------
    level : float
        The noise's largest standard deviation.
    deviation : float
        That of the rows, the root of the mean variance of all features.
    """
    if not deviation or NOISE[0] <= level / deviation <= NOISE[1] or not level:
        return
    what = "hides what there is to learn" if level > deviation else "is too small to matter"
    warn(
        f"The noise has a standard deviation of {level:.3g}, but X one of {deviation:.3g}, so that "
        f"the noise {what}. Its level is in the units of X: take a corruption_level of about "
        f"{0.3 * deviation:.2g}, or standardise X.",
        NoiseLevelWarning,
    )


def warn_of_bounded_output(low, high, name):
    """Warn of data that a logistic output cannot reach."""
    warn(
        f"The data of {name} range from {low:.6g} to {high:.6g}, but output_activation='logistic' "
        "reconstructs nothing beyond [0, 1]. Take output_activation='auto'."
    )


def warn_of_far_rows(rows, name, data):
    """Warn of companions of X that lie far outside the training rows, as if scaled otherwise.

    Far is a root mean square distance from the training mean of more than `FAR` training standard
    deviations, in at least half of the features that vary.
    """
    sample, own = summarise(_sample(data.X)), summarise(_sample(rows))
    distance = own.variance + np.square(own.mean - sample.mean)
    variance = sample.variance
    varying = variance > 0
    if varying.any() and np.median(np.sqrt(distance[varying] / variance[varying])) > FAR:
        warn(
            f"{name} lies far outside the training rows, as if it were not scaled like them. In a "
            f'Pipeline, scale it by Pipeline(..., transform_input=["{name}"]); see "Validation" '
            "in the user guide."
        )


def warn_of_share_held_out(share, asked):
    """Warn of rows of which many are copies, so that another share than asked for is held out."""
    if asked and not asked / 2 < share < 2 * asked:
        warn(
            f"early_stopping=True holds out {share:.0%} of the rows rather than "
            f"validation_fraction={asked}: many are identical, and copies are held out together. "
            "Give rows for validation as X_val."
        )


def _sample(rows):
    """Some rows, evenly spaced, enough to tell how they are scaled."""
    positions = np.linspace(0, rows.n_rows - 1, min(rows.n_rows, BLOCK_ROWS)).astype(int)
    return rows.subset(positions)


def warn_of_constant_units(network, X, code):
    """Warn of code units that do not vary over the training data, which carry nothing.

    Parameters
    ----------
    network : FittedNetwork
    X : Rows
        Of more than one row, even if all are copies of one.
    code : ndarray
        Code of the first rows.
    """
    first, varies = code[0], (code != code[0]).any(axis=0)
    for start in range(len(code), X.n_rows, BLOCK_ROWS):
        if varies.all():
            break
        part = X.subset(np.arange(start, min(start + BLOCK_ROWS, X.n_rows)))
        code = network.encode(part, np.empty((part.n_rows, len(varies)), np.float32))
        varies |= (code != first).any(axis=0)
    if not varies.all():
        constant = np.flatnonzero(~varies)
        advice = (
            "Take code_activation='identity' or another activation than 'relu', or a smaller "
            "learning_rate_init or alpha."
        )
        if not summarise(X).variance.any():
            advice = "So are all columns of X: there is nothing to learn."
        warn(
            f"{len(constant)} of {len(varies)} code units (numbers {_some(constant)}) are constant "
            f"over the training data and carry nothing. {advice}",
            SilentUnitsWarning,
        )


def warn_of_silent_units(means):
    """Warn of units whose posterior hardly depends on the row [1]_.

    Parameters
    ----------
    means : ndarray of shape (n_rows, n_components)
        Means of the posteriors of some rows.

    References
    ----------
    .. [1] Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders.
       ICLR. https://doi.org/10.48550/arXiv.1509.00519
    """
    silent = np.flatnonzero(means.var(axis=0) < SILENT)
    if len(means) > 1 and len(silent):
        warn(
            f"{len(silent)} of {means.shape[1]} code units (numbers {_some(silent)}) say nothing "
            f"of a row: the variance of their posterior's mean over rows is below {SILENT}. "
            "At this beta and noise_variance they do not pay: take a smaller n_components, or a "
            "smaller beta, or kl_warmup.",
            SilentUnitsWarning,
        )


def warn_if_still_improving(curve, left):
    """Warn of a loss that fell fast in the second half of all epochs.

    Parameters
    ----------
    curve : list of float
        The loss of each epoch.
    left : float
        What there is left of it to improve, in the same units.
    """
    fall = curve[len(curve) // 2 - 1] - curve[-1]
    if len(curve) > 1 and fall > max(FAST * left, 0):
        warn(
            f"Training ended at max_iter={len(curve)} while the loss was still falling: from "
            f"{curve[len(curve) // 2 - 1]:.4g} to {curve[-1]:.4g} in the second half of the "
            "epochs. Raise max_iter.",
            StillImprovingWarning,
        )


def warn_worse_than_pca(error, pca_error):
    """Warn of a reconstruction of the training rows that is worse than PCA's."""
    warn(
        f"The mean squared error of the reconstructed training rows is {error:.4g}, but that of "
        f"PCA with as many components is {pca_error:.4g}. Train longer (max_iter), take another "
        "learning_rate_init, more units, or init='pca' with the default architecture.",
        WorseThanPCAWarning,
    )


def _some(numbers):
    """The first numbers of a list, as text."""
    return ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")


def warn_of_interrupt(n_epochs):
    """Warn that Ctrl-C ended the training, and that the fit is one of fewer epochs."""
    warn(f"Ctrl-C ended the training after {n_epochs} epochs; what was trained is kept.")
