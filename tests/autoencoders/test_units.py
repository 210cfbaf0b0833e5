"""Results do not depend on the units of X: reconstructions have them, codes do not."""

from dataclasses import replace

import numpy as np
import pytest
from cases import slow
from scipy import sparse
from sklearn.base import clone

from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import load_keras
from skae.architectures import Dense
from skae.corruption import GaussianNoise

N_FEATURES = 6


@pytest.fixture(scope="module")
def X():
    """Rows near a curved surface, all distinct and without bounds."""
    random = np.random.default_rng(0)
    z = random.normal(size=(160, 2))
    features = [z[:, 0], z[:, 1], z[:, 0] ** 2, z[:, 0] * z[:, 1], np.sin(z[:, 1]), z[:, 0] - 1]
    return np.stack(features, axis=1) + 0.05 * random.normal(size=(160, N_FEATURES))


def autoencoder(cls=AutoencoderTransformer, **params):
    settings = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 0}
    return cls(**{**settings, **params})


UNITS = [(1e-20, 0.0), (1e-3, 5.0), (3.0, -7.0), (1e20, 0.0), (1.0, 1e9), (0.01, 1e6), (1e140, 0.0)]


@pytest.mark.parametrize(("c", "b"), UNITS)
def test_reconstructions_have_the_units_of_the_data_and_codes_have_none(c, b, X):
    plain, other = autoencoder().fit(X), autoencoder().fit(c * X + b)
    np.testing.assert_allclose(other.transform(c * X + b), plain.transform(X), atol=1e-4)
    R = plain.reconstruct(X)
    np.testing.assert_allclose((other.reconstruct(c * X + b) - b) / c, R, atol=1e-4)
    code = np.array([[0.0, 0.0], [1.0, -2.0]])
    decoded = (other.inverse_transform(code) - b) / c
    np.testing.assert_allclose(decoded, plain.inverse_transform(code), atol=1e-4)
    np.testing.assert_allclose((other.mean_ - b) / c, X.mean(axis=0), atol=1e-6 if b else 1e-12)


@pytest.mark.parametrize("c", [1e-3, 1e3])
def test_tol_has_no_units(c, X):
    stopping = autoencoder(tol=0.01, n_iter_no_change=1, max_iter=50, alpha=0.0)
    n_iter = clone(stopping).fit(X).n_iter_
    assert n_iter < 50
    assert clone(stopping).fit(c * X).n_iter_ == n_iter


@pytest.mark.parametrize("c", [1e-20, 1e-3, 3.0, 1e20])
def test_errors_have_squared_units(c, X):
    plain, other = (autoencoder(early_stopping=True).fit(factor * X) for factor in (1.0, c))
    unit = c**2
    for name in ("loss_curve_", "val_loss_curve_", "best_loss_", "pca_error_"):
        expected = np.array(getattr(plain, name)) * unit
        np.testing.assert_allclose(getattr(other, name), expected, rtol=1e-4, err_msg=name)
    error = plain.reconstruction_error(X) * unit
    np.testing.assert_allclose(other.reconstruction_error(c * X), error, rtol=2e-3)
    each = other.reconstruction_error(c * X, per_feature=True)
    np.testing.assert_allclose(each.mean(axis=1), other.reconstruction_error(c * X))
    assert other.score(c * X) == pytest.approx(plain.score(X) * unit, rel=1e-4)
    explained = plain.explained_variance(X)
    assert other.explained_variance(c * X) == pytest.approx(explained, abs=1e-5)


