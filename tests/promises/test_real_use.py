"""In real use: pipelines, searches, other estimators, processes and threads, pickles."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from cases import slow, slow_but
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import clear_programs, program_info
from skae.architectures import Conv, Dense
from skae.corruption import GaussianNoise


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400], y[:400]


FAMILY = [
    AutoencoderTransformer(),
    DenoisingAutoencoder(corruption="swap"),
    SparseAutoencoder(sparsity="kl"),
    ContractiveAutoencoder(architecture=Conv((8, 8), (4,), normalization="batch")),
    VariationalAutoencoder(architecture=Dense((16,), dropout=0.1)),
]


PLAIN, DENOISING, _, CONVOLUTIONAL, VARIATIONAL = FAMILY


def name_of(estimator):
    return type(estimator).__name__


# How a denoiser or a sparse autoencoder was trained makes no difference to what is done with it.
@pytest.fixture(
    scope="module",
    params=slow_but(PLAIN, CONVOLUTIONAL, VARIATIONAL, of=FAMILY),
    ids=name_of,
)
def fitted(request, digits):
    estimator = clone(request.param).set_params(n_components=4, max_iter=5, random_state=0)
    return estimator.fit(digits[0] / 16)


def autoencoder(**params):
    settings = {"n_components": 4, "solver": "sgd", "max_iter": 5, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


def classifier(**params):
    return make_pipeline(MinMaxScaler(), autoencoder(**params), LogisticRegression(max_iter=1000))


def search(n_jobs):
    grid = {"autoencodertransformer__max_iter": [2, 5]}
    return GridSearchCV(classifier(), grid, cv=3, n_jobs=n_jobs)


@pytest.fixture(scope="module")
def searched(digits):
    return search(None).fit(*digits)


@pytest.mark.parametrize(
    ("backend", "n_jobs"), [pytest.param("loky", 2, marks=slow), ("threading", 2)]
)
def test_a_search_gives_the_same_bits_however_it_runs(digits, searched, backend, n_jobs):
    expected = searched
    with joblib.parallel_backend(backend):
        got = search(n_jobs).fit(*digits)
    assert len(set(expected.cv_results_["mean_test_score"])) > 1
    for split in range(3):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(got.cv_results_[name], expected.cv_results_[name])
    np.testing.assert_array_equal(got.predict_proba(digits[0]), expected.predict_proba(digits[0]))


# The search above fits a plain one in other processes, a test below some of the others.
@pytest.mark.parametrize("estimator", slow_but(DENOISING, of=FAMILY), ids=name_of)
@slow
def test_the_whole_family_gives_the_same_bits_in_other_processes(digits, estimator):
    estimator = clone(estimator).set_params(max_iter=2, random_state=0)
    X = digits[0] / 16
    expected = cross_val_score(estimator, X, cv=2)
    with joblib.parallel_backend("loky"):
        np.testing.assert_array_equal(cross_val_score(estimator, X, cv=2, n_jobs=2), expected)


@pytest.mark.parametrize("backend", slow_but("threading", of=["loky", "threading"]))
def test_halving_and_cross_validation_give_the_same_bits_in_parallel(digits, backend):
    X = digits[0] / 16

    def scores(n_jobs):
        halving = HalvingGridSearchCV(
            DenoisingAutoencoder(random_state=0), {"learning_rate_init": [1e-5, 1e-4, 1e-3]},
            resource="max_iter", min_resources=2, max_resources=6, cv=2, random_state=0,
            n_jobs=n_jobs,
        ).fit(X)  # fmt: skip
        folds = cross_val_score(classifier(), *digits, cv=4, n_jobs=n_jobs)
        union = FeatureUnion(
            [("a", autoencoder()), ("b", autoencoder(random_state=1))], n_jobs=n_jobs
        )
        return halving.cv_results_["mean_test_score"], folds, union.fit_transform(X)

    expected = scores(None)
    with joblib.parallel_backend(backend):
        for got, alone in zip(scores(2), expected, strict=True):
            np.testing.assert_array_equal(got, alone)


def test_a_search_over_numpy_integers(digits):
    grid = {
        "n_components": np.array([4]),
        "max_iter": np.array([1, 2]),
        "batch_size": [np.int64(20)],
    }
    search = GridSearchCV(autoencoder(), grid, cv=2).fit(digits[0] / 16)
    plain = autoencoder(n_components=4, max_iter=2, batch_size=20).fit(digits[0] / 16)
    np.testing.assert_array_equal(search.transform(digits[0]), plain.transform(digits[0]))


def test_halving_search_over_epochs(digits):
    halving = HalvingGridSearchCV(
        autoencoder(), {"learning_rate_init": [1e-6, 1e-5, 1e-3]}, resource="max_iter",
        min_resources=2, max_resources=18, cv=3, random_state=0,
    )  # fmt: skip
    halving.fit(digits[0] / 16)
    assert halving.best_params_ == {"max_iter": 6, "learning_rate_init": 1e-3}


def test_cross_val_score_is_the_score_of_each_fold(digits):
    X = digits[0] / 16
    scores = cross_val_score(autoencoder(), X, cv=4)
    train, test = np.arange(100, 400), np.arange(100)
    assert scores[0] == autoencoder().fit(X[train]).score(X[test])


def test_before_pca_and_tsne(digits):
    X = MinMaxScaler().fit_transform(digits[0])
    code = autoencoder().fit_transform(X)
    embedded = make_pipeline(autoencoder(), PCA(2)).fit_transform(X)
    np.testing.assert_allclose(embedded, PCA(2).fit_transform(code), atol=1e-9)
    tsne = TSNE(max_iter=250, random_state=0)
    assert np.isfinite(make_pipeline(autoencoder(), tsne).fit_transform(X)).all()


def test_column_transformer_and_feature_union(digits):
    X = digits[0] / 16
    steps = [("ae", autoencoder(), slice(0, 32)), ("rest", "passthrough", [40])]
    columns = ColumnTransformer(steps)
    np.testing.assert_array_equal(
        columns.fit_transform(X), np.c_[autoencoder().fit_transform(X[:, :32]), X[:, 40]]
    )
    union = FeatureUnion([("ae", autoencoder()), ("pca", PCA(2))])
    assert union.fit_transform(X).shape == (400, 6)
    names = union.get_feature_names_out()
    assert list(names[:4]) == [f"ae__autoencodertransformer{i}" for i in range(4)]


def test_pipeline_memory(digits, tmp_path):
    def make():
        steps = [("ae", autoencoder()), ("classify", LogisticRegression(max_iter=1000))]
        return Pipeline(steps, memory=str(tmp_path))

    X, y = digits[0] / 16, digits[1]
    first = make().fit(X, y).predict_proba(X)
    before = program_info()["made"].get("epoch", 0)
    np.testing.assert_array_equal(make().fit(X, y).predict_proba(X), first)
    assert program_info()["made"].get("epoch", 0) == before


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_in_and_out(digits, library):
    frames = pytest.importorskip(library)
    X = digits[0] / 16
    frame = frames.DataFrame({f"pixel{i}": column for i, column in enumerate(X.T)})
    estimator = autoencoder().set_output(transform=library).fit(frame)
    code = estimator.transform(frame)
    assert isinstance(code, frames.DataFrame)
    assert list(code.columns) == list(estimator.get_feature_names_out())
    np.testing.assert_array_equal(code.to_numpy(), autoencoder().fit(X).transform(X))
    assert list(estimator.feature_names_in_) == list(frame.columns)
    decoded = estimator.inverse_transform(code)
    assert isinstance(decoded, frames.DataFrame)
    assert list(decoded.columns) == list(frame.columns)


def test_clean_rows_are_routed_through_a_pipeline(digits):
    import sklearn

    clean = digits[0] / 16
    noisy = GaussianNoise(0.3).corrupt(clean, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        denoiser = DenoisingAutoencoder(8, hidden_layer_sizes=(), max_iter=5, random_state=0)
        denoiser.set_fit_request(X_clean=True)
        pipeline = make_pipeline(denoiser, LogisticRegression(max_iter=1000))
        pipeline.fit(noisy, digits[1], X_clean=clean)
    alone = clone(denoiser).fit(noisy, X_clean=clean)
    np.testing.assert_array_equal(pipeline[0].transform(noisy), alone.transform(noisy))
    without = clone(denoiser).fit(noisy)
    assert not np.array_equal(without.transform(noisy), alone.transform(noisy))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_give_the_same_bits(fitted, digits, copied):
    again = copied(fitted)
    np.testing.assert_array_equal(again.transform(digits[0]), fitted.transform(digits[0]))
    np.testing.assert_array_equal(again.reconstruct(digits[0]), fitted.reconstruct(digits[0]))


def test_a_pickle_is_as_small_as_the_weights(fitted):
    network = fitted._network
    n_weights = sum(array.size for array in (*network.trainable, *network.fixed))
    assert len(pickle.dumps(fitted)) < 4 * n_weights + 6000


@slow
@pytest.mark.parametrize("fitted", FAMILY, indirect=True, ids=name_of)
def test_another_process_fits_and_transforms_the_same_bits(fitted, digits, tmp_path):
    joblib.dump((fitted, digits[0] / 16), tmp_path / "fitted.joblib")
    program = """
