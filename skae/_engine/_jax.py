"""The seam to JAX, which no other file imports: compiling, gradients, loops, draws, transfer.

JAX is imported inside the functions, because importing skae must not cost its import. They are
called after `load_jax`, which imports JAX where no interrupt can break it off.
"""

import importlib
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from . import compile_cache
from .forks import check_runs
from .interrupts import out_of_reach
from .memory import COMPILING_BYTES, RUNNING_BYTES, check_memory

POLLING_SECONDS = 2e-4
"""How long to poll a small tile's result before blocking: waking a sleeping thread takes longer
than computing one row."""


def load_jax():
    """Import JAX where no interrupt can break it off."""
    if "jax" not in sys.modules:
        out_of_reach(lambda: importlib.import_module("jax"))


# Settings and devices


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


def on_cpu():
    """Whether programs run on a CPU."""
    import jax

    return jax.default_backend() == "cpu"


def devices():
    """The devices programs run on, as text, the default one first."""
    import jax

    return [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]


def on_this_device(function):
    """`function`, to be called in another thread, on what is the default device in this one."""
    import jax

    device = jax.config.jax_default_device

    def call():
        with jax.default_device(device):
            return function()

    return call


# Several devices


def n_devices():
    """Number of devices, those of other processes included."""
    import jax

    return jax.device_count()


def n_processes():
    """Number of processes that work together, and the number of this one."""
    import jax

    return jax.process_count(), jax.process_index()


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


# Compiling


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
    program = _taken_or_compiled(lowered, (cpu_options or {}) if on_cpu() else {}, arguments)
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


# Sharing compiled programs with other processes


def _taken_or_compiled(lowered, options, arguments):
    """What was lowered as a program: from the folder of `compile_cache`, or compiled here.

    JAX's own persistent cache is one for all programs of a process and keeps its first folder: to
    switch it on for skae's would be to switch it on for the user's. And others may read its files
    while they are written. So skae keeps files of its own, by what JAX has to serialise a program.
    """
    folder = compile_cache.folder(unless=_why_not_shared())
    key = folder and _shared_key(lowered, options, arguments)
    if not key:
        return _compile(lowered, options)
    program = _taken(folder, key, lowered, arguments)
    if program is None:
        with compile_cache.turn_of(folder, key):
            program = _taken(folder, key, lowered, arguments)  # of a process that was at it
            if program is None:
                program = _compile(lowered, options)
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


# Functions of arrays

_ELSEWHERE = {
    "custom_gradient": ("", "custom_gradient"),
    "log_sigmoid": ("nn", "log_sigmoid"),
    "log_softmax": ("nn", "log_softmax"),
    "rsqrt": ("lax", "rsqrt"),
    "sigmoid": ("nn", "sigmoid"),
    "stop_gradient": ("lax", "stop_gradient"),
}
"""Where JAX has those functions of `keras.ops` that are not in `jax.numpy`."""

ACTIVATIONS = {
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "softsign": "soft_sign",
}
"""Activations but the identity, in scikit-learn's spelling, and JAX's names of them."""

ACTIVATION_OPTIONS = {"leaky_relu": {"negative_slope": 0.2}, "gelu": {"approximate": False}}
"""Keras's defaults where JAX's differ."""


def function(name):
    """The function of arrays that has that name in `keras.ops`."""
    import jax

    room, name = _ELSEWHERE.get(name, ("numpy", name))
    return getattr(getattr(jax, room) if room else jax, name)


def activated(name, x):
    """An activation, by scikit-learn's name, of a tensor."""
    import jax

    if name == "identity":
        return x
    return getattr(jax.nn, ACTIVATIONS[name])(x, **ACTIVATION_OPTIONS.get(name, {}))


def convolved(images, kernel, stride, padding):
    """Images, channels last, convolved with a kernel; `padding` is "same" or "valid"."""
    import jax

    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        images, kernel, (stride, stride), padding, dimension_numbers=axes
    )


# Loops and gradients


def repeat(n, function, carry):
    """Call ``carry = function(number, carry)`` for the numbers below `n`.

    It is a loop in the compiled program too where the program is traced with `jax.disable_jit`,
    which unrolls other loops.
    """
    import jax

    inlines = jax.config.jax_disable_jit

    def body(number, carry):
        with jax.disable_jit(inlines):
            return function(number, carry)

    with jax.disable_jit(False):
        return jax.lax.fori_loop(0, n, body, carry)


def collect(n, capacity, function, carry):
    """Call ``carry, value = function(number, carry)`` for the numbers below `n`.

    Returns the last carry and the values, in a vector of length `capacity`. The number of rounds is
    no constant of the program.
    """
    import jax

    def body(number, state):
        carry, values = state
        carry, value = function(number, carry)
        return carry, values.at[number].set(value)

    return repeat(n, body, (carry, jax.numpy.zeros(capacity, "float32")))


def value_and_gradient(function):
    """``((value, rest), gradient)`` of a function that returns ``(value, rest)``, by its first."""
    import jax

    return jax.value_and_grad(function, has_aux=True)


def derivative(function, x):
    """Values and derivatives of a function that acts on each entry of x by itself."""
    import jax

    return jax.jvp(function, (x,), (jax.numpy.ones_like(x),))


def pull_back(function, x):
    """``function(x)``, and the function from v to ``v @ Jacobian`` there."""
    import jax

    value, back = jax.vjp(function, x)
    return value, lambda v: back(v)[0]


def map_rows(function):
    """The function that applies `function` to each row of its argument."""
    import jax

    return jax.vmap(function)


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


def without_parts(tree):
    """A tree of arrays as it is, but for `Part`s, which are fetched."""
    import jax

    return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, Part) else leaf, tree)


def split(key):
    """Two keys that are independent of each other."""
    import jax

    return jax.random.split(key)


def fold_in(key, number):
    """A key that follows from another and a number."""
    import jax

    return jax.random.fold_in(key, number)


def normal(key, shape):
    """Standard normal numbers."""
    import jax

    return jax.random.normal(key, shape, "float32")


def uniform(key, shape):
    """Numbers uniform in [0, 1)."""
    import jax

    return jax.random.uniform(key, shape, "float32")


def dropped(x, rate, key):
    """A tensor of which a share of the values is zero, and the others are scaled up."""
    import jax

    kept = 1.0 - rate
    mask = jax.random.bernoulli(key, kept, x.shape)
    return jax.lax.select(mask, x / kept, jax.numpy.zeros_like(x))


def signs(key, shape):
    """Numbers -1 and 1 with equal probability."""
    import jax

    return jax.random.rademacher(key, shape, "float32")


def bits(array):
    """The bits of a float32 array as whole numbers."""
    import jax

    return jax.lax.bitcast_convert_type(array, "uint32")


# Memory


def gather(array, rows):
    """The rows of an array at numbers that all exist, which is not checked."""
    return array.at[rows].get(mode="promise_in_bounds")


def to_device(tree):
    """A tree of arrays where programs run."""
    import jax

    return jax.device_put(tree)


def to_host(tree):
    """A copy of a tree of arrays in NumPy."""
    import jax

    return jax.tree.map(np.array, tree)


def wait_awake(result):
    """Wait for a result that will be there soon without putting the thread to sleep."""
    end = perf_counter() + POLLING_SECONDS
    while not result.is_ready() and perf_counter() < end:
        pass
