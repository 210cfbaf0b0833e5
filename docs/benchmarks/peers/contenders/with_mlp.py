"""The contender `MLPRegressor`, fitted from X to X; its loss is the squared error."""

import warnings
from contextlib import redirect_stdout

from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_squared_error
from sklearn.neural_network import MLPRegressor

from peers.contenders import Fitted, grid_search
from peers.job import ADAM_EPSILON

warnings.simplefilter("ignore", ConvergenceWarning)


class SelfRegressor(MLPRegressor):
    """MLPRegressor whose target is its input."""

    def fit(self, X, y=None):
        """Fit X to X."""
        return super().fit(X, X)

    def score(self, X, y=None):
        """Minus the mean squared error."""
        return -mean_squared_error(X, self.predict(X))


def fit(X, job, clock):
    """Fit a regressor."""
    with redirect_stdout(clock):
        mlp = make_estimator(job, verbose=True).fit(X)
    return Fitted(mlp.predict, sum(array.size for array in mlp.coefs_ + mlp.intercepts_))


def search(X, job, grid):
    """Search with GridSearchCV."""
    values = {
        "learning_rate_init": grid.step_sizes,
        "alpha": [own_alpha(job, alpha) for alpha in grid.alphas],
    }
    return grid_search(make_estimator(job), values, grid.n_folds, X).predict


def own_alpha(job, alpha):
    """The `alpha` of MLPRegressor that weighs the penalty as `alpha` does in a job.

    It minimises half the sum of squared errors and `alpha` times half the sum of squared weights,
    each divided by the number of rows in the batch alone.
    """
    return job.penalty_of(alpha) * job.batch_size * job.n_features


def make_estimator(job, **params):
    """Make the regressor of a job."""
    return SelfRegressor(
        hidden_layer_sizes=job.widths[1:-1],
        alpha=own_alpha(job, job.alpha),
        epsilon=ADAM_EPSILON,
        learning_rate_init=job.step_size,
        batch_size=job.batch_size,
        max_iter=job.n_epochs,
        tol=0.0,
        n_iter_no_change=job.n_epochs + 1,
        random_state=job.seed,
        **params,
    )
