"""Fitted networks as operations, from the units of X and back."""

import numpy as np

from .._engine import LOG_VARIANCES, NormalCode, keras_graph_of, standardised
from .activations import activated
from .layers import model_nodes

NOTHING = np.array(0.0)


class NetworkNodes:
    """What a `FittedNetwork` computes.

    Centre and scale are applied in double precision, as skae does; so are the bounds of the
    reconstructions. The layers compute in single precision.

    Parameters
    ----------
    nodes : Nodes
    network : FittedNetwork
    """

    def __init__(self, nodes, network):
        self._nodes, self._network, self._constants = nodes, network, network.constants
        graph = self._graph = keras_graph_of(network.recipe)
        weights = network.trainable, network.fixed
        self._arrays = {
            id(variable): array
            for variables, arrays in zip(graph.variables, weights, strict=True)
            for variable, array in zip(variables, arrays, strict=True)
        }

    def encode(self, X):
        """Code of rows X, single precision."""
        return self.code(self.rows(X))

    def rows(self, X):
        """Rows X as the network gets them: on its scale, single precision, filled."""
        nodes, constants, rows = self._nodes, self._constants, X
        if "centre" in constants:
            rows = nodes("Sub", rows, constants["centre"])
            rows = nodes("Mul", rows, 1 / constants["scale"])
        return self.filled(nodes.single(rows))

    def filled(self, rows):
        """Rows on the scale of the network, missing values replaced."""
        nodes, constants = self._nodes, self._constants
        if "fill" in constants:
            fill = np.asarray(standardised(constants["fill"], constants), np.float32)
            rows = nodes("Where", nodes("IsNaN", rows), fill, rows)
        return rows

    def code(self, rows):
        """Code of `rows`, single precision."""
        output = self.encoder_output(rows)
        if isinstance(self._network.recipe.latent, NormalCode):  # the means come first
            return self._nodes.first_columns(output, self._network.n_code_features)
        return activated(self._nodes, self._network.recipe.latent.activation, output)

    def posterior(self, rows):
        """Means and logarithms of variances of the codes of `rows`, single precision."""
        nodes, output = self._nodes, self.encoder_output(rows)
        width = self._network.n_code_features
        mean = nodes.first_columns(output, width)
        ends = np.array([width]), np.array([2 * width])
        log_variance = nodes("Slice", output, *ends, np.array([1]))
        low, high = (np.array(end, np.float32) for end in LOG_VARIANCES)
        return mean, nodes("Min", nodes("Max", log_variance, low), high)

    def encoder_output(self, rows):
        """What the code of `rows` follows from: all that the encoder gives."""
        return model_nodes(self._nodes, self._graph.encoder, self._value, rows)

    def logits(self, code):
        """Output of the decoder before its activation, or of a head, single precision."""
        return model_nodes(self._nodes, self._graph.decoder, self._value, code)

    def activated(self, logits):
        """The output activation of logits."""
        return activated(self._nodes, self._network.recipe.output_activation, logits)

    def decode(self, code):
        """Reconstruction of a code in single precision, in the units of X, double precision."""
        nodes, constants = self._nodes, self._constants
        rows = nodes.double(self.activated(self.logits(code)))
        if "centre" in constants:
            rows = nodes("Mul", rows, constants["scale"])
            rows = nodes("Add", rows, constants["centre"])
        if "low" in constants:
            rows = nodes("Max", rows, constants["low"])
            rows = nodes("Min", rows, constants["high"])
        return rows

    @property
    def takes_missing(self):
        """Whether NaN in X is a missing value."""
        return self._network.takes_missing

    def refused(self, X):
        """A column of zeros, but NaN for rows that the estimator refuses: NaN or infinite ones.

        Added to a result, it shows what an activation might hide: the ReLU of NaN may be zero.
        """
        nodes = self._nodes
        if self.takes_missing:
            X = nodes("Where", nodes("IsNaN", X), NOTHING, X)
        return nodes.sum_of_rows(nodes("Mul", X, NOTHING))

    def _value(self, variable):
        return self._arrays[id(variable)]
