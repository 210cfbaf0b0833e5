"""Tables as features and back, against scikit-learn's encoders and pencil and paper."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skae import AutoencoderTransformer
from skae._data import contents
from skae._data.table import MOST_LEVELS, log_positive
from skae._data.table import table_of as table_of_contents


def table_of(X, sample_weight=None, **params):
    found = contents.asked_contents(AutoencoderTransformer(**params), X)
    return None if found is None else table_of_contents(found, sample_weight)


def encoded(table, X, *, missing=False, unknown="error"):
    return table.encoded(table.read(X, "X", missing=missing), "X", unknown=unknown)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, size=200),
            "city": pd.Categorical(rng.choice(list("abc"), size=200, p=[0.6, 0.3, 0.1])),
            "pay": rng.lognormal(10, 1, size=200),
            "flag": rng.uniform(size=200) < 0.3,
        }
    )


def test_features_are_those_of_scikit_learn(frame):
    table = table_of(frame)
    features = encoded(table, frame)
    numbers = StandardScaler().fit_transform(frame[["age", "pay"]])
    np.testing.assert_allclose(features[:, [0, 4]], numbers, rtol=1e-12)
    indicators = OneHotEncoder(sparse_output=False).fit_transform(frame[["city", "flag"]])
    np.testing.assert_allclose(
        features[:, [1, 2, 3, 5, 6]] * table.units[[1, 2, 3, 5, 6]], indicators
    )
    variances = np.add.reduceat(features.var(axis=0), table.starts)
    np.testing.assert_allclose(variances, 1.0)  # each column counts alike


def test_weights_of_rows_and_columns(frame):
    weight = np.arange(200) % 3
    copies = frame.loc[np.repeat(frame.index, weight)]
    columns = {"pay": 3.0, 1: 2.0}
    one = table_of(frame, weight, column_weights=columns)
    other = table_of(copies, column_weights=columns)
    np.testing.assert_allclose(one.units, other.units)
    np.testing.assert_allclose(one.shares, other.shares)
    features = encoded(other, copies)
    variances = np.add.reduceat(features.var(axis=0), other.starts)
    np.testing.assert_allclose(variances, np.array([1, 2, 3, 1]) / (7 / 4))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_there_and_back(frame, library):
    X = frame if library == "pandas" else pl.from_pandas(frame)
    table = table_of(X)
    back = table.decoded(encoded(table, X), library)
    assert list(back.dtypes) == list(X.dtypes)
    np.testing.assert_allclose(back["pay"].to_numpy(), X["pay"].to_numpy())
    for name in ("age", "city", "flag"):
        assert back[name].to_list() == X[name].to_list()


TYPES = {
    "category of numbers": pd.Series([3, 1, 3, 2]).astype("category"),
    "ordered, one level unseen": pd.Series(
        pd.Categorical(list("abca"), list("dcba"), ordered=True)
    ),
    "text": pd.Series(["x", "y", "y", "z"], dtype="string"),
    "objects": pd.Series(["x", "y", "z", "x"], dtype=object),
    "nullable truth": pd.Series([True, False, True, True], dtype="boolean"),
    "nullable whole numbers": pd.Series([5, 6, 7, 9], dtype="Int16"),
    "text of Arrow": pd.Series(["x", "y", "y", "z"], dtype="string[pyarrow]"),
    "whole numbers of Arrow": pd.Series([5, 6, 7, 9], dtype="int16[pyarrow]"),
    "single precision": pd.Series([5.5, 6, 7, 9], dtype="float32"),
}


@pytest.mark.parametrize("column", TYPES.values(), ids=TYPES)
def test_types_of_columns_come_back(column):
    X = pd.DataFrame({"text": list("abab"), "column": column})
    table = table_of(X)
    pd.testing.assert_frame_equal(table.decoded(encoded(table, X), "pandas"), X)


@pytest.mark.parametrize(
    "asked", [["city", "flag"], [1, 3], [False, True, False, True], [-3, "flag"]]
)
def test_columns_by_name_number_or_mask(frame, asked):
    widths = [column.n_features for column in table_of(frame, categorical_features=asked).columns]
    assert widths == [1, 3, 1, 2]


def test_an_array_of_objects_or_of_numbers():
    X = np.array([[1.0, "a"], [2.0, "b"], [4.0, "a"]], dtype=object)
    table = table_of(X, categorical_features=[1])
    np.testing.assert_array_equal(table.decoded(encoded(table, X), "numpy"), X)
    codes = np.array([[1.5, 7.0], [2.0, 9.0], [4.0, 7.0]])
    table = table_of(codes, categorical_features=[False, True])
    back = table.decoded(encoded(table, codes), "numpy")
    np.testing.assert_allclose(back, codes)
    assert back.dtype == np.float64


def test_frames_of_numbers_are_no_tables(frame):
    assert table_of(frame[["age", "pay"]]) is None
    assert table_of(frame[["age", "flag"]]) is None  # 0 and 1
    assert table_of(frame, categorical_features=None, column_weights=None) is None
    assert table_of(frame[["age", "pay"]], column_weights=[1, 2]) is not None


def test_rare_levels_are_one():
    values = np.repeat(np.arange(1000), np.where(np.arange(1000) < MOST_LEVELS, 3, 1))
    X = pd.DataFrame({"code": values.astype(str)})
    (column,) = table_of(X).columns
    assert column.n_features == MOST_LEVELS + 1
    assert column.levels[-1] is None
    assert len(column.others) == 1000 - MOST_LEVELS
    assert column.shares[-1] == pytest.approx((1000 - MOST_LEVELS) / len(values))
    table = table_of(X)
    features = encoded(table, pd.DataFrame({"code": ["3", "999"]}))
    back = table.decoded(features, "pandas")["code"].tolist()
    assert back == ["3", column.others[0]]


def test_what_is_missing_or_unknown(frame):
    table = table_of(frame)
    X = frame.astype({"city": object, "flag": object})[:3]
    X.loc[1, "city"] = None
    X.loc[2, "flag"] = np.nan
    with pytest.raises(ValueError, match=r"X contains NaN.* in column 'city'.*missing='mask'"):
        encoded(table, X)
    features = encoded(table, X, missing=True)
    expected = np.zeros((3, 7), bool)
    expected[1, 1:4] = expected[2, 5:7] = True
    np.testing.assert_array_equal(np.isnan(features), expected)
    X.loc[1, "city"] = "nowhere"
    with pytest.raises(ValueError, match=r"'nowhere' in column 'city'.*handle_unknown='missing'"):
        encoded(table, X, missing=True)
    np.testing.assert_array_equal(
        np.isnan(encoded(table, X, missing=True, unknown="missing")), expected
    )
    kept = table.decoded(np.nan_to_num(features), "pandas", keep=X, missing=X.isna().to_numpy())
    assert kept["city"].tolist()[0::2] == X["city"].tolist()[0::2]
    assert kept["flag"].tolist()[:2] == X["flag"].tolist()[:2]
    assert not kept["flag"].isna().any()


def test_one_level_and_constants():
    X = pd.DataFrame({"same": ["a"] * 4, "number": [5.0] * 4, "other": list("abab")})
    table = table_of(X)
    features = encoded(table, X)
    assert np.isfinite(features).all()
    assert table.decoded(features, "pandas").equals(X)


def test_wide_tables_are_sparse(frame):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {str(number): rng.integers(200, size=2000).astype(str) for number in range(4)}
    ).assign(number=rng.normal(size=2000))
    X.loc[5, "2"] = None
    table = table_of(X, missing="mask")
    features = encoded(table, X, missing=True)
    assert features.format == "csr"
    assert features.nnz == 5 * 2000 - 1 + table.columns[2].n_features
    back = table.decoded(np.nan_to_num(features.toarray()), "pandas", None, X, X.isna().to_numpy())
    assert back.drop(5).equals(X.drop(5))


def test_shares_are_those_of_a_linear_model_where_these_are_positive(frame):
    table = table_of(frame)
    features = encoded(table, frame)
    kept = table.with_shares(features)
    np.testing.assert_allclose(kept[:, [0, 4]], features[:, [0, 4]])
    assert table.decoded(kept, "pandas")["city"].equals(frame["city"])
    means = np.broadcast_to(features.mean(axis=0), (2, 7))
    np.testing.assert_allclose(table.with_shares(means), means, rtol=0.02, atol=1e-9)
    far = table.with_shares(np.full((1, 7), -1e6))
    sums = np.add.reduceat(far * table.units, table.starts, axis=1)
    np.testing.assert_allclose(sums[0, [1, 3]], 1.0)


def test_the_logarithm_of_what_is_positive():
    bend = 0.3 * 0.2
    x = np.array([-0.5, 0.0, 0.2, 1.0, 50.0])
    np.testing.assert_allclose(log_positive(x, 0.2), np.log(bend * np.logaddexp(0, x / bend)))
    np.testing.assert_allclose(log_positive(np.array([-5.0]), 0.2), np.log(bend) - 60)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"categorical_features": ["town"]}, "categorical_features names the column 'town'"),
        ({"categorical_features": [4]}, "categorical_features names the column 4"),
        ({"categorical_features": [True, False]}, "mask of 2, but X has 4 columns"),
        ({"column_weights": [1, 2]}, "a weight for each of the 4 columns"),
        ({"column_weights": {"age": 0}}, "must be positive"),
        ({"column_weights": {4: 1}}, "column_weights names the column 4"),
        ({"column_weights": {"town": 1}}, "column_weights names the column 'town'"),
        ({"handle_unknown": "missing"}, "needs missing='mask'"),
    ],
)
def test_bad_parameters(frame, params, message):
    with pytest.raises(ValueError, match=message):
        table_of(frame, **params)


def test_a_name_of_several_columns_is_refused(frame):
    X = frame.set_axis(["age", "age", "pay", "flag"], axis=1)
    with pytest.raises(ValueError, match="as several columns of X are called"):
        table_of(X, categorical_features=["age"])


def test_columns_without_a_value():
    X = pd.DataFrame({"text": ["a", "b"], "empty": pd.Series([None, None], dtype="string")})
    with pytest.raises(ValueError, match=r"no value at all in the columns \['empty'\]"):
        table_of(X, missing="mask")
    X = pd.DataFrame({"text": ["a", "b"], "empty": [np.nan, np.nan]})
    with pytest.raises(ValueError, match=r"no value at all in the columns \['empty'\]"):
        table_of(X, missing="mask")
