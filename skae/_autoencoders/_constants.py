"""What a network takes from the training data, in the units of X; see `FittedNetwork.constants`."""

import numpy as np

from .._data.statistics import root_mean

PILE = 0.05
"""Share of a feature's values at its lowest or highest from which that is taken for a bound."""

FEWEST = 3
"""Number of average rows that must be more than, so that each end of a continuous feature of fewer
than twenty rows is none."""


def scale(summary, data, *, by_feature):
    """Centre and scale of the numbers that the network computes on.

    Parameters
    ----------
    summary : Summary
        That of the target.
    data : TrainingSet
    by_feature : bool
        Whether each feature has a scale of its own. Where one does not vary, that of all stands in
        its place.
    """
    common = root_mean(summary.variance) or 1.0
    own = np.sqrt(summary.variance)
    scale = np.where(own > 0, own, common) if by_feature else np.asarray(common)
    centre = summary.mean
    if np.isnan(centre).any():  # of a feature that the target never knows
        centre = np.where(np.isnan(centre), data.input_summary.mean, centre)
    return {"centre": centre, "scale": scale}


def bounds(summary, is_level, n_rows):
    """Bounds of the reconstructions: where a feature's values pile up at an end of their range.

    Those of a category's levels, of which a mask tells, become probabilities, and have none. Equal
    rows that were merged count as one of `n_rows`.
    """
    piled = max(PILE, FEWEST / n_rows) * summary.weight
    return {
        "low": np.where((summary.at_low > piled) & ~is_level, summary.low, -np.inf),
        "high": np.where((summary.at_high > piled) & ~is_level, summary.high, np.inf),
    }


def moved_bounds(constants, summary):
    """The bounds of an earlier fit, if it has any, moved out to new rows."""
    if "low" not in constants:
        return {}
    low = np.fmin(constants["low"], summary.low)
    return {"low": low, "high": np.fmax(constants["high"], summary.high)}


def fill(data):
    """What missing values are replaced by: the mean of the feature.

    Raises
    ------
    ValueError
        If a feature is missing in every row.
    """
    data.check_features()
    return {"fill": data.input_summary.mean}
