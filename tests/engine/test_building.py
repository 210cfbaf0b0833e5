"""What skae relies on beyond what Keras and JAX document: a new version that differs is told."""

import pickle
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
from cases import slow

from skae import AutoencoderTransformer
from skae._engine import (
    Recipe,
    building,
    clear_programs,
    graph_of,
    inference,
    load_keras,
)
from skae._engine._jax import compiling
from skae._engine.backend import session
from skae._engine.graph import initial_weights, new_graph
from skae._engine.keras_graph import keras_graph
from skae.architectures import Architecture, Conv, Dense

X = np.random.default_rng(0).uniform(size=(100, 16))


def fit(**params):
    return AutoencoderTransformer(3, max_iter=2, random_state=0, **params).fit(X)


@pytest.fixture(autouse=True)
def _new_programs():
    clear_programs()
    yield
    clear_programs()


ARCHITECTURES = [
    # Smooth: a kink would let training drift apart from the rounding of one step.
    Dense((4,), activation="silu", tied=True, normalization="batch", dropout=0.1),
    Conv((4, 4), (2,), normalization="layer"),
]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=repr)
def test_networks_are_built_without_values(architecture):
    graph = keras_graph(Recipe(architecture, 16, 3))
    kernels = [variable for variable in graph.trainable if len(variable.shape) > 1]
    assert kernels
    assert all(variable._value is None for variable in kernels)


@pytest.mark.parametrize(
    ("architecture", "switch"),
    [
        (ARCHITECTURES[0], "BUILDS_WITHOUT_VALUES"),
        (ARCHITECTURES[1], "INLINES_OWN_PROGRAMS"),
        pytest.param(ARCHITECTURES[0], "INLINES_OWN_PROGRAMS", marks=slow),
        pytest.param(ARCHITECTURES[1], "BUILDS_WITHOUT_VALUES", marks=slow),
    ],
    ids=repr,
)
def test_without_a_hack_the_same_is_computed(switch, architecture, monkeypatch):
    """Rounding may differ by how a program is traced, and nothing else."""
    with_hack = fit(architecture=architecture)
    clear_programs()
    module = building if switch == "BUILDS_WITHOUT_VALUES" else compiling
    monkeypatch.setattr(module, switch, False)
    without = fit(architecture=architecture)
    np.testing.assert_allclose(without.transform(X), with_hack.transform(X), atol=1e-4)


@pytest.mark.skipif(jax.__version_info__ < (0, 8), reason="older XLA has no YNNPACK to leave out")
def test_every_option_of_the_compiler_was_taken():
    """An option that this version of XLA does not know would be left out in silence."""
    fit(architecture=Conv((4, 4), (2,)), solver="sgd")
    fit(solver="sgd")
    gone = {"xla_cpu_use_fusion_emitters"} if jax.__version_info__ >= (0, 11) else set()
    assert compiling.refused_options == gone


def test_an_option_that_is_not_taken_is_noted(monkeypatch):
    monkeypatch.setattr(compiling, "refused_options", set())
    options = {"xla_of_tomorrow": True, **compiling.PLAIN_CONVOLUTIONS}
    if jax.__version_info__ < (0, 8):
        options = {"xla_of_tomorrow": True}
    arguments = (np.float32(0),)
    program = compiling.compiled(lambda x: 2 * x, arguments, is_own=True, cpu_options=options)
    assert program(np.float32(3)) == 6
    assert compiling.refused_options == {"xla_of_tomorrow"}


def test_every_initializer_is_found_and_seeded_by_skae():
    """By Keras's convention `kernel` has `kernel_initializer`."""
    layers = load_keras().layers
    graph = graph_of(Recipe(Dense((40,), activation="relu"), 30, 20))
    kernel = initial_weights(graph.recipe, 0)[0][0]
    limit = np.sqrt(6 / (30 + 40))  # Glorot's uniform
    assert abs(kernel).max() == pytest.approx(limit, rel=0.02)
    assert not np.array_equal(kernel, initial_weights(graph.recipe, 1)[0][0])
    for layer in (layers.Dense(3), layers.BatchNormalization(), layers.Conv2D(2, 3)):
        layer.build((None, 8, 8, 2))
        for variable in layer.variables:
            assert callable(getattr(layer, f"{variable.name}_initializer"))


