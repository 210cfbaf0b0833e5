"""What a fit warns of: a training that ended too early, columns and noise of another order."""

import warnings

import numpy as np
import pytest
from cases import slow
from sklearn.datasets import make_s_curve
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
from skae.exceptions import (
    DominatingColumnWarning,
    DominatingRowsWarning,
    NoiseLevelWarning,
    SilentUnitsWarning,
    StillImprovingWarning,
)


@pytest.fixture(scope="module")
def X():
    """A curved surface in 40 columns, which takes long to learn."""
    rng = np.random.RandomState(0)
    curve = make_s_curve(400, random_state=0)[0]
    return curve @ rng.normal(size=(3, 40)) + 0.05 * rng.normal(size=(400, 40))


def fitted(cls, X, method="fit", **params):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = getattr(cls(2, random_state=0, **params), method)(X)
    return estimator, [w for w in caught if issubclass(w.category, StillImprovingWarning)]


@pytest.mark.parametrize("cls", [AutoencoderTransformer, VariationalAutoencoder])
def test_a_fit_that_ends_while_improving_says_so(cls, X):
    estimator, found = fitted(cls, X, max_iter=40, init="random", alpha=0.0)
    (warning,) = found
    assert issubclass(warning.category, ConvergenceWarning)
    middle, last = estimator.loss_curve_[19], estimator.loss_curve_[-1]
    left = last if cls is AutoencoderTransformer else 20
    assert middle - last > 0.2 * left
    assert f"from {middle:.4g} to {last:.4g}" in str(warning.message)


@slow
def test_one_that_has_learned_does_not(X):
    rng = np.random.default_rng(0)
    linear = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(400, 6))
    for cls in (AutoencoderTransformer, VariationalAutoencoder):
        assert fitted(cls, linear, max_iter=20)[1] == []
    assert fitted(AutoencoderTransformer, X, "partial_fit")[1] == []
    assert fitted(AutoencoderTransformer, X, max_iter=1)[1] == []


def test_a_fit_that_was_stopped_does_not(X):
    estimator, found = fitted(AutoencoderTransformer, X, max_iter=60, tol=1e9, n_iter_no_change=2)
    assert estimator.n_iter_ < 60
    assert found == []


def warned(category, estimator, X):
    """The fitted estimator, and the texts of its warnings of a category."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X)
    return estimator, [str(w.message) for w in caught if issubclass(w.category, category)]


@pytest.fixture(scope="module")
def factors():
    """Three factors and noise in nine columns."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 3)) @ rng.normal(size=(3, 9)) + rng.normal(size=(200, 9))


@pytest.mark.parametrize("unit", [1e6, 1e10, 1e16])
def test_beside_a_column_that_hides_all_others_a_fit_is_pca(factors, unit):
    X = np.column_stack([1e9 + unit * np.arange(200.0), factors])
    small = AutoencoderTransformer(3, hidden_layer_sizes=(8,), max_iter=5, random_state=0)
    autoencoder, texts = warned(DominatingColumnWarning, small, X[:150])
    (text,) = texts
    assert text.startswith("Column 0 varies over 1e5 times as much as 9 others (1, 2, 3,")
    pca = PCA(3).fit(X[:150])
    error = np.square(X[150:] - pca.inverse_transform(pca.transform(X[150:]))).mean(axis=0)
    ours = autoencoder.reconstruction_error(X[150:], per_feature=True).mean(axis=0)
    np.testing.assert_allclose(ours[1:], error[1:], rtol=1e-3)


def test_a_column_that_is_merely_large_is_none_of_them(factors):
    X = np.column_stack([1e4 * np.arange(200.0) / 60, factors])
    small = AutoencoderTransformer(3, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    assert warned(DominatingColumnWarning, small, X)[1] == []
    alike = VariationalAutoencoder(3, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    assert warned(DominatingColumnWarning, alike, X * [1e8, *[1.0] * 9])[1] == []


@pytest.mark.parametrize("cls", [AutoencoderTransformer, VariationalAutoencoder])
def test_rows_that_hold_most_of_the_variance_are_told(cls, factors):
    small = cls(3, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    assert warned(DominatingRowsWarning, small, factors)[1] == []
    X = factors.copy()
    X[:2] *= 100
    (text,) = warned(DominatingRowsWarning, small, X)[1]
    square = np.square(X - X.mean(axis=0))
    if cls is VariationalAutoencoder:
        square = square / X.var(axis=0)
    share = square.sum(axis=1)[:2].sum() / square.sum()
    assert text.startswith(f"The 1% of the rows that are farthest from the mean hold {share:.0%} ")
    assert warned(DominatingRowsWarning, small.set_params(trim_fraction=0.02), X)[1] == []


@pytest.mark.parametrize("cls", [AutoencoderTransformer, VariationalAutoencoder])
def test_a_value_beside_which_its_column_hardly_differs_is_told(cls, factors):
    small = cls(3, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    X = StandardScaler().fit_transform(factors)
    flag = np.zeros((200, 1))
    flag[7] = 1  # all others are the same: nothing is hidden
    assert warned(DominatingRowsWarning, small, np.hstack([X, flag]))[1] == []
    X[3, 4] = 1e6
    X = StandardScaler().fit_transform(X)
    (text,) = warned(DominatingRowsWarning, small, X)[1]
    assert text.startswith("Without a few values that are far from all others, at most 1%")
    assert ": 4 (0.0%). Beside" in text
    assert warned(DominatingRowsWarning, small.set_params(trim_fraction=0.02), X)[1] == []


@pytest.mark.parametrize(("scale", "said"), [(1e-3, "hides"), (1.0, None), (1e3, "too small")])
def test_noise_of_another_order_than_the_data(factors, scale, said):
    denoiser = DenoisingAutoencoder(2, hidden_layer_sizes=(8,), max_iter=1, random_state=0)
    texts = warned(NoiseLevelWarning, denoiser, scale * factors)[1]
    assert [said in text for text in texts] == ([] if said is None else [True])


def test_the_ends_of_few_rows_are_no_bounds(factors):
    small = AutoencoderTransformer(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0)
    for X in (factors[:19], np.repeat(factors[:12], 5, axis=0)):
        assert not np.isfinite(small.fit(X)._network.constants["low"]).any()
    counts = np.maximum(factors[:19], 0)
    assert (small.fit(counts)._network.constants["low"] == 0).all()


def test_constant_data_are_told_however_few_their_rows():
    with pytest.warns(SilentUnitsWarning, match="there is nothing to learn"):
        AutoencoderTransformer(2, max_iter=2, random_state=0).fit(np.ones((20, 3)))


def test_no_value_is_told_that_is_only_rare_or_hardly_counts():
    small = AutoencoderTransformer(2, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 6))
    X[:, 4] = 0.0
    X[:11, 4] = np.geomspace(0.01, 3, 11)  # a word in few texts
    assert warned(DominatingRowsWarning, small, X)[1] == []
    X[:11, 4] = [0.02, 0.8, *[0.0] * 9]  # a pixel at the edge of an image
    assert warned(DominatingRowsWarning, small, X)[1] == []
    gaps = X.copy()
    gaps[15:, 5] = np.nan
    masked = AutoencoderTransformer(2, missing="mask", max_iter=2, random_state=0)
    assert warned(DominatingRowsWarning, masked, gaps)[1] == []
    X[0, 5] = 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("error", DominatingRowsWarning)
        weight = np.where(np.arange(1000) == 0, 1e-15, 1.0)
        small.fit(StandardScaler().fit_transform(X, sample_weight=weight), sample_weight=weight)
