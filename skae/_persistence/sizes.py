"""Sizes of the arrays of a fit: those that follow from its recipe, before an array is read.

Each class says beside its fields, in `array_shapes` or `_array_shapes`, which shapes its arrays
have: a tuple of the names of sizes, or a list of such where there are several. For a record inside
it says which of its own sizes are those of the record: ``"normal_": {"n_features": "width"}``. The
sizes that an estimator has are those of `sizes_of`; others, such as a number of factors, may be as
large as the largest of these.
"""

import dataclasses

import numpy as np

from .._data.table import CategoryColumn, Table
from .._engine import LATENTS, FittedNetwork, Recipe, SolverState
from ..architectures import Architecture
from .refusal import UnusableError, check_whole, excerpt, is_plain

WEIGHT_TYPES = {"trained": ("float32",), "fixed": ("float32", "uint32")}
"""Types of the arrays of weights: the state of a random generator is of whole numbers."""

NAMES = {"feature_names_in_": ("n_features_in_",)}
"""What all estimators may have."""

TABLE_CONSTANTS = ("level_share", "level_unit", "table_weight")
"""Constants of a table, one number for each feature."""

CONSTANTS = {
    **{name: [("width",)] for name in ("centre", "low", "high", "fill", "noise_variance")},
    "scale": [(), ("width",)],
}
"""Shapes of the constants that skae knows. A loss of a user's may have others."""


def check_sizes(cls, fitted):
    """Refuse a fit whose arrays have other sizes than its recipe says.

    Parameters
    ----------
    cls : class of an estimator
    fitted : dict
        Its fitted attributes, whose arrays need have no numbers yet.
    """
    sizes = sizes_of(fitted)
    declared = {**NAMES, **cls._array_shapes}
    table, network = fitted.get("_table"), fitted.get("_network")
    if table is not None:
        check_table_sizes(table, network, sizes)
    for name, value in fitted.items():
        if value is table:
            continue
        if isinstance(value, FittedNetwork):
            check_network_sizes(value)
        elif isinstance(value, SolverState):
            check_slots(value, network.trainable)
        elif not hasattr(value, "fit"):  # an estimator inside was checked by itself
            check_shape(name, value, declared.get(name), sizes)


def check_table_sizes(table, network, sizes):
    """Refuse a table of other sizes than the fit, and constants of other sizes than the table.

    Those are compared with what follows from the table, which takes as much memory as they do.
    """
    if not isinstance(table, Table) or not isinstance(table.columns, list):
        raise UnusableError(f"{excerpt(repr(table))} stands in place of a table.")
    n_columns, n_features = len(table.columns), 0
    for column in table.columns:
        check_record(column, {})
        n_features += column.n_features
    if (n_columns, n_features) != (sizes["n_features_in_"], sizes["width"]):
        raise UnusableError(f"its table has {n_columns} columns and {n_features} features.")
    if network is not None:
        n_categories = sum(isinstance(column, CategoryColumn) for column in table.columns)
        shapes = dict.fromkeys(TABLE_CONSTANTS, (n_features,))
        for name, shape in {**shapes, "same_column": (n_features, n_categories)}.items():
            if np.shape(network.constants[name]) != shape:
                raise UnusableError(f"the constant {name!r} is not that of its table.")


def sizes_of(fitted):
    """The sizes that all arrays of a fit have, by name."""
    sizes = {"n_features_in_": check_whole(fitted["n_features_in_"], "n_features_in_", 1)}
    network, autoencoder = fitted.get("_network"), fitted.get("estimator_")
    if isinstance(network, FittedNetwork):
        check_recipe(network)
        if not network.recipe.reconstructs:
            sizes["n_targets"] = network.recipe.n_targets
    inner = getattr(autoencoder, "_network", network)
    if isinstance(inner, FittedNetwork):  # of the autoencoder, if it is another's
        width, n_codes = inner.recipe.n_features, inner.n_code_features
        sizes |= {"width": width, "n_codes": n_codes, "n_codes_and_width": n_codes + width}
        table = fitted.get("_table", getattr(autoencoder, "_table", None))
        if table is None and "valid_" not in fitted and width != sizes["n_features_in_"]:
            raise UnusableError(
                f"its network has {width} features, but n_features_in_ is "
                f"{sizes['n_features_in_']}."
            )
    return sizes


def check_record(record, sizes):
    """Refuse a record whose arrays have other sizes than those given, or than each other."""
    declared, sizes = getattr(type(record), "array_shapes", {}), dict(sizes)
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        check_shape(field.name, value, declared.get(field.name), sizes, record)


def check_shape(name, value, declared, sizes, record=None):
    """Refuse an array of another shape than declared, and one where none is declared.

    Parameters
    ----------
    name : str
    value : object
    declared : tuple or list of tuples of str, dict of str to str, or None
    sizes : dict of str to int
        Those that are unknown are added.
    record : dataclass, default=None
        Whose sizes are lengths of its lists, if it has the name.
    """
    if value is None or isinstance(value, (str, int, float)):
        return
    if isinstance(declared, dict):
        check_record(value, {inner: sizes[outer] for inner, outer in declared.items()})
    elif isinstance(value, np.ndarray) and declared is not None:
        shapes = declared if isinstance(declared, list) else [declared]
        if not any(_has(value.shape, shape, sizes, record) for shape in shapes):
            raise UnusableError(f"{name} is an array of shape {value.shape}.")
    elif holds_array(value):
        raise UnusableError(f"{name} holds an array where skae has none.")