import random, sys
import joblib, numpy as np
from sklearn.base import clone
fitted, X = joblib.load(sys.argv[1], mmap_mode="r")
joblib.dump((fitted.transform(X), clone(fitted).fit(X).transform(X)), sys.argv[2])
"""
    arguments = [str(tmp_path / "fitted.joblib"), str(tmp_path / "codes.joblib")]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)
    for code in joblib.load(arguments[1]):
        np.testing.assert_array_equal(code, fitted.transform(digits[0] / 16))


def test_threads_share_an_estimator(fitted, digits):
    X = digits[0] / 16
    expected = fitted.transform(X)
    codes = joblib.Parallel(n_jobs=8, backend="threading")(
        joblib.delayed(fitted.transform)(X) for _ in range(80)
    )
    assert all(np.array_equal(code, expected) for code in codes)


def test_threads_fit_together(digits):
    X = digits[0] / 16
    expected = [autoencoder(random_state=seed).fit(X).transform(X) for seed in range(4)]
    clear_programs()
    codes = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(autoencoder(random_state=seed).fit_transform)(X) for seed in range(4)
    )
    for code, same in zip(codes, expected, strict=True):
        np.testing.assert_array_equal(code, same)


def test_global_random_states_are_neither_read_nor_written(digits):
    import random

    def fit():
        return DenoisingAutoencoder(3, max_iter=2, random_state=0).fit(digits[0] / 16)

    clear_programs()
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    states = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = fit()
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    clear_programs()
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(fit().transform(digits[0]), first.transform(digits[0]))


def test_a_row_has_the_same_bits_in_any_company(fitted, digits):
    X = np.tile(digits[0] / 16, (3, 1))[:1000]
    code, reconstruction = fitted.transform(X), fitted.reconstruct(X)
    for row in [0, 1, 127, 128, 500, 999]:
        np.testing.assert_array_equal(fitted.transform(X[[row]])[0], code[row])
        np.testing.assert_array_equal(fitted.reconstruct(X[[row]])[0], reconstruction[row])
    order = np.random.default_rng(0).permutation(1000)
    np.testing.assert_array_equal(fitted.transform(X[order]), code[order])


def test_much_data_have_the_same_bits(fitted, digits):
    """Also where they go through larger tiles."""
    from skae._engine.inference import LARGE_FROM, LARGE_TILE_ROWS

    n_rows = LARGE_FROM * LARGE_TILE_ROWS
    X = np.resize(digits[0] / 16, (n_rows + 100, 64)).astype(np.float32)
    code = fitted.transform(X)
    few = np.r_[0:50, n_rows - 10 : n_rows + 100]
    np.testing.assert_array_equal(code[few], fitted.transform(X[few]))
    np.testing.assert_array_equal(fitted.inverse_transform(code)[few], fitted.reconstruct(X[few]))
