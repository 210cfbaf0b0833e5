"""`alpha="auto"`: data of which hidden layers only learn noise come back as by PCA."""

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, FactorAnalysis

from skae import AutoencoderTransformer, Stream, VariationalAutoencoder
from skae._autoencoders._shrinkage import ShrinkageTrial, StopWhenClear
from skae._engine import DivergenceError, Training


def error_of_pca(pca, X):
    return np.square(X - pca.inverse_transform(pca.transform(X))).mean()


@pytest.fixture
def trainings(monkeypatch):
    """Epochs of each training that is run; infinite if it diverges."""
    epochs, run = [], Training.run

    def counted(training, *arguments, **options):
        try:
            run(training, *arguments, **options)
        except DivergenceError:
            epochs.append(np.inf)
            raise
        epochs.append(len(training.history["loss"]))

    monkeypatch.setattr(Training, "run", counted)
    return epochs


def noise(rng):
    return rng.normal(size=(480, 40)), 15


def ratings(rng):
    return rng.integers(1, 6, (480, 30)).astype(float), 10


def zeros_and_ones(rng):
    return (rng.uniform(size=(480, 120)) < 0.05).astype(float), 5


@pytest.mark.parametrize("data", [noise, ratings, zeros_and_ones])
def test_where_there_is_only_noise_to_learn_rows_come_back_as_by_pca(data):
    X, n_components = data(np.random.default_rng(0))
    X, new = X[:280], X[280:]
    pca = PCA(n_components).fit(X)
    usual = 4000 / len(X) * (1 - pca.explained_variance_ratio_.sum())
    autoencoder = AutoencoderTransformer(n_components, random_state=0)
    error = error_of_pca(pca, new)
    assert -autoencoder.fit(X).score(new) < 1.01 * error
    np.testing.assert_allclose(autoencoder.alpha_, 1000 * usual, rtol=1e-3)
    assert -autoencoder.set_params(alpha=usual).fit(X).score(new) > 1.05 * error


def test_a_trial_ends_as_soon_as_rows_held_out_come_back_much_better_than_by_pca(trainings):
    AutoencoderTransformer(8, random_state=0).fit(load_digits().data)
    *trials, whole = trainings
    assert len(trials) == 1
    assert trials[0] < 20
    assert whole == 100


def test_a_trial_ends_when_rows_held_out_come_back_worse_than_by_pca(trainings):
    """After 40 of 100 epochs; ten with the strong weight show whether it diverges."""
    X, n_components = noise(np.random.default_rng(0))
    AutoencoderTransformer(n_components, random_state=0).fit(X)
    assert trainings == [40, 10, 40, 10, 100]


@pytest.mark.parametrize(
    ("change", "n_epochs", "ends"),
    [
        (-0.11, 1, True),
        (-0.05, 3, False),
        (-0.05, 4, True),
        (-0.02, 4, False),
        (0.01, 10, False),
        (0.03, 3, False),
        (0.03, 4, True),
    ],
)
@pytest.mark.parametrize("reference", [2.0, -2.0])
def test_when_the_answer_of_a_trial_is_clear(reference, change, n_epochs, ends):
    """Of ten epochs; the change is relative to the linear model's loss, which may be negative."""
    history = {"loss": [0.0] * n_epochs, "val_loss": [reference + change * abs(reference)]}
    clear = StopWhenClear(reference, 10)
    assert bool(clear.after_epoch(SimpleNamespace(history=history))) is ends


def test_of_many_rows_a_feature_there_are_no_trials(trainings):
    X = np.random.default_rng(0).normal(size=(300, 3))
    AutoencoderTransformer(2, max_iter=10, random_state=0).fit(X)
    assert trainings == [10]


