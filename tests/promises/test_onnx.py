"""skae's estimators in ONNX: what onnxruntime computes is what the estimators compute."""

import functools
import subprocess
import sys

import numpy as np
import pytest
from cases import slow, slow_but
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import load_keras
from skae.architectures import Architecture, Conv, Dense

pytest.importorskip("skl2onnx")
runtime = pytest.importorskip("onnxruntime")

from skl2onnx import to_onnx  # noqa: E402
from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: E402

import skae.onnx  # noqa: E402, F401  which registers the converters

keras = load_keras()

EVERYTHING = {"reconstruct": True, "reconstruction_error": True}
DIGITS = load_digits()
X = DIGITS.data[:300]


def fit(estimator, rows=X):
    return estimator.set_params(random_state=0).fit(rows)


def session(model):
    return runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def results(model, rows):
    """What onnxruntime gives, by the names of the outputs."""
    running = session(model)
    names = [output.name for output in running.get_outputs()]
    inputs = rows if isinstance(rows, dict) else {running.get_inputs()[0].name: rows}
    return dict(zip(names, running.run(None, inputs), strict=True))


def assert_close(found, expected, dtype=None):
    """Equal to 1e-5 of the scale of the expected output."""
    expected = np.reshape(expected, (len(expected), -1))
    assert found.shape == expected.shape
    if dtype is not None:
        assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def assert_same(estimator, rows):
    """All outputs of an autoencoder, for inputs of both precisions."""
    for dtype in (np.float32, np.float64):
        given = rows.astype(dtype)
        model = to_onnx(estimator, given[:1], options={id(estimator): EVERYTHING})
        found = results(model, given)
        assert_close(found["variable"], estimator.transform(given), dtype)
        assert_close(found["reconstruction"], estimator.reconstruct(given), dtype)
        assert_close(found["reconstruction_error"], estimator.reconstruction_error(given), dtype)


class Branches(Architecture):
    """A user's network of Keras's layers: branches, a model inside, activations in layers."""

    def build(self, input_shape, n_components):
        layers = keras.layers
        rows = keras.Input(input_shape)
        inner = keras.Sequential([layers.Input(input_shape), layers.Dense(6, "silu")])
        one = layers.GaussianNoise(0.1)(inner(rows))
        other = layers.Dense(6, "elu", use_bias=False)(rows)
        both = layers.Concatenate()([layers.Add()([one, other]), one])
        codes = keras.Input((n_components,))
        maps = layers.Reshape((4, 4, 2))(layers.Dense(32)(codes))
        maps = layers.Conv2DTranspose(3, 3, strides=3, padding="same", activation="relu")(maps)
        maps = layers.Conv2D(4, (3, 2), padding="valid", dilation_rate=2)(maps)
        decoded = layers.Dense(input_shape[0])(layers.Flatten()(maps))
        return (
            keras.Model(rows, layers.Dense(n_components)(both)),
            keras.Model(codes, decoded),
        )


ESTIMATORS = {
    "default": AutoencoderTransformer(4, max_iter=3),
    "no hidden layer": AutoencoderTransformer(4, hidden_layer_sizes=(), max_iter=2),
    "plain": AutoencoderTransformer(4, init="random", code_activation="tanh", max_iter=2),
    "denoising": DenoisingAutoencoder(4, max_iter=2),
    "sparse": SparseAutoencoder(4, code_activation="logistic", max_iter=2),
    "contractive": ContractiveAutoencoder(4, activation="softplus", max_iter=2),
    "variational": VariationalAutoencoder(4, max_iter=2),
    "tied": AutoencoderTransformer(
        4,
        architecture=Dense(
            (16, 8), tied=True, normalization="batch", dropout=0.2, activation=["gelu", "softsign"]
        ),
        max_iter=2,
    ),
    "batch normalisation": AutoencoderTransformer(
        4,
        architecture=Dense((16, 8), normalization="batch", activation=["leaky_relu", "selu"]),
        max_iter=2,
    ),
    "layer normalisation": AutoencoderTransformer(
        4, architecture=Dense((16,), normalization="layer", activation="elu"), max_iter=2
    ),
    "stride": AutoencoderTransformer(
        4, architecture=Conv((8, 8), (4, 6), 5, normalization="batch"), max_iter=1
    ),
    "maps": AutoencoderTransformer(None, architecture=Conv((8, 8), (3,), 2), max_iter=1),
    "even and single kernels": AutoencoderTransformer(
        4, architecture=Conv((8, 8), (3, 4), 1), max_iter=1
    ),
    "max_pool": AutoencoderTransformer(
        4,
        architecture=Conv((8, 8), (4, 6), downsampling="max_pool", normalization="layer"),
        max_iter=1,
    ),
    "margins": AutoencoderTransformer(
        4, architecture=Conv((4, 16), (2, 3, 4), 4, dropout=0.1), max_iter=1
    ),
    "a user's": AutoencoderTransformer(3, architecture=Branches(), max_iter=1),
}


