"""Layerwise pretraining: each layer as an autoencoder of its own, before all train together."""

import numpy as np

from ._engine import (
    FittedNetwork,
    Objective,
    Recipe,
    Rows,
    graph_of,
    initial_network,
)
from ._training_set import TrainingSet

LAYER_LOSSES = {"bernoulli": "binary_crossentropy", "gaussian": "squared_error"}
"""What the first layer minimises where the whole has a likelihood."""


def layer_recipes(recipe):
    """The networks of one layer each, by which a network is pretrained, and their stages.

    Raises
    ------
    ValueError
        If there are fewer than two layers.
    """
    architecture = recipe.architecture
    stages = architecture.stages((recipe.n_features,), recipe.n_components)
    if len(stages) < 2:
        raise ValueError(
            "pretraining='layerwise' needs an encoder of at least two layers, got "
            f"{architecture!r} with {len(stages)}. Add hidden layers, or take pretraining=None."
        )
    if recipe.draws_code:
        stages = stages[:-1]  # the last layer gives mean and variance: no autoencoder of its own
    n_features, output = recipe.n_features, recipe.output_activation
    for number, stage in enumerate(stages):
        last = number == len(stages) - 1 and not recipe.draws_code
        code = recipe.code_activation if last else stage.activation
        layer = Recipe(stage.architecture, n_features, stage.n_components, code, output)
        yield layer, stage
        n_features, output = graph_of(layer).n_code_features, code


def layer_objective(objective, number):
    """What layer `number` minimises: plain or denoising reconstruction of its own input."""
    corruption, penalties = objective.corruption, objective.weight_penalties
    if number and corruption is not None and not corruption.suits_codes:
        corruption = None
    names = [penalty.__name__ for penalty in penalties]
    names += [] if corruption is None else ["corruption_level"]
    numbers = {name: objective.numbers[name] for name in names}
    loss = "squared_error" if number else LAYER_LOSSES.get(objective.loss, objective.loss)
    return Objective(loss, penalties, corruption, numbers)


def pretrained(recipe, objective, data, seed, constants, train):
    """A network whose layers were trained one after the other, each on the code of the last.

    Parameters
    ----------
    recipe : Recipe
        The whole network.
    objective : Objective
    data : TrainingSet
    seed : int
    constants : dict of str to ndarray
        As in `FittedNetwork`; they concern the first layer alone.
    train : callable
        Maps recipe, objective, data, seed and constants of a layer to its `FittedNetwork`.

    Returns
    -------
    network : FittedNetwork
        Where training all layers together starts.

    References
    ----------
    .. [1] Vincent, P. et al. (2010). Stacked denoising autoencoders. Journal of Machine Learning
       Research 11, 3371-3408.
    """
    layers = []
    for number, (layer, stage) in enumerate(layer_recipes(recipe)):
        own = layer_objective(objective, number)
        own_constants = constants if number == 0 else {}
        network = train(layer, own, data, seed + number, own_constants)
        layers.append((network, stage))
        code = np.empty((data.n_rows, network.n_code_features), np.float32)
        rows = Rows(network.encode(data.X, code))
        data = TrainingSet(rows, rows, data.weight)
    return _joined(recipe, layers, seed, constants)


def _joined(recipe, layers, seed, constants):
    """The whole network with the kernels and biases of its layers."""
    whole = initial_network(recipe, seed, constants)
    graph = graph_of(recipe)
    trainable = list(whole.trainable)
    encoder, decoder = [], []
    for network, stage in layers:
        own = graph_of(network.recipe)
        encoder += [network.trainable[place] for place in own.affine_places(0)]
        arrays = [network.trainable[place] for place in own.affine_places(1)]
        decoder = arrays[stage.n_inner_arrays :] + decoder
    places = graph.affine_places(0)[: len(encoder)]
    decoder_places = graph.affine_places(1)
    places += decoder_places[len(decoder_places) - len(decoder) :]
    for place, array in zip(places, encoder + decoder, strict=True):
        trainable[place] = array
    return FittedNetwork(recipe, trainable, whole.fixed, whole.n_code_features, constants)
