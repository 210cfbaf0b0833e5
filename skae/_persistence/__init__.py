"""Files of estimators that hold data and no code."""

from .api import LoadError, load, save
from .trust import trusted_types

__all__ = ["LoadError", "load", "save", "trusted_types"]
