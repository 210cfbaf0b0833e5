"""skae's estimators as ONNX nodes: outputs, their shapes, and what computes them."""

import numpy as np
from skl2onnx import get_model_alias
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int8TensorType,
    Int16TensorType,
    Int32TensorType,
    Int64TensorType,
    StringTensorType,
    UInt8TensorType,
    UInt16TensorType,
    UInt32TensorType,
)
from sklearn.utils.validation import check_is_fitted

from .._operations import NetworkNodes
from ._nodes import DOUBLE, FLOAT, Nodes
from ._scores import score_nodes

NUMBERS = (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int8TensorType,
    Int16TensorType,
    Int32TensorType,
    Int64TensorType,
    UInt8TensorType,
    UInt16TensorType,
    UInt32TensorType,
)
"""Types of inputs."""

INLIER, OUTLIER = np.array(1), np.array(-1)

AUTOENCODER_OPTIONS = {"reconstruct": [False, True], "reconstruction_error": [False, True]}
DETECTOR_OPTIONS = {"score_samples": [False, True]}
"""skl2onnx's options, each of which adds an output."""

CLASSIFIER_OPTIONS = {"zipmap": [False]}
"""What a pipeline's classifier is often told: here probabilities are always a matrix."""

NOT_A_NETWORK = (
    "skae.onnx has no converter for AutoencoderImputer: which values are missing decides on a "
    "system of linear equations that is solved for each row, and ONNX has no operator for that. "
    "Convert what follows it in the pipeline, and impute before, with skae; or take an autoencoder "
    "with missing='mask', which fills missing values by a network that is converted, as output "
    "'reconstruction'."
)


# Outputs


