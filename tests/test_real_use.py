"""In real use: pipelines, searches, other estimators, processes and threads, pickles."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import clear_programs, program_info
from skae.architectures import Architecture, Conv, Dense
from skae.corruption import Corruption, GaussianNoise


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


@pytest.fixture(scope="module", params=FAMILY, ids=lambda estimator: type(estimator).__name__)
def fitted(request, digits):
    estimator = clone(request.param).set_params(n_components=4, max_iter=5, random_state=0)
    return estimator.fit(digits[0] / 16)


def autoencoder(**params):
    return AutoencoderTransformer(**{"n_components": 4, "max_iter": 5, "random_state": 0, **params})


def classifier(**params):
    return make_pipeline(MinMaxScaler(), autoencoder(**params), LogisticRegression(max_iter=1000))


def search(n_jobs):
    grid = {"autoencodertransformer__n_components": [2, 4], "logisticregression__C": [1, 10]}
    return GridSearchCV(classifier(), grid, cv=3, n_jobs=n_jobs)


@pytest.mark.parametrize(("backend", "n_jobs"), [("loky", 2), ("threading", 2), ("loky", 1)])
def test_a_search_gives_the_same_bits_however_it_runs(digits, backend, n_jobs):
    expected = search(None).fit(*digits)
    with joblib.parallel_backend(backend):
        got = search(n_jobs).fit(*digits)
    assert len(set(expected.cv_results_["mean_test_score"])) > 1
    for split in range(3):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(got.cv_results_[name], expected.cv_results_[name])
    np.testing.assert_array_equal(got.predict_proba(digits[0]), expected.predict_proba(digits[0]))


@pytest.mark.parametrize("estimator", FAMILY, ids=lambda estimator: type(estimator).__name__)
def test_the_whole_family_gives_the_same_bits_in_other_processes(digits, estimator):
    estimator = clone(estimator).set_params(max_iter=2, random_state=0)
    X = digits[0] / 16
    expected = cross_val_score(estimator, X, cv=2)
    with joblib.parallel_backend("loky"):
        np.testing.assert_array_equal(cross_val_score(estimator, X, cv=2, n_jobs=2), expected)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_halving_and_cross_validation_give_the_same_bits_in_parallel(digits, backend):
    X = digits[0] / 16

    def scores(n_jobs):
        halving = HalvingGridSearchCV(
            DenoisingAutoencoder(random_state=0), {"n_components": [1, 2, 6]}, resource="max_iter",
            min_resources=2, max_resources=6, cv=2, random_state=0, n_jobs=n_jobs,
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
        "n_components": np.array([1, 3]),
        "max_iter": np.array([2]),
        "batch_size": [np.int64(20)],
    }
    search = GridSearchCV(autoencoder(), grid, cv=2).fit(digits[0] / 16)
    plain = autoencoder(n_components=3, max_iter=2, batch_size=20).fit(digits[0] / 16)
    np.testing.assert_array_equal(search.transform(digits[0]), plain.transform(digits[0]))


def test_halving_search_over_epochs(digits):
    halving = HalvingGridSearchCV(
        autoencoder(), {"n_components": [1, 2, 6]}, resource="max_iter", min_resources=2,
        max_resources=18, cv=3, random_state=0,
    )  # fmt: skip
    halving.fit(digits[0] / 16)
    assert halving.best_params_ == {"max_iter": 6, "n_components": 6}


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
    assert np.isfinite(make_pipeline(autoencoder(), TSNE(random_state=0)).fit_transform(X)).all()


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
    assert isinstance(estimator.inverse_transform(code), np.ndarray)


def test_clean_rows_are_routed_through_a_pipeline(digits):
    import sklearn

    clean = digits[0] / 16
    noisy = GaussianNoise(0.3).corrupt(clean, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        denoiser = DenoisingAutoencoder(8, max_iter=5, random_state=0)
        denoiser.set_fit_request(X_clean=True)
        pipeline = make_pipeline(denoiser, LogisticRegression(max_iter=1000))
        pipeline.fit(noisy, digits[1], X_clean=clean)
    alone = clone(denoiser).fit(noisy, X_clean=clean)
    np.testing.assert_array_equal(pipeline[0].transform(noisy), alone.transform(noisy))
    without = clone(denoiser).fit(noisy)
    assert not np.array_equal(without.transform(noisy), alone.transform(noisy))


def test_a_search_over_numbers_compiles_two_programs_at_most(digits):
    clear_programs()
    grid = {"learning_rate_init": [1e-3, 3e-3, 1e-2], "alpha": [0.0, 1e-4, 1e-3, 1e-2]}
    X = digits[0][:397] / 16  # folds of two lengths
    GridSearchCV(autoencoder(max_iter=2), grid, cv=5).fit(X)
    assert program_info()["made"]["epoch"] <= 2


def test_a_search_over_noise_compiles_one_program(digits):
    clear_programs()
    denoiser = DenoisingAutoencoder(4, max_iter=2, random_state=0)
    grid = {"corruption_level": [0.0, 0.1, 0.2, 0.4]}
    search = GridSearchCV(denoiser, grid, cv=4, refit=False)
    search.fit(digits[0] / 16)
    assert program_info()["made"]["epoch"] == 1
    assert len(set(search.cv_results_["mean_test_score"])) == 4


def test_the_store_of_programs_is_bounded():
    from skae._engine._programs import ProgramCache

    cache = ProgramCache(maxsize=3)
    for key in range(10):
        assert cache.get("square", key, lambda key=key: key * key) == key * key
    assert cache.info() == {"held": 3, "made": {"square": 10}}
    cache.get("square", 9, lambda: pytest.fail("made twice"))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_give_the_same_bits(fitted, digits, copied):
    again = copied(fitted)
    np.testing.assert_array_equal(again.transform(digits[0]), fitted.transform(digits[0]))
    np.testing.assert_array_equal(again.reconstruct(digits[0]), fitted.reconstruct(digits[0]))


def test_a_pickle_is_as_small_as_the_weights(fitted):
    n_weights = sum(array.size for array in fitted._network.trainable)
    assert len(pickle.dumps(fitted)) < 4 * n_weights + 6000


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
        joblib.delayed(fitted.transform)(X) for _ in range(200)
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
    from skae._engine._network import LARGE_FROM, LARGE_TILE_ROWS

    n_rows = LARGE_FROM * LARGE_TILE_ROWS
    X = np.resize(digits[0] / 16, (n_rows + 100, 64)).astype(np.float32)
    code = fitted.transform(X)
    few = np.r_[0:50, n_rows - 10 : n_rows + 100]
    np.testing.assert_array_equal(code[few], fitted.transform(X[few]))
    np.testing.assert_array_equal(fitted.inverse_transform(code)[few], fitted.reconstruct(X[few]))


def test_large_tiles_that_differ_are_not_used(digits, monkeypatch):
    from skae._engine import _network

    function = _network._inference_function

    def depending_on_the_shape(kind, graph, objective):
        compute = function(kind, graph, objective)
        return lambda weights, X: compute(weights, X) * (1 + 1e-6 * (len(X) > _network.TILE_ROWS))

    clear_programs()
    monkeypatch.setattr(_network, "_inference_function", depending_on_the_shape)
    X = np.resize(digits[0] / 16, (_network.LARGE_FROM * _network.LARGE_TILE_ROWS, 64))
    estimator = autoencoder().fit(digits[0] / 16)
    np.testing.assert_array_equal(estimator.transform(X)[:50], estimator.transform(X[:50]))
    assert program_info()["made"]["agreement"] == 1
    clear_programs()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tiles_keep_their_rows_while_the_next_are_made(dtype):
    from skae._engine import Rows, _data

    X = np.arange(1003 * 5, dtype=dtype).reshape(1003, 5)
    under_way, n_rows = [], 0
    for start, tile in _data.tiles(Rows(X), _data.Ring(3, (64, 5))):
        assert tile.shape == (64, 5)
        assert tile.dtype == np.float32
        under_way = [*under_way[-2:], (start, tile)]
        for earlier, kept in under_way:
            rows = X[earlier : earlier + 64]
            np.testing.assert_array_equal(kept[: len(rows)], rows)
        n_rows += len(X[start : start + 64])
    assert n_rows == 1003


def test_aligned_tiles_are_views_and_holes_are_filled_in_a_copy():
    from skae._engine import Rows, _data

    X = _data.aligned((128, 16))
    X[:] = 1.0
    views = [tile for _, tile in _data.tiles(Rows(X), _data.Ring(1, (64, 16)))]
    assert all(np.shares_memory(X, tile) for tile in views)
    X[:, 3] = np.nan
    [tile, _] = [
        tile.copy() for _, tile in _data.tiles(Rows(X), _data.Ring(1, (64, 16)), fill=np.arange(16))
    ]
    np.testing.assert_array_equal(tile[:, 3], 3.0)
    assert np.isnan(X[:, 3]).all()
    np.testing.assert_array_equal(np.delete(tile, 3, axis=1), 1.0)


def test_a_ring_belongs_to_one_caller_at_a_time():
    from skae._engine import _data

    rings = _data.IdleRings(2)
    first, second = rings.take(3, (64, 5)), rings.take(3, (64, 5))
    assert first is not second
    for ring in (first, second):
        rings.give(ring)
    assert rings.take(3, (64, 5)) is second
    assert rings.take(3, (64, 5)) is not first
    others = [_data.Ring(3, (64, width)) for width in (1, 2, 3)]
    for ring in others:
        rings.give(ring)
    assert rings.take(3, (64, 1)) is not others[0]
    assert rings.take(3, (64, 3)) is others[2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39, -1e300, 1e30, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_sum_that_shows_all_values_to_be_in_range(value, dtype, order):
    from skae._validation import surely_in_range

    X = np.zeros((7, 5), dtype, order=order)
    assert surely_in_range(X)
    with np.errstate(over="ignore"):
        X[3, 2] = value
    in_range = np.isfinite(X).all() and np.abs(X).max() <= np.finfo(np.float32).max
    assert in_range or not surely_in_range(X)
    assert surely_in_range(X) == (in_range and not (value == 1e30 and dtype is np.float32))


def test_options_that_a_compiler_lacks_are_left_out():
    from skae._engine._programs import compile_program

    double = compile_program(
        "test", "options", lambda: lambda x: 2 * x, (np.float32(0),),
        cpu_options={"xla_of_another_version": True},
    )  # fmt: skip
    assert double(np.float32(3)) == 6


class Summing(Architecture):
    """Its encoder adds the features up, one by one, in a loop."""

    rounds_traced = 0

    def build(self, input_shape, n_components):
        from keras import Sequential, layers, ops

        def add(total, feature):
            Summing.rounds_traced += 1
            return total + feature, None

        def total(X):
            return ops.scan(add, X[:, 0], ops.transpose(X[:, 1:]))[0][:, None]

        encoder = Sequential([layers.Input(input_shape), layers.Lambda(total, output_shape=(1,))])
        decoder = Sequential([layers.Input((1,)), layers.Dense(input_shape[0])])
        return encoder, decoder


def test_loops_of_a_users_layer_are_not_unrolled(digits):
    fitted = autoencoder(n_components=1, architecture=Summing()).fit(digits[0])
    np.testing.assert_allclose(fitted.transform(digits[0])[:, 0], digits[0].sum(axis=1), rtol=1e-6)
    assert 0 < Summing.rounds_traced < digits[0].shape[1] / 2


@pytest.mark.parametrize(
    ("part", "is_own"), [(Dense, True), ("adam", True), (Summing, False), ("".join, False)]
)
def test_programs_without_a_users_code_are_traced_as_one_function(part, is_own):
    """Else JAX keeps the traces of all that they call; `repeat` is a loop in either."""
    import jax

    from skae._engine._programs import compile_program, repeat

    inlined = []

    def double(number, x):
        inlined.append(jax.config.jax_disable_jit)
        return 2 * x

    power = compile_program(
        "test", (("nested", part), is_own), lambda: lambda x: repeat(40, double, x),
        (np.float32(0),),
    )  # fmt: skip
    assert power(np.float32(3)) == 3 * 2.0**40
    assert set(inlined) == {is_own}
    assert len(inlined) < 5
    assert not jax.config.jax_disable_jit


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8, bool])
@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_storage_and_type_of_the_input(digits, dtype, storage):
    X = (digits[0] > 7).astype(dtype)
    if dtype is np.float16 and storage is not np.asarray:
        storage = np.asarray  # SciPy has no sparse half precision
    expected = autoencoder().fit(X.astype(np.float64))
    got = autoencoder().fit(storage(X))
    code = got.transform(storage(X))
    assert code.dtype == (np.float32 if dtype in (np.float32, np.float16) else np.float64)
    assert got.inverse_transform(code).dtype == code.dtype
    np.testing.assert_array_equal(code, expected.transform(X.astype(float)).astype(code.dtype))
    assert got.score(storage(X)) == pytest.approx(expected.score(X.astype(float)), rel=1e-6)


def test_memory_maps_are_read_in_blocks(digits, tmp_path, monkeypatch):
    from skae._engine import _data

    np.save(tmp_path / "X.npy", (digits[0] / 16).astype(np.float32))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    read = []
    part = _data.Rows.part
    monkeypatch.setattr(_data, "BLOCK_BYTES", 4 * 64 * 256)
    monkeypatch.setattr(_data.Rows, "part", lambda *a: read.append(part(*a)) or read[-1])
    fitted = autoencoder(max_iter=2).fit(X)
    in_memory = autoencoder(max_iter=2).fit(np.array(X))
    np.testing.assert_array_equal(fitted.transform(X), in_memory.transform(X))
    training = [rows for rows in read if len(rows) == 64]
    assert len(training) >= 2 * 2 * (400 // 64)


def test_sparse_data_are_never_dense_as_a_whole(monkeypatch):
    from skae._engine import _data

    X = sparse.random_array((3000, 40), density=0.1, random_state=0, format="csr")
    sizes = []
    part = _data.Rows.part

    def recording(self, positions):
        rows = part(self, positions)
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(_data, "BLOCK_BYTES", 4 * 40 * 512)
    monkeypatch.setattr(_data.Rows, "part", recording)
    for module in ("_base", "_training_set", "_validation"):
        monkeypatch.setattr(f"skae.{module}.BLOCK_ROWS", 256)
    fitted = autoencoder(max_iter=2).fit(X)
    fitted.transform(X)
    fitted.score(X)
    assert max(sizes) <= 512


def test_zero_weights_remove_rows_in_mini_batches(digits):
    X = digits[0] / 16
    weight = np.ones(400)
    weight[::3] = 0
    weighted = autoencoder().fit(X, sample_weight=weight)
    removed = autoencoder().fit(X[weight > 0])
    np.testing.assert_array_equal(weighted.transform(X), removed.transform(X))


def test_partial_fit_goes_on(digits):
    X = digits[0] / 16
    settings = {"learning_rate": "constant", "max_iter": 3, "n_iter_no_change": np.inf}
    whole = autoencoder(**settings).fit(X)
    parts = autoencoder(**settings)
    for _ in range(3):
        parts.partial_fit(X)
    np.testing.assert_array_equal(parts.transform(X), whole.transform(X))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 3


def test_warm_start_goes_on_from_the_weights(digits):
    X = digits[0] / 16
    warm = autoencoder(warm_start=True, max_iter=30).fit(X)
    before = warm.loss_curve_[-1]
    warm.set_params(max_iter=1, learning_rate_init=1e-6).fit(X)
    assert warm.loss_curve_[0] == pytest.approx(before, rel=0.05)
    cold = autoencoder(max_iter=1, learning_rate_init=1e-6).fit(X)
    assert cold.loss_curve_[0] > 1.5 * before
    with pytest.raises(ValueError, match="describe another"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(X)


class Skewed(Architecture):
    """A user's own architecture: a deeper encoder with dropout, a shallow decoder."""

    def __init__(self, width=16):
        self.width = width

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        hidden = [layers.Dense(self.width, "relu"), layers.Dropout(0.1)]
        return (
            Sequential([layers.Input(input_shape), *hidden, layers.Dense(n_components)]),
            Sequential([layers.Input((n_components,)), layers.Dense(*input_shape)]),
        )


