"""``alpha="auto"``: how strongly the hidden layers beside a linear path are shrunk."""

SHRINKAGE = 4000.0
"""Weight of the penalty beside PCA, of one row, as a share of what PCA leaves."""

DRAWN_SHRINKAGE = 1e4
"""The same beside factor analysis, for each feature, where the loss is in nats."""

TRIED_VALUES = 2**18
"""Most values of data of which anything is tried on rows held out."""

HELD_OUT = 0.15
"""Share of the rows that a trial holds out."""

ENOUGH_HELD_OUT = 200
"""Rows held out, in all trials, from which there is no other trial."""

MOST_TRIALS = 5
"""Most splits on trial, each with two trainings."""

FEWEST_EPOCHS, MOST_TRIAL_EPOCHS = 10, 100
"""Epochs of a fit from which there are trials, and most epochs of a training on trial."""

N_DRAWS = 8
"""Codes that are drawn for each row held out."""


def shrinkage_beside_pca(model, n_rows):
    """The weight of a prior against `n_rows` rows, beside a `LinearModel`."""
    return float(SHRINKAGE * model.unexplained / n_rows)


def shrinkage_beside_factors(data, seed, held_out_loss, *, on_trial):
    """The weight beside factor analysis, or none if rows that are held out are more likely so.

    Parameters
    ----------
    data : TrainingSet
    seed : int
    held_out_loss : callable
        Of data that hold rows out, and a weight: trains with it, and gives the loss of those rows.
    on_trial : bool
        Whether to try. If not, there is no shrinkage: held-out rows choose the epoch, or too few
        epochs are trained to learn noise.
    """
    if not on_trial:
        return 0.0
    n_rows, n_features = data.n_rows, data.X.n_features
    shrinkage = DRAWN_SHRINKAGE * n_features / n_rows
    n_held_out = round(HELD_OUT * n_rows)
    if not n_held_out or n_rows * n_features > TRIED_VALUES:
        return shrinkage
    gain = 0.0
    for trial in range(min(MOST_TRIALS, -(-ENOUGH_HELD_OUT // n_held_out))):
        split = data.split(HELD_OUT, seed + trial)
        weak, strong = (held_out_loss(split, weight) for weight in (0.0, shrinkage))
        gain += strong - weak
    return 0.0 if gain > 0 else shrinkage
