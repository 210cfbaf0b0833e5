"""Files of estimators that hold data and no code; their format is that of `_file_format`."""

import itertools
import json
import os

import numpy as np

from ._base import BaseAutoencoder, _is_fitted_name
from ._engine import FittedNetwork, Recipe, canonical_activation
from ._file_format import (
    DOCUMENT,
    FORMAT,
    Reader,
    UnusableError,
    Writer,
    check_whole,
    construct,
    excerpt,
    is_plain,
    parse_archive,
    write_archive,
)
from .architectures import Architecture, Dense, whole_numbers
from .corruption import Corruption

__all__ = ["LoadError", "load", "save"]

ATTRIBUTES = {
    "n_features_in_": int,
    "n_iter_": int,
    "history_": dict,
    "loss_curve_": list,
    "val_loss_curve_": (list, type(None)),
    "best_loss_": float,
    "backend_": str,
}
"""The fitted attributes of every estimator, and their types."""


class LoadError(ValueError):
    """A file is not one that `load` can make an estimator of.

    Parameters
    ----------
    message : str
        Which file, and what was found in it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import skae
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "model.skae")
    ...     _ = path.write_text("no estimator")
    ...     try:
    ...         skae.load(path)
    ...     except skae.LoadError as error:
    ...         print(type(error).__name__)
    LoadError
    """

    def __init__(self, message):
        super().__init__(message)


def save(estimator, path):
    """Write an estimator to a file that holds data and no code.

    The file appears under its name only when it is complete. Where writing fails, what was there
    before stays.

    Parameters
    ----------
    estimator : AutoencoderTransformer, DenoisingAutoencoder or another estimator of skae
        Fitted or not. All is kept that decides what its methods return: parameters, weights,
        fitted attributes, what `partial_fit` goes on from, and the choice of `set_output`.
        Callbacks and metadata requests are not.
    path : str or os.PathLike
        File to write; one that exists is replaced. Any extension will do.

    Raises
    ------
    TypeError
        If `estimator` is not one of skae's, or has a parameter that a file without code cannot
        hold: a `RandomState` instance, a Keras optimizer, or any other object than an
        `Architecture` or a `Corruption`. Pickle keeps those.
    ValueError
        If a weight is infinite or NaN.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import skae
    >>> X = np.random.default_rng(0).uniform(size=(50, 4))
    >>> autoencoder = skae.AutoencoderTransformer(max_iter=2, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "autoencoder.skae")
    ...     skae.save(autoencoder, path)
    ...     loaded = skae.load(path)
    >>> np.array_equal(loaded.transform(X), autoencoder.transform(X))
    True
    """
    path = os.path.realpath(os.fsdecode(path))
    if type(estimator) not in _estimators().values():
        raise TypeError(
            f"estimator must be one of {', '.join(_estimators())}, got "
            f"{type(estimator).__name__}. Use joblib.dump for pipelines and other estimators."
        )
    writer = Writer(type(estimator).__name__)
    document = json.dumps(_describe(estimator, writer), allow_nan=False, indent=1)
    write_archive(path, document, writer.arrays)


def load(path, *, trusted=()):
    """Read an estimator from a file written by `save`.

    Nothing in the file is run as code, so that a file from a stranger is safe to load.

    Parameters
    ----------
    path : str or os.PathLike
        File to read.
    trusted : sequence of classes, default=()
        Subclasses of `Architecture` and `Corruption` that are not skae's own and that the file
        may name. They are found by the name of the class, in whichever module it now is.

    Returns
    -------
    estimator : AutoencoderTransformer, DenoisingAutoencoder or another estimator of skae
        In the state in which it was saved: it transforms to the same bits, trains on in the same
        way, and is saved to the same bytes.

    Raises
    ------
    LoadError
        If the file is not a complete and sound file of `save`, is of another version of the
        format, or names a class that is not in `trusted`.
    TypeError
        If `trusted` holds something else than such classes.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    save : Write the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import skae
    >>> from skae.corruption import MaskingNoise
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "unfitted.skae")
    ...     skae.save(skae.DenoisingAutoencoder(corruption=MaskingNoise(0.5)), path)
    ...     skae.load(path)
    DenoisingAutoencoder(corruption=MaskingNoise(level=0.5))
    """
    trusted = _trusted(trusted)
    path = os.fsdecode(path)
    with open(path, "rb") as file:
        content = file.read()
    try:
        document, arrays = parse_archive(content)
        return _build(document, Reader(arrays, trusted))
    except UnusableError as error:
        raise LoadError(f"{path!r} cannot be loaded: {error}") from error.__cause__


