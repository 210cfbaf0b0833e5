"""The Keras graph of a recipe, as pure functions of its weights, and its initial weights."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from . import _jacobian
from ._backend import load_keras
from ._programs import QUICK_COMPILE, compile_program, programs
from ._recipe import keras_activation

LOG_VARIANCE_BOUND = 15.0
"""Bound on the magnitude of the logarithm of a variance, where its exponential is harmless."""

SMALL_NETWORK = 2**18
"""Number of weights up to which drawing them takes less time than compiling how to do it fast."""

build_lock = threading.Lock()
"""Held while Keras builds a network, which is not thread-safe."""


class Graph:
    """The Keras models of a recipe, used through pure functions of the weights alone.

    Its own variables have no values, or such that are never read nor written, so one graph serves
    every estimator and thread. Weights are a pair ``(trainable, fixed)`` of lists of arrays: the
    encoder's, then what the decoder does not share with it, then the noise of the likelihood.
    """

    def __init__(self, recipe):
        self.recipe = recipe
        self.encoder, self.decoder = build_models(recipe)
        self.trainable, self._trainable_of = _merge(self.encoder, self.decoder, "trainable")
        self.fixed, self._fixed_of = _merge(self.encoder, self.decoder, "non_trainable")
        self.output_bias_place = len(self.trainable) - 1
        output_bias = self.trainable[-1]
        self.shares_output_bias = (
            output_bias.name == "bias"
            and output_bias.shape[0] < recipe.n_features
            and recipe.n_features % output_bias.shape[0] == 0
        )
        if recipe.learns_noise:
            self.trainable.append(
                load_keras().Variable(
                    "zeros", shape=(recipe.n_features,), name="log_relative_noise_variance"
                )
            )
        self.n_code_features = self.decoder.input_shape[-1]
        self.is_small = sum(int(np.prod(v.shape)) for v in self.trainable) <= SMALL_NETWORK
        self.convolves = any(len(variable.shape) > 2 for variable in self.trainable)

    def _call(self, part, weights, inputs, training):
        """Output of the encoder (part 0) or decoder (1), and all fixed arrays as they are after."""
        trainable, fixed = weights
        places = self._fixed_of[part]
        output, new = (self.encoder, self.decoder)[part].stateless_call(
            [trainable[place] for place in self._trainable_of[part]],
            [fixed[place] for place in places],
            inputs,
            training=training,
        )
        fixed = list(fixed)
        for place, array in zip(places, new, strict=True):
            fixed[place] = array
        return output, fixed

    def affine_places(self, part):
        """Places of the kernels and biases that are the encoder's (part 0) or the decoder's own."""
        start = len(self.encoder.trainable_variables)
        places = range(start) if part == 0 else range(start, len(self.trainable))
        return [place for place in places if self.trainable[place].name in ("kernel", "bias")]

    def encode(self, weights, X, *, training=False):
        """Code of the rows X, the posterior's mean where it is drawn; returns ``(code, fixed)``."""
        output, fixed = self._call(0, weights, X, training)
        if self.recipe.draws_code:
            return output[:, : self.n_code_features], fixed
        return self._code_activation(output), fixed

    def posterior(self, weights, X, *, training=False):
        """Mean and log variance of the code; returns ``((mean, log_variance), fixed)``."""
        output, fixed = self._call(0, weights, X, training)
        log_variance = output[:, self.n_code_features :]
        bounded = log_variance.clip(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)
        return (output[:, : self.n_code_features], bounded), fixed

    def draw_code(self, weights, X, seed, *, training=False):
        """What the decoder gets in training; returns ``(code, posterior, fixed)``."""
        if not self.recipe.draws_code:
            code, fixed = self.encode(weights, X, training=training)
            return code, None, fixed
        import jax

        (mean, log_variance), fixed = self.posterior(weights, X, training=training)
        noise = jax.random.normal(jax.random.fold_in(seed, 1), mean.shape)
        return mean + jax.numpy.exp(log_variance / 2) * noise, (mean, log_variance), fixed

    def decode_logits(self, weights, code, *, training=False):
        """Output of the decoder before the output activation; returns ``(logits, fixed)``."""
        return self._call(1, weights, code, training)

    def activate(self, logits):
        """The reconstruction that belongs to the decoder's `logits`."""
        return activation(self.recipe.output_activation)(logits)

    def decode(self, weights, code):
        """Reconstruction that belongs to a code."""
        return self.activate(self.decode_logits(weights, code)[0])

    def noise_variance(self, weights, numbers):
        """Variance of each feature around its reconstruction, for a Gaussian likelihood."""
        variance = numbers["noise_variance"]
        if self.recipe.learns_noise:
            relative = weights[0][-1].clip(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)
            variance = variance * load_keras().ops.exp(relative)
        return variance

    def squared_jacobian(self, weights, X, seed):
        """Squared Frobenius norm of d code / d X of each row, of the encoder as it transforms."""
        layers = self._dense_chain(weights[0])
        if layers is not None:
            return _jacobian.dense_chain_norm(layers, X)
        return _jacobian.norm(lambda X: self.encode(weights, X)[0], X, seed)

    def _dense_chain(self, trainable):
        """Kernel, bias and activation of each layer of a plainly dense encoder, else None."""
        layers = load_keras().layers
        arrays, chain = iter(trainable), []
        for layer in self.encoder.layers:
            if type(layer) is layers.Dense and layer.use_bias:
                chain.append((next(arrays), next(arrays), layer.activation))
            elif type(layer) is layers.Activation and chain:
                chain[-1] = (*chain[-1][:2], _composed(layer.activation, chain[-1][2]))
            elif type(layer) not in (layers.InputLayer, layers.Dropout):
                return None
        chain[-1] = (*chain[-1][:2], _composed(self._code_activation, chain[-1][2]))
        return chain

    def _code_activation(self, output):
        return activation(self.recipe.code_activation)(output)


