"""Fitted networks: a recipe and its weights, and the programs that run them."""

import weakref
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from . import _jax
from .activations import keras_activation
from .backend import check_models_run, load_keras
from .base_graph import extra_weights
from .batches import Ring, idle_rings, tiles
from .building import without_values
from .forks import check_runs, has_forked
from .graph import graph_of, initial_weights
from .keras_graph import KerasGraph
from .keys import is_own
from .likelihood import likelihood_function, mean_and_deviation
from .objective import filled
from .programs import compile_program, programs
from .recipe import Recipe
from .units import bounded, for_programs, restored, standardised

TILE_ROWS = 48
"""Rows of one inference call. Always the same, so that a row's result is bit-identical whatever
rows it is transformed with. And whatever its place: matrix products take rows in panels of 12, 24
or 48, by the width of the processor's registers, and what is left over in another way."""

SMALL_TILE_ROWS = 1
"""Rows of one call for few rows of a convolution, where they were found to give the same bits."""

SMALL_UP_TO = 16
"""Rows that a convolution takes one by one: on a CPU, others take no longer for a whole tile."""

LARGE_TILE_ROWS = 16 * TILE_ROWS
"""Most rows of one call for much data, where larger tiles were found to give the same bits."""

LARGE_TILE_BYTES = 4 * 2**20
"""Most input of one call."""

LARGE_FROM = 4
"""Large tiles that data must fill to be worth their compilation."""

ACCELERATOR_TILE_ROWS = 1024
"""Rows of one call on an accelerator, if they are at most `LARGE_TILE_BYTES`. There a call costs
the same for any number of rows that small: a millisecond where 48 of them were tried (see
docs/benchmarks/results/accelerator.md)."""

PROBED_ROWS = 16 * TILE_ROWS
"""Random rows on which sizes of tiles are compared: sums in another order may differ in a last bit
of one row in a hundred."""

