"""Variational training starts at factor analysis: against scikit-learn's and closed forms."""

import numpy as np
import pytest
from cases import slow_but
from sklearn.decomposition import PCA, FactorAnalysis

from skae import VariationalAutoencoder
from skae._autoencoders import _factor_start
from skae._autoencoders._factor_start import factor_model, found_noise, given_noise
from skae._data import TrainingSet
from skae._engine import Training, graph_of

AS_IT_STARTS = {"max_iter": 1, "learning_rate_init": 1e-12, "alpha": 0.0, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    """Rows of three factors and noise, in units and about means of many sizes."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 7))
    noisy = mixed + rng.uniform(0.2, 1.0, size=7) * rng.normal(size=(400, 7))
    return 10.0 ** np.arange(-3, 4) * noisy + 50


def standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def covariance_of(model):
    return model.loadings.T @ model.loadings + np.diag(model.noise)


def likelihood(S, C):
    """Mean log-likelihood of rows of covariance S under a centred normal distribution."""
    return -0.5 * (
        len(S) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S))
    )


@pytest.mark.parametrize("n_components", slow_but(3, of=[1, 3]))
def test_the_noise_is_that_of_factor_analysis(n_components, X, monkeypatch):
    Z = standardised(X)
    S = Z.T @ Z / len(Z)
    theirs = FactorAnalysis(n_components, tol=1e-6, max_iter=50000, svd_method="lapack").fit(Z)
    model = found_noise(S, n_components, 1.0)
    assert likelihood(S, covariance_of(model)) == pytest.approx(theirs.score(Z), abs=5e-3)
    monkeypatch.setattr(_factor_start, "MOST_STEPS", 20000)
    model = found_noise(S, n_components, tolerance=1e-9)
    np.testing.assert_allclose(covariance_of(model), theirs.get_covariance(), atol=2e-3)


def test_one_given_variance_is_probabilistic_pca(X):
    Z = standardised(X)
    pca = PCA(2).fit(Z)
    S = np.cov(Z, rowvar=False)
    model = given_noise(S, np.full(7, pca.noise_variance_), 2, 1.0)
    np.testing.assert_allclose(covariance_of(model), pca.get_covariance(), atol=1e-10)


def test_the_posterior_is_diagonal_and_its_mean_that_of_factor_analysis(X):
    Z = standardised(X)
    model = found_noise(Z.T @ Z / len(Z), 3, 1.0)
    precision = np.eye(3) + (model.loadings / model.noise) @ model.loadings.T
    np.testing.assert_allclose(precision, np.diag(model.precision), atol=1e-8)
    mean = np.linalg.solve(precision, (model.loadings / model.noise) @ Z.T).T
    np.testing.assert_allclose(Z @ model.scores, mean, atol=1e-10)


def objective(S, loadings, noise, scores, variance, beta):
    """The objective of a linear variational autoencoder, but for constants."""
    rest = np.eye(len(S)) - scores @ loadings
    error = np.diag(rest.T @ S @ rest) + variance @ np.square(loadings)
    divergence = np.diag(scores.T @ S @ scores) + variance - np.log(variance)
    return 0.5 * (np.log(noise) + error / noise).sum() + 0.5 * beta * divergence.sum()


@pytest.mark.parametrize("beta", [1.0, 1.5, 4.0])
def test_no_other_linear_autoencoder_has_a_lower_objective(beta, X):
    Z, rng = standardised(X), np.random.default_rng(0)
    S = Z.T @ Z / len(Z)
    model = found_noise(S, 2, beta)
    parts = model.loadings, model.noise, model.scores, 1 / model.precision
    least = objective(S, *parts, beta)
    for part in range(4):
        for _ in range(20):
            other = list(parts)
            other[part] = parts[part] * (1 + 0.05 * rng.normal(size=parts[part].shape))
            assert objective(S, *other, beta) > least - 1e-6


@pytest.mark.parametrize("noise_variance", ["learned", 0.5])
def test_the_bound_begins_at_the_likelihood(noise_variance, X):
    rows = X if noise_variance == "learned" else standardised(X)
    vae = VariationalAutoencoder(3, noise_variance=noise_variance, **AS_IT_STARTS).fit(rows)
    Z, scale = standardised(rows), rows.std(axis=0)
    if noise_variance == "learned":
        theirs = FactorAnalysis(3, tol=1e-4, max_iter=20000, svd_method="lapack").fit(Z).score(Z)
    else:
        S = Z.T @ Z / len(Z)
        theirs = likelihood(S, covariance_of(given_noise(S, np.full(7, 0.5), 3, 1.0)))
    expected = theirs - np.log(scale).sum()
    assert vae.elbo(rows, n_samples=200).mean() == pytest.approx(expected, abs=0.03)
    assert -vae.loss_curve_[0] == pytest.approx(expected, abs=0.3)  # one draw for each row


def test_the_misfit_is_that_of_the_likelihood(X):
    Z = standardised(X)
    S = Z.T @ Z / len(Z)
    model = found_noise(S, 2)
    constant = 7 * np.log(2 * np.pi)
    expected = likelihood(S, covariance_of(model))
    assert -0.5 * (model.misfit(np.diag(S)) + constant) == pytest.approx(expected, abs=1e-6)
    assert model.log_likelihood(Z) / len(Z) - 0.5 * constant == pytest.approx(expected)


def test_a_feature_that_few_rows_determine_keeps_noise():
    """Without a floor, a row that is odd in it has no density."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    X[:, 5] = 0
    X[rng.choice(200, 3, replace=False), 5] = 1
    vae = VariationalAutoencoder(2, **AS_IT_STARTS).fit(X)
    odd = X[:1].copy()
    odd[0, 5] = 1 - odd[0, 5]
    assert vae.elbo(odd, n_samples=100)[0] > -200


def test_a_constant_feature_keeps_noise(X):
    constant = np.column_stack([X, np.full(len(X), 3.0)])
    vae = VariationalAutoencoder(2, **AS_IT_STARTS).fit(constant)
    mean_on_scale = 7 / 8  # all but one feature have variance one
    expected = 0.01 * mean_on_scale * constant.var(axis=0).mean()
    assert vae.noise_variance_[7] == pytest.approx(expected, rel=1e-3)


def test_ctrl_c_in_a_trial_ends_the_fit(X, monkeypatch):
    def interrupted(training, *arguments):
        training.interrupted = True

    monkeypatch.setattr(Training, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        VariationalAutoencoder(2, random_state=0).fit(X)


@pytest.mark.parametrize("params", [{"early_stopping": True, "max_iter": 10}, {"max_iter": 9}])
def test_no_shrinkage_without_trials(X, params):
    """Held-out rows choose the epoch, or there are too few epochs."""
    assert VariationalAutoencoder(2, random_state=0, **params).fit(X).alpha_ == 0


def test_weights_count_as_copies(X):
    rng = np.random.default_rng(1)
    weight = rng.integers(1, 4, size=len(X)).astype(float)
    constants = {"centre": X.mean(axis=0), "scale": X.std(axis=0)}
    copies = TrainingSet.from_arrays(np.repeat(X, weight.astype(int), axis=0))
    weighted = TrainingSet.from_arrays(X, sample_weight=weight)
    one, other = (factor_model(data, constants, 2, 0) for data in (copies, weighted))
    np.testing.assert_allclose(one.noise, other.noise, rtol=1e-6)
    np.testing.assert_allclose(np.abs(one.loadings), np.abs(other.loadings), atol=1e-6)


@pytest.mark.parametrize("noise", [None, np.linspace(0.3, 0.6, 7)])
def test_many_features_are_as_few_with_one_variance(noise, X, monkeypatch):
    data = TrainingSet.from_arrays(X)
    constants = {"centre": X.mean(axis=0), "scale": X.std(axis=0)}
    one = PCA(2).fit(standardised(X)).noise_variance_ * (len(X) - 1) / len(X)
    few = factor_model(data, constants, 2, 0, noise=np.full(7, one) if noise is None else noise)
    monkeypatch.setattr(_factor_start, "WIDE", 3)
    monkeypatch.setattr("skae._autoencoders._linear_start.WIDE", 3)
    many = factor_model(data, constants, 2, 0, noise=noise)
    np.testing.assert_allclose(covariance_of(many), covariance_of(few), atol=1e-6)
    np.testing.assert_allclose(many.precision, few.precision, rtol=1e-6)


def test_more_components_than_features(X):
    vae = VariationalAutoencoder(9, **AS_IT_STARTS)
    with pytest.warns(match="say nothing of a row"):
        vae.fit(X)
    deviation = vae.posterior(X)[1]
    np.testing.assert_allclose(deviation[:, 7:], 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    "params",
    [
        {"init": "random"},
        {"likelihood": "bernoulli"},
        {"output_activation": "logistic"},
        {"pretraining": "layerwise"},
    ],
    ids=str,
)
def test_where_it_starts_at_random(params):
    X = np.random.default_rng(0).uniform(size=(60, 4))
    vae = VariationalAutoencoder(2, max_iter=2, random_state=0, **params).fit(X)
    assert graph_of(vae._network.recipe).linear_paths == []
    assert vae.alpha_ == 0
