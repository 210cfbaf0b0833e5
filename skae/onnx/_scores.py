"""Scores of the outlier detector as ONNX nodes."""

import numpy as np

from .._autoencoders._trimming import least_variances
from ..outliers import LEAST_VARIANCE, N_FILLS
from ._bound import lower_bound
from ._nodes import DOUBLE, FLOAT, INT64

USUAL = np.array(0.5)
"""What a missing value takes from a score: see `skae.outliers.log_density`."""

NOTHING, HALF, LOWEST = np.array(0.0), np.array(-0.5), np.array(-np.inf)

FILLED_FROM_BITS = (
    "The score of an AutoencoderOutlierDetector on a VariationalAutoencoder is a mean over random "
    "codes that follow from the first bits of a row's values. With missing='mask' some are filled "
    "in, and the rounding of another runtime changes bits of those: rows with missing values would "
    "get other scores. Fit the detector on another autoencoder, whose score is a closed form: "
    "AutoencoderOutlierDetector(AutoencoderTransformer(0.95, trim_fraction=0.1, missing='mask')); "
    "or fill missing values before, by an imputer in a pipeline."
)


def score_nodes(nodes, detector, network, X, precision):
    """What `score_samples` gives for rows X, as a column in double precision.

    Parameters
    ----------
    nodes : Nodes
    detector : AutoencoderOutlierDetector
    network : NetworkNodes
        Of its autoencoder.
    X : str
        Double precision.
    precision : int
        Type in which skae gives reconstructions of such rows.

    Raises
    ------
    NotImplementedError
        If the autoencoder is variational and may have missing values.
    """
    has_constants = not np.isnan(detector.constant_).all()
    if has_constants:
        refused = network.refused(X)  # before constants take the place of what is infinite
        X, n_new = with_constants(nodes, X, detector.constant_, precision)
        precision = DOUBLE
    if detector.density_ is None:
        if network.takes_missing:
            raise NotImplementedError(FILLED_FROM_BITS)
        score = lower_bound(nodes, detector.estimator_, network, X)
    else:
        filled = completed(nodes, network, X) if network.takes_missing else X
        score = log_density(nodes, detector.density_, traits(nodes, network, filled, precision))
    if network.takes_missing:
        missing = nodes("And", nodes("IsNaN", X), np.isnan(detector.constant_)[None])
        n_missing = nodes.sum_of_rows(nodes.cast(missing, DOUBLE))
        score = nodes("Sub", score, nodes("Mul", n_missing, USUAL))
    if not has_constants:
        return score
    score = nodes("Sub", score, nodes("Mul", n_new, np.array(detector.surprise_)))
    score = nodes("Add", score, refused)
    return nodes("Where", nodes("IsNaN", score), LOWEST, score)


def completed(nodes, network, X):
    """X with what is missing as the autoencoder makes it of the rest; see `outliers.completed`."""
    missing = nodes("IsNaN", X)
    any_missing = nodes("ReduceMax", nodes.cast(missing, INT64), keepdims=0)
    n_fills = nodes("Mul", any_missing, np.array(N_FILLS))

    def filled(rows):
        return nodes("Where", missing, network.decode(network.encode(rows)), rows)

    return nodes.repeat(n_fills, X, filled)


def traits(nodes, network, X, precision):
    """Codes and residuals, side by side."""
    code = network.encode(X)
    given = nodes.cast(network.decode(code), precision)  # as skae gives it
    residual = nodes("Sub", X, nodes.cast(given, DOUBLE))
    return nodes("Concat", nodes.cast(code, DOUBLE), residual, axis=1)


def log_density(nodes, density, codes_and_residuals):
    """Logarithm of a `NormalDensity`; -inf where a row is not finite."""
    rows = nodes("Sub", codes_and_residuals, density.centre)
    rows = nodes("Div", rows, density.scale)
    impossible = nodes("IsNaN", nodes.sum_of_rows(nodes("Mul", rows, NOTHING)))
    rows = nodes("Where", impossible, NOTHING, rows)
    model = density.model
    variances, noise = least_variances(model, LEAST_VARIANCE)
    rows = nodes("Sub", rows, model.mean)
    rows = nodes("Mul", rows, np.array(1 / model.scale))
    along = squares(nodes, nodes("MatMul", rows, np.ascontiguousarray(model.components.T)))
    beside = nodes("Sub", sum_of_squares(nodes, rows), nodes.sum_of_rows(along))
    squared = nodes("MatMul", along, 1 / variances[:, None])
    squared = nodes("Add", squared, nodes("Mul", beside, np.array(1 / noise)))
    impossible = nodes("Or", impossible, nodes("IsNaN", squared))  # infinity less infinity
    return nodes("Where", impossible, LOWEST, nodes("Mul", squared, HALF))


def squares(nodes, tensor):
    """The square of each entry."""
    return nodes("Mul", tensor, tensor)


def sum_of_squares(nodes, tensor):
    """Sum of squares of each row, as a column."""
    return nodes.sum_of_rows(squares(nodes, tensor))


def with_constants(nodes, X, constant, precision):
    """X with constant features as in training, and how many values of each row were others."""
    is_known = ~np.isnan(constant)
    usual = np.where(is_known, constant, 0.0).astype(np.float64)
    is_single = precision == FLOAT or constant.dtype == np.float32
    coarser, of_numpy = (FLOAT, np.float32) if is_single else (DOUBLE, np.float64)
    same = nodes("Equal", nodes.cast(X, coarser), usual.astype(of_numpy))
    stays = nodes("Or", nodes("IsNaN", X), ~is_known[None])
    is_new = nodes("Not", nodes("Or", same, stays))
    return nodes("Where", stays, X, usual[None]), nodes.sum_of_rows(nodes.cast(is_new, DOUBLE))
