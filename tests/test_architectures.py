"""Architectures: shapes, forward passes by NumPy and SciPy, and layerwise pretraining by hand."""

import itertools
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from cases import slow, slow_but
from scipy import signal
from scipy.special import erf, expit
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import skae
from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._autoencoders import _fit
from skae._autoencoders._pretraining import layers_of, pretrained
from skae._data import Rows, TrainingSet
from skae._engine import NormalCode, Objective, PointCode, Recipe, graph_of, initial_network
from skae._engine.graph import initial_weights
from skae._layers import halving_max
from skae._supervised._head import WithHead
from skae.architectures import Architecture, Conv, Dense
from skae.losses import Bernoulli, SquaredError
from skae.penalties import L2

SELU = 1.0507009873554805, 1.6732632423543772
ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.2 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "selu": lambda z: SELU[0] * np.where(z > 0, z, SELU[1] * np.expm1(z)),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "silu": lambda z: z * expit(z),
    "softplus": lambda z: np.logaddexp(0, z),
    "softsign": lambda z: z / (1 + abs(z)),
}
DOWNSAMPLINGS = ["stride", "max_pool"]
NETWORKS = {
    "dense": Dense((9,)),
    "batch": Dense((9, 7), normalization="batch"),
    "layer": Dense((9, 7), normalization="layer", activation=["tanh", "relu"]),
    "dropout": Dense((9,), dropout=0.3),
    "tied": Dense((9, 7), tied=True, normalization="batch", dropout=0.1),
    "stride": Conv((8, 8), (2, 3)),
    "max_pool": Conv((8, 8), (2, 3), downsampling="max_pool", activation="relu"),
    "all of it": Conv((8, 8), (3,), 2, normalization="batch", dropout=0.2),
    "uneven": Conv((4, 16, 1), (2, 2, 3), activation="elu", normalization="layer"),
}
ESTIMATORS = [
    AutoencoderTransformer,
    DenoisingAutoencoder,
    SparseAutoencoder,
    ContractiveAutoencoder,
    VariationalAutoencoder,
]
_FITTED = {}


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:300] / 16


@pytest.fixture(params=slow_but("tied", "all of it", of=NETWORKS))
def fitted(request, digits):
    """An estimator of each network, fitted once."""
    name = request.param
    if name not in _FITTED:
        _FITTED[name] = fit(NETWORKS[name], digits)
    return _FITTED[name]


def fit(architecture, X, n_components=3, **params):
    settings = {"solver": "sgd", "max_iter": 2, "random_state": 0, **params}
    return AutoencoderTransformer(n_components, architecture=architecture, **settings).fit(X)


def frozen(architecture, X, n_components=3, **params):
    """A fit that leaves the weights as they are drawn."""
    settings = {
        "learning_rate_init": 1e-12, "learning_rate": "constant", "n_iter_no_change": np.inf,
        "output_activation": "identity", **params,
    }  # fmt: skip
    return fit(architecture, X, n_components, **settings)


def plain(architecture, X, n_components=3, **params):
    """A fit of a network without linear paths on X as it is."""
    return fit(architecture, X, n_components, init="random", output_activation="logistic", **params)


def with_random_weights(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) / 2 for w in model.get_weights()])
    return [w.astype(float) for w in model.get_weights()]


# Convolutions


@pytest.mark.slow
@pytest.mark.parametrize("n_components", [3, None])
@pytest.mark.parametrize("downsampling", DOWNSAMPLINGS)
@pytest.mark.parametrize(
    ("shape", "code"),
    [((7, 5), 2 * 2), ((1, 9), 1 * 3), ((9, 1, 2), 3 * 1), ((3, 3), 1), ((12, 4, 3), 3 * 1)],
)
def test_images_of_any_shape(shape, code, downsampling, n_components):
    n_features = int(np.prod(shape))
    conv = Conv(shape, (2, 3), downsampling=downsampling)
    encoder, decoder = conv.build((n_features,), n_components)
    n_codes = n_components or 3 * code
    assert encoder.input_shape == decoder.output_shape == (None, n_features)
    assert encoder.output_shape == decoder.input_shape == (None, n_codes)
    assert decoder(encoder(np.ones((2, n_features), "f4"))).shape == (2, n_features)


@pytest.mark.parametrize(
    ("shape", "n_layers"),
    [((1, 1), 1), ((2, 1), 1), ((3, 2), 2), ((4, 4), 2), ((5, 2, 3), 3), ((1, 8), 3), ((9, 9), 4)],
)
def test_as_many_layers_as_the_image_has_halvings(shape, n_layers):
    n_features = int(np.prod(shape))
    encoder, _ = Conv(shape, [1] * n_layers).build((n_features,), None)
    assert encoder.output_shape == (None, 1), "the innermost map has one pixel"
    message = rf"filters must have at most {n_layers} entries for images of {shape[0]} x {shape[1]}"
    with pytest.raises(ValueError, match=message):
        Conv(shape, [1] * (n_layers + 1)).build((n_features,), None)


def padded(images):
    """Zeros around images so that both sides are even, the odd one behind."""
    _, height, width, _ = images.shape
    return np.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))


