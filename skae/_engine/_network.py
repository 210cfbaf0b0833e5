"""Fitted networks: a recipe and its weights, and the programs that run them."""

import weakref
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ._backend import load_keras
from ._data import tiles
from ._graph import Graph, build_lock, graph_of, initial_weights
from ._likelihood import likelihood_function, mean_and_deviation
from ._programs import compile_program, programs
from ._recipe import Recipe, keras_activation

TILE_ROWS = 64
"""Rows of one inference call. Always the same, so that a row's bits never depend on its company."""

LARGE_TILE_ROWS = 1024
"""Rows of one call for much data, where larger tiles were found to give the same bits."""

LARGE_FROM = 16 * LARGE_TILE_ROWS
"""Rows from which large tiles are worth their compilation."""

TILES_IN_FLIGHT = 4
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
        Arrays that were taken from the training data: ``"fill"``, what replaces missing values,
        and ``"noise_variance"``, which the likelihood's is relative to.
    """

    recipe: Recipe
    trainable: list = field(repr=False)
    fixed: list = field(repr=False)
    n_code_features: int = 0
    constants: dict = field(default_factory=dict, repr=False)

    def encode(self, X, out):
        """Write the code of the rows of `X`, a `Rows`, into `out`."""
        return self._map("encode", X, out, fill=self.constants.get("fill"))

    def decode(self, X, out):
        """Write the reconstructions of the codes in `X`, a `Rows`, into `out`."""
        return self._map("decode", X, out)

    def posterior(self, X, out):
        """Write means and standard deviations of the codes of `X` side by side into `out`."""
        return self._map("posterior", X, out, fill=self.constants.get("fill"))

    def likelihood(self, objective, X, out, n_samples, seed):
        """Write the evidence lower bound and the log-likelihood of the rows of `X` into `out`."""
        extra = self.constants, np.int32(n_samples), np.uint32(seed)
        return self._map("likelihood", X, out, *extra, objective=objective)

    def noise_variance(self):
        """Variance of each feature around its reconstruction, for a Gaussian likelihood."""
        weights = (self.trainable, self.fixed)
        return np.array(graph_of(self.recipe).noise_variance(weights, self.constants))

    def _map(self, kind, X, out, *extra, fill=None, objective=None):
        resident = _resident(self)
        compiled = _Compiled(self.recipe, kind, objective, resident, X.n_features, extra)
        large = X.n_rows >= LARGE_FROM and compiled.large_tiles_agree()
        tile_rows = LARGE_TILE_ROWS if large else TILE_ROWS
        program, running = compiled.program(tile_rows), deque()
        for start, tile in tiles(X, tile_rows):
            if fill is not None:
                tile = np.where(np.isnan(tile), fill, tile)
            running.append((start, program(resident.weights, tile, *extra)))
            if len(running) == TILES_IN_FLIGHT:
                _collect(running, out)
        while running:
            _collect(running, out)
        return out

    def keras_models(self):
        """New Keras models ``(encoder, decoder, autoencoder)`` with a copy of the weights."""
        keras = load_keras()
        with build_lock:
            graph = Graph(self.recipe, with_values=True)
        for variable, value in zip(
            graph.trainable + graph.fixed, self.trainable + self.fixed, strict=True
        ):
            variable.assign(value)
        encoder, decoder = graph.encoder, graph.decoder
        encoder = _point_encoder(encoder, self.recipe, self.n_code_features)
        decoder = _activated(decoder, self.recipe.output_activation, "decoder")
        rows = keras.Input((self.recipe.n_features,), name="X")
        return encoder, decoder, keras.Model(rows, decoder(encoder(rows)), name="autoencoder")


def _collect(running, out):
    """Wait for the result of the tile that was started first, and write it into `out`."""
    start, result = running.popleft()
    out[start : start + len(result)] = np.asarray(result)[: len(out) - start]


def initial_network(recipe, seed, constants):
    """A `FittedNetwork` whose weights are newly drawn."""
    trainable, fixed = [
        [np.array(array) for array in some] for some in initial_weights(recipe, seed)
    ]
    return FittedNetwork(recipe, trainable, fixed, graph_of(recipe).n_code_features, constants)


def _activated(model, activation, name):
    """`model` with an activation behind its last layer."""
    keras = load_keras()
    output = model.outputs[0]
    if keras_activation(activation) != "linear":
        output = keras.layers.Activation(keras_activation(activation))(output)
    return keras.Model(model.inputs[0], output, name=name)


def _point_encoder(encoder, recipe, n_code_features):
    """The encoder with what follows its last layer: the code as `transform` gives it."""
    if recipe.draws_code:
        mean = encoder.outputs[0][:, :n_code_features]
        return load_keras().Model(encoder.inputs[0], mean, name="encoder")
    return _activated(encoder, recipe.code_activation, "encoder")


def _inference_function(kind, graph, objective):
    """What a program of this kind computes of the weights and a tile of rows."""
    if kind == "encode":
        return lambda weights, X: graph.encode(weights, X)[0]
    if kind == "posterior":
        return lambda weights, X: mean_and_deviation(graph, weights, X)
    if kind == "likelihood":
        return likelihood_function(graph, objective)
    return graph.decode


@dataclass(frozen=True)
class _Compiled:
    """The programs of one kind for a network: for tiles, and for large tiles."""

    recipe: Recipe
    kind: str
    objective: object
    resident: "_Resident"
    width: int
    extra: tuple

    def program(self, tile_rows):
        """The program for tiles of so many rows."""
        known = self.resident.programs
        if (self.kind, tile_rows) not in known:
            example = np.zeros((tile_rows, self.width), np.float32)
            known[self.kind, tile_rows] = compile_program(
                self.kind,
                self._key,
                lambda: _inference_function(self.kind, graph_of(self.recipe), self.objective),
                (self.resident.weights, example, *self.extra),
            )
        return known[self.kind, tile_rows]

    def large_tiles_agree(self):
        """Whether a large tile gives the bits of small ones, tried once on random rows.

        Sums are taken in an order that the shapes decide, not the values: rows that agree to the
        bit for random values were summed in the same order, and so will all others be.
        """

        def agree():
            rows = np.random.default_rng(0).normal(size=(LARGE_TILE_ROWS, self.width))
            rows = rows.astype(np.float32)
            run = {size: self.program(size) for size in (TILE_ROWS, LARGE_TILE_ROWS)}
            results = [
                [
                    np.asarray(
                        program(self.resident.weights, rows[start : start + size], *self.extra)
                    )
                    for start in range(0, LARGE_TILE_ROWS, size)
                ]
                for size, program in run.items()
            ]
            return np.array_equal(*map(np.concatenate, results), equal_nan=True)

        return programs.get("agreement", (self.kind, self._key), agree)

    @property
    def _key(self):
        return self.recipe.key, self.objective and self.objective.key


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