def wide(n_rows, curved, rng):
    """Rows of 100 columns, in a space of three or on a curve in it, and noise."""
    t = rng.uniform(0, 9, n_rows)
    planar = rng.normal(size=(n_rows, 3))
    places = np.column_stack([np.sin(t), np.cos(t), t / 5]) if curved else planar
    noise = 0.5 * rng.normal(size=(n_rows, 100))
    return places @ np.random.default_rng(1).normal(size=(3, 100)) + noise


@pytest.mark.parametrize(
    ("n_rows", "curved", "strength"), [(60, True, 1), (60, False, 1000), (110, False, 1000)]
)
def test_rows_held_out_decide_how_much_is_learned(n_rows, curved, strength):
    rng = np.random.default_rng(0)
    X, new = wide(n_rows, curved, rng), wide(200, curved, rng)
    n_components = 2 if curved else 3
    fitted = AutoencoderTransformer(n_components, random_state=0).fit(X)
    pca = PCA(n_components).fit(X)
    usual = 4000 / n_rows * (1 - pca.explained_variance_ratio_.sum())
    np.testing.assert_allclose(fitted.alpha_, strength * usual, rtol=1e-3)
    error = error_of_pca(pca, new)
    assert -fitted.score(new) < (0.9 if curved else 1.005) * error


@pytest.mark.parametrize("params", [{"early_stopping": True}, {"max_iter": 5}], ids=str)
def test_nothing_is_tried_where_noise_is_not_learned(params, trainings):
    X = wide(60, False, np.random.default_rng(0))
    fitted = AutoencoderTransformer(3, random_state=0, **params).fit(X)
    assert len(trainings) == 1
    assert fitted.alpha_ < 4000 / 60


def test_copies_tell_nothing_new():
    """Also of rows of which some are held out: a copy on the other side would be known there."""
    X = wide(110, False, np.random.default_rng(0))
    chosen = [
        AutoencoderTransformer(3, random_state=0).fit(X).alpha_,
        AutoencoderTransformer(3, random_state=0).fit(np.tile(X, (3, 1))).alpha_,
        AutoencoderTransformer(3, random_state=0).fit(X, sample_weight=np.full(110, 3)).alpha_,
    ]
    usual = 4000 / 110 * (1 - PCA(3).fit(X).explained_variance_ratio_.sum())
    np.testing.assert_allclose(chosen, 1000 * usual, rtol=1e-3)


def test_rows_of_hardly_any_weight_count_as_if_left_out():
    X = np.random.default_rng(0).normal(size=(700, 10))
    weight = np.where(np.arange(700) < 40, 1.0, 1e-9)
    fitted = AutoencoderTransformer(4, random_state=0).fit(X, sample_weight=weight)
    usual = 4000 / 40 * (1 - PCA(4).fit(X[:40]).explained_variance_ratio_.sum())
    assert fitted.alpha_ >= 0.99 * usual


@pytest.mark.parametrize(("n_rows", "n_components"), [(20, 19), (3, 2)])
def test_as_many_components_as_rows_do_not_explain_other_rows(n_rows, n_components):
    rng = np.random.default_rng(0)
    X, new = wide(n_rows, False, rng)[:, :50], wide(200, False, rng)[:, :50]
    fitted = AutoencoderTransformer(n_components, random_state=0).fit(X)
    assert fitted.alpha_ == pytest.approx(1000 * 4000 / n_rows)
    assert -fitted.score(new) < 1.03 * error_of_pca(PCA(n_components).fit(X), new)


def test_all_trials_decide_together():
    """The rows that the first trial holds out say one thing, all of them the other."""
    losses = iter([(1.0, 2.0), (2.0, 1.0), (2.0, 1.0), (2.0, 1.0), (2.0, 1.0)])
    X = wide(60, True, np.random.default_rng(0))
    with patch.object(ShrinkageTrial, "losses", lambda trial, alphas: next(losses)):
        fitted = AutoencoderTransformer(2, random_state=0).fit(X)
    assert next(losses, None) is None
    usual = 4000 / 60 * (1 - PCA(2).fit(X).explained_variance_ratio_.sum())
    np.testing.assert_allclose(fitted.alpha_, 1000 * usual, rtol=1e-3)