# Which classes a file may name


def _estimators():
    """The estimators of skae by name."""
    import skae

    public = {name: getattr(skae, name) for name in skae.__all__}
    return {
        name: value
        for name, value in public.items()
        if isinstance(value, type) and issubclass(value, BaseAutoencoder)
    }


def _trusted(classes):
    """The classes a user trusts, by name."""
    classes = [classes] if isinstance(classes, (str, type)) else list(classes)
    by_name = {}
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, (Architecture, Corruption))):
            raise TypeError(
                f"trusted must hold subclasses of Architecture and Corruption, got {cls!r}."
            )
        if by_name.setdefault(cls.__name__, cls) is not cls:
            raise TypeError(f"trusted holds two classes of the name {cls.__name__!r}.")
    return by_name


# Estimators


def _describe(estimator, writer):
    """The document of an estimator; its arrays go to the writer."""
    import skae

    params = estimator.get_params(deep=False).items()
    return {
        "format": FORMAT,
        "skae": skae.__version__,
        "estimator": type(estimator).__name__,
        "params": {name: writer.encode(value, name) for name, value in params},
        "output": getattr(estimator, "_sklearn_output_config", {}).get("transform"),
        "fitted": _describe_fit(estimator, writer) if estimator.__sklearn_is_fitted__() else None,
    }


def _describe_fit(estimator, writer):
    network, recipe = estimator._network, estimator._network.recipe
    _check_weights(network, ValueError)
    attributes = {
        name: writer.encode(value, name)
        for name, value in vars(estimator).items()
        if _is_fitted_name(name) and name[0] != "_"
    }
    slots = estimator._slots
    return {
        "attributes": attributes,
        "seed": estimator._seed,
        "recipe": {
            "architecture": writer.encode(recipe.architecture, "architecture"),
            "n_features": int(recipe.n_features),
            "n_components": None if recipe.n_components is None else int(recipe.n_components),
            "code_activation": recipe.code_activation,
            "output_activation": recipe.output_activation,
            "draws_code": recipe.draws_code,
            "learns_noise": recipe.learns_noise,
        },
        "n_code_features": int(network.n_code_features),
        "constants": {name: writer.array(array) for name, array in network.constants.items()},
        "trainable": [writer.array(array) for array in network.trainable],
        "fixed": [writer.array(array) for array in network.fixed],
        "slots": None if slots is None else [writer.array(array) for array in slots],
    }


def _build(document, reader):
    """The estimator of a document."""
    try:
        cls = _estimators().get(document["estimator"])
        if cls is None:
            raise UnusableError(f"skae has no estimator {excerpt(document['estimator'])}.")
        params = {name: reader.decode(value) for name, value in document["params"].items()}
        estimator = construct(cls, params)
        if document["output"] not in (None, "default", "pandas", "polars"):
            raise UnusableError(f"set_output knows no {excerpt(document['output'])}.")
        estimator.set_output(transform=document["output"])
        if document["fitted"] is not None:
            vars(estimator).update(_build_fit(cls, document["fitted"], reader))
        return estimator
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise UnusableError(
            f"its {DOCUMENT} is not as skae writes it ({type(error).__name__}: {error})."
        ) from error


def _build_fit(cls, fit, reader):
    attributes = {name: reader.decode(value) for name, value in fit["attributes"].items()}
    _check_attributes(cls, attributes)
    recipe = _build_recipe(fit["recipe"], reader)
    trainable, fixed, slots = (
        None if fit[kind] is None else [_check_array(reader.decode(form)) for form in fit[kind]]
        for kind in ("trainable", "fixed", "slots")
    )
    n_code_features = check_whole(fit["n_code_features"], "n_code_features", 1)
    constants = _build_constants(fit["constants"], recipe, reader)
    network = FittedNetwork(recipe, trainable, fixed, n_code_features, constants)
    if recipe.n_features != attributes["n_features_in_"]:
        raise UnusableError(
            f"its network has {recipe.n_features} features, but n_features_in_ is "
            f"{attributes['n_features_in_']}."
        )
    _check_structure(network)
    _check_weights(network, UnusableError)
    _check_slots(slots, trainable)
    seed = check_whole(fit["seed"], "seed", 0, 2**32 - 1)
    return {**attributes, "_network": network, "_slots": slots, "_seed": seed}


def _build_constants(forms, recipe, reader):
    constants = {name: _check_array(reader.decode(form)) for name, form in forms.items()}
    for name, array in constants.items():
        if name not in ("fill", "noise_variance") or array.shape != (recipe.n_features,):
            raise UnusableError(f"the constant {name!r} has shape {array.shape}.")
    return constants


