"""Loops inside a program: over numbers, or over the rows of an array."""


def repeat(n, function, carry):
    """Call ``carry = function(number, carry)`` for the numbers below `n`.

    It is a loop in the compiled program too where the program is traced with `jax.disable_jit`,
    which unrolls other loops.
    """
    import jax

    inlines = jax.config.jax_disable_jit

    def body(number, carry):
        with jax.disable_jit(inlines):
            return function(number, carry)

    with jax.disable_jit(False):
        return jax.lax.fori_loop(0, n, body, carry)


def collect(n, capacity, function, carry):
    """Call ``carry, value = function(number, carry)`` for the numbers below `n`.

    Returns the last carry and the values, in a vector of length `capacity`. The number of rounds is
    no constant of the program.
    """
    import jax

    def body(number, state):
        carry, values = state
        carry, value = function(number, carry)
        return carry, values.at[number].set(value)

    return repeat(n, body, (carry, jax.numpy.zeros(capacity, "float32")))


def map_rows(function):
    """The function that applies `function` to each row of its argument."""
    import jax

    return jax.vmap(function)
