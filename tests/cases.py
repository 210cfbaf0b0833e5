"""Which cases of a test are run each time, and which by `make test-slow` alone.

Those of `tests/promises` are all run by `make test-promises`.
"""

import pytest

slow = pytest.mark.slow


def slow_but(*kept, of):
    """All cases of a test as parameters: those that are kept, and the others marked slow.

    What is kept are the fewest that go through all of skae's code that the others go through.
    """
    assert set(kept) <= set(of)
    return [case if case in kept else pytest.param(case, marks=slow) for case in of]
