"""The normal distribution of rows with missing values: against closed forms and scikit-learn's."""

import numpy as np
import pytest
from sklearn.decomposition import FactorAnalysis

from skae._autoencoders._incomplete import NormalModel, normal_model


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    return NormalModel(rng.normal(size=5), rng.normal(size=(2, 5)), rng.uniform(0.2, 1.0, size=5))


@pytest.fixture(scope="module")
def rows(model):
    """Rows of the model, and the same with a third of the values missing."""
    rng = np.random.default_rng(1)
    Z = model.mean + rng.normal(size=(400, 2)) @ model.loadings
    Z += np.sqrt(model.noise) * rng.normal(size=Z.shape)
    gaps = np.where(rng.random(Z.shape) < 1 / 3, np.nan, Z)
    return Z, gaps


def conditional(model, row):
    """Mean and covariance of the missing values of a row, by the formula of normal variables."""
    missing = np.isnan(row)
    S = model.covariance
    solved = np.linalg.solve(S[np.ix_(~missing, ~missing)], S[np.ix_(~missing, missing)])
    mean = model.mean[missing] + (row - model.mean)[~missing] @ solved
    return mean, S[np.ix_(missing, missing)] - S[np.ix_(missing, ~missing)] @ solved


def test_what_is_expected_is_the_conditional_mean(model, rows):
    Z, gaps = rows
    filled, variances = model.expected(gaps), model.variances(gaps)
    for number in range(30):
        missing = np.isnan(gaps[number])
        mean, covariance = conditional(model, gaps[number])
        np.testing.assert_allclose(filled[number, missing], mean, rtol=1e-9)
        np.testing.assert_allclose(variances[number, missing], np.diag(covariance), rtol=1e-9)
    np.testing.assert_array_equal(filled[~np.isnan(gaps)], Z[~np.isnan(gaps)])


def test_draws_have_the_conditional_covariance(model, rows):
    row = rows[1][np.isnan(rows[1]).sum(axis=1) == 3][:1]
    missing = np.isnan(row[0])
    deviations = model.deviations(row, np.random.default_rng(0), 20000)[:, 0]
    _, covariance = conditional(model, row[0])
    np.testing.assert_allclose(np.cov(deviations[:, missing].T), covariance, atol=0.1)
    np.testing.assert_allclose(deviations.mean(axis=0), 0, atol=0.03)
    assert (deviations[:, ~missing] == 0).all()


def test_of_complete_rows_it_is_factor_analysis(rows):
    Z = (rows[0] - rows[0].mean(axis=0)) / rows[0].std(axis=0)
    theirs = FactorAnalysis(2, tol=1e-8, max_iter=20000, svd_method="lapack").fit(Z)
    ours = normal_model(Z, n_factors=2, n_steps=500)
    np.testing.assert_allclose(ours.covariance, theirs.get_covariance(), atol=0.02)


def test_of_incomplete_rows_it_is_the_likeliest():
    """No small change of the covariance makes what is observed likelier."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 1)) @ rng.normal(size=(1, 3)) + 0.5 * rng.normal(size=(300, 3))
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    Z[rng.random(Z.shape) < 0.3] = np.nan

    def likelihood(mean, loadings, noise):
        S, total = np.outer(loadings, loadings) + np.diag(noise), 0.0
        for row in Z:
            known = ~np.isnan(row)
            own, residual = S[np.ix_(known, known)], (row - mean)[known]
            total -= residual @ np.linalg.solve(own, residual) + np.linalg.slogdet(own)[1]
        return total

    found = normal_model(Z, n_factors=1, n_steps=300)
    parts = [found.mean, found.loadings[0], found.noise]
    best = likelihood(*parts)
    for number in range(9):
        for step in (-0.05, 0.05):
            other = [part.copy() for part in parts]
            other[number // 3][number % 3] += step
            assert likelihood(*other) < best


def test_weights_are_copies(rows):
    weight = 1 + np.arange(400) % 3
    weighted = normal_model(rows[1], weight.astype(float), 2)
    copied = normal_model(np.repeat(rows[1], weight, axis=0), None, 2)
    np.testing.assert_allclose(weighted.covariance, copied.covariance, rtol=0.01, atol=0.01)


def test_missing_values_do_not_bias_it(rows):
    """With means in their place, covariances would be less than half."""
    by_gaps, by_all = (normal_model(Z, n_factors=2, n_steps=100) for Z in (rows[1], rows[0]))
    scale = np.sqrt(np.diag(by_all.covariance))
    np.testing.assert_allclose(
        by_gaps.covariance / np.outer(scale, scale),
        by_all.covariance / np.outer(scale, scale),
        atol=0.15,
    )


def test_a_row_depends_on_no_other(model, rows):
    one_by_one = np.concatenate([model.expected(row[None]) for row in rows[1][:70]])
    np.testing.assert_array_equal(model.expected(rows[1])[:70], one_by_one)


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (3, 1200), (30, 2)])
def test_few_rows_and_constant_features(shape):
    Z = np.random.default_rng(0).normal(size=shape)
    Z[:, 0] = 0.0
    found = normal_model(Z)
    assert np.isfinite(found.expected(np.full((2, shape[1]), np.nan))).all()
    assert (found.noise > 0).all()
