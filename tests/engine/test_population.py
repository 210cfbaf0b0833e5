"""Trainings side by side: what members get, and who waits for whom."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skae._engine import Population
from skae._engine.population import BlockProgram


def doubled(state, seed, data, order, n_batches, numbers):
    return state * 2 + numbers["step"], data.sum() * n_batches


def arguments_of(number, n_batches=3, n_features=2):
    data = np.full((4, n_features), number, np.float32)
    step = {"step": np.float32(1)}
    state = np.full(3, number, np.float32)
    return state, np.zeros(2, np.uint32), data, None, np.int32(n_batches), step


def in_population(most, calls, program=None):
    """What members get who make one list of calls each."""
    population, results = Population(most), {}

    def work(number):
        own = program or BlockProgram("doubled", ("doubled", most), lambda: doubled)
        with population.member():
            started.wait()
            results[number] = [own(*arguments) for arguments in calls[number]]

    started = threading.Barrier(len(calls))
    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(work, range(len(calls))))
    return [results[number] for number in range(len(calls))]


@pytest.mark.parametrize("most", [1, 2, 8])
def test_each_member_gets_its_own_result(most):
    # Some make more calls than others, of other lengths and shapes.
    calls = [
        [arguments_of(number, n_batches=1 + number % 2) for _ in range(1 + number % 3)]
        for number in range(5)
    ] + [[arguments_of(7, n_features=3)]]
    for own, results in zip(calls, in_population(most, calls), strict=True):
        assert len(results) == len(own)
        for (state, _, data, _, n_batches, _), (new_state, total) in zip(own, results, strict=True):
            np.testing.assert_array_equal(new_state, state * 2 + 1)
            assert total == data.sum() * n_batches


def test_equal_programs_of_all_members_are_one_call():
    sizes = []

    class Noted(BlockProgram):
        def together(self, data, arguments):
            sizes.append(len(arguments))
            return super().together(data, arguments)

    program = Noted("doubled", "noted", lambda: doubled)
    in_population(8, [[arguments_of(number)] * 2 for number in range(6)], program)
    assert sizes == [8, 8]  # six, and two to make it a power of two


def test_an_error_is_that_of_each_member():
    def broken(*arguments):
        raise ArithmeticError("of the program")

    with pytest.raises(ArithmeticError, match="of the program"):
        in_population(
            4, [[arguments_of(0)], [arguments_of(1)]], BlockProgram("x", "broken", lambda: broken)
        )


def test_outside_of_a_population_a_program_is_computed_alone():
    state, total = BlockProgram("doubled", "alone", lambda: doubled)(*arguments_of(2))
    np.testing.assert_array_equal(state, [5, 5, 5])
    assert total == 48


def test_members_that_wait_are_cancelled():
    population, ended = Population(2), []
    program = BlockProgram("doubled", "cancelled", lambda: doubled)

    def wait():
        with population.member():
            try:
                program(*arguments_of(1))
            except KeyboardInterrupt:
                ended.append(True)

    with population.member():  # which never calls
        thread = threading.Thread(target=wait)
        thread.start()
        population.cancel()
        thread.join(timeout=60)
    assert ended == [True]


def trained(state, seed, data, order, n_batches, numbers):
    """A state that goes on from call to call, and a loss."""
    weights, slots = state
    weights = weights + numbers["step"] * (data[order] * seed[0]).sum() * n_batches
    return (weights, slots + weights), weights.sum()


def test_states_stay_where_programs_run_and_data_too():
    """As epochs on a GPU do: the data have an order, and each call goes on from the one before.

    Three members make different numbers of calls, and one gets new data in between.
    """
    population, results = Population(4), {}
    program = BlockProgram("trained", "trained", lambda: trained)
    started = threading.Barrier(3)
    data = {
        number: [np.arange(5, dtype=np.float32) + number + n for n in range(2)]
        for number in range(3)
    }
    arguments = (np.array([0, 2, 2], np.int32), np.int32(3), {"step": np.float32(0.5)})

    def work(number):
        state, losses = (np.full(2, number, np.float32), np.zeros(2, np.float32)), []
        seed = np.array([number + 1, 0], np.uint32)
        with population.member():
            started.wait()
            for call in range(2 + 2 * number):
                rows = data[number][number == 2 and call > 2]
                state, loss = program(state, seed, rows, *arguments)
                losses.append(float(np.asarray(loss)))
        results[number] = [np.array(leaf) for leaf in state], losses

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    for number in range(3):
        weights, slots = np.full(2, number, np.float32), np.zeros(2, np.float32)
        expected = []
        for call in range(2 + 2 * number):
            rows = data[number][number == 2 and call > 2]
            weights = weights + 0.5 * (rows[[0, 2, 2]] * (number + 1)).sum() * 3
            slots = slots + weights
            expected.append(weights.sum())
        np.testing.assert_allclose(results[number][0], [weights, slots], rtol=1e-6)
        np.testing.assert_allclose(results[number][1], expected, rtol=1e-6)
    assert not population._data  # nothing is held for members that left
