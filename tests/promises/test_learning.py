"""What fits with default settings learn, on rows held out, against others that do the same."""

import numpy as np
import pytest
from cases import slow
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.decomposition import FactorAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from skae import (
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from skae.corruption import GaussianNoise

pytestmark = slow


def test_better_than_factor_analysis_on_curved_data():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 1.5 * np.pi, size=3000)
    X = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), angle], axis=1)
    X += 0.1 * rng.normal(size=X.shape)
    train, held_out = X[:2000], X[2000:]
    vae = VariationalAutoencoder(1, learning_rate_init=0.01, random_state=0).fit(train)
    reference = max(FactorAnalysis(k).fit(train).score(held_out) for k in (1, 2))
    assert vae.log_likelihood(held_out).mean() > reference + 0.5


@pytest.mark.parametrize("load", [load_iris, load_diabetes, load_breast_cancer])
def test_rows_held_out_are_not_clearly_less_likely_than_by_factor_analysis(load):
    train, test = train_test_split(load().data, random_state=0)
    centre, scale = train.mean(axis=0), train.std(axis=0)
    theirs = FactorAnalysis(2, svd_method="lapack").fit((train - centre) / scale)
    expected = theirs.score((test - centre) / scale) - np.log(scale).sum()
    vae = VariationalAutoencoder(2, random_state=0).fit(train)
    assert vae.elbo(test).mean() > expected - 0.1


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_with_outliers_trimmed_a_fit_is_as_good_as_without_them(load):
    train, test = train_test_split(load().data, random_state=0)
    rng = np.random.default_rng(0)
    spoiled = train.copy()
    rows = rng.choice(len(train), round(0.02 * len(train)), replace=False)
    noise = rng.normal(size=(len(rows), train.shape[1]))
    spoiled[rows] = train.mean(axis=0) + 10 * train.std(axis=0) * noise
    autoencoder = AutoencoderTransformer(3, random_state=0)
    expected = -autoencoder.fit(train).score(test)
    assert -autoencoder.fit(spoiled).score(test) > 1.1 * expected
    trimming = autoencoder.set_params(trim_fraction=0.025)
    assert -trimming.fit(spoiled).score(test) < 1.1 * expected


def test_a_denoiser_undoes_more_noise_than_a_plain_autoencoder():
    digits = load_digits().data[:600] / 16
    noisy = GaussianNoise(0.4).corrupt(digits, random_state=1)
    settings = {"n_components": 16, "max_iter": 60, "random_state": 0}
    plain = AutoencoderTransformer(**settings).fit(digits)
    denoiser = DenoisingAutoencoder(corruption_level=0.4, **settings).fit(digits)
    error = {
        name: np.square(digits - estimator.reconstruct(noisy)).mean()
        for name, estimator in [("plain", plain), ("denoiser", denoiser)]
    }
    assert error["denoiser"] < 0.8 * error["plain"]


def test_a_detector_does_not_learn_the_outliers_among_its_training_rows():
    """Breast cancer: all benign rows and eight malignant ones; no knob is turned."""
    X, y = load_breast_cancer(return_X_y=True)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        odd = rng.choice(np.flatnonzero(y == 0), 8, replace=False)
        rows = np.concatenate([X[y == 1], X[odd]])
        truth = np.repeat([0, 1], [(y == 1).sum(), 8])
        scores = AutoencoderOutlierDetector(random_state=seed).fit(rows).score_samples(rows)
        assert roc_auc_score(truth, -scores) > 0.93