def _build_recipe(form, reader):
    architecture = reader.decode(form["architecture"])
    if not isinstance(architecture, Architecture):
        raise UnusableError(f"its network's architecture is {architecture!r}.")
    for place in ("code_activation", "output_activation"):
        try:
            canonical_activation(form[place])
        except KeyError as error:
            raise UnusableError(f"skae has no activation {form[place]!r}.") from error
    n_components = form["n_components"]
    return Recipe(
        architecture,
        check_whole(form["n_features"], "n_features", 1),
        None if n_components is None else check_whole(n_components, "n_components", 1),
        form["code_activation"],
        form["output_activation"],
        _check_bool(form["draws_code"]),
        _check_bool(form["learns_noise"]),
    )


# Checks


def _check_bool(value):
    if type(value) is not bool:
        raise UnusableError(f"{excerpt(value)} stands in place of true or false.")
    return value


def _check_array(value):
    if not isinstance(value, np.ndarray) or not is_plain(value.dtype):
        raise UnusableError(f"{value!r} stands in place of an array of numbers.")
    return value


def _check_attributes(cls, attributes):
    for name, kind in ATTRIBUTES.items():
        if not isinstance(attributes[name], kind) or isinstance(attributes[name], bool):
            raise UnusableError(f"{name} is {attributes[name]!r}.")
    for name in attributes:
        if not name.isidentifier() or not _is_fitted_name(name) or hasattr(cls, name):
            raise UnusableError(f"{name!r} is no fitted attribute of {cls.__name__}.")
    check_whole(attributes["n_iter_"], "n_iter_", 0)
    check_whole(attributes["n_features_in_"], "n_features_in_", 1)
    history = attributes["history_"]
    if "loss" not in history or not all(isinstance(curve, list) for curve in history.values()):
        raise UnusableError("history_ is not a dict of lists with the key 'loss'.")
    names = attributes.get("feature_names_in_", np.empty(attributes["n_features_in_"], object))
    if not isinstance(names, np.ndarray) or names.shape != (attributes["n_features_in_"],):
        raise UnusableError(f"feature_names_in_ is {names!r}.")


def _check_structure(network):
    """Refuse weights that are not those of the recipe, as far as is known without Keras."""
    recipe = network.recipe
    if recipe.n_components not in (None, network.n_code_features):
        raise UnusableError(
            f"n_code_features is {network.n_code_features}, but n_components is "
            f"{recipe.n_components}."
        )
    architecture = recipe.architecture
    if type(architecture) is not Dense or architecture.normalization or architecture.tied:
        return
    expected = [("float32", shape) for shape in _dense_shapes(recipe)]
    found = [(array.dtype.name, array.shape) for array in network.trainable]
    if len(found) != len(expected) or (network.fixed and not architecture.dropout):
        raise UnusableError(
            f"{recipe.architecture!r} has {len(expected)} arrays of weights, found "
            f"{len(found) + len(network.fixed)}."
        )
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one != other:
            raise UnusableError(
                f"array {number} of the weights of {recipe.architecture!r} should be "
                f"{other[0]} of shape {other[1]}, found {one[0]} of shape {one[1]}."
            )


def _dense_shapes(recipe):
    """Shapes of the weights of a dense network: a matrix and a bias a layer."""
    try:
        widths = whole_numbers(recipe.architecture.hidden_layer_sizes, "hidden_layer_sizes")
    except (TypeError, ValueError) as error:
        raise UnusableError(str(error)) from error
    if recipe.n_components is None:
        raise UnusableError("n_components is None, which dense layers do not allow.")
    half = [recipe.n_features, *widths]
    encoded = recipe.n_components * (2 if recipe.draws_code else 1)
    for sizes in ([*half, encoded], [recipe.n_components, *reversed(half)]):
        for pair in itertools.pairwise(sizes):
            yield from (pair, pair[1:])
    if recipe.learns_noise:
        yield (recipe.n_features,)


def _check_weights(network, error):
    for array in [*network.trainable, *network.fixed]:
        if not np.isfinite(array).all():
            raise error(f"the weights of {network.recipe.architecture!r} are not all finite.")


def _check_slots(slots, weights):
    """Refuse a solver's state whose parts are neither scalars nor shaped like a weight."""
    shapes = {array.shape for array in weights}
    for array in slots or []:
        if array.shape and array.shape not in shapes:
            raise UnusableError(f"the solver's state has an array of shape {array.shape}.")
