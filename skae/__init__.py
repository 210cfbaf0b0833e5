"""Autoencoders that are scikit-learn estimators, on networks made of Keras layers."""

import importlib
from typing import TYPE_CHECKING

import sklearn  # noqa: F401  before NumPy and SciPy: so all three load 0.1 s faster

from ._autoencoders import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from ._autoencoders._checkpoint import Checkpoint
from ._data import Stream
from ._version import __version__ as __version__
from ._version import show_versions

if TYPE_CHECKING:  # for editors; `__getattr__` imports these where they are first used
    from ._persistence import LoadError, load, save, trusted_types
    from ._supervised import AutoencoderClassifier, AutoencoderRegressor
    from .impute import AutoencoderImputer
    from .model_selection import PopulationSearchCV
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
    "PopulationSearchCV",
    "SparseAutoencoder",
    "Stream",
    "VariationalAutoencoder",
    "load",
    "save",
    "show_versions",
    "trusted_types",
]

_LAZY_NAMES = {
    "AutoencoderClassifier": "_supervised",
    "AutoencoderImputer": "impute",
    "AutoencoderOutlierDetector": "outliers",
    "AutoencoderRegressor": "_supervised",
    "LoadError": "_persistence",
    "PopulationSearchCV": "model_selection",
    "load": "_persistence",
    "save": "_persistence",
    "trusted_types": "_persistence",
}
"""Where each name is that most programs do without."""

_SUBMODULES = {"callbacks", "impute", "model_selection", "outliers", "plotting"}
"""Public modules that `import skae` alone does not import; `skae.onnx` registers converters, and is
imported by its name."""


def __getattr__(name):
    """Import what most programs do without where it is first used."""
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(f".{_LAZY_NAMES[name]}", __name__), name)
    if name in _SUBMODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, *_SUBMODULES})
