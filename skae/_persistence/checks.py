"""Checks of what a file says: a stranger may have written it."""

import json
import math

import numpy as np

from .._autoencoders._base import is_fitted_name
from .._engine import LATENTS, FittedNetwork, Recipe, SolverState
from ..architectures import Architecture

ATTRIBUTES = {
    "n_features_in_": int,
    "n_iter_": int,
    "history_": dict,
    "loss_curve_": list,
    "val_loss_curve_": (list, type(None)),
    "best_loss_": float,
    "mean_": np.ndarray,
    "backend_": str,
    "_network": FittedNetwork,
    "_slots": (SolverState, type(None)),
    "_seed": int,
}
"""What every fitted estimator has, and its types."""


WEIGHT_TYPES = {"trained": ("float32",), "fixed": ("float32", "uint32")}
"""Types of the arrays of weights: the state of a random generator is of whole numbers."""


class UnusableError(Exception):
    """What is wrong with a file; `load` adds its name."""


def is_plain(dtype):
    """Whether arrays of a type hold numbers, as files do."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def excerpt(form):
    """The beginning of a JSON form, for messages."""
    text = json.dumps(form)
    return text if len(text) <= 60 else text[:57] + "..."


def check_whole(value, name, low, high=math.inf):
    """Return a value that must be a whole number within bounds."""
    if type(value) is not int or not low <= value <= high:
        raise UnusableError(f"{name} is {excerpt(value)}.")
    return value


def check_fit(cls, fitted):
    """Refuse attributes that are not those of a fitted estimator of a class."""
    for name, kind in ATTRIBUTES.items():
        if not isinstance(fitted[name], kind) or isinstance(fitted[name], bool):
            raise UnusableError(f"{name} is {fitted[name]!r}.")
    for name in fitted:
        if not name.isidentifier() or not is_fitted_name(name) or hasattr(cls, name):
            raise UnusableError(f"{name!r} is no fitted attribute of {cls.__name__}.")
    n_features = check_whole(fitted["n_features_in_"], "n_features_in_", 1)
    check_whole(fitted["n_iter_"], "n_iter_", 0)
    check_whole(fitted["_seed"], "seed", 0, 2**32 - 1)
    history = fitted["history_"]
    if "loss" not in history or not all(isinstance(curve, list) for curve in history.values()):
        raise UnusableError("history_ is not a dict of lists with the key 'loss'.")
    names = fitted.get("feature_names_in_")
    if names is not None and np.shape(names) != (n_features,):
        raise UnusableError(f"feature_names_in_ has the shape {np.shape(names)}.")
    if fitted["mean_"].dtype != np.float64 or fitted["mean_"].shape != (n_features,):
        raise UnusableError(f"mean_ is a {fitted['mean_'].dtype} array of another shape.")
    network = fitted["_network"]
    check_network(network)
    if network.recipe.n_features != n_features:
        raise UnusableError(
            f"its network has {network.recipe.n_features} features, but n_features_in_ is "
            f"{n_features}."
        )
    check_slots(fitted["_slots"], network.trainable)


def check_recipe(recipe):
    """Refuse what is no recipe of a network."""
    if not isinstance(recipe, Recipe) or not isinstance(recipe.architecture, Architecture):
        raise UnusableError(f"its network's recipe is {recipe!r}.")
    check_whole(recipe.n_features, "n_features", 1)
    if recipe.n_components is not None:
        check_whole(recipe.n_components, "n_components", 1)
    if not isinstance(recipe.latent, tuple(LATENTS.values())):
        raise UnusableError(f"its network's code is {recipe.latent!r}.")


def check_network(network):
    """Refuse a network whose arrays are not those of its recipe."""
    recipe = network.recipe
    check_recipe(recipe)
    for array in (*network.trainable, *network.fixed, *network.constants.values()):
        if not isinstance(array, (np.ndarray, np.generic)) or not is_plain(array.dtype):
            raise UnusableError(f"{array!r} stands in place of an array of numbers.")
    n_code_features = check_whole(network.n_code_features, "n_code_features", 1)
    if recipe.n_components not in (None, n_code_features):
        raise UnusableError(
            f"n_code_features is {n_code_features}, but n_components is {recipe.n_components}."
        )
    check_shapes(network)
    for name in {"fill", "noise_variance"} & set(network.constants):
        shape = network.constants[name].shape
        if shape != (recipe.n_features,):
            raise UnusableError(f"the constant {name!r} has shape {shape}.")
    if not network.is_finite:
        raise UnusableError(f"the weights of {recipe.architecture!r} are not all finite.")


def check_shapes(network):
    """Refuse weights whose shapes are not those that the architecture says."""
    recipe = network.recipe
    try:
        shapes = recipe.weight_shapes()
    except (TypeError, ValueError) as error:
        raise UnusableError(str(error)) from error
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
    shapes = {array.shape for array in weights}
    for array in [] if slots is None else slots.arrays:
        if not isinstance(array, np.ndarray) or not is_plain(array.dtype):
            raise UnusableError(f"{array!r} stands in place of an array of numbers.")
        if array.shape and array.shape not in shapes:
            raise UnusableError(f"the solver's state has an array of shape {array.shape}.")
