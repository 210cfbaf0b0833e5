"""Images in a grid, on one pair of axes."""

import math

import numpy as np

from ._matplotlib import is_dark, remove_spines


def checked_image_shape(image_shape, n_features):
    """Return the shape of images of `n_features` values; None takes a square.

    Raises
    ------
    ValueError
        If there is no such image.
    """
    if image_shape is None:
        side = math.isqrt(n_features)
        if side * side != n_features:
            raise ValueError(
                f"image_shape must be given, because {n_features} features are no square image."
            )
        return side, side
    shape = tuple(image_shape) if hasattr(image_shape, "__len__") else ()
    if len(shape) not in (2, 3) or math.prod(shape) != n_features:
        raise ValueError(
            "image_shape must be (height, width) or (height, width, 3) with a product of "
            f"{n_features}, the number of features, got {image_shape!r}."
        )
    if len(shape) == 3 and shape[2] != 3:
        raise ValueError(f"image_shape must end in 3 colours if in anything, got {image_shape!r}.")
    return shape


def check_at_least(value, least, name):
    """Refuse numbers that are too small."""
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}.")


def grid_size(grid, shape, *, gap=0.08, inches=9.0, most=0.9):
    """Return inches of width and height of a grid of images.

    Parameters
    ----------
    grid : tuple of two int
        Numbers of rows and columns.
    shape : tuple (height, width, ...)
        Shape of an image.
    gap : float, default=0.08
        Space between two images, as a share of an image's side.
    inches : float, default=9.0
        Largest width.
    most : float, default=0.9
        Largest width and height of an image.
    """
    n_rows, n_columns = grid
    height, width = shape[:2]
    column = min(inches / (n_columns * (1 + gap)), most * min(1, width / height))
    return n_columns * (1 + gap) * column, n_rows * (1 + gap) * column * height / width


def draw_images(ax, rows, shape, limits, *, gap=0.08, cmap=None, image_kwargs=None):
    """Draw images in a grid, from the top left on, with a unit a pixel.

    Parameters
    ----------
    ax : matplotlib Axes
    rows : array-like of shape (n_rows, n_columns, n_features)
        The images; those that hold nothing but NaN are left out.
    shape : tuple (height, width) or (height, width, 3)
    limits : tuple of two float
        Lowest and highest value of the colours.
    gap : float, default=0.08
        Space between two images, as a share of an image's side.
    cmap : str or matplotlib Colormap, default=None
        None draws high values like ink: black on light backgrounds, white on dark ones.
    image_kwargs : dict, default=None
        Arguments for `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    images : ndarray of shape (n_rows, n_columns) of matplotlib AxesImage or None
    places : tuple of two ndarray
        Middles of the columns and of the rows, in units of the axes.
    """
    low, high = limits
    cmap = cmap or ("gray" if is_dark(ax) else "gray_r")
    style = {"cmap": cmap, "vmin": low, "vmax": high, **(image_kwargs or {})}
    height, width = shape[:2]
    x_step, y_step = width * (1 + gap), height * (1 + gap)
    n_rows, n_columns = len(rows), len(rows[0])
    images = np.full((n_rows, n_columns), None, dtype=object)
    for i, j in np.ndindex(n_rows, n_columns):
        values = np.asarray(rows[i][j])
        if np.isnan(values).all():
            continue
        if len(shape) == 3:  # colours are numbers from 0 to 1
            values = np.clip((values - low) / ((high - low) or 1), 0, 1)
        left, top = j * x_step, i * y_step
        extent = (left, left + width, top + height, top)
        images[i, j] = ax.imshow(values.reshape(shape), **{**style, "extent": extent})
    ax.set(xlim=(0, n_columns * x_step - gap * width), ylim=(n_rows * y_step - gap * height, 0))
    ax.set(xticks=[], yticks=[])
    ax.tick_params(length=0)
    remove_spines(ax, ["left", "right", "top", "bottom"])
    x_places = width / 2 + x_step * np.arange(n_columns)
    return images, (x_places, height / 2 + y_step * np.arange(n_rows))


def limits_of(values):
    """Return the lowest and the highest finite value; 0 and 1 where there is none."""
    finite = np.asarray(values)[np.isfinite(values)]
    return (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
