"""The calls of layers that a Keras model consists of, for other forms of it."""

from typing import NamedTuple


class Call(NamedTuple):
    """One call of a layer.

    Parameters
    ----------
    layer : keras.Layer or keras.Operation
    inputs, outputs : list of keras.KerasTensor
        Symbolic tensors, which are the same objects where one call takes what another gives.
    options : dict
        Other arguments that were given by name, but for None and False, which stand for nothing.
    """

    layer: object
    inputs: list
    outputs: list
    options: dict


def calls(model):
    """The calls that lead from a model's inputs to its outputs, in an order that can be run.

    Keras keeps them in attributes that it does not document.
    """
    found, seen = [], {id(tensor) for tensor in model.inputs}

    def visit(tensor):
        if id(tensor) in seen:
            return
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        seen.update(map(id, node.output_tensors))
        for source in node.input_tensors:
            visit(source)
        given = node.arguments.kwargs.items()
        options = {name: value for name, value in given if value is not None and value is not False}
        found.append(Call(node.operation, node.input_tensors, node.output_tensors, options))

    for output in model.outputs:
        visit(output)
    return found
