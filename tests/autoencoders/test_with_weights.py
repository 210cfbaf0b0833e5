"""`with_weights`: networks that were trained elsewhere come back as estimators."""

import pickle
import warnings

import numpy as np
import pytest
from cases import slow, slow_but
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import skae
from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
from skae._engine import load_keras
from skae.architectures import Architecture, Conv, Dense

keras = load_keras()

X = load_digits().data[:300]
y = load_digits().target[:300]


def fit(estimator=None, rows=X):
    estimator = AutoencoderTransformer(4, max_iter=3) if estimator is None else estimator
    return estimator.set_params(random_state=0).fit(rows)


@pytest.fixture(scope="module")
def fitted():
    return fit()


TIED = AutoencoderTransformer(
    4, architecture=Dense((8,), tied=True, normalization="batch", dropout=0.1), max_iter=2
)

ESTIMATORS = {
    "default": AutoencoderTransformer(4, max_iter=2),
    "tied": TIED,
    "variational": VariationalAutoencoder(3, max_iter=2),
    "bounded": DenoisingAutoencoder(3, output_activation="relu", max_iter=2),
    "convolutions": AutoencoderTransformer(None, architecture=Conv((8, 8), (4,)), max_iter=1),
    "missing": AutoencoderTransformer(3, missing="mask", code_activation="tanh", max_iter=2),
}


@pytest.mark.parametrize("name", slow_but("tied", "variational", of=list(ESTIMATORS)))
def test_weights_that_did_not_change_come_back_to_the_bit(name, tmp_path):
    estimator = fit(ESTIMATORS[name])
    same = estimator.with_weights(estimator.encoder_, estimator.decoder_)
    assert type(same) is type(estimator)
    assert same is not estimator
    for array, other in zip(
        same._network.trainable + same._network.fixed,
        estimator._network.trainable + estimator._network.fixed,
        strict=True,
    ):
        np.testing.assert_array_equal(array, other)
    np.testing.assert_array_equal(same.reconstruct(X), estimator.reconstruct(X))
    assert same.history_ == estimator.history_
    skae.save(same, tmp_path / "model")
    for copied in (skae.load(tmp_path / "model"), pickle.loads(pickle.dumps(same))):
        np.testing.assert_array_equal(copied.transform(X), estimator.transform(X))


def test_it_warns_of_nothing(fitted):
    model = fitted.encoder_
    with warnings.catch_warnings():  # pyproject.toml lets Keras convert its variables
        warnings.simplefilter("error")
        fitted.with_weights(model)


