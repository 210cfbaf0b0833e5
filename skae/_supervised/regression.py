"""The regressor."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from .._data.validation import explaining, reworded
from .._sklearn_compat import fit_context
from ._base import BasePredictor, Labels, check_given, check_some_weight
from ._tasks import Regression


class AutoencoderRegressor(RegressorMixin, BasePredictor):
    """Regressor whose autoencoder is trained on all rows, then fine-tuned on the labelled ones.

    A row whose y is NaN has no label. The autoencoder is trained on all rows; then a ridge
    regression on its code and on X is fitted to the labelled rows, and encoder and regression are
    trained further together from there. What the regression sees, how strongly it is shrunk, the
    noise that is added to X in training and the number of epochs are those of the least squared
    error on labelled rows held out.

    With up to 1,000 labelled rows, the prediction is a share of that network's and, for the rest,
    that of a ridge regression on standardised X, whose shrinkage is that of the least error of each
    row by the others, as of `sklearn.linear_model.RidgeCV`. The share is that of least squares on
    the rows held out, minus twice its standard error, in the range [0, 1]: the network counts as
    far as its gain is sure. A regression on X is part of the network, so that both are one.

    Parameters
    ----------
    estimator : estimator of skae, FrozenEstimator or None, default=None
        The autoencoder. It is cloned and trained on all rows, unless it is fitted already: then it
        is used as it is. A clone, as in a search, forgets the fit; wrapped in a `FrozenEstimator`
        of scikit-learn it keeps it. None takes ``AutoencoderTransformer(32, max_iter=50)``,
        and with up to 64 features ``AutoencoderTransformer(0.9, max_iter=50)``.
    max_iter : int, default=50
        Maximum number of epochs of the training after that of the autoencoder. 0 leaves the code
        as it is.
    learning_rate_init : float, default=0.003
        Step size of its first epoch, in the range (0, inf); half a cosine lowers it to near zero
        at `max_iter`. `partial_fit` takes all of it, after a `fit` a tenth.
    batch_size : int or "auto", default="auto"
        Labelled rows of a training step. "auto" takes a fiftieth, rounded down to a power of two,
        at least 32 and at most 256.
    early_stopping : bool, default=True
        Whether labelled rows that are held out decide on noise and number of epochs. Without it
        there is no noise, and `max_iter` are trained.
    random_state : int, RandomState instance or None, default=None
        Determines all random numbers, in place of the `random_state` of `estimator`. Pass an int
        for reproducible results.

    Attributes
    ----------
    estimator_ : estimator
        The fitted autoencoder, before the further training.
    target_mean_, target_scale_ : ndarray of shape () or (n_targets,)
        Weighted mean and standard deviation of y in the labelled rows, for a y of one or of two
        dimensions; a deviation of zero is replaced by one.
    n_iter_ : int
        Number of epochs of the further training; 0 where a linear model was best.
    loss_curve_ : list of float
        Mean squared error of each of these epochs, of y over `target_scale_`, and the penalty on
        the regression's coefficients.
    val_loss_curve_ : list of float
        Mean squared error, of y over `target_scale_`, of rows held out, before the first epoch
        and after each one; empty if none were.
    has_spread_labels_ : bool
        False: numbers are not spread.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X has names that are all strings.

    See Also
    --------
    AutoencoderClassifier : The same for classes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skae import AutoencoderRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> known = np.where(np.arange(len(y)) % 2 == 0, y, np.nan)  # every other row has a label
    >>> model = AutoencoderRegressor(random_state=0).fit(X, known)
    >>> model.score(X[1::2], y[1::2]) > 0.4
    True
    """

    _task, _unlabelled = Regression(), "NaN"
    _label_attributes = ("target_mean_", "target_scale_")
    _array_shapes = {"target_mean_": [(), ("n_targets",)], "target_scale_": [(), ("n_targets",)]}

    def __init__(
        self,
        estimator=None,
        *,
        max_iter=50,
        learning_rate_init=3e-3,
        batch_size="auto",
        early_stopping=True,
        random_state=None,
    ):
        self.estimator = estimator
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None):
        """Train the autoencoder on all rows, then the regression on the labelled ones.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            What is to be predicted; NaN for a row without a label.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, no row has a label, or the training diverges. The estimator
            then stays as it was.
        """
        return self._fit(X, y, sample_weight)

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, *, sample_weight=None):
        """Train for one epoch on the labelled rows of X.

        The first call of an estimator that is not fitted trains the autoencoder too, on all rows
        of X. Later calls leave the autoencoder, and the unit of y, as they are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data of this call.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            What is to be predicted; NaN for a row without a label.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, the first call has no label, or the training diverges. The
            estimator then stays as it was.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predict y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions, float64, in the shape of the y of `fit`.

        Raises
        ------
        ValueError
            If a row is so far from the training rows that its prediction is infinite.
        """
        y = self._outputs(X) * self.target_scale_ + self.target_mean_
        return y[:, 0] if self.target_mean_.ndim == 0 else y

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination, R², of the rows that have a label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            True values; rows whose y is NaN are left out.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. None gives all the same weight.

        Returns
        -------
        score : float
            1 is perfect, 0 is what the mean achieves; of several targets the mean.

        Raises
        ------
        ValueError
            If no row has a label.
        """
        from sklearn.metrics import r2_score  # which takes long to import

        return self._score(r2_score, X, y, sample_weight)

    # Hooks of the base

    def _read(self, y, known=None):
        """Y as a float64 array of shape (n_rows,) or (n_rows, n_targets), and who has a label."""
        check_given(y, self)
        with explaining("y"), reworded(of_text):
            y = check_array(
                y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
            )
        missing = np.isnan(y).reshape(len(y), -1)
        if (missing.any(axis=1) != missing.all(axis=1)).any():
            raise ValueError(
                "y contains NaN in some targets of a row, but not in all. A row has all of its "
                "targets, or none."
            )
        return y, ~missing.all(axis=1)

    def _labels(self, y, has_label, weight, classes, earlier=None):
        """Y as a target of mean zero and deviation one; later calls keep the unit of the first."""
        known = (weight > 0) & has_label
        check_some_weight(known)
        if earlier is None:
            mean, scale = mean_and_deviation(y[known], weight[known])
        else:
            mean, scale = earlier.target_mean_, earlier.target_scale_
            if y.shape[1:] != mean.shape:
                raise ValueError(
                    f"y has targets of shape {y.shape[1:]}, but those of the first call were of "
                    f"shape {mean.shape}."
                )
        target = (np.where(np.isnan(y), mean, y) - mean) / scale
        attributes = {"target_mean_": mean, "target_scale_": scale}
        return Labels(target.reshape(len(y), -1), has_label.astype(float), attributes)

    @classmethod
    def _is_of_labels(cls, fitted, n_targets):
        """Whether a file may say these means and deviations."""
        mean, scale = fitted["target_mean_"], fitted["target_scale_"]
        return (
            all(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in (mean, scale))
            and mean.shape == scale.shape
            and mean.shape in ((n_targets,), *([()] if n_targets == 1 else []))
            and bool(np.isfinite([mean, scale]).all() and (scale > 0).all())
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def mean_and_deviation(y, weight):
    """Weighted means and standard deviations of targets, as arrays; a deviation of zero is one.

    Raises
    ------
    ValueError
        If y is so large that its square is infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(y, axis=0, weights=weight)
        deviation = np.sqrt(np.average(np.square(y - mean), axis=0, weights=weight))
    if not np.isfinite(deviation).all():
        raise ValueError("y contains values whose squares are infinite. Scale it.")
    # A constant may seem to vary by the rounding of its mean.
    varies = deviation > np.finfo(float).eps * np.abs(mean)
    return np.asarray(mean), np.asarray(np.where(varies, deviation, 1.0))


def of_text(message):
    """The message of a rejection of y, with what to do where it holds text."""
    if "could not convert string" not in message:
        return message
    return f"{message}. Give numbers; for classes take AutoencoderClassifier."
