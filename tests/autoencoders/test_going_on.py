"""`partial_fit` and `warm_start`: one training that goes on."""

import sys
import threading

import numpy as np
import pytest
from cases import slow
from sklearn.base import clone
from sklearn.datasets import load_digits

from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
from skae._engine import program_info
from skae.architectures import Architecture, Conv, Dense


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:400] / 16


def autoencoder(**params):
    return AutoencoderTransformer(**{"n_components": 4, "max_iter": 5, "random_state": 0, **params})


CONSTANT = {"learning_rate": "constant", "n_iter_no_change": np.inf}


def one_by_one(estimator, n_epochs):
    """Functions that train for some epochs: at once, by `warm_start`, and by `partial_fit`."""

    def at_once(X):
        return clone(estimator).set_params(max_iter=n_epochs).fit(X)

    def by_warm_start(X):
        warm = clone(estimator).set_params(max_iter=1, warm_start=True)
        for _ in range(n_epochs):
            warm.fit(X)
        return warm

    def by_partial_fit(X):
        parts = clone(estimator)
        for _ in range(n_epochs):
            parts.partial_fit(X)
        return parts

    return at_once, by_warm_start, by_partial_fit


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(autoencoder(**CONSTANT), marks=slow),
        DenoisingAutoencoder(3, corruption_level=(0.1, 0.4), random_state=0, **CONSTANT),
        VariationalAutoencoder(3, kl_warmup=3, random_state=0, **CONSTANT),
        pytest.param(autoencoder(solver="sgd", **CONSTANT), marks=slow),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_epochs_one_by_one_are_epochs_at_once(estimator, digits):
    """Noise, order, warm-up and the solver's state go on; nothing is drawn twice."""
    whole, *others = (train(digits) for train in one_by_one(estimator, 4))
    for other in others:
        np.testing.assert_array_equal(other.transform(digits), whole.transform(digits))
        assert other.history_ == whole.history_
        assert other.n_iter_ == 4
        assert other.best_loss_ == whole.best_loss_


