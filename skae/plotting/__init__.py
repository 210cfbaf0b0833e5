"""Displays: pictures of autoencoders, in scikit-learn's convention.

matplotlib is imported when something is drawn.
"""

from ._latent_space import LatentSpaceDisplay
from ._loss_curve import LossCurveDisplay
from ._reconstruction import ReconstructionDisplay

__all__ = ["LatentSpaceDisplay", "LossCurveDisplay", "ReconstructionDisplay"]