KEPT = ("default", "max_pool", "a user's")


@pytest.mark.parametrize("name", slow_but(*KEPT, of=list(ESTIMATORS)))
def test_what_it_computes_is_what_the_estimator_computes(name):
    assert_same(fit(ESTIMATORS[name]), X)


@slow
def test_a_logistic_output_and_channels():
    images = np.random.default_rng(0).uniform(size=(50, 6 * 5 * 3))
    conv = Conv((6, 5, 3), (4,), downsampling="max_pool")
    estimator = AutoencoderTransformer(
        3, architecture=conv, output_activation="logistic", max_iter=1
    )
    assert_same(fit(estimator, images), images)


def test_reconstructions_keep_to_their_bounds():
    estimator = fit(AutoencoderTransformer(4, max_iter=3))
    rows = 30 * X  # whose reconstructions are beyond the bounds of the training rows
    model = to_onnx(estimator, rows[:1], options={id(estimator): EVERYTHING})
    found = results(model, rows)["reconstruction"]
    assert_close(found, estimator.reconstruct(rows))
    low, high = (estimator._network.constants[name] for name in ("low", "high"))
    assert (low <= found).all()
    assert (found <= high).all()
    assert (found == low).any()
    assert (found == high).any()


def test_missing_values_are_filled_as_in_the_estimator():
    rows = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    estimator = fit(AutoencoderTransformer(4, missing="mask", max_iter=3), rows)
    assert_same(estimator, rows)
    model = to_onnx(estimator, rows[:1], options={id(estimator): EVERYTHING})
    found = results(model, np.full((1, 64), np.nan))
    np.testing.assert_allclose(found["variable"], estimator.transform(np.full((1, 64), np.nan)))
    assert np.isnan(found["reconstruction_error"]).all()


@pytest.mark.parametrize("missing", ["error", "mask"])
def test_a_row_that_the_estimator_refuses_gives_nan(missing):
    """And not what a ReLU makes of NaN; the other rows are as they were."""
    estimator = AutoencoderTransformer(4, init="random", missing=missing, max_iter=1)
    model = to_onnx(fit(estimator), X[:1], options={id(estimator): EVERYTHING})
    rows = X[:3].copy()
    rows[0, 5] = np.inf
    rows[1, 5] = np.nan if missing == "error" else -np.inf
    usual = results(model, X[:3])
    for name, found in results(model, rows).items():
        assert np.isnan(found[:2]).all()
        np.testing.assert_array_equal(found[2], usual[name][2])


@slow
@pytest.mark.parametrize(
    "cls", slow_but(AutoencoderTransformer, of=[AutoencoderTransformer, VariationalAutoencoder])
)
def test_a_large_centre_costs_what_the_input_loses(cls):
    rows = 1.7e9 + X  # seconds since 1970
    estimator = fit(cls(4, max_iter=3), rows)
    assert_same(estimator, rows)
    model = to_onnx(estimator, rows[:1])
    assert_close(results(model, rows)["variable"], fit(cls(4, max_iter=3)).transform(X))
    rounded = rows.astype(np.float32)
    assert np.unique(rounded[:, 20]).size == 1  # all that told the rows apart is rounded off
    found = results(to_onnx(estimator, rounded[:1]), rounded)["variable"]
    assert_close(found, estimator.transform(rounded))
    assert np.ptp(found, axis=0).max() == 0


