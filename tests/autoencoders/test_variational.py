"""The variational autoencoder against closed forms, Monte Carlo and factor analysis."""

import numpy as np
import pytest
from cases import slow_but
from scipy.special import xlogy
from scipy.stats import kstest, multivariate_normal, norm
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis

from skae import VariationalAutoencoder
from skae._engine import NormalCode, divergence, load_keras, program_info
from skae._engine.likelihood import row_keys
from skae.losses import Gaussian


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16


@pytest.fixture(scope="module")
def linear():
    """A linear Gaussian model fitted to data that come from one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(2000, 5))
    vae = VariationalAutoencoder(
        2, hidden_layer_sizes=(), max_iter=60, learning_rate_init=0.01, random_state=0
    )
    return vae.fit(X), X


def linear_decoder(vae):
    """Matrix and bias of a decoder that is linear, in the units of X."""
    bias = vae.inverse_transform(np.zeros((1, 2)))
    return vae.inverse_transform(np.eye(2)) - bias, bias[0]


def exact_log_likelihood(vae, X):
    """Of a model whose decoder is linear: the rows are normal."""
    kernel, bias = linear_decoder(vae)
    covariance = kernel.T @ kernel + np.diag(vae.noise_variance_)
    return multivariate_normal(bias, covariance).logpdf(X)


def test_the_divergence_is_that_of_a_sample():
    load_keras()
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(2, 3, 4)).astype(np.float32)
    deviation = np.exp(log_variance / 2)
    z = mean + deviation * rng.normal(size=(200_000, 3, 4))
    ratio = (norm(mean, deviation).logpdf(z) - norm.logpdf(z)).sum(axis=-1)
    expected, error = ratio.mean(axis=0), ratio.std(axis=0) / np.sqrt(len(z))
    assert (np.abs(divergence((mean, log_variance)) - expected) < 4 * error + 1e-4).all()


def test_log_likelihood_of_a_linear_model_is_exact(linear):
    vae, X = linear
    exact = exact_log_likelihood(vae, X[:200])
    estimate = vae.log_likelihood(X[:200], 2000)
    np.testing.assert_allclose(estimate, exact, atol=0.2)
    assert estimate.mean() == pytest.approx(exact.mean(), abs=0.02)


def test_the_bound_is_below_and_tightens(linear):
    fitted, X = linear
    exact = exact_log_likelihood(fitted, X).mean()
    assert exact - fitted.elbo(X).mean() < 0.1  # the posterior of a linear model is normal
    vae = clone(fitted).set_params(max_iter=1, learning_rate_init=0.003, init="random")
    vae.fit(X)  # its posterior is a poor one
    exact = exact_log_likelihood(vae, X).mean()
    bound = vae.elbo(X, n_samples=200).mean()
    few, many = (vae.log_likelihood(X, n).mean() for n in (3, 300))
    assert bound + 0.05 < few
    assert few + 0.05 < many < exact + 0.02


def test_elbo_by_numpy(linear):
    """By draws of NumPy's own, from the posterior that the estimator gives."""
    vae, X = linear
    X = X[:50]
    mean, deviation = vae.posterior(X)
    rng = np.random.default_rng(0)
    fits = []
    for _ in range(2000):
        x_hat = vae.inverse_transform(mean + deviation * rng.normal(size=mean.shape))
        fits.append(norm(x_hat, np.sqrt(vae.noise_variance_)).logpdf(X).sum(axis=1))
    divergence = 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum(axis=1)
    expected = np.mean(fits, axis=0) - divergence
    np.testing.assert_allclose(vae.elbo(X, n_samples=2000), expected, atol=0.15)


def test_level_with_factor_analysis_on_linear_data(linear):
    vae, X = linear
    rng = np.random.default_rng(1)
    reference = FactorAnalysis(2).fit(X)
    held_out = rng.multivariate_normal(X.mean(axis=0), np.cov(X.T), size=2000)
    ours = vae.log_likelihood(held_out).mean()
    assert ours == pytest.approx(reference.score(held_out), abs=0.05)


