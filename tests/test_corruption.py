"""Corruption processes: each against its definition, by itself and in what training sees."""

import pickle
from itertools import combinations

import numpy as np
import pytest
from cases import slow, slow_but
from scipy import stats
from sklearn.base import clone

import skae
from skae import DenoisingAutoencoder
from skae._engine import program_info
from skae.corruption import (
    Composition,
    Corruption,
    GaussianNoise,
    MaskingNoise,
    Occlusion,
    SaltAndPepperNoise,
    SwapNoise,
)

RATES = {
    "masking": MaskingNoise(value=-1.0),
    "salt and pepper": SaltAndPepperNoise(bounds=(-1.0, 3.0)),
    "swap": SwapNoise(),
}
SEEN = []
"""Clean rows, corrupted rows and level of each training step of a `Recorded` corruption."""


class Recorded(Corruption):
    """Another corruption, of which each training step leaves a record in `SEEN`."""

    def __init__(self, level=0.3, *, inner=None):
        self.level = level
        self.inner = inner

    def checked_level(self, level=None):
        return self.inner.checked_level(self.level if level is None else level)

    def apply(self, X, level, seed):
        import jax

        corrupted = self.inner.apply(X, level, seed)
        jax.debug.callback(
            lambda *step: SEEN.append([np.array(a) for a in step]), X, corrupted, level
        )
        return corrupted


class Dimming(Corruption):
    """A user's corruption: each row is multiplied by a number from 1 - level to 1."""

    upper_level = 1.0

    def __init__(self, level=0.5):
        self.level = level

    def apply(self, X, level, seed):
        from keras import ops, random

        return X * (1 - level * random.uniform((ops.shape(X)[0], 1), seed=seed))


class Scaled(Corruption):
    """A user's corruption whose parameter is an array."""

    def __init__(self, level=1.0, *, factors=None):
        self.level = level
        self.factors = factors

    def apply(self, X, level, seed):
        return X * self.factors


def plus_level(X, level, seed):
    return X + level


def dimmed(X, level, seed):
    return Dimming().apply(X, level, seed)


EVERY = {
    "gaussian": GaussianNoise(0.2, clip=(0.0, 1.0)),
    "masking": MaskingNoise(0.2, value=0.5),
    "salt and pepper": SaltAndPepperNoise(0.2, bounds=(0, 1)),
    "swap": SwapNoise(0.2),
    "occlusion": Occlusion(0.25, image_shape=(2, 4), position=(0, 1)),
    "composition": Composition([GaussianNoise(0.2), MaskingNoise(0.3)], level=0.5),
    "own": Dimming(0.2),
}
OF_FIT = {**EVERY, "function": dimmed, "list": ["masking", dimmed], "name": "swap"}
SOME_OF_FIT = slow_but("gaussian", "composition", "function", of=OF_FIT)
"""For what all have in common: one by itself, one of several, and one of a user's."""


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).uniform(size=(96, 8))


@pytest.fixture(scope="module")
def rows():
    """Two thousand rows whose values are all different."""
    return np.random.default_rng(1).uniform(0.1, 0.9, size=(2000, 20))


@pytest.fixture
def seen():
    SEEN.clear()
    return SEEN


def assert_share(hits, probability):
    assert stats.binomtest(int(hits.sum()), hits.size, probability).pvalue > 1e-4


def assert_independent_trials(hits, probability):
    """The number of hits is binomial in all, and varies over rows and columns as it must."""
    assert_share(hits, probability)
    for axis in (0, 1):
        n = hits.shape[axis]
        squares = (hits.sum(axis=axis) - n * probability) ** 2 / (n * probability)
        statistic, freedom = squares.sum() / (1 - probability), hits.shape[1 - axis]
        assert 1e-4 < stats.chi2.sf(statistic, freedom) < 1 - 1e-4


def assert_uncorrelated(*arrays):
    for one, other in combinations(arrays, 2):
        assert stats.pearsonr(one.ravel(), other.ravel()).pvalue > 1e-5


def wait_for_records():
    import jax

    jax.effects_barrier()


