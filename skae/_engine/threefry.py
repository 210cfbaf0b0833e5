"""The uniform random numbers of `jax.random`, computed by NumPy, which compiles no program.

A program that draws the first weights takes longer to compile than all of them take here.
"""

import math

import numpy as np

ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
"""By how many bits a word is turned, in the steps of even and of odd rounds."""

PARITY = np.uint32(0x1BD11BDA)
"""What the third word of a key is made with."""


def hashed(key, high, low):
    """Two words for each counter of two words: Threefry-2x32 of 20 steps [1]_.

    Parameters
    ----------
    key : ndarray of two uint32
    high, low : ndarray of uint32
        The words of the counters. They are overwritten.

    References
    ----------
    .. [1] Salmon, J. K. et al. (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11.
       https://doi.org/10.1145/2063384.2063405
    """
    keys = (*key, key[0] ^ key[1] ^ PARITY)
    high += keys[0]
    low += keys[1]
    turned = np.empty_like(low)
    for number in range(5):
        for rotation in ROTATIONS[number % 2]:
            high += low
            np.right_shift(low, np.uint32(32 - rotation), out=turned)
            low <<= np.uint32(rotation)
            low |= turned
            low ^= high
        high += keys[(number + 1) % 3]
        low += keys[(number + 2) % 3] + np.uint32(number + 1)
    return high, low


def uniform(key, shape, low, high):
    """Numbers uniform in [low, high), float32: those of `jax.random.uniform` of that key."""
    n_values = math.prod(shape)
    counters = np.arange(n_values, dtype=np.uint64)
    with np.errstate(over="ignore"):
        words = hashed(key, *(part.astype(np.uint32) for part in (counters >> 32, counters)))
    bits = (words[0] ^ words[1]) >> np.uint32(9) | np.uint32(0x3F800000)  # in [1, 2)
    unit = bits.view(np.float32) - np.float32(1)
    low, high = np.float32(low), np.float32(high)
    return np.maximum(low, unit * (high - low) + low).reshape(shape)