def convolved(images, kernel, bias, stride):
    """Convolution layer with padding "same" of images with even sides, as in TensorFlow."""
    total = max(kernel.shape[0] - stride, 0)
    margin = (total // 2, total - total // 2)
    images = np.pad(images, ((0, 0), margin, margin, (0, 0)))
    maps = [
        [
            sum(
                signal.correlate(image[..., channel], kernel[..., channel, number], mode="valid")
                for channel in range(kernel.shape[2])
            )
            for number in range(kernel.shape[3])
        ]
        for image in images
    ]
    return np.moveaxis(maps, 1, -1)[:, ::stride, ::stride] + bias


def pooled(maps):
    n, height, width, channels = maps.shape
    return maps.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


@pytest.mark.parametrize("kernel_size", slow_but(2, 3, of=[1, 2, 3, 5]))
@pytest.mark.parametrize("shape", slow_but((7, 5, 3), of=[(6, 8, 1), (7, 5, 3)]))
def test_strided_convolution_by_scipy(shape, kernel_size):
    encoder, _ = Conv(shape, (4,), kernel_size).build((int(np.prod(shape)),), None)
    kernel, bias = with_random_weights(encoder)
    images = np.random.default_rng(0).normal(size=(3, *shape))
    expected = convolved(padded(images), kernel, bias, 2)
    code = encoder(images.reshape(3, -1).astype("f4"))
    np.testing.assert_allclose(code, expected.reshape(3, -1), atol=1e-4)


@pytest.mark.parametrize("kernel_size", slow_but(2, of=[1, 2, 3]))
def test_max_pooling_by_scipy(kernel_size):
    shape = (5, 6, 2)
    conv = Conv(shape, (3,), kernel_size, downsampling="max_pool", activation="tanh")
    encoder, decoder = conv.build((60,), 4)
    kernel, bias, matrix, offset = with_random_weights(encoder)
    images = np.random.default_rng(0).normal(size=(3, *shape))
    maps = pooled(np.tanh(convolved(padded(images), kernel, bias, 1)))
    code = maps.reshape(3, -1) @ matrix + offset
    np.testing.assert_allclose(encoder(images.reshape(3, -1).astype("f4")), code, atol=1e-4)
    matrix, offset, kernel, bias, last_kernel, last_bias = with_random_weights(decoder, 1)
    maps = np.tanh(code @ matrix + offset).reshape(3, 3, 3, 3)
    maps = np.tanh(convolved(maps, kernel, bias, 1)).repeat(2, axis=1).repeat(2, axis=2)
    maps = convolved(maps, last_kernel, last_bias, 1)[:, :5]
    np.testing.assert_allclose(decoder(code.astype("f4")), maps.reshape(3, -1), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(8, 8), (7, 5, 3), (6, 9, 2), (1, 7), (3, 1)])
@pytest.mark.parametrize("filters", [(3,), (2, 4)])
def test_the_mirrored_convolution_is_the_transpose(shape, filters):
    """With the encoder's kernels the linear decoder must be the encoder's matrix, transposed."""
    n_features = int(np.prod(shape))
    conv = Conv(shape, filters, activation="identity")
    encoder, decoder = conv.build((n_features,), None)
    weights = with_random_weights(encoder)
    encoder.set_weights([w * (w.ndim > 1) for w in weights])
    biases = [np.zeros(w.shape) for w in decoder.get_weights()[1::2]]
    kernels = weights[-2::-2]
    decoder.set_weights([w for pair in zip(kernels, biases, strict=True) for w in pair])
    forward = np.array(encoder(np.eye(n_features, dtype="f4")))
    back = np.array(decoder(np.eye(forward.shape[1], dtype="f4")))
    np.testing.assert_allclose(back, forward.T, atol=1e-4)
    assert abs(forward).sum(axis=1).all(), "every pixel must reach the code"


@pytest.mark.parametrize("shape", slow_but((7, 5, 3), of=[(8, 8), (7, 5, 3), (1, 6)]))
def test_pixels_come_back_where_they_were(shape):
    """Kernels that copy: the reconstruction is the maximum of 2 x 2 pixels, in its place."""
    channels = (*shape, 1)[2]
    conv = Conv(shape, (channels,), 1, downsampling="max_pool", activation="identity")
    encoder, decoder = conv.build((int(np.prod(shape)),), None)
    for model in (encoder, decoder):
        model.set_weights(
            [np.eye(channels)[None, None] if w.ndim > 1 else 0 * w for w in model.get_weights()]
        )
    images = np.random.default_rng(0).uniform(size=(4, *shape[:2], channels)).astype("f4")
    maps = pooled(padded(images)).repeat(2, axis=1).repeat(2, axis=2)
    maps = maps[:, : shape[0], : shape[1]]
    np.testing.assert_array_equal(
        np.array(decoder(encoder(images.reshape(4, -1)))), maps.reshape(4, -1)
    )


@pytest.mark.parametrize("downsampling", slow_but("stride", of=DOWNSAMPLINGS))
def test_convolutions_learn_the_digits(downsampling):
    X = load_digits().data[:1000] / 16
    architecture = Conv((8, 8), (8, 16), downsampling=downsampling)
    estimator = fit(architecture, X, 8, max_iter=6, learning_rate_init=0.01, solver="adam")
    assert -estimator.score(X) < 0.75 * X.var(axis=0).mean()
    rotated = np.rot90(X.reshape(-1, 8, 8), axes=(1, 2)).reshape(len(X), -1)
    assert np.square(estimator.reconstruct(X) - rotated).mean() > -2 * estimator.score(X)


def test_a_search_over_filters(digits):
    estimator = AutoencoderTransformer(
        2, architecture=Conv((8, 8), downsampling="max_pool"), max_iter=3, random_state=0
    )
    grid = {"architecture__filters": [1, (8,)], "architecture__kernel_size": [3]}
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(digits)
    assert search.best_params_["architecture__filters"] == (8,)
    kernel = search.best_estimator_.encoder_.get_weights()[0]
    assert kernel.shape == (3, 3, 1, 8)


# Every network


def test_a_fit_is_the_same_to_the_bit(fitted, digits):
    again = clone(fitted).fit(digits)
    assert again.loss_curve_ == fitted.loss_curve_
    np.testing.assert_array_equal(again.transform(digits), fitted.transform(digits))
    np.testing.assert_array_equal(again.reconstruct(digits), fitted.reconstruct(digits))
    other = clone(fitted).set_params(random_state=1).fit(digits)
    assert not np.isclose(other.transform(digits), fitted.transform(digits)).any(axis=0).all()


def test_copies_and_files(fitted, digits, tmp_path):
    skae.save(fitted, tmp_path / "model")
    expected = fitted.transform(digits), fitted.reconstruct(digits)
    for copied in (pickle.loads(pickle.dumps(fitted)), skae.load(tmp_path / "model")):
        assert repr(copied.architecture) == repr(fitted.architecture)
        np.testing.assert_array_equal(copied.transform(digits), expected[0])
        np.testing.assert_array_equal(copied.reconstruct(digits), expected[1])


def test_a_row_does_not_depend_on_its_company(fitted, digits):
    code, reconstruction = fitted.transform(digits), fitted.reconstruct(digits)
    for row in (0, 17, 299):
        alone = digits[row : row + 1]
        np.testing.assert_array_equal(fitted.transform(alone)[0], code[row])
        np.testing.assert_array_equal(fitted.reconstruct(alone)[0], reconstruction[row])
    np.testing.assert_array_equal(fitted.transform(digits[::-1]), code[::-1])