def test_bernoulli_loss_by_numpy(digits):
    """The curve's first value is the mean over rows of sums over features, in nats."""
    vae = VariationalAutoencoder(
        2, likelihood="bernoulli", beta=0.0, learning_rate_init=1e-12, max_iter=1, random_state=0
    ).fit(digits)
    draws = []
    rng = np.random.default_rng(0)
    mean, deviation = vae.posterior(digits)
    for _ in range(5):
        p = vae.inverse_transform(mean + deviation * rng.normal(size=mean.shape))
        draws.append(-(xlogy(digits, p) + xlogy(1 - digits, 1 - p)).sum(axis=1).mean())
    assert vae.loss_curve_[0] == pytest.approx(np.mean(draws), rel=5e-3)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_rows_do_not_depend_on_each_other_or_on_the_call(likelihood, digits):
    vae = VariationalAutoencoder(2, likelihood=likelihood, max_iter=2, random_state=0).fit(digits)
    together = vae.elbo(digits[:300]), vae.log_likelihood(digits[:300], 10)
    alone = vae.elbo(digits[7:8]), vae.log_likelihood(digits[7:8], 10)
    again = vae.elbo(digits[:300]), vae.log_likelihood(digits[:300], 10)
    for one, many, repeated in zip(alone, together, again, strict=True):
        assert one[0] == many[7]
        np.testing.assert_array_equal(many, repeated)
        assert len(np.unique(many)) > 290


def test_the_draws_of_rows_are_standard_normal_and_independent(digits):
    import jax

    X = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    X[1500:] = X[:1500] + 1e-3  # neighbours
    keys = row_keys(X, np.uint32(3))
    assert len(np.unique(keys, axis=0)) == len(X)
    noise = np.asarray(jax.vmap(lambda key: jax.random.normal(key, (2,)))(keys))
    assert kstest(noise[:, 0], "norm").pvalue > 0.01
    assert abs(np.corrcoef(noise[:1500, 0], noise[1500:, 0])[0, 1]) < 0.08


def test_sample(linear):
    vae, _ = linear
    kernel, bias = linear_decoder(vae)
    means = vae.sample(20_000, random_state=0)
    np.testing.assert_allclose(np.cov(means.T), kernel.T @ kernel, atol=0.15)
    np.testing.assert_allclose(means.mean(axis=0), bias, atol=0.08)
    noisy = vae.sample(20_000, random_state=0, noise=True)
    np.testing.assert_allclose((noisy - means).var(axis=0), vae.noise_variance_, rtol=0.05)
    np.testing.assert_array_equal(means, vae.sample(20_000, random_state=0))
    assert not np.array_equal(means[:5], vae.sample(5, random_state=1))


def test_a_bernoulli_sample_is_binary(digits):
    vae = VariationalAutoencoder(2, likelihood="bernoulli", max_iter=2, random_state=0).fit(digits)
    assert set(np.unique(vae.sample(50, random_state=0, noise=True))) == {0.0, 1.0}
    means = vae.sample(50, random_state=0)
    assert ((means > 0) & (means < 1)).all()


def test_transform_is_the_posterior_mean(digits):
    vae = VariationalAutoencoder(3, likelihood="bernoulli", max_iter=2, random_state=0).fit(digits)
    mean, deviation = vae.posterior(digits)
    np.testing.assert_array_equal(vae.transform(digits), mean)
    assert mean.shape == deviation.shape == (len(digits), 3)
    assert (deviation > 0).all()
    np.testing.assert_allclose(vae.encoder_.predict(digits, verbose=0), mean, atol=1e-5)


def test_a_given_noise_variance_is_kept(digits):
    vae = VariationalAutoencoder(2, noise_variance=0.25, max_iter=2, random_state=0).fit(digits)
    np.testing.assert_array_equal(vae.noise_variance_, 0.25)


def test_the_learned_noise_is_the_residual_variance(linear):
    vae, X = linear
    mean, deviation = vae.posterior(X)
    rng = np.random.default_rng(7)
    z = mean + deviation * rng.normal(size=mean.shape)
    residual = np.square(X - vae.inverse_transform(z)).mean(axis=0)
    np.testing.assert_allclose(vae.noise_variance_, residual, rtol=0.1)


@pytest.mark.filterwarnings("ignore::skae.exceptions.SilentUnitsWarning")  # of the largest beta
def test_warm_up_and_beta(digits):
    def divergence(**params):
        vae = VariationalAutoencoder(
            2, likelihood="bernoulli", max_iter=3, random_state=0, **params
        ).fit(digits)
        mean, deviation = vae.posterior(digits)
        return 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum(axis=1).mean()

    assert divergence(beta=0.1) > divergence() > divergence(beta=10.0)
    assert divergence(kl_warmup=30) > divergence(kl_warmup=3) > divergence(kl_warmup=1)
    assert divergence(kl_warmup=1) == divergence(kl_warmup=0)


