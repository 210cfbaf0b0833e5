"""Nodes of an ONNX graph, added one by one."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

VERSION = 13
"""Version of ONNX's operators. All that are used here mean the same in later versions, so that
other converters may choose one."""

VERSIONS = {"BitwiseAnd": 18, "BitwiseXor": 18}
"""Those of operators that are newer."""

FLOAT, DOUBLE, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64
"""Types of tensors."""


class Nodes:
    """Adds nodes and constants to the graph that skl2onnx makes.

    Parameters
    ----------
    scope, container
        As skl2onnx hands them to a converter.
    """

    def __init__(self, scope, container):
        check_version(container, VERSION)
        self._scope, self._container = scope, container
        self._constants = {}
        self._body = None

    def __call__(self, operator, *inputs, output=None, **attributes):
        """Add a node.

        Parameters
        ----------
        operator : str
        *inputs : str or ndarray
            Names of tensors, or constants.
        output : str, default=None
            Name of the output; None for a new one.
        **attributes
            Those of the node.

        Returns
        -------
        output : str
        """
        inputs = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        output = output or self._name(operator.lower())
        if self._body is not None:
            self._body.append(helper.make_node(operator, inputs, [output], **attributes))
        else:
            name, version = self._scope.get_unique_operator_name(operator), VERSION
            if operator in VERSIONS:
                check_version(self._container, version := VERSIONS[operator])
            self._container.add_node(
                operator, inputs, [output], op_version=version, name=name, **attributes
            )
        return output

    def constant(self, array):
        """Name of a constant; the same array is stored once."""
        if id(array) not in self._constants:
            name = self._name("constant")
            tensor = numpy_helper.from_array(np.asarray(array))
            if tensor.data_type == TensorProto.STRING:  # which the container would make raw
                strings = [text.encode() for text in array.tolist()]
                self._container.add_initializer(name, TensorProto.STRING, array.shape, strings)
            else:
                self._container.add_initializer(name, None, None, tensor)
            self._constants[id(array)] = name, array  # kept, so that no other gets its id
        return self._constants[id(array)][0]

    def cast(self, tensor, kind, output=None):
        """A tensor in another type."""
        return self("Cast", tensor, to=kind, output=output)

    def single(self, tensor):
        """A tensor in single precision."""
        return self.cast(tensor, FLOAT)

    def double(self, tensor):
        """A tensor in double precision."""
        return self.cast(tensor, DOUBLE)

    def first_columns(self, tensor, n_columns):
        """The first columns of a matrix."""
        return self("Slice", tensor, np.array([0]), np.array([n_columns]), np.array([1]))

    def sum_of_rows(self, tensor):
        """Sum of each row of a matrix, as a column."""
        return self("ReduceSum", tensor, np.array([1]), keepdims=1)

    def repeat(self, n_times, tensor, step):
        """Replace a matrix in double precision by what `step` makes of it, again and again.

        Parameters
        ----------
        n_times : str
            Name of a whole number, which may be zero.
        tensor : str
        step : callable
            From a name to a name.

        Returns
        -------
        output : str
        """
        number, goes_on, before = map(self._name, ("number", "goes_on", "before"))
        outer, self._body = self._body, []
        after = step(before)
        still = self("Identity", goes_on)
        body = helper.make_graph(
            self._body,
            self._name("body"),
            [
                helper.make_tensor_value_info(number, INT64, []),
                helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
                helper.make_tensor_value_info(before, DOUBLE, [None, None]),
            ],
            [
                helper.make_tensor_value_info(still, TensorProto.BOOL, []),
                helper.make_tensor_value_info(after, DOUBLE, [None, None]),
            ],
        )
        self._body = outer
        return self("Loop", n_times, np.array(True), tensor, body=body)

    def _name(self, start):
        return self._scope.get_unique_variable_name(start)


def check_version(container, least):
    """Refuse an older version of ONNX's operators."""
    if container.target_opset < least:
        raise RuntimeError(
            f"skae's estimators need target_opset={least} or newer, got {container.target_opset}."
        )
