"""What classifier and regressor have in common: an autoencoder, trained or taken, and a head."""

import copy
from abc import ABC
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._autoencoders import AutoencoderTransformer
from .._autoencoders._base import BaseAutoencoder, as_autoencoder, check_computed, copy_to_train
from .._autoencoders._inside import inside
from .._data import Rows
from .._data.validation import explaining
from .._engine import FittedNetwork, SolverState
from .._html import HTMLReprMixin
from .._sklearn_compat import Interval, ObjectWith, StrOptions, check_sample_weight
from ._fit import Fit, Settings, one_epoch
from ._head import recipe_with_head

FITTED = {
    *("estimator_", "n_features_in_", "n_iter_", "loss_curve_", "val_loss_curve_"),
    *("has_spread_labels_", "_network", "_slots", "_seed", "_is_stream"),
}
"""What every fit leaves, beside what it says of the labels and the names of features."""

PARTIAL_RATE = 0.1
"""Step size of `partial_fit` after a `fit`, as a share of `learning_rate_init`: the full one could
destroy what that has learned. A first `partial_fit` has seen but some of the rows to come."""

DEFAULT_UNITS, DEFAULT_SHARE, DEFAULT_EPOCHS = 32, 0.9, 50
"""The autoencoder that is taken by default: its units, the share of the variance that takes their
place where X has at most twice as many features, and its epochs."""


@dataclass
class Labels:
    """What y says.

    Parameters
    ----------
    target : ndarray of shape (n_rows, n_targets)
        What the network is to give; arbitrary finite numbers for rows without a label.
    weight : ndarray of shape (n_rows,)
        Factors on the weights of rows; zero for those without a label.
    attributes : dict
        What the fitted estimator keeps of them.
    """

    target: np.ndarray
    weight: np.ndarray
    attributes: dict


