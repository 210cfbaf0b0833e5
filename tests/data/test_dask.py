"""Dask in, Dask out: lazily, and with the bits of the whole."""

import pickle

import dask
import dask.array as da
import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd
import pytest
from cases import slow, slow_but
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderOutlierDetector, AutoencoderTransformer, VariationalAutoencoder
from skae._data import sources

N_ROWS = 1000


@pytest.fixture(scope="module")
def X():
    random = np.random.default_rng(0)
    return random.normal(size=(N_ROWS, 3)) @ random.normal(size=(3, 6))


@pytest.fixture(scope="module")
def frame(X):
    return pd.DataFrame(X, columns=list("abcdef"), index=np.arange(N_ROWS) + 7)


def autoencoder(cls=AutoencoderTransformer, **params):
    settings = {"hidden_layer_sizes": (8,), "solver": "sgd", "max_iter": 2, "random_state": 0}
    return cls(2, **{**settings, **params})


@pytest.fixture(scope="module")
def fitted(X):
    return autoencoder().fit(X)


@pytest.fixture(scope="module")
def detector(X):
    return AutoencoderOutlierDetector(autoencoder(), random_state=0).fit(X)


def check_same(lazy, expected):
    """Type, width and kind are known beforehand; the values are the same to the bit."""
    if isinstance(expected, pd.DataFrame):
        assert isinstance(lazy, dd.DataFrame)
        pd.testing.assert_frame_equal(lazy._meta, expected[:0], check_index_type=False)
        pd.testing.assert_frame_equal(lazy.compute(), expected, rtol=0, atol=0)
        return
    assert isinstance(lazy, da.Array)
    assert lazy.dtype == expected.dtype
    assert lazy.shape[1:] == expected.shape[1:]
    computed = lazy.compute()
    assert computed.dtype == expected.dtype
    np.testing.assert_array_equal(computed, expected)


CHUNKS = ((1, 299, 48, 652), 6)

METHODS = ("transform", "reconstruct", "reconstruction_error")
SCORES = ("score_samples", "decision_function", "predict", "feature_scores")


@pytest.mark.parametrize("dtype", slow_but(np.float64, of=[np.float64, np.float32, np.uint8]))
def test_arrays(X, fitted, dtype):
    X = (10 * X).astype(dtype)
    lazy = da.from_array(X, chunks=CHUNKS)
    for name in METHODS:
        result = getattr(fitted, name)(lazy)
        assert result.chunks[0] == CHUNKS[0]
        check_same(result, getattr(fitted, name)(X))
    check_same(
        fitted.reconstruction_error(lazy, per_feature=True),
        fitted.reconstruction_error(X, per_feature=True),
    )
    check_same(fitted.inverse_transform(fitted.transform(lazy)), fitted.reconstruct(X))
    assert fitted.score(lazy) == fitted.score(X)
    assert fitted.explained_variance(lazy) == pytest.approx(fitted.explained_variance(X))


@slow
def test_missing_values_are_filled(X):
    holes = np.where(X > 2, np.nan, X)
    model = autoencoder(missing="mask").fit(holes)
    check_same(model.impute(da.from_array(holes, chunks=CHUNKS)), model.impute(holes))


def test_scores_of_outliers(X, detector):
    lazy = da.from_array(X, chunks=CHUNKS)
    for name in SCORES:
        check_same(getattr(detector, name)(lazy), getattr(detector, name)(X))
    again = clone(detector).fit(lazy)
    assert again.offset_ == detector.offset_


@slow
def test_likelihoods(X):
    model = autoencoder(VariationalAutoencoder, solver="adam").fit(X)
    lazy = da.from_array(X, chunks=CHUNKS)
    check_same(model.elbo(lazy, n_samples=2), model.elbo(X, n_samples=2))
    check_same(model.log_likelihood(lazy, 3), model.log_likelihood(X, 3))


def test_nothing_is_computed_before_it_is_asked_for(fitted, detector):
    def fails(block):
        raise AssertionError

    lazy = da.ones((N_ROWS, 6), chunks=(100, 6)).map_blocks(
        fails, dtype=float, meta=np.empty((0, 0))
    )
    for name in METHODS:
        getattr(fitted, name)(lazy)
    for name in SCORES:
        getattr(detector, name)(lazy)


def test_the_estimator_as_it_was_is_what_counts(X):
    model = autoencoder().fit(X)
    expected, lazy = model.transform(X), model.transform(da.from_array(X, chunks=CHUNKS))
    model.fit(2 * X[:500] ** 2)
    np.testing.assert_array_equal(lazy.compute(), expected)


def test_frames(frame):
    lazy = dd.from_pandas(frame, npartitions=3)
    model = autoencoder().fit(lazy)
    assert model.feature_names_in_.tolist() == list("abcdef")
    assert model.history_ == autoencoder().fit(frame).history_
    for name in METHODS:
        check_same(getattr(model, name)(lazy), getattr(model, name)(frame))
    model.set_output(transform="pandas")
    for name in ("transform", "reconstruct"):
        check_same(getattr(model, name)(lazy), getattr(model, name)(frame))
    check_same(
        model.reconstruction_error(lazy, per_feature=True),
        model.reconstruction_error(frame, per_feature=True),
    )
    check_same(model.inverse_transform(model.transform(lazy)), model.reconstruct(frame))
    check_same(model.fit_transform(lazy), model.transform(frame))
    with pytest.raises(ValueError, match=r"feature names should match"):
        model.transform(lazy.rename(columns={"a": "z"}))