TILES_IN_FLIGHT = 3
"""Tiles that are handed over while the first of them is computed."""


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
    constants : dict of str to ndarray
        Arrays that were taken from the training data: ``"centre"`` and ``"scale"`` of what the
        network computes on; in the units of X ``"fill"``, what replaces missing values, and
        ``"low"`` and ``"high"``, the bounds of reconstructions; and what the loss takes.
    """

    recipe: Recipe
    trainable: list = field(repr=False)
    fixed: list = field(repr=False)
    n_code_features: int = 0
    constants: dict = field(default_factory=dict, repr=False)

    @property
    def takes_missing(self):
        """Whether NaN in X is a missing value."""
        return "fill" in self.constants

    @property
    def extra_weights(self):
        """What was trained beside the layers' weights, by name."""
        return extra_weights(self.recipe, self.trainable)

    @property
    def is_finite(self):
        """Whether no weight is infinite or NaN."""
        return all(np.isfinite(array).all() for array in (*self.trainable, *self.fixed))

    def is_described_by(self, recipe):
        """Whether a recipe describes this network: by its key, or by its parameters and shapes."""
        if recipe.key == self.recipe.key:
            return True
        if not hasattr(recipe.architecture, "description"):  # of an object that has but `build`
            return False
        shapes = [[array.shape for array in arrays] for arrays in (self.trainable, self.fixed)]
        expected = [list(map(tuple, kind)) for kind in recipe.weight_shapes()]
        return recipe.description == self.recipe.description and shapes == expected

    def encode(self, X, out):
        """Write the code of the rows of `X`, a `Rows`, into `out`."""
        return self._map("encode", self._standardised(X), out, self._fill())

    def decode(self, X, out):
        """Write the reconstructions of the codes in `X`, a `Rows`, or predictions, into `out`."""
        return self._map("decode", X, out, finish=self._finished)

    def predict(self, X, out):
        """Write the output for the rows of `X`, on the network's own scale, into `out`."""
        return self._map("predict", self._standardised(X), out, self._fill())

    def posterior(self, X, out):
        """Write means and standard deviations of the codes of `X` side by side into `out`."""
        return self._map("posterior", self._standardised(X), out, self._fill())

    def likelihood(self, objective, X, out, n_samples, seed):
        """Write the evidence lower bound and the log-likelihood of the rows of `X` into `out`.

        They are those of the numbers that the network computes on: the unit of X changes them by a
        constant that single precision would round.
        """
        constants = {**for_programs(self.constants), "log_scale": np.zeros((), np.float32)}
        numbers = {**objective.numbers_at(0), "constants": constants}
        extra = numbers, np.int32(n_samples), np.uint32(seed)
        return self._map("likelihood", self._standardised(X), out, *extra, objective=objective)

    def _standardised(self, X):
        return standardised(X, self.constants)

    def _finished(self, decoded):
        if not self.recipe.reconstructs:
            return decoded
        return bounded(restored(decoded, self.constants), self.constants)

    def _fill(self):
        return {"fill": for_programs(self.constants)["fill"]} if self.takes_missing else {}

    def _map(self, kind, X, out, *extra, objective=None, finish=np.asarray):
        if has_forked():
            return self._map_in_numpy(kind, X, out, finish)
        resident = _resident(self)
        compiled = _Compiled(self.recipe, kind, objective, resident, X.n_features, extra)
        tile_rows = compiled.tile_rows(X.n_rows)
        program, running = compiled.program(tile_rows), deque()
        ring = idle_rings.take(TILES_IN_FLIGHT, (tile_rows, X.n_features))
        for start, tile in tiles(X, ring):
            running.append((start, program(resident.weights, tile, *extra)))
            if len(running) == TILES_IN_FLIGHT:
                _collect(running, out, finish)
        while running:
            if tile_rows <= TILE_ROWS:
                _jax.wait_awake(running[0][1])
            _collect(running, out, finish)
        idle_rings.give(ring)
        return out

    def _map_in_numpy(self, kind, X, out, finish):
        """The same where JAX cannot run: by the same tiles, so rows do not depend on others."""
        from .._operations import in_numpy  # which is built on this package

        # Of an architecture of a user's, the network may run JAX as it is built.
        function = in_numpy(self, kind) if is_own(self.recipe.key) else None
        if function is None:
            check_runs()
        try:
            for start, tile in tiles(X, Ring(1, (TILE_ROWS, X.n_features))):
                out[start : start + TILE_ROWS] = finish(function(tile)[: len(out) - start])
        except NotImplementedError:  # of layers that are not written in NumPy
            check_runs()
        return out

    def keras_models(self):
        """New Keras models ``(encoder, decoder, autoencoder)`` with a copy of the weights."""
        check_models_run()
        graph, models = without_values(self._build_keras_models)
        for variable, value in zip(
            graph.trainable + graph.fixed, self.trainable + self.fixed, strict=True
        ):
            variable.assign(value)
        return models

    def keras_weights(self):
        """Where the weights of the encoder and of the decoder of `keras_models` are kept.

        Returns
        -------
        places : pair of lists of (int, int)
            In the order of `weights` of the model, 0 for trainable and 1 for fixed, and the index.
        """
        check_models_run()
        graph, (*models, _) = without_values(self._build_keras_models)
        place = {
            id(variable): (kind, index)
            for kind, variables in enumerate(graph.variables)
            for index, variable in enumerate(variables)
        }
        return tuple([place[id(weight)] for weight in model.weights] for model in models)

    def _build_keras_models(self):
        keras = load_keras()
        graph = KerasGraph(self.recipe)
        encoder = _in_units_of_X(_point_encoder(graph), self.constants, inputs=True)
        decoder = _activated(graph.decoder, self.recipe.output_activation, "decoder")
        if self.recipe.reconstructs:
            decoder = _in_units_of_X(decoder, self.constants, inputs=False)
        rows = keras.Input((self.recipe.n_features,), name="X")
        autoencoder = keras.Model(rows, decoder(encoder(rows)), name="autoencoder")
        return graph, (encoder, decoder, autoencoder)


