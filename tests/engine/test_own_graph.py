"""What skae runs itself computes, to the bit, what the Keras models of the same recipe do."""

import itertools

import jax
import numpy as np
import pytest
from cases import slow_but

from skae._engine import NormalCode, PointCode, Recipe, session
from skae._engine.activations import ACTIVATIONS
from skae._engine.graph import new_graph
from skae._engine.keras_graph import KerasGraph, keras_graph
from skae._engine.own_graph import OwnGraph
from skae._engine.threefry import uniform
from skae._supervised._head import WithHead
from skae.architectures import Conv, Dense

SEED = np.array([7, 0], np.uint32)


def dense(**params):
    return Recipe(Dense((5, 4), **params), 6, 3)


def conv(n_components=3, latent=None, **params):
    shape = (5, 6, 2)
    latent = PointCode("tanh") if latent is None else latent
    return Recipe(Conv(shape, (3, 4), **params), 60, n_components, latent)


def head(architecture, n_features, n_units, code):
    return Recipe(WithHead(architecture, n_units, code, 2), n_features, None, n_targets=2)


RECIPES = {
    "plain": dense(linear_path=False),
    "linear path": dense(),
    "no hidden layer": Recipe(Dense(()), 6, 3, PointCode("logistic"), "tanh"),
    "drawn": Recipe(Dense(5, dropout=0.2), 6, 3, NormalCode(), extra_weights=(("extra", (6,)),)),
    "tied": dense(tied=True, dropout=0.3, normalization="layer"),
    "tied, linear path": dense(tied=True, normalization="batch"),
    "batch": dense(normalization="batch", dropout=0.3),
    "layer": dense(normalization="layer", activation=["silu", "gelu"]),
    "strides": conv(),
    "strides, code is a map": conv(None, normalization="layer"),
    "strides of size 2, drawn": conv(2, NormalCode(), kernel_size=2, normalization="batch"),
    "strides of size 5": conv(kernel_size=5, dropout=0.4),
    "pooling": conv(downsampling="max_pool", normalization="layer", dropout=0.2),
    "pooling, code is a map": conv(None, downsampling="max_pool", normalization="batch"),
    "head": head(Dense(5, normalization="batch"), 6, 3, "tanh"),
    "head of a drawn code": head(Dense(()), 6, 3, "normal"),
    "head of maps": head(Conv((5, 6, 2), (3, 4)), 60, None, "relu"),
} | {name: Recipe(Dense(5, activation=name), 6, 3, PointCode(name), name) for name in ACTIVATIONS}

RNG = np.random.default_rng(0)


def graphs(recipe):
    own, keras = new_graph(recipe), keras_graph(recipe)
    assert type(own) is OwnGraph
    assert type(keras) is KerasGraph
    return own, keras


def random_weights(graph):
    """Arrays of the shapes of a graph's, of which those that are variances are positive."""
    trainable = [RNG.normal(size=w.shape).astype("f4") for w in graph.trainable]
    fixed = [
        SEED if len(w.shape) == 1 and w.shape[0] == 2 and w.name == "seed_generator_state"
        else RNG.uniform(0.5, 2.0, w.shape).astype("f4")
        for w in graph.fixed
    ]  # fmt: skip
    return trainable, fixed


def encoded(graph):
    return graph.encode


def predicted(graph):
    return lambda weights, X: graph.decode(weights, graph.encode(weights, X))


def trained(graph):
    """Output in training and what it changes, and a gradient."""

    def train(trainable, fixed, X):
        first = graph.encoder_output((trainable, fixed), X, training=True)
        code = graph.latent.code(first.output)
        second = graph.decoder_output((trainable, first.fixed), code, training=True)
        output = graph.activate(second.output)
        return (output**2).sum(), (output, second.fixed)

    return lambda weights, X: jax.value_and_grad(train, has_aux=True)(*weights, X)


