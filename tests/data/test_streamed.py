"""Data that are read in blocks: streams, and arrays that lie elsewhere."""

import tracemalloc

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import zarr
from cases import slow, slow_but
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skae import (
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    DenoisingAutoencoder,
    Stream,
    VariationalAutoencoder,
)
from skae._data import sources, streamed
from skae._data.digests import digests
from skae._data.streamed import CheckedBlocks, StreamedSet, Thinned, held_out
from skae._engine import batches

pytestmark = pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names")

N_ROWS = 3000


@pytest.fixture(scope="module")
def X():
    random = np.random.default_rng(0)
    return random.normal(size=(N_ROWS, 3)) @ random.normal(size=(3, 6)) + random.normal(
        size=(N_ROWS, 6)
    )


@pytest.fixture
def large(monkeypatch):
    """The tests' few rows are taken for too many to be held."""
    monkeypatch.setattr(sources, "HELD_BYTES", 4 * 6 * 500)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 6 * 400)
    monkeypatch.setattr(batches, "WINDOW_BYTES", 4 * 4 * 6 * 900)
    monkeypatch.setattr(streamed, "BLOCK_ROWS", 256)


def autoencoder(cls=AutoencoderTransformer, **params):
    settings = {"hidden_layer_sizes": (8,), "solver": "sgd", "max_iter": 2, "random_state": 0}
    return cls(2, **{**settings, **params})


def parts(X, n_rows=437):
    """X in blocks whose length divides nothing."""
    return [X[start : start + n_rows] for start in range(0, len(X), n_rows)]


def stream(X, **how):
    return Stream(lambda: parts(X, **how))


def h5(X, path):
    return h5py.File(path / "X.h5", "w").create_dataset("X", data=X)


STORAGES = {
    "stream": lambda X, path: stream(X),
    "frames": lambda X, path: Stream(lambda: map(pd.DataFrame, parts(X))),
    "polars": lambda X, path: Stream(lambda: map(pl.DataFrame, parts(X))),
    "batches": lambda X, path: Stream(
        lambda: pa.table({f"x{i}": x for i, x in enumerate(X.T)}).to_batches(700)
    ),
    "Fortran": lambda X, path: Stream(lambda: map(np.asfortranarray, parts(X))),
    "sparse": lambda X, path: Stream(lambda: map(sparse.csr_array, parts(X))),
    "HDF5": h5,
    "zarr": lambda X, path: zarr.array(X, chunks=(500, 2)),
}


@pytest.fixture(scope="module")
def fitted(X):
    return autoencoder().fit(X)


@pytest.mark.parametrize("storage", slow_but("stream", "HDF5", "batches", of=STORAGES))
def test_small_data_give_the_bits_of_one_array(X, fitted, storage, tmp_path):
    same = autoencoder().fit(STORAGES[storage](X, tmp_path))
    np.testing.assert_array_equal(same.transform(X), fitted.transform(X))
    assert same.history_ == fitted.history_


@pytest.mark.parametrize("storage", slow_but("stream", "zarr", of=STORAGES))
@pytest.mark.parametrize("holds_out", [False, True])
def test_large_data_give_the_bits_of_one_array(X, large, storage, holds_out, tmp_path):
    model = autoencoder(shuffle=False, early_stopping=holds_out)
    whole = clone(model).fit(X)
    same = model.fit(STORAGES[storage](X, tmp_path))
    np.testing.assert_array_equal(same.transform(X), whole.transform(X))
    assert same.history_ == whole.history_
    np.save(tmp_path / "X.npy", X)
    shuffled = clone(model).set_params(shuffle=True)
    on_disk = clone(shuffled).fit(np.load(tmp_path / "X.npy", mmap_mode="r"))
    np.testing.assert_array_equal(on_disk.transform(X), shuffled.fit(X).transform(X))


@slow
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_large_data_train_as_well(X, large, dtype):
    rows = (20 * X + 100).clip(0, 255).astype(dtype)
    model = autoencoder(max_iter=15, solver="adam", early_stopping=True)
    by_blocks = clone(model).fit(stream(rows)).score(rows)
    sources.HELD_BYTES = 2**28
    assert by_blocks == pytest.approx(model.fit(rows).score(rows), rel=0.02)


