"""Files of estimators that hold data and no code.

A file is a zip archive of ``skae.json``, which describes the estimator, and of ``0.npy``,
``1.npy``, ... , which hold its arrays; all stored uncompressed. Any tool that knows zip, JSON and
NumPy's format can read it. In the JSON, numbers, strings, booleans, null and lists stand for
themselves, and an object with one key for what JSON lacks: ``{"array": 3}`` for ``3.npy``,
``{"tuple": [...]}``, ``{"float": "inf"}``, ``{"numpy": ["float32", 0.5]}``,
``{"strings": [...]}`` for an array of strings, ``{"dict": [[key, value], ...]}``, and
``{"object": [class, params]}``.
"""

import io
import itertools
import json
import math
import os
import secrets
import struct
import tokenize
import zipfile
import zlib
from contextlib import suppress

import numpy as np

from . import architectures, corruption
from ._base import BaseAutoencoder, _is_fitted_name
from ._engine import FittedNetwork, Recipe, canonical_activation
from .architectures import Architecture, Dense, whole_numbers
from .corruption import Corruption

__all__ = ["LoadError", "load", "save"]

FORMAT = 1
"""Version of the files; a file of another one is refused."""

DOCUMENT = "skae.json"

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)
"""What the readers of zip, JSON and NumPy's format raise on what is not of that format."""

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


class _UnusableError(Exception):
    """What is wrong with a file; `load` adds its name."""


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
    writer = _Writer(type(estimator).__name__)
    document = json.dumps(_describe(estimator, writer), allow_nan=False, indent=1)
    _write(path, document, writer.arrays)


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
        document, arrays = _parse(content)
        return _build(document, _Reader(arrays, trusted))
    except _UnusableError as error:
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


def _own_pieces():
    """The architectures and corruption processes of skae by full name."""
    pieces = [
        getattr(module, name) for module in (architectures, corruption) for name in module.__all__
    ]
    return {_full_name(piece): piece for piece in pieces if piece not in (Architecture, Corruption)}


def _full_name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


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


# Values


