"""When to stop: the rules of scikit-learn's multi-layer perceptrons."""

import math


class StoppingRule:
    """Stop after `n_iter_no_change` epochs in a row that improve by less than `tol`.

    The rule of `sklearn.neural_network.MLPRegressor`: an epoch counts as one without change when
    its loss is above the best so far less `tol`, while the best is the lowest loss whatever the
    margin.

    Parameters
    ----------
    tol : float
    n_iter_no_change : int or inf
    on_validation : bool, default=False
        Whether the loss is that of validation rows, and the best weights are to be restored.
    """

    def __init__(self, tol, n_iter_no_change, *, on_validation=False):
        self.tol = tol
        self.on_validation = on_validation
        self.n_iter_no_change = n_iter_no_change
        self.best_loss = math.inf
        self._no_change = 0

    @property
    def state(self):
        """Lowest loss so far, and number of epochs without change."""
        return self.best_loss, self._no_change

    @state.setter
    def state(self, state):
        self.best_loss, self._no_change = state

    def update(self, loss):
        """Take note of an epoch's loss; returns whether it is the lowest so far."""
        if loss > self.best_loss - self.tol:
            self._no_change += 1
        else:
            self._no_change = 0
        improved = loss < self.best_loss
        if improved:
            self.best_loss = loss
        return improved

    @property
    def met(self):
        """Whether it is time to stop."""
        return self._no_change > self.n_iter_no_change

    def restart(self):
        """Count anew, keeping the best loss."""
        self._no_change = 0
