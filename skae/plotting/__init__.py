"""Displays: pictures of autoencoders, in scikit-learn's convention.

matplotlib is imported when something is drawn.
"""

from ._explained_variance import ExplainedVarianceDisplay
from ._feature_maps import FeatureMapDisplay
from ._filters import FiltersDisplay
from ._latent_manifold import LatentManifoldDisplay
from ._latent_space import LatentSpaceDisplay
from ._latent_traversal import LatentTraversalDisplay
from ._loss_curve import LossCurveDisplay
from ._reconstruction import ReconstructionDisplay
from ._reconstruction_error import ReconstructionErrorDisplay

__all__ = [
    "ExplainedVarianceDisplay",
    "FeatureMapDisplay",
    "FiltersDisplay",
    "LatentManifoldDisplay",
    "LatentSpaceDisplay",
    "LatentTraversalDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "ReconstructionErrorDisplay",
]
