"""The contenders, each library in a module of its own.

A module has those of these functions that its contender takes part with:

``fit(X, job, clock)``
    Train a network; returns a `Fitted`.
``search(X, job, grid)``
    Search a `Grid` by cross-validation; returns a function that reconstructs with the best.
``encoder(X, job)``
    Returns a function that encodes, fitted to X where it must be.
"""

from collections.abc import Callable
from dataclasses import dataclass

from peers.harness import Contender

SKAE = Contender("skae", "with_skae", ("skae", "keras", "jax"), {"KERAS_BACKEND": "jax"})
KERAS_JAX = Contender("Keras on JAX", "with_keras", ("keras", "jax"), {"KERAS_BACKEND": "jax"})
KERAS_TENSORFLOW = Contender(
    "Keras on TensorFlow", "with_keras", ("keras", "tensorflow"), {"KERAS_BACKEND": "tensorflow"}
)
KERAS_TORCH = Contender(
    "Keras on torch", "with_keras", ("keras", "torch"), {"KERAS_BACKEND": "torch"}
)
TORCH = Contender("torch by hand", "with_torch", ("torch",))
SKORCH = Contender("skorch", "with_skorch", ("skorch", "torch"))
SCIKERAS = Contender(
    "scikeras", "with_scikeras", ("scikeras", "tensorflow"), {"KERAS_BACKEND": "tensorflow"}
)
MLP = Contender("MLPRegressor", "with_mlp", ("sklearn",))
PCA = Contender("PCA", "with_pca", ("sklearn",))


@dataclass(frozen=True)
class Fitted:
    """What a contender returns from a fit.

    Parameters
    ----------
    reconstruct : callable
        Maps rows to their reconstructions.
    n_weights : int
        Number of trained weights, by which one sees that the networks are the same.
    """

    reconstruct: Callable
    n_weights: int


@dataclass(frozen=True)
class Grid:
    """Values to search, and the number of folds.

    Parameters
    ----------
    step_sizes, alphas : tuple of float
        In the meaning that `peers.job.Job` gives them; contenders translate.
    n_folds : int
    """

    step_sizes: tuple
    alphas: tuple
    n_folds: int


def grid_search(estimator, values, n_folds, X, **options):
    """Search with scikit-learn, without shuffling; returns the best estimator, fitted to X."""
    from sklearn.model_selection import GridSearchCV, KFold

    targets = options.pop("targets", None)
    search = GridSearchCV(estimator, values, cv=KFold(n_folds), error_score="raise", **options)
    return search.fit(X, targets).best_estimator_
