"""Rows that do not belong: those that an autoencoder finds least likely."""

import copy
from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._autoencoders import VariationalAutoencoder
from ._autoencoders._arguments import whole
from ._autoencoders._base import BaseAutoencoder, as_autoencoder, copy_to_train
from ._autoencoders._by_rows import by_rows
from ._autoencoders._inside import inside
from ._autoencoders._linear_start import LinearModel
from ._autoencoders._results import error_like
from ._autoencoders._trimming import agreeing, distances
from ._data import Rows, TrainingSet
from ._data.sources import is_source
from ._data.statistics import blocks, summarise
from ._data.table import Encoded
from ._data.training_set import SAMPLE_ROWS, SAMPLE_VALUES
from ._html import HTMLReprMixin
from ._sklearn_compat import Interval, ObjectWith, StrOptions, fit_context

__all__ = ["AutoencoderOutlierDetector"]

DEFAULT = {"n_components": 0.95, "trim_fraction": 0.1, "alpha": 0.0, "max_iter": 30}
"""Parameters of the autoencoder that is taken by default."""

FENCE = 1.5
"""Distances of the quartiles by which an outlier's score is below the lower one, by default."""

LEAST_VARIANCE = 1e-3
"""That of a direction of codes and residuals, as a share of the mean: some have none at all."""

DRAWS, N_FILLS = 16, 20
"""Draws of a row's code for its evidence lower bound, and rounds that fill what is missing."""

ROWS_PER_FEATURE = 50
"""Rows for each feature from which the scores of training rows are like those of new ones; see
docs/benchmarks/results/thresholds.md."""

FOLDS, HELD_OUT_ROWS = 5, 1000
"""Folds of the rows when they are fewer, and rows in all of which the score is found without them:
of 200 rows all, of 1,000 those of one fold."""

FEWEST_ROWS = 10
"""Rows that can be parted so."""

LOWEST = -1e300
"""Least offset: below are the rows whose score is -inf."""

TINY, ROUNDING = np.finfo(float).tiny, 1e-12
"""Least positive number, and by how much sums of weights may differ."""


def score_like(self, X):
    """Scores of some rows."""
    return error_like(self.estimator_, X)


def label_like(self, X):
    """Labels of some rows."""
    return score_like(self, X).astype(np.int64)


def feature_scores_like(self, X):
    """Scores of the values of some rows."""
    return np.asarray(error_like(self.estimator_, X, per_feature=True))


