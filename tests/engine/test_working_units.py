"""The units of X and the network's own scale: there and back, bounds, losses and corruptions."""

import jax
import numpy as np
import pytest

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae._data import Rows
from skae._engine import Objective, Recipe, draws, graph_of
from skae._engine.graph import initial_weights
from skae._engine.units import bounded, for_programs, restored, standardised
from skae._supervised._head import InputNoise
from skae.architectures import Dense
from skae.corruption import Composition, Corruption, GaussianNoise, MaskingNoise, SwapNoise
from skae.losses import Loss, SquaredError

CONSTANTS = {"centre": np.array([1.6e9, -3.0, 0.0]), "scale": np.float64(4.0)}
BOUNDS = {"low": np.array([1.6e9, -np.inf, -np.inf]), "high": np.array([np.inf, np.inf, 8.0])}


@pytest.fixture
def X():
    """Rows of CONSTANTS' units whose distances from the centre are multiples of 1 / 256."""
    steps = np.random.default_rng(0).integers(-2560, 2560, size=(50, 3))
    return CONSTANTS["centre"] + steps / 256


# There and back


def test_rows_lose_a_large_centre_in_their_own_precision(X):
    expected = (X - CONSTANTS["centre"]) / 4
    assert np.abs(np.float32(X) - X).max() > 1, "single precision must not hold X"
    np.testing.assert_array_equal(standardised(X, CONSTANTS), expected)
    rows = standardised(Rows(X), CONSTANTS)
    np.testing.assert_array_equal(rows.to_array(), expected.astype(np.float32))
    positions = np.array([7, 3, 3])
    np.testing.assert_array_equal(rows.part(positions), expected[positions])
    np.testing.assert_array_equal(rows.subset(positions).part(slice(1, 3)), expected[[3, 3]])
    out = np.empty((3, 3), np.float32)
    np.testing.assert_array_equal(rows.take(positions, out), expected[positions])


def test_what_is_restored_is_what_was_standardised(X):
    np.testing.assert_array_equal(restored(standardised(X, CONSTANTS), CONSTANTS), X)
    one_a_feature = {**CONSTANTS, "scale": np.array([2.0, 0.5, 8.0])}
    np.testing.assert_array_equal(restored(standardised(X, one_a_feature), one_a_feature), X)
    np.testing.assert_array_equal(standardised(X, one_a_feature)[:, 1], (X[:, 1] + 3) * 2)


def test_without_a_scale_everything_stays_as_it_is(X):
    rows = Rows(X)
    assert standardised(X, {}) is X
    assert standardised(rows, {}) is rows
    assert restored(X, {}) is X
    assert bounded(X, {}) is X


def test_arrays_are_cut_off_at_their_bounds():
    values = np.array([[0.0, -1e9, 9.0], [1.7e9, 1e9, 7.0]])
    np.testing.assert_array_equal(bounded(values, BOUNDS), [[1.6e9, -1e9, 8], [1.7e9, 1e9, 7]])