def classifier_on(encoder):
    rows = keras.Input((64,))
    logits = keras.layers.Dense(10)(encoder(rows))
    model = keras.Model(rows, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    return model


def test_an_encoder_that_was_trained_to_classify(fitted):
    before = fitted.transform(X), fitted.reconstruct(X)
    encoder = fitted.encoder_
    classifier_on(encoder).fit(X, y, epochs=30, batch_size=50, verbose=0)
    tuned = fitted.with_weights(encoder)
    code = np.asarray(encoder(X.astype(np.float32)))
    np.testing.assert_allclose(tuned.transform(X), code, atol=1e-5 * np.abs(code).max())
    accuracies = [
        LogisticRegression(max_iter=2000).fit(codes, y).score(codes, y)
        for codes in (before[0], tuned.transform(X))
    ]
    assert accuracies[1] > accuracies[0] + 0.05
    # The decoder is the earlier one, and the estimator is as it was.
    np.testing.assert_array_equal(
        tuned.inverse_transform(before[0]), fitted.inverse_transform(before[0])
    )
    np.testing.assert_array_equal(fitted.transform(X), before[0])
    np.testing.assert_array_equal(fitted.reconstruct(X), before[1])


def test_frozen_layers_and_a_decoder_alone(fitted):
    decoder = fitted.decoder_
    code = fitted.transform(X).astype(np.float32)
    decoder.layers[1].trainable = False  # which changes the order of `variables` by kind
    decoder.compile("sgd", "mse")
    for layer in decoder.layers:
        layer.trainable = False
    tuned = fitted.with_weights(decoder=decoder)
    np.testing.assert_array_equal(tuned.reconstruct(X), fitted.reconstruct(X))
    for weight in decoder.weights:
        weight.assign(0.5 * np.asarray(weight))
    tuned = fitted.with_weights(decoder=decoder)
    np.testing.assert_array_equal(tuned.transform(X), fitted.transform(X))
    np.testing.assert_allclose(tuned.inverse_transform(code), decoder(code), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "estimator",
    slow_but("autoencoder", of=["autoencoder", "variational"]),
)
def test_both_trained_together(estimator):
    """By Keras's own training of `model_`, on the mean absolute error."""
    cls = AutoencoderTransformer if estimator == "autoencoder" else VariationalAutoencoder
    before = fit(cls(4, hidden_layer_sizes=(16,), max_iter=3))
    model = before.model_
    model.compile(keras.optimizers.Adam(0.003), "mae")
    model.fit(X, X, epochs=20, batch_size=50, verbose=0)
    after = before.with_weights(model.get_layer("encoder"), model.get_layer("decoder"))
    errors = [np.abs(X - each.reconstruct(X)).mean() for each in (before, after)]
    assert errors[1] < 0.97 * errors[0]
    np.testing.assert_allclose(errors[1], np.abs(X - model(X)).mean(), rtol=1e-5)


def test_it_shares_nothing_that_may_be_changed(fitted):
    estimator = fit(AutoencoderTransformer(4, architecture=Dense((8,)), max_iter=2))
    other = estimator.with_weights(estimator.encoder_)
    other.set_params(architecture__hidden_layer_sizes=(3,), max_iter=7)
    other.history_["loss"].append(0.0)
    other.mean_[:] = 0.0
    assert estimator.architecture.hidden_layer_sizes == (8,)
    assert estimator.max_iter == 2
    assert len(estimator.history_["loss"]) == len(estimator.loss_curve_) == 2
    assert estimator.mean_.any()


def test_names_and_containers_are_kept():
    frame = load_digits(as_frame=True).data[:300]
    estimator = fit(AutoencoderTransformer(2, max_iter=1).set_output(transform="pandas"), frame)
    other = estimator.with_weights(estimator.encoder_)
    assert other.transform(frame).equals(estimator.transform(frame))
    assert list(other.feature_names_in_) == list(frame.columns)


def test_training_goes_on_with_a_new_state_of_the_solver():
    estimator = fit(AutoencoderTransformer(4, hidden_layer_sizes=(8,), max_iter=2)).partial_fit(X)
    other = estimator.with_weights(estimator.encoder_, estimator.decoder_)
    assert estimator._slots is not None
    assert other._slots is None
    stateless = pickle.loads(pickle.dumps(estimator))
    stateless._slots = None
    for each in (estimator, other, stateless):
        each.partial_fit(X)
    np.testing.assert_array_equal(other.transform(X), stateless.transform(X))
    assert not np.array_equal(other.transform(X), estimator.transform(X))
    assert other.n_iter_ == estimator.n_iter_ == len(other.history_["loss"]) == 4
    other.set_params(warm_start=True, max_iter=2).fit(X)
    assert other.n_iter_ == 6


# What is refused


def test_what_is_not_fitted_is_refused(fitted):
    with pytest.raises(NotFittedError):
        AutoencoderTransformer().with_weights(fitted.encoder_)
    with pytest.raises(ValueError, match="got neither"):
        fitted.with_weights()


def test_swapped_models(fitted):
    with pytest.raises(ValueError, match="Were encoder and decoder swapped"):
        fitted.with_weights(fitted.decoder_, fitted.encoder_)


@pytest.mark.parametrize("given", ["encoder", np.zeros(3), fit])
def test_something_else_than_a_model(fitted, given):
    with pytest.raises(TypeError, match="encoder must be a Keras model, as encoder_ gives it"):
        fitted.with_weights(given)


@pytest.mark.parametrize(
    ("params", "rows", "message"),
    [
        pytest.param(
            {"n_components": 5},
            X,
            r"from \(None, 64\) to \(None, 4\), got one .* to \(None, 5\)",
            marks=slow,
        ),
        pytest.param({}, X[:, 20:50], r"got one from \(None, 30\)", marks=slow),
        ({"hidden_layer_sizes": (16,)}, X, r"it is of another architecture\. Train what encoder_"),
    ],
)
def test_a_model_of_another_architecture(fitted, params, rows, message):
    other = fit(AutoencoderTransformer(**{"n_components": 4, "max_iter": 1, **params}), rows)
    with pytest.raises(ValueError, match=message):
        fitted.with_weights(other.encoder_)


@pytest.mark.parametrize(
    ("change", "role"),
    [
        ({"activation": "tanh"}, "encoder"),
        pytest.param({"code_activation": "tanh"}, "encoder", marks=slow),
        pytest.param({"output_activation": "softplus"}, "decoder", marks=slow),
    ],
)
def test_a_model_that_computes_something_else_with_the_same_weights(change, role):
    common = {"hidden_layer_sizes": (8,), "init": "random", "max_iter": 1}
    one, other = (fit(AutoencoderTransformer(4, **{**common, **more})) for more in ({}, change))
    with pytest.raises(ValueError, match=f"{role} has weights of the right shapes, but computes"):
        one.with_weights(**{role: getattr(other, role + "_")})


def test_a_model_that_was_trained_on_another_scale(fitted):
    other = fit(AutoencoderTransformer(4, max_iter=1), 100 * X)
    with pytest.raises(ValueError, match="the scaling of X was changed"):
        fitted.with_weights(other.encoder_)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_diverged(fitted, bad):
    decoder = fitted.decoder_
    decoder.weights[0].assign(np.full(decoder.weights[0].shape, bad))
    before = fitted.reconstruct(X)
    with pytest.raises(ValueError, match="decoder has NaN or infinite values in the weight"):
        fitted.with_weights(fitted.encoder_, decoder)
    np.testing.assert_array_equal(fitted.reconstruct(X), before)


def test_weights_that_are_shared():
    estimator = fit(TIED)
    encoder = estimator.encoder_
    for weight in encoder.trainable_weights:
        weight.assign(1.1 * np.asarray(weight))
    with pytest.raises(ValueError, match="share weights"):
        estimator.with_weights(encoder, estimator.decoder_)
    tuned = estimator.with_weights(encoder)
    np.testing.assert_allclose(tuned.transform(X), encoder(X), rtol=1e-4, atol=1e-4)
    assert not np.array_equal(
        tuned.inverse_transform(np.ones((1, 4))), estimator.inverse_transform(np.ones((1, 4)))
    )  # the decoder has the encoder's matrices, too
    model = estimator.model_
    for weight in model.trainable_weights:
        weight.assign(1.1 * np.asarray(weight))
    tuned = estimator.with_weights(model.get_layer("encoder"), model.get_layer("decoder"))
    np.testing.assert_allclose(tuned.reconstruct(X), model(X), rtol=1e-4, atol=1e-3)


@slow
def test_a_model_that_was_saved_and_loaded(fitted, tmp_path):
    encoder = fitted.encoder_
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    same = fitted.with_weights(loaded)
    np.testing.assert_array_equal(same.transform(X), fitted.transform(X))


@slow
def test_a_users_architecture():
    class Wide(Architecture):
        def build(self, input_shape, n_components):
            layers = keras.layers
            return (
                keras.Sequential([layers.Input(input_shape), layers.Dense(n_components, "tanh")]),
                keras.Sequential([layers.Input((n_components,)), layers.Dense(input_shape[0])]),
            )

    estimator = fit(AutoencoderTransformer(3, architecture=Wide(), max_iter=1))
    encoder = estimator.encoder_
    for weight in encoder.weights:
        weight.assign(0.5 * np.asarray(weight))
    tuned = estimator.with_weights(encoder)
    np.testing.assert_allclose(tuned.transform(X), encoder(X), rtol=1e-4, atol=1e-5)
