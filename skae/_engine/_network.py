"""Networks: the Keras graph of a recipe, and the weights of a fitted one."""

import random
import threading
import weakref
from dataclasses import dataclass, field

import numpy as np

from ._backend import load_keras
from ._data import tiles
from ._programs import compile_program, programs
from ._recipe import Recipe, keras_activation

TILE_ROWS = 128
"""Rows of one inference call. Always the same, so that a row's bits never depend on its company."""

_build_lock = threading.Lock()


class Graph:
    """The Keras models of a recipe, used through pure functions of the weights alone.

    Its own variables are never read after construction nor written, so one graph serves every
    estimator and thread. Weights are a pair ``(trainable, fixed)`` of lists of arrays, the
    encoder's first.
    """

    def __init__(self, recipe):
        self.recipe = recipe
        self.encoder, self.decoder = build_models(recipe)
        models = (self.encoder, self.decoder)
        self.trainable = [v for model in models for v in model.trainable_variables]
        self.fixed = [v for model in models for v in model.non_trainable_variables]
        self.n_code_features = self.encoder.output_shape[-1]
        self._split = (
            len(self.encoder.trainable_variables),
            len(self.encoder.non_trainable_variables),
        )

    def encode(self, weights, X, *, training=False):
        """Code of the rows X; returns ``(code, fixed)``, `fixed` as the layers left it."""
        trainable, fixed = weights
        t, f = self._split
        code, encoder_fixed = self.encoder.stateless_call(
            trainable[:t], fixed[:f], X, training=training
        )
        activation = load_keras().activations.get(keras_activation(self.recipe.code_activation))
        return activation(code), list(encoder_fixed) + list(fixed[f:])

    def decode_logits(self, weights, code, *, training=False):
        """Output of the decoder before the output activation; returns ``(logits, fixed)``."""
        trainable, fixed = weights
        t, f = self._split
        logits, decoder_fixed = self.decoder.stateless_call(
            trainable[t:], fixed[f:], code, training=training
        )
        return logits, list(fixed[:f]) + list(decoder_fixed)

    def activate(self, logits):
        """The reconstruction that belongs to the decoder's `logits`."""
        keras = load_keras()
        return keras.activations.get(keras_activation(self.recipe.output_activation))(logits)

    def decode(self, weights, code):
        """Reconstruction that belongs to a code."""
        return self.activate(self.decode_logits(weights, code)[0])


def build_models(recipe):
    """Build encoder and decoder of a recipe, leaving Python's random state as it was.

    Keras layers draw a seed from Python's generator when they are built; skae never uses it.
    """
    load_keras()
    state = random.getstate()
    try:
        encoder, decoder = recipe.architecture.build((recipe.n_features,), recipe.n_components)
    finally:
        random.setstate(state)
    _check_models(recipe, encoder, decoder)
    return encoder, decoder


def _check_models(recipe, encoder, decoder):
    name = type(recipe.architecture).__name__
    expected = (None, recipe.n_features)
    if encoder.input_shape != expected or decoder.output_shape != expected:
        raise ValueError(
            f"{name}.build must return an encoder that takes, and a decoder that gives, rows of "
            f"{recipe.n_features} features; got input shape {encoder.input_shape} and output "
            f"shape {decoder.output_shape}."
        )
    if len(encoder.output_shape) != 2 or encoder.output_shape != decoder.input_shape:
        raise ValueError(
            f"{name}.build must return an encoder whose 2-D output is the decoder's input; got "
            f"{encoder.output_shape} and {decoder.input_shape}."
        )
    if recipe.n_components not in (None, encoder.output_shape[1]):
        raise ValueError(
            f"{name}.build was asked for n_components={recipe.n_components}, but its encoder "
            f"gives {encoder.output_shape[1]}."
        )


def graph_of(recipe):
    """The shared graph of a recipe."""

    def make():
        with _build_lock:
            return Graph(recipe)

    return programs.get("graph", recipe.key, make)


def _initializer(layer, variable):
    """The initializer of a layer's variable: by Keras's convention `<name>_initializer`."""
    initializer = getattr(layer, f"{variable.name}_initializer", None)
    if callable(initializer):
        return initializer
    value = np.asarray(variable.value)
    if value.size and np.ptp(value) > 0:
        raise ValueError(
            f"skae cannot seed the weight {variable.name!r} of layer {layer.name!r}: keep its "
            f"initializer in the attribute `{variable.name}_initializer` of the layer, as Keras's "
            "own layers do."
        )
    return None