def streamed_set(X, fraction=0.0, missing=False):
    blocks = CheckedBlocks(sources.source_of(X), autoencoder(), "X", missing=missing, reset=True)
    return StreamedSet.from_blocks(blocks, missing=missing, held_out=fraction)


def test_one_pass_tells_what_numpy_tells(X, large):
    offset = X + 1e6
    data = streamed_set(stream(offset))
    assert data.n_rows == N_ROWS
    np.testing.assert_allclose(data.target_summary.mean, offset.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(data.target_summary.variance, X.var(axis=0), rtol=1e-7)
    assert data.target_range == (offset.min(), offset.max())
    holes = X.copy()
    holes[::7, 2] = holes[:50] = np.nan
    data = streamed_set(stream(holes), missing=True)
    assert data.n_rows == N_ROWS - 50
    np.testing.assert_allclose(data.target_summary.mean, np.nanmean(holes, axis=0))


@pytest.mark.parametrize("storage", ["stream", "HDF5"])
def test_windows_hold_each_row_once(X, large, storage, tmp_path):
    X = np.hstack([np.arange(N_ROWS)[:, None], X[:, 1:]])
    data = streamed_set(STORAGES[storage](X, tmp_path))
    windows = [window.to_array()[:, 0].copy() for window in data.X.windows(700)]
    assert [len(window) for window in windows] == [700] * 4 + [200]
    np.testing.assert_array_equal(np.concatenate(windows), np.arange(N_ROWS))
    random = np.random.default_rng(0)
    shuffled = [window.to_array()[:, 0].copy() for window in data.X.windows(700, random)]
    np.testing.assert_array_equal(np.sort(np.concatenate(shuffled)), np.arange(N_ROWS))
    spread = [np.ptp(window) for window in shuffled]
    assert min(spread[:4]) > 2000 if storage == "HDF5" else max(spread) < 700


def test_batches_of_an_epoch_hold_each_row_once(X, large):
    X = np.hstack([np.arange(N_ROWS)[:, None], X[:, 1:]])
    blocks = batches.StreamedBlocks(streamed_set(stream(X)).X, 32)
    for random in (None, np.random.default_rng(0)):
        seen = []
        for block in blocks.epoch(random):
            for (rows, _, weight), n_present in zip(block.batches(), block.n_present, strict=True):
                np.testing.assert_array_equal(weight[:n_present], np.float32(1 / n_present))
                np.testing.assert_array_equal(weight[n_present:], 0)
                seen.append(rows[:n_present, 0].copy())
        assert [len(numbers) for numbers in seen] == [32] * 93 + [24]
        together = np.concatenate(seen)
        np.testing.assert_array_equal(np.sort(together), np.arange(N_ROWS))
        assert (np.diff(together) == 1).all() == (random is None)


# Rows held out


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_rows_are_held_out_by_their_values(fraction):
    rows = np.random.default_rng(0).integers(0, 256, size=(20_000, 5)).astype(np.uint8)
    is_out = held_out(rows, fraction)
    assert is_out.mean() == pytest.approx(fraction, abs=4 * np.sqrt(fraction / 20_000))
    order = np.random.default_rng(1).permutation(20_000)
    np.testing.assert_array_equal(held_out(rows[order].astype(float), fraction), is_out[order])
    assert abs(np.corrcoef(is_out, rows[:, 0])[0, 1]) < 0.03
    zeros = np.array([[0.0, np.nan], [-0.0, -np.nan]])
    assert len(set(held_out(zeros, fraction).tolist())) == 1


def test_rows_held_out_are_neither_trained_on_nor_part_of_the_statistics(X, large):
    data = streamed_set(stream(X), 0.2)
    is_out = held_out(X, 0.2)
    np.testing.assert_array_equal(data.validation.X.to_array(), X[is_out].astype(np.float32))
    np.testing.assert_allclose(data.target_summary.mean, X[~is_out].mean(axis=0))
    (window,) = data.X.windows(N_ROWS)
    np.testing.assert_array_equal(window.X, X[~is_out])
    assert data.target_range == (X.min(), X.max())


@pytest.mark.parametrize("n_rows", [1, 7, 64, 1000])
def test_thinned_rows_are_evenly_spaced(n_rows):
    rows, thinned = np.arange(1000)[:, None], Thinned(100)
    for part in parts(rows, n_rows=n_rows):
        thinned.add(part)
    np.testing.assert_array_equal(thinned.rows()[:, 0], np.arange(0, 1000, 16))


# What else a fit does


def test_a_fit_goes_on_from_blocks(X, large):
    model = autoencoder().fit(stream(X))
    earlier = model.transform(X)
    model.partial_fit(stream(X))
    assert model.n_iter_ == 3
    assert np.abs(model.transform(X) - earlier).max() > 0


def test_missing_values_in_blocks(X, large):
    holes = X.copy()
    holes[::5, 1] = holes[7] = np.nan
    model = autoencoder(missing="mask", shuffle=False)
    by_blocks, whole = clone(model).fit(stream(holes)), clone(model).fit(holes)
    np.testing.assert_array_equal(by_blocks.transform(holes), whole.transform(holes))
    holes[:, 3] = np.nan
    with pytest.raises(ValueError, match=r"no value at all in the features \[3\]"):
        model.fit(stream(holes))


@slow
def test_variational_and_denoising_autoencoders_of_blocks(X, large):
    for cls in (VariationalAutoencoder, DenoisingAutoencoder):
        model = autoencoder(cls, shuffle=False, solver="adam")
        np.testing.assert_array_equal(
            clone(model).fit(stream(X)).transform(X), clone(model).fit(X).transform(X)
        )


def test_digests_are_those_of_one_array(X, large):
    assert digests(streamed_set(stream(X)))["X"] == digests(streamed_set(X))["X"]
    other = X.copy()
    other[2900, 3] += 1e-9
    assert digests(streamed_set(stream(other))) != digests(streamed_set(X))


def test_validation_rows_may_lie_elsewhere(X, tmp_path):
    given = autoencoder().fit(stream(X), X_val=h5(X[:200], tmp_path))
    assert given.val_loss_curve_ == autoencoder().fit(X, X_val=X[:200]).val_loss_curve_


@pytest.mark.parametrize("storage", slow_but("stream", "zarr", of=STORAGES))
def test_methods_go_block_by_block(X, fitted, storage, tmp_path):
    given = STORAGES[storage](X, tmp_path)
    for name in ("transform", "reconstruct", "reconstruction_error"):
        expected = getattr(fitted, name)(X)
        np.testing.assert_array_equal(getattr(fitted, name)(given), expected)
    assert fitted.score(given) == fitted.score(X)
    assert fitted.explained_variance(given) == pytest.approx(fitted.explained_variance(X))
    for library in ("pandas", "polars"):
        framed = clone(fitted).fit(X).set_output(transform=library)
        assert framed.transform(given).equals(framed.transform(X))


def test_the_detector_reads_blocks(X):
    detector = AutoencoderOutlierDetector(autoencoder(), random_state=0)
    whole = clone(detector).fit(X)
    named = detector.fit(Stream(lambda: map(pd.DataFrame, parts(X))))
    assert named.offset_ == whole.offset_
    for name in ("score_samples", "predict", "feature_scores"):
        expected = getattr(whole, name)(X)
        np.testing.assert_array_equal(getattr(whole, name)(stream(X)), expected)


@slow
def test_memory_does_not_grow_with_the_rows(X, large):

    peaks = []
    for times in (4, 16):
        model = autoencoder(early_stopping=True, max_iter=1).fit(stream(X))
        read = Stream(lambda times=times: (part for _ in range(times) for part in parts(X)))
        tracemalloc.start()
        model.fit(read)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


# What is refused


def spoilt(X):
    blocks = [block.copy() for block in parts(X)]
    blocks[2][1, 3] = np.nan
    return blocks


def used_up(X):
    blocks = iter(parts(X))
    return Stream(lambda: blocks)


def growing(X):
    lengths = iter((3000, 2500, 3000))
    return Stream(lambda: parts(X[: next(lengths)]))


REFUSED = {
    "generator": (lambda X: (b for b in parts(X)), r"X is a generator.*skae.Stream\(function\)"),
    "function": (lambda X: lambda: parts(X), r"X is a function.*skae.Stream\(function\)"),
    "no function": (lambda X: Stream(iter(parts(X))), "Pass the function itself"),
    "once only": (used_up, "X could be read once only"),
    "array": (lambda X: Stream(lambda: X), "must return an iterable of blocks"),
    "empty": (lambda X: Stream(lambda: []), "X is an empty stream"),
    "no rows": (lambda X: Stream(lambda: [X[:0], X[:0]]), "X has no rows"),
    "width": (lambda X: Stream(lambda: [X, X[:, :4]]), r"different width: 4 .* 6.*In block 1 of X"),
    "type": (
        lambda X: Stream(lambda: [X, X.astype(np.float32)]),
        r"different type: float32 after float64.*astype\('float64'\)",
    ),
    "names": (
        lambda X: Stream(lambda: [pd.DataFrame(X, columns=list(c)) for c in ("abcdef", "abcdeg")]),
        r"feature names.*In block 1 of X",
    ),
    "pairs": (lambda X: Stream(lambda: [(X, X[:, 0])]), r"Block 0 of X is a tuple.*rows alone"),
    "NaN": (
        lambda X: Stream(lambda: spoilt(X)),
        r"X contains NaN.*missing='mask'.*In block 2 of X",
    ),
    "vector": (lambda X: Stream(lambda: [X[:, 0]]), r"Expected 2D array.*In block 0 of X"),
    "text": (
        lambda X: Stream(lambda: [pd.DataFrame({"a": list("ab"), "b": [1.0, 2.0]})]),
        "X has columns of categories, which are not read from blocks",
    ),
    "stored vector": (lambda X: zarr.array(X[:, 0]), "X must have two dimensions"),
    "other length": (growing, r"X gave 3000 rows in the first pass, but 2500 in a later one"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(X, what):
    given, message = REFUSED[what]
    model = autoencoder()
    with pytest.raises((TypeError, ValueError), match=f"(?s){message}"):
        model.fit(given(X))
    with pytest.raises(NotFittedError):
        model.transform(X)


@pytest.mark.parametrize("what", ["once only", "other length", "NaN"])
def test_what_is_refused_of_large_data(X, large, what):
    given, message = REFUSED[what]
    model = autoencoder().fit(X)
    before = model.transform(X)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(given(X))
    np.testing.assert_array_equal(model.transform(X), before)


@pytest.mark.parametrize(
    ("params", "arguments", "name"),
    [
        ({"trim_fraction": 0.1}, {}, "trim_fraction needs"),
        pytest.param({"pretraining": "layerwise"}, {}, "pretraining needs", marks=slow),
        ({"batch_size": 2000}, {}, "batch_size needs"),
        ({"trim_fraction": 0.1}, {"sample_weight": np.ones(N_ROWS)}, "sample_weight and trim_fr"),
    ],
)
def test_what_needs_all_rows_is_refused_of_large_blocks(X, large, params, arguments, name):
    model = autoencoder(**params)
    with pytest.raises(ValueError, match=f"read block by block, but {name}.*all rows at once"):
        model.fit(stream(X), **arguments)
    model.fit(X, **arguments)  # an array is read by its rows


def test_a_detector_needs_all_rows(X, large):
    with pytest.raises(ValueError, match="all of its rows are needed at once"):
        AutoencoderOutlierDetector(autoencoder()).fit(stream(X))


def test_identical_rows_cannot_be_parted(X, large):
    with pytest.raises(ValueError, match="most of its rows seem to be identical"):
        autoencoder(early_stopping=True).fit(stream(np.ones((N_ROWS, 6))))


def test_a_share_that_copies_make_another_is_told(X, large):
    few = np.array([row for row in X if held_out(row[None], 0.1)][:3] + list(X[:3]))
    with pytest.warns(UserWarning, match="holds out .*% of the rows rather than validation_fr"):
        autoencoder(early_stopping=True).fit(stream(np.repeat(few, 500, axis=0)))


def test_masked_values_of_other_libraries_are_missing(X):
    class Masked:
        shape, dtype = X.shape, X.dtype

        def __getitem__(self, rows):
            return np.ma.masked_greater(X[rows], 3.0)

    with pytest.raises(ValueError, match="X contains NaN"):
        autoencoder().fit(Masked())
    holes = np.where(X > 3.0, np.nan, X)
    masked = autoencoder(missing="mask").fit(Masked())
    np.testing.assert_array_equal(
        masked.transform(holes), autoencoder(missing="mask").fit(holes).transform(holes)
    )


def test_columns_of_categories_cannot_be_asked_for_of_blocks(X):
    with pytest.raises(ValueError, match="column_weights None"):
        autoencoder(column_weights=np.ones(6)).fit(stream(X))
