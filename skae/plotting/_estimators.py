"""Autoencoders inside other estimators, and X on its way to them and back."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from .._autoencoders._base import BaseAutoencoder

WITHIN = ("best_estimator_", "estimator_", "estimator")
"""Attributes of searches, of what is built on an autoencoder, and of frozen estimators."""


def final_estimator(estimator):
    """Look into a search for its best estimator, and into a pipeline for its last step."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


@dataclass(frozen=True)
class Located:
    """An autoencoder, and the steps of a pipeline before it.

    Parameters
    ----------
    autoencoder : BaseAutoencoder
    before : list of transformers
    """

    autoencoder: BaseAutoencoder
    before: list

    @property
    def name(self):
        """Name of the autoencoder's class."""
        return type(self.autoencoder).__name__

    def features(self, X):
        """X as the autoencoder gets it."""
        for step in self.before:
            X = step.transform(X)
        return X

    def encode(self, X):
        """The code of X as an array."""
        return np.asarray(self.autoencoder.transform(self.features(X)))

    @property
    def can_go_back(self):
        """Whether each step before the autoencoder can be inverted."""
        return all(hasattr(step, "inverse_transform") for step in self.before)

    def decode(self, code):
        """What codes decode to: in the units of X where each step can be inverted.

        Otherwise in those of the autoencoder's features.
        """
        rows = self.autoencoder.inverse_transform(code)
        if self.before and self.can_go_back:
            rows = numbers(rows, "the reconstruction")
            for step in reversed(self.before):
                rows = step.inverse_transform(rows)
        return numbers(rows, "the reconstruction")

    def comparable(self, X):
        """X in the units that `decode` gives, as an array."""
        return numbers(X if self.can_go_back else self.features(X), "X")

    @property
    def feature_names(self):
        """Names of the features that `decode` gives; None where they have none."""
        first = self.before[0] if self.before and self.can_go_back else self.autoencoder
        names = getattr(first, "feature_names_in_", None)
        return None if names is None else list(map(str, names))

    @property
    def own_feature_names(self):
        """Names of the features that the autoencoder gets; None where they have none."""
        names = getattr(self.autoencoder, "feature_names_in_", None)
        if names is None and self.before and hasattr(self.before[0], "feature_names_in_"):
            for step in self.before:
                if not hasattr(step, "get_feature_names_out"):
                    return None
                names = step.get_feature_names_out(names)
        return None if names is None else list(map(str, names))


def located(estimator):
    """The fitted autoencoder in an estimator: itself, a step, or what it is built on.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If there is none.
    """
    found = find(estimator)
    if found is None:
        if hasattr(estimator, "fit"):
            check_is_fitted(estimator)
        raise ValueError(
            "estimator must be an autoencoder of skae, or a pipeline or search with one in it, "
            f"got {estimator!r}."
        )
    check_is_fitted(found.autoencoder)
    return found


def find(estimator):
    """The autoencoder in an estimator, fitted or not; None if there is none."""
    if isinstance(estimator, BaseAutoencoder):
        return Located(estimator, [])
    for name in WITHIN:
        if hasattr(estimator, name):
            return find(getattr(estimator, name))
    steps = [step for _, step in getattr(estimator, "steps", [])]
    for number in reversed(range(len(steps))):
        found = find(steps[number])
        if found is not None:
            before = [step for step in steps[:number] if step not in (None, "passthrough")]
            return Located(found.autoencoder, before + found.before)
    return None


def numbers(X, name):
    """X as a dense array of numbers.

    Raises
    ------
    ValueError
        If it holds something else, such as categories.
    """
    if sparse.issparse(X):
        return X.toarray()
    array = np.asarray(X)
    if array.dtype.kind in "fiub":
        return array
    try:
        return array.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} holds values that are no numbers, such as categories, which this Display "
            f"cannot draw: {error}."
        ) from error
