"""The search whose fits go on side by side, beside scikit-learn's."""

import numpy as np
import pytest
from cases import slow_but
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skae import AutoencoderTransformer, PopulationSearchCV, VariationalAutoencoder
from skae._engine import clear_programs, program_info

X, y = load_iris(return_X_y=True)
SCORES = ["mean_test_score", "split0_test_score", "split1_test_score", "rank_test_score"]


def small(**params):
    params = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "tol": 0, **params}
    return AutoencoderTransformer(2, **params)


GRID = {"learning_rate_init": [1e-3, 1e-2, 3e-2], "hidden_layer_sizes": [(4,), (5,)]}


def searched(n_networks, estimator=None, grid=GRID, cv=2, y=None, **params):
    """The results of skae's search and of scikit-learn's."""
    estimator = estimator or small()
    ours = PopulationSearchCV(estimator, grid, cv=cv, n_networks=n_networks, **params)
    theirs = GridSearchCV(estimator, grid, cv=cv, **params)
    return ours.fit(X, y), theirs.fit(X, y)


def assert_equal_results(ours, theirs, rtol):
    assert ours.best_params_ == theirs.best_params_
    for name in SCORES:
        np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name], rtol=rtol)
    for name in ("transform", "predict", "score_samples"):
        assert hasattr(ours, name) == hasattr(theirs, name)


def test_threads_give_the_results_of_a_grid_search_to_the_bit():
    assert_equal_results(*searched("auto"), rtol=0)


def test_many_networks_in_one_program_give_them_to_rounding():
    clear_programs()
    ours, theirs = searched(8)
    assert_equal_results(ours, theirs, rtol=1e-5)
    assert program_info()["made"]["mapped epoch"] >= 2  # of two architectures


VALIDATED = small(early_stopping=True, missing="mask")
BATCHES = small(learning_rate="cosine", shuffle=False, batch_size=20)
DRAWN = VariationalAutoencoder(2, hidden_layer_sizes=(4,), max_iter=3, random_state=0)


@pytest.mark.parametrize(
    "estimator",
    slow_but(VALIDATED, of=[VALIDATED, BATCHES, DRAWN]),
    ids=["held out", "batches", "drawn"],
)
def test_kinds_of_trainings(estimator):
    ours, theirs = searched(4, estimator, {"random_state": [0, 1]})
    # Rows held out are few, and draws large.
    assert_equal_results(ours, theirs, rtol=1e-4)


def test_a_pipeline_with_a_classifier():
    pipe = make_pipeline(small(), LogisticRegression())
    grid = {"autoencodertransformer__learning_rate_init": [1e-3, 1e-2]}
    ours, theirs = searched(4, pipe, grid, y=y, return_train_score=True)
    assert_equal_results(ours, theirs, rtol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_one_that_diverges_does_not_harm_the_others():
    grid = {"learning_rate_init": [1e-3, 1e30]}
    search = PopulationSearchCV(small(solver="sgd"), grid, cv=2, n_networks=4).fit(X)
    scores = search.cv_results_["mean_test_score"]
    alone = GridSearchCV(small(solver="sgd"), {"learning_rate_init": [1e-3]}, cv=2).fit(X)
    np.testing.assert_allclose(scores[0], alone.best_score_, rtol=1e-5)
    assert np.isnan(scores[1])


def test_an_estimator_without_a_network():
    ours, theirs = searched(2, LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, y=y)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


def test_an_error_ends_the_search():
    search = PopulationSearchCV(
        small(solver="sgd"), {"learning_rate_init": [1e-3, 1e30]}, cv=2, n_networks=4,
        error_score="raise",
    )  # fmt: skip
    with pytest.raises(ValueError, match="loss became"):
        search.fit(X)


def test_it_is_cloned_and_its_parameters_are_checked():
    search = PopulationSearchCV(small(), GRID, n_networks=7)
    assert clone(search).get_params()["n_networks"] == 7
    for wrong in (0, 1.5, "all"):
        with pytest.raises(ValueError, match="'n_networks' parameter of PopulationSearchCV"):
            PopulationSearchCV(small(), GRID, n_networks=wrong).fit(X)
