"""Weights, merging of identical rows, and the split for validation."""

import numpy as np
import pytest

from skae._data import TrainingSet
from skae._data.statistics import summarise

X = np.array([[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0], [4.0, np.nan], [2.0, 3.0], [4.0, -np.nan]])


def test_identical_rows_are_merged():
    data = TrainingSet.from_arrays(X, sample_weight=np.array([1.0, 2.0, 4.0, 1.0, 1.0, 3.0]))
    merged = data.merged()
    weight_of = dict(zip(merged.X.to_array()[:, 0].tolist(), merged.weight * 8, strict=True))
    assert weight_of == {0.0: 5.0, 2.0: 3.0, 4.0: 4.0}
    assert merged.target is merged.X
    same, other = summarise(data.X, data.weight), summarise(merged.X, merged.weight)
    for name, value in vars(same).items():
        np.testing.assert_allclose(getattr(other, name), value, err_msg=name)
    np.testing.assert_allclose(data.target_means(), [(3 * 2 + 4 * 4) / 12, (5 * 1 + 3 * 3) / 8])
    np.testing.assert_array_equal(merged.target_means(), other.mean)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.float16])
def test_merged_rows_keep_type_and_precision(dtype):
    rows = np.array([[1, 2], [3, 4], [1, 2]], dtype)
    merged = TrainingSet.from_arrays(rows).merged()
    assert merged.X.dtype == dtype
    np.testing.assert_array_equal(merged.X.part(slice(None)), [[1, 2], [3, 4]])
    close = np.array([[1e9], [1e9 + 1e-6]])
    assert TrainingSet.from_arrays(close).merged().n_rows == 2


@pytest.mark.parametrize("factor", [1e-20, 1 / 3, 7.0, 1e20, 1e100])
def test_merged_rows_are_in_the_same_order_in_any_units(factor):
    """Else another unit would deal other rows into the batches, and other ones be held out."""
    rows = np.random.default_rng(0).integers(-4, 5, size=(80, 2)) * 1.7
    merged = TrainingSet.from_arrays(rows).merged().X.part(slice(None))
    np.testing.assert_array_equal(merged, np.unique(rows, axis=0))
    scaled = TrainingSet.from_arrays(rows * factor).merged().X.part(slice(None))
    np.testing.assert_array_equal(scaled, merged * factor)


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
    np.testing.assert_allclose(unmerged.target_means(), data.target_means())


def test_rows_that_were_not_merged_stay_as_they_are():
    data = TrainingSet.from_arrays(X)
    assert data.unmerged() is data


@pytest.mark.parametrize("scale", [1.0, 1e307, 5e-324])
def test_weights_are_scaled_by_a_power_of_two(scale):
    weight = np.array([1.0, 2.0, 3.0, 1.0, 1.0, 1.0]) * scale
    data = TrainingSet.from_arrays(X, sample_weight=weight)
    assert 0.5 <= data.weight.max() < 1
    np.testing.assert_array_equal(data.weight / data.weight[0], weight / weight[0])


@pytest.mark.parametrize("seed", range(3))
def test_a_split_holds_out_all_copies_of_a_row(seed):
    """Also where rows are not merged; close ones are none."""
    rows = 1e9 + 1e-6 * np.random.default_rng(0).integers(30, size=(90, 1))
    data = TrainingSet.from_arrays(rows).split(0.2, seed)
    held_out, kept = (set(part.X.part(slice(None)).ravel()) for part in (data.validation, data))
    assert len(held_out) == round(0.2 * len(np.unique(rows)))
    assert held_out.isdisjoint(kept)
    assert data.n_rows + data.validation.n_rows == 90


@pytest.mark.parametrize("seed", range(20))
def test_a_row_of_more_copies_than_are_held_out_is_trained_on(seed):
    """Otherwise a table of mostly zeros would sometimes hold out all its empty rows."""
    rows = np.concatenate([np.zeros((12, 1)), np.arange(1.0, 37.0)[:, None]])
    for data in (TrainingSet.from_arrays(rows), TrainingSet.from_arrays(rows).merged()):
        held_out = data.split(0.1, seed).validation.X.to_array().ravel()
        assert len(held_out) == 4
        assert 0 not in held_out
    weight = np.array([1.0, 30.0, 1.0, 1.0, 1.0])
    data = TrainingSet.from_arrays(np.arange(5.0)[:, None], sample_weight=weight)
    assert 1 not in data.split(0.4, seed).validation.X.to_array()


def test_splits_of_other_numbers_hold_out_other_rows():
    data = TrainingSet.from_arrays(np.arange(100.0)[:, None])
    parts = [data.split(0.2, 0, number).validation.X.to_array().ravel() for number in range(5)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(100))


def test_number_of_rows_by_what_they_tell():
    rows = np.arange(10.0)[:, None]

    def effective(X, weight=None):
        return TrainingSet.from_arrays(X, sample_weight=weight).n_effective

    assert effective(rows) == effective(rows, np.full(10, 0.7)) == 10
    assert effective(np.tile(rows, (3, 1))) == 10
    assert effective(rows, np.where(np.arange(10) < 4, 1, 1e-9)) == pytest.approx(4, rel=1e-3)
    assert effective(rows, np.arange(10.0)) == pytest.approx(np.sqrt(np.arange(10)).sum() ** 2 / 45)
    others = np.arange(500.0)[:, None]
    copied = np.concatenate([others, np.zeros((100, 1))])
    assert 400 < effective(copied) < 500