def test_batches_of_any_size():
    estimator = fit(AutoencoderTransformer(4, max_iter=2))
    running = session(to_onnx(estimator, X[:1].astype(np.float32)))
    rows = np.resize(X, (1000, 64)).astype(np.float32)
    code = estimator.transform(rows)
    for n_rows in (1, 2, 1000):
        (found,) = running.run(None, {"X": rows[:n_rows]})
        assert_close(found, code[:n_rows])


def test_in_pipelines():
    autoencoder = AutoencoderTransformer(8, max_iter=3, random_state=0)
    pipe = make_pipeline(StandardScaler(), autoencoder, PCA(3)).fit(X)
    rows = X.astype(np.float32)
    assert_close(results(to_onnx(pipe, rows[:1]), rows)["variable"], pipe.transform(rows))
    y = DIGITS.target[:300]
    pipe = make_pipeline(MinMaxScaler(), autoencoder, LogisticRegression()).fit(X, y)
    model = to_onnx(pipe, rows[:1], options={"logisticregression__zipmap": False})
    found = results(model, rows)
    np.testing.assert_array_equal(found["label"], pipe.predict(rows))
    assert_close(found["probabilities"], pipe.predict_proba(rows))
    union = make_union(autoencoder, PCA(2)).fit(X)
    (found,) = results(to_onnx(union, rows[:1]), rows).values()
    assert_close(found, union.transform(rows))


@slow
def test_outputs_that_are_asked_for_at_the_end_of_a_pipeline():
    autoencoder = AutoencoderTransformer(4, max_iter=2, random_state=0)
    pipe = make_pipeline(StandardScaler(), autoencoder).fit(X)
    model = to_onnx(pipe, X[:1], options={"autoencodertransformer__reconstruction_error": True})
    found = results(model, X)
    assert list(found) == ["variable", "reconstruction_error"]
    assert_close(
        found["reconstruction_error"],
        autoencoder.reconstruction_error(pipe[0].transform(X)),
    )
    # In the middle, the next step would get them all: skl2onnx refuses that.
    longer = make_pipeline(*pipe, PCA(2)).fit(X)
    with pytest.raises(RuntimeError, match="at most 1 input"):
        to_onnx(longer, X[:1], options={id(longer[1]): EVERYTHING})


@slow
def test_columns_of_a_frame_and_whole_numbers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, 20:24], columns=list("abcd")).astype({"a": int})
    estimator = fit(AutoencoderTransformer(2, max_iter=2), frame)
    found = results(
        to_onnx(estimator, frame[:1]), {name: frame[[name]].to_numpy() for name in frame}
    )
    assert_close(found["variable"], estimator.transform(frame), np.float64)
    whole = X.astype(np.int64)
    estimator = fit(AutoencoderTransformer(2, max_iter=2), whole)
    found = results(to_onnx(estimator, whole[:1]), whole)["variable"]
    assert_close(found, estimator.transform(whole), np.float32)


# The detector


@pytest.fixture(scope="module")
def detector():
    rows = X.copy()
    rows[:, 0] = 3.0  # constant: another value is a surprise
    return AutoencoderOutlierDetector(
        AutoencoderTransformer(4, max_iter=3, trim_fraction=0.1), random_state=0
    ).fit(rows), rows


def assert_same_scores(detector, rows):
    for dtype in (np.float32, np.float64):
        given = rows.astype(dtype)
        model = to_onnx(detector, given[:1], options={id(detector): {"score_samples": True}})
        found = results(model, given)
        np.testing.assert_array_equal(found["label"][:, 0], detector.predict(given))
        assert_close(found["scores"], detector.decision_function(given), dtype)
        assert_close(found["score_samples"], detector.score_samples(given), dtype)


@slow
def test_scores_of_the_detector(detector):
    model, rows = detector
    rows = rows.copy()
    rows[::3, 0] = 4.0
    rows[5] = 16.0
    assert -1 in model.predict(rows)
    assert_same_scores(model, rows)
    assert list(results(to_onnx(model, rows[:1]), rows)) == ["label", "scores"]


@slow
def test_missing_values_in_the_detector():
    rows = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    autoencoder = AutoencoderTransformer(4, missing="mask", max_iter=3)
    model = AutoencoderOutlierDetector(autoencoder, random_state=0).fit(rows)
    assert_same_scores(model, rows)
    assert_same_scores(model, X)  # where nothing is to be filled