class BasePredictor(HTMLReprMixin, BaseEstimator, ABC):
    """What classifier and regressor share; not to be used directly.

    A leaf declares its `__init__`, its constraints, `_task` (what is minimised), `_unlabelled`
    (what y is where there is no label, for messages) and hooks: `_read` (what y says), `_labels`
    (that as targets of the network) and `_is_of_labels` (whether a file may say so). It predicts
    from `_outputs`.
    """

    _parameter_constraints: dict = {
        "estimator": [ObjectWith(["fit", "transform", "inverse_transform"]), None],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "random_state": ["random_state"],
    }

    spread_labels = False
    """Whether labels spread to other rows, where it is no parameter."""

    # Fitting

    def _fit(self, X, y, sample_weight, *, classes=None, incremental=False):
        """Fit on a copy, so that self stays as it is until the one swap at the end."""
        new = copy.copy(self)
        goes_on = incremental and self.__sklearn_is_fitted__()
        y, has_label = self._read(y, getattr(self, "classes_", None) if goes_on else classes)
        if goes_on:
            new._go_on(X, y, has_label, sample_weight, classes)
        else:
            new._begin(X, y, has_label, sample_weight, classes, incremental)
        self.__dict__ = vars(new)
        return self

    def _begin(self, X, y, has_label, sample_weight, classes, incremental):
        """A fit, or the first `partial_fit`, which is a fit of one epoch."""
        self._check_some(has_label)
        self._labels(y, has_label, np.ones(len(y)), classes)  # what it refuses needs no training
        if len(getattr(X, "shape", ())) == 2:  # else the autoencoder refuses it
            check_consistent_length(X, y)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.estimator_ = estimator = self._autoencoder(X, sample_weight, seed)
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))
        X = self._check_X(X)
        check_consistent_length(X, y)
        weight = checked_weight(sample_weight, X)
        labels = self._labels(y, has_label, weight, classes)
        found = Fit(
            self._task,
            estimator._network,
            X,
            labels.target,
            weight,
            weight * labels.weight,
            has_label,
            self._settings(seed, incremental=incremental),
        ).run()
        vars(self).update(labels.attributes)
        self._seed, self._is_stream = seed, incremental
        self._keep(found, found.loss_curve)

    def _go_on(self, X, y, has_label, sample_weight, classes):
        """One more epoch on the labelled rows."""
        X = self._check_X(X)
        check_consistent_length(X, y)
        weight = checked_weight(sample_weight, X)
        if not (weight * has_label).any():
            return
        labels = self._labels(y, has_label, weight, classes, earlier=self)
        if not (weight * labels.weight).any():  # all are of classes without weight
            return
        found = one_epoch(
            self._task,
            self._network,
            self._slots,
            X,
            labels.target,
            weight * labels.weight,
            self._settings(self._seed, incremental=True),
            1.0 if self._is_stream else PARTIAL_RATE,
            self.n_iter_,
        )
        found.val_loss_curve, found.has_spread = self.val_loss_curve_, self.has_spread_labels_
        self._keep(found, self.loss_curve_ + found.loss_curve)

    def _keep(self, found, loss_curve):
        """Keep what a fit found."""
        self._network, self._slots = found.network, found.slots
        self.loss_curve_, self.val_loss_curve_ = loss_curve, found.val_loss_curve
        self.n_iter_ = len(loss_curve)
        self.has_spread_labels_ = found.has_spread

    def _autoencoder(self, X, sample_weight, seed):
        """A clone that is fitted here, or the autoencoder that was given fitted."""
        given = self.estimator
        if isinstance(given, FrozenEstimator):
            given = given.estimator
            check_is_fitted(given)
        given = as_autoencoder(given, default_autoencoder(X))
        if given.__sklearn_is_fitted__():
            return copy.copy(given)  # a later fit of the user's must not change this one
        estimator = copy_to_train(given).set_params(random_state=seed)
        with inside(self, estimator):
            return estimator.fit(X, sample_weight=sample_weight)

    def _settings(self, seed, *, incremental):
        return Settings(
            1 if incremental else self.max_iter,
            self.learning_rate_init,
            self.batch_size,
            self.early_stopping and not incremental,
            False if incremental else self.spread_labels,
            seed,
        )

    def _check_some(self, has_label):
        """Refuse rows of which none has a label."""
        if not has_label.any():
            raise ValueError(
                f"y has no label at all: {self._unlabelled} stands for a row without one. Some "
                "rows must have one."
            )

    # Using the fitted network

    def _score(self, metric, X, y, sample_weight):
        """A metric of the rows that have a label."""
        check_is_fitted(self)
        y, has_label = self._read(y, getattr(self, "classes_", None))
        self._check_some(has_label)
        predicted = self.predict(X)
        check_consistent_length(predicted, y, sample_weight)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[has_label]
        return metric(y[has_label], predicted[has_label], sample_weight=sample_weight)

    def _check_X(self, X):
        """X as a matrix of the autoencoder's features."""
        with inside(self, self.estimator_):
            return self.estimator_._check_X(X)

    def _outputs(self, X):
        """What the network gives for the rows of X, float64 of shape (n_rows, n_targets)."""
        check_is_fitted(self)
        rows = Rows(self._check_X(X))
        out = np.empty((rows.n_rows, self._network.recipe.n_targets))
        return check_computed(self._network.predict(rows, out), "prediction")

    @classmethod
    def _may_leave(cls, fitted):
        """Whether a fit may leave these attributes, which a file says."""
        if set(fitted) - {"feature_names_in_"} != {*FITTED, *cls._label_attributes}:
            return False
        estimator, network = fitted["estimator_"], fitted["_network"]
        return (
            isinstance(estimator, BaseAutoencoder)
            and estimator.__sklearn_is_fitted__()
            and estimator.n_features_in_ == fitted["n_features_in_"]
            and is_with_head(network, estimator._network)
            and isinstance(fitted["_slots"], SolverState | None)
            and type(fitted["_seed"]) is int
            and 0 <= fitted["_seed"] < 2**32
            and all(type(fitted[name]) is bool for name in ("has_spread_labels_", "_is_stream"))
            and all(is_curve(fitted[name]) for name in ("loss_curve_", "val_loss_curve_"))
            and type(fitted["n_iter_"]) is int
            and fitted["n_iter_"] == len(fitted["loss_curve_"])
            and cls._is_of_labels(fitted, network.recipe.n_targets)
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_network")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = getattr(self.estimator, "missing", "error") == "mask"
        return tags


def default_autoencoder(X):
    """The autoencoder that is taken where none is given."""
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    wide = len(shape) == 2 and shape[1] > 2 * DEFAULT_UNITS
    return AutoencoderTransformer(DEFAULT_UNITS if wide else DEFAULT_SHARE, max_iter=DEFAULT_EPOCHS)


def check_given(y, estimator):
    """Refuse a call without y, in the words of scikit-learn."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )


def check_some_weight(known):
    """Refuse labelled rows of which none has a positive weight."""
    if not known.any():
        raise ValueError(
            "sample_weight is zero for every labelled row, or class_weight for its class; some "
            "must be positive."
        )


def checked_weight(sample_weight, X):
    """Weights of the rows, float64; some must be positive."""
    with explaining("sample_weight"):
        weight = check_sample_weight(sample_weight, X)
    if not weight.any():
        raise ValueError("sample_weight is zero for every row; some must be positive.")
    return weight


def is_curve(value):
    """Whether a value is a list of numbers."""
    return isinstance(value, list) and all(isinstance(number, float) for number in value)


def is_with_head(network, autoencoder):
    """Whether a network is one that the encoder of an autoencoder may have become."""
    if not isinstance(network, FittedNetwork) or not isinstance(network.recipe.n_targets, int):
        return False
    recipe = network.recipe
    expected = recipe_with_head(autoencoder.recipe, recipe.n_targets)
    names = {"centre", "scale", "fill"} & set(autoencoder.constants)
    return (
        recipe.key == expected.key
        and network.n_code_features == autoencoder.n_code_features + expected.n_features
        and set(network.constants) == names
        and all(np.array_equal(network.constants[n], autoencoder.constants[n]) for n in names)
    )
