"""Outliers in the training rows are left out where that is asked for."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae._autoencoders._linear_start import linear_model
from skae._autoencoders._trimming import distances, nearest, trimmed
from skae._data import TrainingSet


@pytest.fixture(scope="module")
def contaminated():
    """Raw rows of which the first eight are noise of ten deviations."""
    X = load_breast_cancer().data[:300]
    rng = np.random.default_rng(0)
    X[:8] = X.mean(axis=0) + 10 * X.std(axis=0) * rng.normal(size=(8, X.shape[1]))
    return X


def kept_rows(X, share, **options):
    data = TrainingSet.from_arrays(X, missing=options.pop("missing", False), **options)
    data.X.index = data.target.index = np.arange(len(data.weight))
    return trimmed(data, share, 3, 0).X.index


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array, np.float32])
def test_the_rows_that_do_not_belong_are_found(storage, contaminated):
    np.testing.assert_array_equal(kept_rows(storage(contaminated), 8 / 300), np.arange(8, 300))


def test_missing_values_do_not_hide_them(contaminated):
    X = contaminated.copy()
    X[np.random.default_rng(1).uniform(size=X.shape) < 0.1] = np.nan
    np.testing.assert_array_equal(kept_rows(X, 8 / 300, missing=True), np.arange(8, 300))


def test_distances_by_numpy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4)) + 100
    S = np.cov(X, rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(S)
    values[:2] = values[:2].mean()  # of the directions that two components leave
    centred = X - X.mean(axis=0)
    expected = np.einsum("ij,ij->i", centred @ (vectors / values) @ vectors.T, centred)
    data = TrainingSet.from_arrays(X)
    np.testing.assert_allclose(
        distances(linear_model(data, 2, 0), data.target), expected, rtol=1e-9
    )


def test_weights_count_as_copies():
    distance, weight = np.array([3.0, 1.0, 2.0, 4.0]), np.array([1.0, 2.0, 1.0, 4.0])
    np.testing.assert_array_equal(nearest(distance, weight, 0.5), [0, 1, 2])
    np.testing.assert_array_equal(nearest(distance, weight, 0.3), [1, 2])
    np.testing.assert_array_equal(nearest(distance, weight, 1.0), [0, 1, 2, 3])


def test_statistics_and_validation_rows_are_of_what_is_kept(contaminated):
    fitted = AutoencoderTransformer(
        3, trim_fraction=8 / 300, early_stopping=True, max_iter=5, random_state=0
    )
    fitted.fit(contaminated)
    others = AutoencoderTransformer(3, early_stopping=True, max_iter=5, random_state=0)
    others.fit(contaminated[8:])
    np.testing.assert_array_equal(fitted.mean_, others.mean_)
    assert fitted.history_ == others.history_


def test_pairs_are_trimmed_by_what_is_to_be_given(contaminated):
    noisy = 1.01 * contaminated
    fitted = DenoisingAutoencoder(3, trim_fraction=8 / 300, max_iter=2, random_state=0)
    fitted.fit(noisy, X_clean=contaminated)
    np.testing.assert_allclose(fitted.mean_, contaminated[8:].mean(axis=0))


def test_a_share_of_the_variance_and_few_rows(contaminated):
    fitted = AutoencoderTransformer(0.99, trim_fraction=0.1, max_iter=2, random_state=0)
    assert fitted.fit(contaminated).n_iter_ == 2
    one = AutoencoderTransformer(1, trim_fraction=0.4, max_iter=2, random_state=0)
    assert one.fit(contaminated[:1]).n_iter_ == 2


@pytest.mark.parametrize("share", [0.5, -0.1, 1, "auto"])
def test_half_of_the_rows_must_be_left(share, contaminated):
    with pytest.raises(ValueError, match="trim_fraction"):
        AutoencoderTransformer(3, trim_fraction=share).fit(contaminated)


def test_a_wide_code_hides_no_outlier():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 30)) + 0.1 * rng.normal(size=(20, 30))
    X[7] += 3 * rng.normal(size=30)
    data = TrainingSet.from_arrays(X)
    for n_components in (3, 8, 12):
        kept = trimmed(data, 0.05, n_components, 0)
        assert 7 not in kept.X.index


def test_each_partial_fit_trims_its_own_rows(contaminated):
    fitted = AutoencoderTransformer(3, trim_fraction=8 / 300, random_state=0)
    others = AutoencoderTransformer(3, random_state=0)
    for _ in range(2):
        fitted.partial_fit(contaminated)
        others.partial_fit(contaminated[8:])
    np.testing.assert_array_equal(fitted.transform(contaminated), others.transform(contaminated))


def test_rows_that_make_one_batch_without_outliers_have_no_order():
    X = np.random.default_rng(0).normal(size=(36, 3))
    X[:4] *= 30
    autoencoder = AutoencoderTransformer(1, trim_fraction=0.2, max_iter=3, random_state=0)
    code = autoencoder.fit(X).transform(X)
    np.testing.assert_array_equal(autoencoder.fit(X[::-1]).transform(X), code)