def _composed(outer, inner):
    return lambda z: outer(inner(z))


def activation(name):
    """Keras's function of an activation."""
    return load_keras().activations.get(keras_activation(name))


def _merge(encoder, decoder, kind):
    """The variables of two models, each once, and for each model their places in that list."""
    variables, places = [], {}
    lists = [getattr(model, f"{kind}_variables") for model in (encoder, decoder)]
    for variable in [variable for some in lists for variable in some]:
        if id(variable) not in places:
            places[id(variable)] = len(variables)
            variables.append(variable)
    return variables, [[places[id(variable)] for variable in some] for some in lists]


def models_of(recipe):
    """Encoder and decoder as the recipe's architecture builds them."""
    architecture, shape = recipe.architecture, (recipe.n_features,)
    if not recipe.draws_code:
        return architecture.build(shape, recipe.n_components)
    if recipe.n_components is None:
        raise ValueError("n_components=None: a code that is drawn at random needs a given width.")
    encoder, _ = architecture.build(shape, 2 * recipe.n_components)
    own_encoder, decoder = architecture.build(shape, recipe.n_components)
    shared = {id(v) for v in own_encoder.variables} & {id(v) for v in decoder.variables}
    if shared:
        raise ValueError(
            f"{architecture!r} ties the decoder's weights to the encoder's, which cannot be where "
            "the encoder gives mean and variance of the code."
        )
    return encoder, decoder


def without_values(build):
    """Call `build`, whose new Keras variables get a shape but no value.

    Drawing each value as it is made compiles a small program a shape, which takes longer than
    compiling the training. Keras would draw them later, in any model that the thread uses, from a
    list that it keeps for each thread: so `build` is called in a thread of its own. Where a layer
    makes a value that it needs, all get theirs.
    """
    keras = load_keras()

    def deferred():
        with keras.StatelessScope(initialize_variables=False):
            return build()

    try:
        with ThreadPoolExecutor(1) as worker:
            return worker.submit(deferred).result()
    except Exception:  # of any layer; if the architecture itself is wrong, it is raised again
        return build()


def build_models(recipe):
    """Build encoder and decoder of a recipe, leaving Python's random state as it was.

    Keras layers draw a seed from Python's generator when they are built; skae never uses it.
    """
    load_keras()
    state = random.getstate()
    try:
        encoder, decoder = models_of(recipe)
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
    code_shape = decoder.input_shape
    encoded = (None, code_shape[-1] * (2 if recipe.draws_code else 1))
    if len(code_shape) != 2 or encoder.output_shape != encoded:
        raise ValueError(
            f"{name}.build must return an encoder whose 2-D output is the decoder's input; got "
            f"{encoder.output_shape} and {code_shape}."
        )
    if recipe.n_components not in (None, code_shape[1]):
        raise ValueError(
            f"{name}.build was asked for n_components={recipe.n_components}, but its encoder "
            f"gives {code_shape[1]}."
        )


def graph_of(recipe):
    """The shared graph of a recipe."""

    def make():
        with build_lock:
            return without_values(lambda: Graph(recipe))

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
    options = QUICK_COMPILE if graph.is_small else None
    draw = compile_program(
        "initial", recipe.key, lambda: _drawing(graph), (state,), cpu_options=options
    )
    return draw(state)


def _drawing(graph):
    """A pure function from a seed's state to the initial weights of `graph`."""
    keras = load_keras()
    generator = keras.random.SeedGenerator(0)
    layers = [layer for model in (graph.encoder, graph.decoder) for layer in _leaf_layers(model)]
    owner = {}
    for layer in layers:
        for variable in layer.variables:
            owner.setdefault(id(variable), layer)

    def drawing(variable):
        """A function that gives the initial value of a variable."""
        if variable.name == "seed_generator_state":
            return generator.next
        layer = owner.get(id(variable))
        initializer = None if layer is None else _initializer(layer, variable)
        if initializer is None:
            value = np.asarray(variable.value)
            return lambda: keras.ops.convert_to_tensor(value)
        config = initializer.get_config()
        if "seed" in config:
            initializer = type(initializer).from_config({**config, "seed": generator})
        return lambda: initializer(variable.shape, dtype=variable.dtype)

    trainable, fixed = (
        [drawing(variable) for variable in variables]
        for variables in (graph.trainable, graph.fixed)
    )

    def draw(state):
        with keras.StatelessScope(state_mapping=[(generator.state, state)]):
            return [value() for value in trainable], [value() for value in fixed]

    return draw


def _leaf_layers(layer):
    """A layer's innermost layers, itself if it holds none."""
    inner = getattr(layer, "layers", None) or []
    inner = [inside for part in inner for inside in _leaf_layers(part)]
    return inner or [layer]