def lowered(function, weights, X):
    with session(), jax.disable_jit():
        return jax.jit(function).lower(weights, X)


def rows(graph):
    return RNG.normal(size=(7, graph.recipe.n_features)).astype("f4")


@pytest.mark.parametrize("name", RECIPES)
def test_inference_without_keras_is_the_program_that_keras_traces(name):
    """Line for line: so no version of XLA makes different bits of it."""
    own, keras = graphs(RECIPES[name])
    weights, X = random_weights(own), rows(own)
    for kind in (encoded, predicted):
        texts = [lowered(kind(graph), weights, X).as_text() for graph in (own, keras)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("name", slow_but("drawn", "batch", "pooling", of=RECIPES))
def test_training_without_keras_gives_the_bits_of_keras(name):
    own, keras = graphs(RECIPES[name])
    weights, X = random_weights(own), rows(own)
    results, expected = (
        jax.tree.leaves(lowered(trained(graph), weights, X).compile()(weights, X))
        for graph in (own, keras)
    )
    assert len(results) == len(expected)
    for result, of_keras in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, of_keras)


@pytest.mark.parametrize("name", RECIPES)
def test_a_graph_without_keras_says_the_same_of_itself(name):
    own, keras = graphs(RECIPES[name])
    for some, of_keras in zip(own.variables, keras.variables, strict=True):
        assert [tuple(w.shape) for w in some] == [tuple(w.shape) for w in of_keras]
        assert [w.name for w in some] == [w.name for w in of_keras]
    for said in ("n_encoder_weights", "n_layer_weights", "n_code_features", "convolves",
                 "mixes_rows", "shared_output_bias"):  # fmt: skip
        assert getattr(own, said) == getattr(keras, said), said
    for path, of_keras in zip(own.linear_paths, keras.linear_paths, strict=True):
        assert (path.matrix, path.gain) == (of_keras.matrix, of_keras.gain)
        assert set(path.others) <= set(of_keras.others)
    for part, kind in itertools.product((0, 1), (0, 1)):
        assert list(own.indices(part, kind)) == list(keras.indices(part, kind))
    weights = random_weights(own)
    chains = [graph.dense_encoder(weights[0]) for graph in (own, keras)]
    assert len({chain is None for chain in chains}) == 1


@pytest.mark.parametrize("name", slow_but("drawn", of=RECIPES))
def test_first_weights_are_those_that_kerass_initializers_draw(name):
    """But for the last bit of a product and a sum, which XLA may round once."""
    results, expected = (graph.initial_weights(7) for graph in graphs(RECIPES[name]))
    for some, of_keras in zip(results, expected, strict=True):
        for value, other in zip(some, of_keras, strict=True):
            assert value.dtype == other.dtype
            if value.dtype == np.uint32:
                np.testing.assert_array_equal(value, other)
            else:
                np.testing.assert_allclose(value, other, rtol=0, atol=1e-7)


def test_uniform_numbers_are_those_of_jax():
    key = np.array([3, 2**32 - 5], np.uint32)
    numbers = uniform(key, (7, 11), 0.0, 1.0)
    np.testing.assert_array_equal(numbers, jax.random.uniform(key, (7, 11), "float32"))
    assert 0.4 < numbers.mean() < 0.6


class Halved(Dense):
    """A user's subclass, whose networks are others."""

    def build(self, input_shape, n_components):
        encoder, decoder = super().build(input_shape, n_components)
        from keras import Model

        return Model(encoder.inputs, encoder.outputs[0] / 2), decoder


class HandingOn:
    """A user's object that has a `build`, and all else of a `Dense`."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(Dense(5), name)

    def build(self, input_shape, n_components):
        return Halved(5).build(input_shape, n_components)


@pytest.mark.parametrize("architecture", [Halved(5), HandingOn()], ids=["subclass", "object"])
def test_what_a_user_builds_is_what_runs(architecture):
    assert type(new_graph(Recipe(architecture, 6, 3))) is KerasGraph