def _collect(running, out, finish):
    """Wait for the result of the tile that was started first, and write it into `out`."""
    start, result = running.popleft()
    out[start : start + len(result)] = finish(np.asarray(result)[: len(out) - start])


def initial_network(recipe, seed, constants):
    """A `FittedNetwork` whose weights are newly drawn."""
    trainable, fixed = initial_weights(recipe, seed)
    return FittedNetwork(recipe, trainable, fixed, graph_of(recipe).n_code_features, constants)


def _activated(model, activation, name):
    """`model` with an activation behind its last layer."""
    keras = load_keras()
    output = model.outputs[0]
    if keras_activation(activation) != "linear":
        output = keras.layers.Activation(keras_activation(activation))(output)
    return keras.Model(model.inputs[0], output, name=name)


def _in_units_of_X(model, constants, *, inputs):
    """A model on the scale of a network as one whose inputs or outputs are in the units of X."""
    if "centre" not in constants:
        return model
    keras = load_keras()
    centre = constants["centre"]
    scale = np.broadcast_to(constants["scale"], centre.shape)
    if inputs:
        rows = keras.Input(model.input_shape[1:], name="X")
        # The centre first, of which the second layer takes what single precision rounds off.
        rounded = centre.astype(np.float32).astype(np.float64)
        centred = keras.layers.Rescaling(1.0, (-rounded).tolist())(rows)
        rest = (rounded - centre) / scale
        scaled = keras.layers.Rescaling((1 / scale).tolist(), rest.tolist())(centred)
        return keras.Model(rows, model(scaled), name=model.name)
    restore = keras.layers.Rescaling(scale.tolist(), centre.tolist())
    outputs = restore(model.outputs[0])
    if "low" in constants:
        # Of Keras's layers alone, so that the model can be saved.
        low, high = (
            keras.layers.Rescaling(0.0, constants[name].tolist())(outputs)
            for name in ("low", "high")
        )
        outputs = keras.layers.Minimum()([keras.layers.Maximum()([outputs, low]), high])
    return keras.Model(model.inputs[0], outputs, name=model.name)


def _point_encoder(graph):
    """The encoder with what follows its last layer: the code as `transform` gives it."""
    activation = getattr(graph.latent, "activation", None)
    if activation is not None:
        return _activated(graph.encoder, activation, "encoder")
    mean = graph.latent.code(graph.encoder.outputs[0])
    return load_keras().Model(graph.encoder.inputs[0], mean, name="encoder")


def inference_function(kind, graph, objective):
    """What a program of this kind computes of the weights and a tile of rows."""
    if kind == "encode":
        return lambda weights, X, constants: graph.encode(weights, filled(X, constants))
    if kind == "predict":
        return lambda weights, X, constants: graph.decode(
            weights, graph.encode(weights, filled(X, constants))
        )
    if kind == "posterior":
        return lambda weights, X, constants: mean_and_deviation(
            graph, weights, filled(X, constants)
        )
    if kind == "likelihood":
        return likelihood_function(graph, objective)
    return graph.decode