def test_warm_start_goes_on_from_the_weights(digits):
    warm = autoencoder(warm_start=True, max_iter=30).fit(digits)
    before = warm.loss_curve_[-1]
    warm.set_params(max_iter=1, learning_rate_init=1e-6).fit(digits)
    assert warm.loss_curve_[-1] == pytest.approx(before, rel=0.05)
    assert warm.n_iter_ == len(warm.loss_curve_) == 31
    cold = autoencoder(max_iter=1, learning_rate_init=1e-6).fit(digits)
    assert cold.loss_curve_[0] > 1.5 * before
    with pytest.raises(ValueError, match="describe another"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(digits)


def test_a_schedule_begins_anew_with_each_fit(digits):
    warm = autoencoder(warm_start=True, max_iter=3).fit(digits).fit(digits)
    rates = warm.history_["learning_rate"]
    assert rates[:3] == rates[3:]


def test_partial_fit_goes_on_slowly_after_a_cosine(digits):
    fitted = autoencoder(max_iter=40, learning_rate_init=0.01).fit(digits)
    for _ in range(2):
        fitted.partial_fit(digits)
    assert fitted.history_["learning_rate"][-2:] == [pytest.approx(1e-3)] * 2
    assert fitted.history_["learning_rate"][-3] < 1e-3
    alone = autoencoder(learning_rate_init=0.01).partial_fit(digits).partial_fit(digits)
    assert alone.history_["learning_rate"] == [0.01, 0.01]


def test_other_schedules_go_on_where_they_were(digits):
    scaled = autoencoder(learning_rate="invscaling", learning_rate_init=0.01, max_iter=3)
    rates = scaled.fit(digits).partial_fit(digits).history_["learning_rate"]
    assert rates == pytest.approx(0.01 / np.sqrt([1, 2, 3, 4]))
    adaptive = autoencoder(
        learning_rate="adaptive", tol=10.0, n_iter_no_change=1, max_iter=4, warm_start=True,
        learning_rate_init=0.01,
    )  # fmt: skip
    rates = adaptive.fit(digits).fit(digits).history_["learning_rate"]
    assert rates[4] == rates[3] < rates[0] == 0.01
    rates = adaptive.partial_fit(digits).history_["learning_rate"]
    assert rates[8] == rates[7]
    rates = adaptive.set_params(learning_rate_init=0.02).fit(digits).history_["learning_rate"]
    assert rates[9] == 0.02


def test_a_history_of_epochs_with_and_without_validation(digits):
    fitted = autoencoder(max_iter=3, early_stopping=True).fit(digits)
    held_out = fitted.val_loss_curve_
    fitted.set_params(early_stopping=False).partial_fit(digits)
    assert fitted.val_loss_curve_[:3] == held_out
    assert np.isnan(fitted.val_loss_curve_[3])
    assert len(fitted.loss_curve_) == 4
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    fitted.set_params(early_stopping=True).partial_fit(digits)
    assert np.isfinite(fitted.val_loss_curve_[4])
    assert fitted.best_loss_ == np.nanmin(fitted.val_loss_curve_)
    late = autoencoder(warm_start=True, max_iter=2).fit(digits).fit(digits, X_val=digits[:50])
    assert np.isnan(late.val_loss_curve_[:2]).all()
    assert np.isfinite(late.val_loss_curve_[2:]).all()


def test_early_stopping_holds_out_rows_of_a_partial_fit(digits):
    weights = [
        autoencoder(early_stopping=stops).partial_fit(digits).transform(digits)
        for stops in (False, True)
    ]
    assert not np.array_equal(*weights)
    with pytest.raises(ValueError, match="early_stopping=True cannot hold out"):
        autoencoder(early_stopping=True).partial_fit(digits[:1])


def test_parameters_that_change_take_effect_or_are_refused(digits):
    vae = VariationalAutoencoder(2, noise_variance=0.5, max_iter=1, random_state=0).fit(digits)
    vae.set_params(noise_variance=0.1).partial_fit(digits)
    np.testing.assert_allclose(vae.noise_variance_, 0.1)
    with pytest.raises(ValueError, match="describe another"):
        vae.set_params(noise_variance="learned").partial_fit(digits)
    X = digits.copy()
    X[0, 0] = np.nan
    fitted = autoencoder().fit(digits)
    fitted.set_params(missing="mask").partial_fit(X)
    assert np.isfinite(fitted.transform(X)).all()
    fitted.set_params(missing="error").partial_fit(digits)
    with pytest.raises(ValueError, match="X contains NaN"):
        fitted.transform(X)


def test_another_seed_takes_effect(digits):
    first = [autoencoder(warm_start=True).fit(digits) for _ in range(2)]
    same, other = first[0].fit(digits), first[1].set_params(random_state=1).fit(digits)
    assert not np.array_equal(same.transform(digits), other.transform(digits))


def test_a_changed_solver_starts_anew_or_is_refused(digits):
    warm = autoencoder(warm_start=True, max_iter=2).fit(digits)
    before = warm.transform(digits)
    with pytest.raises(
        ValueError, match=r"solver must stay the same .* was 'adam' and is now 'sgd"
    ):
        warm.set_params(solver="sgd").partial_fit(digits)
    np.testing.assert_array_equal(warm.transform(digits), before)
    assert warm.fit(digits).n_iter_ == 4


# The network stays the same


class Wide(Architecture):
    """A user's architecture, whose `build` reads what it may change itself."""

    def __init__(self, width=3):
        self.width = width

    def build(self, input_shape, n_components):
        self.prepare()
        return Dense(self.width).build(input_shape, n_components)

    def prepare(self):
        pass


class Importing(Wide):
    def prepare(self):
        from imported_by_build import NOTHING  # noqa: F401


FILLED = None


class Filling(Wide):
    def prepare(self):
        global FILLED
        FILLED = FILLED or Dense


LOCK = threading.Lock()


class Locking(Wide):
    def prepare(self):
        with LOCK:
            pass


@pytest.mark.parametrize("kind", [Importing, Filling, Locking])
def test_what_build_changes_itself_makes_no_other_network(kind, digits, tmp_path, monkeypatch):
    (tmp_path / "imported_by_build.py").write_text("NOTHING = 0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(globals(), "FILLED", None)
    monkeypatch.delitem(sys.modules, "imported_by_build", raising=False)
    fitted = autoencoder(architecture=kind(), solver="sgd").partial_fit(digits)
    fitted.partial_fit(digits)
    made = program_info()["made"]
    assert fitted.partial_fit(digits).n_iter_ == 3
    assert program_info()["made"] == made
    with pytest.raises(ValueError, match="describe another"):
        fitted.set_params(architecture__width=4).partial_fit(digits)


WIDTH = 3


class Elsewhere(Wide):
    def build(self, input_shape, n_components):
        return Dense(WIDTH).build(input_shape, n_components)


def test_a_width_that_build_reads_elsewhere_makes_another_network(digits, monkeypatch):
    fitted = autoencoder(architecture=Elsewhere()).partial_fit(digits)
    monkeypatch.setitem(globals(), "WIDTH", 4)
    with pytest.raises(ValueError, match="describe another"):
        fitted.partial_fit(digits)


@pytest.mark.parametrize(
    ("params", "same"),
    [
        ({}, {"hidden_layer_sizes": [128]}),
        ({}, {"hidden_layer_sizes": 128}),
        ({}, {"hidden_layer_sizes": np.array([128])}),
        ({}, {"activation": ["relu"]}),
        ({}, {"architecture": Dense([128])}),
        ({"code_activation": "identity"}, {"code_activation": "linear"}),
        ({"output_activation": "identity"}, {"output_activation": "linear"}),
        ({"output_activation": "sigmoid"}, {"output_activation": "auto"}),
        ({"output_activation": "auto"}, {"output_activation": "identity"}),
        (
            {"hidden_layer_sizes": (5, 3), "activation": "logistic"},
            {"hidden_layer_sizes": [5, 3], "activation": ("sigmoid", "logistic")},
        ),
        (
            {"architecture": Conv((8, 8), 3, activation="tanh")},
            {"architecture": Conv([8, 8, 1], [3], np.int64(3), activation=["tanh"])},
        ),
        ({"architecture": Wide([3])}, {"architecture": Wide(np.array([3]))}),
    ],
)
def test_parameters_that_are_spelled_otherwise_describe_the_same_network(params, same, digits):
    unchanged, respelled = (
        autoencoder(solver="sgd", **params).partial_fit(digits) for _ in range(2)
    )
    unchanged.partial_fit(digits)
    respelled.set_params(**same).partial_fit(digits)
    np.testing.assert_array_equal(respelled.transform(digits), unchanged.transform(digits))
    respelled.set_params(warm_start=True, max_iter=1).fit(digits)
    assert respelled.n_iter_ == 3


@pytest.mark.parametrize(
    "other",
    [
        {"hidden_layer_sizes": (128, 128)},
        {"activation": "silu"},
        {"architecture": Dense(128, linear_path=False)},
        {"init": "random", "architecture": Dense(128, activation="tanh")},
        {"n_components": 3},
        {"code_activation": "tanh"},
        {"output_activation": "logistic"},
        {"architecture": Dense(128, dropout=0.1)},
        {"architecture": Dense(128, normalization="layer")},
        {"architecture": Wide(128)},
    ],
)
def test_parameters_of_another_network_are_refused(other, digits):
    fitted = autoencoder().partial_fit(digits)
    before = fitted.transform(digits)
    with pytest.raises(ValueError, match="describe another"):
        fitted.set_params(**other).partial_fit(digits)
    np.testing.assert_array_equal(fitted.transform(digits), before)
