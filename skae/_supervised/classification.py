"""The classifier."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._sklearn_compat import StrOptions, fit_context
from ._base import BasePredictor, Labels, check_given, check_some_weight
from ._tasks import Classification, log_softmax

UNLABELLED = -1
"""Label of rows that have none."""

MISSING_LABELS = (
    "Input y contains NaN or None. The label of a row without one is the number -1. Beside "
    "numbers, np.where(np.isnan(y), -1, y) has it; beside strings it needs an array of objects: of "
    "a pandas Series, y.astype(object).where(y.notna(), -1)."
)


class AutoencoderClassifier(ClassifierMixin, BasePredictor):
    """Classifier whose autoencoder is trained on all rows, then fine-tuned on the labelled ones.

    A row whose label is -1 has none. The autoencoder is trained on all rows; then a logistic
    regression on its code and on X is fitted to the labelled rows, and encoder and regression are
    trained further together from there. What the regression sees, how strongly it is shrunk, the
    noise that is added to X in training and the number of epochs are those of the least
    cross-entropy on labelled rows held out: with few labels that may be the logistic regression as
    it is.

    With few labels, labels that are spread over neighbours in the code [1]_ may be right more often
    than the network: then the further training takes these as labels of the other rows, each
    weighted by its certainty, as in [2]_.

    Parameters
    ----------
    estimator : estimator of skae, FrozenEstimator or None, default=None
        The autoencoder. It is cloned and trained on all rows, unless it is fitted already: then it
        is used as it is. A clone, as in a search, forgets the fit; wrapped in a `FrozenEstimator`
        of scikit-learn it keeps it. None takes ``AutoencoderTransformer(32, max_iter=50)``,
        and with up to 64 features ``AutoencoderTransformer(0.9, max_iter=50)``.
    spread_labels : bool or "auto", default="auto"
        Whether labels are spread to rows without one, for the further training. "auto" does so
        if more labelled rows that are held out get their label by it than by the network. At most
        20,000 rows take part, and it is not done with more than 10,000 labelled ones.
    max_iter : int, default=50
        Maximum number of epochs of the training after that of the autoencoder. 0 leaves the code
        as it is.
    learning_rate_init : float, default=0.003
        Step size of its first epoch, in the range (0, inf); half a cosine lowers it to near zero
        at `max_iter`. `partial_fit` takes all of it, after a `fit` a tenth.
    batch_size : int or "auto", default="auto"
        Rows of a step of this training. "auto" takes a fiftieth of the labelled rows, rounded down
        to a power of two, at least 32 and at most 256.
    early_stopping : bool, default=True
        Whether labelled rows that are held out decide on noise and number of epochs. Without it
        there is no noise, `max_iter` are trained, and "auto" spreads no labels.
    class_weight : dict, "balanced" or None, default=None
        Factors on the weights of labelled rows, by class; "balanced" gives all classes the same
        weight in sum.
    random_state : int, RandomState instance or None, default=None
        Determines all random numbers, in place of the `random_state` of `estimator`. Pass an int
        for reproducible results.

    Attributes
    ----------
    estimator_ : estimator
        The fitted autoencoder, before the further training.
    classes_ : ndarray of shape (n_classes,)
        The classes, without -1.
    n_iter_ : int
        Number of epochs of the further training; 0 where the logistic regression was best.
    loss_curve_ : list of float
        Cross-entropy in each of these epochs, in nats, and the penalty on the regression's
        coefficients.
    val_loss_curve_ : list of float
        Cross-entropy of rows held out, before the first epoch and after each one; empty if none
        were.
    has_spread_labels_ : bool
        Whether labels were spread.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X has names that are all strings.

    See Also
    --------
    AutoencoderRegressor : The same for numbers.
    sklearn.semi_supervised.SelfTrainingClassifier : Labels other rows by a classifier's own sure
        predictions.

    References
    ----------
    .. [1] Zhou, D. et al. (2004). Learning with local and global consistency. NeurIPS.
    .. [2] Iscen, A., Tolias, G., Avrithis, Y. and Chum, O. (2019). Label propagation for deep
       semi-supervised learning. CVPR. https://doi.org/10.1109/CVPR.2019.00521

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(y)) < 100, y, -1)  # the first 100 rows have a label
    >>> model = AutoencoderClassifier(random_state=0).fit(X, known)
    >>> model.score(X[100:], y[100:]) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **BasePredictor._parameter_constraints,
        "spread_labels": [StrOptions({"auto"}), "boolean"],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    _task, _unlabelled = Classification(), "-1"
    _label_attributes = ("classes_",)
    _array_shapes = {"classes_": ("n_targets",)}

    def __init__(
        self,
        estimator=None,
        *,
        spread_labels="auto",
        max_iter=50,
        learning_rate_init=3e-3,
        batch_size="auto",
        early_stopping=True,
        class_weight=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.spread_labels = spread_labels
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None):
        """Train the autoencoder on all rows, then the classifier on the labelled ones.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,)
            Classes; -1 for a row without a label. Among strings that is the number -1 in an array
            of objects; an array of strings alone is taken as all labelled, unless it holds "-1",
            which is refused. If y holds -1 and 1 alone, both are classes, with a warning: labels
            of one class would tell nothing.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, the labelled rows are of fewer than two classes, or the
            training diverges. The estimator then stays as it was.
        """
        return self._fit(X, y, sample_weight)

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, *, classes=None, sample_weight=None):
        """Train for one epoch on the labelled rows of X.

        The first call of an estimator that is not fitted trains the autoencoder too, on all rows
        of X. Later calls leave the autoencoder as it is.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data of this call.
        y : array-like of shape (n_samples,)
            Classes; -1 for a row without a label, as in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that there will be, for the first call; None takes those in y.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. None gives all the same weight.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, y holds a class that the first call had not, the labelled
            rows of a first call without `classes` are of fewer than two classes, or the training
            diverges. The estimator then stays as it was.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" has no meaning in partial_fit, which does not know all '
                "rows. Give a dict with a factor for each class."
            )
        return self._fit(X, y, sample_weight, classes=classes, incremental=True)

    def decision_function(self, X):
        """Scores of the classes: the outputs of the network before the softmax.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Float64. Of two classes, the logarithm of the odds of the second one.
        """
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def predict_log_proba(self, X):
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        logarithm : ndarray of shape (n_samples, n_classes)
            Float64, in the order of `classes_`.
        """
        return log_softmax(self._outputs(X))

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes)
            Float64, in the order of `classes_`.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X):
        """The likeliest class of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes.

        Raises
        ------
        ValueError
            If a row is so far from the training rows that its scores are infinite.
        """
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]

    def score(self, X, y, sample_weight=None):
        """Accuracy of the rows that have a label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,)
            True classes; rows whose y is -1 are left out, unless -1 is one of the classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. None gives all the same weight.

        Returns
        -------
        score : float
            Share of the labelled rows whose class is predicted.

        Raises
        ------
        ValueError
            If no row has a label.
        """
        from sklearn.metrics import accuracy_score  # which takes long to import

        def accuracy(y, predicted, sample_weight):
            return accuracy_score(as_labels(y), predicted, sample_weight=sample_weight)

        return self._score(accuracy, X, y, sample_weight)

    # Hooks of the base

    def _read(self, y, known=None):
        """Y as a vector, and which of its entries are labels.

        Whether -1 is a class, classes that are known decide.
        """
        check_given(y, self)
        y = column_or_1d(y, warn=True)
        if y.dtype.kind == "O":
            y, has_label = read_objects(y)
            if as_labels(y[has_label]).dtype.kind in "iuf":
                y = as_labels(y)
        if y.dtype.kind != "O":
            if y.dtype.kind == "f" and np.isnan(y).any():
                raise ValueError(MISSING_LABELS)
            if y.dtype.kind == "f":
                assert_all_finite(y, input_name="y")
            has_label = np.ones(len(y), bool) if y.dtype.kind in "US" else y != UNLABELLED
            if known is not None and UNLABELLED in np.asarray(known).tolist():
                has_label[:] = True
            elif known is None and set(np.unique(y).tolist()) == {UNLABELLED, 1}:
                warn_of_signs()
                has_label[:] = True
        if (y[has_label] == str(UNLABELLED)).any():
            raise ValueError(
                'y holds the string "-1". If it stands for rows without a label, give an array of '
                "objects with the number -1; if it is a class, name it otherwise."
            )
        if has_label.any():
            check_classification_targets(as_labels(y[has_label]))
        return y, has_label

    def _labels(self, y, has_label, weight, classes, earlier=None):
        """Classes as rows of zeros and ones."""
        own = as_labels(y[has_label])
        if earlier is not None:
            known = earlier.classes_
            if classes is not None and not np.array_equal(np.unique(classes), known):
                raise ValueError(f"classes is {classes!r}, but in the first call it was {known}.")
        else:
            known = np.unique(own if classes is None else as_labels(np.asarray(classes)))
        if unknown := sorted(set(own.tolist()) - set(known.tolist()), key=str):
            raise ValueError(f"y holds the classes {unknown}, which are not among {known}.")
        present = np.unique(own[weight[has_label] > 0])
        if earlier is None:
            check_some_weight(weight[has_label] > 0)
            check_classes(present if classes is None else known)
        target = np.zeros((len(y), len(known)))
        target[has_label] = own[:, None] == known
        factor = np.zeros(len(y))
        factor[has_label] = self._class_factors(own, known, weight[has_label])
        if earlier is None:
            check_some_weight(weight * factor > 0)
        return Labels(target, factor, {"classes_": known})

    def _class_factors(self, own, known, weight):
        """What the weights of labelled rows are multiplied by."""
        if self.class_weight is None:
            return np.ones(len(own))
        if not isinstance(self.class_weight, dict):
            total = weight @ (own[:, None] == known)
            factors = weight.sum() / ((total > 0).sum() * np.where(total > 0, total, np.inf))
            return (own[:, None] == known) @ factors
        by_class = {label: self.class_weight.get(label, 1.0) for label in known.tolist()}
        if foreign := sorted(set(self.class_weight) - set(by_class), key=str):
            raise ValueError(f"class_weight has the classes {foreign}, which y has not.")
        check_class_weights(by_class.values(), self.class_weight)
        return np.array([by_class[label] for label in own.tolist()], float)

    @classmethod
    def _is_of_labels(cls, fitted, n_targets):
        """Whether a file may say these classes."""
        classes = fitted["classes_"]
        return (
            isinstance(classes, np.ndarray)
            and classes.shape == (n_targets,)
            and n_targets >= 2
            and bool((classes[1:] > classes[:-1]).all())
        )


