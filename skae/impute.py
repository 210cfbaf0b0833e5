"""Missing values, as an autoencoder expects them given the rest of a row."""

import copy
import threading
from itertools import compress

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._autoencoders import DenoisingAutoencoder
from ._autoencoders._base import BaseAutoencoder, as_autoencoder, copy_to_train
from ._autoencoders._incomplete import NormalModel, normal_model
from ._autoencoders._inside import inside
from ._autoencoders._warnings import warn, warn_of_levels
from ._autoencoders.variational import check_n_samples
from ._data import Rows, frames
from ._data.contents import asked_contents
from ._data.statistics import summarise
from ._data.table import encoded_table, table_of
from ._data.training_set import most_sampled
from ._data.validation import LARGEST, check_container, check_range, check_types, explaining
from ._engine import check_runs, renewed_in_child
from ._html import HTMLReprMixin
from ._sklearn_compat import ObjectWith, asked_library, check_feature_names_in, fit_context
from .exceptions import StillImprovingWarning

__all__ = ["AutoencoderImputer"]

DEFAULT = {"n_components": 0.99, "hidden_layer_sizes": (256,), "max_iter": 20}
"""Parameters of the autoencoder that is taken by default."""

PAIRS, MOST_COPIES = 6000, 20
"""Training rows with values hidden in addition: about how many, and how often one row is taken."""

HIDDEN = (0.1, 0.5)
"""Shares of the values of a row that are hidden in addition."""

HELD_OUT, MOST_JUDGES, FEWEST_ROWS = 0.25, 1000, 20
"""Share of the rows on which the network is judged, most of them, and from how many rows on. A
network of fewer is not trusted."""

PRIOR_ROWS = 30
"""Values of different rows for which the spread of all features counts against that of one."""

TINY = np.finfo(float).tiny
"""Least positive number."""

COUNTS = ("seed_", "n_draws_")
"""Attributes that are whole numbers."""

FITTED = {
    *("estimator_", "normal_", "centre_", "scale_", "low_", "high_", "trust_", "spread_"),
    *("valid_", "indicated_", "n_features_in_", "_table", *COUNTS),
}
"""What every fit leaves, beside the names of features."""

_counting = threading.Lock()


@renewed_in_child
def _renew_lock():
    global _counting
    _counting = threading.Lock()


