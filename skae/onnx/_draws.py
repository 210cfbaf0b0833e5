"""The random numbers that skae draws for a row, as ONNX nodes: the same ones.

They follow from the row's values, so that they are a function like any other: a hash of the bits,
and JAX's counter-based generator, Threefry-2x32 with 20 rounds [1]_. ONNX has neither the bits of a
number nor whole numbers that wrap around. So bits are computed from exponent and mantissa, and
32-bit numbers are those of 64 bits below 2**32.

References
----------
.. [1] Salmon, J. K., Moraes, M. A., Dror, R. O. and Shaw, D. E. (2011). Parallel random numbers: as
   easy as 1, 2, 3. SC'11. https://doi.org/10.1145/2063384.2063405
"""

import numpy as np

from .._engine import row_factors
from ._nodes import DOUBLE, FLOAT, INT64

MASK = np.array(2**32 - 1)

ROTATIONS, PARITY = ((13, 15, 26, 6), (17, 29, 16, 24)), np.array(0x1BD11BDA)
"""Those of Threefry-2x32."""

NEAR = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
FAR = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)
"""Polynomials of the inverse error function in single precision, as XLA has them; see M. Giles
(2012), Approximating the erfinv function, GPU Computing Gems."""

LOWEST = -1 + 2.0**-24
"""The least uniform number: the float32 after -1."""

SMALLEST = np.array(2.0**-126)
"""The least normal number of single precision."""

NOTHING, ONE, TWO = np.array(0.0), np.array(1.0), np.array(2.0)


def normal_draws(nodes, rows, n_features, seed, n_draws, width):
    """Standard normal numbers for each row, as `skae._engine.likelihood` draws them.

    Parameters
    ----------
    nodes : Nodes
    rows : str
        Rows on the network's scale, single precision, of shape (n_rows, n_features).
    n_features, seed, n_draws, width : int

    Returns
    -------
    draws : str
        Of shape (n_rows, n_draws, width), double precision.
    """
    zero, last = np.array(0), np.array([2])
    keys = row_keys(nodes, rows, n_features, seed)
    keys = threefry(nodes, keys, (zero, np.arange(n_draws)[None]))  # one for each draw
    keys = [nodes("Unsqueeze", key, last) for key in keys]
    return normal(nodes, threefry(nodes, keys, (zero, np.arange(width)[None, None])))


def row_keys(nodes, rows, n_features, seed):
    """Two columns of whole numbers, hashes of the rows and the seed; see `row_keys` there."""
    bits = first_bits(nodes, rows)
    bits = nodes("BitwiseXor", bits, shifted(nodes, bits, 15))
    keys = []
    for factors, own in zip(row_factors(n_features), (seed, ~seed), strict=True):
        mixed = wrapped(nodes, nodes("Mul", bits, factors.astype(np.int64)[None]))
        mixed = nodes("BitwiseXor", mixed, shifted(nodes, mixed, 13))
        total = wrapped(nodes, nodes.sum_of_rows(mixed))
        keys.append(nodes("BitwiseXor", total, np.array(own % 2**32)))
    return keys


def first_bits(nodes, rows):
    """The first 20 bits of numbers in single precision: sign, exponent, and 11 of the mantissa."""
    x = nodes.cast(rows, DOUBLE)
    size = nodes("Abs", x)
    counts = nodes("GreaterOrEqual", size, SMALLEST)  # smaller ones are zero, as in XLA
    size = nodes("Where", counts, size, ONE)
    exponent = nodes("Floor", nodes("Mul", nodes("Log", size), np.array(1 / np.log(2))))
    # Its logarithm is rounded, so that it may be off by one; powers of two are exact.
    power = nodes("Pow", TWO, exponent)
    is_over = nodes.cast(nodes("GreaterOrEqual", size, nodes("Mul", TWO, power)), DOUBLE)
    is_under = nodes.cast(nodes("Less", size, power), DOUBLE)
    exponent = nodes("Sub", nodes("Add", exponent, is_over), is_under)
    mantissa = nodes("Sub", nodes("Div", size, nodes("Pow", TWO, exponent)), ONE)
    parts = nodes("Floor", nodes("Mul", mantissa, np.array(2.0**11)))
    biased = nodes("Mul", nodes("Add", exponent, np.array(127.0)), np.array(2.0**11))
    negative = nodes("Mul", nodes.cast(nodes("Less", x, NOTHING), DOUBLE), np.array(2.0**19))
    bits = nodes("Add", nodes("Add", parts, biased), negative)
    return nodes.cast(nodes("Where", counts, bits, NOTHING), INT64)


def threefry(nodes, keys, counts):
    """Two 32-bit numbers for each pair of keys and of counts."""
    parity = nodes("BitwiseXor", nodes("BitwiseXor", *keys), PARITY)
    keys = [*keys, parity]
    one, other = (
        wrapped(nodes, nodes("Add", key, count))
        for key, count in zip(keys[:2], counts, strict=True)
    )
    for number in range(5):
        for places in ROTATIONS[number % 2]:
            one = wrapped(nodes, nodes("Add", one, other))
            other = nodes("BitwiseXor", one, rotated(nodes, other, places))
        one = wrapped(nodes, nodes("Add", one, keys[(number + 1) % 3]))
        added = nodes("Add", keys[(number + 2) % 3], np.array(number + 1))
        other = wrapped(nodes, nodes("Add", other, added))
    return one, other


def normal(nodes, pair):
    """Standard normal numbers from pairs of 32-bit numbers, as JAX makes them."""
    bits = shifted(nodes, nodes("BitwiseXor", *pair), 9)
    uniform = nodes("Mul", nodes.cast(bits, DOUBLE), np.array(2.0**-22))
    uniform = nodes.cast(nodes("Add", uniform, np.array(LOWEST)), FLOAT)
    uniform = nodes("Max", uniform, np.array(LOWEST, np.float32))
    square = nodes.cast(nodes("Mul", uniform, uniform), DOUBLE)  # which XLA rounds, too
    w = nodes("Neg", nodes("Log", nodes("Sub", ONE, square)))
    near = polynomial(nodes, NEAR, nodes("Sub", w, np.array(2.5)))
    far = polynomial(nodes, FAR, nodes("Sub", nodes("Sqrt", w), np.array(3.0)))
    factor = nodes("Where", nodes("Less", w, np.array(5.0)), near, far)
    factor = nodes("Mul", factor, np.array(np.sqrt(2)))
    return nodes("Mul", nodes.cast(uniform, DOUBLE), factor)


def polynomial(nodes, coefficients, x):
    """A polynomial, the highest power first."""
    first, *others = coefficients
    value = np.array(first)
    for coefficient in others:
        value = nodes("Add", nodes("Mul", value, x), np.array(coefficient))
    return value


def wrapped(nodes, number):
    """The last 32 bits of a whole number."""
    return nodes("BitwiseAnd", number, MASK)


def shifted(nodes, number, places):
    """A positive whole number shifted to the right."""
    return nodes("Div", number, np.array(2**places))


def rotated(nodes, number, places):
    """A 32-bit number rotated to the left."""
    left = wrapped(nodes, nodes("Mul", number, np.array(2**places)))
    return nodes("Add", left, shifted(nodes, number, 32 - places))
