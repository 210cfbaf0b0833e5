"""Blocks and tiles."""

import numpy as np
import pytest

from skae._data import Rows
from skae._engine import batches


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tiles_keep_their_rows_while_the_next_are_made(dtype):
    X = np.arange(1003 * 5, dtype=dtype).reshape(1003, 5)
    under_way, n_rows = [], 0
    for start, tile in batches.tiles(Rows(X), batches.Ring(3, (64, 5))):
        assert tile.shape == (64, 5)
        assert tile.dtype == np.float32
        under_way = [*under_way[-2:], (start, tile)]
        for earlier, kept in under_way:
            rows = X[earlier : earlier + 64]
            np.testing.assert_array_equal(kept[: len(rows)], rows)
        n_rows += len(X[start : start + 64])
    assert n_rows == 1003


def test_aligned_tiles_are_views():
    X = batches.aligned((128, 16))
    X[:] = 1.0
    views = [tile for _, tile in batches.tiles(Rows(X), batches.Ring(1, (64, 16)))]
    assert all(np.shares_memory(X, tile) for tile in views)


def test_a_ring_belongs_to_one_caller_at_a_time():
    rings = batches.IdleRings(2)
    first, second = rings.take(3, (64, 5)), rings.take(3, (64, 5))
    assert first is not second
    for ring in (first, second):
        rings.give(ring)
    assert rings.take(3, (64, 5)) is second
    assert rings.take(3, (64, 5)) is not first
    others = [batches.Ring(3, (64, width)) for width in (1, 2, 3)]
    for ring in others:
        rings.give(ring)
    assert rings.take(3, (64, 1)) is not others[0]
    assert rings.take(3, (64, 3)) is others[2]


@pytest.mark.parametrize("window", [10**6, 4 * 3 * 400])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shuffled_blocks_hold_every_row_once(window, dtype, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 3 * 200)
    monkeypatch.setattr(batches, "WINDOW_BYTES", window)
    rows = Rows(np.arange(3009, dtype=dtype).reshape(1003, 3))
    blocks = batches.Blocks(rows, rows, np.arange(1003.0), batch_size=10)
    seen = []
    for block in blocks.epoch(np.random.default_rng(0)):
        assert block.order is None
        for (X, target, weight), n_present in zip(block.batches(), block.n_present, strict=True):
            assert target is None
            weight = np.round(weight * n_present)
            np.testing.assert_array_equal(weight[n_present:], 0)
            np.testing.assert_array_equal(X[:n_present, 0], 3 * weight[:n_present])
            seen.append(weight[:n_present])
    assert [len(numbers) for numbers in seen] == [10] * 100 + [3]
    together = np.concatenate(seen)
    assert (np.diff(together) == 1).sum() < 100
    np.testing.assert_array_equal(np.sort(together), np.arange(1003.0))