def test_the_loss_curve_is_the_mean_error_in_the_units_of_the_data(X):
    still = {"learning_rate_init": 1e-12, "learning_rate": "constant", "max_iter": 1, "alpha": 0.0}
    rows = 300 * X + 4000
    for loss, power in (("squared_error", 2), ("absolute_error", 1)):
        fitted = autoencoder(loss=loss, **still).fit(rows, X_val=rows[:50])
        error = np.abs(rows - fitted.reconstruct(rows)) ** power
        assert fitted.loss_curve_[0] == pytest.approx(error.mean(), rel=1e-5)
        assert fitted.val_loss_curve_[0] == pytest.approx(error[:50].mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("estimator", "power"),
    [
        (autoencoder(alpha=0.1), 2),
        pytest.param(autoencoder(alpha=0.1, weight_penalty="l1", init="random"), 2, marks=slow),
        (autoencoder(loss="absolute_error"), 1),
        (autoencoder(pretraining="layerwise", activation="tanh"), 2),
        pytest.param(autoencoder(code_activation="tanh"), 2, marks=slow),
        pytest.param(
            autoencoder(architecture=Dense((8,), tied=True, normalization="batch")), 2, marks=slow
        ),
        pytest.param(autoencoder(solver="sgd", learning_rate_init=0.05), 2, marks=slow),
        (autoencoder(SparseAutoencoder, sparsity="kl", sparsity_weight=0.1), 2),
        pytest.param(autoencoder(SparseAutoencoder, sparsity_weight=0.1), 2, marks=slow),
        (autoencoder(ContractiveAutoencoder, contraction=0.1), 2),
        pytest.param(autoencoder(DenoisingAutoencoder, corruption="swap"), 2, marks=slow),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::skae.exceptions.WorseThanPCAWarning")
def test_penalties_and_steps_mean_the_same_in_any_units(estimator, power, X):
    c = 1e6
    plain, other = clone(estimator).fit(X), clone(estimator).fit(c * X)
    np.testing.assert_allclose(other.transform(c * X), plain.transform(X), atol=1e-4)
    losses = np.array(plain.loss_curve_) * c**power
    np.testing.assert_allclose(other.loss_curve_, losses, rtol=1e-4)


def test_a_loss_of_ones_own_sees_the_units_of_the_data(X):
    seen = {}

    def relative(forward):
        seen["target"] = forward.target
        return abs(forward.target - forward.reconstruction) / forward.target

    rows = 1000 + 10 * X
    still = {"learning_rate_init": 1e-12, "max_iter": 1, "alpha": 0.0}
    fitted = autoencoder(loss=relative, **still).fit(rows)
    expected = (np.abs(rows - fitted.reconstruct(rows)) / rows).mean()
    assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-3)


def test_an_output_that_is_asked_for_has_units_of_its_own(X):
    for name in ("logistic", "relu"):
        fitted = autoencoder(output_activation=name).fit(np.abs(X) / np.abs(X).max())
        assert fitted._network.constants == {}
        assert (fitted.reconstruct(X) >= 0).all()


# Noise, missing values, weights, storage


@pytest.mark.parametrize("c", [1e-20, 1e-3, 1e6, 1e20])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_noise_is_in_the_units_of_the_data(c, offset, X):
    def fitted(factor, level):
        denoiser = autoencoder(DenoisingAutoencoder, corruption_level=level)
        return denoiser.fit(factor * (X + offset))

    plain, other = fitted(1.0, 0.3), fitted(c, 0.3 * c)
    code = plain.transform(X + offset)
    np.testing.assert_allclose(other.transform(c * (X + offset)), code, atol=1e-3)
    losses = np.array(plain.loss_curve_) * c**2
    np.testing.assert_allclose(other.loss_curve_, losses, rtol=1e-4)
    quiet = fitted(c, 1e-9 * c)
    assert quiet.loss_curve_[-1] < 0.98 * other.loss_curve_[-1]


def test_the_variance_of_the_noise_is_that_asked_for(X):
    """What a network that copies its input is wrong by, is the noise."""
    rows = 40 * X + 1e6
    denoiser = DenoisingAutoencoder(
        N_FEATURES, corruption=GaussianNoise(20.0), hidden_layer_sizes=(), max_iter=400,
        learning_rate_init=1e-12, learning_rate="constant", n_iter_no_change=np.inf,
        random_state=0,
    )  # fmt: skip
    denoiser.fit(rows)
    encoder, _, decoder, _ = denoiser._network.trainable
    product = encoder @ decoder
    clean = np.square(rows - denoiser.reconstruct(rows)).mean()
    noise = 20.0**2 * np.square(product).sum() / N_FEATURES
    assert np.mean(denoiser.loss_curve_) == pytest.approx(clean + noise, rel=0.01)


def test_missing_values_and_weights_in_any_units(X):
    holes = X.copy()
    holes[np.random.default_rng(1).uniform(size=X.shape) < 0.2] = np.nan
    weight = np.random.default_rng(2).uniform(size=len(X))
    plain, other = (
        autoencoder(missing="mask").fit(c * holes + b, sample_weight=weight)
        for c, b in ((1.0, 0.0), (1e3, 1e9))
    )
    rows = 1e3 * holes + 1e9
    np.testing.assert_allclose(other.transform(rows), plain.transform(holes), atol=1e-4)
    filled = (other.impute(rows) - 1e9) / 1e3
    np.testing.assert_allclose(filled, plain.impute(holes), atol=1e-4)
    centre, scale = (plain._network.constants[name] for name in ("centre", "scale"))
    known = ~np.isnan(holes)
    means = [np.average(x[k], weights=weight[k]) for x, k in zip(holes.T, known.T, strict=True)]
    np.testing.assert_allclose(centre, means)
    variances = [
        np.average((x[k] - m) ** 2, weights=weight[k])
        for x, k, m in zip(holes.T, known.T, means, strict=True)
    ]
    assert scale == pytest.approx(np.sqrt(np.mean(variances)))
    assert plain._network.constants["fill"].tolist() == centre.tolist()


def test_weights_are_rows_that_are_repeated(X):
    times = np.random.default_rng(0).integers(1, 4, size=len(X))
    estimator = autoencoder(batch_size=512)  # of which there is one, of rows that are merged
    weighted = clone(estimator).fit(X, sample_weight=times)
    repeated = clone(estimator).fit(np.repeat(X, times, axis=0))
    assert weighted._network.constants["scale"] == pytest.approx(
        repeated._network.constants["scale"]
    )
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-4)