class Dimming(Corruption):
    """A user's own corruption: each row darker by a random factor."""

    def __init__(self, level=0.5):
        self.level = level

    def apply(self, X, level, seed):
        from keras import ops, random

        return X * (1 - level * random.uniform((ops.shape(X)[0], 1), seed=seed))


def test_an_architecture_of_ones_own(digits):
    X = digits[0] / 16
    own = autoencoder(architecture=Skewed(), max_iter=20)
    first = own.fit(X)
    np.testing.assert_array_equal(clone(own).fit(X).transform(X), first.transform(X))
    other = clone(own).set_params(random_state=1)
    assert not np.array_equal(other.fit_transform(X), first.transform(X))
    layers = [type(layer).__name__ for layer in own.encoder_.layers[1:]]
    assert layers == ["Dense", "Dropout", "Dense"]
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.transform(X), first.transform(X))
    search = GridSearchCV(own, {"architecture__width": [4, 32]}, cv=2).fit(X)
    assert search.best_params_ == {"architecture__width": 32}


def test_dense_as_an_architecture_is_the_same_network(digits):
    X = digits[0] / 16
    by_name = autoencoder(hidden_layer_sizes=(10, 6), activation="relu").fit(X)
    by_object = autoencoder(architecture=Dense((10, 6), activation="relu")).fit(X)
    np.testing.assert_array_equal(by_name.transform(X), by_object.transform(X))


