"""Fitted networks as operations, from the units of X and back."""

import numpy as np

from .._engine import NormalCode, graph_of, standardised
from .activations import activated
from .layers import model_nodes

NOTHING, INFINITE = np.array(0.0), np.array(np.inf)


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
        graph = self._graph = graph_of(network.recipe)
        weights = network.trainable, network.fixed
        self._arrays = {
            id(variable): array
            for variables, arrays in zip(graph.variables, weights, strict=True)
            for variable, array in zip(variables, arrays, strict=True)
        }

    def encode(self, X):
        """Code of rows X, single precision."""
        nodes, constants = self._nodes, self._constants
        rows = X
        if "centre" in constants:
            rows = nodes("Sub", rows, constants["centre"])
            rows = nodes("Mul", rows, 1 / constants["scale"])
        return self.encode_scaled(nodes.single(rows))

    def encode_scaled(self, rows):
        """Code of rows on the scale of the network, single precision."""
        code = self.encoder_output(rows)
        if isinstance(self._network.recipe.latent, NormalCode):  # the means come first
            return self._nodes.first_columns(code, self._network.n_code_features)
        return activated(self._nodes, self._network.recipe.latent.activation, code)

    def encoder_output(self, rows):
        """What the code follows from: all that the encoder gives for rows on its own scale."""
        nodes, constants = self._nodes, self._constants
        if "fill" in constants:
            fill = np.asarray(standardised(constants["fill"], constants), np.float32)
            rows = nodes("Where", nodes("IsNaN", rows), fill, rows)
        return model_nodes(nodes, self._graph.encoder, self._value, rows)

    def decode(self, code):
        """Reconstruction of a code in single precision, in the units of X, double precision."""
        nodes, constants = self._nodes, self._constants
        rows = nodes.double(self.decode_scaled(code))
        if "centre" in constants:
            rows = nodes("Mul", rows, constants["scale"])
            rows = nodes("Add", rows, constants["centre"])
        if "low" in constants:
            rows = nodes("Max", rows, constants["low"])
            rows = nodes("Min", rows, constants["high"])
        return rows

    def decode_scaled(self, code):
        """Output for a code, on the scale of the network, single precision."""
        rows = model_nodes(self._nodes, self._graph.decoder, self._value, code)
        return activated(self._nodes, self._network.recipe.output_activation, rows)

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
