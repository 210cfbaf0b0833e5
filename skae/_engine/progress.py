"""What a training has reached, as plain values: enough to go on to the same bits."""

from dataclasses import dataclass
from itertools import zip_longest


@dataclass(frozen=True)
class Progress:
    """A training between two passes over its data.

    Random keys and the order of the rows are not part of it: they follow from the seed and the
    number of the epoch.

    Parameters
    ----------
    weights : tuple of two lists of ndarray
        Those that are trained, and fixed ones.
    slots : list of ndarray
        The solver's own state.
    best_weights : tuple of two lists of ndarray, or None
        Those of the lowest validation loss.
    n_epochs : int
        Epochs trained, those of earlier trainings included.
    history : dict of str to list of float
    rates : tuple (float, int)
        Step size before the schedule, and number of epochs of this training.
    rule : tuple (float, int)
        Lowest loss of the stopping rule, and number of epochs without change.
    n_passes : int
        Passes over a block in the epoch that is under way.
    losses : tuple (float, int)
        Sum of their losses, and number of their rows.
    ended : bool
        Whether nothing is left to do.
    """

    weights: tuple
    slots: list
    best_weights: tuple | None
    n_epochs: int
    history: dict
    rates: tuple
    rule: tuple
    n_passes: int
    losses: tuple
    ended: bool


def check_fits(progress, state, history):
    """Refuse the progress of another network, solver or kind of validation.

    Parameters
    ----------
    progress : Progress
    state : tuple ((trainable, fixed), slots)
        That of the training before its first epoch.
    history : dict of str to list

    Raises
    ------
    ValueError
        If arrays or curves are not those of this training.
    """
    (trainable, fixed), slots = state
    best = progress.best_weights or progress.weights
    pairs = {
        "trained weights": (trainable, progress.weights[0]),
        "fixed weights": (fixed, progress.weights[1]),
        "solver's state": (slots, progress.slots),
        "best trained weights": (trainable, best[0]),
        "best fixed weights": (fixed, best[1]),
    }
    for name, (arrays, others) in pairs.items():
        for array, other in zip_longest(arrays, others):
            if _form(array) != _form(other):
                raise ValueError(
                    f"of its {name}, an array is {_form(other)}, where this network and solver have"
                    f" {_form(array)}"
                )
    if set(progress.history) != set(history):
        raise ValueError(f"its curves are {sorted(progress.history)}, not {sorted(history)}")


def _form(array):
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"