def denoiser(corruption, level=None, **params):
    settings = {
        "hidden_layer_sizes": (), "solver": "sgd", "max_iter": 2, "random_state": 0, **params
    }  # fmt: skip
    return DenoisingAutoencoder(2, corruption=corruption, corruption_level=level, **settings)


def frozen(corruption, level=None, **params):
    """A denoiser whose training leaves the weights as they are drawn."""
    settings = {
        "output_activation": "identity", "learning_rate_init": 1e-12, "learning_rate": "constant",
        "n_iter_no_change": np.inf, **params,
    }  # fmt: skip
    return denoiser(corruption, level, **settings)


# Statistics


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("name", RATES)
def test_each_value_is_changed_with_the_same_probability(rows, name, level):
    corrupted = clone(RATES[name]).set_params(level=level).corrupt(rows, random_state=0)
    changed = corrupted != rows.astype(np.float32)
    assert_independent_trials(changed, level)


@pytest.mark.parametrize("level", [0.1, 3.0])
def test_gaussian_noise_is_normal(rows, level):
    noise = GaussianNoise(level).corrupt(rows, random_state=0) - rows
    sum_of_squares = np.square(noise / level).sum()
    assert 1e-4 < stats.chi2.sf(sum_of_squares, noise.size) < 1 - 1e-4
    assert abs(noise.mean()) < 4 * level / np.sqrt(noise.size)
    assert stats.kstest(noise.ravel() / level, "norm").pvalue > 1e-4
    assert_uncorrelated(*noise.T[:5])
    assert_uncorrelated(noise[:1000], noise[1000:], rows[1000:])


def test_clipped_noise_is_the_noise_clipped(rows):
    plain = GaussianNoise(0.5).corrupt(rows, random_state=0)
    clipped = GaussianNoise(0.5, clip=(0.05, 0.95)).corrupt(rows, random_state=0)
    np.testing.assert_allclose(clipped, plain.clip(0.05, 0.95), atol=1e-6)


def test_masked_values_become_the_constant(rows):
    masked = MaskingNoise(0.4, value=7.0).corrupt(rows, random_state=0)
    kept = masked == rows.astype(np.float32)
    assert set(masked[~kept]) == {7.0}


def test_salt_and_pepper_come_half_and_half(rows):
    noisy = SaltAndPepperNoise(0.4, bounds=(-1, 3)).corrupt(rows, random_state=0)
    kept = noisy == rows.astype(np.float32)
    assert set(noisy[~kept]) == {-1.0, 3.0}
    assert_share(noisy[~kept] == 3, 0.5)
    assert_independent_trials(noisy == -1, 0.2)


def test_swapped_values_keep_each_columns_distribution():
    rng = np.random.default_rng(0)
    columns = [rng.exponential(size=3000), rng.normal(50, 9, 3000), rng.integers(0, 4, 3000)]
    X = np.stack(columns, axis=1).astype(np.float32)
    swapped = SwapNoise(0.7).corrupt(X, random_state=0)
    for before, after in zip(X.T, swapped.T, strict=True):
        assert set(after) <= set(before)
        assert stats.ks_2samp(before, after).pvalue > 1e-3
    categories = [np.bincount(column.astype(int)) for column in (X[:, 2], swapped[:, 2])]
    assert stats.chi2_contingency(categories).pvalue > 1e-3
    together = abs(np.corrcoef(X[:, 0], swapped[:, 0])[0, 1])
    assert together == pytest.approx(0.3, abs=0.06)


def test_swapping_takes_every_other_row_alike_and_never_its_own():
    """Level 1 on rows that hold their number tells where each value came from."""
    n_rows, n_columns = 12, 3000
    own = np.repeat(np.arange(12.0)[:, None], n_columns, axis=1)
    other = SwapNoise(1.0).corrupt(own, random_state=0)
    for row in range(n_rows):
        counts = np.bincount(other[row].astype(int), minlength=n_rows)
        assert counts[row] == 0
        assert stats.chisquare(np.delete(counts, row)).pvalue > 1e-5
    together = other[:, ::2] == other[:, 1::2]
    assert_share(together, 1 / 11)


