"""Data on their way to the network: checked, read by rows, weighted, merged and split."""

from .rows import Rows
from .sources import Stream
from .training_set import TrainingSet

__all__ = ["Rows", "Stream", "TrainingSet"]
