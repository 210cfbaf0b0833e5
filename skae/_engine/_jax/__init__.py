"""The seam to JAX: no file outside this folder imports it.

    settings.py         how JAX is imported, and its settings while skae runs it
    hardware.py         which devices and processes there are, and the device of a thread
    several_devices.py  arrays spread over devices, or exchanged between processes
    compiling.py        functions compiled for the shapes of their arguments
    saved_programs.py   compiled programs in a folder, for other processes
    tensors.py          functions of tensors: activations, convolutions, rows by number
    loops.py            loops inside a program, over numbers or over rows
    gradients.py        gradients and derivatives
    stacking.py         equal trees of arrays stacked into one, and its parts
    random_numbers.py   random keys, and the numbers that are drawn with them
    transfer.py         arrays moved to a device and back, and the wait for results

JAX is imported inside the functions, because importing skae must not cost its import. They are
called after `load_jax`, which imports JAX where no interrupt can break it off. Callers take the
names from here, as `_jax.compiled`.
"""

from .compiling import PLAIN_CONVOLUTIONS, QUICK_COMPILE, compiled, shapes_of
from .gradients import derivative, pull_back, value_and_gradient
from .hardware import devices, n_devices, n_processes, on_cpu, on_this_device
from .loops import collect, map_rows, repeat
from .random_numbers import dropped, fold_in, normal, signs, split, uniform
from .settings import load_jax, plain_settings
from .several_devices import gathered, mesh, of_first, placed, sharding
from .stacking import parts, side_by_side, stacked, without_parts
from .tensors import activated, bits, convolved, function, gather
from .transfer import to_device, to_host, wait_awake

__all__ = [
    "PLAIN_CONVOLUTIONS",
    "QUICK_COMPILE",
    "activated",
    "bits",
    "collect",
    "compiled",
    "convolved",
    "derivative",
    "devices",
    "dropped",
    "fold_in",
    "function",
    "gather",
    "gathered",
    "load_jax",
    "map_rows",
    "mesh",
    "n_devices",
    "n_processes",
    "normal",
    "of_first",
    "on_cpu",
    "on_this_device",
    "parts",
    "placed",
    "plain_settings",
    "pull_back",
    "repeat",
    "shapes_of",
    "sharding",
    "side_by_side",
    "signs",
    "split",
    "stacked",
    "to_device",
    "to_host",
    "uniform",
    "value_and_gradient",
    "wait_awake",
    "without_parts",
]
