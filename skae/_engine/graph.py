"""The Keras graph of a recipe, as pure functions of its weights, and its initial weights."""

from typing import NamedTuple

import numpy as np

from .activations import activation_function
from .backend import load_keras
from .building import (
    all_operations,
    build_models,
    initial_values,
    merged_variables,
    small_program_options,
    without_values,
)
from .programs import compile_program, programs

LINEAR_PATH = "linear_path"
"""Name of the layers that add a fixed linear function of a network's input to its output."""


class Pass(NamedTuple):
    """What a call of the encoder or of the decoder gave.

    Parameters
    ----------
    output : tensor
    fixed : list of tensors
        All arrays of both networks that are not trained, as they are after the call.
    regularizers : scalar
        Sum of the layers' own regularizers.
    """

    output: object
    fixed: list
    regularizers: object


class PathWeights(NamedTuple):
    """Where a linear path and the layer beside it have their weights.

    Parameters
    ----------
    matrix, gain : int
        Indices in the fixed weights.
    others : list of int
        Indices in the trainable weights of the last layer beside it.
    """

    matrix: int
    gain: int
    others: list


class Graph:
    """The Keras models of a recipe, used through pure functions of the weights alone.

    Its Keras variables are placeholders: every call passes the weights in, so one graph serves all
    estimators and threads. Weights are a pair ``(trainable, fixed)`` of lists of arrays: the
    encoder's, then what the decoder does not share with it, then the extra weights.
    """

    def __init__(self, recipe):
        self.recipe, self.latent = recipe, recipe.latent
        n_outputs = recipe.latent.n_outputs(recipe.n_components)
        self.encoder, self.decoder = build_models(
            recipe.architecture, (recipe.n_features,), recipe.n_components, n_outputs
        )
        check_models(recipe, self.encoder, self.decoder)
        models = self.encoder, self.decoder
        self.trainable, self._trainable_of = merged_variables(models, "trainable")
        self.fixed, self._fixed_of = merged_variables(models, "non_trainable")
        self.n_encoder_weights = len(self.encoder.trainable_variables)
        self.n_layer_weights = len(self.trainable)
        self.trainable += [
            load_keras().Variable("zeros", shape=shape, name=name)
            for name, shape in recipe.extra_weights
        ]
        self.n_code_features = self.decoder.input_shape[-1]
        operations = all_operations(models)
        self.convolves = any(map(_may_convolve, operations))
        self.mixes_rows = any(map(_may_mix_rows, operations))

    def _call(self, model, indices, weights, inputs, training):
        trainable, fixed = weights
        output, new, regularizers = model.stateless_call(
            [trainable[index] for index in indices[0]],
            [fixed[index] for index in indices[1]],
            inputs,
            training=training,
            return_losses=True,
        )
        fixed = list(fixed)
        for index, array in zip(indices[1], new, strict=True):
            fixed[index] = array
        return Pass(output, fixed, sum(regularizers))

    def encoder_output(self, weights, X, *, training=False):
        """Output of the encoder, from which the code comes about."""
        indices = self._trainable_of[0], self._fixed_of[0]
        return self._call(self.encoder, indices, weights, X, training)

    def decoder_output(self, weights, code, *, training=False):
        """Output of the decoder before the output activation."""
        indices = self._trainable_of[1], self._fixed_of[1]
        return self._call(self.decoder, indices, weights, code, training)

    def encode(self, weights, X):
        """Code of the rows X as `transform` gives it."""
        return self.latent.code(self.encoder_output(weights, X).output)

    def posterior(self, weights, X):
        """Mean and log variance of the code of the rows X."""
        return self.latent.posterior(self.encoder_output(weights, X).output)

    def logits(self, weights, code):
        """Output of the decoder before the output activation, as a tensor."""
        return self.decoder_output(weights, code).output

    def activate(self, logits):
        """The reconstruction that belongs to the decoder's `logits`."""
        return activation_function(self.recipe.output_activation)(logits)

    def decode(self, weights, code):
        """Reconstruction that belongs to a code."""
        return self.activate(self.logits(weights, code))

    def extra_weights(self, trainable):
        """What is trained beside the layers' weights, by name."""
        return extra_weights(self.recipe, trainable)

    def indices(self, part, kind):
        """Indices in ``weights[kind]`` of what the encoder (part 0) or the decoder alone (1) has.

        Those of the layers next to the data come first.
        """
        encoder, decoder = (self._trainable_of, self._fixed_of)[kind]
        return encoder if part == 0 else sorted(set(decoder) - set(encoder), reverse=True)

    @property
    def linear_paths(self):
        """The `PathWeights` of the encoder and of the decoder; empty if not both have one."""
        number = {id(v): index for kind in self.variables for index, v in enumerate(kind)}
        paths = [
            [layer for layer in model.layers if layer.name == LINEAR_PATH]
            for model in (self.encoder, self.decoder)
        ]
        return [
            PathWeights(
                number[id(path.matrix)],
                number[id(path.gain)],
                [number[id(v)] for v in _last_layer(path.input[1]).trainable_variables],
            )
            for (path,) in (paths if all(len(found) == 1 for found in paths) else ())
        ]

    @property
    def variables(self):
        """The Keras variables, as a pair of lists like the weights."""
        return self.trainable, self.fixed

    @property
    def shared_output_bias(self):
        """Index of the last layer's bias if several features share its entries, else None.

        Those are the channels of a convolution.
        """
        index = self.n_layer_weights - 1
        if index < 0:
            return None
        bias, n_features = self.trainable[index], self.recipe.n_features
        shared = bias.name == "bias" and bias.shape[0] < n_features
        return index if shared and n_features % bias.shape[0] == 0 else None


