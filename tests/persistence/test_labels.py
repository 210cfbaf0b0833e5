"""Categories and names of columns in files: dates, times, intervals, tuples."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from cases import slow_but

import skae
from skae import AutoencoderTransformer
from skae._persistence import labels
from skae._persistence.file_format import Reader, Writer
from skae._persistence.refusal import UnusableError

LABELS = [
    dt.date(2020, 2, 29),
    dt.time(23, 59, 1, 7),
    dt.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Rome")),
    dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
    dt.datetime(1, 1, 1, microsecond=5),
    dt.timedelta(days=-1, microseconds=3),
    pd.Timestamp("2020-01-01 00:00:00.000000001"),
    pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Rome").as_unit("s"),
    pd.Timestamp("2020-01-01", tz="UTC"),
    pd.Timestamp("1020-01-01").as_unit("s"),
    pd.Timestamp("2020-01-01T00:00:00-03:30"),
    pd.Timedelta("-1 days +00:00:00.000000001"),
    pd.Timedelta(days=5).as_unit("s"),
    pd.Period("2020Q3", freq="Q-NOV"),
    pd.Interval(0, 1.5, closed="left"),
    pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021"), closed="neither"),
    pd.Interval(np.float64(0.1), np.inf),
    (1, "a", None, (dt.date(2020, 1, 1), 2.5)),
]


def read_back(value):
    writer = Writer("A test")
    form = json.loads(json.dumps(writer.encode(value, "levels of the column 'c'")))
    return Reader(writer.arrays, {}).decode(form)


@pytest.mark.parametrize("label", LABELS, ids=str)
def test_labels_come_back_from_json(label):
    back = read_back(label)
    assert back == label
    assert type(back) is type(label)
    assert hash(back) == hash(label)
    for name in ("unit", "fold", "closed", "freqstr"):
        assert getattr(back, name, None) == getattr(label, name, None)
    zones = [getattr(each, "tzinfo", None) for each in (back, label)]
    assert str(zones[0]) == str(zones[1])
    assert labels.is_label(back)


class Zone(dt.tzinfo):
    """A time zone of a user's, without a name."""

    def utcoffset(self, moment):
        return None


@pytest.mark.parametrize(
    "value",
    [b"bytes", frozenset([1]), 1j, dt.datetime(2020, 1, 1, tzinfo=Zone()), pd.offsets.Day()],
    ids=["bytes", "set", "complex", "time zone", "offset"],
)
def test_what_is_no_label_is_refused_by_save(value):
    with pytest.raises(TypeError, match=r"levels of the column 'c' is .* Fit anew on text"):
        Writer("A test").encode([value], "levels of the column 'c'")


@pytest.mark.parametrize(
    "form",
    [
        ["date", ["2020-13-01"]],
        ["os.system", ["true"]],
        ["pandas.Timestamp", ["2020", "fortnight", None]],
        ["datetime", ["2020-01-01", 0, "../../etc/passwd"]],
        ["datetime", ["2020-01-01", 0, "Europe"]],
        ["datetime", ["2020-01-01", 0, ""]],
        ["pandas.Timestamp", ["2020-01-01", "s", "tzlocal()"]],
        ["pandas.Timestamp", ["2020-01-01", "s", "Europe"]],
        ["pandas.Timestamp", ["2020-01-01" + " " * 91, "s", None]],
        ["pandas.Timedelta", ["P1D" + " " * 98, "s"]],
        ["pandas.Interval", [2, 1, "left"]],
        ["timedelta", [10**12, 0, 0]],
        ["pandas.Period", [1]],
        "date",
        3,
    ],
    ids=str,
)
def test_forms_of_strangers_are_refused(form):
    with pytest.raises(UnusableError, match="skae writes no value like"):
        Reader([], {}).decode({"label": form})


@pytest.mark.parametrize("zone", ["dateutil//etc/hostname", "/etc/hostname", "../../etc/hostname"])
def test_a_time_zone_opens_no_file_of_a_strangers_choice(zone, monkeypatch):
    opened = []
    monkeypatch.setattr("builtins.open", lambda *args: opened.append(args))
    for form in (
        ["pandas.Timestamp", ["2020-01-01", "s", zone]],
        ["datetime", ["2020-01-01", 0, zone]],
    ):
        with pytest.raises(UnusableError, match="skae writes no value like"):
            Reader([], {}).decode({"label": form})
    assert opened == []


def table(columns, library=pd):
    rng = np.random.default_rng(0)
    return library.DataFrame({"number": rng.normal(size=12), **columns})


def days(n_levels=3):
    return [dt.date(2020, 1, 1 + number % n_levels) for number in range(12)]


TABLES = {
    "intervals": table({"c": pd.cut(pd.Series(np.arange(12.0)), 3)}),
    "quantiles, tuples, names of dates": table(
        {
            "q": pd.qcut(pd.Series(np.arange(12.0)), 3),
            "t": pd.Categorical(pd.Index([(1, "a"), (2, "b")] * 6, tupleize_cols=False)),
        }
    ).set_axis(pd.date_range("2020", periods=3), axis=1),
    "dates, two levels of names": table(
        {
            "day": pd.Categorical(pd.to_datetime(days()).tz_localize("Europe/Rome")),
            "truth": pd.Categorical([True, False] * 6),
            "mixed": pd.Categorical([1, "a", 2.5] * 4),
        }
    ).set_axis(pd.MultiIndex.from_product([["x", "y"], [1, 2]]), axis=1),
    "polars": table({"day": days(), "time": [dt.time(1), dt.time(2)] * 6}, pl),
}


def asked(name):
    return ["day", "time"] if name == "polars" else "from_dtype"


@pytest.mark.parametrize("name", slow_but("quantiles, tuples, names of dates", of=list(TABLES)))
def test_tables_come_back_from_files(name, tmp_path):
    X = TABLES[name]
    estimator = AutoencoderTransformer(
        1, hidden_layer_sizes=(), solver="sgd", max_iter=1, categorical_features=asked(name)
    ).fit(X)
    skae.save(estimator, tmp_path / "table.skae")
    back, expected = skae.load(tmp_path / "table.skae").reconstruct(X), estimator.reconstruct(X)
    if name == "polars":
        assert back.equals(expected)
        assert back.schema == X.schema
    else:
        pd.testing.assert_frame_equal(back, expected)
        assert list(back.dtypes) == list(X.dtypes)
        assert back.columns.equals(X.columns)


def test_save_names_the_column_of_what_files_cannot_hold(tmp_path):
    X = table({"raw": [b"a", b"b"] * 6})
    estimator = AutoencoderTransformer(
        1, hidden_layer_sizes=(), solver="sgd", max_iter=1, categorical_features=["raw"]
    ).fit(X)
    with pytest.raises(TypeError, match=r"the levels of the column 'raw' is b'a'.*astype\(str\)"):
        skae.save(estimator, tmp_path / "table.skae")
    assert list(tmp_path.iterdir()) == []