class AutoencoderImputer(HTMLReprMixin, TransformerMixin, BaseEstimator):
    """Imputation of missing values by what an autoencoder expects, given the rest of a row.

    Missing values are first filled with their expected values under a normal distribution of the
    rows: factor analysis, by expectation-maximisation, of what is observed. An autoencoder is
    trained to improve on these: it gets rows in which further values were hidden and filled in the
    same way, and must reconstruct the values that are known. How far its correction can be trusted
    is found on rows that are held out. No filled value is beyond the range of the observed ones.

    Of a table with columns of categories, whose levels are features of their own, `transform` gives
    a table of the same types; see `categorical_features` of the autoencoders.

    Parameters
    ----------
    estimator : estimator of skae or None, default=None
        The autoencoder, which is cloned, and trained with ``missing="mask"``. Its
        `categorical_features`, `column_weights` and `handle_unknown` say what X is. The hidden
        values are the corruption, in place of one of its own. None takes
        ``DenoisingAutoencoder(0.99, hidden_layer_sizes=(256,), max_iter=20)``.
    sample_posterior : bool, default=False
        Whether `transform` draws the missing values from their distribution given the rest of the
        row, anew at each call, rather than giving the expected ones. Several draws are multiple
        imputations; see `sample`.
    add_indicator : bool, default=False
        Whether `transform` appends, for each feature with missing values in fit, a column that is
        1 where it is missing.
    keep_empty_features : bool, default=False
        Whether features that are missing in all training rows are kept, as zeros, rather than left
        out with a warning. Such columns of categories stay missing.
    random_state : int, RandomState instance or None, default=None
        Determines all random numbers, in place of the `random_state` of `estimator`. Pass an int
        for reproducible results.

    Attributes
    ----------
    estimator_ : estimator
        The autoencoder, fitted on rows of mean 0 and variance 1; on rows in the units of X if its
        loss is defined in [0, 1] only.
    normal_ : NormalModel
        The normal distribution of such rows.
    centre_, scale_ : ndarray of shape (n_encoded,)
        Mean and standard deviation by which they are standardised, of the features that have
        values; of a table with categories, of the features that its columns are encoded as.
    low_, high_ : ndarray of shape (n_encoded,)
        Range of the values of those in the training rows.
    trust_ : float
        Share of the autoencoder's correction that is made, in the range [0, 1].
    spread_ : ndarray of shape (n_encoded,)
        Mean squared error over the variance by the normal distribution, of values that were
        hidden; draws are spread accordingly.
    valid_, indicated_ : ndarray of shape (`n_features_in_`,)
        Whether each feature has any value in the training rows, and whether any is missing.
    seed_ : int
        All draws follow from it.
    n_draws_ : int
        Number of calls of `transform` that drew.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X has names that are all strings.

    See Also
    --------
    sklearn.impute.IterativeImputer : Regressions of each feature on the others.
    sklearn.impute.KNNImputer : Means of the nearest rows.

    Notes
    -----
    Missing are NaN and pandas.NA. A draw is the imputed value plus a deviation: that of a draw
    from the normal distribution given what is observed, of factors and noise, so that the draws of
    a row go together; times the root of `spread_`. As with `transform`, it is cut off at the range
    of the observed values.

    References
    ----------
    .. [1] Rubin, D. B. and Thayer, D. T. (1982). EM algorithms for ML factor analysis.
       Psychometrika 47, 69-76. https://doi.org/10.1007/BF02293851
    .. [2] Rubin, D. B. (1987). Multiple imputation for nonresponse in surveys. Wiley.
       https://doi.org/10.1002/9780470316696

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_wine
    >>> from skae import AutoencoderImputer
    >>> X = load_wine().data
    >>> hidden = np.random.default_rng(0).random(X.shape) < 0.2
    >>> imputer = AutoencoderImputer(random_state=0)
    >>> filled = imputer.fit_transform(np.where(hidden, np.nan, X))
    >>> bool(np.isfinite(filled).all() and (filled[~hidden] == X[~hidden]).all())
    True
    """

    _table = None
    """The `Table` of the training rows, where columns hold categories or have weights."""

    _parameter_constraints: dict = {
        "estimator": [ObjectWith(["fit", "transform", "inverse_transform"]), None],
        "sample_posterior": ["boolean"],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        sample_posterior=False,
        add_indicator=False,
        keep_empty_features=False,
        random_state=None,
    ):
        self.estimator = estimator
        self.sample_posterior = sample_posterior
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Find what values are expected given others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, with NaN for what is missing.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        ValueError
            If X is rejected, or has no value at all. The imputer then stays as it was.
        """
        new = copy.copy(self)  # self stays as it is if anything fails
        estimator, new.seed_, new.n_draws_ = *self._unfitted(), 0
        contents = asked_contents(estimator, X)
        new._table = None if contents is None else table_of(contents, None, keep_empty=True)
        features = new._check_X(X, contents, reset=True)
        missing = new._missing(features, X)
        new.valid_, new.indicated_ = ~missing.all(axis=0), missing.any(axis=0)
        if not new.valid_.any():
            raise ValueError("X has no value at all: every one is missing.")
        if contents is not None:
            warn_of_levels(contents, new._table, estimator)
            # What the autoencoder gets are numbers.
            estimator.categorical_features = estimator.column_weights = None
        if not (new.valid_.all() or self.keep_empty_features):
            new._warn_of_empty()
        new._fit_valid(new._valid(features), estimator)
        self.__dict__ = vars(new)
        return self

    def _warn_of_empty(self):
        empty = np.flatnonzero(~self.valid_).tolist()
        what, kept = f"features {empty}", "zeros"
        if self._table is not None:
            what = f"columns {[self._table.columns[number].name for number in empty]}"
            kept = "zeros, and missing where they hold categories"
        warn(
            f"The {what} of X have no value at all and are left out. Set keep_empty_features=True "
            f"to keep them as {kept}."
        )

    def _unfitted(self):
        """The autoencoder to train, and the seed."""
        estimator = copy_to_train(as_autoencoder(self.estimator, DenoisingAutoencoder(**DEFAULT)))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        estimator.set_params(random_state=seed, missing="mask")
        estimator._validate_params()
        return estimator, seed

    def _fit_valid(self, X, estimator):
        """Fit on features that have values."""
        check_runs()  # before minutes of what runs without JAX
        summary = summarise(Rows(X))
        self.low_, self.high_ = summary.low.astype(float), summary.high.astype(float)
        deviation = np.sqrt(summary.variance)
        self.centre_, self.scale_ = summary.mean, np.where(deviation > 0, deviation, 1.0)
        if estimator._objective().loss.domain is not None:  # of which it must not be moved out
            self.centre_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        Z = self._standardised(X)
        Z = Z[~np.isnan(Z).all(axis=1)]
        with inside(self, estimator, silenced=(Warning,)):  # the fit warns of the same
            self.trust_, self.spread_ = self._judged(Z, estimator)
        # A loss that still falls is no reason to train longer: rows held out decide how far the
        # autoencoder is trusted, and after 40 or 80 epochs it was trusted less than after 20.
        with inside(self, estimator, silenced=(StillImprovingWarning,)):
            self._train(Z, estimator, np.random.default_rng([self.seed_, 1]))

    def _train(self, Z, estimator, generator):
        """Fit the normal distribution, and the autoencoder on rows that it filled."""
        n_sampled = min(len(Z), most_sampled(Z.shape[1]))
        some = np.linspace(0, len(Z) - 1, n_sampled).astype(int)
        self.normal_ = normal_model(Z[some], seed=self.seed_)
        hidden, known = self._with_more_hidden(Z, generator)
        self.estimator_ = estimator._fit(self._filled(hidden), X_clean=known)

    def _with_more_hidden(self, Z, generator):
        column_of = None if self._table is None else self._table.column_of
        return with_more_hidden(Z, generator, column_of)

    def _judged(self, Z, estimator):
        """How far to trust the autoencoder, and how far its errors spread, by rows held out."""
        if len(Z) < FEWEST_ROWS:
            return 0.0, np.ones(Z.shape[1])
        generator = np.random.default_rng([self.seed_, 0])
        order = generator.permutation(len(Z))
        judges, others = np.split(order, [min(round(HELD_OUT * len(Z)), MOST_JUDGES)])
        trial = copy.copy(self)
        trial._train(Z[others], clone(estimator), generator)
        hidden, known = self._with_more_hidden(Z[judges], generator)
        filled = trial._filled(hidden)
        asked = np.isnan(hidden) & ~np.isnan(known)
        error, step = np.where(asked, (known - filled, trial._reconstructed(filled) - filled), 0.0)
        trust = float(np.clip((error * step).sum() / max((step**2).sum(), TINY), 0.0, 1.0))
        variances = np.where(asked, trial.normal_.variances(hidden), 0.0)
        return trust, relative_spread(
            error - trust * step, variances, asked, len(known) / len(judges)
        )

    def transform(self, X):
        """Fill the missing values of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, with NaN for what is missing.

        Returns
        -------
        X_imputed : ndarray or frame of shape (n_samples, n_features_out)
            X with each NaN replaced, all else as it was, in the floating type of X. Of a table
            always a table, in the container of the training rows unless `set_output` asks for
            another. Features that have no value in the training rows are left out or zero, as
            `keep_empty_features` says; `add_indicator` appends further columns. A row's values do
            not depend on the other rows, unless they are drawn.
        """
        check_is_fitted(self)
        features = self._check_X(X)
        if self.sample_posterior:
            generator = np.random.default_rng([self.seed_, 2, self._next_draw()])
            filled = self._drawn(features, generator, 1)[0]
        else:
            filled = self._imputed(features)
        missing = self._missing(features, X)
        indicators = missing[:, self.indicated_] if self.add_indicator else None
        if self._table is not None:
            return self._as_table(filled, X, missing, indicators)
        return filled if indicators is None else np.hstack([filled, indicators], dtype=filled.dtype)

    def sample(self, X, n_samples=10, *, random_state=None):
        """Draw the missing values of X several times, whatever `sample_posterior` is.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            Data, with NaN for what is missing.
        n_samples : int, default=10
            Number of draws.
        random_state : int, RandomState instance or None, default=None
            Determines the draws.

        Returns
        -------
        X_imputed : ndarray of shape (n_samples, n_samples_X, n_features_out)
            Completed data, without the columns of `add_indicator`; of tables a list of tables.
        """
        check_is_fitted(self)
        check_n_samples(n_samples)
        features = self._check_X(X)
        seed = check_random_state(random_state).randint(2**31 - 1)
        generator = np.random.default_rng([self.seed_, 3, seed])
        drawn = self._drawn(features, generator, n_samples)
        if self._table is None:
            return drawn
        missing = self._missing(features, X)
        return [self._as_table(one, X, missing) for one in drawn]

    def _next_draw(self):
        """Number of this draw among those of `transform`."""
        with _counting:
            self.n_draws_ += 1
            return self.n_draws_

    def _imputed(self, X):
        """X with its missing values as they are expected."""
        filled, _ = self._expected(X)
        return self._with_all_features(X, filled)

    def _drawn(self, X, generator, n_draws):
        """X with its missing values drawn from their distribution, several times."""
        filled, Z = self._expected(X)
        deviations = np.sqrt(self.spread_) * self.normal_.deviations(Z, generator, n_draws)
        drawn = np.clip(filled + self.scale_ * deviations, self.low_, self.high_)
        if self._table is not None:
            drawn = [self._table.drawn(filled, one, generator) for one in drawn]
        return np.stack([self._with_all_features(X, one) for one in drawn])

    def _expected(self, X):
        """The rows of the valid features as expected, and on the scale of the network."""
        Z = self._standardised(self._valid(X))
        filled = self._filled(Z)
        rows = np.isnan(Z).any(axis=1)
        if self.trust_ > 0 and rows.any():
            part = filled[rows]
            filled[rows] = part + self.trust_ * (self._reconstructed(part) - part)
        return np.clip(self.centre_ + self.scale_ * filled, self.low_, self.high_), Z

    def _with_all_features(self, X, filled):
        """X with missing values as in an array of the features that have values."""
        if self._table is not None:
            return np.where(np.isnan(X), filled, X)
        out = np.zeros_like(X)
        out[:, self.valid_] = np.where(np.isnan(X[:, self.valid_]), filled, X[:, self.valid_])
        return out if self.keep_empty_features else out[:, self.valid_]

    def _valid(self, X):
        """The features of X that have values; of a table others are none."""
        return X[:, self.valid_] if self._table is None else X

    def _missing(self, features, X):
        """Where the columns of X are missing."""
        return np.isnan(features) if self._table is None else self._table.missing(features, X)

    def _as_table(self, features, X, missing, indicators=None):
        """The table of features, with the values of X where they are not missing."""
        asked = asked_library(self)
        library = asked or self._table.library
        columns = self._table.values(features, library, X, missing)
        names = [own.name for own in self._table.columns]
        if not self.keep_empty_features:
            columns, names = (list(compress(each, self.valid_)) for each in (columns, names))
        if indicators is not None:
            columns += [frames.Values(one.astype(float), "") for one in indicators.T]
        if asked is not None or indicators is not None:  # whose names do not go with numbers
            names = self.get_feature_names_out().tolist()
        return frames.frame(library, names, columns, frames.index_of(X))

    def _filled(self, Z):
        """Standardised rows with missing values as the normal distribution expects them."""
        return np.where(np.isnan(Z), self._bounded(self.normal_.expected(Z)), Z)

    def _reconstructed(self, Z):
        """What the autoencoder makes of filled rows, within the range of the values."""
        return self._bounded(self.estimator_._decode(self.estimator_._encode(Z)))

    def _bounded(self, Z):
        return np.clip(Z, self._standardised(self.low_), self._standardised(self.high_))

    def _standardised(self, X):
        return (X - self.centre_) / self.scale_

    def _check_X(self, X, contents=None, *, reset=False):
        """X as an array of features that are finite, or missing."""
        if self._table is not None:
            lenient = reset or self.estimator_.handle_unknown == "missing"
            features = encoded_table(
                self, X, "X", missing=True, lenient=lenient, contents=contents, reset=reset
            )
            return features.toarray() if sparse.issparse(features) else features
        check_container(X, "X")
        check_types(X, "X")
        with explaining("X", X):
            X = validate_data(
                self, X, reset=reset, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan"
            )
        return check_range(X, "X", LARGEST, "whose squares are infinite. Scale the data")

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features; None takes those seen in fit, or x0, x1 and so on.

        Returns
        -------
        names : ndarray of str
            Those of the indicators are ``"missingindicator_"`` and the feature's.
        """
        check_is_fitted(self, "n_features_in_")
        names = check_feature_names_in(self, input_features)
        kept = names if self.keep_empty_features else names[self.valid_]
        if not self.add_indicator:
            return kept
        indicators = [f"missingindicator_{name}" for name in names[self.indicated_]]
        return np.concatenate([kept, np.asarray(indicators, dtype=object)])

    _array_shapes = {
        **{name: ("width",) for name in ("centre_", "scale_", "low_", "high_", "spread_")},
        **{name: ("n_features_in_",) for name in ("valid_", "indicated_")},
        "normal_": {"n_features": "width"},
    }

    @classmethod
    def _may_leave(cls, fitted):
        """Whether a fit may leave these attributes, which a file says."""
        if set(fitted) - {"feature_names_in_"} != FITTED:
            return False
        width = (fitted["n_features_in_"],)
        seen = [fitted["valid_"], fitted["indicated_"]]
        if not all(_is_array(array, width, np.bool_) for array in seen) or not seen[0].any():
            return False
        normal, estimator = fitted["normal_"], fitted["estimator_"]
        table = fitted["_table"]
        valid = (int(seen[0].sum()) if table is None else len(table.column_of),)
        factors = (len(getattr(normal, "loadings", ())), *valid)
        arrays = [fitted[name] for name in ("centre_", "scale_", "low_", "high_", "spread_")]
        return (
            isinstance(estimator, BaseAutoencoder)
            and estimator.__sklearn_is_fitted__()
            and estimator._table is None
            and (estimator.n_features_in_,) == valid
            and (table is None or [own.n_features > 0 for own in table.columns] == seen[0].tolist())
            and isinstance(normal, NormalModel)
            and _is_array(normal.loadings, factors)
            and all(_is_array(array, valid) for array in (normal.mean, normal.noise, *arrays))
            and bool((np.stack([normal.noise, fitted["scale_"], fitted["spread_"]]) > 0).all())
            and bool((fitted["low_"] <= fitted["high_"]).all())
            and isinstance(fitted["trust_"], float)
            and 0 <= fitted["trust_"] <= 1
            and all(type(fitted[name]) is int and fitted[name] >= 0 for name in COUNTS)
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def with_more_hidden(Z, generator, column_of=None):
    """Rows with further values hidden, few rows several times; and the rows as they were.

    The features of a column, whose numbers a table gives, are hidden together.
    """
    copies = min(max(1, PAIRS // len(Z)), MOST_COPIES)
    known = np.tile(Z, (copies, 1))
    share = generator.uniform(*HIDDEN, size=(len(known), 1))
    if column_of is None:
        return np.where(generator.random(known.shape) < share, np.nan, known), known
    chance = generator.random((len(known), column_of[-1] + 1))[:, column_of]
    return np.where(chance < share, np.nan, known), known


def relative_spread(error, variances, asked, n_copies):
    """Mean squared error of each feature over its expected variance, shrunk to that of all.

    Parameters
    ----------
    error, variances : ndarray of shape (n_rows, n_features)
        Zero where nothing is asked.
    asked : ndarray of bool of shape (n_rows, n_features)
    n_copies : float
        How often a row is there, which makes its errors no more telling.
    """
    squares, expected = np.square(error).sum(axis=0), variances.sum(axis=0)
    of_all = (squares.sum() + TINY) / (expected.sum() + TINY)
    prior = PRIOR_ROWS * n_copies * expected / np.maximum(asked.sum(axis=0), 1)
    return (squares + of_all * prior + TINY) / (expected + prior + TINY)


def _is_array(value, shape, dtype=np.float64):
    """Whether a value is an array of a shape and type, and finite."""
    return (
        isinstance(value, np.ndarray)
        and value.shape == shape
        and value.dtype == dtype
        and bool(np.isfinite(value).all())
    )