@pytest.mark.slow
def test_keras_models_compute_the_same(fitted, digits):
    X = digits[:20].astype("f4")
    np.testing.assert_allclose(fitted.encoder_(X), fitted.transform(X), atol=1e-5)
    np.testing.assert_allclose(fitted.model_(X), fitted.reconstruct(X), atol=1e-5)


# Shapes of the weights


def built_shapes(architecture, n_features, n_components, draws_code=False):
    latent = NormalCode() if draws_code else PointCode()
    graph = graph_of(Recipe(architecture, n_features, n_components, latent))
    return [tuple(v.shape) for v in graph.trainable], [tuple(v.shape) for v in graph.fixed]


def assert_shapes_are_those_built(architecture, n_features, n_components):
    expected = built_shapes(architecture, n_features, n_components)
    assert architecture.weight_shapes((n_features,), n_components) == expected
    assert Architecture.weight_shapes(architecture, (n_features,), n_components) == expected
    if n_components is not None and not getattr(architecture, "tied", False):
        expected = built_shapes(architecture, n_features, n_components, draws_code=True)
        drawn = (n_features,), n_components, 2 * n_components
        assert architecture.weight_shapes(*drawn) == expected
        assert Architecture.weight_shapes(architecture, *drawn) == expected


REGULARIZATIONS = [
    pytest.param(*pair, marks=[slow] * (pair in [(None, 0.3), ("batch", 0.0), ("layer", 0.3)]))
    for pair in itertools.product([None, "batch", "layer"], [0.0, 0.3])
]


@pytest.mark.parametrize(("normalization", "dropout"), REGULARIZATIONS)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("linear_path", [True, False])
@pytest.mark.parametrize("sizes", slow_but((), (5, 4), of=[(), 5, (5, 4)]))
def test_weight_shapes_of_dense_layers(sizes, linear_path, tied, normalization, dropout):
    dense = Dense(
        sizes, normalization=normalization, dropout=dropout, tied=tied, linear_path=linear_path
    )
    assert_shapes_are_those_built(dense, 6, 2)


@pytest.mark.parametrize(("normalization", "dropout"), REGULARIZATIONS)
@pytest.mark.parametrize("n_components", [None, 2])
@pytest.mark.parametrize(
    ("shape", "filters", "kernel_size"),
    [
        pytest.param((4, 4), 3, 3, marks=slow),
        ((4, 7, 2), (3, 5), 2),
        pytest.param((9, 5, 1), [2, 4, 3], 1, marks=slow),
    ],
)
@pytest.mark.parametrize("downsampling", DOWNSAMPLINGS)
def test_weight_shapes_of_convolutions(
    downsampling, shape, filters, kernel_size, n_components, normalization, dropout
):
    options = {"downsampling": downsampling, "normalization": normalization, "dropout": dropout}
    conv = Conv(shape, filters, kernel_size, **options)
    assert_shapes_are_those_built(conv, int(np.prod(shape)), n_components)


def test_weight_shapes_by_hand():
    trainable, fixed = Conv((4, 4), 3, 2, downsampling="max_pool").weight_shapes((16,), 2, 4)
    encoder = [(2, 2, 1, 3), (3,), (12, 4), (4,)]
    decoder = [(2, 12), (12,), (2, 2, 3, 3), (3,), (2, 2, 3, 1), (1,)]
    assert trainable == encoder + decoder
    assert fixed == []
    options = {"normalization": "batch", "dropout": 0.1}
    trainable, fixed = Dense(5, **options).weight_shapes((7,), 2)
    encoder = [(7, 5), (5,), (5,), (5,), (5, 2), (2,)]
    assert trainable == [*encoder, (2, 5), (5,), (5,), (5,), (5, 7), (7,)]
    running = [(5,), (5,), (2,)]
    assert fixed == [*running, (7, 2), (2,), *running, (2, 7), (7,)]
    assert Dense(5, linear_path=False, **options).weight_shapes((7,), 2) == (trainable, 2 * running)


class Frozen(Architecture):
    """A user's architecture with a layer that is not trained."""

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        hidden = layers.Dense(5, trainable=False)
        encoder = Sequential([layers.Input(input_shape), hidden, layers.Dense(n_components)])
        decoder = Sequential([layers.Input((n_components,)), layers.Dense(*input_shape)])
        return encoder, decoder


def test_weight_shapes_of_a_users_architecture():
    assert_shapes_are_those_built(Frozen(), 6, 2)
    trainable, fixed = Frozen().weight_shapes((6,), 2, n_outputs=4)
    assert trainable == [(5, 4), (4,), (2, 6), (6,)]
    assert fixed == [(6, 5), (5,)]


def test_weight_shapes_of_tied_layers_with_other_outputs():
    with pytest.raises(ValueError, match=r"tied=True needs .* n_outputs=4 and n_components=2"):
        Dense(5, tied=True).weight_shapes((7,), 2, 4)


HEADS = {
    "dense": (WithHead(Dense([5, 3], normalization="batch", dropout=0.1), 2, "tanh", 3), 9),
    "tied": (WithHead(Dense(5, tied=True, linear_path=False), 2, "identity", 1), 9),
    "drawn": (WithHead(Dense(()), 2, "normal", 3), 9),
    "convolutional": (WithHead(Conv((4, 4), 3, normalization="layer"), None, "relu", 2), 16),
    "users": (WithHead(Frozen(), 2, "identity", 3), 6),
}


@pytest.mark.parametrize("name", slow_but("dense", "drawn", "convolutional", of=HEADS))
def test_weight_shapes_of_an_encoder_with_a_head(name):
    architecture, n_features = HEADS[name]
    network = initial_network(recipe_of_head(architecture, n_features), 0, {})
    expected = [[array.shape for array in some] for some in (network.trainable, network.fixed)]
    assert list(architecture.weight_shapes((n_features,), None)) == expected
    assert architecture.code_width((n_features,)) == network.n_code_features
    assert Architecture.code_width(architecture, (n_features,)) == network.n_code_features


def recipe_of_head(architecture, n_features):
    return Recipe(architecture, n_features, None, n_targets=architecture.n_targets)


