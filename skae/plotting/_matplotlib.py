"""What the Displays share: axes to draw on, colours, and estimators inside others."""

COLORS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours that colour-blind readers can tell apart (Petroff, 2021, arXiv:2107.02270)."""


def axes_or_new(ax, display, figsize):
    """Return `ax`, or the axes of a new figure where it is None.

    Raises
    ------
    ImportError
        If a figure is needed and matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__} draws with matplotlib, which is not installed: "
            "pip install skae[plot]"
        ) from error
    return plt.subplots(figsize=figsize, layout="constrained")[1]


def remove_spines(ax, names):
    """Hide the frame's lines of these names."""
    ax.spines[names].set_visible(False)


def final_estimator(estimator):
    """Look into a search for its best estimator, and into a pipeline for its last step."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