def _last_layer(tensor):
    """The layer whose output a symbolic tensor is."""
    return tensor._keras_history.operation


def extra_weights(recipe, trainable):
    """What is trained beside the layers' weights, by name."""
    names = [name for name, _ in recipe.extra_weights]
    return dict(zip(names, trainable[len(trainable) - len(names) :], strict=True))


def _may_convolve(operation):
    """Whether an operation is a convolution of Keras's, or a user's layer that may hold one."""
    if any("Conv" in cls.__name__ for cls in type(operation).__mro__):
        return True
    variables = getattr(operation, "variables", [])
    return not _is_known(operation) and any(len(variable.shape) > 2 for variable in variables)


def _may_mix_rows(operation):
    """Whether an operation's output or loss for a row may depend on the batch.

    It does not for Keras's layers, but for those that reduce over the batch, draw one noise for all
    rows, run a user's function, or penalize their output, of which Keras takes the mean over rows.
    """
    layers = load_keras().layers
    mixing = ("BatchNormalization", "Lambda", "JaxLayer", "MixUp", "CutMix")
    if isinstance(operation, tuple(getattr(layers, name) for name in mixing)):
        return True
    return (
        not (_is_known(operation) and isinstance(operation, layers.Layer))
        or operation.activity_regularizer is not None
        or getattr(operation, "noise_shape", None) is not None
        or not all(map(_keeps_rows, _activations(operation)))
        or _takes_batch_axis(operation)
    )


def _is_known(operation):
    return type(operation).__module__.split(".")[0] in ("keras", "skae")


def _activations(layer):
    """What a layer has as activations: functions, or layers."""
    names = ("activation", "recurrent_activation")
    found = (getattr(layer, name, None) for name in names)
    return [activation for activation in found if activation is not None]


def _keeps_rows(activation):
    """Whether an activation is a function of `keras.activations`, or a layer, seen by itself."""
    keras = load_keras()
    known = vars(keras.activations).values()
    return isinstance(activation, keras.Layer) or any(activation is function for function in known)


def _takes_batch_axis(layer):
    """Whether a layer may work along the batch.

    An axis from the end, but for the last, may be that of the rows, and None may stand for all.
    """
    for name in ("axis", "axes", "_attention_axes"):
        axes = getattr(layer, name, -1)
        axes = axes if isinstance(axes, (list, tuple)) else (axes,)
        if any(axis is None or axis < -1 or axis == 0 for axis in axes):
            return True
    return False


def check_models(recipe, encoder, decoder):
    """Refuse what an architecture built if it is no pair of networks that fit.

    Raises
    ------
    TypeError, ValueError
        With what was expected and what was found.
    """
    name = type(recipe.architecture).__name__
    keras = load_keras()
    for role, model in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise TypeError(
                f"{name}.build must return Keras models that know their inputs, but its {role} is "
                f"a {type(model).__name__}. Make it functional: inputs = keras.Input((width,)); "
                "keras.Model(inputs, yours(inputs)). A keras.Sequential needs a "
                "keras.layers.Input((width,)) first."
            )
    expected = (None, recipe.n_features), (None, recipe.output_width)
    if (encoder.input_shape, decoder.output_shape) != expected:
        raise ValueError(
            f"{name}.build must return an encoder from rows of {recipe.n_features} features and a "
            f"decoder to rows of {recipe.output_width}; got input shape {encoder.input_shape} and "
            f"output shape {decoder.output_shape}."
        )
    code_shape = decoder.input_shape
    encoded = (None, recipe.latent.n_outputs(code_shape[-1]))
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


def new_graph(recipe):
    """A graph of its own, whose variables may be written."""
    return without_values(lambda: Graph(recipe))


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
        lambda: initial_values(
            [graph.encoder, graph.decoder], graph.variables, lambda: new_graph(recipe).variables
        ),
        (state,),
        cpu_options=small_program_options(graph.trainable),
    )
    trainable, fixed = draw(state)
    return [np.array(array) for array in trainable], [np.array(array) for array in fixed]
