"""Weights, merging of identical rows, and the split for validation."""

import numpy as np
import pytest

from skae._data import TrainingSet

X = np.array([[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0], [4.0, np.nan], [2.0, 3.0], [4.0, -np.nan]])


def test_identical_rows_are_merged():
    data = TrainingSet.from_arrays(X, sample_weight=np.array([1.0, 2.0, 4.0, 1.0, 1.0, 3.0]))
    merged = data.merged()
    weight_of = dict(zip(merged.X.to_array()[:, 0].tolist(), merged.weight * 8, strict=True))
    assert weight_of == {0.0: 5.0, 2.0: 3.0, 4.0: 4.0}
    assert merged.target is merged.X
    np.testing.assert_allclose(merged.means(), data.means())
    np.testing.assert_allclose(merged.variances(), data.variances())
    np.testing.assert_allclose(data.means(), [(3 * 2 + 4 * 4) / 12, (5 * 1 + 3 * 3) / 8])


def test_rows_are_not_merged_if_their_targets_differ():
    target = X.copy()
    target[2] = 7.0
    merged = TrainingSet.from_arrays(X, target).merged()
    assert merged.n_rows == 4
    first, other = (rows.to_array()[:, 0].tolist() for rows in (merged.X, merged.target))
    assert sorted(zip(first, other, strict=True)) == [(0, 0), (0, 7), (2, 2), (4, 4)]


@pytest.mark.parametrize("seed", range(5))
def test_no_copy_of_a_row_is_held_out_while_another_is_trained_on(seed):
    rows = np.random.default_rng(0).integers(3, size=(60, 2)).astype(float)
    data = TrainingSet.from_arrays(rows, sample_weight=np.arange(60.0)).merged().split(0.3, seed)
    unmerged = data.unmerged()
    assert unmerged.validation is data.validation
    held_out = {tuple(row) for row in data.validation.X.to_array()}
    trained = [tuple(row) for row in unmerged.X.to_array()]
    assert not held_out & set(trained)
    assert held_out | set(trained) == {tuple(row) for row in rows}
    assert len(trained) == sum(tuple(row) not in held_out for row in rows[1:])
    assert unmerged.weight.sum() == pytest.approx(data.weight.sum())
    np.testing.assert_allclose(unmerged.means(), data.means())


def test_rows_that_were_not_merged_stay_as_they_are():
    data = TrainingSet.from_arrays(X)
    assert data.unmerged() is data


@pytest.mark.parametrize("scale", [1.0, 1e307, 5e-324])
def test_weights_are_scaled_by_a_power_of_two(scale):
    weight = np.array([1.0, 2.0, 3.0, 1.0, 1.0, 1.0]) * scale
    data = TrainingSet.from_arrays(X, sample_weight=weight)
    assert 0.5 <= data.weight.max() < 1
    np.testing.assert_array_equal(data.weight / data.weight[0], weight / weight[0])
