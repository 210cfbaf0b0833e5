"""The numerical engine: the only package that knows which backend runs.

An estimator describes *what* to train with three small values, a `Recipe` (the network), an
`Objective` (the number to minimise) and a `Solver` (how to minimise it). The engine turns them
into compiled programs, which it shares between all estimators of the process, and gives back a
`FittedNetwork`: the recipe and its weights as NumPy arrays.
"""

from ._backend import backend_name, devices, load_keras
from ._data import Rows
from ._graph import graph_of
from ._network import FittedNetwork, initial_network
from ._numbers import Uniform, WarmUp, value_at
from ._objective import Objective
from ._programs import clear_programs, params_key, program_info
from ._recipe import ACTIVATIONS, Recipe, canonical_activation, keras_activation
from ._solver import SCHEDULES, SOLVERS, Solver
from ._stopping import StoppingRule
from ._training import Schedule, Training

__all__ = [
    "ACTIVATIONS",
    "SCHEDULES",
    "SOLVERS",
    "FittedNetwork",
    "Objective",
    "Recipe",
    "Rows",
    "Schedule",
    "Solver",
    "StoppingRule",
    "Training",
    "Uniform",
    "WarmUp",
    "backend_name",
    "canonical_activation",
    "clear_programs",
    "devices",
    "graph_of",
    "initial_network",
    "keras_activation",
    "load_keras",
    "params_key",
    "program_info",
    "value_at",
]
