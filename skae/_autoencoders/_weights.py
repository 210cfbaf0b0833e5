"""Weights that come back from Keras models which were trained elsewhere."""

from dataclasses import replace

import numpy as np

from .._data import Rows
from .._engine import load_keras

N_PROBES = 64
"""Random rows and codes on which a model is compared with the network that took its weights."""

TOLERANCE, ROUNDING = 1e-3, 1e-6
"""Differences that rounding may make, as shares of how far results are apart and of their size."""


def with_keras_weights(network, encoder, decoder):
    """A `FittedNetwork` with the weights of Keras models; None keeps its own.

    Raises
    ------
    TypeError, ValueError
        With what was expected, what was found, and what to do.
    """
    if encoder is None and decoder is None:
        raise ValueError("with_weights needs an encoder, a decoder or both, got neither.")
    weights, taken = (list(network.trainable), list(network.fixed)), {}
    for role, model, places in zip(
        ("encoder", "decoder"), (encoder, decoder), network.keras_weights(), strict=True
    ):
        if model is None:
            continue
        check_model(network, role, model)
        # NumPy warns of the conversion of a Keras variable itself.
        arrays = [np.array(weight.value, np.float32) for weight in model.weights]
        check_shapes(role, arrays, [weights[kind][index].shape for kind, index in places])
        check_finite(role, model.weights, arrays)
        for place, array in zip(places, arrays, strict=True):
            check_shared(taken.setdefault(place, array), array)
            weights[place[0]][place[1]] = array
    return replace(network, trainable=weights[0], fixed=weights[1])


def check_model(network, role, model):
    """Refuse what is no Keras model from rows to codes, or back."""
    if not isinstance(model, load_keras().Model):
        raise TypeError(
            f"{role} must be a Keras model, as {role}_ gives it, got {model!r} of type "
            f"{type(model).__name__}."
        )
    widths = network.recipe.n_features, network.n_code_features
    shapes = [(None, width) for width in (widths if role == "encoder" else widths[::-1])]
    found = [getattr(model, f"{end}_shape", None) for end in ("input", "output")]
    if found == shapes:
        return
    swapped = found == shapes[::-1]
    hint = (
        "Were encoder and decoder swapped?"
        if swapped
        else f"Train what {role}_ of this estimator gives, without adding or removing layers."
    )
    raise ValueError(
        f"{role} must be a model from {shapes[0]} to {shapes[1]}, got one from {found[0]} to "
        f"{found[1]}. {hint}"
    )


def check_shapes(role, arrays, expected):
    """Refuse arrays that are not the network's."""
    found = [array.shape for array in arrays]
    if found != expected:
        raise ValueError(
            f"{role} has weights of the shapes {found}, but this estimator's has {expected}: it is "
            f"of another architecture. Train what {role}_ of this estimator gives, or fit an "
            "estimator with the other architecture."
        )


def check_finite(role, weights, arrays):
    """Refuse NaN and infinite weights."""
    for weight, array in zip(weights, arrays, strict=True):
        if not np.isfinite(array).all():
            raise ValueError(
                f"{role} has NaN or infinite values in the weight {weight.path!r}: its training "
                "diverged. Train it with smaller steps."
            )


def check_shared(one, other):
    """Refuse two models that differ in a weight which both have, as with ``tied=True``."""
    if not np.array_equal(one, other):
        raise ValueError(
            "encoder and decoder share weights in this estimator, but the two models hold "
            "different ones. Take both from one model = estimator.model_: "
            'model.get_layer("encoder"), model.get_layer("decoder"); or pass one of them alone.'
        )


def check_computes_the_same(estimator, encoder, decoder):
    """Refuse models that compute something else than an estimator with their weights.

    Another activation, or a layer without weights, has the same shapes.
    """
    network = estimator._network
    rows = probing_rows(np.random.default_rng(0), network)
    codes = estimator._encode(rows)

    def decode(codes):  # without what the estimator makes of a table's features
        out = np.empty((len(codes), network.recipe.n_features), np.float32)
        return network.decode(Rows(codes), out)

    for role, model, inputs, compute in (
        ("encoder", encoder, rows, estimator._encode),
        ("decoder", decoder, codes, decode),
    ):
        if model is None:
            continue
        found, expected = np.asarray(model(inputs, training=False)), compute(inputs)
        apart = np.abs(expected - expected.mean(axis=0)).max()
        allowed = TOLERANCE * apart + ROUNDING * np.abs(expected).max()
        if not np.abs(found - expected).max() <= allowed:
            raise ValueError(
                f"{role} has weights of the right shapes, but computes something else with them "
                "than this estimator does: a layer, an activation or the scaling of X was changed, "
                "or the units of X are beyond the single precision of Keras models. Train what "
                f"{role}_ of this estimator gives."
            )


def probing_rows(generator, network):
    """Random rows like those that a network was trained on, single precision."""
    shape = N_PROBES, network.recipe.n_features
    if "centre" not in network.constants:
        return generator.uniform(size=shape).astype(np.float32)
    rows = network.constants["centre"] + network.constants["scale"] * generator.normal(size=shape)
    return rows.astype(np.float32)
