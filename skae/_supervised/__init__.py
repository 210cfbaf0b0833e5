"""Estimators that predict: an autoencoder's encoder with a head, trained on labelled rows."""

from .classification import AutoencoderClassifier
from .regression import AutoencoderRegressor

__all__ = ["AutoencoderClassifier", "AutoencoderRegressor"]
