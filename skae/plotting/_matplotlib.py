"""What the Displays share: axes to draw on, and colours."""

COLORS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours that colour-blind readers can tell apart (Petroff, 2021, arXiv:2107.02270)."""

NEUTRAL = "0.5"
"""Grey of what is compared with, which is seen on light and on dark backgrounds."""


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


def is_dark(ax):
    """Return whether the background of the axes is dark."""
    from matplotlib.colors import to_rgba

    face = to_rgba(ax.get_facecolor())
    red, green, blue, _ = face if face[3] else to_rgba(ax.figure.get_facecolor())
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
