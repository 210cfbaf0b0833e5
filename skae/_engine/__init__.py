"""The numerical engine: the only package that knows which backend runs.

An estimator describes *what* to train with three small values, a `Recipe` (the network), an
`Objective` (the number to minimise) and a `Solver` (how to minimise it). The engine turns them
into compiled programs, which it shares between all estimators of the process, and gives back a
`FittedNetwork`: the recipe and its weights as NumPy arrays.
"""

from . import ops
from ._jax import activated, convolved, devices, dropped
from .activations import ACTIVATION_NAMES, canonical_activation, keras_activation
from .backend import backend_name, load_keras, session
from .base_graph import LINEAR_PATH, Weight
from .building import built_encoder, built_weight_shapes
from .calls import calls
from .digests import content_digest
from .draws import draws
from .forks import check_runs, has_forked, renewed_in_child
from .graph import graph_of
from .inference import FittedNetwork, initial_network
from .interrupts import uninterrupted
from .keras_graph import keras_graph_of
from .keys import content_key, is_own
from .latent import LATENTS, LOG_VARIANCES, NormalCode, PointCode, divergence
from .likelihood import row_factors
from .loop import STOP_REASONS, DivergenceError, Hooks, Training, diverged
from .objective import Objective, Weighted, check_shape
from .optimizers import SOLVERS
from .population import Population, networks_at_once
from .programs import clear_programs, program_info
from .progress import Progress
from .recipe import Recipe
from .schedules import SCHEDULES, Schedule, Uniform, WarmUp, value_at
from .sharing import devices_of
from .solver import Solver, SolverState
from .stopping import StoppingRule
from .units import RESERVED, for_programs, standardised

__all__ = [
    "ACTIVATION_NAMES",
    "LATENTS",
    "LINEAR_PATH",
    "LOG_VARIANCES",
    "RESERVED",
    "SCHEDULES",
    "SOLVERS",
    "STOP_REASONS",
    "DivergenceError",
    "FittedNetwork",
    "Hooks",
    "NormalCode",
    "Objective",
    "PointCode",
    "Population",
    "Progress",
    "Recipe",
    "Schedule",
    "Solver",
    "SolverState",
    "StoppingRule",
    "Training",
    "Uniform",
    "WarmUp",
    "Weight",
    "Weighted",
    "activated",
    "backend_name",
    "built_encoder",
    "built_weight_shapes",
    "calls",
    "canonical_activation",
    "check_runs",
    "check_shape",
    "clear_programs",
    "content_digest",
    "content_key",
    "convolved",
    "devices",
    "devices_of",
    "diverged",
    "divergence",
    "draws",
    "dropped",
    "for_programs",
    "graph_of",
    "has_forked",
    "initial_network",
    "is_own",
    "keras_activation",
    "keras_graph_of",
    "load_keras",
    "networks_at_once",
    "ops",
    "program_info",
    "renewed_in_child",
    "row_factors",
    "session",
    "standardised",
    "uninterrupted",
    "value_at",
]
