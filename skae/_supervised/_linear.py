"""The linear model on code and X with which fine-tuning starts, chosen by rows held out."""

from dataclasses import dataclass

import numpy as np

FINE_SHRINKAGES = tuple((10.0 ** np.arange(1.5, -4.1, -0.25)).tolist())
"""Weights of half the squared coefficients, where the loss of rows left out has a closed form."""


@dataclass(frozen=True)
class View:
    """What of code and X a linear model sees, and on which scale.

    Parameters
    ----------
    centre, gain : ndarray of shape (n_seen,)
        Code and X, side by side, lose the centre and are multiplied by the gain, which is zero for
        what the model does not see.
    """

    centre: np.ndarray
    gain: np.ndarray

    def of(self, seen):
        """Code and X on that scale."""
        return (seen - self.centre) * self.gain


def views(seen, weight, n_units):
    """The views that are tried: both, X alone and the code alone, each on two scales.

    Either each feature has a deviation of one, or those of the code together, and those of X
    together, have one on average: pixels that hardly vary say little, but columns of a table may be
    in any units.

    Parameters
    ----------
    seen : ndarray of shape (n_rows, n_seen)
        Codes and rows of X, side by side.
    weight : ndarray of shape (n_rows,)
    n_units : int
        Width of the code.
    """
    mean = np.average(seen, axis=0, weights=weight)
    variance = np.average(np.square(seen - mean), axis=0, weights=weight)
    is_code = np.arange(len(mean)) < n_units
    # Single precision rounds a constant to something that seems to vary.
    varies = variance > np.square(np.finfo(np.float32).eps * np.abs(mean))
    own = np.where(varies, variance, np.inf)
    common = np.where(is_code, variance[is_code].mean(), variance[~is_code].mean())
    common = np.where(varies, common, np.inf)
    every, none = np.ones_like(is_code), np.zeros_like(is_code)
    for excluded in (none, is_code, ~is_code):
        for scale in (own, common):
            yield View(mean, np.where(every & ~excluded, 1 / np.sqrt(scale), 0.0))


def held_out_outputs(task, features, target, weight, fold, shrinkage):
    """What linear models of the other rows give for rows that folds hold out; NaN for others."""
    outputs = np.full(target.shape, np.nan)
    for number in range(fold.max() + 1):
        out = fold == number
        coef, intercept = task.linear(features[~out], target[~out], weight[~out], shrinkage)
        outputs[out] = features[out] @ coef + intercept
    return outputs


def held_out_loss(task, features, target, weight, fold, shrinkage):
    """Mean loss of the rows that folds hold out."""
    out = fold >= 0
    outputs = held_out_outputs(task, features, target, weight, fold, shrinkage)
    return np.average(task.losses(outputs[out], target[out]), weights=weight[out])


def chosen(task, seen, target, weight, fold, candidates):
    """The view and the shrinkage of the least loss on rows held out.

    Parameters
    ----------
    task : Classification or Regression
    seen, target : ndarray of shape (n_rows, ...)
    weight : ndarray of shape (n_rows,)
    fold : ndarray of int, shape (n_rows,)
        Which fold holds a row out; -1 for none.
    candidates : list of View

    Returns
    -------
    view : View
    shrinkage : float
    """
    shrinkages = task.shrinkages(target)
    usual = shrinkages[1]
    if fold.max() < 0:
        return candidates[0], usual

    def loss(view, shrinkage):
        return held_out_loss(task, view.of(seen), target, weight, fold, shrinkage)

    view = min(candidates, key=lambda view: loss(view, usual))
    return view, min(shrinkages, key=lambda shrinkage: loss(view, shrinkage))


def ridge_of_features(task, seen, target, weight, candidates):
    """The view of X alone, and the shrinkage of the least loss where each row is left out in turn.

    As `sklearn.linear_model.RidgeCV` of standardised features. Choosing among all views in this way
    was worse by far on 50 rows of 30 features.

    Parameters
    ----------
    task : Regression
    seen, target : ndarray of shape (n_rows, ...)
    weight : ndarray of shape (n_rows,)
    candidates : list of View

    Returns
    -------
    view : View
    shrinkage : float
    """
    view = candidates[2]
    losses = task.left_out_losses(view.of(seen), target, weight, FINE_SHRINKAGES)
    return view, FINE_SHRINKAGES[np.argmin(losses @ weight)]


def sure_share(target, one, other, weight):
    """Share of one prediction beside another that is sure to be right, in the range [0, 1].

    The share of least squares minus twice its standard error: where few rows decide, chance would
    give shares that lose more than they gain. Of 50 rows one error was too little, because they
    have also chosen the network's epochs and noise.

    Parameters
    ----------
    target, one, other : ndarray of shape (n_rows, n_targets)
        Predictions of rows that neither has seen.
    weight : ndarray of shape (n_rows,)
    """
    step, error = one - other, target - other
    n_rows, share_of = weight.sum() ** 2 / np.square(weight).sum(), weight / weight.sum()
    size = share_of @ np.square(step).mean(axis=1)
    if size == 0:
        return 1.0
    share = share_of @ (step * error).mean(axis=1) / size
    rest = share_of @ np.square(error - share * step).mean(axis=1)
    return float(np.clip(share - 2 * np.sqrt(rest / size / n_rows), 0.0, 1.0))


def folds(strata, n_folds, share, seed):
    """Which fold holds each row out: those of each stratum in turn, but a single one stays in.

    Parameters
    ----------
    strata : ndarray of int, shape (n_rows,)
    n_folds : int
        As many of the folds are used; the rows of the others are never held out.
    share : int
        Number of folds.
    seed : int

    Returns
    -------
    fold : ndarray of int, shape (n_rows,)
        -1 for a row that none holds out.
    """
    fold = np.full(len(strata), -1)
    order = np.random.default_rng([seed, 2**32 - 2]).permutation(len(strata))
    place = 0
    for stratum in np.unique(strata):
        rows = order[strata[order] == stratum]
        if len(rows) > 1:
            fold[rows] = (place + np.arange(len(rows))) % share
            place += len(rows)
    fold[fold >= n_folds] = -1
    return fold
