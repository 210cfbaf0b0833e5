"""What every estimator takes and gives."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae._engine import FittedNetwork, load_keras, program_info
from skae._sklearn_compat import HAS_CALLBACKS
from skae.architectures import Architecture, Dense
from skae.corruption import Corruption


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:400] / 16


def autoencoder(**params):
    settings = {"n_components": 4, "solver": "sgd", "max_iter": 5, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


class Skewed(Architecture):
    """A user's own architecture: a deeper encoder with dropout, a shallow decoder."""

    def __init__(self, width=16):
        self.width = width

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        hidden = [layers.Dense(self.width, "relu"), layers.Dropout(0.1)]
        return (
            Sequential([layers.Input(input_shape), *hidden, layers.Dense(n_components)]),
            Sequential([layers.Input((n_components,)), layers.Dense(*input_shape)]),
        )


class Dimming(Corruption):
    """A user's own corruption: each row darker by a random factor."""

    def __init__(self, level=0.5):
        self.level = level

    def apply(self, X, level, seed):
        from keras import ops, random

        return X * (1 - level * random.uniform((ops.shape(X)[0], 1), seed=seed))


def test_an_architecture_of_ones_own(digits):
    X = digits
    own = autoencoder(architecture=Skewed(), solver="adam", max_iter=20)
    first = own.fit(X)
    np.testing.assert_array_equal(clone(own).fit(X).transform(X), first.transform(X))
    other = clone(own).set_params(random_state=1)
    assert not np.array_equal(other.fit_transform(X), first.transform(X))
    *_, network = own.encoder_.layers  # behind those that take X to the network's scale
    layers = [type(layer).__name__ for layer in network.layers[1:]]
    assert layers == ["Dense", "Dropout", "Dense"]
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.transform(X), first.transform(X))
    search = GridSearchCV(own, {"architecture__width": [1, 16]}, cv=2).fit(X)
    assert search.best_params_ == {"architecture__width": 16}


def test_dense_as_an_architecture_is_the_same_network(digits):
    X = digits
    by_name = autoencoder(hidden_layer_sizes=(10, 6), activation="relu").fit(X)
    by_object = autoencoder(architecture=Dense((10, 6), activation="relu")).fit(X)
    np.testing.assert_array_equal(by_name.transform(X), by_object.transform(X))


def test_a_corruption_of_ones_own(digits):
    X = digits
    codes = [
        DenoisingAutoencoder(3, corruption=Dimming(), corruption_level=level, max_iter=3,
                             random_state=0).fit_transform(X)
        for level in (None, 0.5, 0.1)
    ]  # fmt: skip
    np.testing.assert_array_equal(codes[0], codes[1])
    assert not np.array_equal(codes[1], codes[2])


def test_a_keras_optimizer_is_copied(digits):
    X = digits
    optimizer = load_keras().optimizers.RMSprop(2**-9)
    by_object = autoencoder(solver=optimizer, max_iter=4)
    by_name = autoencoder(solver="rmsprop", learning_rate_init=2**-9, max_iter=4).fit(X)
    for _ in range(2):
        np.testing.assert_array_equal(by_object.fit(X).transform(X), by_name.transform(X))
    assert not optimizer.built
    pickle.loads(pickle.dumps(clone(by_object).fit(X)))


def test_both_spellings_of_activations_are_one(digits):
    X = digits
    ours = autoencoder(activation="logistic", code_activation="identity").fit(X)
    clear = program_info()["made"]["graph"]
    keras_names = autoencoder(activation="sigmoid", code_activation="linear").fit(X)
    np.testing.assert_array_equal(ours.transform(X), keras_names.transform(X))
    assert program_info()["made"]["graph"] <= clear + 1


def test_keras_models_are_copies(digits):
    fitted = autoencoder().fit(digits)
    X = (digits).astype(np.float32)
    before = fitted.transform(X)
    model = fitted.model_
    np.testing.assert_allclose(model(X), fitted.reconstruct(X), atol=1e-6)
    in_two_steps = fitted.decoder_(fitted.encoder_(X))
    np.testing.assert_allclose(in_two_steps, fitted.reconstruct(X), atol=1e-6)
    model.set_weights([0 * weight for weight in model.get_weights()])
    np.testing.assert_array_equal(fitted.transform(X), before)


def test_only_access_builds_keras_models(digits, monkeypatch):
    networks = {"encoder_", "decoder_", "model_"}
    unfitted, fitted = autoencoder(), autoencoder(max_iter=1).fit(digits)
    with monkeypatch.context() as patch:
        patch.setattr(FittedNetwork, "keras_models", lambda self: pytest.fail("built"))
        assert networks <= set(dir(fitted)) > {"n_iter_", "transform", "set_output", "_network"}
        assert networks.isdisjoint(dir(unfitted))
        assert set(dir(fitted)) > set(dir(unfitted))
        for estimator in (unfitted, fitted, make_pipeline(fitted)):
            html = estimator._repr_mimebundle_()["text/html"]
            assert estimator._repr_html_().count("AutoencoderTransformer")
    if HAS_CALLBACKS:  # of the same version as the table of fitted attributes
        assert "best_loss_" in html
    assert fitted.encoder_.output_shape == (None, 4)


def test_an_automatic_output_is_the_identity_unless_the_loss_implies_another(digits):
    for X in (StandardScaler().fit_transform(digits), digits):
        assert autoencoder().fit(X)._network.recipe.output_activation == "identity"
    crossed = autoencoder(loss="binary_crossentropy").fit(digits)
    assert crossed._network.recipe.output_activation == "logistic"