@slow
def test_rows_that_the_detector_refuses_are_outliers(detector):
    model, rows = detector
    bad = rows[[0, 1, 3, 2]].copy()
    assert not np.isnan(model.constant_[0])
    bad[0, 7], bad[1, 7], bad[2, 0] = np.nan, np.inf, np.inf
    found = results(to_onnx(model, bad[:1], options={id(model): {"score_samples": True}}), bad)
    assert found["label"][:3, 0].tolist() == [-1, -1, -1]
    assert np.isneginf(found["score_samples"][:3]).all()
    assert np.isfinite(found["score_samples"][3]).all()
    far = np.full((2, 64), 1e200)
    assert np.isneginf(results(to_onnx(model, far[:1]), far)["scores"]).all()


@slow
@pytest.mark.parametrize(
    ("vae", "divisor"),
    [
        (VariationalAutoencoder(0.9, alpha=0.0, max_iter=2, trim_fraction=0.1), 1),
        pytest.param(VariationalAutoencoder(3, noise_variance=2.0, max_iter=2), 1, marks=slow),
        (VariationalAutoencoder(3, likelihood="bernoulli", max_iter=2), 16),
    ],
    ids=["gaussian", "given variance", "bernoulli"],
)
def test_scores_that_are_means_over_draws(vae, divisor):
    """The same draws, which follow from the bits of each row: another mean would be another score.

    Rows of zeros, of tiny and of negative numbers have bits that are not usual.
    """
    rows = X / divisor
    model = AutoencoderOutlierDetector(vae, random_state=0).fit(rows)
    centre = model.estimator_._network.constants.get("centre", np.zeros(64))
    odd = rows[:4].copy()
    odd[0], odd[1], odd[2, ::2] = 0.0, centre, centre[::2] + 1e-30
    noise = np.random.default_rng(0).uniform(size=rows.shape) * rows.max(axis=0)
    for given in (rows, noise, odd):
        assert_same_scores(model, given)
    bad = rows[:3].copy()
    bad[0, 5], bad[1, 5] = np.nan, -1e300
    found = results(to_onnx(model, bad[:1]), bad)
    assert np.isneginf(found["scores"][:2]).all()
    assert found["label"][:2, 0].tolist() == [-1, -1]