class _Writer:
    """Turns values into what JSON knows, and gathers the arrays.

    Parameters
    ----------
    owner : str
        Whose values they are, for messages.
    """

    def __init__(self, owner):
        self.owner = owner
        self.arrays = []

    def encode(self, value, name):
        """The JSON form of the value of that name."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, np.generic) and _is_plain(value.dtype):
            return {"numpy": [value.dtype.name, self.encode(value.item(), name)]}
        if type(value) is np.ndarray and _is_plain(value.dtype):
            return self.array(value)
        if type(value) is np.ndarray and value.ndim == 1 and all(type(v) is str for v in value):
            return {"strings": value.tolist()}
        if type(value) in (list, tuple):
            items = [self.encode(item, f"{name}[{i}]") for i, item in enumerate(value)]
            return items if type(value) is list else {"tuple": items}
        if type(value) is dict:
            keys = [self.encode(key, f"a key of {name}") for key in value]
            values = [self.encode(item, f"{name}[{key!r}]") for key, item in value.items()]
            return {"dict": list(map(list, zip(keys, values, strict=True)))}
        if isinstance(value, (Architecture, Corruption)):
            params = value.get_params(deep=False).items()
            encoded = {key: self.encode(item, f"{name}__{key}") for key, item in params}
            return {"object": [_full_name(type(value)), encoded]}
        raise TypeError(
            f"{self.owner} cannot be saved: {name} must be None, a number, a string, a list, "
            f"tuple, dict or array of such, an Architecture or a Corruption, got {value!r}. "
            f"{self._way_out(name)}"
        )

    def array(self, array):
        """The reference to an array, which is written beside the document."""
        if not _is_plain(array.dtype):
            raise TypeError(f"{self.owner} cannot be saved: it holds a {array.dtype} array.")
        self.arrays.append(array)
        return {"array": len(self.arrays) - 1}

    @staticmethod
    def _way_out(name):
        if name == "random_state":
            return "Set it to an int or None first: set_params(random_state=0)."
        if name == "solver":
            return 'Set it to the name of a solver first: set_params(solver="adam").'
        return "Pickle keeps any object."


def _is_plain(dtype):
    return dtype.kind in "biuf" and dtype.itemsize <= 8


class _Reader:
    """Turns JSON forms back into values.

    Parameters
    ----------
    arrays : list of ndarray
    trusted : dict of str to class
    """

    def __init__(self, arrays, trusted):
        self.arrays = arrays
        self.classes = _own_pieces()
        self.trusted = trusted

    def decode(self, form):
        """The value of a JSON form."""
        if isinstance(form, list):
            return [self.decode(item) for item in form]
        if not isinstance(form, dict):
            return form
        ((tag, content),) = form.items() if len(form) == 1 else [(None, None)]
        decoder = self._decoders.get(tag)
        if decoder is None:
            raise _UnusableError(f"skae writes no value like {_excerpt(form)}.")
        try:
            return decoder(self, content)
        except (
            AttributeError,
            IndexError,
            KeyError,
            OverflowError,
            TypeError,
            ValueError,
        ) as error:
            raise _UnusableError(
                f"skae writes no value like {_excerpt(form)} ({error})."
            ) from error

    def _float(self, text):
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[text]

    def _numpy(self, content):
        name, value = content
        dtype = np.dtype({"bool": "bool"}.get(name) or _NUMBER_TYPES[name])
        value = self.decode(value)
        if dtype.kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            raise OverflowError(f"{value} is out of bounds for {dtype}")
        return dtype.type(value)

    def _array(self, index):
        return self.arrays[_check_whole(index, "the number of an array", 0)]

    def _strings(self, values):
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise TypeError("not a list of strings")
        return np.array(values, dtype=object)

    def _tuple(self, values):
        return tuple(self.decode(list(values)))

    def _dict(self, pairs):
        return {self.decode(key): self.decode(value) for key, value in pairs}

    def _object(self, content):
        full_name, params = content
        params = {name: self.decode(value) for name, value in params.items()}
        name = full_name.rpartition(".")[2]
        cls = self.classes.get(full_name) or self.trusted.get(name)
        if cls is None:
            raise _UnusableError(
                f"it needs the class {full_name!r}, which is not skae's own. If you trust that "
                f"class, import it and pass it: load(path, trusted=({name},))."
            )
        return _construct(cls, params)

    _decoders = {
        "float": _float,
        "numpy": _numpy,
        "array": _array,
        "strings": _strings,
        "tuple": _tuple,
        "dict": _dict,
        "object": _object,
    }


_NUMBER_TYPES = {
    np.dtype(code).name: code for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
} | {np.dtype(code).name: code for code in ("f2", "f4", "f8")}


def _construct(cls, params):
    """An object of a class from its parameters, all of which the class must know."""
    unknown = sorted(set(params) - set(cls._get_param_names()))
    if unknown:
        raise _UnusableError(
            f"{cls.__name__} has no parameter {unknown[0]!r} in this version of skae."
        )
    return cls(**params)


def _excerpt(form):
    text = json.dumps(form)
    return text if len(text) <= 60 else text[:57] + "..."


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
            raise _UnusableError(f"skae has no estimator {_excerpt(document['estimator'])}.")
        params = {name: reader.decode(value) for name, value in document["params"].items()}
        estimator = _construct(cls, params)
        if document["output"] not in (None, "default", "pandas", "polars"):
            raise _UnusableError(f"set_output knows no {_excerpt(document['output'])}.")
        estimator.set_output(transform=document["output"])
        if document["fitted"] is not None:
            vars(estimator).update(_build_fit(cls, document["fitted"], reader))
        return estimator
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise _UnusableError(
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
    n_code_features = _check_whole(fit["n_code_features"], "n_code_features", 1)
    constants = _build_constants(fit["constants"], recipe, reader)
    network = FittedNetwork(recipe, trainable, fixed, n_code_features, constants)
    if recipe.n_features != attributes["n_features_in_"]:
        raise _UnusableError(
            f"its network has {recipe.n_features} features, but n_features_in_ is "
            f"{attributes['n_features_in_']}."
        )
    _check_structure(network)
    _check_weights(network, _UnusableError)
    _check_slots(slots, trainable)
    seed = _check_whole(fit["seed"], "seed", 0, 2**32 - 1)
    return {**attributes, "_network": network, "_slots": slots, "_seed": seed}


def _build_constants(forms, recipe, reader):
    constants = {name: _check_array(reader.decode(form)) for name, form in forms.items()}
    for name, array in constants.items():
        if name not in ("fill", "noise_variance") or array.shape != (recipe.n_features,):
            raise _UnusableError(f"the constant {name!r} has shape {array.shape}.")
    return constants


def _build_recipe(form, reader):
    architecture = reader.decode(form["architecture"])
    if not isinstance(architecture, Architecture):
        raise _UnusableError(f"its network's architecture is {architecture!r}.")
    for place in ("code_activation", "output_activation"):
        try:
            canonical_activation(form[place])
        except KeyError as error:
            raise _UnusableError(f"skae has no activation {form[place]!r}.") from error
    n_components = form["n_components"]
    return Recipe(
        architecture,
        _check_whole(form["n_features"], "n_features", 1),
        None if n_components is None else _check_whole(n_components, "n_components", 1),
        form["code_activation"],
        form["output_activation"],
        _check_bool(form["draws_code"]),
        _check_bool(form["learns_noise"]),
    )


# Checks


def _check_whole(value, name, low, high=math.inf):
    if type(value) is not int or not low <= value <= high:
        raise _UnusableError(f"{name} is {_excerpt(value)}.")
    return value


def _check_bool(value):
    if type(value) is not bool:
        raise _UnusableError(f"{_excerpt(value)} stands in place of true or false.")
    return value


def _check_array(value):
    if not isinstance(value, np.ndarray) or not _is_plain(value.dtype):
        raise _UnusableError(f"{value!r} stands in place of an array of numbers.")
    return value


def _check_attributes(cls, attributes):
    for name, kind in ATTRIBUTES.items():
        if not isinstance(attributes[name], kind) or isinstance(attributes[name], bool):
            raise _UnusableError(f"{name} is {attributes[name]!r}.")
    for name in attributes:
        if not name.isidentifier() or not _is_fitted_name(name) or hasattr(cls, name):
            raise _UnusableError(f"{name!r} is no fitted attribute of {cls.__name__}.")
    _check_whole(attributes["n_iter_"], "n_iter_", 0)
    _check_whole(attributes["n_features_in_"], "n_features_in_", 1)
    history = attributes["history_"]
    if "loss" not in history or not all(isinstance(curve, list) for curve in history.values()):
        raise _UnusableError("history_ is not a dict of lists with the key 'loss'.")
    names = attributes.get("feature_names_in_", np.empty(attributes["n_features_in_"], object))
    if not isinstance(names, np.ndarray) or names.shape != (attributes["n_features_in_"],):
        raise _UnusableError(f"feature_names_in_ is {names!r}.")


def _check_structure(network):
    """Refuse weights that are not those of the recipe, as far as is known without Keras."""
    recipe = network.recipe
    if recipe.n_components not in (None, network.n_code_features):
        raise _UnusableError(
            f"n_code_features is {network.n_code_features}, but n_components is "
            f"{recipe.n_components}."
        )
    architecture = recipe.architecture
    if type(architecture) is not Dense or architecture.normalization or architecture.tied:
        return
    expected = [("float32", shape) for shape in _dense_shapes(recipe)]
    found = [(array.dtype.name, array.shape) for array in network.trainable]
    if len(found) != len(expected) or (network.fixed and not architecture.dropout):
        raise _UnusableError(
            f"{recipe.architecture!r} has {len(expected)} arrays of weights, found "
            f"{len(found) + len(network.fixed)}."
        )
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one != other:
            raise _UnusableError(
                f"array {number} of the weights of {recipe.architecture!r} should be "
                f"{other[0]} of shape {other[1]}, found {one[0]} of shape {one[1]}."
            )


def _dense_shapes(recipe):
    """Shapes of the weights of a dense network: a matrix and a bias a layer."""
    try:
        widths = whole_numbers(recipe.architecture.hidden_layer_sizes, "hidden_layer_sizes")
    except (TypeError, ValueError) as error:
        raise _UnusableError(str(error)) from error
    if recipe.n_components is None:
        raise _UnusableError("n_components is None, which dense layers do not allow.")
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
            raise _UnusableError(f"the solver's state has an array of shape {array.shape}.")


# The file


def _write(path, document, arrays):
    """Write a file under another name, and rename it when it is on the disk."""
    temporary = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.skae-part")
    try:
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                with archive.open(_member(DOCUMENT), "w") as member:
                    member.write(document.encode())
                for number, array in enumerate(arrays):
                    large = array.nbytes > 2**30
                    with archive.open(_member(f"{number}.npy"), "w", force_zip64=large) as member:
                        np.lib.format.write_array(member, array, (1, 0), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _member(name):
    """A member of the archive whose date is always the same, as are then the file's bytes."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _parse(content):
    """The document and the arrays in the bytes of a file."""
    if not content.startswith(b"PK"):
        raise _UnusableError(f"it is not a zip file, but starts with {content[:8]!r}.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            n_arrays = _check_members(archive.infolist(), len(content))
            document = json.loads(archive.read(DOCUMENT), parse_constant=_refuse_constant)
            _check_version(document)
            arrays = [_read_array(archive, f"{number}.npy") for number in range(n_arrays)]
    except DAMAGE as error:
        raise _UnusableError(f"it is damaged or incomplete ({error}).") from error
    return document, arrays


def _check_members(members, size):
    """The number of arrays in the archive, which holds them, the document, and nothing else."""
    names = [member.filename for member in members]
    expected = [DOCUMENT, *(f"{number}.npy" for number in range(len(names) - 1))]
    if missing := [name for name in expected if name not in names]:
        other = sorted(set(names) - set(expected))
        raise _UnusableError(f"the member {missing[0]!r} is missing; others found: {other}.")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise _UnusableError("its members are compressed, which skae's are not.")
    if sum(member.file_size for member in members) > size:
        raise _UnusableError("its members overlap.")
    return len(names) - 1


def _check_version(document):
    version = document.get("format") if isinstance(document, dict) else None
    if type(version) is not int or version != FORMAT:
        writer = document.get("skae") if isinstance(document, dict) else None
        raise _UnusableError(
            f"it has format version {_excerpt(version)}, written by skae {_excerpt(writer)}; this "
            f"skae reads version {FORMAT}."
        )


def _refuse_constant(name):
    raise ValueError(f"{name} in {DOCUMENT}")


def _read_array(archive, name):
    """An array of numbers whose size is checked before memory is taken."""
    content = io.BytesIO(archive.read(name))
    if np.lib.format.read_magic(content) != (1, 0):
        raise _UnusableError(f"{name!r} is not an array in NumPy's format 1.0.")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    n_bytes = content.getbuffer().nbytes - content.tell()
    if not _is_plain(dtype) or math.prod(shape) * dtype.itemsize != n_bytes:
        raise _UnusableError(f"{name!r} says {dtype} of shape {shape}, but holds {n_bytes} bytes.")
    content.seek(0)
    array = np.lib.format.read_array(content, allow_pickle=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