def read_objects(y):
    """An array of objects, and which of them are labels.

    Raises
    ------
    ValueError
        If an entry is missing: NaN, None or pandas.NA.
    """
    if any(value is None or type(value).__name__ == "NAType" or value != value for value in y):
        raise ValueError(MISSING_LABELS)
    has_label = np.array([not is_unlabelled(value) for value in y], bool)
    kinds = {isinstance(value, str) for value in y[has_label]}
    if len(kinds) > 1:
        raise TypeError("y holds both strings and other classes: make all of them strings.")
    return y, has_label


def is_unlabelled(value):
    """Whether an object is the label of a row without one."""
    return not isinstance(value, str) and bool(value == UNLABELLED)


def as_labels(values):
    """Classes as an array that NumPy can sort: of strings, as objects, or of numbers."""
    if values.dtype.kind == "U":
        return values.astype(object)
    if values.dtype.kind == "O" and not all(isinstance(value, str) for value in values):
        return np.asarray(values.tolist())
    return values


def warn_of_signs():
    """Warn of labels -1 and 1, of which -1 is not taken for a row without a label."""
    warnings.warn(
        "y holds -1 and 1 alone, so both are taken for classes. Where -1 is to stand for rows "
        "without a label, the others must be of two classes at least.",
        UserWarning,
        stacklevel=2,
    )


def check_class_weights(weights, asked):
    """Refuse weights of classes that are no numbers, negative, infinite or all zero."""
    are_numbers = all(isinstance(weight, Real) for weight in weights)
    if not are_numbers or not all(0 <= weight < np.inf for weight in weights) or not any(weights):
        raise ValueError(
            "class_weight must have finite numbers that are not negative, and some positive, got "
            f"{asked!r}."
        )


def check_classes(present):
    """Refuse labels of a single class."""
    if len(present) < 2:
        raise ValueError(
            "The labelled rows of positive weight must be of at least two classes, got the one "
            f"class {present.tolist()}. -1 stands for no label: if it is one of your classes, name "
            "the classes otherwise. For partial_fit, name the classes to come in its classes."
        )
