"""Every kind of X, to every method of every fitted estimator, and to fit."""

import decimal
import fractions
import re
import time
import warnings

import numpy as np
from scipy import sparse
from sklearn.base import clone

from .subjects import NAMES, USES, bits, data, subject, uses
from .tally import Tally

PROMISE = (
    "the right result, or a ValueError or TypeError that names X, in under 1 s; the same bits "
    "afterwards"
)

SECONDS = 1.0
REFUSED = "refused"


def kinds():
    """Kinds of X by name: what is given, and the rows that it stands for, or REFUSED."""
    X = data()[0][:6]
    rows = X.copy()
    integers = (X * 16).astype(int)

    def with_value(value, dtype=float):
        bad = X.astype(dtype)
        bad[2, 3] = value
        return bad

    given = {
        # The same rows in other clothes
        "float64": X,
        "float32": X.astype(np.float32),
        "float16": X.astype(np.float16),
        "longdouble": X.astype(np.longdouble),
        "big-endian": X.astype(">f8"),
        "big-endian float32": X.astype(">f4"),
        "Fortran order": np.asfortranarray(X),
        "negative strides": X[::-1, ::-1].copy()[::-1, ::-1],
        "strided": np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
        "read-only": read_only(X),
        "not aligned": not_aligned(X),
        "broadcast": np.broadcast_to(X[:1], X.shape),
        "list": X.tolist(),
        "tuple of tuples": tuple(map(tuple, X.tolist())),
        "list of arrays": list(X),
        "object": X.astype(object),
        "decimal": np.array([[decimal.Decimal(value) for value in row] for row in X.tolist()]),
        "fractions": np.array([[fractions.Fraction(value) for value in row] for row in X.tolist()]),
        "integers": integers,
        "int8": integers.astype(np.int8),
        "uint64": integers.astype(np.uint64),
        "boolean": X > 0.5,
        "numbers as text": X.astype(str),
        "matrix": np.asmatrix(X),
        "masked, nothing hidden": np.ma.masked_array(X, np.zeros(X.shape, bool)),
        "subclass": X.view(Subclass),
        "memory view": memoryview(np.ascontiguousarray(X)),
        "csr": sparse.csr_array(X),
        "csc matrix": sparse.csc_matrix(X),
        "coo": sparse.coo_array(X),
        "lil": sparse.lil_array(X),
        "dok": sparse.dok_array(X),
        "bsr": sparse.bsr_array(X),
        "csr with unsorted indices": unsorted(X),
        "csr with stored zeros": stored_zeros(X),
        "duplicate coo": duplicated(X),
        "zeros": np.zeros_like(X),
        "minus zero": -np.zeros_like(X),
        "denormal": np.full_like(X, 5e-324),
        "denormal float32": np.full(X.shape, 1e-45, np.float32),
        "one row": X[:1],
        # What means something else, or nothing
        "1e38": with_value(1e38),
        "1e300": with_value(1e300),
        "largest": with_value(np.finfo(float).max),
        "NaN": with_value(np.nan),
        "infinite": with_value(np.inf),
        "minus infinite": with_value(-np.inf),
        "NaN in float32": with_value(np.nan, np.float32),
        "None inside": with_value(None, object),
        "NaN in objects": with_value(np.nan, object),
        "text inside": with_value("many", object),
        "masked": np.ma.masked_array(X, X > 0.9),
        "text": np.full(X.shape, "a"),
        "bytes": np.full(X.shape, b"a"),
        "complex": X + 1j,
        "dates": np.full(X.shape, "2026-01-01", "datetime64[D]"),
        "durations": np.full(X.shape, np.timedelta64(1, "s")),
        "record": np.zeros(len(X), [(f"f{i}", float) for i in range(X.shape[1])]),
        "1-D": X[0],
        "3-D": X[None],
        "0-D": np.float64(1.0),
        "number": 3,
        "string": "X",
        "None": None,
        "dict": {"a": 1},
        "set": {1.0, 2.0},
        "generator": (row for row in X),
        "function": len,
        "object()": object(),
        "class": float,
        "no rows": X[:0],
        "no columns": X[:, :0],
        "empty list": [],
        "ragged": [[1.0, 2.0], [3.0]],
        "nested": [[[1.0]] * X.shape[1]] * 2,
        "lists in objects": nested_objects(X),
        "wide": np.c_[X, X],
        "narrow": X[:, :3],
        "sparse with NaN": sparse.csr_array(with_value(np.nan)),
        "sparse with infinite": sparse.csr_array(with_value(np.inf)),
        "sparse, narrow": sparse.csr_array(X[:, :3]),
        **frames(X),
    }
    stands_for = {
        "integers": integers, "int8": integers, "uint64": integers, "boolean": X > 0.5,
        "broadcast": np.broadcast_to(X[:1], X.shape), "float16": X.astype(np.float16),
        "zeros": 0 * X, "minus zero": 0 * X, "denormal": 0 * X,
        "denormal float32": np.full(X.shape, 1e-45, np.float32),
        "one row": X[:1],
    }  # fmt: skip
    names = list(given)
    first_bad = names.index("1e38")
    frames_that_count = {"pandas", "pandas, odd index", "pandas Int64", "polars"}
    return {
        name: (
            value,
            stands_for.get(name, rows)
            if names.index(name) < first_bad or name in frames_that_count
            else REFUSED,
        )
        for name, value in given.items()
    }


