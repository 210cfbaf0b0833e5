"""Training starts at PCA, keeps it as a path of its own, and is not worse."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from cases import slow, slow_but
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA

from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._autoencoders import _linear_start
from skae._autoencoders._fit import Fit
from skae._autoencoders._linear_start import linear_model, principal_components
from skae._autoencoders._shrinkage import weight_of_penalty
from skae._data import TrainingSet, training_set
from skae._engine import graph_of
from skae.architectures import Architecture, Conv, Dense


@pytest.fixture(scope="module")
def X():
    """Rows of clearly different variances along oblique directions, far from the origin."""
    random = np.random.default_rng(0)
    turned, _ = np.linalg.qr(random.normal(size=(7, 7)))
    return random.normal(size=(150, 7)) * [9, 5, 3, 1, 0.5, 0.3, 0.1] @ turned + 40


def autoencoder(cls=AutoencoderTransformer, **params):
    settings = {
        "n_components": 2, "hidden_layer_sizes": (6,), "solver": "sgd", "max_iter": 3,
        "random_state": 0,
    }  # fmt: skip
    return cls(**{**settings, **params})


def linear_paths(fitted):
    return graph_of(fitted._network.recipe).linear_paths


# Principal components


def parts_of(X, weight):
    weight = weight / weight.mean()
    centred = (X - np.average(X, axis=0, weights=weight)) * np.sqrt(weight)[:, None]
    return np.array_split(centred, 4)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_principal_components_are_those_of_scikit_learn(wide, weighted, X, monkeypatch):
    if wide:
        monkeypatch.setattr(_linear_start, "WIDE", 6)
    times = np.random.default_rng(1).integers(1, 4, size=150) if weighted else np.ones(150, int)
    repeated = np.repeat(X, times, axis=0)
    pca = PCA(3).fit(repeated)
    components, variances, total = principal_components(parts_of(X, times * 1.0), 7, 3, 0)
    to_population = (len(repeated) - 1) / len(repeated)
    np.testing.assert_allclose(variances, pca.explained_variance_ * to_population, rtol=1e-6)
    assert total == pytest.approx(repeated.var(axis=0).sum(), rel=1e-12)
    np.testing.assert_allclose(np.abs((components * pca.components_).sum(axis=1)), 1, rtol=1e-9)
    assert (components[np.arange(3), np.abs(components).argmax(axis=1)] > 0).all()


def test_the_model_is_that_of_weighted_rows_in_any_unit(X):
    times = np.random.default_rng(1).integers(1, 4, size=150)
    repeated = np.repeat(X, times, axis=0)
    pca = PCA(3).fit(repeated)
    error = np.square(repeated - pca.inverse_transform(pca.transform(repeated))).mean()
    for factor in (1.0, 1e-20, 1e20):
        data = TrainingSet.from_arrays(X * factor, sample_weight=times * 1.0)
        model = linear_model(data, 3, 0)
        assert model.error / factor**2 == pytest.approx(error, rel=1e-9)
        assert model.variance / factor**2 == pytest.approx(repeated.var(axis=0).mean(), rel=1e-9)
        unexplained = 1 - pca.explained_variance_ratio_.sum()
        assert model.unexplained == pytest.approx(unexplained, rel=1e-9)
        freedom = 1 - 4 / 150
        assert model.unexplained_elsewhere == pytest.approx(unexplained / freedom**2, rel=1e-9)


def test_of_many_or_wide_rows_a_sample_stands_for_all(X, monkeypatch):
    whole = linear_model(TrainingSet.from_arrays(np.repeat(X, 9, axis=0)), 3, 0)
    monkeypatch.setattr(training_set, "SAMPLE_ROWS", 700)
    assert linear_model(TrainingSet.from_arrays(np.repeat(X, 9, axis=0)), 3, 0).n_rows == 700
    monkeypatch.setattr(training_set, "SAMPLE_VALUES", 7 * 450)
    sample = linear_model(TrainingSet.from_arrays(np.repeat(X, 9, axis=0)), 3, 0)
    assert sample.n_rows == 450
    assert sample.error == pytest.approx(whole.error, rel=0.01)


def test_missing_values_count_as_the_mean(X):
    holes = X.copy()
    holes[::3, 2] = holes[1::5, 4] = np.nan
    filled = np.where(np.isnan(holes), np.nanmean(holes, axis=0), holes)
    model, expected = (
        linear_model(TrainingSet.from_arrays(rows, missing="mask"), 3, 0)
        for rows in (holes, filled)
    )
    # The scale differs: that is of the values which are known.
    assert model.unexplained == pytest.approx(expected.unexplained, rel=1e-9)
    np.testing.assert_allclose(model.components, expected.components, atol=1e-9)


@pytest.mark.parametrize("share", slow_but(0.95, of=[0.5, 0.95, 0.999]))
def test_a_share_of_the_variance_takes_as_many_components_as_pca(share, X):
    fitted = autoencoder(n_components=share, max_iter=1).fit(X)
    assert fitted.transform(X).shape[1] == PCA(share, svd_solver="full").fit(X).n_components_


# The network


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"hidden_layer_sizes": ()},
        pytest.param({"hidden_layer_sizes": (9, 5), "activation": "tanh"}, marks=slow),
        {"architecture": Dense((6,), tied=True)},
        pytest.param({"architecture": Dense((6,), normalization="layer", dropout=0.2)}, marks=slow),
    ],
    ids=repr,
)
def test_without_its_hidden_layers_a_network_is_pca(params, X):
    fitted = autoencoder(**params).fit(X)
    network = fitted._network
    trainable = [0 * array for array in network.trainable]
    fitted._network = replace(network, trainable=trainable)
    pca = PCA(2).fit(X)
    signs = np.sign(pca.components_[[0, 1], np.abs(pca.components_).argmax(axis=1)])
    unit = np.sqrt(np.square(pca.transform(X)).mean())
    code = signs * pca.transform(X) / unit
    np.testing.assert_allclose(fitted.transform(X), code, atol=1e-5)
    expected = pca.inverse_transform(pca.transform(X))
    np.testing.assert_allclose(fitted.reconstruct(X), expected, atol=1e-4)
    np.testing.assert_allclose(fitted.inverse_transform(code), expected, atol=1e-4)


def test_the_last_matrices_of_the_hidden_layers_decide(X):
    fitted = autoencoder().fit(X)
    trainable = [array.copy() for array in fitted._network.trainable]
    for number in (2, 3, 6, 7):  # of encoder and decoder
        trainable[number][:] = 0
    fitted._network = replace(fitted._network, trainable=trainable)
    pca = PCA(2).fit(X)
    expected = pca.inverse_transform(pca.transform(X))
    np.testing.assert_allclose(fitted.reconstruct(X), expected, atol=1e-4)


def test_what_hidden_layers_add_is_of_the_size_of_what_pca_leaves(X):
    fitted = autoencoder(learning_rate_init=1e-12, max_iter=1).fit(X)
    unexplained = 1 - PCA(2).fit(X).explained_variance_ratio_.sum()
    for path in linear_paths(fitted):
        gain = fitted._network.fixed[path.gain]
        assert gain == pytest.approx(np.sqrt(unexplained) / (1 - 3 / 150), rel=1e-5)
    added = fitted.reconstruct(X) - PCA(2).fit(X).inverse_transform(PCA(2).fit_transform(X))
    assert 0 < np.square(added).mean() < 9 * fitted.pca_error_


def test_the_linear_path_is_never_trained(X):
    fitted = autoencoder(warm_start=True, alpha=0.1).fit(X)
    before = [array.copy() for array in fitted._network.fixed]
    trained = [array.copy() for array in fitted._network.trainable]
    fitted.fit(X * [3, 1, 1, 1, 1, 1, 1]).partial_fit(X[:30])
    for one, other in zip(before, fitted._network.fixed, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any((a != b).any() for a, b in zip(trained, fitted._network.trainable, strict=True))


@pytest.mark.parametrize("factor", [1.0, 1e-8, 1e8])
@pytest.mark.parametrize("cls", [AutoencoderTransformer, DenoisingAutoencoder])
def test_pca_error_is_that_of_pca_in_squared_units_of_the_data(cls, factor, X):
    times = np.random.default_rng(1).integers(1, 4, size=150)
    repeated = np.repeat(X, times, axis=0) * factor
    pca = PCA(2).fit(repeated)
    error = np.square(repeated - pca.inverse_transform(pca.transform(repeated))).mean()
    # Plain steps would diverge under noise of 1e7 times the data.
    fitted = autoencoder(cls, solver="adam").fit(X * factor, sample_weight=times)
    assert fitted.pca_error_ == pytest.approx(error, rel=1e-6)
    assert type(fitted.pca_error_) is type(fitted.alpha_) is float
    fitted.partial_fit(3 * X * factor)
    assert fitted.pca_error_ == pytest.approx(error, rel=1e-6), "of the first fit"


def test_pca_error_of_a_network_with_a_scale_for_each_feature(X):
    rows = X * [1, 1, 1, 1, 1, 1, 1000]
    pca = PCA(2).fit(rows)
    error = np.square(rows - pca.inverse_transform(pca.transform(rows))).mean()
    vae = autoencoder(VariationalAutoencoder, max_iter=30).fit(rows)
    assert vae.pca_error_ == pytest.approx(error, rel=1e-6)


def test_more_components_than_rows_or_features(X):
    for rows in (X[:5], X):
        fitted = autoencoder(n_components=9, hidden_layer_sizes=(), max_iter=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a code that is as wide as X
            fitted.fit(rows)
        assert np.isfinite(fitted.reconstruct(rows)).all()
        assert fitted.pca_error_ < 1e-9 * rows.var()


# Where there is none


@pytest.mark.parametrize(
    "params",
    [{}, pytest.param({"hidden_layer_sizes": (5, 4), "alpha": 0.1}, marks=slow)],
    ids=repr,
)
def test_a_random_start_is_that_of_a_network_without_the_path(params, X):
    random = autoencoder(init="random", **params).fit(X)
    widths = params.get("hidden_layer_sizes", (6,))
    plain = autoencoder(architecture=Dense(widths, linear_path=False), **params).fit(X)
    np.testing.assert_array_equal(random.transform(X), plain.transform(X))
    assert random.history_ == plain.history_
    assert linear_paths(random) == linear_paths(plain) == []
    assert random._network.fixed == []
    assert random.alpha_ == plain.alpha_ == params.get("alpha", 0.0)
    at_pca = autoencoder(**params).fit(X)
    assert not np.array_equal(at_pca.transform(X), random.transform(X))


class Own(Architecture):
    """A user's architecture that lets `Dense` build its layers."""

    def build(self, input_shape, n_components):
        return Dense((6,)).build(input_shape, n_components)


