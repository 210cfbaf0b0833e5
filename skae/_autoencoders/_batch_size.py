"""Rows of a training step."""

SMALLEST_BATCH, LARGEST_BATCH = 32, 256
"""Bounds of ``batch_size="auto"``."""


def largest_batch(asked, n_rows):
    """The batch size, but for data that make no whole batch.

    "auto" takes a fiftieth of the rows, to a power of two so that few programs serve all data.
    """
    if asked != "auto":
        return asked
    most = next_power_of_two(n_rows // 50 + 1) // 2
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, most))


def batch_size(asked, n_rows):
    """The batch size; a single batch is filled up to a power of two.

    So data of a growing number of rows do not compile anew each time.
    """
    size = largest_batch(asked, n_rows)
    return size if n_rows > size else min(size, next_power_of_two(n_rows))


def next_power_of_two(n):
    """The least power of two that is not less."""
    return 1 << (n - 1).bit_length()