def test_a_row_alone_has_none_to_swap_with():
    np.testing.assert_array_equal(SwapNoise(1.0).corrupt([[1.0, 2.0]], 0), [[1, 2]])


# Occlusion


def hidden_places(corruption, shape, n_images=1, random_state=0):
    """Where images of ones are hidden, (n_images, height, width), the same in all channels."""
    X = np.ones((n_images, np.prod(shape)))
    hidden = corruption.corrupt(X, random_state=random_state).reshape(n_images, *shape) == 0
    if len(shape) == 3:
        assert (hidden == hidden[..., :1]).all()
        hidden = hidden[..., 0]
    return hidden


def corners(hidden):
    """First row and column of what is hidden, and its height and width, of each image."""
    boxes = []
    for image in hidden:
        places = np.argwhere(image)
        (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0)
        assert image[top : bottom + 1, left : right + 1].all(), "not a rectangle"
        assert image.sum() == (bottom + 1 - top) * (right + 1 - left)
        boxes.append((top, left, bottom + 1 - top, right + 1 - left))
    return np.array(boxes)


@pytest.mark.parametrize(
    ("shape", "level", "tall", "wide"),
    [
        ((28, 28), 1 / 4, 14, 14),
        pytest.param((28, 28), 1 / 3, 16, 16, marks=slow),
        pytest.param((12, 30), 1 / 4, 6, 15, marks=slow),
        pytest.param((12, 30, 3), 1 / 4, 6, 15, marks=slow),
        ((12, 30, 3), 1 / 3, 7, 17),
        ((1, 9), 4 / 9, 1, 6),
        pytest.param((5, 4, 2), 1.0, 5, 4, marks=slow),
    ],
)
@pytest.mark.parametrize("position", ["random", "center", (0, 0)])
def test_the_hidden_share_of_an_image(shape, level, tall, wide, position):
    occlusion = Occlusion(level, image_shape=shape, position=position)
    boxes = corners(hidden_places(occlusion, shape, n_images=5))
    np.testing.assert_array_equal(boxes[:, 2:], [[tall, wide]] * 5)


def test_square_images_need_no_shape():
    assert hidden_places(Occlusion(1 / 3), (28, 28)).mean() == pytest.approx(1 / 3, abs=0.01)


def test_occlusion_where_it_is_told():
    shape = (8, 12)
    for position, corner in [((1, 5), (1, 5)), ("center", (2, 3)), ((7, 11), (4, 6))]:
        occlusion = Occlusion(0.25, image_shape=shape, position=position)
        boxes = corners(hidden_places(occlusion, shape, n_images=3))
        np.testing.assert_array_equal(boxes, [(*corner, 4, 6)] * 3)


def test_occlusion_anywhere_with_the_same_probability():
    """5 x 4 places for a rectangle of 2 x 3 in 6 x 6 pixels."""
    shape = (6, 6)
    occlusion = Occlusion(1 / 6, image_shape=shape)
    boxes = corners(hidden_places(occlusion, shape, n_images=4000))
    assert {tuple(box[2:]) for box in boxes} == {(2, 2)}
    counts = np.zeros((5, 5), int)
    np.add.at(counts, tuple(boxes[:, :2].T), 1)
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_occlusion_leaves_the_rest_and_writes_its_value():
    images = np.random.default_rng(0).uniform(1, 2, size=(4, 3, 5, 2)).astype(np.float32)
    occlusion = Occlusion(0.4, image_shape=(3, 5, 2), position=(1, 2), value=-3)
    hidden = occlusion.corrupt(images.reshape(4, -1), random_state=0).reshape(images.shape)
    images[:, 1:3, 2:5] = -3
    np.testing.assert_array_equal(hidden, images)


# Compositions, functions, subclasses


def test_a_composition_acts_in_order():
    X = np.ones((3, 2))
    one, two = MaskingNoise(1.0, value=5.0), plus_level
    np.testing.assert_array_equal(Composition([one, two]).corrupt(X, 0), 6 * X)
    np.testing.assert_array_equal(Composition([two, one]).corrupt(X, 0), 5 * X)


