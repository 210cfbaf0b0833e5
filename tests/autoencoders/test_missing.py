"""Missing values: masked out of the loss, replaced before the network, filled by `impute`."""

import numpy as np
import pytest
from cases import slow
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.impute import SimpleImputer

from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
from skae.architectures import Conv
from skae.corruption import MaskingNoise


@pytest.fixture(scope="module")
def data():
    """Digits, and the same with a third of the values missing."""
    X = load_digits().data[:600] / 16
    hidden = np.random.default_rng(0).random(X.shape) < 1 / 3
    return X, np.where(hidden, np.nan, X)


@pytest.fixture(scope="module")
def imputer(data):
    estimator = AutoencoderTransformer(8, missing="mask", max_iter=40, random_state=0)
    return estimator.fit(data[1])


def test_impute_fills_what_is_missing_and_nothing_else(data, imputer):
    X, X_missing = data
    filled = imputer.impute(X_missing)
    observed = ~np.isnan(X_missing)
    np.testing.assert_array_equal(filled[observed], X_missing[observed])
    np.testing.assert_array_equal(filled[~observed], imputer.reconstruct(X_missing)[~observed])
    error = np.square(filled - X)[~observed].mean()
    by_means = SimpleImputer().fit_transform(X_missing)
    assert error < 0.6 * np.square(by_means - X)[~observed].mean()


def test_the_network_gets_the_mean_in_place_of_what_is_missing(data, imputer):
    _, X_missing = data
    means = np.nanmean(X_missing, axis=0)
    by_hand = np.where(np.isnan(X_missing), means, X_missing)
    np.testing.assert_allclose(imputer.transform(X_missing), imputer.transform(by_hand), atol=1e-5)


def test_the_loss_is_the_mean_over_observed_values(data):
    _, X_missing = data
    still = AutoencoderTransformer(
        2,
        missing="mask",
        alpha=0.0,
        learning_rate_init=1e-12,
        max_iter=1,
        random_state=0,
        solver="sgd",
    ).fit(X_missing)
    error = np.square(X_missing - still.reconstruct(X_missing))
    assert still.loss_curve_[0] == pytest.approx(np.nanmean(error, axis=1).mean(), rel=1e-5)
    np.testing.assert_allclose(still.reconstruction_error(X_missing), np.nanmean(error, axis=1))
    np.testing.assert_array_equal(still.reconstruction_error(X_missing, per_feature=True), error)
    assert still.score(X_missing) == pytest.approx(-np.nanmean(error, axis=1).mean())


def test_what_stands_in_a_missing_place_has_no_influence(data):
    """The gradient of a missing value is zero: with its target gone, no weight can see it."""
    X, X_missing = data
    estimator = AutoencoderTransformer(2, missing="mask", max_iter=2, random_state=0)
    rows = np.flatnonzero(np.isnan(X_missing[:, 20]))
    other = X_missing.copy()
    other[rows, 20] = np.nan
    np.testing.assert_array_equal(
        clone(estimator).fit(X_missing).transform(X), clone(estimator).fit(other).transform(X)
    )
    complete = clone(estimator).fit(X)
    usual = clone(estimator).set_params(missing="error").fit(X)
    np.testing.assert_allclose(complete.transform(X), usual.transform(X), atol=1e-5)


@pytest.mark.parametrize(
    "estimator",
    [
        DenoisingAutoencoder(corruption=MaskingNoise(0.2, value=float("nan"))),
        pytest.param(DenoisingAutoencoder(), marks=slow),
        pytest.param(VariationalAutoencoder(), marks=slow),
        pytest.param(
            AutoencoderTransformer(early_stopping=True, pretraining="layerwise"), marks=slow
        ),
    ],
    ids=repr,
)
def test_other_estimators(data, estimator):
    X, X_missing = data
    estimator = clone(estimator).set_params(
        n_components=8, missing="mask", max_iter=20, random_state=0
    )
    filled = estimator.fit(X_missing).impute(X_missing)
    missing = np.isnan(X_missing)
    by_means = SimpleImputer().fit_transform(X_missing)
    assert np.square(filled - X)[missing].mean() < np.square(by_means - X)[missing].mean()


def test_missing_values_of_clean_rows_are_masked_too(data):
    X, X_missing = data
    estimator = DenoisingAutoencoder(4, missing="mask", solver="sgd", max_iter=5, random_state=0)
    estimator.fit(X, X_clean=X_missing, X_val=(X[:50], X_missing[:50]))
    assert np.isfinite(estimator.loss_curve_).all()
    assert np.isfinite(estimator.val_loss_curve_).all()