@pytest.mark.parametrize("name", slow_but("dense", of=["dense", "convolutional"]))
def test_the_encoders_weight_shapes_are_the_first_ones(name):
    architecture, shape = HEADS[name][0].architecture, (HEADS[name][1],)
    expected = Architecture.encoder_weight_shapes(architecture, shape, 2)
    assert architecture.encoder_weight_shapes(shape, 2) == expected
    for whole, own in zip(architecture.weight_shapes(shape, 2), expected, strict=True):
        assert whole[: len(own)] == own


def test_weight_shapes_need_no_keras():
    program = """
import sys
from skae.architectures import Conv, Dense
Dense(normalization="batch").weight_shapes((9,), 2)
Conv((8, 8), downsampling="max_pool", dropout=0.1).weight_shapes((64,), None)
assert not {"keras", "jax"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# Dense layers


def test_an_activation_for_each_layer():
    """One layer for each activation there is, in the encoder and mirrored in the decoder."""
    names = list(ACTIVATIONS)
    encoder, decoder = Dense([4] * len(names), activation=names, linear_path=False).build((6,), 2)
    X = np.random.default_rng(0).normal(size=(30, 6))
    for model, activations in [(encoder, names), (decoder, names[::-1])]:
        weights = with_random_weights(model)
        hidden = X[:, : weights[0].shape[0]]
        output = model(hidden.astype("f4"))
        for index, name in enumerate([*activations, "identity"]):
            hidden = ACTIVATIONS[name](hidden @ weights[2 * index] + weights[2 * index + 1])
        np.testing.assert_allclose(output, hidden, atol=1e-5)
        assert hidden.std(axis=0).min() > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_activation(name):
    encoder, _ = Dense((3,), activation=name).build((3,), 3)
    encoder.set_weights([np.eye(3), np.zeros(3)] * 2)
    X = np.linspace(-4, 4, 30).reshape(10, 3)
    np.testing.assert_allclose(encoder(X.astype("f4")), ACTIVATIONS[name](X), atol=1e-5)


def test_tied_kernels_are_the_encoders_transposed(digits):
    estimator = plain(Dense((9, 5), tied=True, activation=["tanh", "relu"]), digits)
    weights = [w.astype(float) for w in estimator._network.trainable]
    assert [w.shape for w in weights] == [
        (64, 9), (9,), (9, 5), (5,), (5, 3), (3,), (5,), (9,), (64,)
    ]  # fmt: skip
    kernels, biases = weights[:6:2], [*weights[1:6:2], *weights[6:]]
    layers = zip([*kernels, *(k.T for k in kernels[::-1])], biases, strict=True)
    hidden = digits
    activations = ["tanh", "relu", "identity", "relu", "tanh", "logistic"]
    for (kernel, bias), name in zip(layers, activations, strict=True):
        hidden = ACTIVATIONS[name](hidden @ kernel + bias)
    np.testing.assert_allclose(estimator.reconstruct(digits), hidden, atol=1e-5)
    start = [np.asarray(w) for w in initial_weights(estimator._network.recipe, estimator._seed)[0]]
    assert all(
        not np.array_equal(before, after) for before, after in zip(start, weights, strict=True)
    )
    in_keras = estimator.model_.get_weights()
    assert sum(w.size for w in in_keras) == sum(w.size for w in weights)


def test_gradient_of_a_tied_network():
    import jax

    rng = np.random.default_rng(0)
    recipe = Recipe(Dense((4,), activation="tanh", tied=True), 5, 2)
    X = rng.normal(size=(6, 5))
    weights, fixed = (
        [rng.normal(size=w.shape) / 2 for w in part] for part in initial_weights(recipe, 0)
    )
    alpha = 0.7
    objective = Objective(SquaredError()).plus(L2(), alpha)
    numbers = {**objective.numbers_at(0), "constants": {}}
    batch = X.astype("f4"), X.astype("f4"), np.full(6, 1 / 6, "f4")

    def value(trainable):
        single = [np.float32(array) for array in fixed]
        return objective(graph_of(recipe), (trainable, single), batch, numbers, None)[0]

    def by_numpy(arrays):
        outer, b1, inner, b2, b3, b4 = arrays
        encoder_path, encoder_gain, decoder_path, decoder_gain = fixed
        hidden = np.tanh(X @ outer + b1) @ inner + b2
        code = X @ encoder_path + encoder_gain * hidden
        mirrored = np.tanh(code @ inner.T + b3) @ outer.T + b4
        output = code @ decoder_path + decoder_gain * mirrored
        entries = np.concatenate([outer.ravel(), inner.ravel()])
        return np.square(output - X).mean() + alpha * np.square(entries).mean()

    got, gradients = jax.value_and_grad(value)([w.astype("f4") for w in weights])
    assert float(got) == pytest.approx(by_numpy(weights), rel=1e-5)
    for number, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [w.copy() for w in weights]
                moved[number][index] += step
                ends.append(by_numpy(moved))
            slope = (ends[0] - ends[1]) / 2e-5
            assert float(gradient[index]) == pytest.approx(slope, rel=1e-3, abs=1e-5)


def normalized(values, mean, variance, gamma=1.0, beta=0.0):
    return gamma * (values - mean) / np.sqrt(variance + 1e-3) + beta


def test_transform_normalizes_by_the_running_means(digits):
    estimator = plain(Dense((9,), normalization="batch", activation="tanh"), digits)
    kernel, bias, gamma, beta, inner, inner_bias, *_ = estimator._network.trainable
    mean, variance, *_ = estimator._network.fixed
    assert abs(mean).min() > 0
    hidden = normalized(digits @ kernel.astype(float) + bias, mean, variance, gamma, beta)
    code = np.tanh(hidden) @ inner + inner_bias
    np.testing.assert_allclose(estimator.transform(digits), code, atol=1e-5)


def test_layer_normalization_by_numpy(digits):
    estimator = plain(Dense((9,), normalization="layer", activation="tanh"), digits)
    kernel, bias, gamma, beta, inner, inner_bias, *_ = estimator._network.trainable
    hidden = digits @ kernel.astype(float) + bias
    mean, variance = hidden.mean(axis=1, keepdims=True), hidden.var(axis=1, keepdims=True)
    code = np.tanh(normalized(hidden, mean, variance, gamma, beta)) @ inner + inner_bias
    np.testing.assert_allclose(estimator.transform(digits), code, atol=1e-5)


def test_a_ragged_batch_is_normalized_with_real_rows(digits):
    """Batches of rows 0 to 39 and 40 to 59, the latter filled with rows 0 to 19 of weight 0."""
    X = digits[:60]
    estimator = frozen(
        Dense((5,), normalization="batch", activation="identity"), X, 2,
        batch_size=40, shuffle=False, max_iter=1, init="random",
    )  # fmt: skip
    unit = X.var(axis=0).mean()
    X = (X - X.mean(axis=0)) / np.sqrt(unit)
    weights = [w.astype(float) for w in estimator._network.trainable]
    kernel, bias, _, _, inner, inner_bias = weights[:6]
    back, back_bias, _, _, outer, outer_bias = weights[6:]
    means, losses = [np.zeros(5), np.ones(5), np.zeros(5), np.ones(5)], []
    for rows, n_real in [(np.r_[:40], 40), (np.r_[40:60, :20], 20)]:
        hidden = X[rows] @ kernel + bias
        code = normalized(hidden, hidden.mean(0), hidden.var(0)) @ inner + inner_bias
        mirrored = code @ back + back_bias
        output = normalized(mirrored, mirrored.mean(0), mirrored.var(0)) @ outer + outer_bias
        statistics = [hidden.mean(0), hidden.var(0), mirrored.mean(0), mirrored.var(0)]
        means = [0.9 * m + 0.1 * s for m, s in zip(means, statistics, strict=True)]
        losses += list(np.square(output - X[rows]).mean(axis=1)[:n_real])
    assert estimator.loss_curve_[0] == pytest.approx(unit * np.mean(losses), rel=1e-4)
    for got, expected in zip(estimator._network.fixed, means, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_transform_leaves_out_no_unit(digits):
    estimator = plain(Dense((9,), dropout=0.5, activation="tanh"), digits)
    kernel, bias, inner, inner_bias, back, back_bias, outer, outer_bias = [
        w.astype(float) for w in estimator._network.trainable
    ]
    code = np.tanh(digits @ kernel + bias) @ inner + inner_bias
    np.testing.assert_allclose(estimator.transform(digits), code, atol=1e-5)
    output = expit(np.tanh(code @ back + back_bias) @ outer + outer_bias)
    np.testing.assert_allclose(estimator.reconstruct(digits), output, atol=1e-5)


def test_dropout_in_training_has_the_expected_loss(digits):
    """The loss of a frozen network, against draws of NumPy's: kept units are scaled by 1 / 0.6."""
    X = digits[:30]
    estimator = frozen(
        Dense((6,), dropout=0.4, activation="identity"), X, 2, batch_size=10, max_iter=400,
        init="random", random_state=1,
    )  # fmt: skip
    kernel, bias, inner, inner_bias, back, back_bias, outer, outer_bias = [
        w.astype(float) for w in estimator._network.trainable
    ]
    rng = np.random.default_rng(0)

    def dropped(hidden):
        return hidden * (rng.uniform(size=hidden.shape) > 0.4) / 0.6

    unit = X.var(axis=0).mean()
    many = np.tile((X - X.mean(axis=0)) / np.sqrt(unit), (400, 1))
    code = dropped(many @ kernel + bias) @ inner + inner_bias
    output = dropped(code @ back + back_bias) @ outer + outer_bias
    expected = unit * np.square(output - many).mean()
    assert expected > -1.1 * estimator.score(X)
    assert len(set(estimator.loss_curve_)) == 400
    assert np.mean(estimator.loss_curve_) == pytest.approx(expected, rel=0.01)


