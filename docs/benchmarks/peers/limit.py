"""Part ``limit``: the rate of single-precision matrix products that the machine reaches."""

import time

import numpy as np

from peers.harness import Case, Contender

TITLE = "Limit"

NOTE = (
    "Time of a product of two matrices of 2048 x 2048 in single precision, the best of 20. The "
    "shares of the limit in the other tables are operations of matrix products over time, divided "
    "by the best rate here."
)

CONTENDERS = (
    Contender("JAX", "", ("jax",), arguments={"multiplier": "jax"}),
    Contender("NumPy", "", arguments={"multiplier": "numpy"}),
)


def cases(settings):
    """One product."""
    side = 256 if settings.quick else 2048
    yield Case(
        f"{side} x {side}",
        time_product,
        CONTENDERS,
        arguments={"side": side},
        operations=2.0 * side**3,
    )


def time_product(contender, job, side, multiplier):
    """Shortest time of a product."""
    A = np.random.default_rng(0).random((side, side), np.float32)
    multiply = _jax_product(A) if multiplier == "jax" else lambda: A @ A
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds)}


def _jax_product(A):
    import jax

    A = jax.device_put(A)
    product = jax.jit(lambda A: A @ A)
    return lambda: product(A).block_until_ready()