class Around(Architecture):
    """A layer of Keras's that holds others, on the features as a sequence."""

    def __init__(self, kind):
        self.kind = kind

    def build(self, input_shape, n_components):
        from keras import Input, Model, initializers, layers, ops, random

        def normal(shape, dtype):
            return random.normal(shape, dtype=dtype)

        class Unseeded(initializers.RandomNormal):
            def get_config(self):
                return {}

        class Scale(layers.Layer):
            def build(self, input_shape):
                self.scale = self.add_weight(shape=(), initializer=self.initializer, name="scale")

            def call(self, inputs):
                return self.scale * inputs

        class Convolution(layers.Layer):
            def build(self, input_shape):
                self.kernel_initializer = initializers.GlorotUniform()
                self.kernel = self.add_weight(
                    shape=(3, 2, 2), initializer=self.kernel_initializer, name="kernel"
                )

            def call(self, inputs):
                return ops.conv(inputs, self.kernel, padding="same")

        def wrapped(x):
            return layers.TimeDistributed(layers.Conv1D(2, 2))(layers.Reshape((4, 2, 2))(x))

        def scale(initializer):
            layer = Scale()
            layer.initializer = initializer
            return layer

        makers = {
            "lstm": lambda: layers.LSTM(3),
            "bidirectional gru": lambda: layers.Bidirectional(layers.GRU(3)),
            "attention": lambda: lambda x: layers.MultiHeadAttention(2, 2)(x, x),
            "separable": lambda: layers.SeparableConv1D(3, 2),
            "depthwise": lambda: layers.DepthwiseConv1D(2),
            "batch": lambda: layers.TimeDistributed(layers.BatchNormalization()),
            "lambda": lambda: layers.Lambda(lambda x: x),
            "sum": lambda: lambda x: x + 1.0,
            "function": lambda: layers.Dense(2, kernel_initializer=normal),
            "no seed": lambda: layers.Dense(2, kernel_initializer=Unseeded()),
            "scalar": lambda: scale("random_normal"),
            "scalar function": lambda: scale(normal),
            "scalar constant": lambda: scale(initializers.Constant(0.5)),
            "wrapped convolution": lambda: wrapped,
            "users convolution": Convolution,
            "softmax": lambda: layers.Dense(2, "softmax"),
            "layer as activation": lambda: layers.Dense(2, activation=layers.PReLU()),
            "features": lambda: layers.LayerNormalization(axis=1),
            "users activation": lambda: layers.Dense(2, lambda x: x),
            "users gate": lambda: layers.LSTM(3, recurrent_activation=lambda x: x),
            "activity": lambda: layers.TimeDistributed(layers.Dense(2, activity_regularizer="l2")),
            "regularization": lambda: layers.ActivityRegularization(0.1),
            "axis": lambda: layers.Softmax(axis=0),
            "axis from the end": lambda: layers.Softmax(axis=-3),
            "one of two axes": lambda: layers.Softmax(axis=(0, 1)),
            "one noise": lambda: layers.Dropout(0.5, noise_shape=(1, 8, 2)),
            "constant": lambda: layers.Dense(2, kernel_initializer=initializers.Constant(0.5)),
        }
        rows, codes = Input(input_shape), Input((n_components,))
        inner = layers.Flatten()(makers[self.kind]()(layers.Reshape((-1, 2))(rows)))
        encoder = Model(rows, layers.Dense(n_components)(inner))
        return encoder, Model(codes, layers.Dense(*input_shape)(codes))


@pytest.mark.parametrize(
    "kind", ["lstm", "bidirectional gru", "attention", "separable", "depthwise"]
)
def test_initializers_inside_of_layers_are_found(kind):
    recipe = Recipe(Around(kind), 16, 3)
    first, again, other = (initial_weights(recipe, seed)[0] for seed in (0, 0, 1))
    n_random = 0
    for variable, *values in zip(graph_of(recipe).trainable, first, again, other, strict=True):
        np.testing.assert_array_equal(values[0], values[1])
        n_random += not np.array_equal(values[0], values[2])
        assert variable.name == "bias" or not np.array_equal(values[0], values[2])
    assert n_random >= 3
    if kind == "lstm":  # Keras starts the forget gates open
        np.testing.assert_array_equal(first[2], [0] * 3 + [1] * 3 + [0] * 6)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("function", "kernel"),
        ("no seed", "kernel"),
        ("scalar", "scale"),
        ("scalar function", "scale"),
    ],
)
@pytest.mark.parametrize("without_values", [True, False])
def test_an_initializer_that_cannot_be_seeded_is_refused(kind, name, without_values, monkeypatch):
    monkeypatch.setattr(building, "BUILDS_WITHOUT_VALUES", without_values)
    with pytest.raises(ValueError, match=f"cannot seed the weight '{name}'"):
        initial_weights(Recipe(Around(kind), 16, 3), 0)


def test_initial_values_that_are_constant():
    constant = initial_weights(Recipe(Around("constant"), 16, 3), 0)[0][0]
    np.testing.assert_array_equal(constant, np.full((2, 2), 0.5))
    assert initial_weights(Recipe(Around("scalar constant"), 16, 3), 0)[0][0] == 0.5


MIXING = [
    *("batch", "lambda", "sum", "users activation", "users gate", "activity", "regularization"),
    *("axis", "axis from the end", "one of two axes", "one noise"),
]


@pytest.mark.parametrize("kind", MIXING)
def test_what_may_mix_rows_is_found_inside_of_layers_and_between_them(kind):
    assert graph_of(Recipe(Around(kind), 16, 3)).mixes_rows


@pytest.mark.parametrize(
    "kind",
    ["depthwise", "attention", "bidirectional gru", "softmax", "layer as activation", "features"],
)
def test_keras_layers_do_not_mix_rows(kind):
    assert not graph_of(Recipe(Around(kind), 16, 3)).mixes_rows


