"""The numbers: losses, penalties, corruption and training against independent calculations."""

import itertools

import jax
import numpy as np
import pytest
from cases import slow, slow_but
from reference import numerical_gradient
from scipy.linalg import subspace_angles
from scipy.special import expit
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae._engine import Objective, Recipe, batches, graph_of
from skae._engine.graph import initial_weights
from skae.architectures import Dense
from skae.corruption import GaussianNoise, MaskingNoise
from skae.losses import as_loss
from skae.penalties import as_penalty

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
LOSSES = {
    "squared_error": lambda x, r: np.square(x - r),
    "absolute_error": lambda x, r: np.abs(x - r),
    "binary_crossentropy": lambda x, r: -x * np.log(r) - (1 - x) * np.log(1 - r),
}
PENALTIES = {
    "l2": np.square,
    "l1": np.abs,
    "weight_elimination": lambda w: w**2 / (1 + w**2),
}


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16


def objective_by_numpy(
    weights, fixed, X, sample_weight, *, activation, output, loss, penalty, alpha
):
    """The objective of a dense autoencoder with a linear path in double precision."""
    encoder_path, encoder_gain, decoder_path, decoder_gain = fixed
    hidden = code = X
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    for index, (kernel, bias) in enumerate(layers):
        hidden = hidden @ kernel + bias
        if index == len(layers) - 1:
            hidden = ACTIVATIONS[output](code @ decoder_path + decoder_gain * hidden)
        elif index == len(layers) // 2 - 1:
            code = hidden = X @ encoder_path + encoder_gain * hidden
        else:
            hidden = ACTIVATIONS[activation](hidden)
    value = np.average(LOSSES[loss](X, hidden).mean(axis=1), weights=sample_weight)
    if penalty is not None:
        entries = np.concatenate([kernel.ravel() for kernel in weights[::2]])
        value += alpha * PENALTIES[penalty](entries).mean()
    return value


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [
        pytest.param(loss, penalty, marks=[slow] * (place not in (0, 1, 6, 11)))
        for place, (loss, penalty) in enumerate(itertools.product(LOSSES, [None, *PENALTIES]))
    ],
)  # each loss and each penalty once
def test_value_and_gradient(loss, penalty):
    rng = np.random.default_rng(0)
    output = "logistic" if loss == "binary_crossentropy" else "identity"
    recipe = Recipe(Dense((4,), activation="tanh"), 5, 2, output_activation=output)
    X = rng.uniform(0.05, 0.95, size=(6, 5))
    sample_weight = rng.uniform(0.5, 2, size=6)
    weights = [np.asarray(w, np.float64) for w in initial_weights(recipe, 0)[0]]
    weights = [w + 0.1 * rng.normal(size=w.shape) for w in weights]
    fixed = [rng.normal(size=shape) for shape in [(5, 2), (2,), (2, 5), (5,)]]
    alpha = 0.7
    objective = Objective(as_loss(loss))
    if penalty is not None:
        objective = objective.plus(as_penalty(penalty), alpha)
    numbers = {**objective.numbers_at(0), "constants": {}}
    batch = (X.astype("f4"), X.astype("f4"), (sample_weight / sample_weight.sum()).astype("f4"))

    def value(trainable):
        single = [np.float32(array) for array in fixed]
        return objective(graph_of(recipe), (trainable, single), batch, numbers, None)[0]

    def by_numpy(arrays):
        return objective_by_numpy(
            arrays, fixed, X, sample_weight,
            activation="tanh", output=output, loss=loss, penalty=penalty, alpha=alpha,
        )  # fmt: skip

    got, gradient = jax.value_and_grad(value)([w.astype("f4") for w in weights])
    assert float(got) == pytest.approx(by_numpy(weights), rel=1e-5)
    for ours, theirs in zip(gradient, numerical_gradient(by_numpy, weights), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("batch_size", [3, 2])
def test_an_epoch_by_pencil_and_paper(batch_size):
    """Plain gradient descent on one linear unit, worked out row by row.

    The network sees centred rows of unit variance; the loss is in squared units of X.
    """
    X = np.array([[1.0], [2.0], [4.0]])
    Z, scale = (X - X.mean()) / X.std(), X.std()
    autoencoder = AutoencoderTransformer(
        1, hidden_layer_sizes=(), output_activation="identity", solver="sgd", shuffle=False,
        learning_rate="constant", learning_rate_init=0.01, batch_size=batch_size, max_iter=1,
        init="random", random_state=0,
    )  # fmt: skip
    recipe = Recipe(Dense((), linear_path=False), 1, 1)
    autoencoder.fit(X)
    weights, _ = initial_weights(recipe, autoencoder._seed)
    a, b, c, d = (float(np.asarray(w).item()) for w in weights)
    losses = []
    for batch in [Z[:batch_size, 0], Z[batch_size:, 0]]:
        if not len(batch):
            continue
        code = a * batch + b
        error = c * code + d - batch
        losses += list(scale**2 * error**2)
        slope = 2 * error / len(batch)
        step_a, step_b = (slope * c * batch).sum(), (slope * c).sum()
        step_c, step_d = (slope * code).sum(), slope.sum()
        a, b, c, d = a - 0.01 * step_a, b - 0.01 * step_b, c - 0.01 * step_c, d - 0.01 * step_d
    assert autoencoder.loss_curve_ == [pytest.approx(np.mean(losses), rel=1e-5)]
    code = a * Z + b
    np.testing.assert_allclose(autoencoder.transform(X), code, rtol=1e-5)
    np.testing.assert_allclose(
        autoencoder.reconstruct(X), scale * (c * code + d) + X.mean(), rtol=1e-5
    )


@pytest.mark.parametrize("init", slow_but("random", of=["random", "pca"]))
def test_the_linear_autoencoder_is_pca(init, digits):
    linear = AutoencoderTransformer(
        8, hidden_layer_sizes=(), output_activation="identity", learning_rate="cosine",
        learning_rate_init=0.01, max_iter=500, n_iter_no_change=np.inf, init=init, random_state=0,
    ).fit(digits)  # fmt: skip
    pca = PCA(8).fit(digits)
    decoder = linear.inverse_transform(np.eye(8)) - linear.inverse_transform(np.zeros((1, 8)))
    angles = subspace_angles(decoder.T, pca.components_.T)
    assert angles.max() < 0.05
    error = np.square(digits - pca.inverse_transform(pca.transform(digits))).mean()
    assert -linear.score(digits) < 1.01 * error


def test_score_is_minus_the_mean_squared_error(digits):
    autoencoder = AutoencoderTransformer(
        4, loss="absolute_error", solver="sgd", max_iter=3, random_state=0
    )
    autoencoder.fit(digits)
    reconstruction = autoencoder.reconstruct(digits)
    squared = np.square(digits - reconstruction)
    assert autoencoder.score(digits) == pytest.approx(-squared.mean(), rel=1e-12)
    np.testing.assert_allclose(autoencoder.reconstruction_error(digits), squared.mean(axis=1))
    np.testing.assert_array_equal(
        autoencoder.reconstruction_error(digits, per_feature=True), squared
    )
    np.testing.assert_array_equal(
        reconstruction, autoencoder.inverse_transform(autoencoder.transform(digits))
    )


@pytest.mark.parametrize(
    ("code_activation", "output"),
    [
        ("identity", "auto"),
        ("relu", "logistic"),
        pytest.param("identity", "identity", marks=slow),
        pytest.param("identity", "logistic", marks=slow),
        pytest.param("relu", "auto", marks=slow),
        pytest.param("relu", "identity", marks=slow),
    ],
)
def test_reconstruction_by_numpy(output, code_activation, digits):
    """Only an identity code has a linear path, and "auto" bounds features with piles of values."""
    X = 5 * digits - 2 if output != "logistic" else digits
    autoencoder = AutoencoderTransformer(
        3, hidden_layer_sizes=(9, 7), activation="tanh", code_activation=code_activation,
        output_activation=output, solver="sgd", max_iter=3, random_state=0,
    ).fit(X)  # fmt: skip
    network = autoencoder._network
    weights = [w.astype(float) for w in network.trainable]
    matrices, gains = network.fixed[::2] or (0.0, 0.0), network.fixed[1::2] or (1.0, 1.0)
    assert len(network.fixed) == (4 if code_activation == "identity" else 0)
    centre, scale, low, high = 0.0, 1.0, -np.inf, np.inf
    if output != "logistic":
        centre, scale = X.mean(axis=0), np.sqrt(X.var(axis=0).mean())
    if output == "auto":
        low, high = X.min(axis=0), X.max(axis=0)
        low = np.where((low == X).mean(axis=0) > 0.05, low, -np.inf)
        high = np.where((high == X).mean(axis=0) > 0.05, high, np.inf)
    hidden = (X - centre) / scale
    for half, last in enumerate([code_activation, {"auto": "identity"}.get(output, output)]):
        start = hidden
        for index in range(3):
            kernel, bias = weights[6 * half + 2 * index :][:2]
            hidden = hidden @ kernel + bias
            if index < 2:
                hidden = np.tanh(hidden)
        path = start @ matrices[half] if network.fixed else 0.0
        hidden = ACTIVATIONS[last](path + gains[half] * hidden)
        if half == 0:
            np.testing.assert_allclose(autoencoder.transform(X), hidden, atol=2e-5)
    reconstruction = np.clip(hidden * scale + centre, low, high)
    np.testing.assert_allclose(autoencoder.reconstruct(X), reconstruction, atol=2e-5)
    np.testing.assert_allclose(autoencoder.model_.predict(X, verbose=0), reconstruction, atol=2e-5)


def test_every_row_is_seen_once_an_epoch(digits):
    """With a step size of nearly zero the loss curve is the mean loss of all rows."""
    autoencoder = AutoencoderTransformer(
        2, learning_rate_init=1e-12, learning_rate="constant", batch_size=50, max_iter=2, tol=0,
        alpha=0.0, solver="sgd", random_state=0,
    ).fit(digits)  # fmt: skip
    for loss in autoencoder.loss_curve_:
        assert loss == pytest.approx(-autoencoder.score(digits), rel=1e-5)


def test_data_in_blocks_train_like_data_in_one(digits, monkeypatch):
    def fit():
        return AutoencoderTransformer(
            2, batch_size=64, shuffle=False, max_iter=3, random_state=0
        ).fit(digits)

    whole = fit()
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 64 * 64 * 10)
    blocks = fit()
    np.testing.assert_allclose(blocks.loss_curve_, whole.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(blocks.transform(digits), whole.transform(digits), atol=1e-4)


@pytest.mark.parametrize("early_stopping", slow_but(True, of=[False, True]))
def test_data_held_on_an_accelerator_train_like_data_in_blocks(digits, early_stopping, monkeypatch):
    def fit():
        return AutoencoderTransformer(
            2, batch_size=60, max_iter=3, early_stopping=early_stopping, random_state=0
        ).fit(digits, sample_weight=np.arange(len(digits)))

    blocks = fit()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    resident = fit()
    for name, values in blocks.history_.items():
        np.testing.assert_allclose(resident.history_[name], values, rtol=1e-4)
    np.testing.assert_allclose(resident.transform(digits), blocks.transform(digits), atol=1e-3)


def test_validation_loss_is_that_of_the_given_rows(digits):
    autoencoder = AutoencoderTransformer(2, solver="sgd", max_iter=2, random_state=0)
    autoencoder.fit(digits[:1000], X_val=digits[1000:])
    assert len(autoencoder.val_loss_curve_) == 2
    assert autoencoder.val_loss_curve_[-1] == pytest.approx(
        -autoencoder.score(digits[1000:]), rel=1e-5
    )


def test_early_stopping_restores_the_best_epoch(digits):
    autoencoder = AutoencoderTransformer(
        8, solver="sgd", learning_rate_init=2.0, learning_rate="constant", early_stopping=True,
        max_iter=40, random_state=1,
    )  # fmt: skip
    autoencoder.fit(digits[:1000], X_val=digits[1000:])
    curve = autoencoder.val_loss_curve_
    assert curve[-1] > min(curve), "the last epoch must not be the best for this to test anything"
    assert autoencoder.best_loss_ == min(curve)
    assert -autoencoder.score(digits[1000:]) == pytest.approx(min(curve), rel=1e-5)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_stopping_follows_the_rule_of_mlp(early_stopping):
    """Replay scikit-learn's rule on the curve: it must stop at the last epoch, not before.

    The tolerance is that of the network's scale, so that it means the same in any units.
    """
    X = load_digits().data / 16
    autoencoder = AutoencoderTransformer(
        2, tol=1e-3, n_iter_no_change=3, early_stopping=early_stopping, random_state=0
    ).fit(X)
    curve = autoencoder.val_loss_curve_ if early_stopping else autoencoder.loss_curve_
    tol = 1e-3 * autoencoder._network.constants["scale"] ** 2
    best, no_change, stops = np.inf, 0, []
    for epoch, loss in enumerate(curve):
        no_change = no_change + 1 if loss > best - tol else 0
        best = min(best, loss)
        if no_change > 3:
            stops.append(epoch)
    assert stops == [len(curve) - 1]
    assert autoencoder.n_iter_ == len(curve) < 200


def test_gaussian_noise():
    X = np.full((2000, 50), 3.0)
    noise = GaussianNoise(0.5).corrupt(X, random_state=0) - X
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(0.5, rel=0.01)
    assert np.mean(np.abs(noise) < 0.5) == pytest.approx(0.6827, abs=0.005)
    assert np.abs(np.corrcoef(noise.T) - np.eye(50)).max() < 0.12
    clipped = GaussianNoise(0.5, clip=(2.9, 3.1)).corrupt(X, random_state=0)
    np.testing.assert_allclose(clipped, np.clip(X + noise, 2.9, 3.1), atol=1e-6)


def test_masking_noise():
    X = np.random.default_rng(0).uniform(1, 2, size=(2000, 50))
    masked = MaskingNoise(0.3, value=-1.0).corrupt(X, random_state=0)
    hidden = masked == -1.0
    assert hidden.mean() == pytest.approx(0.3, abs=0.005)
    np.testing.assert_allclose(hidden.mean(axis=0), 0.3, atol=0.05)
    np.testing.assert_array_equal(masked[~hidden], X[~hidden].astype(np.float32))


def test_corruption_is_seeded_and_new_in_each_step():
    X = np.zeros((10, 4))
    first, again, other = (GaussianNoise(1.0).corrupt(X, random_state=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_each_training_step_draws_new_noise():
    """The loss of a frozen network on one row varies only by the noise."""
    denoiser = DenoisingAutoencoder(
        1, hidden_layer_sizes=(), output_activation="identity", corruption_level=1.0,
        learning_rate_init=1e-12, learning_rate="constant", solver="sgd", max_iter=30,
        n_iter_no_change=np.inf, random_state=0,
    ).fit([[1.0, 2.0], [2.0, 1.0]])  # fmt: skip
    assert len(set(denoiser.loss_curve_)) == 30


def test_denoising_of_a_frozen_linear_network_has_the_expected_loss():
    """E of the loss is that of the clean row plus the noise's variance times |A|² / d."""
    X = np.repeat([[1.0, 2.0, 3.0]], 64, axis=0) + np.arange(64)[:, None] / 64
    denoiser = DenoisingAutoencoder(
        2, hidden_layer_sizes=(), output_activation="identity", corruption_level=0.7,
        learning_rate_init=1e-12, learning_rate="constant", solver="sgd", max_iter=2000,
        n_iter_no_change=np.inf, random_state=0,
    ).fit(X)  # fmt: skip
    encoder, _, decoder, _ = denoiser.model_.get_weights()
    expected = -denoiser.score(X) + 0.7**2 * np.square(encoder @ decoder).sum() / 3
    assert np.mean(denoiser.loss_curve_) == pytest.approx(expected, rel=0.01)


def test_real_pairs_train_on_the_clean_rows(digits):
    """Pairs whose clean row is the negative: only a network that reads X_clean learns them."""
    denoiser = DenoisingAutoencoder(16, output_activation="identity", max_iter=60, random_state=0)
    denoiser.fit(digits, X_clean=-digits)
    assert np.square(denoiser.reconstruct(digits) + digits).mean() < 0.02


def test_pairs_are_not_corrupted(digits):
    """With pairs the level must not matter."""
    codes = [
        DenoisingAutoencoder(2, corruption_level=level, solver="sgd", max_iter=2, random_state=0)
        .fit(digits, X_clean=digits)
        .transform(digits)
        for level in (0.0, 5.0)
    ]
    np.testing.assert_array_equal(*codes)


def test_cosine_and_invscaling_step_sizes(digits):
    def rates(learning_rate):
        return (
            AutoencoderTransformer(
                2, learning_rate=learning_rate, learning_rate_init=0.4, max_iter=4, tol=0,
                random_state=0, solver="sgd",
            )
            .fit(digits[:100])
            .history_["learning_rate"]
        )  # fmt: skip

    half = np.sqrt(0.5)
    np.testing.assert_allclose(rates("cosine"), [0.4, 0.2 * (1 + half), 0.2, 0.2 * (1 - half)])
    np.testing.assert_allclose(rates("invscaling"), 0.4 / np.sqrt([1, 2, 3, 4]))
    np.testing.assert_allclose(rates("constant"), 0.4)


def test_adaptive_step_size_is_divided_by_five(digits):
    autoencoder = AutoencoderTransformer(
        2, learning_rate="adaptive", solver="sgd", learning_rate_init=0.1, tol=1.0,
        n_iter_no_change=1, random_state=0,
    ).fit(digits[:100])  # fmt: skip
    rates = np.unique(autoencoder.history_["learning_rate"])[::-1]
    np.testing.assert_allclose(rates, 0.1 / 5.0 ** np.arange(len(rates)))
    assert 1e-6 <= rates[-1] < 5e-6


@pytest.mark.parametrize("batch_size", [400, 16])
def test_weights_weigh_the_loss(digits, batch_size):
    """With a step size of nearly zero the loss is the weighted mean error, merged rows or not."""
    X = digits[:300].repeat(2, axis=0)[:400]
    weight = np.random.default_rng(0).integers(0, 5, size=400).astype(float)
    autoencoder = AutoencoderTransformer(
        2,
        learning_rate_init=1e-12,
        batch_size=batch_size,
        solver="sgd",
        max_iter=1,
        alpha=0.0,
        random_state=0,
    ).fit(X, sample_weight=weight)
    expected = np.average(autoencoder.reconstruction_error(X), weights=weight)
    assert autoencoder.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(autoencoder.reconstruction_error(X).mean(), rel=1e-3)


def test_each_step_of_an_epoch_draws_its_own_noise():
    """The mean over 400 steps of about one row varies a twentieth as much as one step."""
    denoiser = DenoisingAutoencoder(
        1, hidden_layer_sizes=(), output_activation="identity", corruption_level=5.0,
        learning_rate_init=1e-12, batch_size=1, solver="sgd", max_iter=50, n_iter_no_change=np.inf,
        random_state=0,
    ).fit([[1.0, 2.0 + i / 400] for i in range(400)])  # fmt: skip
    losses = np.array(denoiser.loss_curve_)
    assert losses.std() < 0.25 * losses.mean()
