"""Digests of values, by content: the same in another process, as keys of programs need not be."""

import hashlib
import types

import numpy as np

from .keys import Unshared, content_key


def content_digest(value):
    """A text that is equal for values that are the same by content, in any process.

    Parameters
    ----------
    value : object
        Compared as by `content_key`: functions and classes of a user by their code.

    Raises
    ------
    TypeError
        If a part of the value has nothing by which another process could tell it.
    """
    return _digest(content_key(value)).hex()


def _digest(key):
    """Digest of a part of a `content_key`, with its type and its length."""
    if isinstance(key, frozenset):
        parts = sorted(map(_digest, key))
    elif isinstance(key, tuple):
        parts = [_digest(part) for part in key]
    elif isinstance(key, types.CodeType):
        parts = [_digest(part) for part in _content_of(key)]
    else:
        parts = [_bytes(key)]
    digest = hashlib.sha256(f"{type(key).__name__} {len(parts)}".encode())
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _bytes(key):
    if isinstance(key, bytes):
        return key
    if isinstance(key, (str, int, float, complex, type(None), type(...), type(NotImplemented))):
        return repr(key).encode()
    if isinstance(key, np.dtype):
        return key.str.encode()
    name, module = getattr(key, "__qualname__", None), getattr(key, "__module__", None)
    if isinstance(key, Unshared) or not isinstance(name, str):
        raise TypeError(f"a {type(key).__name__} cannot be compared with that of another process")
    return f"{module}.{name}".encode()


def _content_of(code):
    """What makes code different from other code; where it stands has been taken out before."""
    return (
        code.co_code,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_exceptiontable,
    )