def test_the_factor_of_a_composition(rows):
    """Independent noises add their variances: equal ones would give 0.3 in place of 0.224."""
    both = Composition([GaussianNoise(0.2), GaussianNoise(0.4)], level=0.5)
    noise = both.corrupt(rows, random_state=0) - rows
    assert noise.std() == pytest.approx(np.hypot(0.1, 0.2), rel=0.02)
    masked = Composition([MaskingNoise(0.8), "masking"], level=0.5).corrupt(rows, random_state=0)
    assert_independent_trials(masked == 0, 1 - (1 - 0.4) * (1 - 0.15))


def test_a_composition_within_a_composition(rows):
    inner = Composition([GaussianNoise(0.2), GaussianNoise(0.4)], level=0.5)
    noise = Composition([inner, GaussianNoise(0.2)]).corrupt(rows, random_state=0) - rows
    assert noise.var() == pytest.approx(0.1**2 + 0.2**2 + 0.2**2, rel=0.03)


def test_a_function_gets_the_level(seen, X):
    frozen(Recorded(1.0, inner=Composition([plus_level])), 0.25, max_iter=1).fit(X)
    wait_for_records()
    clean, corrupted, _ = seen[0]
    np.testing.assert_array_equal(corrupted, clean + np.float32(0.25))
    codes = [
        denoiser(corruption, level).fit_transform(X)
        for corruption, level in [(plus_level, None), (plus_level, 1.0), (plus_level, 0.5)]
    ]
    np.testing.assert_array_equal(codes[0], codes[1])
    assert not np.array_equal(codes[0], codes[2])


@pytest.mark.parametrize(
    ("corruption", "shape"),
    [(lambda X, level, seed: X[:, :1], r"\(\d+, 1\)"), (lambda X, level, seed: X.sum(), r"\(\)")],
)
def test_a_corruption_of_another_shape_is_refused(corruption, shape, X):
    """A sum would stretch it over the features in silence."""
    with pytest.raises(ValueError, match=rf"of shape {shape}"):
        DenoisingAutoencoder(corruption=corruption, max_iter=1).fit(X)
    with pytest.raises(ValueError, match=rf"of shape {shape}"):
        skae.corruption.Function(corruption, level=0.3).corrupt(X)


def test_a_subclass_and_a_function_of_the_same_formula(X):
    by_class = denoiser(Dimming(0.4)).fit(X)
    by_function = denoiser(dimmed, 0.4).fit(X)
    np.testing.assert_array_equal(by_class.transform(X), by_function.transform(X))
    ratio = Dimming(0.4).corrupt(X, random_state=0) / X
    np.testing.assert_allclose(ratio, np.repeat(ratio[:, :1], 8, axis=1), rtol=1e-5)
    assert stats.kstest(ratio[:, 0], stats.uniform(0.6, 0.4).cdf).pvalue > 1e-4


def test_arrays_that_differ_make_corruptions_that_differ(X):
    """Also where their repr, which leaves out digits and entries, is the same."""
    factors = np.full(8, 0.25)
    others = factors + 1e-12
    assert repr(factors) == repr(others)
    assert Scaled(factors=factors).key != Scaled(factors=others).key
    many = np.zeros(2000)
    assert Scaled(factors=many).key != Scaled(factors=np.where(np.arange(2000) == 999, 1, many)).key
    assert Scaled(0.1, factors=many).key == Scaled(0.2, factors=many.copy()).key


# What all have in common


