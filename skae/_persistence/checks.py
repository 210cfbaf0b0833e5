"""Checks of what a file says: a stranger may have written it."""

import math

import numpy as np

from .._data import frames
from .._data.table import CategoryColumn, EmptyColumn, NumberColumn, Table
from .._engine import STOP_REASONS, FittedNetwork, SolverState
from ..losses import table_constants
from .labels import is_label
from .refusal import UnusableError, check_whole, excerpt
from .sizes import check_network_sizes, check_slots

ATTRIBUTES = {
    "n_features_in_": int,
    "n_iter_": int,
    "history_": dict,
    "loss_curve_": list,
    "val_loss_curve_": (list, type(None)),
    "best_loss_": float,
    "stop_reason_": str,
    "mean_": np.ndarray,
    "pca_error_": float,
    "alpha_": float,
    "backend_": str,
    "_network": FittedNetwork,
    "_slots": (SolverState, type(None)),
    "_seed": int,
    "_table": (Table, type(None)),
}
"""What every fitted estimator has, and its types."""


def check_fit(cls, fitted):
    """Refuse attributes that are not those of a fitted estimator of a class."""
    for name, kind in ATTRIBUTES.items():
        if not isinstance(fitted[name], kind) or isinstance(fitted[name], bool):
            raise UnusableError(f"{name} is {fitted[name]!r}.")
    n_features = check_whole(fitted["n_features_in_"], "n_features_in_", 1)
    check_whole(fitted["_seed"], "seed", 0, 2**32 - 1)
    for name in ("pca_error_", "alpha_"):
        if not 0 <= fitted[name] < math.inf:
            raise UnusableError(f"{name} is {fitted[name]!r}.")
    if fitted["stop_reason_"] not in STOP_REASONS:
        raise UnusableError(f"stop_reason_ is {excerpt(fitted['stop_reason_'])}.")
    check_curves(fitted)
    check_names(fitted, n_features)
    network, table = fitted["_network"], fitted["_table"]
    check_network(network)
    if table is not None:
        check_table(table, n_features)
        check_table_constants(table, network.constants)
        if any(isinstance(column, EmptyColumn) for column in table.columns):
            raise UnusableError("a column of its table has no values.")
        n_features = len(table.column_of)
    if fitted["mean_"].dtype != np.float64 or fitted["mean_"].shape != (n_features,):
        raise UnusableError(f"mean_ is a {fitted['mean_'].dtype} array of another shape.")
    if network.recipe.n_features != n_features:
        raise UnusableError(
            f"its network has {network.recipe.n_features} features, but n_features_in_ is "
            f"{n_features}."
        )
    if not network.recipe.reconstructs:
        raise UnusableError("its network does not reconstruct X.")
    check_slots(fitted["_slots"], network.trainable)
    known = {*ATTRIBUTES, "feature_names_in_"}
    extra = {name: value for name, value in fitted.items() if name not in known}
    if not cls._may_leave(extra, network, table):
        raise UnusableError(
            f"the attributes {sorted(extra)}, the constants {sorted(network.constants)} and the "
            f"code {network.recipe.latent!r} are not those of a fitted {cls.__name__}."
        )


NUMBER_TYPES = frozenset(
    [f"{kind}int{size}" for kind in ("", "u") for size in (8, 16, 32, 64)]
    + ["float16", "float32", "float64", "float", "double", "halffloat", "decimal", "decimal128"]
    + ["decimal256", "bool", "boolean", "object"]
)
"""Names of types of columns of numbers, in lower case."""

CATEGORY_TYPES = frozenset(
    [*map(str.lower, frames.TEXT), *map(str.lower, frames.TIMES), "interval", "null", "object"]
)
"""Further names of types of columns of categories."""


def check_table(table, n_columns):
    """Refuse anything but a table of `n_columns` columns."""
    if not isinstance(table, Table):
        raise UnusableError(f"{excerpt(str(table))} stands in place of a table.")
    columns, libraries = table.columns, ("numpy", "pandas", "polars")
    if table.library not in libraries or not isinstance(columns, list) or len(columns) != n_columns:
        raise UnusableError(f"its table is {excerpt(str(table))}.")
    for column in columns:
        check = {
            NumberColumn: _is_of_numbers,
            CategoryColumn: _is_of_categories,
            EmptyColumn: _is_empty,
        }.get(type(column))
        named = check is not None and (column.name is None or is_label(column.name))
        if not (named and isinstance(column.dtype, str) and check(column)):
            raise UnusableError(f"a column of its table is {excerpt(str(column))}.")


def check_table_constants(table, constants):
    """Refuse constants that are not those of a loss of a table."""
    expected = table_constants(table)
    for name, value in expected.items():
        found = constants.get(name)
        if not isinstance(found, np.ndarray) or not np.array_equal(found, value):
            raise UnusableError(f"the constant {name!r} is not that of its table.")
    weight = constants.get("table_weight")
    width = (len(table.column_of),)
    if not isinstance(weight, np.ndarray) or weight.shape != width or not (weight > 0).all():
        raise UnusableError(f"the constant 'table_weight' is {weight!r}.")


def _is_of_numbers(column):
    numbers = (column.weight, column.mean, column.deviation)
    possible = all(isinstance(number, float) and math.isfinite(number) for number in numbers)
    return (
        possible
        and _is_type_of_numbers(column.dtype)
        and column.weight > 0
        and column.deviation > 0
    )


