"""The values of an estimator as JSON and arrays, which `archive` stores.

Numbers, strings, booleans, null and lists stand for
themselves, and an object with one key for all else: ``{"array": 3}`` for ``3.npy``,
``{"tuple": [...]}``, ``{"float": "inf"}``, ``{"numpy": ["float32", 0.5]}``,
``{"strings": [...]}`` for an array of strings, ``{"dict": [[key, value], ...]}``,
``{"label": [type, parts]}`` for a category that is a date, a time or an interval,
``{"object": [class, params]}`` for an architecture, corruption, loss or penalty,
``{"record": [class, fields]}`` for a dataclass of the engine's, and ``{"estimator": {...}}`` for an
estimator, the outermost or one inside another.
"""

import dataclasses
import functools
import math

import numpy as np

from .. import (
    _autoencoders,
    _supervised,
    architectures,
    corruption,
    impute,
    losses,
    outliers,
    penalties,
)
from .._autoencoders._base import BaseAutoencoder
from .._autoencoders._incomplete import NormalModel
from .._autoencoders._linear_start import LinearModel
from .._autoencoders._state import is_fitted_name
from .._data.table import CategoryColumn, EmptyColumn, NumberColumn, Table
from .._engine import FittedNetwork, NormalCode, PointCode, Recipe, SolverState
from .._supervised._head import WithHead
from ..architectures import Architecture
from ..corruption import Corruption
from ..losses import Loss
from ..outliers import NormalDensity
from ..penalties import Penalty
from . import labels
from .checks import check_built_on, check_fit
from .refusal import UnusableError, check_whole, excerpt, is_plain
from .sizes import check_sizes

FOREIGN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What values that skae did not write raise where they are read."""

KEYS = (str, int, float, np.generic)
"""Types of the keys of dicts. Tuples are none: there are many of one hash, which take long."""

LARGEST_INT = 2**64
"""Bound of whole numbers. Beyond, there are any number of one hash."""

MOST_OF_PARAMETERS = 2**21
"""Most numbers in arrays among the parameters."""

MOST_LEVELS_DOWN = 100
"""Most values inside one another."""

PIECES = (Architecture, Corruption, Loss, Penalty)
"""Classes of which a file may hold objects: skae's own, and those a user trusts."""

RECORDS = {
    cls.__name__: cls
    for cls in (
        CategoryColumn,
        EmptyColumn,
        FittedNetwork,
        LinearModel,
        NormalCode,
        NormalDensity,
        NormalModel,
        NumberColumn,
        PointCode,
        Recipe,
        SolverState,
        Table,
    )
}
"""The dataclasses that a fitted estimator consists of, by name."""

COLUMNS = (CategoryColumn, EmptyColumn, NumberColumn)
"""Those that describe columns of a table."""

OF_THE_MACHINE = frozenset({"checkpoint", "devices"})
"""Parameters that name files or devices of a machine, which are not kept."""


def own_estimators():
    """The estimators of skae by name."""
    rooms = _autoencoders, _supervised, impute, outliers
    return {name: getattr(room, name) for room in rooms for name in room.__all__}


def own_pieces():
    """The architectures, corruption processes, losses and penalties of skae by full name."""
    modules = architectures, corruption, losses, penalties
    pieces = [getattr(module, name) for module in modules for name in module.__all__]
    pieces.append(WithHead)
    return {full_name(piece): piece for piece in pieces if piece not in PIECES}