@pytest.mark.parametrize("name", EVERY)
def test_one_seed_one_corruption(X, name):
    corruption = EVERY[name]
    first, again, other = (corruption.corrupt(X, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert name == "occlusion" or not np.array_equal(first, other)
    generator = np.random.RandomState(0)
    np.testing.assert_array_equal(corruption.corrupt(X, generator), first)
    assert name == "occlusion" or not np.array_equal(corruption.corrupt(X, generator), first)


def test_other_seeds_are_independent(rows):
    noises = [GaussianNoise(1.0).corrupt(rows, random_state=s) - rows for s in range(4)]
    assert_uncorrelated(*noises)
    masks = [MaskingNoise(0.3).corrupt(rows, random_state=s) == 0 for s in range(2)]
    assert_share(masks[0] & masks[1], 0.09)


@pytest.mark.parametrize("name", EVERY)
def test_level_zero_leaves_the_data_alone(X, name):
    corruption = clone(EVERY[name]).set_params(level=0)
    for dtype in (np.float32, np.float64):
        data = X.astype(np.float32).astype(dtype)
        corrupted = corruption.corrupt(data, random_state=0)
        assert corrupted.dtype == dtype
        np.testing.assert_array_equal(corrupted, data)
    assert not np.array_equal(EVERY[name].corrupt(data, random_state=0), data)


@pytest.mark.parametrize("name", EVERY)
def test_the_data_given_stay_as_they_are(X, name):
    before = X.copy()
    EVERY[name].corrupt(X, random_state=0)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("name", EVERY)
def test_copies_of_a_corruption(X, name):
    corruption = EVERY[name]
    expected = corruption.corrupt(X, random_state=0)
    for copied in (clone(corruption), pickle.loads(pickle.dumps(corruption))):
        assert copied is not corruption
        assert copied.key == corruption.key
        np.testing.assert_array_equal(copied.corrupt(X, random_state=0), expected)


# In training


def test_each_step_and_epoch_draws_its_own_noise(seen):
    X = np.arange(400.0).reshape(40, 10)
    estimator = frozen(Recorded(2.0, inner=GaussianNoise()), batch_size=10, max_iter=5).fit(X)
    wait_for_records()
    assert len(seen) == 20
    noises = [corrupted - clean for clean, corrupted, _ in seen]
    assert len({noise.tobytes() for noise in noises}) == 20
    assert_uncorrelated(*noises)
    assert stats.kstest(np.ravel(noises) / 2, "norm").pvalue > 1e-4
    steps = {noise.tobytes() for noise in noises}
    seen.clear()
    clone(estimator).fit(X)
    wait_for_records()
    assert {(corrupted - clean).tobytes() for clean, corrupted, _ in seen} == steps


@pytest.mark.parametrize("name", slow_but("swap", of=RATES))
def test_the_rate_in_training(seen, name):
    X = np.random.default_rng(0).uniform(size=(64, 20))
    frozen(Recorded(0.2, inner=RATES[name]), batch_size=16, max_iter=8).fit(X)
    wait_for_records()
    changed = np.concatenate([clean != corrupted for clean, corrupted, _ in seen])
    assert changed.shape == (512, 20)
    assert_independent_trials(changed, 0.2)


def test_transform_and_validation_see_the_clean_rows(X):
    # Plain steps would diverge under so much noise.
    estimator = denoiser("gaussian", 50.0, solver="adam").fit(X[:64], X_val=X[64:])
    np.testing.assert_allclose(estimator.transform(X), np.array(estimator.encoder_(X)), atol=1e-5)
    np.testing.assert_array_equal(estimator.transform(X), estimator.transform(X))
    assert estimator.val_loss_curve_[-1] == pytest.approx(-estimator.score(X[64:]), rel=1e-5)


def test_a_range_draws_a_level_for_each_epoch(seen, X):
    def levels(random_state):
        seen.clear()
        corruption = Recorded((0.2, 0.6), inner=GaussianNoise())
        frozen(corruption, batch_size=48, max_iter=60, random_state=random_state).fit(X)
        wait_for_records()
        assert len(seen) == 120
        return [float(level) for _, _, level in seen]

    drawn = levels(0)
    assert len(set(drawn)) == 60, "one level for both steps of an epoch, another in the next"
    assert stats.kstest(sorted(set(drawn)), stats.uniform(0.2, 0.4).cdf).pvalue > 1e-3
    assert sorted(levels(0)) == sorted(drawn)
    assert not set(levels(1)) & set(drawn)
    for clean, corrupted, level in seen[:10]:
        assert (corrupted - clean).std() == pytest.approx(level, rel=0.2)


def test_a_range_in_a_composition(seen, X):
    composition = Composition([GaussianNoise((0.1, 0.2)), MaskingNoise(0.4)], level=0.5)
    frozen(Recorded(composition.level, inner=composition), max_iter=30).fit(X)
    wait_for_records()
    levels = np.unique([level for _, _, level in seen], axis=0)
    assert len(levels) == 30
    assert levels[:, 0].min() >= 0.05
    assert levels[:, 0].max() <= 0.1
    np.testing.assert_allclose(levels[:, 1], 0.2, rtol=1e-6)


def test_a_range_in_corrupt(rows):
    shares = [
        (MaskingNoise((0.2, 0.6)).corrupt(rows, random_state=seed) == 0).mean() for seed in range(8)
    ]
    assert 0.19 < min(shares) < 0.3
    assert 0.5 < max(shares) < 0.61
    again = (MaskingNoise((0.2, 0.6)).corrupt(rows, random_state=0) == 0).mean()
    assert again == shares[0]


def test_masked_as_missing(X):
    """All values hidden: the network sees the means, whatever the row."""
    X = X.copy()
    X[::3, 0] = np.nan
    estimator = frozen(MaskingNoise(1.0, value=np.nan), missing="mask", max_iter=1).fit(X)
    guess = estimator.reconstruct(np.nanmean(X, axis=0, keepdims=True))
    np.testing.assert_allclose(estimator.reconstruct(np.full((1, 8), np.nan)), guess, atol=1e-6)
    expected = np.nanmean(np.square(X - guess), axis=1).mean()
    assert estimator.loss_curve_[0] == pytest.approx(expected, rel=1e-5)


def test_masked_as_missing_in_layerwise_pretraining(X):
    estimator = denoiser(
        MaskingNoise(0.3, value=np.nan), missing="mask", hidden_layer_sizes=(4,),
        pretraining="layerwise", max_iter=3,
    ).fit(X)  # fmt: skip
    assert np.isfinite(estimator.loss_curve_).all()


@pytest.mark.parametrize("name", SOME_OF_FIT)
def test_a_sweep_over_levels_compiles_nothing(X, name):
    denoiser(OF_FIT[name], 0.3).fit(X)
    made = program_info()["made"]
    codes = [denoiser(OF_FIT[name], level).fit_transform(X) for level in (0.0, 0.5, 1, (0.1, 0.9))]
    assert program_info()["made"] == made
    assert not any(np.array_equal(one, other) for one, other in combinations(codes, 2))


def test_a_sweep_over_the_levels_of_parts_compiles_nothing(X):
    denoiser([GaussianNoise(0.1), MaskingNoise(0.1)]).fit(X)
    made = program_info()["made"]
    for parts in ([GaussianNoise(0.3), MaskingNoise((0.1, 0.2))], ["gaussian", "masking"]):
        denoiser(parts).fit(X)
        denoiser(Composition(parts)).fit(X)
    assert program_info()["made"] == made


@pytest.mark.parametrize("name", SOME_OF_FIT)
def test_a_fitted_denoiser_is_pickled_and_cloned(X, name):
    estimator = denoiser(OF_FIT[name], (0.1, 0.3)).fit(X)
    code = estimator.transform(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(estimator)).transform(X), code)
    np.testing.assert_array_equal(clone(estimator).fit_transform(X), code)


@pytest.mark.parametrize("level", [None, 0.3, (0.1, 0.3)])
@pytest.mark.parametrize("name", slow_but("gaussian", "composition", "own", of=[*EVERY, "name"]))
def test_a_denoiser_comes_back_from_a_file(X, tmp_path, name, level):
    estimator = denoiser(OF_FIT[name], level).fit(X)
    skae.save(estimator, tmp_path / "denoiser")
    loaded = skae.load(tmp_path / "denoiser", trusted=[Dimming])
    assert repr(loaded) == repr(estimator)
    assert type(loaded.corruption_level) is type(level)
    np.testing.assert_array_equal(loaded.transform(X), estimator.transform(X))
    np.testing.assert_array_equal(clone(loaded).fit_transform(X), estimator.transform(X))


def test_a_composition_of_strangers_needs_trust(X, tmp_path):
    skae.save(denoiser([Dimming(), "masking"]).fit(X), tmp_path / "denoiser")
    with pytest.raises(skae.LoadError, match=r"Dimming.* trusted"):
        skae.load(tmp_path / "denoiser")
    loaded = skae.load(tmp_path / "denoiser", trusted=[Dimming])
    assert isinstance(loaded.corruption[0], Dimming)


@pytest.mark.parametrize("corruption", [dimmed, ["masking", dimmed], Composition([dimmed])])
def test_a_function_cannot_be_saved(X, tmp_path, corruption):
    message = r"corruption.* must be .* a Penalty, got <function dimmed.*Pickle"
    with pytest.raises(TypeError, match=message):
        skae.save(denoiser(corruption).fit(X), tmp_path / "denoiser")
    assert not list(tmp_path.iterdir())


# Refusals


@pytest.mark.parametrize(
    ("corruption", "message"),
    [
        (GaussianNoise(clip=(0, 0.5)), r"GaussianNoise with clip=\(0, 0.5\) needs data within, but "
         r"they range from 0 to 1\. Scale them with MinMaxScaler"),
        (SaltAndPepperNoise(bounds=(0.2, 1)), r"SaltAndPepperNoise with bounds=\(0.2, 1\) needs"),
        ([MaskingNoise(), SaltAndPepperNoise(bounds=(0, 0.9))], "SaltAndPepperNoise with bounds"),
        (SaltAndPepperNoise(bounds=(1, 0)), r"bounds of SaltAndPepperNoise must be \(low, high\)"),
        (SaltAndPepperNoise(bounds=None), "bounds of SaltAndPepperNoise must be"),
        (GaussianNoise(clip=0.5), r"clip of GaussianNoise must be \(low, high\), got 0.5"),
        (GaussianNoise(clip=(0, None)), r"clip of GaussianNoise must be \(low, high\)"),
        (Occlusion(), r"Occlusion needs image_shape=\(height, width\): X has 8 features"),
        (Occlusion(image_shape=(2, 3)), r"image_shape=\(2, 3\) stands for 6 values .* X has 8"),
        (Occlusion(image_shape=(2, 2, 3)), "stands for 12 values a row"),
        (Occlusion(image_shape=8), r"image_shape must be \(height, width\) or"),
        (Occlusion(image_shape=(2, 0)), r"image_shape must be .* got \(2, 0\)"),
        (Occlusion(image_shape=(2, 4), position="left"), "position of Occlusion .* got 'left'"),
        (Occlusion(image_shape=(2, 4), position=(2, 0)), r"within an image of shape \(2, 4\)"),
        (Occlusion(image_shape=(2, 4), position=(0, -1)), r"position of Occlusion"),
        (Occlusion(image_shape=(2, 4), position=(0.5, 1)), r"position of Occlusion"),
        (Occlusion(image_shape=(2, 4), position=(0, 0, 0)), r"position of Occlusion"),
        (Occlusion(image_shape=(2, 4), position=1), "position of Occlusion .* got 1"),
        (Occlusion(image_shape=(2, 4), position=None), "position of Occlusion .* got None"),
        ("rain", "corruption"),
        (["masking", "rain"], r"corruption must be one of .*'gaussian', 'masking'.* got 'rain'"),
        ([], r"corruption must be one of .* got \[\]"),
        (MaskingNoise, "corruption must be .*an object, not its class.* got <class"),
        (["swap", GaussianNoise], "corruption must be .*an object, not its class.* got <class"),
        (Composition([Dimming]), "corruption must be .*an object, not its class.* got <class"),
        (Composition([]), "corruptions of Composition must name at least one, got none"),
        (MaskingNoise(1.5), r"level of MaskingNoise must be a number from 0 to 1.0.* got 1.5"),
        (SwapNoise(-0.1), r"level of SwapNoise .* got -0.1"),
        (Occlusion(2, image_shape=(2, 4)), r"level of Occlusion .* got 2"),
        (SaltAndPepperNoise((0.4, 0.2)), r"level of SaltAndPepperNoise .* got \(0.4, 0.2\)"),
        (MaskingNoise((0.4, 1.2)), r"level of MaskingNoise .* got \(0.4, 1.2\)"),
        (GaussianNoise((0.1, 0.2, 0.3)), "level of GaussianNoise"),
        (GaussianNoise(np.nan), "level of GaussianNoise .* got nan"),
        (Dimming(1.5), "level of Dimming must be a number from 0 to 1.0"),
        (Composition([MaskingNoise(0.6)], level=2), "level of MaskingNoise .* got 1.2"),
        (
            Composition(["swap", Composition([Composition([MaskingNoise(0.6)]), "swap"])], level=2),
            "level of MaskingNoise .* got 1.2",
        ),
        (Composition([MaskingNoise(3), "swap"]), "level of MaskingNoise .* got 3"),
        (MaskingNoise(0.5, value=np.nan), "missing='mask'"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_fit_refuses(X, corruption, message):
    X = X.copy()
    X[0, :2] = 0, 1
    with pytest.raises(ValueError, match=message):
        denoiser(corruption).fit(X)


@pytest.mark.parametrize("level", [1.5, -1, (0.5, 1.5), (0.9, 0.1), (0.1,), "high", ("a", "b")])
def test_corruption_levels_that_fit_refuses(X, level):
    with pytest.raises(ValueError, match=r"level of MaskingNoise must be|corruption_level"):
        denoiser("masking", level).fit(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, int, bool, list])
def test_corrupt_gives_the_floating_type_that_it_says(dtype):
    X = [[1, 0]] if dtype is list else np.array([[1, 0]], dtype=dtype)
    expected = np.float32 if dtype is np.float32 else np.float64
    assert MaskingNoise().corrupt(X, random_state=0).dtype == expected


def test_a_corruption_that_clean_rows_switch_off_needs_nothing(X):
    masking = denoiser(MaskingNoise(0.5, value=np.nan)).fit(X, X_clean=X)
    plain = denoiser("gaussian").fit(X, X_clean=X)
    np.testing.assert_array_equal(masking.transform(X), plain.transform(X))


def test_corrupt_refuses_what_fit_refuses(X):
    with pytest.raises(ValueError, match="needs data within"):
        SaltAndPepperNoise().corrupt(2 * X + 1)
    with pytest.raises(ValueError, match="image_shape"):
        Occlusion(image_shape=(3, 3)).corrupt(X)
    with pytest.raises(ValueError, match="level of MaskingNoise"):
        MaskingNoise(2).corrupt(X)
    with pytest.raises(ValueError, match="X contains NaN"):
        MaskingNoise().corrupt([[np.nan]])


def test_the_key_leaves_out_the_level_alone():
    assert MaskingNoise(0.1).key == MaskingNoise((0.2, 0.3)).key != MaskingNoise(value=1.0).key
    assert GaussianNoise().key != GaussianNoise(clip=(0, 1)).key
    assert Composition([MaskingNoise(0.1)]).key == Composition(["masking"], level=0.5).key
    assert Composition(["masking", "swap"]).key != Composition(["swap", "masking"]).key


class Shifted(Composition):
    """A user's composition with a parameter of its own."""

    def __init__(self, corruptions, *, level=1.0, shift=0.0):
        super().__init__(corruptions, level=level)
        self.shift = shift

    def apply(self, X, level, seed):
        return super().apply(X, level, seed) + self.shift


def test_the_key_of_a_composition_has_what_a_subclass_adds(X):
    parts = [MaskingNoise(0.1)]
    assert Shifted(parts).key == Shifted(["masking"], level=0.5).key != Composition(parts).key
    assert Shifted(parts).key != Shifted(parts, shift=1.0).key
    near, far = (denoiser(Shifted(parts, shift=shift)).fit(X) for shift in (0.0, 1.0))
    assert near.loss_curve_ != far.loss_curve_
