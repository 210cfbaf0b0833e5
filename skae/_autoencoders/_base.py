"""BaseAutoencoder: the public methods of every estimator."""

import copy
import os
from abc import abstractmethod
from functools import wraps
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from .._data import Rows, frames
from .._data.sources import is_of_dask, is_source, source_of
from .._data.statistics import blocks
from .._data.table import checked_features
from .._data.validation import check_container, check_range, explaining, surely_in_range
from .._engine import (
    ACTIVATION_NAMES,
    SCHEDULES,
    SOLVERS,
    Objective,
    PointCode,
    Solver,
    Weighted,
    devices_of,
)
from .._html import HTMLReprMixin
from .._sklearn_compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    ObjectWith,
    Options,
    RealNotInt,
    StrOptions,
    asked_library,
    fit_context,
    in_container,
    with_callbacks,
)
from ..losses import LOSSES, as_loss
from ..penalties import WEIGHT_PENALTIES, as_penalty
from ._by_rows import by_rows
from ._checkpoint import Checkpoint
from ._fit import Fit
from ._keras_models import KerasModelsMixin
from ._results import (
    check_computed,
    code_like,
    error_like,
    features_like,
    features_of_codes_like,
    floating_type,
)
from ._state import is_fitted_name


class BaseAutoencoder(
    KerasModelsMixin,
    HTMLReprMixin,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Everything the estimators share; not to be used directly.

    A leaf declares its `__init__`, its constraints, and hooks: `_objective` (what is minimised),
    `_latent` (how the code comes about), `_extra_attributes` (what else a fit leaves behind).
    """

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATION_NAMES)), "array-like"],
        "code_activation": [StrOptions(set(ACTIVATION_NAMES))],
        "output_activation": [StrOptions({*ACTIVATION_NAMES, "auto"})],
        "architecture": [ObjectWith(["build", "get_params"]), None],
        "loss": [StrOptions(set(LOSSES)), callable],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
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
        "init": [StrOptions({"pca", "random"})],
        "pretraining": [StrOptions({"layerwise"}), None],
        "missing": [StrOptions({"error", "mask"})],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "handle_unknown": [StrOptions({"error", "missing"})],
        "column_weights": ["array-like", dict, None],
        "trim_fraction": [Interval(RealNotInt, 0, 0.5, closed="left"), Options(Integral, {0})],
        "random_state": ["random_state"],
        "checkpoint": [str, os.PathLike, Checkpoint, None],
        "devices": [Interval(Integral, 1, None, closed="left"), StrOptions({"all"}), None],
        "verbose": ["verbose"],
    }

    _table = None
    """The `Table` of the training rows, where columns hold categories or have weights."""

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
        init,
        pretraining,
        missing,
        categorical_features,
        handle_unknown,
        column_weights,
        trim_fraction,
        random_state,
        checkpoint,
        devices,
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
        self.init = init
        self.pretraining = pretraining
        self.missing = missing
        self.categorical_features = categorical_features
        self.handle_unknown = handle_unknown
        self.column_weights = column_weights
        self.trim_fraction = trim_fraction
        self.random_state = random_state
        self.checkpoint = checkpoint
        self.devices = devices
        self.verbose = verbose

    # Fitting

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, sample_weight=None, X_val=None):
        """Train the network to reconstruct X.

        Parameters
        ----------
        X : array-like, sparse matrix or Stream of shape (n_samples, n_features)
            Training data. A `Stream`, an array with slices of rows (memory map, zarr, HDF5, Dask)
            and a Dask frame are read in blocks; above 256 MiB (as float32) they are never held as a
            whole, and rows are held out and shuffled in another way: see "Larger data" in
            the user guide.
        y : Ignored
            Present for API consistency; labels never become targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), \
                default=None
            Validation rows, whose loss is recorded after each epoch, and monitored instead of that
            of held-out rows if ``early_stopping=True``. A frame must have the columns of X, and the
            scale must be that of X: in a pipeline, use ``transform_input=["X_val"]``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, `checkpoint` is of another fit, or a loss, a weight or an
            output becomes infinite or NaN. The estimator then stays as it was.
        OSError
            If no file can be written where `checkpoint` says.
        KeyboardInterrupt
            If Ctrl-C comes in pretraining, before the first epoch ended, or a second time. The
            estimator then stays as it was.

        Notes
        -----
        Ctrl-C after the first epoch ends the training with a warning; what was trained is kept.
        With a `checkpoint`, another call goes on from there.
        """
        return self._fit(X, sample_weight=sample_weight, X_val=X_val)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, *, sample_weight=None):
        """Train for one epoch on X, going on from the last `fit` or `partial_fit`.

        The epoch is added to `history_`. Its step size is described at `learning_rate`.

        Parameters
        ----------
        X : array-like, sparse matrix or Stream of shape (n_samples, n_features)
            Training data of this call, as in `fit`. With ``early_stopping=True`` some of the rows
            are held out, and their loss is recorded.
        y : Ignored
            Present for API consistency; labels never become targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, a parameter now describes another network or solver, or a
            loss, a weight or an output becomes infinite or NaN. The estimator then stays as it was.
        KeyboardInterrupt
            If Ctrl-C comes before the epoch ended. The estimator then stays as it was.
        """
        return self._fit(X, sample_weight=sample_weight, incremental=True)

    def _fit(self, X, *, incremental=False, **rows):
        """Fit on a copy, so that self stays as it is until the one swap at the end."""
        state = Fit(self, incremental=incremental).run(X, **rows)
        kept = {name: value for name, value in vars(self).items() if not is_fitted_name(name)}
        self.__dict__ = {**kept, **state}
        return self

    # Hooks of the leaves

    def _objective(self):
        """The number to minimise, to which a leaf adds its terms."""
        alpha = 0.0 if self.alpha == "auto" else self.alpha
        return Objective(as_loss(self.loss), (Weighted(as_penalty(self.weight_penalty), alpha),))

    def _latent(self):
        """How the code comes about from the encoder's output."""
        return PointCode(self.code_activation)

    def _loss_parameter(self):
        """The parameter that chose the loss, for messages."""
        return f"loss={self.loss!r}"

    def _check_start(self, start):
        """Refuse to go on from the fitted estimator `start` where that makes no sense."""

    def _extra_attributes(self, network):
        """Fitted attributes beside those of every estimator, by name."""
        return {}

    _array_shapes = {"mean_": ("width",)}
    """Names of the sizes of fitted arrays, for files; see `skae._persistence.sizes`."""

    @classmethod
    def _may_leave(cls, attributes, network, table):
        """Whether a fit may leave these `_extra_attributes` beside network and table."""
        return not attributes and isinstance(network.recipe.latent, PointCode)

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
            The code, in the floating type of X, of a table that of its numbers. A row's values do
            not depend on the other rows. Of a Dask array or frame it is lazy: an array of Dask, or
            a frame where ``set_output(transform="pandas")`` asks for it.

        Raises
        ------
        ValueError
            If a row is so far from the training rows that its code is infinite.
        """
        check_is_fitted(self)
        return check_computed(self._encode(self._check_X(X)), "code")

    @by_rows(features_of_codes_like)
    def inverse_transform(self, X):
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_reconstructed : ndarray or frame of shape (n_samples, n_features)
            Reconstructions, in the floating type of X; a frame where `set_output` asks for it. Of
            tables (see `categorical_features`) always a table of the same types: in the container
            of the training rows, unless `set_output` asks for another.

        Raises
        ------
        ValueError
            If a code is so large that its reconstruction is infinite in single precision.
        """
        check_is_fitted(self)
        codes = self._check_codes(X)
        return self._frame(check_computed(self._decode(codes), "reconstruction"), X)

    @by_rows(features_like)
    def reconstruct(self, X):
        """Encode and decode X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        X_reconstructed : ndarray or frame of shape (n_samples, n_features)
            Equal to ``inverse_transform(transform(X))``, in the floating type of X; a frame where
            `set_output` asks for it. Of a table always a table of the same types, as in
            `inverse_transform`, with the index of X.

        Raises
        ------
        ValueError
            If a row is so far from the training rows that its reconstruction is infinite.
        """
        check_is_fitted(self)
        decoded = self._decode(self._encode(self._check_X(X)))
        return self._frame(check_computed(decoded, "reconstruction"), X)

    @by_rows(features_like)
    def impute(self, X):
        """Replace the missing values of X by those of its reconstruction.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data, with NaN for what is missing. Needs ``missing="mask"`` in fit.

        Returns
        -------
        X_imputed : ndarray or frame of shape (n_samples, n_features)
            X with each NaN replaced, all else as it was, in the floating type of X; a frame where
            `set_output` asks for it. Of a table always a table, as in `reconstruct`, whose columns
            have the types of the training rows where these hold all values.
        """
        check_is_fitted(self)
        checked = self._check_X(X)
        filled = check_computed(self._decode(self._encode(checked)), "reconstruction")
        dense = checked.toarray() if sparse.issparse(checked) else checked
        if self._table is not None:
            return self._frame(filled, X, X, np.isnan(dense)[:, self._table.starts])
        return self._frame(np.where(np.isnan(dense), filled, dense), X)

    @by_rows(error_like)
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
            and are NaN with ``per_feature=True``, which gives a frame where `set_output` asks for
            it; so is the mean of a row without any value. The error of a value whose reconstruction
            is not finite is infinite. Of a table, errors have no unit: that of each column is
            divided by what the column varies in the training rows.
        """
        check_is_fitted(self)
        rows = Rows(self._check_X(X))
        error = np.concatenate([self._error(part) for _, part in blocks(rows)])
        if per_feature:
            return in_container(self, error, X, self._feature_names())
        weight = ~np.isnan(error) * (1.0 if self._table is None else self._table.weights)
        with np.errstate(invalid="ignore"):  # NaN for a row without any value
            return np.nansum(weight * error, axis=1) / weight.sum(axis=1)

    def _error(self, X):
        """Error of each value of a checked matrix, NaN where it is missing."""
        observed = ~np.isnan(X)
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.square(X.astype(np.float64) - self._decode(self._encode(X)))
        error[observed & np.isnan(error)] = np.inf
        return self._of_columns(error)

    def _of_columns(self, squares):
        """Squares of features, of tables those of columns relative to what the column varies."""
        if self._table is None:
            return squares
        return self._table.summed(squares) / self._table.weights

    def explained_variance(self, X, *, per_feature=False):
        r"""Share of the variance of X that the reconstruction explains.

        One minus the squared error over the squared distance from the training means,
        :math:`1 - \sum (x - \hat x)^2 / \sum (x - \bar x)^2`, summed over the rows and, but
        for ``per_feature=True``, over the features. 1 is perfect, 0 is what the means achieve, and
        worse is negative. For the training rows of PCA it is the sum of its
        ``explained_variance_ratio_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        per_feature : bool, default=False
            Whether to give the share of each feature rather than that of all.

        Returns
        -------
        explained_variance : float or ndarray of shape (n_features,)
            Missing values are left out. NaN for a feature that has no value in X or no mean in
            `mean_`. Where nothing varies, 1 for a perfect reconstruction, else 0, as
            `sklearn.metrics.r2_score` has it.
        """
        check_is_fitted(self)
        n_values, error, variance = np.zeros((3, self.n_features_in_))
        for part in self._parts(X):
            distance = self._of_columns(np.square(part - self.mean_))
            observed = ~np.isnan(distance)
            n_values += observed.sum(axis=0)
            error += self._error(part).sum(axis=0, where=observed)
            variance += distance.sum(axis=0, where=observed)
        # The network computes in single precision, and so may the mean: about it, a constant seems
        # to vary by up to one unit in its last place.
        unit = self._of_columns(np.square(np.finfo(np.float32).eps * self.mean_)[None])[0]
        rounding = n_values * unit
        constant = variance <= rounding
        variance[constant] = 0.0
        error[constant & (error <= rounding)] = 0.0
        if not per_feature:
            weight = 1.0 if self._table is None else self._table.weights
            n_values, error, variance = (
                (weight * sums).sum() for sums in (n_values, error, variance)
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            unexplained = np.where(variance > 0, error / variance, np.sign(error))
        explained = np.where(n_values > 0, 1 - unexplained, np.nan)
        return explained if per_feature else float(explained)

    def score(self, X, y=None):
        """Minus the mean squared error of the reconstructions.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Minus the mean of ``reconstruction_error(X)`` whatever the loss; greater is better. Rows
            without any value are left out; NaN if there is no other.
        """
        error = np.asarray(self.reconstruction_error(X))
        error = error[~np.isnan(error)]
        return -float(error.mean()) if len(error) else float("nan")

    def _check_codes(self, X):
        """X as a matrix of codes that are finite as float32."""
        check_container(X, "X")
        with explaining("X"):
            codes = check_array(X, dtype="numeric", input_name="X")
        names = list(map(str, self.get_feature_names_out()))
        given = list(map(str, getattr(X, "columns", names)))
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} features, but {type(self).__name__}.inverse_transform is "
                f"expecting codes of {self._n_features_out} features as input."
            )
        if given != names and sorted(given) == sorted(names):
            raise ValueError(f"The columns of X must be in the order of the code, {names}.")
        limit = np.finfo(np.float32).max
        return check_range(codes, "X", limit, "the largest of the single precision of codes")

    def _frame(self, features, X, keep=None, missing=None):
        """Features in the container that `set_output` asks for, with the index of X.

        Of tables a table, in the container of the training rows if none is asked for; values of
        `keep` stay where they are not `missing`.
        """
        if self._table is None:
            return in_container(self, features, X, self._feature_names())
        asked = asked_library(self)
        return self._table.decoded(
            features,
            asked or self._table.library,
            frames.index_of(X),
            keep,
            missing,
            None if asked is None else list(self._feature_names()),
        )

    def _feature_names(self):
        names = getattr(self, "feature_names_in_", None)
        return [f"x{number}" for number in range(self.n_features_in_)] if names is None else names

    def _encode(self, X):
        out = np.empty((X.shape[0], self._n_features_out), floating_type(X))
        return self._network.encode(Rows(X), out)

    def _decode(self, code):
        out = np.empty((code.shape[0], self._network.recipe.n_features), floating_type(code))
        decoded = self._network.decode(Rows(code), out)
        return decoded if self._table is None else self._table.with_shares(decoded)

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

    def __sklearn_clone__(self):
        """A clone whose solver is copied by skae: Keras knows only classes that are registered."""
        solver = Solver(self.solver)
        if not isinstance(self.solver, type):  # which fit refuses
            solver.check()
        rest = copy.copy(self)
        rest.solver = None
        clone = super(BaseAutoencoder, rest).__sklearn_clone__()
        clone.solver = solver.copy()
        return clone

    def _check_X(self, X):
        """X as a numeric matrix of features, of any storage, that are finite or missing."""
        if self._is_plainly_valid(X):
            return X
        return checked_features(self, X, "X", missing=self._network.takes_missing)

    def _parts(self, X):
        """Yield parts of X as checked matrices."""
        for block in source_of(X).read() if is_source(X) else [X]:
            yield from (part for _, part in blocks(Rows(self._check_X(block))))

    def _floating_type(self, X):
        """The floating type of results for rows like X; its columns are checked, not its values."""
        if self._table is None:
            return floating_type(self._check_X(X))
        return floating_type(self._table.read(X, "X", missing=True))

    def _is_plainly_valid(self, X):
        """Whether X needs none of scikit-learn's checks, which take most of the time of one row."""
        return (
            self._table is None
            and type(X) is np.ndarray
            and X.dtype in (np.float32, np.float64)
            and X.ndim == 2
            and X.shape[1] == self.n_features_in_
            and X.shape[0] > 0
            and not hasattr(self, "feature_names_in_")
            and (X.flags.c_contiguous or X.flags.f_contiguous)
            and surely_in_range(X)
        )