# Layerwise pretraining


@pytest.fixture
def joined(monkeypatch):
    """Fits an estimator; gives the network that its layerwise pretraining made."""

    def joined(estimator, X):
        networks = []

        def spy(*arguments):
            networks.append(pretrained(*arguments))
            return networks[-1]

        monkeypatch.setattr(_fit, "pretrained", spy)
        estimator.fit(X)
        (network,) = networks
        return network

    return joined


def by_hand(estimator, layers, X, monkeypatch):
    """Estimators of one layer each, trained on the code of the one before."""
    drawn = np.random.RandomState(estimator.random_state).randint(2**31 - 1)
    singles = []
    for number, (n_components, params) in enumerate(layers):
        monkeypatch.setattr(_fit.Fit, "_draw_seed", lambda _, seed=drawn + number: seed)
        single = clone(estimator).set_params(
            n_components=n_components, pretraining=None, max_iter=-(-estimator.max_iter // 3),
            init="random", **params,
        ).fit(X)  # fmt: skip
        X = single.transform(X.astype(np.float32))
        singles.append(single)
    return singles, X


def code_of(network, X):
    return network.encode(Rows(X), np.empty((len(X), network.n_code_features), np.float32))


def assert_same_arrays(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        (DenoisingAutoencoder, "auto"),
        pytest.param(DenoisingAutoencoder, "logistic", marks=slow),
        pytest.param(AutoencoderTransformer, "auto", marks=slow),
        pytest.param(AutoencoderTransformer, "logistic", marks=slow),
    ],
)
def test_dense_layers_are_trained_one_by_one(digits, joined, monkeypatch, kind, output):
    estimator = kind(
        3, hidden_layer_sizes=(12, 7), activation=["tanh", "logistic"], code_activation="softplus",
        output_activation=output, alpha=0.01, batch_size=32, max_iter=7, pretraining="layerwise",
        solver="sgd", random_state=0,
    )  # fmt: skip
    whole = joined(estimator, digits)
    layers = [(12, "tanh", output), (7, "logistic", "tanh"), (3, "softplus", "logistic")]
    params = [
        (
            n,
            {
                "hidden_layer_sizes": (),
                "activation": "silu",
                "code_activation": code,
                "output_activation": mirrored,
            },
        )
        for n, code, mirrored in layers
    ]
    singles, code = by_hand(estimator, params, digits, monkeypatch)
    arrays = [single._network.trainable for single in singles]
    assert_same_arrays(
        whole.trainable,
        [*(w for a in arrays for w in a[:2]), *(w for a in arrays[::-1] for w in a[2:])],
    )
    np.testing.assert_allclose(code_of(whole, digits), code, atol=1e-5)


