"""Samples of the campaigns of docs/benchmarks/reliability, each of which finds no fault.

Those that take a minute or more are in `tests/test_campaigns.py`.
"""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from cases import slow

from skae import AutoencoderTransformer
from skae._engine import _jax
from skae._engine.interrupts import in_a_thread

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "benchmarks"))

from reliability import bad_data, memory, saving, session, subjects
from reliability.tally import Tally

pytestmark = pytest.mark.filterwarnings("default")


def test_every_kind_of_x_is_taken_rightly_or_refused_by_name():
    fitted, tally = subjects.subject("AutoencoderTransformer").fit(subjects.data()[0]), Tally()
    for kind, (value, expected) in bad_data.kinds().items():
        bad_data.one_use(fitted, kind, "transform", kind, value, expected, tally)
    assert not tally.faults
    assert tally.outcomes.total() > 60


def test_ctrl_c_does_not_interrupt_a_compilation(monkeypatch):
    """Python delivers signals to the main thread, so none interrupts JAX's tracing."""
    seen, compiled = [], _jax.compiled

    def noting(*arguments, **options):
        seen.append(threading.current_thread())
        return compiled(*arguments, **options)

    monkeypatch.setattr(_jax, "compiled", noting)
    AutoencoderTransformer(1, hidden_layer_sizes=(17,), max_iter=1).fit(np.eye(5)[:, :3])
    assert seen
    assert threading.main_thread() not in seen


def test_a_thread_is_waited_for_through_an_interrupt():
    """Until Python 3.12 an interrupted `join` gives up a thread that is still running."""
    import signal
    import time

    ended = []

    def work():
        time.sleep(0.3)
        ended.append(1)

    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            in_a_thread(work)
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert ended


CAMPAIGNS = {
    "bad data": lambda: bad_data.campaign(2),
    "global state": session.campaign,
    "save": lambda: saving.campaign(3, 4),
    "memory limit": lambda: memory.campaign(4, ("rows", "transform")),
}


@slow
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_campaigns(name):
    assert not CAMPAIGNS[name]().faults