class AutoencoderOutlierDetector(HTMLReprMixin, OutlierMixin, BaseEstimator):
    """Outlier detection by how likely an autoencoder finds a row.

    A row is odd if it is not reconstructed, each feature in its own deviation, or if its code is
    unusual. Of a `VariationalAutoencoder` the score is the evidence lower bound, which tells both
    in nats. Other estimators have no density: of these it is minus half the squared Mahalanobis
    distance of code and residual from those of the training rows.

    The default is a variational autoencoder that is trained on the rows that agree, so that it does
    not learn the outliers among its training rows.

    Parameters
    ----------
    estimator : estimator of skae or None, default=None
        The autoencoder, which is cloned. Its `trim_fraction` is the share of the training rows that
        may be outliers: they take no part. None takes ``VariationalAutoencoder(0.95, alpha=0.0,
        max_iter=30, trim_fraction=0.1)``; where its fit warns that it was still improving, pass it
        with a larger `max_iter`.
    contamination : "auto" or float, default="auto"
        Share of the training rows, by weight, that `predict` calls outliers, in the range (0, 0.5]:
        that or a little less, but the row of the lowest score at least.
        "auto" calls those so whose score is below the lower quartile by more than 1.5 times the
        distance of the quartiles, as in a box plot. Where X has fewer than 50 rows a feature, of
        which each level of a category is one, and at most 2**25 values, the quartiles are those of
        rows that are scored by fits of the others: its own training rows a fit finds too likely.
        That takes one to five fits more.
    random_state : int, RandomState instance or None, default=None
        Determines all random numbers, in place of the `random_state` of `estimator`. Pass an int
        for reproducible results.

    Attributes
    ----------
    estimator_ : estimator
        The fitted autoencoder.
    density_ : NormalDensity or None
        Of codes and residuals, where the autoencoder has no density of its own.
    offset_ : float
        Score below which a row is an outlier.
    residual_variance_ : ndarray of shape (`n_features_in_`,)
        Mean of `reconstruction_error` of each feature in the training rows that are no outliers.
    constant_ : ndarray of shape (n_encoded,)
        Value of each feature that has only one in the training rows; NaN for the others. Of a table
        with categories, the features are those that the columns are encoded as, else those of X.
    surprise_ : float
        What another value of such a feature takes from the score of a row.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X has names that are all strings.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Looks at the features' own values alone.

    Notes
    -----
    A missing value, which needs an `estimator` with ``missing="mask"``, counts as one that is as
    likely as usual, given the others.

    A feature that was constant in the training rows, of weight n in all, has no deviation by which
    another value could be judged. It lowers a row's score by log(n + 2): by the rule of succession,
    1 / (n + 2) is the probability of what never happened in n trials. How far the other value is
    makes no difference, and the row's other values are scored as if it were the usual one.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skae import AutoencoderOutlierDetector
    >>> X, benign = load_breast_cancer(return_X_y=True)
    >>> X = X[(benign == 1) | ((benign == 0).cumsum() <= 8)]  # eight rows do not belong
    >>> detector = AutoencoderOutlierDetector(contamination=0.02, random_state=0).fit(X)
    >>> int((detector.predict(X) == -1).sum())
    7
    """

    _parameter_constraints: dict = {
        "estimator": [ObjectWith(["fit", "transform", "inverse_transform"]), None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator=None, *, contamination="auto", random_state=None):
        self.estimator = estimator
        self.contamination = contamination
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, sample_weight=None):
        """Train the autoencoder, and find the score below which a row is an outlier.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data, which may hold outliers.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        new = copy.copy(self)  # self stays as it is if anything fails
        estimator = self._unfitted()
        array = whole(clone(estimator), X, "X") if is_source(X) else None
        with inside(self, estimator):
            estimator.fit(X, sample_weight=sample_weight)
        for name in ("n_features_in_", "feature_names_in_"):
            vars(new).pop(name, None)
            if hasattr(estimator, name):
                setattr(new, name, getattr(estimator, name))
        checked = estimator._check_X(X) if array is None else array
        n_rows = checked.shape[0]
        weight = np.ones(n_rows)
        if sample_weight is not None:  # which may be one number for all
            weight *= np.asarray(sample_weight, float)
        data = TrainingSet.from_arrays(checked, sample_weight=weight, missing=True)
        new._take(estimator, data, weight.sum())
        scores = new._scores(checked)
        new.offset_ = new._offset(data, scores, weight)
        inlier_weight = weight * (scores >= new.offset_)
        new.residual_variance_ = residual_variance(estimator, checked, inlier_weight)
        self.__dict__ = vars(new)
        return self

    def _take(self, estimator, data, total):
        """Take a fitted autoencoder, and what is known of its training rows, of a weight in all."""
        self.estimator_ = estimator
        self.constant_ = constant_values(data)
        self.surprise_ = float(np.log(total + 2))
        self.density_ = normal_density(estimator, data)

    def _offset(self, data, scores, weight):
        """The score below which rows are outliers; the scores are those of the training rows."""
        n_features = data.X.n_features
        has_few = data.n_rows < min(ROWS_PER_FEATURE * n_features, SAMPLE_VALUES // n_features)
        if self.contamination == "auto" and has_few:
            data = usual_rows(data)  # with copies merged, which no fold parts then
            held_out = self._held_out_scores(data, weight.sum() / data.weight.sum())
            if held_out:
                scores, weight = map(np.concatenate, zip(*held_out, strict=True))
        return offset(scores, weight, self.contamination)

    def _held_out_scores(self, data, unit):
        """Scores of rows by fits of the others, and the weights of the rows, of each fold.

        A fold is left out if the others have no value of some feature: they tell nothing of it.
        """
        if data.n_rows < FEWEST_ROWS:
            return []
        found, table, estimator = [], self.estimator_._table, self.estimator_
        fold = np.random.default_rng([estimator._seed, 1]).permutation(data.n_rows) % FOLDS
        for number in range(int(np.clip(HELD_OUT_ROWS // data.n_rows, 1, FOLDS))):
            out = fold == number
            others, rest = data.subset(np.flatnonzero(~out)), data.subset(np.flatnonzero(out))
            if not (summarise(others.X).weight > 0).all():
                continue
            # A file of the first fit's must not be taken for one of theirs.
            estimator = clone(estimator).set_params(checkpoint=None)
            with inside(self, estimator, silenced=(UserWarning,)):
                estimator._fit(Encoded(all_of(others.X), table), sample_weight=others.weight)
            detector = copy.copy(self)
            detector._take(estimator, others, unit * others.weight.sum())
            found.append((detector._scores(all_of(rest.X)), rest.weight))
        return found

    def _unfitted(self):
        """The autoencoder to train."""
        estimator = as_autoencoder(self.estimator, VariationalAutoencoder(**DEFAULT))
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return copy_to_train(estimator).set_params(random_state=seed)

    @by_rows(score_like)
    def score_samples(self, X):
        """How likely the autoencoder finds each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        score : ndarray of shape (n_samples,)
            Float64, the lower the odder; -inf for a row that is too far away for single precision.
        """
        check_is_fitted(self)
        with inside(self, self.estimator_):
            X = self.estimator_._check_X(X)
        return self._scores(X)

    def _scores(self, X):
        found = []
        for part, is_new in self._usual(X):
            own = log_density(self.estimator_, self.density_, part, self.constant_)
            found.append(own - self.surprise_ * self._in_columns(np.logical_or, is_new).sum(axis=1))
        return np.concatenate(found)

    def _usual(self, X):
        """Yield blocks of rows with constant numbers as in training, and which values were new."""
        table, constant = self.estimator_._table, self.constant_
        is_number = True if table is None else table.shares == 0
        is_known = ~np.isnan(constant) & is_number
        for _, part in blocks(Rows(X)):
            is_new = new_values(part, constant)
            if is_known.any():
                part = part.astype(np.float64)
                part = np.where(is_known & ~np.isnan(part), constant, part)
            yield part, is_new

    @by_rows(score_like)
    def decision_function(self, X):
        """Score of each row above that of the least unusual outlier.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``: negative for outliers.
        """
        return self.score_samples(X) - self.offset_

    @by_rows(label_like)
    def predict(self, X):
        """Tell outliers from other rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        is_inlier : ndarray of shape (n_samples,)
            -1 for outliers, 1 for other rows.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @by_rows(feature_scores_like)
    def feature_scores(self, X):
        r"""Why a row is odd: how far each of its values is from its reconstruction.

        Half the squared difference over `residual_variance_`. Of a linear model of the data, with
        which a `VariationalAutoencoder` starts, it is what the row's score would rise by if the
        value were the one that the other values make expected. Of a feature that was constant in
        the training rows it is `surprise_` where the value is another one, else 0.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            Float64, 0.5 on average over rows that are no outliers; NaN where X is missing.
        """
        check_is_fitted(self)
        with inside(self, self.estimator_):
            X = self.estimator_._check_X(X)
        never_changed = self._in_columns(np.logical_and, ~np.isnan(self.constant_)[None])
        found = []
        for part, is_new in self._usual(X):
            with np.errstate(over="ignore"):
                own = self.estimator_._error(part) / (2 * self.residual_variance_)
            surprise = self.surprise_ * self._in_columns(np.logical_or, is_new)
            found.append(np.where(never_changed & ~np.isnan(own), 0.0, own) + surprise)
        return np.concatenate(found)

    def _in_columns(self, function, of_features):
        """What holds for all or any features of each column; the table is that of the encoded X."""
        table = self.estimator_._table
        return (
            of_features if table is None else function.reduceat(of_features, table.starts, axis=1)
        )

    _array_shapes = {
        "residual_variance_": ("n_features_in_",),
        "constant_": ("width",),
        "density_": {"n_traits": "n_codes_and_width"},
    }

    @classmethod
    def _may_leave(cls, fitted):
        """Whether a fit may leave these attributes, which a file says."""
        names = {"estimator_", "density_", "offset_", "residual_variance_", "constant_"}
        if set(fitted) - {"feature_names_in_"} != {*names, "n_features_in_", "surprise_"}:
            return False
        estimator, variance = fitted["estimator_"], fitted["residual_variance_"]
        constant, shape = fitted["constant_"], (fitted["n_features_in_"],)
        return (
            isinstance(estimator, BaseAutoencoder)
            and estimator.__sklearn_is_fitted__()
            and (estimator.n_features_in_,) == shape
            and _is_of(fitted["density_"], estimator)
            and all(isinstance(fitted[name], float) for name in ("offset_", "surprise_"))
            and np.isfinite([fitted["offset_"], fitted["surprise_"]]).all()
            and all(isinstance(array, np.ndarray) for array in (variance, constant))
            and variance.dtype == np.float64
            and constant.dtype in (np.float32, np.float64)
            and variance.shape == shape
            and constant.shape == (estimator._network.recipe.n_features,)
            and bool((variance > 0).all())
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = getattr(self.estimator, "missing", "error") == "mask"
        return tags


# What an autoencoder finds


@dataclass(frozen=True)
class NormalDensity:
    """Normal distribution of what an autoencoder makes of the training rows that agree.

    Attributes
    ----------
    centre, scale : ndarray of shape (n_code_features + n_features,)
        Means and deviations of codes and residuals, side by side.
    model : LinearModel
        Of those, on that scale.
    """

    centre: np.ndarray
    scale: np.ndarray
    model: LinearModel

    array_shapes = {
        "centre": ("n_traits",),
        "scale": ("n_traits",),
        "model": {"n_features": "n_traits"},
    }
    """Names of the sizes of arrays, for files; see `skae._persistence.sizes`."""

    def logarithm(self, codes_and_residuals):
        """Logarithm of the density of rows, but for a constant; -inf where they are infinite."""
        Z = (codes_and_residuals - self.centre) / self.scale
        possible = np.isfinite(Z).all(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            Z = np.where(possible[:, None], Z, 0.0)
            squared = distances(self.model, Rows(Z), LEAST_VARIANCE)
        possible &= ~np.isnan(squared)  # infinity less infinity
        return np.where(possible, -0.5 * squared, -np.inf)


def _is_of(density, estimator):
    """Whether a `NormalDensity`, or None, is one that a fitted estimator may have."""
    if isinstance(estimator, VariationalAutoencoder) or density is None:
        return isinstance(estimator, VariationalAutoencoder) and density is None
    width = estimator._n_features_out + estimator._network.recipe.n_features
    model = density.model
    return (
        isinstance(model, LinearModel)
        and isinstance(model.total, float)
        and isinstance(model.scale, float)
        and all(
            isinstance(array, np.ndarray)
            and array.dtype == np.float64
            and array.shape == shape
            and np.isfinite(array).all()
            for array, shape in (
                (density.centre, (width,)),
                (density.scale, (width,)),
                (model.mean, (width,)),
                (model.components, (len(model.variances), width)),
                (model.variances, (len(model.variances),)),
            )
        )
    )


def all_of(rows):
    """All rows as an array of their own type."""
    return rows.part(np.arange(rows.n_rows))


def usual_rows(data):
    """The distinct rows of a `TrainingSet`, or some of many."""
    return data.merged() if data.n_rows <= SAMPLE_ROWS else data.sample(SAMPLE_ROWS)


def normal_density(estimator, data):
    """The `NormalDensity` of a fitted estimator; None for one that has a density of its own."""
    if isinstance(estimator, VariationalAutoencoder):
        return None
    data = usual_rows(data)
    traits = np.concatenate(list(codes_and_residuals(estimator, data.X)))
    summary = summarise(Rows(traits), data.weight)
    centre, scale = summary.mean, np.sqrt(summary.variance)
    scale[scale == 0] = 1.0
    data = TrainingSet.from_arrays((traits - centre) / scale, sample_weight=data.weight)
    _, model = agreeing(
        data, estimator.trim_fraction, data.X.n_features, estimator._seed, LEAST_VARIANCE
    )
    return NormalDensity(centre, scale, model)


def codes_and_residuals(estimator, rows):
    """Yield parts of codes and residuals, side by side; a missing value has no residual."""
    for _, part in blocks(rows):
        code = estimator._encode(part)
        with np.errstate(over="ignore", invalid="ignore"):
            residual = part - estimator._decode(code)
        residual[np.isnan(part)] = 0.0
        yield np.hstack([code, residual], dtype=np.float64)


def log_density(estimator, density, X, constant):
    """What an estimator and its `NormalDensity`, if it has one, tell of each row of an array.

    Values of constant features, which are theirs as far as they are known, tell nothing.
    """
    # Half a squared deviation of one, which a value that is filled in does not have. Of a Bernoulli
    # distribution the expected value is as likely as others are on average.
    # So is it of categories, in nats.
    table = estimator._table
    is_number = np.ones(1, bool) if table is None else table.shares == 0
    usual = 0.0 if getattr(estimator, "likelihood_", None) == "bernoulli" else 0.5
    filled = completed(estimator, X)
    if density is None:
        own = estimator._likelihoods(filled, DRAWS)[:, 0]
    else:
        own = density.logarithm(*codes_and_residuals(estimator, Rows(filled)))
    return own - usual * (np.isnan(X) & is_number & np.isnan(constant)).sum(axis=1)


def completed(estimator, X):
    """X with what is missing as the autoencoder makes it of the rest, which takes some rounds."""
    missing = np.isnan(X)
    rows = missing.any(axis=1)
    if not rows.any():
        return X
    filled, missing = X[rows], missing[rows]
    for _ in range(N_FILLS):
        filled = np.where(missing, estimator._decode(estimator._encode(filled)), filled)
    X = X.copy()
    X[rows] = filled
    return X


def constant_values(data):
    """The value of each feature that has only one in a `TrainingSet`, in its type; else NaN."""
    summary = summarise(data.X)
    constant = np.where(summary.low == summary.high, summary.low, np.nan)
    return constant.astype(np.float32 if data.X.dtype == np.float32 else np.float64)


def new_values(X, constant):
    """Which values of an array differ from those of constant features.

    They are compared in the coarser of the two precisions: 0.1 is the same value in both.
    """
    types = [dtype for dtype in (X.dtype, constant.dtype) if dtype.kind == "f"]
    coarser = min(types, key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        differs = X.astype(coarser) != constant.astype(coarser)
    return differs & ~np.isnan(X) & ~np.isnan(constant)


def residual_variance(estimator, X, weight):
    """Weighted mean error of each column, at least what rounding makes of it."""
    n_values, total = np.zeros((2, estimator.n_features_in_))
    for start, part in blocks(Rows(X)):
        error = estimator._error(part)
        own = weight[start : start + len(part), None] * ~np.isnan(error)
        n_values += own.sum(axis=0)
        total += (own * np.nan_to_num(error)).sum(axis=0)
    rounding = np.square(np.finfo(np.float32).eps * np.nan_to_num(estimator.mean_))
    rounding = estimator._of_columns(rounding[None])[0]
    return np.maximum(total / np.maximum(n_values, TINY), np.maximum(rounding, TINY))


def offset(scores, weight, contamination):
    """The score below which rows are outliers; those without weight have no say."""
    scores, weight = scores[weight > 0], weight[weight > 0]
    order = np.argsort(scores, kind="stable")
    scores = np.maximum(scores[order], LOWEST)  # an offset of -inf would flag no row
    share = np.cumsum(weight[order]) / weight.sum()
    if contamination == "auto":
        low, high = scores[np.searchsorted(share, (0.25, 0.75))]
        return float(low - FENCE * (high - low))
    first = scores[np.searchsorted(share, contamination * (1 + ROUNDING), side="right")]
    if first == scores[0]:  # of fewer rows than one row: the lowest one is flagged, and its ties
        first = scores[min(np.searchsorted(scores, first, side="right"), len(scores) - 1)]
    return float(first)