def test_draws_are_those_of_jax():
    jax = pytest.importorskip("jax")
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    from skae.onnx import _draws, _nodes

    class Container:
        """What skl2onnx hands to converters, as far as it is used."""

        target_opset, target_opset_all = 18, {}

        def __init__(self):
            self.nodes, self.tensors, self.n_names = [], [], 0

        def get_unique_operator_name(self, name):
            self.n_names += 1
            return f"{name}_{self.n_names}"

        get_unique_variable_name = get_unique_operator_name

        def add_node(self, operator, inputs, outputs, op_version, name, **attributes):
            self.nodes.append(helper.make_node(operator, inputs, outputs, name, **attributes))

        def add_initializer(self, name, kind, shape, tensor):
            tensor.name = name
            self.tensors.append(tensor)

    container = Container()
    nodes = _nodes.Nodes(container, container)
    key = np.array([123, 4_000_000_000], np.uint32)
    keys = [nodes.constant(np.full((1, 1), int(word))) for word in key]
    keys = _draws.threefry(nodes, keys, (np.array(0), np.array([[7]])))
    draws = _draws.normal(nodes, _draws.threefry(nodes, keys, (np.array(0), np.arange(5000)[None])))
    output = helper.make_tensor_value_info(draws, TensorProto.DOUBLE, [None, None])
    graph = helper.make_graph(container.nodes, "draws", [], [output], container.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    (found,) = session(model).run(None, {})
    expected = jax.random.normal(jax.random.fold_in(key, 7), (5000,))
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


@slow
def test_missing_values_before_draws_are_refused():
    rows = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    vae = VariationalAutoencoder(2, missing="mask", max_iter=1)
    model = AutoencoderOutlierDetector(vae, random_state=0).fit(rows)
    with pytest.raises(NotImplementedError, match=r"first bits of a row.*closed form"):
        to_onnx(model, rows[:1])
    assert_same(model.estimator_, rows)


@slow
def test_draws_need_newer_operators():
    model = AutoencoderOutlierDetector(VariationalAutoencoder(2, max_iter=1), random_state=0)
    with pytest.raises(RuntimeError, match="target_opset=18 or newer, got 17"):
        to_onnx(model.fit(X), X[:1], target_opset=17)


# Classifier and regressor


SMALL = AutoencoderTransformer(3, hidden_layer_sizes=(8,), max_iter=1)
LABELS = DIGITS.target[:300] % 3
NAMES = np.array(["zero", "one", "zwei"], object)


@pytest.fixture(scope="module")
def small():
    return fit(SMALL)


def noisy(rows):
    return rows + 3 * np.random.default_rng(0).normal(size=rows.shape)


@slow
@pytest.mark.parametrize(
    "y",
    [LABELS, NAMES[LABELS], LABELS > 0, 2.0 * LABELS, np.float32(2) * LABELS.astype(np.float32)],
    ids=["int", "str", "bool", "float", "single"],
)
def test_labels_and_probabilities(y, small):
    model = AutoencoderClassifier(small, max_iter=1, random_state=0).fit(X, y)
    for rows in (X, noisy(X), X.astype(np.float32)):
        found = results(to_onnx(model, rows[:1], options={id(model): {"zipmap": False}}), rows)
        assert list(found) == ["label", "probabilities"]
        np.testing.assert_array_equal(found["label"], model.predict(rows))
        assert_close(found["probabilities"], model.predict_proba(rows), rows.dtype)


@slow
def test_labels_in_a_pipeline_of_any_autoencoder():
    gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    for given in (VariationalAutoencoder(2, max_iter=1), clone(SMALL).set_params(missing="mask")):
        rows = gaps if given.missing == "mask" else X
        classifier = AutoencoderClassifier(given, max_iter=1, random_state=0)
        pipe = make_pipeline(StandardScaler(), classifier).fit(rows, LABELS)
        found = results(to_onnx(pipe, rows[:1], options={"zipmap": False}), rows)
        np.testing.assert_array_equal(found["label"], pipe.predict(rows))
        assert_close(found["probabilities"], pipe.predict_proba(rows))


@slow
def test_predictions_of_numbers(small):
    for y in (1e3 * X[:, 20] + 5, np.c_[X[:, 20] ** 2, -X[:, 30]]):
        model = AutoencoderRegressor(small, max_iter=1, random_state=0).fit(X, y)
        for rows in (X, noisy(X), X.astype(np.float32)):
            found = results(to_onnx(model, rows[:1]), rows)
            assert_close(found["variable"], model.predict(rows), rows.dtype)
    bad = X[:2].copy()
    bad[0, 3] = np.nan
    found = results(to_onnx(model, bad[:1]), bad)["variable"]
    assert np.isnan(found[0]).all()
    assert_close(found[1:], model.predict(bad[1:]))


@slow
def test_what_is_not_converted_is_named():
    pandas = pytest.importorskip("pandas")
    gaps = np.where(np.random.default_rng(0).random((60, 4)) < 0.1, np.nan, X[:60, 20:24])
    imputer = AutoencoderImputer(SMALL, random_state=0).fit(gaps)
    pipe = make_pipeline(imputer, StandardScaler()).fit(gaps)
    for model in (imputer, pipe):
        with pytest.raises(NotImplementedError, match=r"AutoencoderImputer: .*solved for each row"):
            to_onnx(model, gaps[:1])
    table = pandas.DataFrame({"size": X[:, 20], "kind": NAMES[LABELS]})
    model = fit(AutoencoderTransformer(1, max_iter=1), table)
    with pytest.raises(NotImplementedError, match=r"of a table with categories.*Encode the"):
        to_onnx(model, table[:1])
    dates = np.array(["2020-01-01", "2021-01-01"], "datetime64[D]")[LABELS % 2]
    model = AutoencoderClassifier(model, max_iter=0, random_state=0).fit(table, dates)
    with pytest.raises(NotImplementedError, match="classes of type datetime64"):
        to_onnx(model, table[:1])
    with pytest.raises(ValueError, match="not fitted yet"):
        to_onnx(AutoencoderRegressor(), X[:1])


# What is refused


def raising(layer):
    """An architecture with a layer of which there is no converter."""

    class Other(Architecture):
        def build(self, input_shape, n_components):
            layers = keras.layers
            encoder = keras.Sequential(
                [layers.Input(input_shape), layer(), layers.Dense(n_components)]
            )
            decoder = keras.Sequential(
                [layers.Input((n_components,)), layers.Dense(input_shape[0])]
            )
            return encoder, decoder

    return Other()


class Doubled(keras.layers.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


def cubed(x):
    return x**3


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (functools.partial(Doubled, 5), "no converter for the layer 'doubled.*' of class Doubled"),
        (
            functools.partial(keras.layers.Dense, 5, cubed),
            "no converter for the activation .*cubed",
        ),
        (functools.partial(keras.layers.UnitNormalization), "of class UnitNormalization"),
    ],
)
def test_a_layer_without_a_converter_names_the_way_out(layer, message):
    estimator = fit(AutoencoderTransformer(2, architecture=raising(layer), max_iter=1))
    with pytest.raises(NotImplementedError, match=message + r".*model_.*\.export"):
        to_onnx(estimator, X[:1])


