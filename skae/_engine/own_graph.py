"""The networks of a recipe as chains of layers that skae runs itself, without Keras."""

import itertools
import math

import numpy as np

from . import threefry
from .base_graph import LINEAR_PATH, Graph, Pass, PathWeights, Weight


class OwnGraph(Graph):
    """The networks of a recipe as chains of layers; see `skae._own_layers`.

    Parameters
    ----------
    recipe : Recipe
    networks : OwnNetworks
        The layers of encoder and decoder.
    """

    def __init__(self, recipe, networks):
        super().__init__(recipe)
        self.n_code_features = networks.n_codes
        self.trainable, self.fixed = [], []
        self._chains, placed = [], {}
        for layers in (networks.encoder, networks.decoder):
            for layer in layers:
                placed[id(layer)] = self._placed(layer, placed)
            self._chains.append([(layer, placed[id(layer)]) for layer in layers])
        self.n_encoder_weights = len(self._trainable_of[0])
        self.n_layer_weights = len(self.trainable)
        self.trainable += [Weight(name, shape) for name, shape in recipe.extra_weights]
        layers = [*networks.encoder, *networks.decoder]
        self.convolves = any(layer.convolves for layer in layers)
        self.mixes_rows = any(layer.mixes_rows for layer in layers)

    def _placed(self, layer, placed):
        """Where a layer has its arrays: kind and index in the weights, by name."""
        places = {name: placed[id(other)][name] for name, other in layer.borrowed().items()}
        for weight in layer.weights():
            arrays = self.trainable if weight.trained else self.fixed
            places[weight.name] = 0 if weight.trained else 1, len(arrays)
            arrays.append(weight)
        return places

    def _indices(self, kind):
        """Indices in the weights of a kind of what the encoder and what the decoder reads."""
        return [
            [index for _, places in chain for of, index in places.values() if of == kind]
            for chain in self._chains
        ]

    @property
    def _trainable_of(self):
        return self._indices(0)

    @property
    def _fixed_of(self):
        return self._indices(1)

    def _call(self, part, weights, inputs, training):
        x, fixed = inputs, list(weights[1])
        for layer, places in self._chains[part]:
            own = {name: weights[kind][index] for name, (kind, index) in places.items()}
            if not training:
                x = layer(own, x, inputs)
                continue
            x, changed = layer.train(own, x, inputs)
            for name, value in changed.items():
                fixed[places[name][1]] = value
        return Pass(x, fixed, 0)

    def dense_encoder(self, trainable):
        """The encoder as a dense chain if it is one, else None; see `jacobian.dense_chain`."""
        chain = []
        for layer, places in self._chains[0]:
            own = {name: trainable[index] for name, (kind, index) in places.items() if kind == 0}
            chain = layer.after(chain, own)
            if chain is None:
                return None
        return chain

    @property
    def linear_paths(self):
        """The `PathWeights` of the encoder and of the decoder; empty if not both have one."""
        paths = []
        for chain in self._chains:
            for (_, beside), (layer, places) in itertools.pairwise(chain):
                if layer.name == LINEAR_PATH:
                    others = [index for kind, index in beside.values() if kind == 0]
                    paths.append(PathWeights(places["matrix"][1], places["gain"][1], others))
        return paths if len(paths) == 2 else []

    def initial_weights(self, seed):
        """First values of all arrays; see `graph.initial_weights`."""
        states = (np.array([seed, n], np.uint32) for n in itertools.count())
        return tuple([initial_value(weight, states) for weight in some] for some in self.variables)


def initial_value(weight, states):
    """The first value of an array; `states` gives a new random state for each that needs one."""
    if weight.start == "seed":
        return next(states)
    if weight.start == "glorot_uniform":
        *window, n_inputs, n_outputs = weight.shape
        limit = math.sqrt(6 / (math.prod(window) * (n_inputs + n_outputs)))
        return threefry.uniform(next(states), weight.shape, -limit, limit)
    return getattr(np, weight.start)(weight.shape, np.float32)
