"""Weighted statistics of columns, in one pass, against NumPy's in two."""

import numpy as np
import pytest
from scipy import sparse

from skae._data import Rows, statistics
from skae._data.statistics import far_values, summarise


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK_ROWS", 7)


def assert_summary(summary, X, weight):
    """By NumPy, column by column, of the values that are known."""
    for column, values in enumerate(np.asarray(X, np.float64).T):
        known = ~np.isnan(values)
        of_known, own = values[known], weight[known]
        mean = np.average(of_known, weights=own)
        expected = {
            "weight": own.sum(),
            "mean": mean,
            "variance": np.average((of_known - mean) ** 2, weights=own),
            "low": of_known.min(),
            "high": of_known.max(),
            "at_low": own[of_known == of_known.min()].sum(),
            "at_high": own[of_known == of_known.max()].sum(),
        }
        for name, value in expected.items():
            assert getattr(summary, name)[column] == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8])
@pytest.mark.usefixtures("small_blocks")
def test_summary_by_numpy(dtype, missing, weighted):
    random = np.random.default_rng(0)
    X = random.integers(0, 9, size=(100, 5)).astype(dtype)
    if missing and X.dtype.kind == "f":
        X[random.uniform(size=X.shape) < 0.4] = np.nan
        X[:30, 2] = np.nan  # of the first blocks, nothing is known
    weight = random.uniform(size=100) if weighted else None
    summary = summarise(Rows(X), weight)
    assert_summary(summary, X, np.ones(100) if weight is None else weight)
    assert all(value.dtype == np.float64 for value in vars(summary).values())


@pytest.mark.usefixtures("small_blocks")
def test_weights_are_rows_that_are_repeated():
    random = np.random.default_rng(0)
    X, times = random.normal(size=(40, 3)), random.integers(1, 4, size=40)
    weighted, repeated = summarise(Rows(X), times * 1.0), summarise(Rows(np.repeat(X, times, 0)))
    for name, value in vars(repeated).items():
        np.testing.assert_allclose(getattr(weighted, name), value, rtol=1e-12, err_msg=name)


def test_each_row_is_read_once(monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK_ROWS", 7)
    read, part = [], Rows.part
    monkeypatch.setattr(Rows, "part", lambda *a: read.append(part(*a)) or read[-1])
    X = sparse.random_array((100, 5), density=0.3, random_state=0, format="csr")
    assert_summary(summarise(Rows(X)), X.toarray(), np.ones(100))
    assert [len(rows) for rows in read] == [7] * 14 + [2]


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
@pytest.mark.usefixtures("small_blocks")
def test_a_large_mean_takes_nothing_from_the_variance(offset):
    """What varies by one about 1e9 varies by one; sums of squares would leave 1e18 of rounding."""
    X = np.random.default_rng(0).integers(-1000, 1001, size=(500, 3)) / 1024.0
    summary = summarise(Rows(X + offset))
    np.testing.assert_allclose(summary.variance, X.var(axis=0), rtol=1e-12 + 1e-15 * abs(offset))
    np.testing.assert_allclose(
        summary.mean - offset, X.mean(axis=0), atol=4 * np.spacing(abs(offset) + 1)
    )


@pytest.mark.parametrize("size", [1e150, 1e-150, 1e-20])
@pytest.mark.usefixtures("small_blocks")
def test_sizes_whose_squares_are_representable(size):
    X = np.random.default_rng(0).uniform(-1, 1, size=(100, 3))
    summary, expected = summarise(Rows(X * size)), summarise(Rows(X))
    np.testing.assert_allclose(summary.variance / size**2, expected.variance, rtol=1e-12)
    np.testing.assert_allclose(summary.mean / size, expected.mean, rtol=1e-12)
    np.testing.assert_array_equal(summary.high, expected.high * size)


@pytest.mark.usefixtures("small_blocks")
def test_a_constant_does_not_vary_at_all():
    summary = summarise(Rows(np.full((100, 1), 0.1)), np.random.default_rng(0).uniform(size=100))
    assert summary.mean == summary.low == summary.high == 0.1
    assert summary.variance == 0
    assert summary.at_low == summary.at_high == pytest.approx(summary.weight)


@pytest.mark.usefixtures("small_blocks")
def test_a_column_without_any_value():
    X = np.ones((20, 2))
    X[:, 1] = np.nan
    summary = summarise(Rows(X))
    np.testing.assert_array_equal(summary.weight, [20, 0])
    for name in ("mean", "variance", "low", "high"):
        np.testing.assert_array_equal(np.isnan(getattr(summary, name)), [False, True], name)
    np.testing.assert_array_equal(summary.at_low, [20, 0])


def test_far_values_are_those_that_few_rows_have():
    rng = np.random.default_rng(0)
    normal, ones = rng.normal(size=1000), np.ones(1000)
    assert not far_values(normal, ones, 0.1).any()
    wrong = normal.copy()
    wrong[:3] = 1e6, -1e6, np.nan
    np.testing.assert_array_equal(np.flatnonzero(far_values(wrong, ones, 0.1)), [0, 1])
    tied = np.array([*range(-5, 6), 1e6, -1e6])  # of one distance: all or none
    for share, n_far in ((1.5 / 13, 0), (2 / 13, 2)):
        assert far_values(tied, np.ones(13), share).sum() == n_far
    for n_ones in (90, 99, 100, 101, 150):  # what is rare is not far
        assert not far_values((np.arange(1000) < n_ones) * 1.0, ones, 0.1).any()
    counts = np.where(rng.uniform(size=1000) < 0.7, 0.0, rng.integers(1, 9, 1000))
    counts[5] = 1e9
    np.testing.assert_array_equal(np.flatnonzero(far_values(counts, ones, 0.1)), [5])
    weight = np.where(np.arange(1000) == 0, 0.0, 1.0)
    np.testing.assert_array_equal(np.flatnonzero(far_values(wrong, weight, 0.1)), [1])
    times = rng.integers(0, 4, 1000)
    copied = far_values(np.repeat(wrong, times), np.ones(times.sum()), 0.1)
    np.testing.assert_array_equal(copied, np.repeat(far_values(wrong, times * 1.0, 0.1), times))
