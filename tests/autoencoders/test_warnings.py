"""What a fit warns of: a training that ended too early."""

import warnings

import numpy as np
import pytest
from cases import slow
from sklearn.datasets import make_s_curve
from sklearn.exceptions import ConvergenceWarning

from skae import AutoencoderTransformer, VariationalAutoencoder
from skae.exceptions import StillImprovingWarning


@pytest.fixture(scope="module")
def X():
    """A curved surface in 40 columns, which takes long to learn."""
    rng = np.random.RandomState(0)
    curve = make_s_curve(400, random_state=0)[0]
    return curve @ rng.normal(size=(3, 40)) + 0.05 * rng.normal(size=(400, 40))


def fitted(cls, X, method="fit", **params):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = getattr(cls(2, random_state=0, **params), method)(X)
    return estimator, [w for w in caught if issubclass(w.category, StillImprovingWarning)]


@pytest.mark.parametrize("cls", [AutoencoderTransformer, VariationalAutoencoder])
def test_a_fit_that_ends_while_improving_says_so(cls, X):
    estimator, found = fitted(cls, X, max_iter=40, init="random", alpha=0.0)
    (warning,) = found
    assert issubclass(warning.category, ConvergenceWarning)
    middle, last = estimator.loss_curve_[19], estimator.loss_curve_[-1]
    left = last if cls is AutoencoderTransformer else 20
    assert middle - last > 0.2 * left
    assert f"from {middle:.4g} to {last:.4g}" in str(warning.message)


@slow
def test_one_that_has_learned_does_not(X):
    rng = np.random.default_rng(0)
    linear = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(400, 6))
    for cls in (AutoencoderTransformer, VariationalAutoencoder):
        assert fitted(cls, linear, max_iter=20)[1] == []
    assert fitted(AutoencoderTransformer, X, "partial_fit")[1] == []
    assert fitted(AutoencoderTransformer, X, max_iter=1)[1] == []


def test_a_fit_that_was_stopped_does_not(X):
    estimator, found = fitted(AutoencoderTransformer, X, max_iter=60, tol=1e9, n_iter_no_change=2)
    assert estimator.n_iter_ < 60
    assert found == []