def test_validation_follows_the_bound(digits):
    vae = VariationalAutoencoder(
        2, likelihood="bernoulli", kl_warmup=100, max_iter=3, random_state=0
    ).fit(digits[:1000], X_val=digits[1000:])
    assert vae.val_loss_curve_[-1] == pytest.approx(-vae.elbo(digits[1000:]).mean(), abs=0.3)


def test_sweeps_compile_nothing_new(digits):
    vae = VariationalAutoencoder(2, max_iter=1, random_state=0).fit(digits)
    made = program_info()["made"]
    for params in ({"beta": 4.0}, {"kl_warmup": 5}, {"learning_rate_init": 1e-3}):
        clone(vae).set_params(**params).fit(digits)
    assert program_info()["made"] == made


@pytest.mark.parametrize("scale", slow_but(1e-3, of=[1e-3, 1.0, 1e3]))
def test_no_nan_whatever_the_scale(scale):
    X = np.random.default_rng(0).normal(size=(300, 4)) * scale
    X[:, 3] = 5.0  # a feature that does not vary
    vae = VariationalAutoencoder(2, max_iter=10, random_state=0).fit(X)
    assert np.isfinite(vae.log_likelihood(X)).all()
    assert np.isfinite(vae.loss_curve_).all()


def test_missing_values_are_left_out_of_the_bound(digits):
    X = digits.copy()
    X[:, 20:30] = np.nan
    X[0] = digits[0]
    X[0, 25] = np.nan
    X[1, 20:30] = 0.5
    vae = VariationalAutoencoder(
        2, likelihood="bernoulli", missing="mask", max_iter=2, random_state=0
    ).fit(X)
    mean, deviation = vae.posterior(X[:1])
    rng = np.random.default_rng(0)
    kernel_free = vae.inverse_transform(mean + deviation * rng.normal(size=(4000, 2)))
    observed = ~np.isnan(X[0])
    terms = xlogy(X[0], kernel_free) + xlogy(1 - X[0], 1 - kernel_free)
    divergence = 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum()
    expected = terms[:, observed].sum(axis=1).mean() - divergence
    assert vae.elbo(X[:1], n_samples=2000)[0] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("n_samples", [0, 1.5, "many"])
def test_bad_numbers_of_draws(n_samples, linear):
    vae, X = linear
    for call in (
        lambda: vae.sample(n_samples),
        lambda: vae.elbo(X, n_samples=n_samples),
        lambda: vae.log_likelihood(X, n_samples),
    ):
        with pytest.raises(ValueError, match="n_samples must be a whole number"):
            call()


def test_bernoulli_needs_data_in_the_unit_interval(linear):
    with pytest.raises(ValueError, match=r"likelihood='bernoulli' needs data in \[0, 1\]"):
        VariationalAutoencoder(likelihood="bernoulli").fit(linear[1])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_another_likelihood_cannot_go_on(method, digits):
    vae = VariationalAutoencoder(2, likelihood="bernoulli", max_iter=1, random_state=0)
    vae.partial_fit(digits)
    vae.set_params(likelihood="gaussian", noise_variance=0.1, warm_start=True)
    with pytest.raises(ValueError, match="go on with likelihood='bernoulli', but it is now"):
        getattr(vae, method)(digits)


class Tempered(Gaussian):
    """A normal likelihood with a parameter of its own."""

    def __init__(self, noise_variance="learned", *, temperature=1.0):
        super().__init__(noise_variance)
        self.temperature = temperature


def test_the_key_of_the_likelihood_leaves_out_the_variance_alone():
    assert Gaussian(0.1).key == Gaussian(0.2).key != Gaussian().key
    assert Tempered(0.1).key == Tempered(0.2).key != Gaussian(0.1).key
    assert Tempered(0.1).key != Tempered(0.1, temperature=2.0).key


def test_a_posterior_is_hardly_wider_than_the_prior():
    output = np.array([[3.0, 50.0], [3.0, 0.5], [3.0, -50.0]])  # mean, and log variance
    mean, log_variance = NormalCode().posterior(output)
    np.testing.assert_array_equal(mean[:, 0], 3.0)
    np.testing.assert_array_equal(log_variance[:, 0], [1.0, 0.5, -22.0])
