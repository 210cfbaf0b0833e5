"""The networks of a recipe as Keras models: those of a user's layers, and those that are shown."""

import numpy as np

from . import jacobian
from .backend import load_keras
from .base_graph import LINEAR_PATH, Graph, Pass, PathWeights
from .building import (
    all_operations,
    build_models,
    initial_values,
    merged_variables,
    small_program_options,
    without_values,
)
from .programs import compile_program, programs


class KerasGraph(Graph):
    """The networks of a recipe as Keras models.

    Their Keras variables are placeholders: every call passes the weights in.
    """

    def __init__(self, recipe):
        super().__init__(recipe)
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

    def _call(self, part, weights, inputs, training):
        model = (self.encoder, self.decoder)[part]
        (trainable, fixed), indices = weights, (self._trainable_of[part], self._fixed_of[part])
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

    def dense_encoder(self, trainable):
        """The encoder as a dense chain if it is one, else None; see `jacobian.dense_chain`."""
        return jacobian.dense_chain(self.encoder, trainable[: self.n_encoder_weights])

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

    def initial_weights(self, seed):
        """First values of all arrays; see `graph.initial_weights`."""
        state = np.array([seed, 0], np.uint32)
        models = [self.encoder, self.decoder]

        def draw():
            return initial_values(
                models, self.variables, lambda: keras_graph(self.recipe).variables
            )

        program = compile_program(
            "initial",
            self.recipe.key,
            draw,
            (state,),
            cpu_options=small_program_options(self.trainable),
        )
        return tuple([np.array(array) for array in some] for some in program(state))


def _last_layer(tensor):
    """The layer whose output a symbolic tensor is."""
    return tensor._keras_history.operation


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


def keras_graph(recipe):
    """A graph of its own as Keras models, whose variables may be written."""
    return without_values(lambda: KerasGraph(recipe))


def keras_graph_of(recipe):
    """The shared graph of a recipe as Keras models."""
    return programs.get("keras graph", recipe.key, lambda: keras_graph(recipe))
