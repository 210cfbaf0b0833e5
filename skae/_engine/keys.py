"""Keys of values: equal only if the values are the same by content.

A compiled program is cached under a key and serves every value with that key, so two values may
have equal keys only if they make the same program. Neither ``==`` nor identity tells that:
``1 == True == 1.0``, a `repr` shortens arrays, and a function or an object stays the same one when
an attribute, a closure or a global that it uses changes. So a value is walked instead, down to the
byte code of the functions that a user wrote. A key that is too fine costs one more compilation; a
key that is too coarse runs the wrong program. In doubt, keys differ.
"""

import copyreg
import dis
import functools
import hashlib
import importlib.util
import itertools
import re
import sys
import types
from collections import Counter, deque
from typing import NamedTuple

import numpy as np

OWN_PACKAGES = frozenset({"skae", "keras", "jax", "jaxlib", "numpy", "scipy", "sklearn"})
"""Packages whose functions and classes, like Python's, do not count as a user's."""

MAX_CONTAINERS = 100_000
"""How many lists, arrays etc. a key may describe; each takes about 5 microseconds."""

_ATOMS = (str, bytes, type(None), type(...), type(NotImplemented))
"""Types of values that are their own key."""

_PARTS = {
    types.MethodType: ("__func__", "__self__"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
    functools.partial: ("func", "args", "keywords", "__dict__"),
}
"""Attributes that are the whole content of a value of exactly that type."""

# fmt: off
_NOT_CONTENT = frozenset({
    "__module__", "__doc__", "__dict__", "__weakref__", "__firstlineno__", "__static_attributes__",
    "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "_abc_impl",
    "__orig_bases__", "__parameters__", "__type_params__",
})
# fmt: on
"""Attributes of a class that say where it stands, or serve Python itself and type checkers."""

_READS_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")

_TAKES_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR")

_REARRANGES = ("SWAP", "POP_TOP", "ROT_TWO")
"""Steps between ``import a.b as c`` and the storing of its name."""

_IMMUTABLE_TYPE = 1 << 8
"""CPython's flag of classes that are written in C and whose attributes cannot be set."""


class Unshared:
    """A key that is equal to itself alone."""


class UserCode(NamedTuple):
    """Key of a function or class that is neither Python's nor of `OWN_PACKAGES`."""

    content: tuple


def content_key(value):
    """A hashable value, equal for values that are the same by content.

    Parameters
    ----------
    value : object
        Numbers are told apart by type. Arrays, lists, dicts and sets are compared by their items,
        dicts with their order, in which a network may be built. Functions are compared by code,
        defaults, closure and the globals that they read; a user's classes by their attributes and
        bases; functions and classes of installed packages by identity; other objects by their
        class and attributes, or by what pickle would store of them where C hides their state.

    Returns
    -------
    key : hashable
        An `Unshared` if some part of the value cannot be read: a generator, a lock, an open file.
    """
    try:
        return _Walk().whole(value)
    except Exception:  # raised by a user's method, by pickle, or since lists nest too deeply
        return Unshared()


def is_own(key):
    """Whether no function or class of a user took part in a key, or in a tuple of keys."""
    if isinstance(key, (UserCode, Unshared)):
        return False
    if isinstance(key, (tuple, frozenset)):
        return all(map(is_own, key))
    return _is_own_module(getattr(key, "__module__", "builtins"))


class _Walk:
    """One way through a value.

    An object, function or class is named by its place in the order in which they are met, and
    described after what refers to it. So those that refer to each other are described once each,
    and a long chain of them needs no deep recursion. Containers are described where they stand:
    whether two equal lists are the same list is not content.
    """

    def __init__(self, places=(), numbers=None):
        self.places = dict(places)
        self.numbers = numbers or itertools.count()
        self.undescribed = deque()
        self.path = {}

    def whole(self, value):
        """Key of a value and of all that it refers to."""
        keys = [self.key(value)]
        while self.undescribed:
            keys.append(self.description(self.undescribed.popleft()))
        return tuple(keys)

    def key(self, value):
        """Key of a value in which functions and objects are named by their places."""
        cls = type(value)
        if cls in _ATOMS:
            return value
        if cls in (bool, int, float, complex):
            return cls, repr(value)  # the same for every NaN, but not for 0.0 and -0.0
        if isinstance(value, np.generic):
            is_nan = isinstance(value, np.floating) and np.isnan(value)
            return cls, value.dtype, "nan" if is_nan else value.tobytes()
        if isinstance(value, np.dtype):
            return np.dtype, value
        if _has_installed_name(value):
            return value
        if cls in _PARTS:
            return cls, *(self.key(getattr(value, name)) for name in _PARTS[cls])
        return self.container(value) if cls in _CONTENT else self.place(value)

    def container(self, value):
        if id(value) in self.path:
            return "inside", self.path[id(value)]
        if next(self.numbers) == MAX_CONTAINERS:
            raise ValueError(f"more than {MAX_CONTAINERS} containers")
        self.path[id(value)] = len(self.path)
        content = _CONTENT[type(value)](self, value)
        del self.path[id(value)]
        return type(value), content

    def place(self, value):
        if id(value) not in self.places:
            # The value is held, so that no other one gets its id.
            self.places[id(value)] = len(self.places), value
            self.undescribed.append(value)
        return "place", self.places[id(value)][0]

    def description(self, value):
        cls = type(value)
        if isinstance(value, type):
            return self.class_(value)
        if cls is types.FunctionType:
            return self.function(value)
        if isinstance(value, types.ModuleType) and not _is_user_module(value):
            return types.ModuleType, value.__name__
        if _is_tensor(cls):
            return self.key(cls), self.array(value), getattr(value, "weak_type", None)
        return self.object(value)

    def class_(self, cls):
        attributes = {name: vars(cls)[name] for name in vars(cls) if name not in _NOT_CONTENT}
        kind, bases = self.key(type(cls)), self.sequence(cls.__bases__)
        return _tagged(cls.__module__, (type, cls.__name__, kind, bases, self.items(attributes)))

    def function(self, function):
        module = function.__globals__.get("__name__")
        defaults = self.key(function.__defaults__), self.key(function.__kwdefaults__)
        cells = self.sequence(cell.cell_contents for cell in function.__closure__ or ())
        read = {} if _is_installed(module) else _read_globals(function)
        parts = defaults, cells, self.items(read), self.items(vars(function))
        return _tagged(module, (types.FunctionType, _code_parts(function.__code__).plain, *parts))

    def object(self, value):
        """An instance: its class, its content if it is a list, array ..., and its attributes."""
        cls = type(value)
        if cls is np.memmap:  # which joblib makes of large arrays; its own state is the open file
            return np.ndarray, self.array(value)
        if _package(cls.__module__) == "keras" and cls.__name__ == "Tracker":
            return cls  # Keras's list of the ids of a layer's parts, which are described anyway
        base = next(base for base in _CONTENT if isinstance(value, base))
        if _hides_state(cls, base) or (base is object and _is_pickled_by_library(cls)):
            return self.pickled(value)
        return self.key(cls), _CONTENT[base](self, value), self.items(_attributes(value))

    def pickled(self, value):
        """What pickle would store of an instance of a library's class."""
        cls = type(value)
        if not _has_installed_name(cls):
            raise TypeError(f"a {cls.__name__} has state that only its class can read")
        if hasattr(value, "__wrapped__"):  # the results of jax.jit and functools.lru_cache
            return value, self.key(value.__wrapped__)
        parts = copyreg.dispatch_table.get(cls, lambda value: value.__reduce_ex__(4))(value)
        if isinstance(parts, str):
            raise TypeError(f"a {cls.__name__} is pickled by its name")
        # The iterators that pickle takes items from may be described by the value itself.
        return cls, self.sequence(parts[:3]), *(self.sequence(part or ()) for part in parts[3:5])

    def sequence(self, values):
        return tuple(map(self.key, values))

    def pairs(self, mapping):
        return tuple((self.key(name), self.key(value)) for name, value in list(mapping.items()))

    def items(self, attributes):
        """Attributes by name, in whatever order they were set."""
        return tuple((name, self.key(attributes[name])) for name in sorted(attributes))

    def unordered(self, values):
        """Items of a set, each walked from the same place, as their order is arbitrary."""
        keys = (_Walk(self.places, self.numbers).whole(value) for value in values)
        return frozenset(Counter(keys).items())

    def scalar(self, value):
        return self.sequence(value.__getnewargs__())  # the value as the builtin type

    def array(self, value):
        # __array__ is called by hand, as NumPy warns that Keras's has no argument `copy`.
        value = np.asarray(value if isinstance(value, np.ndarray) else value.__array__())
        if value.dtype.hasobject:
            return value.dtype, value.shape, self.sequence(value.ravel().tolist())
        flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        return value.dtype, value.shape, hashlib.sha256(flat).digest()


_CONTENT = {
    **dict.fromkeys((list, tuple), _Walk.sequence),
    **dict.fromkeys((dict, types.MappingProxyType), _Walk.pairs),
    **dict.fromkeys((set, frozenset), _Walk.unordered),
    **dict.fromkeys((int, float, complex, str, bytes), _Walk.scalar),
    np.ndarray: _Walk.array,
    object: lambda walk, value: None,
}
"""How to walk what an instance of a type, or of a subclass, holds beside its attributes."""


# Functions


class _CodeParts(NamedTuple):
    """What makes code different from other code.

    Parameters
    ----------
    plain : code
        Without its names and lines.
    read : frozenset of str
        Names of globals that it reads, and of modules that it imports; a relative import has its
        dots in front.
    attributes : frozenset of str
        Names of attributes.
    bare : frozenset of str
        Names of globals, modules and attributes of which more is used than their attributes.
    """

    plain: types.CodeType
    read: frozenset
    attributes: frozenset
    bare: frozenset


@functools.lru_cache(maxsize=1024)
def _code_parts(code):
    """The parts of code, with those of the functions inside it."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    read = {step.argval for step in steps if step.opname in _READS_GLOBAL}
    read |= _imported(steps)
    attributes, bare = set(code.co_names), _loaded_bare(steps, code)
    consts = list(code.co_consts)
    for number, const in enumerate(consts):
        if isinstance(const, types.CodeType):
            inner = _code_parts(const)
            consts[number] = inner.plain
            read, attributes, bare = (
                read | inner.read,
                attributes | inner.attributes,
                bare | inner.bare,
            )
    bare |= {imported for imported, name in _bound_imports(steps) if name in bare}
    nowhere = {"co_filename": "", "co_firstlineno": 1, "co_linetable": b""}
    plain = code.replace(co_name="", co_qualname="", co_consts=tuple(consts), **nowhere)
    return _CodeParts(plain, frozenset(read), frozenset(attributes), frozenset(bare))


def _imported(steps):
    """Names of the modules that code imports, and of the packages that hold them."""
    names = set()
    for number, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            name = "." * steps[number - 2].argval + step.argval  # the level is loaded before
            names.add(name)
            while not name.startswith(".") and "." in name:
                name = name.rpartition(".")[0]
                names.add(name)
    return names


def _loaded_bare(steps, code):
    """Names that code loads without reading an attribute of the value at once."""
    cells, bare = {*code.co_cellvars, *code.co_freevars}, set()
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if "LOAD" not in step.opname or step.opname == "LOAD_CONST":
            continue
        # Some versions of Python load two names, or store one and load another, in one step.
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        names = names[1:] if step.opname.startswith("STORE") else names
        if following is not None and following.opname in _TAKES_ATTRIBUTE:
            names = names[:-1]
        # A cell that is handed to a function inside is read there.
        hands_on = step.opname.startswith(("LOAD_FAST", "LOAD_CLOSURE"))
        bare |= {name for name in names if not (hands_on and name in cells)}
    return bare


def _bound_imports(steps):
    """Pairs of what code imports and the name that it gives it."""
    for number, step in enumerate(steps):
        if step.opname in ("IMPORT_NAME", "IMPORT_FROM"):
            rest = (later for later in steps[number + 1 :] if later.opname not in _REARRANGES)
            following = next(rest)
            if following.opname.startswith("STORE"):
                name = following.argval
                yield step.argval, name[0] if isinstance(name, tuple) else name


def _read_globals(function):
    """Globals that a function and those inside it read, by name.

    Of a user's modules, which are too large to describe, only those attributes are taken whose
    names the code has.

    Raises
    ------
    TypeError
        If code hands on such a module, so that what is read of it cannot be known.
    """
    code, known = _code_parts(function.__code__), function.__globals__
    names = sorted(name for name in code.read if not name.startswith("."))
    modules = {*names, *_absolute(code.read - {*names}, known)} & sys.modules.keys()
    unread = {name: sys.modules[name] for name in sorted(modules)}
    unread = {name: module for name, module in unread.items() if _is_user_module(module)}
    unread |= {name: known[name] for name in names if name in known}
    read, seen = {}, set()
    while unread:
        name, value = unread.popitem()
        if not _is_user_module(value):
            read[name] = value
            continue
        if code.bare & {name, name.rpartition(".")[2]}:
            raise TypeError(f"the module {name} is handed on")
        read[name] = value.__name__
        if value.__name__ not in seen:
            seen.add(value.__name__)
            inside = sorted(code.attributes & vars(value).keys())
            unread |= {f"{name}.{attribute}": vars(value)[attribute] for attribute in inside}
    return read


def _absolute(names, known):
    """Names of modules that are imported relative to the package of a function with globals."""
    package = known.get("__package__") or known.get("__name__", "").rpartition(".")[0]
    return {importlib.util.resolve_name(name, package) for name in names}


# Objects


def _attributes(value):
    """Values of an object's `__dict__` and `__slots__` by name."""
    cls = type(value)
    attributes = dict(getattr(value, "__dict__", ()))
    attributes |= {name: getattr(value, name) for name in _slots(cls) if hasattr(value, name)}
    if _package(cls.__module__) == "keras" and "_init_seed" in attributes:
        attributes.pop("seed", None)  # drawn where none was given; skae hands down its own
    return attributes


def _slots(cls):
    homes = [vars(base) for base in cls.__mro__ if "__slots__" in vars(base)]
    kind = types.MemberDescriptorType
    return [name for home in homes for name in home if isinstance(home[name], kind)]


def _hides_state(cls, base):
    """Whether instances have memory beside that of `base`, `__dict__` and `__slots__`.

    Pickle compares the same sizes before it takes an object by its attributes.
    """

    def pointers(cls):  # negative offsets are those of a dict or list that is kept elsewhere
        return (cls.__dictoffset__ not in (0, -1)) + (cls.__weakrefoffset__ > 0)

    n_pointers = len(_slots(cls)) + pointers(cls) - pointers(base)
    size = base.__basicsize__ + n_pointers * tuple.__itemsize__
    return cls.__basicsize__ > size or cls.__itemsize__ != base.__itemsize__


def _is_pickled_by_library(cls):
    """Whether a library's class tells pickle what to store; Keras's layers would save a file."""
    hooks = ("__reduce__", "__reduce_ex__", "__getstate__")
    own = any(getattr(cls, name) is not getattr(object, name) for name in hooks)
    return own and _has_installed_name(cls) and _package(cls.__module__) != "keras"


def _is_tensor(cls):
    """Whether a class is that of JAX's arrays or Keras's variables."""
    known = _package(cls.__module__) in ("jax", "jaxlib", "keras") and cls.__name__ != "KerasTensor"
    return known and hasattr(cls, "__array__")


# Modules


def _tagged(module, content):
    return content if _is_own_module(module) else UserCode(content)


def _has_installed_name(value):
    """Whether `value` is what an installed module has under its name, or a class written in C."""
    if isinstance(value, type) and value.__flags__ & _IMMUTABLE_TYPE:
        return True
    if isinstance(value, np.ufunc):  # not all have a module
        homes = [sys.modules.get(module) for module in ("numpy", "scipy.special._ufuncs")]
        return any(getattr(home, value.__name__, None) is value for home in homes)
    name, module = getattr(value, "__qualname__", None), getattr(value, "__module__", None)
    if not (isinstance(name, str) and isinstance(module, str) and _is_installed(module)):
        return False
    return value is functools.reduce(
        lambda found, part: getattr(found, part, None), name.split("."), sys.modules.get(module)
    )


def _package(module):
    return module.partition(".")[0] if isinstance(module, str) else None


def _is_own_module(module):
    """Whether a module, by name, is one of `OWN_PACKAGES` or of Python."""
    package = _package(module)
    is_python = package in sys.stdlib_module_names and _is_installed(module)
    return package in OWN_PACKAGES or is_python


def _is_installed(module):
    """Whether a module, by name, is of Python, skae or another installed package."""
    if _package(module) in OWN_PACKAGES:  # from a working copy too
        return True
    if module not in sys.modules or module == "__main__":
        return False
    return _is_installed_file(_package(module), getattr(sys.modules[module], "__file__", None))


@functools.lru_cache(maxsize=4096)
def _is_installed_file(package, file):
    is_python = package in sys.stdlib_module_names
    if file is None:
        return is_python
    in_packages = re.search(r"[\\/](site|dist)-packages[\\/]", file) is not None
    return in_packages or (is_python and file.startswith(sys.base_prefix))


def _is_user_module(value):
    return isinstance(value, types.ModuleType) and not _is_installed(value.__name__)