UNSURE = {
    "1e38", "1e300", "largest", "fractions", "decimal", "numbers as text", "matrix", "memory view",
    "pandas Int64", "pandas, odd index", "pandas, duplicate names", "pandas, other names",
    "pandas, names of numbers", "masked", "pandas, sparse columns", "pandas Series of rows", "set",
    "object", "longdouble", "bytes",
}  # fmt: skip
"""Kinds that may be taken or refused; what is taken must give finite results."""


INFINITE_WHERE_FAR = (
    "reconstruction_error", "score", "explained_variance", "score_samples", "decision_function",
    "feature_scores", "elbo",
)  # fmt: skip
"""Methods whose documented result is infinite for a row that is too far for its reconstruction."""


MISSING = ("NaN", "NaN in float32", "None inside", "NaN in objects", "pandas NA", "polars null")
"""Kinds with missing values, which some estimators take."""


def read_only(X):
    """A copy that cannot be written."""
    copy = X.copy()
    copy.setflags(write=False)
    return copy


def not_aligned(X):
    """The same values at an odd address."""
    memory = np.empty(X.nbytes + 1, np.uint8)[1:]
    array = memory.view(np.float64).reshape(X.shape)
    array[:] = X
    return array


def unsorted(X):
    """A sparse matrix whose indices are in no order."""
    matrix = sparse.csr_array(X)
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[start:end] = matrix.indices[start:end][::-1]
        matrix.data[start:end] = matrix.data[start:end][::-1]
    matrix.has_sorted_indices = False
    return matrix


def stored_zeros(X):
    """A sparse matrix that stores zeros too."""
    n_rows, n_columns = X.shape
    indices = np.tile(np.arange(n_columns), n_rows)
    return sparse.csr_array((X.ravel(), indices, np.arange(n_rows + 1) * n_columns), X.shape)


def duplicated(X):
    """A sparse matrix each of whose values is stored as two halves."""
    row, column = np.nonzero(X)
    halves = np.tile(X[row, column] / 2, 2)
    return sparse.coo_array((halves, (np.tile(row, 2), np.tile(column, 2))), X.shape)


def nested_objects(X):
    """Objects one of which is a list."""
    array = X.astype(object)
    array[0, 0] = [1.0, 2.0]
    return array


class Subclass(np.ndarray):
    """An array of a class of its own."""


def frames(X):
    """Data frames."""
    try:
        import pandas
    except ImportError:
        return {}
    names = [f"x{number}" for number in range(X.shape[1])]
    frame = pandas.DataFrame(X, columns=names)
    with_na = frame.astype("Float64")
    with_na.iloc[2, 3] = pandas.NA
    with_text = frame.astype(object)
    with_text["x3"] = "a"
    given = {
        "pandas": frame,
        "pandas, odd index": frame.set_index(np.arange(len(X))[::-1] * 7),
        "pandas Int64": frame.astype("Float64"),
        "pandas NA": with_na,
        "pandas text": with_text,
        "pandas category": frame.assign(x3=pandas.Categorical(list("aabbcc"))),
        "pandas string": frame.assign(x3=pandas.array(list("aabbcc"), dtype="string")),
        "pandas dates": frame.assign(x3=pandas.Timestamp(0)),
        "pandas, duplicate names": frame.set_axis(["x0", "x0", *names[2:]], axis=1),
        "pandas, other names": frame.set_axis(names[::-1], axis=1),
        "pandas, names of numbers": frame.set_axis(range(X.shape[1]), axis=1),
        "pandas, sparse columns": frame.astype(pandas.SparseDtype(float, 0.0)),
        "pandas Series": frame["x0"],
        "pandas Series of rows": pandas.Series(list(X)),
        "pandas, no rows": frame.iloc[:0],
    }
    try:
        import polars

        given["polars"] = polars.DataFrame(dict(zip(names, X.T, strict=True)))
        given["polars text"] = given["polars"].with_columns(x3=polars.lit("a"))
        given["polars null"] = given["polars"].with_columns(x3=polars.lit(None, polars.Float64))
    except ImportError:
        pass
    return given


