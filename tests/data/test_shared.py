"""Shares of training rows: what several processes tell each other is what one would find."""

import threading

import numpy as np
import pytest
from scipy import sparse

from skae._data.shared import SharedSet
from skae._data.training_set import TrainingSet
from skae._engine.batches import Blocks
from skae._engine.sharing import Devices


class Together:
    """Devices of "processes" that are threads of this one."""

    def __init__(self, n):
        self.n = self.n_processes = n
        self._values, self._barrier = [None] * n, threading.Barrier(n)
        self._process = threading.local()

    def gathered(self, value):
        self._values[self._process.number] = value
        self._barrier.wait()
        values = list(self._values)
        self._barrier.wait()
        return values

    def layout(self, batch_size, n_rows):
        layout = Devices.layout(self, batch_size, n_rows)
        assert layout.process == self._process.number
        return layout

    @property
    def process(self):
        return self._process.number

    def spread(self, tree, axis):
        return tree

    def run(self, function):
        """What a function of the process's number gives in each."""
        results = [None] * self.n

        def run(number):
            self._process.number = number
            results[number] = function(number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(self.n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results


@pytest.fixture
def X():
    random = np.random.default_rng(0)
    X = random.normal(size=(101, 5)) * [1, 2, 3, 4, 0] + 1e6
    X[random.random(X.shape) < 0.1] = np.nan
    X[:, 3] = X[:, 3].clip(1e6)  # piles up at its lower end
    return X


SHARES = [slice(0, 40), slice(40, 45), slice(45, 101)]


def shared_sets(X, target, weight):
    devices = Together(len(SHARES))

    def of(number):
        rows = SHARES[number]
        own = None if target is None else target[rows]
        data = TrainingSet.from_arrays(X[rows], own, weight[rows], missing=True)
        return SharedSet(data, devices)

    return devices.run(of)


@pytest.mark.parametrize("paired", [False, True])
def test_statistics_are_those_of_all_rows(X, paired):
    weight = np.random.default_rng(1).uniform(0, 3, size=len(X))
    weight[50:] *= 1000  # of the last share alone
    target = X + np.arange(5) if paired else None
    whole = TrainingSet.from_arrays(X, target, weight, missing=True)
    for one in shared_sets(X, target, weight):
        assert one.n_rows == whole.n_rows
        for name in ("target_summary", "input_summary"):
            for field, expected in vars(getattr(whole, name)).items():
                found = getattr(getattr(one, name), field)
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert one.target_range == whole.target_range
        assert one.mean_weight == pytest.approx(whole.mean_weight, rel=1e-14)
        everything = np.arange(whole.n_rows)
        np.testing.assert_array_equal(one.held.X.part(everything), whole.X.part(everything))
        np.testing.assert_array_equal(one.held.weight, whole.weight)
        np.testing.assert_array_equal(
            one.sample(20).target.part(np.arange(20)), whole.sample(20).target.part(np.arange(20))
        )


def test_a_sparse_share_is_like_a_dense_one(X):
    X = np.nan_to_num(X) * (X > 1e6)
    weight = np.ones(len(X))
    for one, other in zip(
        shared_sets(X, None, weight), shared_sets(sparse.csr_array(X), None, weight), strict=True
    ):
        np.testing.assert_array_equal(one.target_summary.mean, other.target_summary.mean)
        np.testing.assert_array_equal(one.held.X.X, other.held.X.X)


def test_copies_of_a_share_are_noticed(X):
    for n_copies in (1, 2):
        devices, rows = Together(2), [X[:40], X[:40] if n_copies == 2 else X[40:]]

        def of(number, devices=devices, rows=rows):
            return SharedSet(TrainingSet.from_arrays(rows[number], missing=True), devices)

        assert [one.has_copies for one in devices.run(of)] == [n_copies == 2] * 2


def test_each_share_holds_rows_out(X):
    devices = Together(2)
    halves = [X[:50], X[50:]]

    def split(number):
        data = TrainingSet.from_arrays(halves[number], missing=True)
        return SharedSet(data, devices).split(0.2, seed=0)

    for one in devices.run(split):
        assert (one.n_rows, one.X.n_rows) in [(81, 40), (81, 41)]
        assert (one.validation.n_rows, one.validation.X.n_rows) == (20, 10)


@pytest.mark.parametrize("shuffles", [False, True])
def test_batches_of_several_processes_are_in_step(shuffles):
    """Together they hold every row once, and the weights of a batch have the sum of one process."""
    X, devices = np.arange(40.0)[:, None], Together(3)
    shares = [np.arange(0, 16), np.arange(16, 21), np.arange(21, 40)]

    def blocks(number):
        rows = TrainingSet.from_arrays(X[shares[number]]).X
        made = Blocks(rows, rows, np.ones(rows.n_rows), 8, devices=devices)
        made.capacity, made.n_blocks = 4, 2  # as if a block had no room for more
        random = np.random.default_rng(number) if shuffles else None
        return [
            [(x.copy(), w.copy(), n) for (x, _, w), n in zip(b.batches(), b.n_present, strict=True)]
            for b in made.epoch(random)
        ]

    of_processes = devices.run(blocks)
    assert [[len(block) for block in own] for own in of_processes] == [[4, 3]] * 3
    seen = []
    of_processes = [[batch for block in own for batch in block] for own in of_processes]
    for parts in zip(*of_processes, strict=True):
        n_present = {n for _, _, n in parts}
        total = sum(weight.sum() for _, weight, _ in parts)
        assert len(n_present) == 1
        assert total == pytest.approx(1.0)
        batch = [x[weight > 0, 0] for x, weight, _ in parts]
        assert sum(map(len, batch)) == n_present.pop() <= 9  # three of each, a multiple of 3
        seen += batch
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(40))