def _has(shape, names, sizes, record):
    if len(shape) != len(names):
        return False
    largest = max(sizes.values(), default=0)
    for size, name in zip(shape, names, strict=True):
        if name not in sizes and isinstance(getattr(record, name, None), list):
            sizes[name] = len(getattr(record, name))
        if name not in sizes and size <= largest:
            sizes[name] = size
        if sizes.get(name) != size:
            return False
    return True


def holds_array(value):
    """Whether a value is or holds an array."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_array, value))
    if isinstance(value, dict):
        return any(map(holds_array, value.values()))
    return isinstance(value, np.ndarray) or dataclasses.is_dataclass(value)


# Networks


def check_recipe(network):
    """Refuse what is no recipe of a network that has as many arrays as it."""
    recipe = network.recipe
    if not isinstance(recipe, Recipe) or not isinstance(recipe.architecture, Architecture):
        raise UnusableError(f"its network's recipe is {recipe!r}.")
    check_whole(recipe.n_features, "n_features", 1)
    if recipe.n_targets is not None:
        check_whole(recipe.n_targets, "n_targets", 1)
    if recipe.n_components is not None:
        check_whole(recipe.n_components, "n_components", 1)
    if not isinstance(recipe.latent, tuple(LATENTS.values())):
        raise UnusableError(f"its network's code is {recipe.latent!r}.")
    extra = recipe.extra_weights
    if not isinstance(extra, tuple) or not all(map(_is_named_shape, extra)):
        raise UnusableError(f"its network's extra weights are {extra!r}.")
    if not all(isinstance(arrays, list) for arrays in (network.trainable, network.fixed)):
        raise UnusableError("its network's weights are no lists.")
    _check_number_of_layers(recipe.architecture, len(network.trainable))


def _is_named_shape(pair):
    named = isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)
    return named and isinstance(pair[1], tuple) and all(type(size) is int for size in pair[1])


def _check_number_of_layers(architecture, n_arrays):
    """Refuse lists among the parameters of skae's architectures that have more items than arrays.

    Each layer has arrays of its own: so this bounds the time that computing their shapes takes.
    """
    if not type(architecture).__module__.startswith("skae."):
        return
    for name, value in architecture.get_params(deep=False).items():
        if isinstance(value, Architecture):
            _check_number_of_layers(value, n_arrays)
        elif hasattr(value, "__len__") and not isinstance(value, str) and len(value) > n_arrays:
            raise UnusableError(f"its architecture's {name} has {len(value)} entries.")


def check_network_sizes(network):
    """Refuse a network whose arrays have not the sizes of its recipe."""
    check_recipe(network)
    recipe = network.recipe
    if not all(isinstance(name, str) for name in network.constants):
        raise UnusableError(f"its network's constants have the names {list(network.constants)}.")
    for array in (*network.trainable, *network.fixed, *network.constants.values()):
        if not isinstance(array, (np.ndarray, np.generic)) or not is_plain(array.dtype):
            raise UnusableError(f"{array!r} stands in place of an array of numbers.")
    check_weight_shapes(network)
    n_code_features = check_whole(network.n_code_features, "n_code_features", 1)
    if n_code_features != (expected := recipe.code_width()):
        raise UnusableError(
            f"n_code_features is {n_code_features}, but the code of {recipe.architecture!r} has "
            f"{expected} with n_components={recipe.n_components}."
        )
    sizes = {"width": recipe.n_features}
    for name, constant in network.constants.items():
        if name in CONSTANTS:
            check_shape(f"the constant {name!r}", np.asanyarray(constant), CONSTANTS[name], sizes)
        elif constant.size > max(recipe.n_features**2, 2**16):
            raise UnusableError(f"the constant {name!r} has {constant.size} numbers.")


def check_weight_shapes(network):
    """Refuse weights whose shapes are not those that the architecture says."""
    recipe = network.recipe
    shapes = recipe.weight_shapes()
    for kind, expected, arrays in zip(
        ("trained", "fixed"), shapes, (network.trainable, network.fixed), strict=True
    ):
        found = [array.shape for array in arrays]
        if wrong := [array.dtype for array in arrays if array.dtype not in WEIGHT_TYPES[kind]]:
            raise UnusableError(
                f"an array of {kind} weights should be {WEIGHT_TYPES[kind][0]}, found {wrong[0]}."
            )
        if len(found) != len(expected):
            raise UnusableError(
                f"{recipe.architecture!r} has {len(expected)} arrays of {kind} weights, found "
                f"{len(found)}."
            )
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            if one != tuple(other):
                raise UnusableError(
                    f"array {number} of the {kind} weights of {recipe.architecture!r} should be of "
                    f"shape {tuple(other)}, found {one}."
                )


def check_slots(slots, weights):
    """Refuse a solver's state whose parts are neither scalars nor shaped like a weight."""
    if slots is None:
        return
    if not isinstance(slots.solver, str) or not isinstance(slots.arrays, list):
        raise UnusableError(f"the solver's state is {excerpt(repr(slots.solver))}.")
    shapes = {array.shape for array in weights}
    for array in slots.arrays:
        if not isinstance(array, np.ndarray) or not is_plain(array.dtype):
            raise UnusableError(f"{array!r} stands in place of an array of numbers.")
        if array.shape and array.shape not in shapes:
            raise UnusableError(f"the solver's state has an array of shape {array.shape}.")
