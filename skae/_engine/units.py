"""From the units of X to the scale on which networks compute, and back.

A network whose constants hold a ``"centre"`` and a ``"scale"`` computes on centred numbers of about
unit size; one without computes on X as it is. Rows lose the centre in double precision, before
they become single precision: so a large one, as that of timestamps, costs nothing.
"""

import numpy as np


def standardised(values, constants):
    """Rows, arrays or tensors in the units of X, on the scale of the network."""
    if "centre" not in constants:
        return values
    if hasattr(values, "standardised"):
        return values.standardised(constants["centre"], constants["scale"])
    return (values - constants["centre"]) / constants["scale"]


def restored(values, constants):
    """Arrays or tensors from the scale of the network, in the units of X."""
    if "centre" not in constants:
        return values
    return values * constants["scale"] + constants["centre"]


def bounded(values, constants):
    """Arrays in the units of X, cut off at the bounds of the features."""
    return np.clip(values, constants["low"], constants["high"]) if "low" in constants else values


IN_UNITS_OF_X = ("fill", "low", "high")
"""Constants that are values of X."""


RESERVED = ("centre", "scale", "log_scale", *IN_UNITS_OF_X)
"""Names of constants that no loss may take for its own."""


def for_programs(constants):
    """The constants as programs take them: single precision, values of X on the network's scale."""
    converted = {
        name: standardised(value, constants) if name in IN_UNITS_OF_X else value
        for name, value in constants.items()
    }
    converted["log_scale"] = np.log(constants.get("scale", 1.0), dtype=np.float64)
    with np.errstate(over="ignore"):
        return {name: np.asarray(value, np.float32) for name, value in converted.items()}
