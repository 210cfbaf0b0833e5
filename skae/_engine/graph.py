"""The networks of a recipe, as pure functions of their weights, and their initial weights."""

import numpy as np

from .building import small_program_options
from .keras_graph import keras_graph
from .own_graph import OwnGraph
from .programs import compile_program, programs


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
    graph = graph_of(recipe)
    state = np.array([seed, 0], dtype=np.uint32)
    draw = compile_program(
        "initial",
        recipe.key,
        graph.initial_values,
        (state,),
        cpu_options=small_program_options(graph.trainable),
    )
    trainable, fixed = draw(state)
    return [np.array(array) for array in trainable], [np.array(array) for array in fixed]
