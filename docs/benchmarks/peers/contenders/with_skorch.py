"""The contender skorch: torch networks as scikit-learn estimators."""

import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback

from peers.contenders import Fitted, grid_search
from peers.contenders.with_torch import make_network
from peers.job import ADAM_EPSILON


class Ticking(Callback):
    """Tells a clock of the end of each epoch."""

    def __init__(self, clock):
        self.clock = clock

    def on_epoch_end(self, net, **_):
        """Tell the clock."""
        self.clock.tick()


def fit(X, job, clock):
    """Fit an estimator."""
    net = make_estimator(job, callbacks=[Ticking(clock)]).fit(X, X)
    return Fitted(net.predict, sum(weight.numel() for weight in net.module_.parameters()))


def search(X, job, grid):
    """Search with GridSearchCV; the weight decay gives the penalty's gradient."""
    values = {
        "lr": grid.step_sizes,
        "optimizer__weight_decay": [2 * job.penalty_of(alpha) for alpha in grid.alphas],
    }
    options = {"targets": X, "scoring": "neg_mean_squared_error"}
    return grid_search(make_estimator(job), values, grid.n_folds, X, **options).predict


def make_estimator(job, **params):
    """Make the estimator of a job with the squared error."""
    torch.manual_seed(job.seed)
    return NeuralNetRegressor(
        make_network,
        module__job=job,
        optimizer=torch.optim.Adam,
        optimizer__eps=ADAM_EPSILON,
        optimizer__fused=True,
        optimizer__param_groups=[("*bias", {"weight_decay": 0.0})],
        lr=job.step_size,
        max_epochs=job.n_epochs,
        batch_size=job.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        **params,
    )
