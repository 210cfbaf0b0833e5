"""BaseAutoencoder: checks, fit, transform and state of every estimator."""

import copy
from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from . import losses
from ._engine import (
    ACTIVATIONS,
    SCHEDULES,
    SOLVERS,
    Objective,
    Recipe,
    Rows,
    Schedule,
    Solver,
    StoppingRule,
    Training,
    backend_name,
)
from ._pretraining import pretrained
from ._sklearn_compat import (
    CallbackSupportMixin,
    EpochCallbacks,
    HasMethods,
    Interval,
    Options,
    StrOptions,
    check_sample_weight,
    fit_context,
    with_callbacks,
)
from ._training_set import TrainingSet
from ._validation import (
    BLOCK_ROWS,
    check_float32_range,
    check_like,
    check_unit_interval,
    finiteness,
    naming,
    surely_in_range,
    value_range,
    warn_of_constant_units,
    warn_of_wide_code,
)
from .architectures import Dense
from .penalties import WEIGHT_PENALTIES

_ACTIVATION_NAMES = set(ACTIVATIONS) | set(ACTIVATIONS.values())


class BaseAutoencoder(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Everything the estimators share; not to be used directly.

    A leaf declares its `__init__`, its constraints, and `_objective`; one whose network is of
    another kind extends `_recipe` too.
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(_ACTIVATION_NAMES), "array-like"],
        "code_activation": [StrOptions(_ACTIVATION_NAMES)],
        "output_activation": [StrOptions(_ACTIVATION_NAMES | {"auto"})],
        "architecture": [HasMethods(["build", "get_params"]), None],
        "loss": [StrOptions(set(losses.NAMES))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "weight_penalty": [StrOptions(set(WEIGHT_PENALTIES)), callable],
        "solver": [StrOptions(set(SOLVERS)), HasMethods(["get_config", "stateless_apply"])],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "warm_start": ["boolean"],
        "pretraining": [StrOptions({"layerwise"}), None],
        "missing": [StrOptions({"error", "mask"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def __init__(
        self,
        n_components,
        *,
        hidden_layer_sizes,
        activation,
        code_activation,
        output_activation,
        architecture,
        loss,
        alpha,
        weight_penalty,
        solver,
        learning_rate_init,
        learning_rate,
        batch_size,
        max_iter,
        shuffle,
        tol,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        warm_start,
        pretraining,
        missing,
        random_state,
        verbose,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.output_activation = output_activation
        self.architecture = architecture
        self.loss = loss
        self.alpha = alpha
        self.weight_penalty = weight_penalty
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.pretraining = pretraining
        self.missing = missing
        self.random_state = random_state
        self.verbose = verbose

    # Fitting

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, sample_weight=None, X_val=None):
        """Train the network to reconstruct X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data. Memory maps and sparse matrices are read in blocks.
        y : Ignored
            Present for the API; labels never become targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative; None weighs all alike.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), \
                default=None
            Rows whose reconstruction loss is recorded after each epoch, and which stop the
            training where ``early_stopping=True``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, or the loss turns infinite or NaN; an earlier fit then
            stays as it was.
        """
        return self._fit(X, sample_weight=sample_weight, X_val=X_val)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, *, sample_weight=None):
        """Train for one epoch on X, going on from where the last call ended.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data of this call.
        y : Ignored
            Present for the API.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative.

        Returns
        -------
        self : object
            The estimator.
        """
        return self._fit(X, sample_weight=sample_weight, incremental=True)

    def _fit(self, X, *, X_clean=None, sample_weight=None, X_val=None, incremental=False):
        """Prepare all on a copy, so that self stays as it is until the one swap at the end."""
        start = self if self.__sklearn_is_fitted__() and (incremental or self.warm_start) else None
        fitted = copy.copy(self)
        data = fitted._check_training_data(X, X_clean, sample_weight, X_val, reset=start is None)
        going_on = start if incremental else None
        seed = going_on._seed if going_on else _draw_seed(self.random_state)
        objective = self._objective()
        if X_clean is not None:
            objective = objective.without_corruption()
        recipe = self._recipe(data, objective, start)
        early_stopping = self.early_stopping and not incremental
        data, batch_size = self._arranged(data, seed, early_stopping)
        constants = start._network.constants if start else self._constants(data)
        network = start and start._network
        if self.pretraining and start is None and not incremental:
            train = self._layer_training(batch_size)
            network = pretrained(recipe, objective, data, seed, constants, train)
        training = Training(
            recipe,
            objective,
            Solver(self.solver),
            seed,
            start=network,
            slots=going_on and going_on._slots,
            n_epochs=going_on.n_iter_ if going_on else 0,
            constants=constants,
        )
        warn_of_wide_code(objective, training)
        rule = StoppingRule(self.tol, self.n_iter_no_change, on_validation=early_stopping)
        earlier = going_on.history_ if going_on else {}

        def attributes():
            return fitted._fitted_attributes(training, rule, earlier, keep_slots=incremental)

        max_iter = 1 if incremental else self.max_iter
        callbacks = EpochCallbacks(self, X, max_iter, attributes)
        self._train(training, data, batch_size, max_iter, rule, callbacks)
        attributes = attributes()
        warn_of_constant_units(attributes["_network"], data.X)
        kept = {name: value for name, value in vars(self).items() if not _is_fitted_name(name)}
        self.__dict__ = {**kept, **attributes}
        return self

    def _arranged(self, data, seed, early_stopping):
        """The data merged where they make one batch, validation rows held out; and a batch size."""
        batch_size = self._batch_size(data.n_rows)
        if data.n_rows <= batch_size:
            data = data.merged()
            batch_size = data.n_rows
        if early_stopping and data.validation is None:
            data = data.split(self.validation_fraction, seed)
        return data, batch_size

    def _layer_training(self, batch_size):
        """How a layer is pretrained: like the whole, by a third of its epochs."""

        def train(recipe, objective, data, seed, constants):
            training = Training(recipe, objective, Solver(self.solver), seed, constants=constants)
            schedule = self._schedule(training, -(-self.max_iter // 3))
            rule = StoppingRule(self.tol, self.n_iter_no_change)
            training.run(data, batch_size, schedule, rule)
            return training.network()

        return train

    def _schedule(self, training, max_iter):
        step_size = training.solver.step_size(self.learning_rate_init)
        return Schedule(max_iter, step_size, self.learning_rate, self.shuffle)

    def _train(self, training, data, batch_size, max_iter, rule, callbacks):
        if data.validation is not None:
            training.validate_on(data.validation)
        schedule = self._schedule(training, max_iter)

        def after_epoch():
            self._report(training)
            return callbacks.end_epoch()

        training.run(data, batch_size, schedule, rule, callbacks.begin_epoch, after_epoch)
        callbacks.end()

    def _check_training_data(self, X, X_clean, sample_weight, X_val, *, reset):
        X = self._check_X(X, reset=reset)
        missing = self.missing == "mask"
        if X_clean is not None:
            X_clean = check_like(X_clean, "X_clean", X, missing=missing)
        if sample_weight is not None:
            with naming("sample_weight"):
                sample_weight = check_sample_weight(sample_weight, X)
            if not sample_weight.any():
                raise ValueError("sample_weight is zero for every row; some must be positive.")
        data = TrainingSet.from_arrays(X, X_clean, sample_weight)
        if X_val is not None:
            pairs = X_clean is not None and isinstance(X_val, tuple) and len(X_val) == 2
            noisy, clean = X_val if pairs else (X_val, None)
            noisy = check_like(noisy, "X_val", X, missing=missing, same_rows=False)
            if clean is not None:
                clean = check_like(clean, "X_val[1]", noisy, missing=missing)
            data.validation = TrainingSet.from_arrays(noisy, clean)
        return data

    def _recipe(self, data, objective, start):
        """The network to train; that of `start` where its training goes on."""
        architecture = self.architecture
        if architecture is None:
            architecture = Dense(self.hidden_layer_sizes, activation=self.activation)
        output_activation = self.output_activation
        if output_activation == "auto" and start is not None:
            output_activation = start._network.recipe.output_activation
        low, high = value_range(data.target)
        if output_activation == "auto":
            bounded = objective.is_crossentropy or (low >= 0 and high <= 1)
            output_activation = "logistic" if bounded else "identity"
        if objective.is_crossentropy:
            check_unit_interval(self._loss_parameter(), low, high, output_activation)
        if objective.corruption is not None:
            bounds = (low, high) if data.target is data.X else value_range(data.X)
            objective.corruption.check_data(data.X.n_features, *bounds)
        recipe = Recipe(
            copy.deepcopy(architecture),
            data.X.n_features,
            None if self.n_components is None else int(self.n_components),
            self._code_activation(),
            output_activation,
            **self._latent(),
        )
        if start is not None and start._network.recipe.key != recipe.key:
            raise ValueError(
                "warm_start=True and partial_fit go on with the fitted network, but the parameters "
                "now describe another one. Set them back, or clone the estimator and fit anew."
            )
        return recipe

    def _objective(self):
        """The number to minimise: the hook by which a leaf adds its terms."""
        penalty = WEIGHT_PENALTIES.get(self.weight_penalty, self.weight_penalty)
        return Objective(self.loss, (penalty,), numbers={penalty.__name__: self.alpha})

    def _latent(self):
        """How the code comes about, where it is not simply computed; a hook of leaves."""
        return {}

    def _code_activation(self):
        """The code's activation; a hook of leaves."""
        return self.code_activation

    def _loss_parameter(self):
        """The parameter that chose the loss, for messages."""
        return f"loss={self.loss!r}"

    def _constants(self, data):
        """What the network takes from the data themselves, by name; a hook of leaves."""
        return {"fill": np.float32(data.means())} if self.missing == "mask" else {}

    def _batch_size(self, n_rows):
        if self.batch_size == "auto":
            return min(n_rows, 256, max(32, n_rows // 50))
        return min(n_rows, self.batch_size)

    def _fitted_attributes(self, training, rule, earlier, *, keep_slots):
        """All that the fit learned, by name, from the training as it stands."""
        history = {
            name: earlier.get(name, []) + values for name, values in training.history.items()
        }
        attributes = {
            "n_features_in_": self.n_features_in_,
            "n_iter_": len(history["loss"]),
            "history_": history,
            "loss_curve_": history["loss"],
            "val_loss_curve_": history.get("val_loss"),
            "best_loss_": min(history["val_loss" if rule.on_validation else "loss"]),
            "backend_": backend_name(),
            "_network": training.network(),
            "_slots": training.slots() if keep_slots else None,
            "_seed": training.seed,
        }
        if hasattr(self, "feature_names_in_"):
            attributes["feature_names_in_"] = self.feature_names_in_
        return attributes

    def _report(self, training):
        if self.verbose:
            history = training.history
            line = f"Epoch {len(history['loss'])}, loss = {history['loss'][-1]:.6g}"
            if "val_loss" in history:
                line += f", validation loss = {history['val_loss'][-1]:.6g}"
            print(line, flush=True)

    # Using the fitted network

    def transform(self, X):
        """Encode X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        code : ndarray of shape (n_samples, n_components)
            The code, in the floating type of X. A row's values do not depend on the other rows.
        """
        check_is_fitted(self)
        return self._encode(self._check_X(X, reset=False))

    def inverse_transform(self, X):
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
            Reconstructions, in the floating type of X.
        """
        check_is_fitted(self)
        with naming("X"):
            X = check_array(X, dtype="numeric", estimator=self, input_name="X")
        if X.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__}.inverse_transform is "
                f"expecting codes of {self._n_features_out} features as input."
            )
        return self._decode(X)

    def reconstruct(self, X):
        """Encode and decode X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
            Equal to ``inverse_transform(transform(X))``, in the floating type of X.
        """
        check_is_fitted(self)
        return self._decode(self._encode(self._check_X(X, reset=False)))

    def impute(self, X):
        """Replace the missing values of X by those of its reconstruction.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data, with NaN for what is missing. Needs ``missing="mask"`` in fit.

        Returns
        -------
        X_imputed : ndarray of shape (n_samples, n_features)
            X with each NaN replaced, all else as it was, in the floating type of X.
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        filled = self._decode(self._encode(X))
        X = X.toarray() if sparse.issparse(X) else X
        return np.where(np.isnan(X), filled, X)

    def reconstruction_error(self, X, *, per_feature=False):
        """Squared error of the reconstruction of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        per_feature : bool, default=False
            Whether to give the squared error of each value rather than its mean over features.

        Returns
        -------
        error : ndarray of shape (n_samples,) or (n_samples, n_features)
            In squared units of X; lower is better. Missing values are left out of a row's mean,
            and are NaN with ``per_feature=True``.
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        X = X.tocsr() if sparse.issparse(X) else X
        blocks = (X[start : start + BLOCK_ROWS] for start in range(0, X.shape[0], BLOCK_ROWS))
        return np.concatenate([self._error(block, per_feature) for block in blocks])

    def _error(self, X, per_feature):
        dense = X.toarray() if sparse.issparse(X) else X
        dense = dense.astype(np.float64, copy=False)
        error = np.square(dense - self._decode(self._encode(X)))
        if per_feature or not self._takes_missing():
            return error if per_feature else error.mean(axis=1)
        observed = ~np.isnan(error)
        return error.sum(axis=1, where=observed) / np.maximum(observed.sum(axis=1), 1)

    def score(self, X, y=None):
        """Minus the mean squared error of the reconstructions.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : Ignored
            Present for the API.

        Returns
        -------
        score : float
            Minus the mean of ``reconstruction_error(X)`` whatever the loss; greater is better.
        """
        return -float(self.reconstruction_error(X).mean())

    def _encode(self, X):
        out = np.empty((X.shape[0], self._n_features_out), floating_type(X))
        return self._network.encode(Rows(X), out)

    def _decode(self, code):
        out = np.empty((code.shape[0], self.n_features_in_), floating_type(code))
        return self._network.decode(Rows(code), out)

    @property
    def encoder_(self):
        """keras.Model : the encoder, a copy built on access."""
        return self._keras_models()[0]

    @property
    def decoder_(self):
        """keras.Model : the decoder, a copy built on access."""
        return self._keras_models()[1]

    @property
    def model_(self):
        """keras.Model : encoder and decoder in a row, a copy built on access."""
        return self._keras_models()[2]

    def _keras_models(self):
        if not self.__sklearn_is_fitted__():
            raise AttributeError(
                f"This {type(self).__name__} has no network yet: call fit first."
            ) from NotFittedError()
        return self._network.keras_models()

    def _takes_missing(self):
        return "fill" in self._network.constants

    # Conventions of scikit-learn

    @property
    def _n_features_out(self):
        return self._network.n_code_features

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_network")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing == "mask"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check_X(self, X, *, reset):
        """X as a numeric matrix of any storage whose values are finite as float32, or missing."""
        if not reset and self._is_plainly_valid(X):
            return X
        missing = self._takes_missing() if not reset else self.missing == "mask"
        with naming("X"):
            X = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse=("csr", "csc"),
                dtype="numeric",
                ensure_all_finite=finiteness(missing),
            )
        return check_float32_range(X, "X")

    def _is_plainly_valid(self, X):
        """Whether X needs none of scikit-learn's checks, which take most of the time of one row."""
        return (
            type(X) is np.ndarray
            and X.dtype in (np.float32, np.float64)
            and X.ndim == 2
            and X.shape[1] == self.n_features_in_
            and X.shape[0] > 0
            and not hasattr(self, "feature_names_in_")
            and (X.flags.c_contiguous or X.flags.f_contiguous)
            and surely_in_range(X)
        )


def _is_fitted_name(name):
    return name in {"_network", "_slots", "_seed"} or (name.endswith("_") and name[0] != "_")


def _draw_seed(random_state):
    return int(check_random_state(random_state).randint(2**31 - 1))


def floating_type(X):
    """The floating type in which results for X are given."""
    return np.float32 if X.dtype in (np.float32, np.float16) else np.float64
