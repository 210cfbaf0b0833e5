"""Autoencoders that are scikit-learn estimators, on networks made of Keras layers."""

import sklearn  # noqa: F401  before NumPy and SciPy: so all three load 0.1 s faster

from ._autoencoders import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from ._autoencoders._checkpoint import Checkpoint
from ._persistence import LoadError, load, save, trusted_types
from ._supervised import AutoencoderClassifier, AutoencoderRegressor
from ._version import __version__ as __version__
from ._version import show_versions
from .impute import AutoencoderImputer
from .outliers import AutoencoderOutlierDetector

__all__ = [
    "AutoencoderClassifier",
    "AutoencoderImputer",
    "AutoencoderOutlierDetector",
    "AutoencoderRegressor",
    "AutoencoderTransformer",
    "Checkpoint",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "LoadError",
    "SparseAutoencoder",
    "VariationalAutoencoder",
    "load",
    "save",
    "show_versions",
    "trusted_types",
]
