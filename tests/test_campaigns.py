"""Samples of the campaigns of docs/benchmarks/reliability that take a minute or more."""

import sys
from pathlib import Path

import pytest
from cases import slow

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs" / "benchmarks"))

from reliability import divergence, growth, interrupts, parameters, processes, seeds, subjects
from reliability import threads as many_threads

pytestmark = pytest.mark.filterwarnings("default")

CAMPAIGNS = {
    "parameters": lambda: parameters.campaign(90),
    "interrupts": lambda: interrupts.campaign(2, 6),
    "divergence": divergence.campaign,
    "threads": lambda: many_threads.campaign(5),
    "growth": lambda: growth.campaign(growth.FEWEST, 10, 20_000, 4),
    "one seed": lambda: seeds.campaign(3),
    "processes": lambda: processes.campaign(names=subjects.NAMES[::4]),
}


@slow
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_campaigns(name):
    assert not CAMPAIGNS[name]().faults