def test_another_penalty_does_not_take_over_the_weight():
    X = wide(60, False, np.random.default_rng(0))
    autoencoder = AutoencoderTransformer(3, max_iter=3, warm_start=True, random_state=0).fit(X)
    assert autoencoder.alpha_ > 0
    with pytest.warns(UserWarning, match=r"weight_penalty=L1\(\) has no effect"):
        autoencoder.set_params(weight_penalty="l1").fit(X)
    assert autoencoder.alpha_ == 0


def test_a_trial_that_diverges_decides_against_its_weight(trainings):
    X = wide(20, False, np.random.default_rng(0))[:, :30]
    params = {"hidden_layer_sizes": (4,), "solver": "sgd", "learning_rate_init": 0.05}
    fitted = AutoencoderTransformer(3, random_state=0, **params).fit(X)
    pca = PCA(3).fit(X)
    usual = 4000 / 20 * (1 - pca.explained_variance_ratio_.sum())
    np.testing.assert_allclose(fitted.alpha_, usual, rtol=1e-3)
    assert np.inf in trainings
    with pytest.raises(ValueError, match="The loss became"):
        AutoencoderTransformer(3, random_state=0, alpha=1000 * usual, **params).fit(X)


def test_features_known_in_few_rows_are_no_obstacle_to_trials(trainings):
    X = wide(20, False, np.random.default_rng(0))[:, :40]
    X[np.random.default_rng(1).uniform(size=X.shape) < 0.3] = np.nan
    X[1:, 3] = X[:-1, 7] = np.nan  # known in a single row
    X[0, 3] = X[-1, 7] = 1.0
    fitted = AutoencoderTransformer(3, missing="mask", random_state=0).fit(X)
    assert len(trainings) > 1
    assert fitted.alpha_ > 1
    assert np.isfinite(fitted.reconstruct(X)).all()


@pytest.mark.parametrize("has_few_rows", [True, False])
def test_where_no_row_can_be_held_out(has_few_rows, trainings):
    """Each feature but one is known in a single row: whichever is held out, one is unknown."""
    X = np.random.default_rng(0).normal(size=(12, 16 if has_few_rows else 12))
    known = np.arange(X.shape[1]) % 12
    gaps = np.full_like(X, np.nan)
    gaps[known, np.arange(X.shape[1])] = X[known, np.arange(X.shape[1])]
    gaps[:, 0] = X[:, 0]
    autoencoder = AutoencoderTransformer(1, missing="mask", max_iter=10, random_state=0).fit(gaps)
    assert trainings == [10]
    usual = 4000 / 12 * 1e-12  # the share that PCA leaves is none, for which this one stands
    assert autoencoder.alpha_ == pytest.approx((1000 if has_few_rows else 1) * usual)


def test_factors_and_noise_are_shrunk_more_than_usual():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(550, 4)) @ rng.normal(size=(4, 40)) + rng.normal(size=(550, 40))
    X, new = X[:150], X[150:]
    vae = VariationalAutoencoder(4, random_state=0).fit(X)
    assert vae.alpha_ >= 1e4 * 40 / 150
    assert vae.elbo(new).mean() > FactorAnalysis(4).fit(X).score(new) - 0.1
    free = VariationalAutoencoder(4, alpha=0.0, random_state=0).fit(X)
    assert free.elbo(new).mean() < vae.elbo(new).mean() - 1


def test_rows_in_blocks_are_shrunk_as_usual():
    X = wide(60, False, np.random.default_rng(0)).astype(np.float32)
    with patch("skae._data.sources.HELD_BYTES", 1):
        fitted = AutoencoderTransformer(3, random_state=0).fit(Stream(lambda: iter([X])))
    assert 0 < fitted.alpha_ < 4000 / 60
