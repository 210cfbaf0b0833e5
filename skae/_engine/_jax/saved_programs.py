"""Compiled programs, written to the folder of `compile_cache` and read from it.

This is what must be known of JAX for that; files and folders are the business of `compile_cache`.
"""

import sys

import numpy as np

from .. import compile_cache
from .hardware import on_cpu


def taken_or_made(lowered, options, arguments, make):
    """What was lowered as a program: from the folder of `compile_cache`, or what `make` compiles.

    JAX's own persistent cache is one for all programs of a process and keeps its first folder: to
    switch it on for skae's would be to switch it on for the user's. And others may read its files
    while they are written. So skae keeps files of its own, by what JAX has to serialise a program.
    """
    folder = compile_cache.folder(unless=_why_not_shared())
    key = folder and _shared_key(lowered, options, arguments)
    if not key:
        return make()
    program = _taken(folder, key, lowered, arguments)
    if program is None:
        with compile_cache.turn_of(folder, key):
            program = _taken(folder, key, lowered, arguments)  # of a process that was at it
            if program is None:
                program = make()
                if (serialized := _serialized(program)) is not None:
                    compile_cache.write(folder, key, serialized)
    return program


def _why_not_shared():
    """Why no programs are shared, or None if they may be."""
    import jax

    if not on_cpu():
        return "this has been tested for programs of a CPU alone: use JAX's own compile cache"
    if not jax.config.jax_enable_compilation_cache:
        return "jax_enable_compilation_cache is off"
    # What JAX has loaded from its cache can be serialised again, but fails when it is called. Once
    # JAX has a cache, it keeps it, whatever the setting; the name is private, and without it
    # nothing is shared.
    cache = getattr(sys.modules.get("jax._src.compilation_cache"), "_cache", "unknown")
    if cache is not None or jax.config.jax_compilation_cache_dir is not None:
        return "JAX's own compile cache is in use (jax_compilation_cache_dir)"
    return None


def _shared_key(lowered, options, arguments):
    """What tells a program from all others in any process, or None if it must not be shared."""
    import jax
    import jaxlib

    device, text = _only_device(arguments), lowered.as_text()
    # A callback is a function of this process, for which its text has an address.
    if device is None or "num_partitions = 1 " not in text or "callback" in text:
        return None
    try:
        # Arguments that are not used are left out of the text, and so are which ones they are.
        kept = sorted(lowered._lowering.compile_args["kept_var_idx"])
    except (AttributeError, KeyError):  # JAX does not promise them
        return None
    settings = {name: getattr(jax.config, name, None) for name in sorted(jax.config.values)}
    return compile_cache.key_of(
        (
            *(jax.__version__, jaxlib.__version__, device.client.platform_version),
            *(device.id, device.device_kind, kept, text),
            *(lowered.in_tree, lowered.out_tree, lowered.args_info),
            *(sorted(options.items()), sorted(settings.items())),
        )
    )


def _only_device(arguments):
    """The device that a program of these arguments runs on, or None if there are several."""
    import jax

    leaves = [leaf for leaf in jax.tree.leaves(arguments) if isinstance(leaf, jax.Array)]
    devices = set().union(*(leaf.devices() for leaf in leaves))
    devices |= jax.device_put(np.float32(0)).devices()  # where NumPy's arrays go
    return devices.pop() if len(devices) == 1 else None


def _serialized(program):
    """A compiled program as bytes, or None if this version of JAX cannot do that."""
    from jax.experimental.serialize_executable import serialize

    try:
        return serialize(program)[0]
    except Exception:  # of several kinds: of programs with constants, of other versions of JAX
        return None


def _taken(folder, key, lowered, arguments):
    """The program of a key, or None if there is none, or none that JAX takes."""
    from jax.experimental.serialize_executable import deserialize_and_load

    serialized, device = compile_cache.read(folder, key), _only_device(arguments)
    if serialized is None:
        return None
    try:
        program = deserialize_and_load(
            serialized,
            lowered.in_tree,
            lowered.out_tree,
            backend=device.client,
            execution_devices=[device],
        )
    except Exception as error:  # of several kinds; it is compiled anew then
        compile_cache.warn_once(f"JAX does not take a program from {folder}, because: {error}")
        return None
    compile_cache.note("loaded")
    return program