def _unless_of_dask(wrapped):
    """`fit_transform` of scikit-learn, whose frame of all codes would have to be computed."""

    @wraps(wrapped)
    def fit_transform(self, X, y=None, **fit_params):
        if is_of_dask(X):
            return self.fit(X, y, **fit_params).transform(X)
        return wrapped(self, X, y, **fit_params)

    return fit_transform


# Around what scikit-learn has wrapped around them for `set_output`, which computes what is lazy.
BaseAutoencoder.transform = by_rows(code_like)(BaseAutoencoder.transform)
BaseAutoencoder.fit_transform = _unless_of_dask(BaseAutoencoder.fit_transform)


def as_autoencoder(estimator, default):
    """What a user gave as the autoencoder of another estimator, or the default for None.

    Raises
    ------
    TypeError
        If it is no autoencoder of skae.
    """
    if estimator is None:
        return default
    if not isinstance(estimator, BaseAutoencoder):
        raise TypeError(f"estimator must be an autoencoder of skae, got {estimator!r}.")
    return estimator


def copy_to_train(estimator):
    """A clone of the autoencoder of another estimator, which trains it.

    Raises
    ------
    ValueError
        If it is to be trained by several processes.
    """
    if estimator.devices == "all" and devices_of("all").n_processes > 1:
        raise ValueError(
            "estimator must have devices=None where several processes work together: what is built "
            "on an autoencoder is fitted to the rows of one process. Classifier and regressor take "
            "an autoencoder that was fitted with devices='all' before."
        )
    return clone(estimator)
