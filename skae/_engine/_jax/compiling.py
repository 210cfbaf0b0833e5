"""Functions of arrays, compiled for the shapes and types of their arguments.

The options of XLA and the tricks of tracing that make this fast stand here too.
"""

import numpy as np

from .. import compile_cache
from ..forks import check_runs
from ..memory import COMPILING_BYTES, RUNNING_BYTES, check_memory
from .hardware import on_cpu
from .saved_programs import taken_or_made
from .settings import plain_settings

INLINES_OWN_PROGRAMS = True
"""Whether programs without a user's code are traced with `jax.disable_jit`.

Otherwise JAX traces each function of `jax.numpy` by itself and keeps it for each shape as long as
the process lives, and draws random numbers in a loop, which takes several times as long. That
`disable_jit` inlines what `lower` traces is not documented."""

QUICK_COMPILE = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
"""XLA's options for a CPU that compile in a quarter of the time, to a program half as fast."""

PLAIN_CONVOLUTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    )
}
"""XLA's options for a CPU that leave convolutions to Eigen: YNNPACK trains them more slowly."""

refused_options = set()
"""Names of options that this version of XLA did not take; programs are right without them."""


def shapes_of(arguments):
    """A hashable value, equal for arguments that one compiled program serves."""
    import jax

    leaves, structure = jax.tree.flatten(arguments)
    return structure, tuple((np.shape(leaf), str(leaf.dtype)) for leaf in leaves)


def compiled(
    function, arguments, *, is_own, cpu_options=None, donates_first=False, results_on=None
):
    """`function`, compiled for the shapes and types of `arguments`.

    Parameters
    ----------
    function : callable
        A pure function of arrays.
    arguments : tuple
        Trees of arrays.
    is_own : bool
        Whether no code of a user's is called: a user's layer may have loops of many rounds, which
        inlining would unroll. skae's own go through `repeat`.
    cpu_options : dict, default=None
        XLA's options, given on a CPU if its version knows them.
    donates_first : bool, default=False
        Whether the first argument's memory may be used for the results. It is deleted then.
    results_on : jax.sharding.Sharding, default=None
        Where the results are wanted; None leaves that to JAX.
    """
    import jax

    check_runs()
    check_memory(COMPILING_BYTES, "Compiling a program")
    wanted = {} if results_on is None else {"out_shardings": results_on}
    jitted = jax.jit(function, donate_argnums=(0,) if donates_first else (), **wanted)
    with jax.disable_jit(is_own and INLINES_OWN_PROGRAMS):
        lowered = jitted.lower(*arguments)
    options = (cpu_options or {}) if on_cpu() else {}
    program = taken_or_made(lowered, options, arguments, lambda: _compile(lowered, options))
    n_bytes = _bytes_of_call(program)

    def call(*arguments):
        check_runs()
        check_memory(n_bytes, "A call of the network")
        config = jax.config
        # Under a debugger's setting JAX calls no program, under a guard none with new data.
        if config.jax_disable_jit or config.jax_transfer_guard or config.jax_debug_infs:
            with plain_settings():
                return program(*arguments)
        return program(*arguments)

    return call


def _bytes_of_call(program):
    """Memory of this machine that a call of a program takes for results and on the way there."""
    sizes = program.memory_analysis() if on_cpu() else None
    if sizes is None:  # which JAX does not promise
        return RUNNING_BYTES
    return RUNNING_BYTES + sizes.output_size_in_bytes + sizes.temp_size_in_bytes


def _compile(lowered, options):
    """What was lowered, compiled with those options that this version of XLA knows."""
    known = {name: value for name, value in options.items() if name not in refused_options}
    try:
        program = lowered.compile(compiler_options=known or None)
    except RuntimeError as error:
        refused = {name for name in known if name in str(error)}
        if not refused:
            raise
        refused_options.update(refused)
        return _compile(lowered, options)
    compile_cache.note("compiled")
    return program