def test_a_corruption_of_ones_own(digits):
    X = digits[0] / 16
    codes = [
        DenoisingAutoencoder(3, corruption=Dimming(), corruption_level=level, max_iter=3,
                             random_state=0).fit_transform(X)
        for level in (None, 0.5, 0.1)
    ]  # fmt: skip
    np.testing.assert_array_equal(codes[0], codes[1])
    assert not np.array_equal(codes[1], codes[2])


def test_a_keras_optimizer_is_copied(digits):
    from skae._engine import load_keras

    X = digits[0] / 16
    optimizer = load_keras().optimizers.RMSprop(2**-9)
    by_object = autoencoder(solver=optimizer, max_iter=4)
    by_name = autoencoder(solver="rmsprop", learning_rate_init=2**-9, max_iter=4).fit(X)
    for _ in range(2):
        np.testing.assert_array_equal(by_object.fit(X).transform(X), by_name.transform(X))
    assert not optimizer.built
    pickle.loads(pickle.dumps(clone(by_object).fit(X)))


def test_both_spellings_of_activations_are_one(digits):
    X = digits[0] / 16
    ours = autoencoder(activation="logistic", code_activation="identity").fit(X)
    clear = program_info()["made"]["graph"]
    keras_names = autoencoder(activation="sigmoid", code_activation="linear").fit(X)
    np.testing.assert_array_equal(ours.transform(X), keras_names.transform(X))
    assert program_info()["made"]["graph"] <= clear + 1


def test_keras_models_are_copies(fitted, digits):
    X = (digits[0] / 16).astype(np.float32)
    before = fitted.transform(X)
    model = fitted.model_
    np.testing.assert_allclose(model(X), fitted.reconstruct(X), atol=1e-6)
    in_two_steps = fitted.decoder_(fitted.encoder_(X))
    np.testing.assert_allclose(in_two_steps, fitted.reconstruct(X), atol=1e-6)
    model.set_weights([0 * weight for weight in model.get_weights()])
    np.testing.assert_array_equal(fitted.transform(X), before)


def test_standardised_data_get_an_identity_output(digits):
    X = StandardScaler().fit_transform(digits[0])
    assert autoencoder().fit(X)._network.recipe.output_activation == "identity"
    assert autoencoder().fit(digits[0] / 16)._network.recipe.output_activation == "logistic"
