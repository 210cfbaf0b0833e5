"""The norm of the encoder's Jacobian: of any encoder, with the closed form where it is a chain."""

import jax
import numpy as np
import pytest
from cases import slow_but

from skae import ContractiveAutoencoder
from skae._engine import PointCode, Recipe, draws, graph_of, load_keras
from skae._engine.graph import initial_weights
from skae._engine.jacobian import dense_chain
from skae._engine.objective import jacobian_norm
from skae.architectures import Architecture


def chain(keras, rows, n):
    hidden = keras.layers.Dense(6, "tanh")(rows)
    return keras.layers.Dense(n)(keras.layers.Dropout(0.3)(hidden))


def softmax_hidden(keras, rows, n):
    return keras.layers.Dense(n)(keras.layers.Dense(6, "softmax")(rows))


def softmax_code(keras, rows, n):
    return keras.layers.Dense(n, "softmax")(keras.layers.Dense(6, "tanh")(rows))


def residual(keras, rows, n):
    hidden = keras.layers.Dense(6, "tanh")(rows)
    return keras.layers.Dense(n)(hidden + keras.layers.Dense(6, "tanh")(hidden))


def operation_between(keras, rows, n):
    hidden = keras.layers.Dense(6, "tanh")(rows)
    return keras.layers.Dense(n)(3.0 * hidden)


def function_between(keras, rows, n):
    return keras.layers.Dense(n)(keras.ops.sin(keras.layers.Dense(6)(rows)))


def called_twice(keras, rows, n):
    layer = keras.layers.Dense(5, "tanh")
    return keras.layers.Dense(n)(layer(layer(rows)))


def frozen(keras, rows, n):
    layer = keras.layers.Dense(6, "tanh")
    layer.trainable = False
    return keras.layers.Dense(n)(layer(rows))


def without_bias(keras, rows, n):
    return keras.layers.Dense(n)(keras.layers.Dense(6, "tanh", use_bias=False)(rows))


def mixing_activation(keras, rows, n):
    return keras.layers.Dense(n)(keras.layers.Dense(6, lambda z: z - z.mean(-1)[:, None])(rows))


def subclassed_layer(keras, rows, n):
    class Doubled(keras.layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    return Doubled(n)(keras.layers.Dense(6, "tanh")(rows))


ENCODERS = [
    chain, softmax_hidden, softmax_code, residual, operation_between, function_between,
    called_twice, frozen, without_bias, mixing_activation, subclassed_layer,
]  # fmt: skip


class Own(Architecture):
    """A user's encoder, by one of the functions above."""

    def __init__(self, encoder=chain):
        self.encoder = encoder

    def build(self, input_shape, n_components):
        import keras

        rows = keras.Input(input_shape)
        encoder = keras.Model(rows, self.encoder(keras, rows, n_components))
        codes = keras.Input((n_components,))
        return encoder, keras.Model(codes, keras.layers.Dense(*input_shape)(codes))


# All others go the same way as these, as the next test shows.
@pytest.mark.parametrize(
    "encoder",
    slow_but(chain, softmax_hidden, residual, mixing_activation, of=ENCODERS),
    ids=lambda encoder: encoder.__name__,
)
def test_the_norm_is_that_of_an_explicit_jacobian(encoder):
    recipe = Recipe(Own(encoder), 5, 3, PointCode("logistic"))
    graph, weights = graph_of(recipe), initial_weights(recipe, 0)
    X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    explicit = jax.vmap(jax.jacobian(lambda x: graph.encode(weights, x[None])[0]))(X)
    norm = jacobian_norm(graph, weights, X, draws(np.zeros(2, np.uint32)))
    np.testing.assert_allclose(norm, np.square(explicit).sum(axis=(1, 2)), rtol=1e-4)
    assert (norm > 0).all()


def test_only_a_proven_chain_takes_the_closed_form():
    load_keras()
    proven = set()
    for encoder in ENCODERS:
        recipe = Recipe(Own(encoder), 5, 3)
        graph = graph_of(recipe)
        weights = initial_weights(recipe, 0)[0][: graph.n_encoder_weights]
        if dense_chain(graph.encoder, weights) is not None:
            proven.add(encoder)
    assert proven == {chain}


def test_a_contraction_acts_on_any_encoder():
    X = np.random.default_rng(0).normal(size=(100, 5))

    def norm(contraction):
        fitted = ContractiveAutoencoder(
            3, contraction=contraction, architecture=Own(softmax_hidden), max_iter=20,
            random_state=0,
        ).fit(X)  # fmt: skip
        graph = graph_of(fitted._network.recipe)
        weights = fitted._network.trainable, fitted._network.fixed
        return np.mean(jacobian_norm(graph, weights, X.astype("f4"), None))

    assert norm(0.0) > 3 * norm(1.0) > 0
