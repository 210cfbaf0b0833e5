"""Layerwise pretraining: each layer as an autoencoder of its own, before all train together."""

from itertools import product, zip_longest

import numpy as np

from .._data import Rows
from .._engine import FittedNetwork, Hooks, Objective, PointCode, Recipe, graph_of, initial_network
from ..losses import SquaredError

PARTS = ("encoder", "decoder")
"""The networks by their number."""

KINDS = ("trainable", "fixed")
"""The lists of weights by their number."""


def layers_of(recipe, loss):
    """The networks of one layer each, by which a network is pretrained, the outermost first.

    Parameters
    ----------
    recipe : Recipe
        The whole network.
    loss : Loss
        What the first layer minimises.

    Returns
    -------
    layers : list of Recipe

    Raises
    ------
    ValueError
        If there are fewer than two layers, or their weights are not those of the whole.
    """
    architecture = recipe.architecture
    stages = architecture.stages((recipe.n_features,), recipe.n_components)
    if len(stages) < 2:
        raise ValueError(
            "pretraining='layerwise' needs an encoder of at least two layers, got "
            f"{architecture!r} with {len(stages)}. Add hidden layers, or take pretraining=None."
        )
    is_point = isinstance(recipe.latent, PointCode)
    if not is_point:
        stages = stages[:-1]  # the last layer gives a distribution: no autoencoder of its own
    n_features, output = recipe.n_features, recipe.output_activation
    extra_weights, layers = loss.extra_weights(n_features), []
    for number, stage in enumerate(stages):
        last = is_point and number == len(stages) - 1
        latent = recipe.latent if last else PointCode(stage.activation)
        layer = Recipe(
            stage.architecture, n_features, stage.n_components, latent, output, extra_weights
        )
        layers.append(layer)
        n_features, output = graph_of(layer).n_code_features, latent.activation
        extra_weights = ()
    _check_layers(recipe, layers, is_whole=is_point)
    return layers


def _check_layers(recipe, layers, *, is_whole):
    """Refuse layers whose arrays of weights are not, in number, name and shape, the whole's."""
    whole, graphs = graph_of(recipe), [graph_of(layer) for layer in layers]
    for part, kind in product((0, 1), repeat=2):
        expected = _arrays([whole], [(whole.trainable, whole.fixed)], part, kind)
        found = _arrays(graphs, [(graph.trainable, graph.fixed) for graph in graphs], part, kind)
        if not is_whole:
            expected = expected[: len(found)]
        for number, pair in enumerate(zip_longest(expected, found)):
            one, other = map(_described, pair)
            if one != other:
                raise ValueError(
                    "pretraining='layerwise' needs stages that one after the other are the "
                    f"network, but those of {type(recipe.architecture).__name__} are not: array "
                    f"{number} of the {PARTS[part]}'s {KINDS[kind]} weights, counted from the "
                    f"data inwards, is {one} in the network and {other} in the stages."
                )


def _described(variable):
    return "none" if variable is None else f"{variable.name!r} of shape {tuple(variable.shape)}"


def _arrays(graphs, weights, part, kind):
    """Arrays of several networks in one list, the outermost layer's first; see `Graph.indices`."""
    return [
        some[kind][index]
        for graph, some in zip(graphs, weights, strict=True)
        for index in graph.indices(part, kind)
    ]


def layer_objective(objective, number):
    """What layer `number` minimises: plain or denoising reconstruction of its own input."""
    corruption, level = objective.corruption, objective.corruption_level
    if number and corruption is not None and not corruption.suits_codes:
        corruption = level = None
    on_weights = tuple(term for term in objective.penalties if "weights" in term.penalty.concerns)
    loss = SquaredError() if number else objective.loss.of_layer()
    return Objective(loss, on_weights, corruption, level)


def pretrained(recipe, layers, objective, data, seed, constants, train):
    """A network whose layers were trained one after the other, each on the code of the last [1]_.

    Parameters
    ----------
    recipe : Recipe
        The whole network.
    layers : list of Recipe
        From `layers_of`.
    objective : Objective
    data : TrainingSet
    seed : int
    constants : dict of str to ndarray
        As in `FittedNetwork`; they concern the first layer alone.
    train : callable
        Maps number, recipe, objective, data, seed and constants of a layer to its `FittedNetwork`.

    Returns
    -------
    network : FittedNetwork
        Where training all layers together starts.

    References
    ----------
    .. [1] Vincent, P. et al. (2010). Stacked denoising autoencoders. Journal of Machine Learning
       Research 11, 3371-3408.
    """
    networks = []
    for number, layer in enumerate(layers):
        own = layer_objective(objective, number)
        own_constants = constants if number == 0 else {}
        network = train(number, layer, own, data, seed + number, own_constants)
        networks.append(network)
        code = np.empty((data.X.n_rows, network.n_code_features), np.float32)
        data = data.with_rows(Rows(network.encode(data.X, code)))
    return _joined(recipe, networks, seed, constants)


def _joined(recipe, networks, seed, constants):
    """The whole network with the weights of its layers; a layer that was left out has new ones."""
    whole = initial_network(recipe, seed, constants)
    graph, graphs = graph_of(recipe), [graph_of(network.recipe) for network in networks]
    layers = [(network.trainable, network.fixed) for network in networks]
    weights = list(whole.trainable), list(whole.fixed)
    for part, kind in product((0, 1), repeat=2):
        arrays = _arrays(graphs, layers, part, kind)
        indices = graph.indices(part, kind)[: len(arrays)]
        for index, array in zip(indices, arrays, strict=True):
            weights[kind][index] = array
    return FittedNetwork(recipe, *weights, whole.n_code_features, constants)


class LayerHooks(Hooks):
    """What is told of the training of one layer."""

    def __init__(self, fit, number, name, callbacks):
        self._fit, self._number, self._name, self.callbacks = fit, number, name, callbacks

    def before_epoch(self):
        """An epoch begins."""
        self.callbacks.begin_epoch()

    def after_epoch(self, training):
        """An epoch ended; returns whether a callback wants it to be the last."""
        self._fit.report.epoch(training, self._number)
        return self.callbacks.end_epoch(training)

    def between_passes(self, training):
        """The training goes on."""
        self._fit.progress.keep_if_due(self._name, training)