def _is_type_of_numbers(dtype):
    return dtype == "" or frames.number_type(dtype) in NUMBER_TYPES


def _is_type_of_categories(dtype):
    return frames.type_name(dtype).lower() in {"", *NUMBER_TYPES, *CATEGORY_TYPES}


def _is_empty(column):
    fits = (_is_type_of_numbers if column.is_number else _is_type_of_categories)(column.dtype)
    return (
        (fits or column.dtype == "Null")
        and isinstance(column.weight, float)
        and 0 < column.weight < math.inf
        and all(isinstance(value, bool) for value in (column.is_number, column.ordered))
        and (column.declared is None or _is_of_levels(column.declared))
    )


def _is_of_categories(column):
    levels, shares = column.levels, column.shares
    known = [level for level in levels if level is not None] if isinstance(levels, list) else []
    return (
        bool(known)
        and all(map(is_label, known))
        and len(set(known)) == len(known)
        and (column.declared is None or _is_of_levels(column.declared))
        and set(known) <= set(known if column.declared is None else column.declared)
        and _is_type_of_categories(column.dtype)
        and isinstance(column.weight, float)
        and 0 < column.weight < math.inf
        and all(isinstance(one, list) for one in (levels, column.others))
        and _is_of_levels([*levels[:-1], *column.others])
        and (bool(column.others) if levels[-1] is None else not column.others)
        and isinstance(shares, np.ndarray)
        and shares.dtype == np.float64
        and shares.shape == (len(levels),)
        and bool((shares > 0).all())
        and abs(shares.sum() - 1) < 1e-6
        and isinstance(column.ordered, bool)
    )


def _is_of_levels(values):
    """Whether a value is a list of what can be a category."""
    return isinstance(values, list) and all(map(is_label, values))


def check_built_on(cls, fitted):
    """Refuse attributes that are not those of a fitted estimator which has autoencoders."""
    n_features = check_whole(fitted["n_features_in_"], "n_features_in_", 1)
    check_names(fitted, n_features)
    if fitted.get("_table") is not None:
        check_table(fitted["_table"], n_features)
    network = fitted.get("_network")
    if isinstance(network, FittedNetwork):
        check_network(network)
        check_slots(fitted.get("_slots"), network.trainable)
    if not cls._may_leave(fitted):
        raise UnusableError(f"its attributes are not those of a fitted {cls.__name__}.")


def check_names(fitted, n_features):
    """Refuse a number of feature names other than n_features."""
    names = fitted.get("feature_names_in_")
    if names is not None and (names.dtype != object or names.shape != (n_features,)):
        raise UnusableError(f"feature_names_in_ is {names!r}.")


def check_curves(fitted):
    """Refuse a history that has not one number an epoch, or curves that are not those in it."""
    n_epochs, history = check_whole(fitted["n_iter_"], "n_iter_", 1), fitted["history_"]
    if set(history) - {"val_loss"} != {"loss", "learning_rate"}:
        raise UnusableError(f"history_ has the keys {list(history)}.")
    for name, curve in history.items():
        numbers = isinstance(curve, list) and all(isinstance(value, float) for value in curve)
        if not numbers or len(curve) != n_epochs:
            raise UnusableError(f"history_[{name!r}] is no list of {n_epochs} numbers.")
    for name, curve in (("loss", "loss_curve_"), ("val_loss", "val_loss_curve_")):
        if repr(fitted[curve]) != repr(history.get(name)):  # by which NaN is equal to NaN
            raise UnusableError(f"{curve} is not history_[{name!r}].")


def check_network(network):
    """Refuse a network whose arrays are not those of its recipe."""
    check_network_sizes(network)
    check_constants(network)
    if not network.is_finite:
        raise UnusableError(f"the weights of {network.recipe.architecture!r} are not all finite.")


CONSTANTS = {
    "centre": (np.float64, np.isfinite),
    "scale": (np.float64, lambda scale: np.isfinite(scale) & (scale > 0)),
    "low": (np.float64, lambda low: low < math.inf),
    "high": (np.float64, lambda high: high > -math.inf),
    "fill": (np.float64, np.isfinite),
    "noise_variance": (np.float32, lambda variance: variance >= 0),
}
"""Types of the constants that skae knows, and where their values are possible."""


def check_constants(network):
    """Refuse constants that no fit of such a network takes from the data."""
    constants, n_features = network.constants, network.recipe.n_features
    for name in set(CONSTANTS) & set(constants):
        constant, (dtype, possible) = constants[name], CONSTANTS[name]
        shapes = ((), (n_features,)) if name == "scale" else ((n_features,),)
        if constant.dtype != dtype or constant.shape not in shapes or not possible(constant).all():
            raise UnusableError(f"the constant {name!r} is {constant!r}.")
    if not network.recipe.reconstructs:  # the constants are those of an autoencoder, checked there
        return
    scaled = network.recipe.output_activation == "identity"
    if any((name in constants) != scaled for name in ("centre", "scale")):
        raise UnusableError(
            f"its network has the constants {sorted(constants)} and the output activation "
            f"{network.recipe.output_activation!r}."
        )
    bounds = [constants[name] for name in ("low", "high") if name in constants]
    if len(bounds) == 1 or (bounds and not (scaled and (bounds[0] <= bounds[1]).all())):
        raise UnusableError(f"the bounds of its reconstructions are {bounds!r}.")
