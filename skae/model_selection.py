"""Searches whose fits go on side by side."""

from numbers import Integral

import numpy as np
from joblib import cpu_count, parallel_config
from joblib.parallel import BACKENDS
from sklearn.model_selection import GridSearchCV

from ._engine import Population, networks_at_once
from ._sklearn_compat import Interval, StrOptions, fit_context

__all__ = ["PopulationSearchCV"]


class PopulationSearchCV(GridSearchCV):
    """Grid search whose fits go on side by side, on a GPU many networks in one program.

    It is `sklearn.model_selection.GridSearchCV` in other hands: parameters, attributes and methods
    are the same, but for how the fits are spread. They go on in threads, which share all compiled
    programs. On a GPU, which a small network leaves almost idle, the folds and candidates whose
    networks have one architecture take each epoch together, in one program that computes all of
    them.

    Parameters
    ----------
    estimator : estimator
        An autoencoder, what is built on one, or a Pipeline with one in it. Others are searched,
        too, but gain no more than threads give.
    param_grid : dict or list of dict
        Names of parameters, and lists of values to try.
    scoring : str, callable, list, tuple or dict, default=None
        How to score; None for the estimator's own `score`.
    refit : bool, str or callable, default=True
        Whether, or by which score, to fit the best candidate on all rows.
    cv : int, splitter or iterable, default=None
        Folds; None for five.
    verbose : int, default=0
        How much to print, as in `GridSearchCV`.
    error_score : "raise" or float, default=nan
        Score of a fit that failed.
    return_train_score : bool, default=False
        Whether to score the training rows, too.
    n_networks : "auto" or int, default="auto"
        Most networks in one program. "auto" is 64 on a GPU and 1 on a processor, where the fits go
        on in as many threads as there are cores, which was faster there (see Notes).

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_
        And all others of `GridSearchCV`.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : The same, one fit after another or in processes.

    Notes
    -----
    With ``n_networks=1`` the results are those of `GridSearchCV` to the bit. A program of several
    networks sums products in another order, and training makes more of such differences: scores
    were apart by up to 3e-4 of their size after 30 epochs on a processor, and equal on a GPU
    (``docs/benchmarks/population.py``).

    A candidate waits for the others after each epoch, and fit times in `cv_results_` contain that.
    Values of `param_grid` that change no shape (step sizes, penalties, seeds) gain most: another
    `n_components` is another program.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skae import AutoencoderTransformer, PopulationSearchCV
    >>> X, _ = load_iris(return_X_y=True)
    >>> autoencoder = AutoencoderTransformer(2, max_iter=20, random_state=0)
    >>> search = PopulationSearchCV(autoencoder, {"learning_rate_init": [1e-4, 1e-2]}, cv=3)
    >>> search.fit(X).best_params_
    {'learning_rate_init': 0.01}
    """

    _parameter_constraints = {
        **{
            name: constraints
            for name, constraints in GridSearchCV._parameter_constraints.items()
            if name not in ("n_jobs", "pre_dispatch")
        },
        "n_networks": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        refit=True,
        cv=None,
        verbose=0,
        error_score=np.nan,
        return_train_score=False,
        n_networks="auto",
    ):
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.n_networks = n_networks

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit and score each candidate on each fold, then the best on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
            What is to be predicted, where something is.
        **params : dict
            As in `GridSearchCV.fit`.

        Returns
        -------
        self : PopulationSearchCV
        """
        most = networks_at_once() if self.n_networks == "auto" else self.n_networks
        if most == 1:
            with parallel_config("threading", n_jobs=cpu_count()):
                return super().fit(X, y, **params)
        population = Population(most)
        try:
            with parallel_config(_Members(population), n_jobs=most):
                return super().fit(X, y, **params)
        except BaseException:
            population.cancel()
            raise


class _Members(BACKENDS["threading"]):
    """joblib's threads, as members of a `Population` while they work on a task."""

    def __init__(self, population=None, **options):
        super().__init__(**options)
        self._population = population

    def submit(self, func, callback=None):
        """Begin a task."""
        return super().submit(self._as_member(func), callback)

    def apply_async(self, func, callback=None):
        """Begin a task; the name before joblib 1.5."""
        return super().apply_async(self._as_member(func), callback)

    def _as_member(self, task):
        def call():
            with self._population.member():
                return task()

        return call