@dataclass(frozen=True)
class _Compiled:
    """The programs of one kind for a network, one for each size of tiles."""

    recipe: Recipe
    kind: str
    objective: object
    resident: "_Resident"
    width: int
    extra: tuple

    def program(self, tile_rows):
        """The program for tiles of that many rows."""
        known = self.resident.programs
        if (self.kind, tile_rows) not in known:
            example = np.zeros((tile_rows, self.width), np.float32)
            known[self.kind, tile_rows] = compile_program(
                self.kind,
                self._key,
                lambda: inference_function(self.kind, graph_of(self.recipe), self.objective),
                (self.resident.weights, example, *self.extra),
            )
        return known[self.kind, tile_rows]

    def tile_rows(self, n_rows):
        """Rows of a tile for data of that many rows: the fastest among those of equal bits."""
        if not self.resident.on_cpu:
            return max(1, min(ACCELERATOR_TILE_ROWS, LARGE_TILE_BYTES // (4 * self.width)))
        if n_rows <= SMALL_UP_TO and self.resident.convolves:
            return SMALL_TILE_ROWS if self._agrees(SMALL_TILE_ROWS) else TILE_ROWS
        large = _large_tile_rows(self.width)
        if large > TILE_ROWS and n_rows >= LARGE_FROM * large and self._agrees(large):
            return large
        return TILE_ROWS

    def _agrees(self, tile_rows):
        """Whether tiles of another size give the bits of the usual ones, tried on random rows.

        Sums are taken in an order that the shapes decide, not the values: rows that agree to the
        bit for random values were summed in the same order, and so will all others be. The answer
        serves all networks of the recipe. So it is found with random weights: those of one network
        may be zero, or its units dead, and then any order gives the same.
        """
        n_rows = max(tile_rows, PROBED_ROWS)

        def agree():
            generator = np.random.default_rng(0)
            weights = _jax.to_device(_probing_weights(generator, self.resident.weights))
            rows = generator.normal(size=(n_rows, self.width)).astype(np.float32)
            usual, other = (self._by_tiles(size, weights, rows) for size in (TILE_ROWS, tile_rows))
            return _tells_rows_apart(usual) and np.array_equal(usual, other)

        return programs.get("agreement", (self.kind, tile_rows, self._key), agree)

    def _by_tiles(self, tile_rows, weights, rows):
        """The results for rows that fill tiles of that many rows."""
        program = self.program(tile_rows)
        starts = range(0, len(rows), tile_rows)
        tiles = (rows[start : start + tile_rows] for start in starts)
        return np.concatenate([np.asarray(program(weights, tile, *self.extra)) for tile in tiles])

    @property
    def _key(self):
        return self.recipe.key, self.objective and self.objective.key


def _probing_weights(generator, weights):
    """Random arrays like `weights`, with which no layer is dead and no activation saturated."""
    return tuple([_probing_array(generator, array) for array in arrays] for arrays in weights)


def _probing_array(generator, array):
    if array.dtype != np.float32:  # the seed of a dropout
        return np.asarray(array)
    if array.ndim < 2:  # biases, factors, and variances, which must be positive
        return generator.uniform(0.5, 1.5, array.shape).astype(np.float32)
    scale = 1 / np.sqrt(np.prod(array.shape[:-1]))
    return (scale * generator.normal(size=array.shape)).astype(np.float32)


def _tells_rows_apart(results):
    """Whether results are finite and those of most rows distinct."""
    distinct = np.unique(results, axis=0)
    return bool(np.isfinite(results).all()) and len(distinct) > len(results) / 2


def _large_tile_rows(width):
    """Rows of a large tile: a usual one doubled some times, so that few programs serve all data."""
    fitting = max(1, LARGE_TILE_BYTES // (4 * width) // TILE_ROWS)
    return min(LARGE_TILE_ROWS, TILE_ROWS * 2 ** (fitting.bit_length() - 1))


class _Resident:
    """What a fitted network keeps in the process: weights where programs run, and the programs.

    Attributes
    ----------
    weights : pair of lists of device arrays
    programs : dict
        The programs it has used.
    on_cpu, convolves : bool
    """

    def __init__(self, network):
        graph = graph_of(network.recipe)
        self.weights = _jax.to_device((list(network.trainable), list(network.fixed)))
        self.programs = {}
        self.on_cpu, self.convolves = _jax.on_cpu(), graph.convolves


_residents = weakref.WeakKeyDictionary()


def _resident(network):
    """The device side of `network`, made at its first use and dropped with it."""
    resident = _residents.get(network)
    if resident is None:
        resident = _residents.setdefault(network, _Resident(network))
    return resident
