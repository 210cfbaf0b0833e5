"""What is learned from labels: classes or numbers, and the linear models of either."""

import numpy as np

from ._head import CrossEntropy, TargetError

SHRINKAGES = (1.0, 0.1, 0.01, 1e-3, 1e-4)
"""Shrinkages that are tried by default."""


class Classification:
    """Class probabilities, of which the target is a row for each row of X."""

    loss = CrossEntropy()

    def shrinkages(self, target):
        """Weights of half the squared coefficients that are tried, the strongest first.

        The second is the usual one. Of two classes, which few rows often separate by chance, the
        weakest weighs as much as one row, which is scikit-learn's `C=2`: rows held out asked for
        less, and then probabilities came out too sure.
        """
        n_rows, n_classes = target.shape
        of_rows = tuple(weight / n_rows for weight in (100, 10, 3, 1))
        return of_rows if n_classes == 2 else SHRINKAGES

    def linear(self, features, target, weight, shrinkage):
        """Coefficients and intercepts of least cross-entropy plus half the squared coefficients.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_seen)
        target : ndarray of shape (n_rows, n_classes)
            Zeros and ones.
        weight : ndarray of shape (n_rows,)
        shrinkage : float
            Weight of the squares, in a sum where the cross-entropy is a mean over rows.

        Returns
        -------
        coef : ndarray of shape (n_seen, n_classes)
        intercept : ndarray of shape (n_classes,)
        """
        label = target.argmax(axis=1)
        classes = np.unique(label)
        coef = np.zeros((features.shape[1], target.shape[1]))
        # The rule of succession: so likely is a class that none of the rows has.
        intercept = np.full(target.shape[1], -np.log(len(label) + target.shape[1]))
        if len(classes) == 1:
            intercept[classes] = 0.0
            return coef, intercept
        from sklearn.linear_model import LogisticRegression  # which takes long to import

        # Of two classes scikit-learn has one vector of coefficients: here each class has half of
        # it, so that the sum of squares is half as large.
        of_two = len(classes) == 2
        model = LogisticRegression(C=(2 if of_two else 1) / shrinkage, max_iter=MOST_STEPS)
        with np.errstate(all="ignore"):
            model.fit(features, label, sample_weight=weight / weight.sum())
        own, ends = model.coef_.T, model.intercept_
        if of_two:
            own, ends = np.hstack([-own, own]) / 2, np.r_[-ends, ends] / 2
        coef[:, classes], intercept[classes] = own, ends
        return coef, intercept

    def losses(self, outputs, target):
        """Cross-entropy of each row, in nats."""
        return -(target * log_softmax(outputs)).sum(axis=1)

    def strata(self, target):
        """The classes, of each of which every fold is to hold out a share."""
        return target.argmax(axis=1)


class Regression:
    """Numbers, of which the target is a row of unit variance for each row of X."""

    loss = TargetError()

    def shrinkages(self, target):
        """Weights that are tried; see `Classification.shrinkages`."""
        return SHRINKAGES

    def linear(self, features, target, weight, shrinkage):
        """Coefficients and intercepts of least squares; see `Classification.linear`."""
        from sklearn.linear_model import Ridge  # which takes long to import

        model = Ridge(alpha=shrinkage * target.shape[1] / 2, solver="cholesky")
        model.fit(features, target, sample_weight=weight / weight.sum())
        coef = np.reshape(model.coef_, (target.shape[1], -1)).T
        return coef, np.broadcast_to(model.intercept_, target.shape[1])

    def left_out_losses(self, features, target, weight, shrinkages):
        """Loss of each row by the linear model of all other rows, in closed form [1]_.

        Parameters
        ----------
        features, target, weight : as in `linear`
        shrinkages : sequence of float

        Returns
        -------
        losses : ndarray of shape (n_shrinkages, n_rows)

        References
        ----------
        .. [1] Allen, D. M. (1974). The relationship between variable selection and data
           augmentation and a method for prediction. Technometrics 16, 125-127.
           https://doi.org/10.1080/00401706.1974.10489157
        """
        share = weight / weight.sum()
        root = np.sqrt(share)[:, None]
        x, y = (root * (array - share @ array) for array in (features, target))
        left, singular, _ = np.linalg.svd(x, full_matrices=False)
        found = []
        for shrinkage in shrinkages:
            kept = np.square(singular)
            kept = kept / (kept + shrinkage * target.shape[1] / 2)
            leverage = share + np.square(left) @ kept
            rest = (y - left @ (kept[:, None] * (left.T @ y))) / root
            found.append(np.square(rest / (1 - leverage)[:, None]).mean(axis=1))
        return np.array(found)

    def losses(self, outputs, target):
        """Squared error of each row, mean over its targets."""
        return np.square(outputs - target).mean(axis=1)

    def strata(self, target):
        """No classes."""
        return np.zeros(len(target), int)


MOST_STEPS = 200
"""Steps of a logistic regression: what is left to gain, training goes on with."""


def log_softmax(outputs):
    """Logarithms of class probabilities, float64."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