@slow
def test_tied_layers_are_trained_one_by_one(digits, joined, monkeypatch):
    estimator = AutoencoderTransformer(
        3, architecture=Dense((12, 7), activation="tanh", tied=True), batch_size=32, max_iter=6,
        output_activation="logistic", pretraining="layerwise", solver="sgd", random_state=0,
    )  # fmt: skip
    whole = joined(estimator, digits)
    params = [
        (n, {"architecture": Dense((), tied=True), "code_activation": code,
             "output_activation": output})
        for n, code, output in [
            (12, "tanh", "logistic"), (7, "tanh", "tanh"), (3, "identity", "tanh")
        ]
    ]  # fmt: skip
    arrays = [s._network.trainable for s in by_hand(estimator, params, digits, monkeypatch)[0]]
    assert_same_arrays(
        whole.trainable,
        [*(w for a in arrays for w in a[:2]), *(w for a in arrays[::-1] for w in a[2:])],
    )


@pytest.mark.parametrize("downsampling", slow_but("stride", of=DOWNSAMPLINGS))
def test_convolutions_are_trained_one_by_one(digits, joined, monkeypatch, downsampling):
    activation = "leaky_relu"
    options = {"downsampling": downsampling, "activation": activation}
    outer_layer = Conv((8, 8), (4,), **options) if downsampling == "stride" else Pooled()
    estimator = AutoencoderTransformer(
        3, architecture=Conv((8, 8), (4, 6), **options), batch_size=50, max_iter=3,
        output_activation="logistic", pretraining="layerwise", solver="sgd", random_state=0,
    )  # fmt: skip
    whole = joined(estimator, digits)
    output = {"code_activation": activation, "output_activation": activation}
    params = [
        (None, {**output, "architecture": outer_layer, "output_activation": "logistic"}),
        (None, {**output, "architecture": Conv((4, 4, 4), (6,), **options)}),
        (3, {**output, "architecture": Dense(()), "code_activation": "identity"}),
    ]  # fmt: skip
    singles, code = by_hand(estimator, params, digits, monkeypatch)
    outer, inner, dense = (single._network.trainable for single in singles)
    assert_same_arrays(
        whole.trainable,
        [*outer[:2], *inner[:2], *dense[:2], *dense[2:], *inner[2:], *outer[2:]],
    )
    np.testing.assert_allclose(code_of(whole, digits), code, atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "n_components"),
    [
        pytest.param(Dense((9, 7), linear_path=False), 3, marks=slow),
        (Dense((9, 7), normalization="batch", dropout=0.2, linear_path=False), 3),
        (
            Dense(
                (9, 7),
                activation=["tanh", "relu"],
                normalization="layer",
                tied=True,
                linear_path=False,
            ),
            3,
        ),
        pytest.param(Conv((8, 8), (3, 2)), 3, marks=slow),
        pytest.param(Conv((8, 8), (3, 4, 2), normalization="batch", dropout=0.1), None, marks=slow),
        (Conv((7, 5), (3, 2), normalization="layer"), 3),
        (Conv((8, 8), (3, 2), downsampling="max_pool", activation="relu"), 3),
        pytest.param(
            Conv((8, 8), (3, 4, 2), downsampling="max_pool", normalization="batch"),
            None,
            marks=slow,
        ),
        pytest.param(
            Conv((5, 7), (3, 2), 2, downsampling="max_pool", normalization="layer", dropout=0.1),
            3,
            marks=slow,
        ),
    ],
    ids=repr,
)
def test_joined_layers_compute_what_they_compute_one_after_the_other(architecture, n_components):
    n_features = int(np.prod(getattr(architecture, "image_shape", 64)))
    recipe = Recipe(architecture, n_features, n_components, PointCode("tanh"), "logistic")
    X = np.random.default_rng(1).normal(size=(6, n_features)).astype(np.float32)
    rng = np.random.default_rng(0)
    trained = []

    def train(number, layer, objective, data, seed, constants):
        network = initial_network(layer, number, constants)
        for array in network.trainable:
            array[...] = rng.uniform(-1, 1, size=array.shape)
        for array in network.fixed:  # running means and variances, and states of dropouts
            array[...] = rng.uniform(1, 2, size=array.shape)
        trained.append(network)
        return network

    data = TrainingSet(Rows(X), Rows(X), np.ones(6))
    layers = layers_of(recipe, SquaredError())
    whole = pretrained(recipe, layers, Objective(SquaredError()), data, 0, {}, train)
    code = X
    for network in trained:
        code = code_of(network, code)
    np.testing.assert_allclose(code_of(whole, X), code, rtol=1e-3, atol=1e-5)
    rows = code
    for network in reversed(trained):
        rows = network.decode(Rows(rows), np.empty((6, network.recipe.n_features), np.float32))
    got = whole.decode(Rows(code), np.empty_like(X))
    np.testing.assert_allclose(got, rows, rtol=1e-3, atol=1e-5)
    assert np.ptp(rows, axis=0).max() > 1e-3
    for kind in ("trainable", "fixed"):
        arrays = [array for network in trained for array in getattr(network, kind)]
        sizes = [array.size for array in getattr(whole, kind)]
        assert sum(sizes) == sum(array.size for array in arrays)


class Deeper(Dense):
    """A user's subclass that adds a layer, but inherits `stages`."""

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        encoder, decoder = super().build(input_shape, n_components)
        return encoder, Sequential([decoder, layers.Dense(*input_shape)])


class WithoutDropout(Dense):
    def stages(self, input_shape, n_components):
        plain = Dense(self.hidden_layer_sizes, normalization=self.normalization)
        return plain.stages(input_shape, n_components)


class Narrower(Dense):
    def stages(self, input_shape, n_components):
        return Dense((9, 4)).stages(input_shape, n_components)