def test_programs_get_single_precision_on_the_scale_of_the_network():
    fill = CONSTANTS["centre"] + 1
    noise_variance = np.full(3, 0.5, np.float32)
    given = for_programs({**CONSTANTS, **BOUNDS, "fill": fill, "noise_variance": noise_variance})
    assert {array.dtype for array in given.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(given["fill"], [0.25] * 3)
    np.testing.assert_array_equal(given["low"], [0, -np.inf, -np.inf])
    np.testing.assert_array_equal(given["high"], [np.inf, np.inf, 2])
    np.testing.assert_array_equal(given["noise_variance"], noise_variance)
    assert given["log_scale"] == np.float32(np.log(4))
    assert for_programs({})["log_scale"] == 0


@pytest.mark.parametrize("degree", [0, 1, 2, None])
def test_the_unit_of_a_loss(degree):
    class Own(Loss):
        def __call__(self, forward):
            raise NotImplementedError

    Own.degree = degree
    assert Objective(Own()).unit(CONSTANTS) == 4.0 ** (degree or 0)
    assert Objective(Own()).unit({}) == 1


# In training


def forward_value(objective, constants, X, *, seed=0):
    """The objective on rows of the network's scale, as a function of the weights; and weights."""
    recipe = Recipe(Dense((), linear_path=False), 3, 2)
    rows = standardised(X, constants).astype(np.float32)
    batch = rows, rows, np.full(len(X), 1 / len(X), np.float32)
    numbers = {**objective.numbers_at(0), "constants": for_programs(constants)}
    seeds = np.array([0, seed], np.uint32)

    def value(trainable):
        return objective(graph_of(recipe), (trainable, []), batch, numbers, seeds)[0]

    return value, [np.asarray(w) for w in initial_weights(recipe, 0)[0]]


def test_what_is_beyond_a_bound_has_the_gradient_that_leads_back(X):
    """The loss is that of the cut reconstruction, its gradient as if nothing had been cut."""
    constants = {**CONSTANTS, "low": X.min(axis=0), "high": np.full(3, np.inf)}
    value, (*others, bias) = forward_value(Objective(SquaredError()), constants, X)
    bias = np.array([-100, -200, -300], np.float32)  # so that all is far below the bounds
    lowest = standardised(constants["low"], constants)
    rows = standardised(X, constants)
    got, gradient = jax.value_and_grad(value)([*others, bias])
    assert float(got) == pytest.approx(np.square(lowest - rows).mean(), rel=1e-5)
    by_hand = 2 * (lowest - rows).mean(axis=0) / 3
    assert (by_hand < 0).all(), "the bias must rise"
    np.testing.assert_allclose(gradient[-1], by_hand, rtol=1e-4)
    assert all(np.isfinite(array).all() for array in gradient)


def test_training_comes_back_from_beyond_a_bound():
    """Of features of zeros and ones everything is at a bound; rows are told apart all the same."""
    X = np.random.default_rng(0).integers(0, 2, size=(200, 6)).astype(float)
    fitted = AutoencoderTransformer(6, max_iter=100, random_state=0).fit(X)
    reconstruction = fitted.reconstruct(X)
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1
    assert np.abs(reconstruction - X).max() < 0.1


SEEN = []


class Recording(Loss):
    """A user's loss, of which each step leaves target and reconstruction in `SEEN`."""

    def __call__(self, forward):
        from keras import ops

        jax.debug.callback(
            lambda *step: SEEN.append([np.array(array) for array in step]),
            forward.target,
            forward.reconstruction,
        )
        return ops.square(forward.target - forward.reconstruction) / 100


def test_a_users_loss_sees_the_units_of_X(X):
    SEEN.clear()
    X = X - [1.6e9, 0, 0]
    fitted = AutoencoderTransformer(
        2, hidden_layer_sizes=(), loss=Recording(), output_activation="identity",
        learning_rate_init=1e-12, alpha=0.0, batch_size=50, max_iter=1, random_state=0,
    ).fit(X)  # fmt: skip
    jax.effects_barrier()
    ((target, reconstruction),) = SEEN
    given = np.sort(X[:, 1])
    np.testing.assert_allclose(np.sort(target[: len(X), 1]), given, rtol=0, atol=1e-5)
    order = [np.abs(target - row).sum(axis=1).argmin() for row in X]
    np.testing.assert_allclose(reconstruction[order], fitted.reconstruct(X), rtol=0, atol=1e-4)
    mean = np.square(X - fitted.reconstruct(X)).mean() / 100
    assert fitted.loss_curve_ == [pytest.approx(mean, rel=1e-5)]


# Corruptions


def corrupted(corruption, X, constants, level):
    """What the network gets in place of X, restored."""
    rows = standardised(X, constants).astype(np.float32)
    objective = Objective(SquaredError(), corruption=corruption)
    seed = draws(np.array([0, 1], np.uint32))
    return objective._corrupted(rows, np.float32(level), seed, for_programs(constants)), rows


@pytest.mark.parametrize("corruption", [GaussianNoise(), SwapNoise()])
def test_a_large_offset_takes_no_precision_from_what_ignores_it(corruption, X):
    """Zero in place of the centre gives the same noise: by values of X it would be rounded off."""
    assert corruption.ignores_offset
    here = {**CONSTANTS, "centre": np.zeros(3)}
    got, _ = corrupted(corruption, X, CONSTANTS, 0.5)
    expected, rows = corrupted(corruption, X - CONSTANTS["centre"], here, 0.5)
    np.testing.assert_array_equal(got, expected)
    assert not np.array_equal(got, rows)


def test_noise_has_its_level_in_the_units_of_X():
    X = np.zeros((4000, 3)) + CONSTANTS["centre"]
    got, rows = corrupted(GaussianNoise(), X, CONSTANTS, 0.5)
    assert np.std(got - rows) == pytest.approx(0.5 / 4, rel=0.03)


@pytest.mark.parametrize(
    "corruption", [MaskingNoise(value=-3.0), Composition([MaskingNoise(value=-3.0), "masking"])]
)
def test_what_a_corruption_leaves_alone_keeps_its_precision(corruption, X):
    """By values of X in single precision, of steps of 128 in the first feature."""
    assert not corruption.ignores_offset
    level = [0.3, 0.0][: corruption.n_levels] if corruption.n_levels > 1 else 0.3
    got, rows = corrupted(corruption, X, CONSTANTS, level)
    masked = got == np.float32((-3 - CONSTANTS["centre"]) / 4)
    assert 0.1 < masked.mean() < 0.6
    np.testing.assert_array_equal(np.asarray(got)[~masked], rows[~masked])


def test_a_corruption_without_units_acts_on_the_networks_scale():
    constants = {**CONSTANTS, "scale": np.asarray(1e300)}  # beyond single precision
    got, rows = corrupted(InputNoise(), np.zeros((4000, 3)) + CONSTANTS["centre"], constants, 0.5)
    assert np.std(got - rows) == pytest.approx(0.5, rel=0.03)


class Halving(Corruption):
    """A user's corruption that depends on where zero is."""

    def __init__(self, level=1.0):
        self.level = level

    def apply(self, X, level, seed):
        return X / 2


def test_a_users_corruption_sees_the_units_of_X(X):
    X = X - [1.6e9, 0, 0]
    constants = {**CONSTANTS, "centre": np.array([5.0, -3.0, 0.0])}
    got, _ = corrupted(Halving(), X, constants, 1.0)
    np.testing.assert_allclose(restored(np.asarray(got), constants), X / 2, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("parts", "ignores"),
    [
        ([GaussianNoise(), SwapNoise()], True),
        ([GaussianNoise(), MaskingNoise()], False),
        ([GaussianNoise(clip=(0, 1))], False),
        ([Halving()], False),
    ],
)
def test_a_composition_ignores_an_offset_if_all_of_its_parts_do(parts, ignores):
    assert Composition(parts).ignores_offset is ignores


def test_a_denoiser_of_timestamps_is_that_of_durations():
    X = np.random.default_rng(0).integers(0, 1000, size=(100, 4)) / 8.0
    settings = {"corruption_level": 5.0, "max_iter": 3, "random_state": 0}
    near = DenoisingAutoencoder(2, **settings).fit(X)
    far = DenoisingAutoencoder(2, **settings).fit(X + 2.0**31)
    np.testing.assert_allclose(far.transform(X + 2.0**31), near.transform(X), atol=1e-5)