def test_a_call_with_arguments_is_refused():
    class Noisy(Architecture):
        def build(self, input_shape, n_components):
            rows, codes = keras.Input(input_shape), keras.Input((n_components,))
            dropped = keras.layers.Dropout(0.5)(rows, training=True)
            return (
                keras.Model(rows, keras.layers.Dense(n_components)(dropped)),
                keras.Model(codes, keras.layers.Dense(input_shape[0])(codes)),
            )

    estimator = fit(AutoencoderTransformer(2, architecture=Noisy(), max_iter=1))
    with pytest.raises(NotImplementedError, match=r"arguments \['training'\]"):
        to_onnx(estimator, X[:1])


def test_inputs_that_do_not_fit_are_refused():
    estimator = AutoencoderTransformer(2, max_iter=1)
    with pytest.raises(ValueError, match="not fitted yet"):
        to_onnx(estimator, X[:1])
    fit(estimator)
    with pytest.raises(ValueError, match=r"X has 5 features, but AutoencoderTransformer is expe"):
        to_onnx(estimator, X[:1, :5])
    with pytest.raises(TypeError, match="takes columns of numbers"):
        to_onnx(estimator, initial_types=[("X", StringTensorType([None, 64]))])
    with pytest.raises(RuntimeError, match="target_opset=13 or newer"):
        to_onnx(estimator, X[:1], target_opset=12)
    with pytest.raises(NameError, match="recontruct"):
        to_onnx(estimator, X[:1], options={id(estimator): {"recontruct": True}})


def test_rows_of_another_width_are_not_broadcast():
    estimator = fit(AutoencoderTransformer(2, max_iter=1))
    running = session(to_onnx(estimator, initial_types=[("X", FloatTensorType([None, None]))]))
    assert_close(running.run(None, {"X": X.astype(np.float32)})[0], estimator.transform(X))
    for width in (1, 32, 128):
        with pytest.raises(Exception, match="cannot be reshaped"):
            running.run(None, {"X": np.ones((64, width), np.float32)})


@slow
@pytest.mark.parametrize("opset", [13, 15, 18, 21])
def test_older_versions_of_onnx(opset):
    rows = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    autoencoder = AutoencoderTransformer(4, missing="mask", max_iter=2)
    model = AutoencoderOutlierDetector(autoencoder, random_state=0).fit(rows)
    found = results(to_onnx(model, rows[:1], target_opset={"": opset, "ai.onnx.ml": 1}), rows)
    assert_close(found["scores"], model.decision_function(rows))


def test_what_is_made_needs_neither_skae_nor_keras(tmp_path):
    estimator = fit(AutoencoderTransformer(2, max_iter=1))
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(estimator, X[:1]).SerializeToString())
    np.save(tmp_path / "rows.npy", X)
    program = f"""
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession({str(path)!r}, providers=["CPUExecutionProvider"])
(code,) = session.run(None, {{"X": numpy.load({str(tmp_path / "rows.npy")!r})}})
assert not {{"skae", "keras", "jax", "sklearn"}} & set(sys.modules)
numpy.save({str(tmp_path / "code.npy")!r}, code)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert_close(np.load(tmp_path / "code.npy"), estimator.transform(X))