@slow
def test_frames_of_arrays(X, fitted):
    framed = clone(fitted).fit(X).set_output(transform="pandas")
    lazy = da.from_array(X, chunks=CHUNKS)
    check_same(framed.transform(lazy), framed.transform(X))
    framed.set_output(transform="polars")
    with pytest.raises(ValueError, match="frames of polars cannot be lazy"):
        framed.transform(lazy)


def test_tables(frame):
    table = frame.assign(kind=pd.Categorical(np.where(frame["a"] > 0, "high", "low")))
    model = autoencoder(solver="adam").fit(table)
    lazy = dd.from_pandas(table, npartitions=3)
    for name in METHODS:
        check_same(getattr(model, name)(lazy), getattr(model, name)(table))
    with pytest.raises(TypeError, match=r"X has columns of categories.*not read from blocks"):
        autoencoder().fit(lazy)


def test_chunks_of_unknown_size_and_without_rows(X, fitted, detector, frame):
    lazy = da.from_array(X, chunks=CHUNKS)
    some = lazy[lazy[:, 0] > 0]
    check_same(fitted.transform(some), fitted.transform(X[X[:, 0] > 0]))
    with pytest.raises(
        ValueError, match=r"X is a Dask array of unknown.*X.compute_chunk_sizes\(\)"
    ):
        autoencoder().fit(some)
    autoencoder().fit(some.compute_chunk_sizes())
    none = lazy[lazy[:, 0] > 1e9]
    assert fitted.transform(none).compute().shape == (0, 2)
    assert detector.predict(none).compute().shape == (0,)
    rows = dd.from_pandas(frame, npartitions=3)
    model = autoencoder().fit(frame).set_output(transform="pandas")
    highest = frame["a"].max()
    few = rows[rows["a"] == highest]  # two of the partitions become empty
    check_same(model.transform(few), model.transform(frame[frame["a"] == highest]))


def test_chunks_that_split_the_features(X, fitted, detector):
    lazy = da.from_array(X, chunks=(100, 3))
    message = r"X is a Dask array whose chunks split the features into 2.*X.rechunk\(\{0: 'auto'"
    for call in (fitted.fit, fitted.transform, fitted.inverse_transform, detector.predict):
        with pytest.raises(ValueError, match=message):
            call(lazy)
    check_same(fitted.transform(lazy.rechunk({0: "auto", 1: -1})), fitted.transform(X))


def test_wrong_width_and_kind(X, fitted):
    lazy = da.from_array(X, chunks=CHUNKS)
    with pytest.raises(ValueError, match="X has 5 features"):
        fitted.transform(lazy[:, :5])
    with pytest.raises(ValueError, match="X must have two dimensions"):
        fitted.transform(lazy[:, 0])
    holes = da.where(lazy > 1, np.nan, lazy)
    with pytest.raises(ValueError, match="X contains NaN"):
        autoencoder().fit(holes)
    with pytest.raises(ValueError, match="X contains NaN"):
        fitted.transform(holes).compute()


def test_large_arrays_are_read_chunk_by_chunk(X, monkeypatch):
    monkeypatch.setattr(sources, "HELD_BYTES", 4 * 6 * 500)
    model = autoencoder(shuffle=False)
    whole = clone(model).fit(X)
    lazy, rows = da.from_array(X, chunks=CHUNKS), []
    counted = lazy.map_blocks(lambda block: rows.append(len(block)) or block, dtype=float)
    rows.clear()
    np.testing.assert_array_equal(model.fit(counted).transform(X), whole.transform(X))
    assert sorted(rows) == sorted(3 * CHUNKS[0])  # the statistics and two epochs
    frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
    np.testing.assert_array_equal(model.fit(frame).transform(X), whole.transform(X))


@slow
def test_in_a_pipeline_behind_a_local_step(X, frame):
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), autoencoder())
    expected = pipe.fit(frame).transform(frame)
    lazy = dd.from_pandas(frame, npartitions=2).map_partitions(pipe[0].transform)
    np.testing.assert_array_equal(pipe[1].transform(lazy).compute(), expected)


@slow
def test_processes(X, fitted, detector):
    lazy = da.from_array(X, chunks=CHUNKS)
    with dask.config.set(scheduler="processes", num_workers=1):
        code, scores = dask.compute(fitted.transform(lazy), detector.score_samples(lazy))
    np.testing.assert_array_equal(code, fitted.transform(X))
    np.testing.assert_array_equal(scores, detector.score_samples(X))


@slow
@pytest.mark.filterwarnings("ignore")  # of distributed
def test_a_cluster(X, fitted, detector):
    lazy = da.from_array(X, chunks=CHUNKS)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, processes=True
    )
    with cluster, distributed.Client(cluster):
        for name in METHODS:
            check_same(getattr(fitted, name)(lazy), getattr(fitted, name)(X))
        for name in SCORES:
            check_same(getattr(detector, name)(lazy), getattr(detector, name)(X))
        again = clone(fitted).fit(lazy)
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))


def test_an_estimator_that_read_dask_has_none_of_it(X, fitted):
    model = autoencoder().fit(da.from_array(X, chunks=CHUNKS))
    assert b"dask" not in pickle.dumps(model)