class Outermost(Dense):
    def stages(self, input_shape, n_components):
        return super().stages(input_shape, n_components)[:-1]


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Deeper((9, 7)), r"those of Deeper are not: array 1 of the decoder's trainable weights, "
         r"counted from the data inwards, is 'kernel' of shape \(64, 64\) in the network and "
         r"'kernel' of shape \(9, 64\) in the stages"),
        (Narrower((9, 7)), r"array 2 of the encoder's trainable .* is 'kernel' of shape \(9, 7\) "
         r"in the network and 'kernel' of shape \(9, 4\)"),
        (Outermost((9, 7)), r"array 4 .* 'kernel' of shape \(7, 3\) in the network and none in"),
        (WithoutDropout((9, 7), normalization="batch", dropout=0.1), r"array 2 of the encoder's "
         r"fixed .* 'seed_generator_state' .* in the network and 'moving_mean' of shape \(7,\)"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_stages_that_are_not_the_network_are_refused_before_training(
    architecture, message, digits, monkeypatch
):
    monkeypatch.delattr(_fit.Training, "run")
    with pytest.raises(ValueError, match=message):
        fit(architecture, digits, pretraining="layerwise")


def test_weight_shapes_of_a_subclass():
    assert_shapes_are_those_built(Deeper(5), 6, 2)


class Pooled(Architecture):
    """The outer layer of a max-pooling network by itself: one convolution on either side."""

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        conv = {"padding": "same", "data_format": "channels_last"}
        encoder = [
            layers.Reshape((8, 8, 1)), layers.Conv2D(4, 3, **conv), halving_max()(),
            layers.Flatten(),
        ]  # fmt: skip
        decoder = [
            layers.Reshape((4, 4, 4)), layers.UpSampling2D(2), layers.Conv2D(1, 3, **conv),
            layers.Flatten(),
        ]  # fmt: skip
        return (
            Sequential([layers.Input(input_shape), *encoder]),
            Sequential([layers.Input((64,)), *decoder]),
        )


@pytest.mark.parametrize("activation", slow_but("tanh", of=["tanh", "silu"]))
@pytest.mark.parametrize("downsampling", DOWNSAMPLINGS)
def test_stages_one_after_the_other_are_the_whole(downsampling, activation):
    conv = Conv((8, 4), (2, 3), downsampling=downsampling, activation=activation)
    encoder, _ = conv.build((32,), 2)
    weights = with_random_weights(encoder)
    X = 5 * np.random.default_rng(0).normal(size=(20, 32)).astype("f4")
    hidden = X
    for number, stage in enumerate(conv.stages((32,), 2)):
        single, _ = stage.architecture.build(hidden.shape[1:], stage.n_components)
        single.set_weights(weights[2 * number : 2 * number + 2])
        hidden = ACTIVATIONS[stage.activation](np.array(single(hidden), float)).astype("f4")
    np.testing.assert_allclose(encoder(X), hidden, atol=1e-4)


@slow
def test_estimators_of_several_kinds_pretrain_the_same_layers(digits):
    """Their layers share compiled programs, whatever numbers the objective of the whole has."""
    settings = {"hidden_layer_sizes": (6,), "pretraining": "layerwise", "max_iter": 1,
                "solver": "sgd"}  # fmt: skip
    for kind in (ContractiveAutoencoder, VariationalAutoencoder):
        assert kind(2, random_state=0, **settings).fit(digits).n_iter_ == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "architecture"),
    [
        *((kind, Dense((20, 10))) for kind in ESTIMATORS),
        (AutoencoderTransformer, Dense((20, 10), normalization="layer", dropout=0.1)),
        (AutoencoderTransformer, Conv((8, 8), (4,), downsampling="max_pool")),
        (ContractiveAutoencoder, Conv((8, 8), (4,))),
    ],
)
def test_pretraining_gives_a_better_start(digits, kind, architecture):
    settings = {"architecture": architecture, "max_iter": 9, "random_state": 0}
    plain = kind(4, **settings).fit(digits)
    start = kind(4, pretraining="layerwise", **settings).fit(digits)
    assert start.loss_curve_[0] < plain.loss_curve_[0]


def test_a_variational_convolution_starts_from_its_pretrained_layer():
    """The layer that gives mean and variance is drawn; all others are those of the one stage."""
    recipe = Recipe(Conv((8, 8), (4,)), 64, 3, NormalCode(), "logistic")
    trained = []

    def train(number, layer, objective, data, seed, constants):
        trained.append(initial_network(layer, seed + 7, constants))
        return trained[-1]

    X = Rows(np.zeros((5, 64), np.float32))
    data = TrainingSet(X, X, np.ones(5))
    objective = Objective(Bernoulli()).plus(L2(), 0.0)
    layers = layers_of(recipe, Bernoulli().of_layer())
    joined = pretrained(recipe, layers, objective, data, 0, {}, train)
    (stage,) = trained
    fresh = initial_network(recipe, 0, {})
    np.testing.assert_array_equal(joined.trainable[0], stage.trainable[0])
    np.testing.assert_array_equal(joined.trainable[-2], stage.trainable[-2])
    for place in (2, 4):  # the kernels around the code
        np.testing.assert_array_equal(joined.trainable[place], fresh.trainable[place])
    assert not np.array_equal(joined.trainable[0], fresh.trainable[0])


@pytest.mark.parametrize(
    "kind", slow_but(DenoisingAutoencoder, of=[AutoencoderTransformer, DenoisingAutoencoder])
)
def test_pretraining_with_missing_values_and_pairs(digits, kind):
    X = np.where(np.random.default_rng(0).uniform(size=digits.shape) < 0.1, np.nan, digits)
    settings = {
        "hidden_layer_sizes": (20, 10), "init": "random", "max_iter": 9, "random_state": 0
    }  # fmt: skip
    pairs = {"X_clean": digits} if kind is DenoisingAutoencoder else {}
    plain = kind(4, missing="mask", **settings).fit(X, **pairs)
    start = clone(plain).set_params(pretraining="layerwise").fit(X, **pairs)
    assert start.loss_curve_[0] < plain.loss_curve_[0]


def test_a_convolution_ends_with_a_map_that_is_pretrained_too(digits):
    settings = {"architecture": Conv((8, 8), (3, 5)), "max_iter": 6, "random_state": 0}
    plain = AutoencoderTransformer(None, **settings).fit(digits)
    start = AutoencoderTransformer(None, pretraining="layerwise", **settings).fit(digits)
    assert start.transform(digits).shape == (300, 2 * 2 * 5)
    assert start.loss_curve_[0] < plain.loss_curve_[0]


# Refusals and warnings