@pytest.mark.parametrize(
    ("estimator", "is_there"),
    [
        (autoencoder(), True),
        (autoencoder(architecture=Dense((6,), tied=True)), True),
        (autoencoder(loss="absolute_error"), True),
        (autoencoder(early_stopping=True), True),
        (autoencoder(missing="mask"), True),
        # A search over weights that begins at zero is one over the same network.
        (autoencoder(SparseAutoencoder, sparsity_weight=0.0, code_activation="linear"), False),
        (autoencoder(ContractiveAutoencoder, contraction=0.0), False),
        (autoencoder(SparseAutoencoder), False),
        (autoencoder(ContractiveAutoencoder), False),
        (autoencoder(DenoisingAutoencoder), False),
        (autoencoder(pretraining="layerwise"), False),
        (autoencoder(code_activation="tanh"), False),
        (autoencoder(code_activation="relu", n_components=5), False),
        (autoencoder(architecture=Conv((7, 1), 3)), False),
    ],
    ids=repr,
)
def test_where_there_is_a_linear_path(estimator, is_there, X):
    """Both are decided before the training, which is left out here."""

    def prepared(**params):
        fit = Fit(clone(estimator).set_params(**params))
        fit._prepare(X, None, None, None)
        return fit

    fit = prepared()
    assert len(graph_of(fit.recipe).linear_paths) == (2 if is_there else 0)
    assert (weight_of_penalty(fit) > 0) == is_there
    given = weight_of_penalty(prepared(alpha=np.float32(0.25)))
    assert given == 0.25
    assert type(given) is float