def initial_weights(recipe, seed):
    """Draw the weights of a new network: every initializer of its layers, seeded by skae.

    Parameters
    ----------
    recipe : Recipe
    seed : int
        Two calls with one seed give the same bits.

    Returns
    -------
    weights : pair of lists of arrays
    """
    graph = graph_of(recipe)
    state = np.array([seed, 0], dtype=np.uint32)
    draw = compile_program("initial", recipe.key, lambda: _drawing(graph), (state,))
    return draw(state)


def _drawing(graph):
    """A pure function from a seed's state to the initial weights of `graph`."""
    keras = load_keras()
    generator = keras.random.SeedGenerator(0)
    models = (graph.encoder, graph.decoder)
    owner = {
        id(variable): layer
        for model in models
        for layer in _leaf_layers(model)
        for variable in layer.variables
    }

    def initial_value(variable):
        if variable.name == "seed_generator_state":
            return generator.next()
        initializer = _initializer(owner[id(variable)], variable)
        if initializer is None:
            return keras.ops.convert_to_tensor(np.asarray(variable.value))
        config = initializer.get_config()
        if "seed" in config:
            initializer = type(initializer).from_config({**config, "seed": generator})
        return initializer(variable.shape, dtype=variable.dtype)

    def draw(state):
        with keras.StatelessScope(state_mapping=[(generator.state, state)]):
            return [initial_value(v) for v in graph.trainable], [
                initial_value(v) for v in graph.fixed
            ]

    return draw


def _leaf_layers(layer):
    """A layer's innermost layers, itself if it holds none."""
    inner = getattr(layer, "layers", None) or []
    inner = [inside for part in inner for inside in _leaf_layers(part)]
    return inner or [layer]


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A recipe and its weights: all that a fitted estimator holds of a network.

    Parameters
    ----------
    recipe : Recipe
    trainable, fixed : list of ndarray
        The weights, float32, the encoder's first. Never written.
    n_code_features : int
        Width of the code.
    """

    recipe: Recipe
    trainable: list = field(repr=False)
    fixed: list = field(repr=False)
    n_code_features: int = 0

    def encode(self, X, out):
        """Write the code of the rows of `X`, a `Rows`, into `out`."""
        return self._map("encode", X, out)

    def decode(self, X, out):
        """Write the reconstructions of the codes in `X`, a `Rows`, into `out`."""
        return self._map("decode", X, out)

    def _map(self, kind, X, out):
        resident = _resident(self)
        program = resident.programs.get(kind)
        if program is None:
            program = resident.programs[kind] = self._compile(kind, X.n_features, resident.weights)
        for start, tile in tiles(X, TILE_ROWS):
            stop = min(start + TILE_ROWS, X.n_rows)
            out[start:stop] = np.asarray(program(resident.weights, tile))[: stop - start]
        return out

    def _compile(self, kind, width, weights):
        def function():
            graph = graph_of(self.recipe)
            if kind == "encode":
                return lambda weights, X: graph.encode(weights, X)[0]
            return graph.decode

        example = np.zeros((TILE_ROWS, width), np.float32)
        return compile_program(kind, self.recipe.key, function, (weights, example))

    def keras_models(self):
        """New Keras models ``(encoder, decoder, autoencoder)`` with a copy of the weights."""
        keras = load_keras()
        with _build_lock:
            encoder, decoder = build_models(self.recipe)
        variables = [v for model in (encoder, decoder) for v in model.trainable_variables]
        variables += [v for model in (encoder, decoder) for v in model.non_trainable_variables]
        for variable, value in zip(variables, self.trainable + self.fixed, strict=True):
            variable.assign(value)
        encoder = _activated(encoder, self.recipe.code_activation, "encoder")
        decoder = _activated(decoder, self.recipe.output_activation, "decoder")
        rows = keras.Input((self.recipe.n_features,), name="X")
        return encoder, decoder, keras.Model(rows, decoder(encoder(rows)), name="autoencoder")


def _activated(model, activation, name):
    """`model` with an activation behind its last layer."""
    keras = load_keras()
    output = model.outputs[0]
    if keras_activation(activation) != "linear":
        output = keras.layers.Activation(keras_activation(activation))(output)
    return keras.Model(model.inputs[0], output, name=name)


class _Resident:
    """What a fitted network keeps where programs run: its weights, and the programs it uses."""

    def __init__(self, network):
        import jax

        self.weights = jax.device_put((list(network.trainable), list(network.fixed)))
        self.programs = {}


_residents = weakref.WeakKeyDictionary()


def _resident(network):
    """The device side of `network`, made at its first use and dropped with it."""
    resident = _residents.get(network)
    if resident is None:
        resident = _residents.setdefault(network, _Resident(network))
    return resident