@pytest.mark.parametrize("storage", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_data_are_fitted_like_dense_ones(storage, X):
    rows = np.where(X > 0, 1e3 * X, 0.0)
    dense, other = autoencoder().fit(rows), autoencoder().fit(storage(rows))
    np.testing.assert_array_equal(other.transform(storage(rows)), dense.transform(rows))
    assert other.history_ == dense.history_
    assert other.score(storage(rows)) == pytest.approx(dense.score(rows), rel=1e-12)


def test_small_differences_about_a_huge_mean_are_reconstructed():
    """Timestamps of one day, in seconds since 1970: single precision knows them to two minutes."""
    hours = np.random.default_rng(0).uniform(0, 24, size=(300, 1))
    X = 1.7e9 + 3600 * np.hstack([hours, hours + 1, 2 * hours])
    fitted = AutoencoderTransformer(1, max_iter=30, random_state=0).fit(X)
    assert np.abs(fitted.reconstruct(X) - X).max() < 30


def test_magnitudes_beyond_the_largest_are_refused(X):
    autoencoder(max_iter=1).fit(X / np.abs(X).max() * 1e150)
    fitted = autoencoder(max_iter=1).fit(X)
    huge = X.copy()
    huge[0, 0] = 2e150
    for call in (clone(fitted).fit, fitted.transform, fitted.reconstruct):
        with pytest.raises(ValueError, match=r"X contains values of more than 1e\+150"):
            call(huge)


# Bounds


@pytest.fixture(scope="module")
def piled(X):
    """Zero in half of the rows, at most 4 in a tenth, anything, and a single value."""
    rows = X[:, :4] * 10
    rows[:, 0] = np.where(rows[:, 0] < 0, 0.0, rows[:, 0])
    rows[:, 1] = np.minimum(rows[:, 1], np.quantile(rows[:, 1], 0.9))
    rows[:, 3] = 0.1
    return rows


def test_bounds_are_where_values_pile_up(piled):
    fitted = autoencoder().fit(piled)
    constants = fitted._network.constants
    np.testing.assert_array_equal(constants["low"], [0, -np.inf, -np.inf, 0.1])
    np.testing.assert_array_equal(constants["high"], [np.inf, piled[:, 1].max(), np.inf, 0.1])
    beyond = fitted.inverse_transform(np.random.default_rng(0).normal(size=(500, 2)) * 30)
    assert beyond[:, 0].min() == 0
    assert beyond[:, 1].max() == piled[:, 1].max()
    assert (beyond[:, 3] == 0.1).all()
    assert beyond[:, 2].min() < piled[:, 2].min()
    free = autoencoder(output_activation="identity").fit(piled)
    assert "low" not in free._network.constants
    assert free.reconstruct(piled)[:, 0].min() < 0


@pytest.mark.parametrize(("share", "is_bound"), [(0.04, False), (0.06, True)])
def test_a_twentieth_of_the_weight_makes_a_bound(share, is_bound, X):
    weight = np.ones(len(X))
    rows = X[:, :2].copy()
    rows[:3, 0] = -9.0
    weight[:3] = share * (len(X) - 3) / (3 * (1 - share))
    low = autoencoder(n_components=1).fit(rows, sample_weight=weight)._network.constants["low"]
    assert np.isfinite(low).tolist() == [is_bound, False]


def test_the_loss_is_that_of_bounded_reconstructions(piled):
    still = {"learning_rate_init": 1e-12, "max_iter": 1, "alpha": 0.0}
    fitted = autoencoder(**still).fit(piled)
    free = autoencoder(output_activation="identity", **still).fit(piled)
    assert fitted.loss_curve_[0] == pytest.approx(-fitted.score(piled), rel=1e-5)
    assert fitted.loss_curve_[0] < free.loss_curve_[0]


def test_what_lies_beyond_a_bound_still_has_a_gradient(piled):
    """From reconstructions all of which are cut off, training finds the way back."""
    estimator = autoencoder(init="random", warm_start=True, max_iter=1, learning_rate_init=0.1)
    estimator.fit(piled)
    trainable = [array.copy() for array in estimator._network.trainable]
    trainable[-1][0] = -50.0  # the bias of the first feature
    estimator._network = replace(estimator._network, trainable=trainable)
    assert (estimator.reconstruct(piled)[:, 0] == 0).all()
    estimator.set_params(max_iter=150).fit(piled)
    assert estimator.explained_variance(piled, per_feature=True)[0] > 0
    assert (estimator.reconstruct(piled)[:, 0] > 0).any()


# Going on


@pytest.mark.parametrize("way", ["partial_fit", "warm_start"])
@pytest.mark.filterwarnings("ignore:.*far from")
def test_the_first_fit_keeps_its_statistics_and_bounds_move_out(way, piled):
    estimator = autoencoder(missing="mask", warm_start=way == "warm_start")
    fit = getattr(estimator, "fit" if way == "warm_start" else way)
    fit(piled)
    first, mean = dict(estimator._network.constants), estimator.mean_
    later = 2 * piled - 1
    for rows in (later, piled[:50]):
        fit(rows)
        constants = estimator._network.constants
        for name in ("centre", "scale", "fill"):
            np.testing.assert_array_equal(constants[name], first[name], err_msg=name)
        np.testing.assert_array_equal(constants["low"], [-1, -np.inf, -np.inf, -0.8])
        np.testing.assert_array_equal(constants["high"], [np.inf, later[:, 1].max(), np.inf, 0.1])
        np.testing.assert_array_equal(estimator.mean_, mean)


def test_a_variance_that_is_learned_starts_where_the_first_fit_left_it(X):
    vae = autoencoder(VariationalAutoencoder, max_iter=1).fit(X)
    first = vae._network.constants["noise_variance"]
    vae.partial_fit(5 * X + 1)
    np.testing.assert_array_equal(vae._network.constants["noise_variance"], first)


# The variational autoencoder


def vae(**params):
    return autoencoder(VariationalAutoencoder, max_iter=40, learning_rate_init=0.01, **params)


@pytest.mark.parametrize("c", [2.0**-60, 2.0**-10, 2.0**60])
def test_densities_have_the_units_of_the_data(c, X):
    """Of powers of two, because then each row is the same to the bit, and so are its draws."""
    plain, other = vae().fit(X), vae().fit(c * X)
    np.testing.assert_allclose(other.transform(c * X), plain.transform(X), atol=1e-4)
    shift = N_FEATURES * np.log(c)
    for name in ("elbo", "log_likelihood"):
        expected = getattr(plain, name)(X) - shift
        np.testing.assert_allclose(getattr(other, name)(c * X), expected, atol=1e-3)
    losses = np.array(plain.loss_curve_) + shift
    np.testing.assert_allclose(other.loss_curve_, losses, atol=1e-3)
    np.testing.assert_allclose(other.noise_variance_ / c**2, plain.noise_variance_, rtol=1e-4)
    for noise in (False, True):
        rows = (vae_.sample(50, random_state=0, noise=noise) for vae_ in (plain, other))
        first, second = rows
        np.testing.assert_allclose(second / c, first, atol=1e-3)


def test_each_feature_may_have_its_own_unit(X):
    c, b = 10.0 ** np.arange(-9, 9, 3), np.array([0.0, 1e3, -5.0, 0.0, 1e6, 1e9])
    plain, other = vae().fit(X), vae().fit(c * X + b)
    rows = c * X + b
    np.testing.assert_allclose(other.transform(rows), plain.transform(X), atol=1e-4)
    np.testing.assert_allclose((other.reconstruct(rows) - b) / c, plain.reconstruct(X), atol=1e-4)
    np.testing.assert_allclose(other.noise_variance_ / c**2, plain.noise_variance_, rtol=1e-4)
    shift = np.log(c).sum()
    # Rows whose bits differ have other draws.
    for method in ("elbo", "log_likelihood"):
        mean = getattr(other, method)(rows, n_samples=200).mean()
        expected = getattr(plain, method)(X, n_samples=200).mean() - shift
        assert mean == pytest.approx(expected, abs=0.05)


def test_densities_leave_out_the_units_of_what_is_missing(X):
    c = 2.0 ** np.arange(-30, 30, 10)
    holes = X.copy()
    holes[np.random.default_rng(1).uniform(size=X.shape) < 0.2] = np.nan
    plain, other = vae(missing="mask").fit(holes), vae(missing="mask").fit(c * holes)
    shift = (~np.isnan(holes) * np.log(c)).sum(axis=1)
    np.testing.assert_allclose(other.elbo(c * holes), plain.elbo(holes) - shift, atol=1e-3)


def test_a_given_noise_variance_is_in_squared_units_of_the_data(X):
    c = 2.0**20
    plain = vae(noise_variance=0.01).fit(X)
    other = vae(noise_variance=0.01 * c**2).fit(c * X)
    assert (other.noise_variance_ == 0.01 * c**2).all()
    shift = N_FEATURES * np.log(c)
    np.testing.assert_allclose(other.elbo(c * X), plain.elbo(X) - shift, atol=1e-2)


# Keras models


@pytest.mark.parametrize(
    "estimator",
    [
        autoencoder(),
        pytest.param(autoencoder(init="random"), marks=slow),
        pytest.param(autoencoder(output_activation="identity", code_activation="tanh"), marks=slow),
        pytest.param(autoencoder(output_activation="relu"), marks=slow),
        pytest.param(
            autoencoder(architecture=Dense((5, 4), normalization="batch", dropout=0.1)),
            marks=slow,
        ),
        autoencoder(VariationalAutoencoder),
        pytest.param(autoencoder(DenoisingAutoencoder), marks=slow),
    ],
    ids=repr,
)
def test_keras_models_have_the_units_of_the_data(estimator, piled, tmp_path):
    rows = np.float32(np.abs(piled))
    fitted = clone(estimator).fit(rows)
    code, reconstruction = fitted.transform(rows), fitted.reconstruct(rows)
    atol = 1e-5 * np.abs(rows).max()
    np.testing.assert_allclose(fitted.encoder_.predict(rows, verbose=0), code, atol=1e-4)
    np.testing.assert_allclose(fitted.decoder_.predict(code, verbose=0), reconstruction, atol=atol)
    model = fitted.model_
    np.testing.assert_allclose(model.predict(rows, verbose=0), reconstruction, atol=atol)
    model.save(tmp_path / "model.keras")
    loaded = load_keras().saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(rows, verbose=0), model.predict(rows, verbose=0))


def test_keras_encoders_keep_what_a_large_mean_leaves(X):
    rows = np.float32(1e4 + X)
    fitted = autoencoder().fit(rows)
    code = fitted.encoder_.predict(rows, verbose=0)
    np.testing.assert_allclose(code, fitted.transform(rows), atol=1e-5)
