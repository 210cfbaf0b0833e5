"""Arrays that are spread over several devices, or exchanged between processes."""

import numpy as np

from .settings import plain_settings


def mesh(n):
    """The first `n` devices in a row, those of one process side by side."""
    import jax

    in_order = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    return jax.sharding.Mesh(np.array(in_order[:n]), ("rows",))


def sharding(mesh, axis=None):
    """An array's place on the devices of a mesh: a part of its `axis` on each, or all of it."""
    import jax

    spread = () if axis is None else (*[None] * axis, "rows")
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spread))


def placed(tree, sharding):
    """A tree of arrays at their place; what this process has of them is given."""
    import jax

    def place(array):
        if isinstance(array, jax.Array) and array.sharding.is_equivalent_to(sharding, array.ndim):
            return array
        return jax.make_array_from_process_local_data(sharding, np.asarray(array))

    with plain_settings():
        return jax.tree.map(place, tree)


def gathered(array):
    """The arrays of one shape that all processes give, along a new first axis."""
    from jax.experimental import multihost_utils

    with plain_settings():
        return multihost_utils.process_allgather(array)


def of_first(array, is_first):
    """The array that the first process gives; those of others have its shape."""
    from jax.experimental import multihost_utils

    with plain_settings():
        return np.asarray(multihost_utils.broadcast_one_to_all(array, is_source=is_first))