class Plain(Architecture):
    """A user's architecture without `stages`."""

    def build(self, input_shape, n_components):
        return Dense((3,)).build(input_shape, n_components)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_layer_sizes": ()}, r"pretraining='layerwise' needs an encoder of at least two "
         r"layers, got Dense\(.*\) with 1\. Add hidden layers"),
        ({"architecture": Conv((8, 8), (3,)), "n_components": None},
         "at least two layers, got Conv|n_components=None"),
        ({"architecture": Plain()}, "names its layers, but Plain has no method `stages`"),
    ],
)  # fmt: skip
def test_what_layerwise_pretraining_refuses(digits, kind, params, message):
    with pytest.raises(ValueError, match=message):
        kind(pretraining="layerwise", **params).fit(digits)


def test_a_variational_code_cannot_be_tied(digits):
    with pytest.raises(ValueError, match=r"tied=True.* ties the decoder's weights"):
        VariationalAutoencoder(architecture=Dense((4,), tied=True)).fit(digits)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_dense_layers_need_a_code_width(digits, kind):
    with pytest.raises(ValueError, match=r"n_components=None"):
        kind(None).fit(digits)


def test_a_variational_code_needs_a_width(digits):
    with pytest.raises(ValueError, match=r"n_components=None: a code that is drawn at random"):
        VariationalAutoencoder(None, architecture=Conv((8, 8))).fit(digits)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Conv((8, 9)), r"image_shape=\(8, 9\) stands for 72 values a row, but X has 64"),
        (Conv((8, 8, 3)), "stands for 192 values a row"),
        (Conv(8), r"image_shape must be \(height, width\) or \(height, width, channels\), got 8"),
        (Conv((64,)), r"image_shape must be .* got \(64,\)"),
        (Conv((8.0, 8)), r"image_shape must be"),
        (Conv((0, 8)), r"image_shape must be"),
        (Conv((8, 8), ()), "filters must have one entry a layer, got none"),
        (Conv((8, 8), (4, 0)), r"filters must be whole numbers of at least 1, got \(4, 0\)"),
        (Conv((8, 8), 2.5), "filters must be whole numbers of at least 1, got 2.5"),
        (Conv((8, 8), "many"), "filters must be whole numbers"),
        (Conv((8, 8), (1,) * 6), r"filters must have at most 3 entries for images of 8 x 8 pixels, "
         r"because each layer halves height and width; got \(1, 1, 1, 1, 1, 1\) with 6 entries"),
        (Conv((8, 8), None), "filters must be whole numbers"),
        (Conv((8, 8), 4, 0), "kernel_size must be whole numbers of at least 1, got 0"),
        (Conv((8, 8), downsampling="mean"), "downsampling must be 'stride' or 'max_pool', got 'm"),
        (Conv((8, 8), activation=["relu"]), r"for each of the 2 entries of filters.* got \['relu"),
        (Conv((8, 8), activation="sine"), r"activation must be one name.* got 'sine'"),
        (Conv((8, 8), activation=None), "activation must be one name.* got None"),
        (Conv((8, 8), normalization="group"), "normalization must be 'batch', 'layer' or None"),
        (Conv((8, 8), dropout=1.0), "dropout must be a number from 0 to below 1, got 1.0"),
        (Dense((9, 0)), r"hidden_layer_sizes must be whole numbers of at least 1, got \(9, 0\)"),
        (Dense("wide"), "hidden_layer_sizes must be whole numbers"),
        (Dense((9, 4), activation=["relu"] * 3), "for each of the 2 entries of hidden_layer_sizes"),
        (Dense((9,), activation=["sine"]), r"activation must be .* got \['sine'\]"),
        (Dense((9,), normalization=True), "normalization must be .* got True"),
        (Dense((9,), dropout=-0.1), "dropout must be .* got -0.1"),
        (Dense((9,), dropout="some"), "dropout must be .* got 'some'"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_fit_refuses(digits, architecture, message):
    with pytest.raises(ValueError, match=message):
        AutoencoderTransformer(architecture=architecture).fit(digits)


@pytest.mark.parametrize("activation", [["relu"], ["relu", "sine"]])
def test_activations_of_the_estimator(digits, activation):
    with pytest.raises(ValueError, match="for each of the 2 entries of hidden_layer_sizes"):
        AutoencoderTransformer(hidden_layer_sizes=(5, 4), activation=activation).fit(digits)


def prepare_wide(estimator):
    """What a fit of four features does before the training, when it warns of the code's width."""
    X = np.random.default_rng(0).uniform(size=(40, 4))
    _fit.Fit(estimator)._prepare(X, None, None, None)


@pytest.mark.parametrize("kind", ESTIMATORS[1:])
def test_a_code_wider_than_the_input_where_it_is_constrained(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare_wide(kind(5))


def test_a_code_wider_than_the_input():
    X = np.random.default_rng(0).uniform(size=(40, 4))
    with pytest.warns(UserWarning, match="The code has 5 units, more than the 4 features of X"):
        AutoencoderTransformer(5, max_iter=1, random_state=0).fit(X)
    with pytest.warns(UserWarning, match="The code has 18 units"):
        prepare_wide(AutoencoderTransformer(None, architecture=Conv((1, 4), (9,))))


def test_a_weight_of_zero_constrains_nothing():
    for unconstrained in (
        SparseAutoencoder(5, sparsity_weight=0),
        ContractiveAutoencoder(5, contraction=0),
        VariationalAutoencoder(5, beta=0),
    ):
        with pytest.warns(UserWarning, match="The code has 5 units"):
            prepare_wide(unconstrained)


@pytest.mark.parametrize("seed", slow_but(0, of=range(3)))
def test_a_logistic_output_of_dark_images_does_not_fall_to_black(seed):
    """All pixels share the output's bias, which squared errors would push down together."""
    X = np.zeros((1500, 20, 20), np.float32)
    places = np.random.default_rng(seed).integers(4, 16, size=(1500, 2))
    for image, (row, column) in zip(X, places, strict=True):
        image[row - 2 : row + 2, column - 2 : column + 2] = 1.0
    X = X.reshape(1500, -1)
    estimator = AutoencoderTransformer(
        None, architecture=Conv((20, 20), (8, 8), 5), batch_size=50, max_iter=3, random_state=seed
    ).fit(X)
    assert -estimator.score(X) < 0.5 * X.var(axis=0).mean()