def full_name(cls):
    """Module and name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


class Writer:
    """Turns values into what JSON knows, and gathers the arrays.

    Parameters
    ----------
    owner : str
        Whose values they are, for messages.
    """

    def __init__(self, owner):
        self.owner = owner
        self.arrays = []
        self._depth = self._n_in_parameters = 0
        self._in_parameters = False

    def encode(self, value, name):
        """The JSON form of the value of that name."""
        if value is None or type(value) is bool:
            return value
        if type(value) is int and abs(value) < LARGEST_INT:
            return value
        if isinstance(value, str):  # of any class, whose own __str__ may give something else
            return str.__str__(value)
        if isinstance(value, np.longdouble):
            value = float(value)  # files hold numbers of up to 8 bytes
        if type(value) is float and math.isfinite(value):
            return value
        if self._depth >= MOST_LEVELS_DOWN:
            raise ValueError(
                f"{self.owner} cannot be saved: it holds more than {self._depth} values inside one "
                "another. Pickle keeps any number."
            )
        self._depth += 1
        form = self._encoded(value, name)
        self._depth -= 1
        return form

    def _encoded(self, value, name):
        if type(value) is float:
            return {"float": repr(value)}
        if isinstance(value, np.generic) and is_plain(value.dtype):
            return {"numpy": [value.dtype.name, self.encode(value.item(), name)]}
        if type(value) is np.ndarray and is_plain(value.dtype):
            return self.array(value)
        if type(value) is np.ndarray and value.ndim == 1 and all(isinstance(v, str) for v in value):
            return {"strings": value.tolist()}
        if type(value) is list:
            return [self.encode(item, f"{name}[{i}]") for i, item in enumerate(value)]
        if type(value) is tuple:
            return {"tuple": self.encode(list(value), name)}
        if type(value) is dict and all(isinstance(key, KEYS) for key in value):
            keys = [self.encode(key, f"a key of {name}") for key in value]
            values = [self.encode(item, f"{name}[{key!r}]") for key, item in value.items()]
            return {"dict": list(map(list, zip(keys, values, strict=True)))}
        if isinstance(value, PIECES):
            params = self._params(value.get_params(deep=False), f"{name}__")
            return {"object": [full_name(type(value)), params]}
        if type(value) in RECORDS.values():
            fields = [field.name for field in dataclasses.fields(value)]
            where = f" of the column {value.name!r}" if isinstance(value, COLUMNS) else ""
            encoded = {key: self.encode(getattr(value, key), key + where) for key in fields}
            return {"record": [type(value).__name__, encoded]}
        if (parts := labels.parts_of(value)) is not None:
            encoded = [self.encode(part, name) for part in parts]
            return {"label": [labels.tag_of(value), encoded]}
        if type(value) in own_estimators().values():
            return {"estimator": self.estimator(value)}
        if " of the column " in name:
            raise TypeError(
                f"{self.owner} cannot be saved: among the {name.partition('[')[0]} is {value!r}, "
                "and files hold text, numbers, truth, dates, times, intervals and tuples of such. "
                "Fit anew on text, which astype(str) makes of the column, or pickle the estimator."
            )
        raise TypeError(
            f"{self.owner} cannot be saved: {name} must be None, a number, a string, a list, "
            f"tuple, dict or array of such, an estimator of skae's, an Architecture, a Corruption, "
            f"a Loss or a Penalty, got {value!r}. {self._way_out(name)}"
        )

    def estimator(self, estimator):
        """The JSON form of an estimator."""
        params, attributes = estimator.get_params(deep=False), vars(estimator)
        fitted = {name: value for name, value in attributes.items() if is_fitted_name(name)}
        network = attributes.get("_network")
        if network is not None and not network.is_finite:
            architecture = network.recipe.architecture
            raise ValueError(f"the weights of {architecture!r} are not all finite.")
        params = {name: value for name, value in params.items() if name not in OF_THE_MACHINE}
        outer, self._in_parameters = self._in_parameters, False
        form = {
            "class": type(estimator).__name__,
            "params": self._params(params),
            "output": getattr(estimator, "_sklearn_output_config", {}).get("transform"),
            "fitted": {name: self.encode(value, name) for name, value in fitted.items()} or None,
        }
        self._in_parameters = outer
        return form

    def _params(self, params, prefix=""):
        """The JSON forms of parameters by name."""
        outer, self._in_parameters = self._in_parameters, True
        encoded = {name: self.encode(value, prefix + name) for name, value in params.items()}
        self._in_parameters = outer
        return encoded

    def array(self, array):
        """The reference to an array, which is written beside the document."""
        if not is_plain(array.dtype):
            raise TypeError(f"{self.owner} cannot be saved: it holds a {array.dtype} array.")
        if self._in_parameters:
            self._n_in_parameters += array.size
            if self._n_in_parameters > MOST_OF_PARAMETERS:
                raise ValueError(
                    f"{self.owner} cannot be saved: its parameters hold more than "
                    f"{MOST_OF_PARAMETERS} numbers in arrays. Pickle keeps any number."
                )
        self.arrays.append(array)
        return {"array": len(self.arrays) - 1}

    @staticmethod
    def _way_out(name):
        if name == "random_state":
            return "Set it to an int or None first: set_params(random_state=0)."
        if name == "solver":
            return 'Set it to the name of a solver first: set_params(solver="adam").'
        return "Pickle keeps any object."


class Reader:
    """Turns JSON forms back into values.

    Parameters
    ----------
    arrays : list of ndarray
    trusted : dict of str to class
    archive : Archive, default=None
        Where `arrays` have no numbers yet: what those among the parameters are read from. Then the
        sizes of fitted estimators are checked, and nothing else.
    """

    def __init__(self, arrays, trusted, archive=None):
        self.arrays = arrays
        self.pieces = own_pieces()
        self.trusted = trusted
        self.archive = archive
        self.used = set()
        self._depth = self._n_in_parameters = 0
        self._in_parameters = False

    def decode(self, form):
        """The value of a JSON form."""
        if type(form) is int and not -LARGEST_INT < form < LARGEST_INT:
            raise UnusableError(f"it holds the number {excerpt(form)}.")
        if not isinstance(form, (list, dict)):
            return form
        if self._depth >= MOST_LEVELS_DOWN:
            raise UnusableError(f"it holds more than {self._depth} values inside one another.")
        self._depth += 1
        value = self._decoded(form)
        self._depth -= 1
        return value

    def _decoded(self, form):
        if isinstance(form, list):
            return [self.decode(item) for item in form]
        ((tag, content),) = form.items() if len(form) == 1 else [(None, None)]
        decoder = self._decoders.get(tag)
        if decoder is None:
            raise UnusableError(f"skae writes no value like {excerpt(form)}.")
        try:
            return decoder(self, content)
        except FOREIGN as error:
            raise UnusableError(f"skae writes no value like {excerpt(form)} ({error}).") from error

    def check_all_used(self):
        """Refuse arrays that are part of no value."""
        if unused := sorted(set(range(len(self.arrays))) - self.used):
            raise UnusableError(f"nothing refers to the array {unused[0]}.")

    def _float(self, text):
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[text]

    def _numpy(self, content):
        name, value = content
        dtype = np.dtype({"bool": "bool"}.get(name) or _NUMBER_TYPES[name])
        value = self.decode(value)
        if type(value) not in (bool, int, float):  # an array would be copied
            raise TypeError("not a number")
        if dtype.kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            raise OverflowError(f"{value} is out of bounds for {dtype}")
        return dtype.type(value)

    def _array(self, index):
        check_whole(index, "the number of an array", 0, len(self.arrays) - 1)
        if index in self.used:  # else a small file could ask for any amount of memory
            raise UnusableError(f"it refers to the array {index} twice.")
        self.used.add(index)
        array = self.arrays[index]
        if self._in_parameters:
            self._n_in_parameters += array.size
            if self._n_in_parameters > MOST_OF_PARAMETERS:
                raise UnusableError("its parameters hold too many numbers.")
            return array if self.archive is None else self.archive.read(index)
        return array

    def _params(self, params):
        """Parameters of an object, by name."""
        outer, self._in_parameters = self._in_parameters, True
        decoded = {name: self.decode(value) for name, value in params.items()}
        self._in_parameters = outer
        return decoded

    def _strings(self, values):
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise TypeError("not a list of strings")
        return np.array(values, dtype=object)

    def _tuple(self, values):
        return tuple(self.decode(list(values)))

    def _dict(self, pairs):
        decoded = [(self.decode(key), self.decode(value)) for key, value in pairs]
        if not all(isinstance(key, KEYS) for key, _ in decoded):
            raise TypeError("a key is neither text nor a number")
        return dict(decoded)

    def _label(self, content):
        tag, parts = content
        return labels.made(tag, [self.decode(part) for part in parts])

    def _object(self, content):
        full_name, params = content
        params = self._params(params)
        name = full_name.rpartition(".")[2]
        cls = self.pieces.get(full_name) or self.trusted.get(name)
        if cls is None:
            way_out = f": load(path, trusted=({name},))" if name.isidentifier() else ""
            raise UnusableError(
                f"it needs the class {full_name!r}, which is not skae's own. If you trust that "
                f"class, import it and pass it{way_out}."
            )
        return construct(cls, params)

    def _record(self, content):
        name, fields = content
        cls = RECORDS[name]
        if set(fields) != field_names(cls):
            raise ValueError(f"not the fields of a {name}")
        return cls(**{key: self.decode(value) for key, value in fields.items()})

    def _estimator(self, form):
        cls = own_estimators().get(form["class"])
        outer, self._in_parameters = self._in_parameters, False
        if cls is None:
            raise UnusableError(f"skae has no estimator {excerpt(form['class'])}.")
        if OF_THE_MACHINE & set(form["params"]):  # a stranger shall not choose where a fit writes
            raise UnusableError(f"skae keeps no {' or '.join(sorted(OF_THE_MACHINE))} in a file.")
        estimator = construct(cls, self._params(form["params"]))
        if form["output"] not in (None, "default", "pandas", "polars"):
            raise UnusableError(f"set_output knows no {excerpt(form['output'])}.")
        if form["output"] is not None:
            estimator.set_output(transform=form["output"])
        if form["fitted"] is not None:
            fitted = {name: self.decode(value) for name, value in form["fitted"].items()}
            if self.archive is not None:
                check_sizes(cls, fitted)
            elif issubclass(cls, BaseAutoencoder):
                check_fit(cls, fitted)
            else:
                check_built_on(cls, fitted)
            vars(estimator).update(fitted)
        self._in_parameters = outer
        return estimator

    _decoders = {
        "float": _float,
        "numpy": _numpy,
        "array": _array,
        "strings": _strings,
        "tuple": _tuple,
        "dict": _dict,
        "label": _label,
        "object": _object,
        "record": _record,
        "estimator": _estimator,
    }


_NUMBER_TYPES = {
    np.dtype(code).name: code for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
} | {np.dtype(code).name: code for code in ("f2", "f4", "f8")}


@functools.cache
def field_names(cls):
    """Names of the fields of a dataclass."""
    return frozenset(field.name for field in dataclasses.fields(cls))


@functools.lru_cache(maxsize=128)
def parameter_names(cls):
    """Names of the parameters of a class, which takes scikit-learn long to find."""
    return frozenset(cls._get_param_names())


def construct(cls, params):
    """An object of a class from its parameters, all of which the class must know."""
    unknown = sorted(set(params) - parameter_names(cls))
    if unknown:
        raise UnusableError(
            f"{cls.__name__} has no parameter {excerpt(unknown[0])} in this version of skae."
        )
    return cls(**params)