@pytest.mark.parametrize(
    ("cls", "params", "is_there"),
    [
        (AutoencoderTransformer, {}, True),
        (AutoencoderTransformer, {"init": "random"}, False),
        pytest.param(DenoisingAutoencoder, {}, False, marks=slow),
        pytest.param(ContractiveAutoencoder, {}, False, marks=slow),
    ],
)
def test_an_architecture_of_ones_own_that_dense_builds(cls, params, is_there, X):
    """What it builds has the layers of the path, which change nothing where there is none."""
    fitted = autoencoder(cls, architecture=Own(), **params).fit(X)
    matrices = [fitted._network.fixed[number] for number, _, _ in linear_paths(fitted)]
    gains = [fitted._network.fixed[number] for _, number, _ in linear_paths(fitted)]
    assert all((matrix != 0).any() == is_there for matrix in matrices)
    assert (fitted.alpha_ > 0) == is_there
    if not is_there:
        assert all((gain == 1).all() for gain in gains)
        same = autoencoder(cls, architecture=Dense((6,)), **params).fit(X)
        # Another program computes it, whose sums may be in another order.
        np.testing.assert_allclose(fitted.transform(X), same.transform(X), rtol=1e-5, atol=1e-6)


def test_a_sparse_matrix_starts_where_a_dense_one_does(X):
    rows = np.where(X > 38, X, 0.0)
    dense, csr = (clone(autoencoder()).fit(kind(rows)) for kind in (np.asarray, sparse.csr_array))
    np.testing.assert_array_equal(dense.transform(rows), csr.transform(rows))
    assert dense.pca_error_ == csr.pca_error_


