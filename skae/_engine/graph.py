"""The networks of a recipe, as pure functions of their weights, and their initial weights."""

from .keras_graph import keras_graph
from .own_graph import OwnGraph
from .programs import programs


def new_graph(recipe):
    """A graph of its own: of layers that skae runs itself, or of Keras models."""
    networks = recipe.own_layers()
    return keras_graph(recipe) if networks is None else OwnGraph(recipe, networks)


def graph_of(recipe):
    """The shared graph of a recipe."""
    return programs.get("graph", recipe.key, lambda: new_graph(recipe))


def initial_weights(recipe, seed):
    """Draw the weights of a new network: every initializer of its layers, seeded by skae.

    Parameters
    ----------
    recipe : Recipe
    seed : int
        Two calls with one seed give the same bits.

    Returns
    -------
    weights : pair of lists of ndarray
    """
    return graph_of(recipe).initial_weights(seed)
