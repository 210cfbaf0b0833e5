"""Rows of any storage on their way to the network."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from skae import AutoencoderTransformer
from skae._data import Rows, statistics
from skae._data.validation import surely_in_range
from skae._engine import batches, loop


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:400] / 16


def autoencoder(**params):
    settings = {"n_components": 4, "solver": "sgd", "max_iter": 5, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


def test_memory_maps_are_read_in_blocks(digits, tmp_path, monkeypatch):
    np.save(tmp_path / "X.npy", (digits).astype(np.float32))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    read, part = [], Rows.part
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 64 * 256)
    monkeypatch.setattr(loop, "WINDOW_BYTES", 0)  # else so few rows are computed once

    def recording(self, positions):
        rows = part(self, positions)
        if not isinstance(positions, slice):  # those of training are shuffled
            read.append(len(rows))
        return rows

    monkeypatch.setattr(Rows, "part", recording)
    fitted = autoencoder(max_iter=2).fit(X)
    in_memory = autoencoder(max_iter=2).fit(np.array(X))
    np.testing.assert_array_equal(fitted.transform(X), in_memory.transform(X))
    assert sum(read) >= 2 * 2 * 400  # two fits of two epochs
    assert max(read) <= 256


def test_sparse_data_are_never_dense_as_a_whole(monkeypatch):
    X = sparse.random_array((3000, 40), density=0.1, random_state=0, format="csr")
    sizes = []
    part = Rows.part

    def recording(self, positions):
        rows = part(self, positions)
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 40 * 512)
    monkeypatch.setattr(Rows, "part", recording)
    monkeypatch.setattr(statistics, "BLOCK_ROWS", 256)
    fitted = autoencoder(max_iter=2).fit(X)
    fitted.transform(X)
    fitted.score(X)
    assert max(sizes) <= 512


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39, -1e300, 1e30, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_sum_that_shows_all_values_to_be_in_range(value, dtype, order):
    X = np.zeros((7, 5), dtype, order=order)
    assert surely_in_range(X)
    with np.errstate(over="ignore"):
        X[3, 2] = value
    in_range = np.isfinite(X).all() and np.abs(X).max() <= np.finfo(np.float32).max
    assert in_range or not surely_in_range(X)
    assert surely_in_range(X) == (in_range and not (value == 1e30 and dtype is np.float32))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8, bool])
@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_storage_and_type_of_the_input(digits, dtype, storage):
    X = (digits > 0.4).astype(dtype)
    if dtype is np.float16 and storage is not np.asarray:
        storage = np.asarray  # SciPy has no sparse half precision
    expected = autoencoder().fit(X.astype(np.float64))
    got = autoencoder().fit(storage(X))
    code = got.transform(storage(X))
    assert code.dtype == (np.float32 if dtype in (np.float32, np.float16) else np.float64)
    assert got.inverse_transform(code).dtype == code.dtype
    np.testing.assert_array_equal(code, expected.transform(X.astype(float)).astype(code.dtype))
    assert got.score(storage(X)) == pytest.approx(expected.score(X.astype(float)), rel=1e-6)


def test_zero_weights_remove_rows_in_mini_batches(digits):
    X = digits
    weight = np.ones(400)
    weight[::3] = 0
    weighted = autoencoder().fit(X, sample_weight=weight)
    removed = autoencoder().fit(X[weight > 0])
    np.testing.assert_array_equal(weighted.transform(X), removed.transform(X))


# On another scale


STORAGES = {
    "float32": lambda X, path: X.astype(np.float32),
    "float64": lambda X, path: X.astype(np.float64),
    "float16": lambda X, path: X.astype(np.float16),
    "int": lambda X, path: X.astype(np.int64),
    "byte": lambda X, path: X.astype(np.uint8),
    "Fortran": lambda X, path: np.asfortranarray(X, np.float32),
    "CSR": lambda X, path: sparse.csr_array(X.astype(np.float32)),
    "CSC": lambda X, path: sparse.csc_array(X.astype(np.int32)),
    "memory map": lambda X, path: np.save(path, X) or np.load(path, mmap_mode="r"),
}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("each", [False, True])
def test_standardised_rows_are_the_same_from_every_storage(storage, each, tmp_path):
    random = np.random.default_rng(0)
    X = random.integers(0, 17, size=(700, 6))
    centre, scale = X.mean(axis=0), np.asarray(X.std(axis=0) if each else 3.7)
    expected = ((X - centre) / scale).astype(np.float32)
    stored = Rows(STORAGES[storage](X, tmp_path / "X.npy"))
    rows, positions = stored.standardised(centre, scale), random.permutation(700)[:600]
    assert rows.n_rows == 700
    np.testing.assert_array_equal(rows.to_array(), expected)
    out = np.empty((600, 6), np.float32)
    assert rows.take(positions, out) is out
    np.testing.assert_array_equal(out, expected[positions])
    np.testing.assert_array_equal(rows.part(slice(3, 9)).astype(np.float32), expected[3:9])
    some = rows.subset(positions).subset(np.arange(0, 600, 7))
    np.testing.assert_array_equal(some.to_array(), expected[positions[::7]])
    np.testing.assert_array_equal(stored.to_array(), X)


def test_standardised_rows_keep_what_single_precision_would_round():
    X = np.array([[1e9, np.nan], [1e9 + 1e-4, 5.0]])
    rows = Rows(X).standardised(np.array([1e9, 3.0]), np.asarray(1e-4))
    np.testing.assert_allclose(rows.to_array(), [[0, np.nan], [1, 2e4]], rtol=1e-3)


def test_huge_and_tiny_rows_fit_into_single_precision():
    for size in (1e150, 1e-150):
        rows = Rows(np.array([[-size], [3 * size]])).standardised(
            np.array([size]), np.asarray(size)
        )
        np.testing.assert_allclose(rows.to_array(), [[-2], [2]], rtol=1e-6)


def test_equal_rows_have_one_hash_in_any_type_and_storage():
    X = np.random.default_rng(0).integers(-2, 3, size=(5000, 6)) * 0.5
    expected = Rows(X).hashes()
    assert len(np.unique(expected)) == len(np.unique(X, axis=0))
    same = [X.astype(np.float32), np.asfortranarray(X), sparse.csr_array(X), np.where(X, X, -0.0)]
    for other in same:
        np.testing.assert_array_equal(Rows(other).hashes(), expected)
    for sample in (X, sparse.csr_array(X)):
        np.testing.assert_array_equal(Rows(sample, np.array([7, 3])).hashes(), expected[[7, 3]])
    gaps = np.array([[np.nan, 1.0], [-np.nan, 1.0], [0.0, 1.0], [1e9, 0.0], [1e9 + 1e-6, 0.0]])
    hashes = Rows(gaps).hashes()
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