@pytest.mark.parametrize(
    ("kind", "convolves"),
    [
        *(("separable", True), ("depthwise", True), ("wrapped convolution", True)),
        *(("users convolution", True), ("attention", False), ("lstm", False)),
    ],
)
def test_convolutions_are_found_inside_of_layers(kind, convolves):
    assert graph_of(Recipe(Around(kind), 16, 3)).convolves is convolves


class Penalized(Architecture):
    """A linear map each way, with the squares of the code as a regularizer."""

    def build(self, input_shape, n_components):
        from keras import Input, Sequential, layers

        code = layers.Dense(n_components, activity_regularizer="l2")
        encoder = Sequential([Input(input_shape), code])
        return encoder, Sequential([Input((n_components,)), layers.Dense(*input_shape)])


@pytest.mark.parametrize("copies", [1, 20])
def test_an_activity_regularizer_is_a_mean_over_all_rows(copies):
    """Like the loss it is that of the network's scale, in the squared units of X."""
    rows = np.repeat(np.linspace(0, 3, 20).reshape(5, 4), [copies, 1, 1, 1, 1], axis=0)
    estimator = AutoencoderTransformer(
        2, architecture=Penalized(), output_activation="identity", max_iter=1, random_state=0,
        learning_rate_init=1e-12,
    ).fit(rows)  # fmt: skip
    kernel, bias, back, shift = estimator._network.trainable
    unit = rows.var(axis=0).mean()
    inputs = (rows - rows.mean(axis=0)) / np.sqrt(unit)
    code = inputs @ kernel + bias
    by_hand = np.mean((code @ back + shift - inputs) ** 2) + 0.01 * np.sum(code**2) / len(rows)
    np.testing.assert_allclose(estimator.loss_curve_, unit * by_hand, rtol=1e-5)


def test_convolutions_take_one_call_a_batch_on_a_cpu(monkeypatch):
    """In one call a block, as on an accelerator, they compute the same."""
    by_batch = fit(architecture=Conv((4, 4), (2,)))
    clear_programs()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    by_block = fit(architecture=Conv((4, 4), (2,)))
    np.testing.assert_allclose(by_block.loss_curve_, by_batch.loss_curve_, rtol=1e-4)


def test_an_accelerator_multiplies_in_single_precision(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    product = jax.jit(lambda x: x @ x).lower
    assert "HIGHEST" not in product(np.eye(3)).as_text()
    with session():
        assert "HIGHEST" in product(np.eye(3)).as_text()


def test_an_accelerator_takes_many_rows_a_call(monkeypatch):
    estimator, rows = fit(solver="sgd"), np.tile(X, (30, 1))
    code = estimator.transform(rows)
    elsewhere = pickle.loads(pickle.dumps(estimator))
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    clear_programs()
    np.testing.assert_allclose(elsewhere.transform(rows), code, atol=1e-5)
    sizes = [tile_rows for _, tile_rows in inference._resident(elsewhere._network).programs]
    assert sizes == [1024]


class Using(Architecture):
    """Its build uses another estimator, and keeps what that gave."""

    def __init__(self, use):
        self.use = use
        self.got = []

    def build(self, input_shape, n_components):
        self.got.append(self.use())
        return Dense(()).build(input_shape, n_components)


@pytest.mark.parametrize(
    "use",
    [
        lambda: fit(solver="sgd").transform(X),
        lambda: fit(solver="sgd").encoder_.predict(X, verbose=0),
        lambda: graph_of(Recipe(Dense((5,)), 16, 3)).n_layer_weights,
    ],
    ids=["fit and transform", "encoder_", "graph"],
)
def test_a_build_that_uses_another_estimator(use):
    """In a thread, because it would wait for itself forever."""
    architecture, expected = Using(use), use()
    clear_programs()
    thread = threading.Thread(target=new_graph, args=(Recipe(architecture, 16, 3),), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    np.testing.assert_allclose(architecture.got[0], expected, rtol=1e-6)


def test_a_build_does_not_wait_for_a_program_of_a_thread_that_waits_for_the_build():
    """Each of two networks is built first by one thread, and needed by the other."""
    recipe, builds = Recipe(Dense((5,)), 16, 3), threading.Event()

    def use():
        builds.set()
        time.sleep(1)  # until the other thread has begun, and waits for this build
        return graph_of(recipe).n_layer_weights

    architecture = Using(use)
    threads = [
        threading.Thread(target=graph_of, args=(Recipe(architecture, 16, 3),), daemon=True),
        threading.Thread(target=lambda: builds.wait() and graph_of(recipe), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert architecture.got == [8]


def test_a_build_neither_moves_nor_rewinds_pythons_random_numbers():
    """Another thread draws one meanwhile."""

    def draw():
        with ThreadPoolExecutor(1) as other:
            return other.submit(random.random).result()

    random.seed(0)
    expected = [random.random(), random.random()]
    random.seed(0)
    architecture = Using(draw)
    new_graph(Recipe(architecture, 16, 3))
    assert [*architecture.got, random.random()] == expected
