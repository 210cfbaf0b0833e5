"""Equal trees of arrays stacked into one, which one program computes side by side.

What comes out is taken apart again, and fetched only if it is read.
"""

from dataclasses import dataclass

import numpy as np


def side_by_side(function, in_axes):
    """A function that computes `function` for several of some of its arguments at once.

    Parameters
    ----------
    function : callable
    in_axes : tuple of {0, None}
        For each argument 0 if there are several, along a new first axis, or None for one.
    """
    import jax

    return jax.vmap(function, in_axes)


def stacked(trees, on_device=False):
    """Equal trees of arrays as one, with a new first axis, in NumPy or where programs run."""
    import jax

    stack = jax.numpy.stack if on_device else _joined
    return jax.tree.map(lambda *leaves: stack(leaves), *trees)


def parts(tree, number):
    """The `number` trees that a tree of arrays has along the first axis, of `Part`s."""
    import jax

    return [jax.tree.map(lambda leaf, n=n: Part(leaf, n), tree) for n in range(number)]


@dataclass(slots=True, eq=False)
class Part:
    """What of an array along its first axis has some number, fetched when it is read."""

    whole: object
    number: int

    @property
    def shape(self):
        """Shape of the part."""
        return self.whole.shape[1:]

    @property
    def dtype(self):
        """Type of its values."""
        return self.whole.dtype

    def __array__(self, dtype=None, copy=None):
        """The part, in NumPy."""
        return np.array(np.asarray(self.whole)[self.number], dtype)


def without_parts(tree):
    """A tree of arrays as it is, but for `Part`s, which are fetched."""
    import jax

    return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, Part) else leaf, tree)


def _joined(arrays):
    """Arrays on top of each other: the whole of which they are the parts, if there is one."""
    whole = getattr(arrays[0], "whole", ())
    if len(whole) == len(arrays) and all(
        getattr(part, "whole", None) is whole
        # What stands there once more is padding, of which the results are left out.
        and (part.number == number or (number and part is arrays[number - 1]))
        for number, part in enumerate(arrays)
    ):
        return whole
    return np.stack([np.asarray(array) for array in arrays])