# Explained variance


def linear(**params):
    return autoencoder(
        hidden_layer_sizes=(), output_activation="identity", solver="adam",
        learning_rate_init=0.01, max_iter=300, n_iter_no_change=np.inf, **params,
    )  # fmt: skip


def test_explained_variance_is_that_of_pca_for_a_linear_network(digits):
    explained = linear().fit(digits).explained_variance(digits)
    assert explained == pytest.approx(PCA(4).fit(digits).explained_variance_ratio_.sum(), abs=0.01)


def test_explained_variance_by_definition(digits):
    fitted = autoencoder().fit(digits[:300])
    X, mean = digits[300:].copy(), digits[:300].mean(axis=0)
    np.testing.assert_allclose(fitted.mean_, mean, atol=1e-7)
    X[:, 0] = 0.0  # as in training: nothing varies there, and the bounds make that exact
    error = np.square(X - fitted.reconstruct(X)).sum(axis=0)
    variance = np.square(X - mean).sum(axis=0)
    assert fitted.explained_variance(X) == pytest.approx(1 - error.sum() / variance.sum())
    varying = variance > 0
    each = fitted.explained_variance(X, per_feature=True)
    np.testing.assert_allclose(each[varying], 1 - error[varying] / variance[varying])
    np.testing.assert_array_equal(each[~varying], error[~varying] == 0)
    assert each[0] == 1
    csr = fitted.explained_variance(sparse.csr_array(X))
    assert csr == pytest.approx(fitted.explained_variance(X))


def test_explained_variance_leaves_out_what_is_missing(digits):
    X = digits.copy()
    X[::3, 20] = np.nan
    fitted = autoencoder(missing="mask").fit(X, sample_weight=np.arange(400.0))
    weight, observed = np.arange(400.0), ~np.isnan(X[:, 20])
    mean = np.average(X[observed, 20], weights=weight[observed])
    assert fitted.mean_[20] == pytest.approx(mean)
    residual = (X - fitted.reconstruct(X))[observed, 20]
    expected = 1 - np.square(residual).sum() / np.square(X[observed, 20] - mean).sum()
    assert fitted.explained_variance(X, per_feature=True)[20] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore::skae.exceptions.SilentUnitsWarning")
def test_a_perfect_reconstruction_of_constant_data_explains_all():
    X = np.zeros((10, 3))
    fitted = autoencoder(n_components=1, output_activation="relu", init="random").fit(X)
    trainable = [0 * array for array in fitted._network.trainable]
    fitted._network = replace(fitted._network, trainable=trainable)
    assert fitted.explained_variance(X) == 1.0
    assert fitted.explained_variance(X + 1.0) == 0.0


@pytest.mark.parametrize("n_rows", [20, 400])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_explains_nothing_unless_it_is_exact(digits, n_rows, dtype):
    X = digits[:n_rows].astype(dtype)
    X[:, 0], X[:, 1] = 0.1, 1e6 + np.arange(n_rows)
    unbounded = autoencoder(output_activation="identity").fit(X)
    assert unbounded.mean_[0] == X[0, 0]
    # That of X is lost in the size of the error of the other feature.
    assert unbounded.explained_variance(X, per_feature=True)[0] == 0.0
    bounded = autoencoder().fit(X)
    each = bounded.explained_variance(X, per_feature=True)
    assert each[0] == 1.0
    assert each[1] not in (0.0, 1.0)  # as little as that varies, it does
    with_mean = np.full((3, 64), unbounded.mean_, dtype=np.float64)
    assert unbounded.explained_variance(with_mean) == 0.0


def test_explained_variance_of_a_feature_without_any_value(digits):
    X, unknown = digits.copy(), digits.copy()
    X[0, 20] = unknown[:, 20] = np.nan
    fitted = autoencoder(missing="mask").fit(X)
    each = fitted.explained_variance(unknown, per_feature=True)
    np.testing.assert_array_equal(np.isnan(each), np.arange(64) == 20)
    assert np.isfinite(fitted.explained_variance(unknown))
    assert np.isnan(fitted.explained_variance(np.full((2, 64), np.nan)))
    denoiser = DenoisingAutoencoder(2, missing="mask", max_iter=2, random_state=0)
    denoiser.fit(digits, X_clean=unknown)
    each = denoiser.explained_variance(digits, per_feature=True)
    np.testing.assert_array_equal(np.isnan(each), np.arange(64) == 20)
    others = np.arange(64) != 20
    error = denoiser.reconstruction_error(digits, per_feature=True)[:, others].sum()
    variance = np.square(digits - denoiser.mean_)[:, others].sum()
    assert denoiser.explained_variance(digits) == pytest.approx(1 - error / variance)


@pytest.mark.parametrize("name", ["logistic", "sigmoid"])
def test_data_beyond_a_logistic_output_warn(name, digits):
    fitted = autoencoder(output_activation=name).partial_fit(digits).partial_fit(digits)
    message = r"of X range from 0 to 16, but .* reconstructs nothing beyond \[0, 1\]"
    for fit in (fitted.partial_fit, fitted.fit):
        with pytest.warns(UserWarning, match=message):
            fit(16 * digits)
    autoencoder().partial_fit(digits).partial_fit(16 * digits)