def campaign(n_subjects=9, seed=0):
    """Give every kind of X to the methods of the first estimators, and to fit."""
    tally = Tally()
    X, y = data()
    for name in NAMES[:n_subjects]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = subject(name).fit(X, y)
            before = bits(fitted, X)
            for use in uses(fitted):
                for kind, (value, expected) in kinds().items():
                    one_use(fitted, f"{name}.{use}({kind})", use, kind, value, expected, tally)
                if bits(fitted, X) != before:
                    tally.fault("other bits afterwards", f"{name}.{use}")
            for kind, (value, expected) in kinds().items():
                one_fit(name, kind, value, expected, tally)
    return tally


def outcome_of(call):
    """What a call gives, its error, and its seconds."""
    start = time.perf_counter()
    try:
        return call(), None, time.perf_counter() - start
    except Exception as error:
        return None, error, time.perf_counter() - start


def judged_error(error, seconds, case, tally):
    """Whether an error is one that was promised."""
    if not isinstance(error, (ValueError, TypeError)):
        tally.fault("another exception", f"{case}: {error!r}")
    elif not re.search(r"\bX\b", str(error)):
        tally.fault("an error that does not name X", f"{case}: {error!r}")
    elif seconds > SECONDS:
        tally.fault("slow refusal", f"{case}: {seconds:.1f} s")
    else:
        tally.note("refused by name")


def one_use(fitted, case, use, kind, value, expected, tally):
    """Give one kind to one method."""
    tags = fitted.__sklearn_tags__().input_tags
    if (sparse.issparse(value) and not tags.sparse) or (kind in MISSING and tags.allow_nan):
        tally.note("not for this estimator")
        return
    result, error, seconds = outcome_of(lambda: USES[use](fitted, value))
    if error is not None:
        if expected is REFUSED or kind in UNSURE:
            judged_error(error, seconds, case, tally)
        else:
            tally.fault("refused though valid", f"{case}: {error!r}")
    elif expected is REFUSED and kind not in UNSURE:
        tally.fault("taken though invalid", f"{case}: {np.asarray(result).ravel()[:3]}")
    elif expected is REFUSED:
        if kind == "1e38" and use in INFINITE_WHERE_FAR and not np.isnan(result).any():
            tally.note("taken, infinite")
        else:
            check_finite(result, case, tally)
    else:
        right = USES[use](fitted, np.asarray(expected, float))
        given, wanted = np.asarray(result, float), np.asarray(right, float)
        if np.allclose(given, wanted, rtol=1e-2, atol=1e-3, equal_nan=True):
            tally.note("right")
        else:
            tally.fault("a wrong result", case)


def check_finite(result, case, tally):
    """Count a result of what may be taken."""
    try:
        finite = np.isfinite(np.asarray(result, float)).all()
    except (ValueError, TypeError):
        finite = False
    if finite:
        tally.note("taken, finite")
    else:
        tally.fault("taken, not finite", case)


def one_fit(name, kind, value, expected, tally):
    """Fit one kind."""
    n_rows = len(expected) if expected is not REFUSED else 6
    case = f"{name}.fit({kind})"
    estimator = clone(subject(name))
    y = np.arange(n_rows) % 3
    _, error, seconds = outcome_of(lambda: estimator.fit(value, y))
    if error is not None:
        judged_error(error, seconds, case, tally)
        return
    rows = value if expected is REFUSED else expected
    result, error, _ = outcome_of(lambda: USES[uses(estimator)[0]](estimator, rows))
    if error is not None:
        tally.fault("fitted to what it refuses afterwards", f"{case}: {error!r}")
    else:
        check_finite(result, case, tally)