# What it is for


@pytest.mark.parametrize(
    "load",
    slow_but(load_wine, load_iris, of=[load_wine, load_breast_cancer, load_iris, load_diabetes]),
)
def test_no_small_raw_table_is_reconstructed_clearly_worse_than_by_pca(load):
    """Columns of any unit, no scaler, default parameters; a warning would be an error, too."""
    X = load().data
    pca = PCA(2).fit(X)
    error = np.square(X - pca.inverse_transform(pca.transform(X))).mean()
    fitted = AutoencoderTransformer(2, random_state=0).fit(X)
    assert -fitted.score(X) < 1.05 * error
    assert fitted.pca_error_ == pytest.approx(error, rel=1e-6)


class Half(Architecture):
    """An encoder as `Dense` builds it, and a decoder of one's own."""

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        encoder, _ = Dense((5,)).build(input_shape, n_components)
        decoder = Sequential([layers.Input((n_components,)), layers.Dense(input_shape[0])])
        return encoder, decoder


@pytest.mark.filterwarnings("ignore::skae.exceptions.SilentUnitsWarning")
def test_half_of_a_path_is_none(X):
    fitted = autoencoder(architecture=Half(), max_iter=2).fit(X)
    assert linear_paths(fitted) == []
    assert fitted.alpha_ == 0


def test_the_error_of_pca_is_that_of_observed_values(X):
    gaps = X.copy()
    gaps[np.random.default_rng(0).uniform(size=X.shape) < 0.3] = np.nan
    fitted = autoencoder(missing="mask", max_iter=2).fit(gaps)
    mean = np.nanmean(gaps, axis=0)
    filled = np.where(np.isnan(gaps), 0, gaps - mean)
    components = PCA(fitted.n_components).fit(np.concatenate([filled, -filled])).components_
    error = np.square(gaps - mean - filled @ components.T @ components)
    expected = np.nanmean(np.nanmean(error, axis=1))
    assert fitted.pca_error_ == pytest.approx(expected, rel=1e-6)