def test_weights_are_copies_with_missing_values_too(data):
    X = data[1][:30]
    estimator = AutoencoderTransformer(2, missing="mask", solver="sgd", max_iter=3, random_state=0)
    weight = np.arange(30) % 3
    weighted = clone(estimator).fit(X, sample_weight=weight)
    copied = clone(estimator).fit(np.repeat(X, weight, axis=0))
    np.testing.assert_array_equal(weighted.transform(X), copied.transform(X))


def test_storage(data, imputer):
    X_missing = data[1]
    for other in (X_missing.astype(np.float32), sparse.csr_array(X_missing)):
        np.testing.assert_allclose(
            imputer.impute(other), imputer.impute(X_missing), atol=1e-6, equal_nan=False
        )


def test_missing_values_are_an_error_by_default(data):
    with pytest.raises(ValueError, match="X contains NaN"):
        AutoencoderTransformer().fit(data[1])
    fitted = AutoencoderTransformer(2, max_iter=1).fit(data[0])
    with pytest.raises(ValueError, match="X contains NaN"):
        fitted.set_params(missing="mask").impute(data[1])
    assert not fitted.set_params(missing="error").__sklearn_tags__().input_tags.allow_nan


def test_infinite_values_are_an_error_still(data):
    X = data[1].copy()
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="X contains infinity"):
        AutoencoderTransformer(missing="mask").fit(X)


def test_a_feature_that_is_missing_everywhere(data):
    X = data[1].copy()
    X[:, 3] = np.nan
    with pytest.raises(ValueError, match=r"no value at all in the features \[3\]: leave them out"):
        AutoencoderTransformer(missing="mask").fit(X)


def test_a_row_of_which_nothing_is_known(data, imputer):
    nothing = np.full((1, 64), np.nan)
    assert np.isfinite(imputer.impute(nothing)).all()
    assert np.isnan(imputer.reconstruction_error(nothing)).all(), "unknown, not perfect"
    X = np.vstack([data[1], nothing])
    assert np.isfinite(clone(imputer).set_params(max_iter=2).fit(X).loss_curve_).all()


def test_rows_without_any_value_count_for_nothing():
    """Else they would be perfect: in a score, and in the loss of a training."""
    rng = np.random.default_rng(0)
    X = np.where(rng.uniform(size=(100, 6)) < 0.3, np.nan, rng.uniform(size=(100, 6)))
    X = X[~np.isnan(X).all(axis=1)]
    empty = np.full((50, 6), np.nan)
    both = np.r_[X, empty]
    settings = {"missing": "mask", "solver": "sgd", "max_iter": 3, "random_state": 0}
    alone = AutoencoderTransformer(2, **settings).fit(X, X_val=X)
    fitted = AutoencoderTransformer(2, **settings).fit(both, X_val=both)
    assert fitted.history_ == alone.history_
    np.testing.assert_array_equal(fitted.transform(X), alone.transform(X))
    assert np.isnan(fitted.reconstruction_error(empty)).all()
    assert fitted.score(both) == fitted.score(X)
    assert np.isnan(fitted.score(empty))
    with pytest.raises(ValueError, match="No row of positive weight has any value"):
        AutoencoderTransformer(2, **settings).fit(empty)


def test_a_target_of_which_a_feature_is_never_known():
    """A convolution's last bias starts at the mean of what is known."""
    X = np.random.default_rng(0).uniform(size=(50, 16))
    X_clean = X.copy()
    X_clean[:, 3] = np.nan
    settings = {"architecture": Conv((4, 4), (2,)), "solver": "sgd"}
    denoiser = DenoisingAutoencoder(2, missing="mask", max_iter=1, random_state=0, **settings).fit(
        X, X_clean=X_clean
    )
    assert np.isfinite(denoiser.reconstruct(X)).all()


def test_messages_name_what_has_no_value_and_what_to_do(data):
    X, X_missing = data
    masking = AutoencoderTransformer(2, missing="mask", max_iter=1)
    with pytest.raises(ValueError, match=r"^X_val: No row .* has any value"):
        masking.fit(X, X_val=np.full((3, 64), np.nan))
    fitted = AutoencoderTransformer(2, max_iter=1).fit(X)
    with pytest.raises(ValueError, match=r"^X contains NaN\. Set missing='mask' to"):
        fitted.transform(X_missing)
    fitted.set_params(missing="mask")
    with pytest.raises(ValueError, match=r"^X contains NaN\. Fit anew, now that missing='mask' is"):
        fitted.transform(X_missing)