def parse_autoencoder(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of an autoencoder: the code, and what is asked for besides."""
    kind = output_type(inputs)
    asked = scope.get_options(model, dict.fromkeys(AUTOENCODER_OPTIONS, False))
    names = ["variable"]
    names += ["reconstruction"] if asked["reconstruct"] else []
    names += ["reconstruction_error"] if asked["reconstruction_error"] else []
    return declared(scope, model, inputs, {name: kind() for name in names})


def parse_detector(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of a detector, by the names that scikit-learn's detectors have."""
    kind = output_type(inputs)
    asked = scope.get_options(model, dict.fromkeys(DETECTOR_OPTIONS, False))
    names = ["scores", *(["score_samples"] if asked["score_samples"] else [])]
    return declared(
        scope, model, inputs, {"label": Int64TensorType(), **{name: kind() for name in names}}
    )


def parse_classifier(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of a classifier, by the names that scikit-learn's classifiers have."""
    check_is_fitted(model)
    types = {"label": label_type(model.classes_)(), "probabilities": output_type(inputs)()}
    return declared(scope, model, inputs, types)


def parse_regressor(scope, model, inputs, custom_parsers=None):
    """Declare the output of a regressor."""
    return declared(scope, model, inputs, {"variable": output_type(inputs)()})


def refuse_imputer(scope, model, inputs, custom_parsers=None):
    """Say that an imputer is not converted, and why."""
    raise NotImplementedError(NOT_A_NETWORK)


def label_type(classes):
    """The type of labels.

    Raises
    ------
    NotImplementedError
        If ONNX has none, as of dates.
    """
    kinds = {"b": BooleanTensorType, "f": DoubleTensorType, "O": StringTensorType}
    kinds |= dict.fromkeys("iu", Int64TensorType)
    if classes.dtype.kind not in kinds:
        raise NotImplementedError(
            f"skae.onnx has no converter for classes of type {classes.dtype}. Fit with labels of "
            "whole numbers or text."
        )
    return kinds[classes.dtype.kind]


def declared(scope, model, inputs, types):
    """Declare an operator whose outputs have these types by name."""
    check_is_fitted(model)
    if getattr(model, "estimator_", model)._table is not None:
        raise NotImplementedError(
            f"skae.onnx has no converter for {type(model).__name__} of a table with categories or "
            "column_weights. Encode the table before, by scikit-learn's transformers in a pipeline."
        )
    operator = scope.declare_local_operator(get_model_alias(type(model)), model)
    operator.inputs = inputs
    operator.outputs = [scope.declare_local_variable(*pair) for pair in types.items()]
    return operator.outputs


def output_type(inputs):
    """Double precision where an input has it, else single, as skl2onnx gives for whole numbers."""
    doubles = any(isinstance(variable.type, DoubleTensorType) for variable in inputs)
    return DoubleTensorType if doubles else FloatTensorType


def shape_autoencoder(operator):
    """Check the inputs of an autoencoder, and set the shapes of its outputs."""
    model = operator.raw_operator
    n_rows = checked_rows(operator)
    widths = {
        "variable": [n_rows, model._n_features_out],
        "reconstruction": [n_rows, model.n_features_in_],
        "reconstruction_error": [n_rows, 1],
    }
    for output in operator.outputs:
        output.type.shape = widths[output.raw_name]


def shape_detector(operator):
    """Check the inputs of a detector, and set the shapes of its outputs."""
    n_rows = checked_rows(operator)
    for output in operator.outputs:
        output.type.shape = [n_rows, 1]


def shape_classifier(operator):
    """Check the inputs of a classifier, and set the shapes of its outputs."""
    label, probabilities = operator.outputs
    label.type.shape = [n_rows := checked_rows(operator)]
    probabilities.type.shape = [n_rows, len(operator.raw_operator.classes_)]


def shape_regressor(operator):
    """Check the inputs of a regressor, and set the shape of its output."""
    model = operator.raw_operator
    operator.outputs[0].type.shape = [checked_rows(operator), model._network.recipe.n_targets]


def checked_rows(operator):
    """Number of rows of the inputs, None for any, which must be columns of numbers."""
    model, inputs = operator.raw_operator, operator.inputs
    for variable in inputs:
        if not isinstance(variable.type, NUMBERS):
            raise TypeError(
                f"{type(model).__name__} takes columns of numbers, but the input "
                f"{variable.raw_name!r} has the type {variable.type}. Encode it first."
            )
    shapes = [variable.type.shape for variable in inputs]
    if all(len(shape) == 2 and isinstance(shape[1], int) for shape in shapes):
        width = sum(shape[1] for shape in shapes)
        if width != model.n_features_in_:
            raise ValueError(
                f"X has {width} features, but {type(model).__name__} is expecting "
                f"{model.n_features_in_} features as input."
            )
    return inputs[0].get_first_dimension()


# Nodes


def convert_autoencoder(scope, operator, container):
    """Add what an autoencoder computes."""
    model, nodes = operator.raw_operator, Nodes(scope, container)
    rows = Input(nodes, operator)
    network = NetworkNodes(nodes, model._network)
    code = network.encode(rows.X)
    refused = network.refused(rows.X)
    outputs = {output.raw_name: output.full_name for output in operator.outputs}

    def give(name, result):
        """A result, NaN where the estimator refuses the row, in the type of the outputs."""
        nodes.cast(nodes("Add", result, refused), rows.kind, output=outputs[name])

    give("variable", nodes.cast(code, DOUBLE))
    if len(outputs) > 1:
        reconstruction = network.decode(code)
    if "reconstruction" in outputs:
        give("reconstruction", reconstruction)
    if "reconstruction_error" in outputs:
        give("reconstruction_error", error_nodes(nodes, rows, reconstruction))


def error_nodes(nodes, rows, reconstruction):
    """Mean squared error of each row, over its values that are not missing."""
    given = nodes.cast(nodes.cast(reconstruction, rows.precision), DOUBLE)  # as `_decode` gives it
    observed = nodes("Not", nodes("IsNaN", rows.X))
    error = nodes("Sub", rows.X, given)
    error = nodes("Mul", error, error)
    error = nodes("Where", nodes("IsNaN", error), np.array(np.inf), error)
    total = nodes.sum_of_rows(nodes("Where", observed, error, np.array(0.0)))
    return nodes("Div", total, nodes.sum_of_rows(nodes.cast(observed, DOUBLE)))


def convert_detector(scope, operator, container):
    """Add what a detector computes."""
    detector, nodes = operator.raw_operator, Nodes(scope, container)
    rows = Input(nodes, operator)
    network = NetworkNodes(nodes, detector.estimator_._network)
    score = score_nodes(nodes, detector, network, rows.X, rows.precision)
    decision = nodes("Sub", score, np.array(detector.offset_))
    label, *results = (output.full_name for output in operator.outputs)
    is_outlier = nodes("Less", decision, np.array(0.0))
    nodes("Where", is_outlier, OUTLIER, INLIER, output=label)
    for result, name in zip((decision, score), results, strict=False):
        nodes.cast(result, rows.kind, output=name)


def convert_classifier(scope, operator, container):
    """Add what a classifier computes."""
    model, nodes = operator.raw_operator, Nodes(scope, container)
    rows = Input(nodes, operator)
    outputs = predicted(nodes, model, rows)
    label, probabilities = (output.full_name for output in operator.outputs)
    classes = model.classes_
    kinds = {"f": np.float64, "i": np.int64, "u": np.int64}  # as `label_type` says
    classes = classes.astype(kinds.get(classes.dtype.kind, classes.dtype))
    number = nodes("ArgMax", outputs, axis=1, keepdims=0)
    nodes("Gather", classes, number, axis=0, output=label)
    nodes.cast(nodes("Softmax", outputs, axis=1), rows.kind, output=probabilities)


def convert_regressor(scope, operator, container):
    """Add what a regressor computes."""
    model, nodes = operator.raw_operator, Nodes(scope, container)
    rows = Input(nodes, operator)
    outputs = nodes("Mul", predicted(nodes, model, rows), model.target_scale_)
    outputs = nodes("Add", outputs, model.target_mean_)
    nodes.cast(outputs, rows.kind, output=operator.outputs[0].full_name)


def predicted(nodes, model, rows):
    """What the network of a classifier or regressor gives, double precision; NaN if refused."""
    network = NetworkNodes(nodes, model._network)
    outputs = nodes.cast(network.logits(network.encode(rows.X)), DOUBLE)
    return nodes("Add", outputs, network.refused(rows.X))


class Input:
    """The inputs of an operator as one matrix.

    Attributes
    ----------
    X : str
        Name of the matrix, double precision: the same numbers give the same results in any type.
    kind : int
        Type of the outputs.
    precision : int
        Type in which skae gives results for rows of the inputs' type.
    """

    def __init__(self, nodes, operator):
        types = [variable.type for variable in operator.inputs]
        single = all(isinstance(kind, FloatTensorType) for kind in types)
        self.precision = FLOAT if single else DOUBLE
        self.kind = DOUBLE if output_type(operator.inputs) is DoubleTensorType else FLOAT
        parts = [nodes.cast(variable.full_name, DOUBLE) for variable in operator.inputs]
        X = parts[0] if len(parts) == 1 else nodes("Concat", *parts, axis=1)
        # Rows of another width would be broadcast, and give some result.
        shape = np.array([0, operator.raw_operator.n_features_in_])
        self.X = nodes("Reshape", X, shape)
