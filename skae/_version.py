"""The version of skae, and of what it runs on, as people put them into a report."""

import platform
from importlib import metadata

from ._engine import backend_name, devices

__version__ = "0.1.0.dev0"

DOCUMENTATION = "https://skae.readthedocs.io/en/stable/generated/skae.{name}.html"
"""Address of the documentation of a class of the package's root."""

PACKAGES = ("scikit-learn", "keras", "jax", "numpy", "scipy", "matplotlib")


def show_versions():
    """Print the versions of skae and of what it runs on, the backend and its devices.

    The same as ``python -m skae info``: what a bug report needs. Unlike importing skae, it
    imports Keras and its backend.

    Examples
    --------
    >>> import skae
    >>> skae.show_versions()
    skae:         ...
    python:       ...
    """
    print_versions(PACKAGES)


def print_versions(packages):
    """Print a line for skae, for Python, for each of the packages, and for the backend."""
    lines = {"skae": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            lines[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            lines[package] = "not installed"
    try:
        lines["backend"] = backend_name()
        lines["devices"] = ", ".join(devices())
    except ImportError as error:
        lines["backend"] = f"not available: {error}"
    for name, value in lines.items():
        print(f"{name + ':':<13} {value}")
