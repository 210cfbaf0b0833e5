"""How JAX is imported, and the settings that skae runs it with, whatever the user set."""

import importlib
import sys
from contextlib import ExitStack, contextmanager, nullcontext

from ..interrupts import uninterrupted
from .hardware import on_cpu


def load_jax():
    """Import JAX where no interrupt can break it off."""
    if "jax" not in sys.modules:
        uninterrupted(lambda: importlib.import_module("jax"))


PLAIN_SETTINGS = {
    "debug_infs": False,
    "debug_nans": False,
    "default_prng_impl": "threefry2x32",
    "disable_jit": False,
    "enable_x64": False,
    "legacy_prng_key": "allow",
    "numpy_dtype_promotion": "standard",
    "numpy_rank_promotion": "allow",
    "threefry_partitionable": True,
    "transfer_guard": None,
}
"""JAX's own values of the settings that would change a result or end a program."""


def plain_settings():
    """Context in which JAX has its own settings, whatever it is set to in this thread.

    Its products are those of single precision everywhere.
    """
    import jax

    # By itself JAX rounds the factors of a product on an accelerator: to 10 bits on GPUs.
    plain = {**PLAIN_SETTINGS, "default_matmul_precision": None if on_cpu() else "highest"}
    changed = {
        name: value for name, value in plain.items() if getattr(jax.config, f"jax_{name}") != value
    }
    return _settings(changed) if changed else nullcontext()


@contextmanager
def _settings(values):
    """Settings of JAX, by name, in this thread."""
    import jax
    from jax import experimental

    with ExitStack() as stack:
        for name, value in values.items():
            # Where 64-bit mode is set depends on the version of JAX.
            of_version = jax if hasattr(jax, name) else experimental
            value = "allow" if name == "transfer_guard" else value
            stack.enter_context(getattr(of_version, name)(value))
        yield
