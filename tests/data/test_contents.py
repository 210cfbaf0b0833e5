"""What the columns of a table may hold, what is refused, and what is warned of."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from cases import slow_but

from skae import AutoencoderImputer, AutoencoderTransformer
from skae._data import contents, frames
from skae._data.table import table_of
from skae.corruption import SwapNoise

N_ROWS = 30


def contents_of(X, **params):
    return contents.asked_contents(AutoencoderTransformer(**params), X)


def refused(X, match, kind=(TypeError, ValueError), **params):
    """Whether a fit, which must leave nothing behind, refuses X."""
    estimator = AutoencoderTransformer(1, max_iter=1, **params)
    with pytest.raises(kind, match=match):
        estimator.fit(X)
    assert not hasattr(estimator, "n_features_in_")


def with_column(values, library=pd, **columns):
    columns = {"number": np.linspace(-1, 1, N_ROWS) ** 2, **columns}
    return library.DataFrame({**columns, "c": [values[i % len(values)] for i in range(N_ROWS)]})


# Dates and times


TIMES = {
    "date": ([dt.date(2020, 1, 31), dt.date(2020, 2, 1)], [31 + 18261 - 31, 18293]),
    "datetime": ([dt.datetime(2020, 1, 31, 12), dt.datetime(2020, 2, 1)], [18292.5, 18293]),
    "duration": ([dt.timedelta(hours=1), dt.timedelta(days=1)], [3600, 86400]),
    "time": ([dt.time(1), dt.time(23)], [1, 23]),
}


def way_out(message):
    """The expression by which a message makes numbers of a column."""
    return message.partition("for instance ")[2].partition(": ")[2].partition(";")[0]


@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_dates_and_times_are_refused_with_a_way_to_numbers(library, kind, with_text):
    values, _ = TIMES[kind]
    text = {"text": ["a", "b", "c"] * (N_ROWS // 3)} if with_text else {}
    X = with_column(values, library, **text)
    if library is pd and kind == "date":
        X["c"] = X["c"].astype(object)
    with pytest.raises(TypeError, match=r"X has a column of dates or times: 'c'") as caught:
        AutoencoderTransformer(1, max_iter=1).fit(X)
    way = way_out(str(caught.value))
    if library is pd and kind == "time":
        assert "hours" in str(caught.value)
        return
    number = np.asarray(eval(way, {"X": X, "pandas": pd}), float)
    ratio = {"duration": 3600.0, "time": 1.0}.get(kind, 1.0)
    steps = {"date": 1.0, "datetime": 0.5, "duration": 23 * ratio, "time": 22.0}
    assert number[1] - number[0] == pytest.approx(steps[kind])


@pytest.mark.parametrize(
    "values",
    [
        pd.period_range("2020", periods=3, freq="M"),
        pd.date_range("2020", periods=3, tz="Europe/Rome"),
        pd.Series([dt.date(2020, 1, 1)] * 3, dtype="date32[pyarrow]"),
        pd.Series([dt.timedelta(1)] * 3, dtype="duration[us][pyarrow]"),
    ],
    ids=["period", "zone", "arrow date", "arrow duration"],
)
def test_dates_of_other_types(values):
    refused(pd.DataFrame({"a": [1.0, 2, 4], "c": values}), "a column of dates or times: 'c'")


def test_frames_and_arrays_of_dates_alone_are_refused():
    days = pd.DataFrame({"c": pd.date_range("2020", periods=5)})
    refused(days, "a column of dates or times: 'c'", TypeError)
    refused(days.to_numpy(), "X is an array of dates or times", TypeError)
    for corrupt_or_fill in (SwapNoise().corrupt, AutoencoderImputer().fit):
        with pytest.raises(TypeError, match="a column of dates or times: 'c'"):
            corrupt_or_fill(days)


def test_dates_that_are_named_are_categories():
    X = with_column(TIMES["date"][0], pl)
    (_, column) = table_of(contents_of(X, categorical_features=["c"]), None).columns
    assert column.levels == TIMES["date"][0]


def test_numbers_in_fit_are_no_dates_later():
    X = with_column([1.0, 2.0], text=["a", "b"] * (N_ROWS // 2))
    table = table_of(contents_of(X), None)
    with pytest.raises(TypeError, match="X_val has a column of dates or times: 'number'"):
        table.read(X.assign(number=pd.Timestamp(0)), "X_val", missing=True)


# Containers


CONTAINERS = {
    "Series": (pd.Series([1.0, 2.0]), r"X is a Series of pandas.*X.to_frame\(\)\.T for one row"),
    "Series of text": (pd.Series(["a", "b"]), "X is a Series of pandas"),
    "Series of polars": (pl.Series([1.0, 2.0]), "X is a Series of polars.*X.to_frame"),
    "LazyFrame": (pl.LazyFrame({"a": [1.0]}), "X is a LazyFrame.*Give X.collect"),
    "Table": (pa.table({"a": [1.0], "b": ["x"]}), r"X is a Table of pyarrow.*\['b'\].*to_pandas"),
    "batch": (pa.record_batch({"b": ["x"]}), "X is a RecordBatch of pyarrow"),
    "rows of text": (["ab", "cd"], "Expected 2D array"),
}


@pytest.fixture(scope="module")
def of_numbers():
    estimator = AutoencoderTransformer(1, hidden_layer_sizes=(), solver="sgd", max_iter=1)
    return estimator.fit([[0.0, 1.0], [1.0, 0.0]])


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_that_cannot_be_read_name_the_way_out(name, of_numbers):
    X, message = CONTAINERS[name]
    refused(X, message, categorical_features=[0] if name == "rows of text" else "from_dtype")
    if name != "rows of text":
        for call in (of_numbers.transform, of_numbers.inverse_transform, AutoencoderImputer().fit):
            with pytest.raises((TypeError, ValueError), match=message):
                call(X)
        with pytest.raises((TypeError, ValueError), match=message):
            SwapNoise().corrupt(X)


def test_numbers_of_pyarrow_are_read():
    X = pa.table({"a": [1.0, 2.0, 4.0], "b": [1, 0, 0]})
    estimator = AutoencoderTransformer(1, hidden_layer_sizes=(), solver="sgd", max_iter=1).fit(X)
    assert estimator.feature_names_in_.tolist() == ["a", "b"]


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_zero_rows_are_refused_with_the_shape_of_the_table(library):
    X = with_column(["a", "b"], library)
    refused(X[:0], r"0 sample\(s\) \(shape=\(0, 2\)\)", ValueError)
    table = table_of(contents_of(X), None)
    with pytest.raises(ValueError, match=r"X: Found array with 0 sample\(s\) \(shape=\(0, 2\)\)"):
        table.read(X[:0], "X", missing=False)


# Types of columns


def test_each_column_is_read_once_in_a_fit(monkeypatch):
    X, read, column = with_column(["a", "b"]), [], frames.column
    monkeypatch.setattr(
        frames, "column", lambda X, number: read.append(number) or column(X, number)
    )
    estimator = AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1).fit(X)
    assert read == [1]
    monkeypatch.undo()
    assert estimator.reconstruct(X).shape == X.shape


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.Series([1, "a", 2.5] * 10, dtype=object), "column 'c' holds 'a'"),
        (pd.Series([1j, 2] * 15), "Complex data not supported, as in column 'c'"),
        (pd.Series([1.5, pd.NA, 2] * 10, dtype=object), r"pandas\.NA in column 'c'"),
        (pd.Series([1, pd.NA, 2] * 10, dtype="Int64"), r"NaN in the columns \['c'\]"),
        (pd.Series(["a", pd.NA, "b"] * 10, dtype="string"), "missing, in column 'c'"),
        (pd.Series([1.0, np.inf] * 15), r"infinity.* In the columns \['c'\]"),
        (pd.Series([[1], [2, 3]] * 15), "column 'c' holds "),
        (pd.arrays.IntervalArray.from_breaks(range(31)), r"column 'c' holds Interval\(0, 1"),
    ],
    ids=[
        "mixed",
        "complex",
        "NA of objects",
        "NA of numbers",
        "NA of text",
        "infinity",
        "lists",
        "intervals",
    ],
)
def test_what_is_no_number_is_named(values, message):
    refused(
        pd.DataFrame({"number": np.arange(30.0), "text": list("abc") * 10, "c": values}), message
    )


def test_values_that_are_no_categories_are_named():
    X = with_column([[1], [2]])
    with pytest.raises(TypeError, match="The column 'c' of X holds no categories: unhashable"):
        table_of(contents_of(X, categorical_features=["c"]), None)


def test_levels_of_several_types_have_an_order():
    mixed = [("b", 1), (1, "b"), 2, "a", 1.5, dt.date(2020, 1, 1)]
    forward, backward = (
        table_of(contents_of(X, categorical_features=["c"]), None).columns[1].levels
        for X in (with_column(mixed), with_column(mixed[::-1]))
    )
    assert forward == backward
    assert set(forward) == set(mixed)


@pytest.mark.parametrize(
    "kind", slow_but("float32", of=["float64", "float32", "float16", "Float32"])
)
def test_codes_have_the_floating_type_of_the_numbers(kind):
    X = with_column([0.5, 2.5]).astype(kind)
    table = X.assign(text=["a", "b"] * (N_ROWS // 2))
    plain, other = (
        AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1, random_state=0).fit(each)
        for each in (X, table)
    )
    expected = plain.transform(X).dtype
    assert other.transform(table).dtype == expected
    assert expected == ("float64" if kind in ("float64", "Float32") else "float32")
    code = other.transform(table)
    pd.testing.assert_frame_equal(other.inverse_transform(code), other.reconstruct(table))


def test_a_large_offset_leaves_single_precision_numbers_their_digits():
    X = with_column([2.0**23, 2.0**23 + 1]).astype("float32").assign(text=["a", "b"] * 15)
    table = table_of(contents_of(X), None)
    back = table.decoded(
        table.encoded(table.read(X, "X", missing=False), "X", unknown="error"), "pandas"
    )
    pd.testing.assert_frame_equal(back, X)


@pytest.mark.parametrize("kind", ["int64", "uint64", "Int64"])
def test_the_largest_whole_numbers_keep_their_sign(kind):
    largest = np.iinfo(kind.lower()).max
    X = with_column([largest, largest - 10**6], text=["a", "b"] * 15).astype({"c": kind})
    table = table_of(contents_of(X), None)
    features = table.encoded(table.read(X, "X", missing=False), "X", unknown="error")
    back = table.decoded(1.5 * features, "pandas")["c"]
    assert back.dtype == X["c"].dtype
    assert all(abs(int(one) - largest) <= 2 * 10**6 for one in back)


def test_what_varies_by_rounding_alone_is_constant():
    value = 0.1 + 0.2
    column = table_of(contents_of(with_column([value, 0.3], text=["a", "b"] * 15)), None).columns[2]
    assert column.deviation == 1.0


def test_sparse_columns_of_whole_numbers_are_rounded():
    values = pd.arrays.SparseArray([0, 1, 0, 3, 0] * 6, fill_value=0)
    X = pd.DataFrame({"text": list("ab") * 15, "c": values})
    table = table_of(contents_of(X), None)
    features = table.encoded(table.read(X, "X", missing=False), "X", unknown="error")
    back = table.decoded(features - 1e-9, "pandas")
    pd.testing.assert_frame_equal(back, X)


@pytest.mark.parametrize(
    "dtype", [pl.Decimal(20, 2), pl.UInt8, pl.Float32, pl.Enum(["1", "2", "3"]), pl.Categorical]
)
def test_types_of_polars_come_back(dtype):
    is_text = dtype == pl.Categorical or isinstance(dtype, pl.Enum)
    column = pl.Series("c", ["1", "2"] if is_text else [1, 2]).cast(dtype)
    X = pl.DataFrame({"text": ["a", "b"], "c": column})
    table = table_of(contents_of(X), None)
    features = table.encoded(table.read(X, "X", missing=False), "X", unknown="error")
    assert table.decoded(features, "polars").equals(X)
    assert table.decoded(features, "polars").schema == X.schema


@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_dates_of_polars_that_are_named_come_back(unit):
    column = pl.Series("c", [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)])
    column = column.cast(pl.Datetime(unit)).dt.replace_time_zone("Europe/Rome")
    X = pl.DataFrame({"c": column})
    table = table_of(contents_of(X, categorical_features=["c"]), None)
    features = table.encoded(table.read(X, "X", missing=False), "X", unknown="error")
    assert table.decoded(features, "polars").schema == X.schema
    assert table.decoded(features, "polars").equals(X)


# Warnings


def warned(X, match=None, **params):
    """Whether one warning, or none, comes of a fit."""
    estimator = AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1, **params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X)
    found = [str(one.message) for one in caught if str(one.message).startswith("Columns of X")]
    assert len(found) == (match is not None)
    return match is None or match in found[0]


def test_ids_and_numbers_written_as_text_are_warned_of():
    ids = [f"id {number}" for number in range(N_ROWS)]
    assert warned(with_column(ids), "'c' (30 levels in 30 rows)")
    assert warned(with_column(ids[:20]))  # as many as a small table may have
    assert warned(
        with_column(["1.5", "2.5", "3"]), "numbers as text, which are taken for categories: 'c'"
    )
    assert warned(with_column(["01", "2", "30"]))  # codes of digits
    assert warned(with_column(["1.5", "2.5"]), categorical_features=["c"])
    assert warned(with_column(["1.5", "2.5"]).astype({"c": "category"}))
