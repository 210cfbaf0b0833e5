"""Properties of every estimator, for data and parameters that hypothesis draws.

Five examples of each are drawn every time, 500 by the slow tests.
"""

import copy
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from cases import slow
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import skae
from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)

QUICK = settings(
    max_examples=5,
    derandomize=True,  # the same examples in each run
    deadline=None,  # the first fit of a network compiles
    database=None,
    suppress_health_check=list(HealthCheck),  # which measure time
    phases=[Phase.explicit, Phase.generate],  # to look for a smaller example takes minutes
)
FULL = settings(QUICK, max_examples=500, phases=list(Phase))

pytestmark = pytest.mark.filterwarnings("ignore")  # of what few rows and epochs are worth


PROFILES = [pytest.param(QUICK, id="5"), pytest.param(FULL, id="500", marks=slow)]


def drawn(**strategies):
    """Make a test of a property: one of five examples, and one of 500 that is slow."""

    def decorate(holds):
        @pytest.mark.parametrize("profile", PROFILES)
        def test(profile):
            profile(given(**strategies)(holds))()

        test.__doc__ = holds.__doc__
        return test

    return decorate


# What is drawn: few widths and depths, because each compiles programs of its own.

widths = st.sampled_from([1, 3, 6])
dtypes = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, bool])
scales = st.sampled_from([1e-6, 1.0, 255.0, 1e6])
shifts = st.sampled_from([0.0, -3.0, 1e4])


@st.composite
def rows(draw, fewest=1):
    """A matrix of few rows, of any type, scale and place, with what is awkward in it."""
    n_rows, n_features = draw(st.integers(fewest, 40)), draw(widths)
    X = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=(n_rows, n_features))
    X = draw(shifts) + draw(scales) * X
    awkward = draw(st.sampled_from(["", "", "", "constant column", "zeros", "copies", "one-hot"]))
    if awkward == "constant column":
        X[:, 0] = X[0, 0]
    elif awkward == "zeros":
        X[:] = 0
    elif awkward == "copies":
        X[:] = X[0]
    elif awkward == "one-hot":
        X = np.eye(n_features)[np.arange(n_rows) % n_features]
    dtype = draw(dtypes)
    if dtype is np.uint8:
        X = np.abs(X) % 256
    elif dtype is np.float16:
        X = np.clip(X, -1e3, 1e3)
    X = X.astype(dtype)
    return np.asfortranarray(X) if draw(st.booleans()) else X


SHARED = {
    "n_components": st.sampled_from([1, 2, None, 0.9]),
    "hidden_layer_sizes": st.sampled_from([(), (4,), (4, 3)]),
    "activation": st.sampled_from(["relu", "tanh", "selu"]),
    "solver": st.sampled_from(["adam", "sgd"]),
    "learning_rate_init": st.floats(1e-6, 0.1),
    "learning_rate": st.sampled_from(["constant", "cosine", "adaptive"]),
    "alpha": st.sampled_from(["auto", 0.0, 1e-3]),
    "batch_size": st.sampled_from(["auto", 1, 7, 1000]),
    "max_iter": st.integers(1, 3),
    "shuffle": st.booleans(),
    "tol": st.sampled_from([0.0, 1e-4]),
    "init": st.sampled_from(["pca", "random"]),
    "missing": st.sampled_from(["error", "mask"]),
    "random_state": st.integers(0, 2**32 - 1),
}

OWN = {
    AutoencoderTransformer: {"loss": st.sampled_from(["squared_error", "absolute_error"])},
    DenoisingAutoencoder: {
        "corruption": st.sampled_from(["gaussian", "masking", "swap"]),
        "corruption_level": st.floats(0, 0.9),
    },
    SparseAutoencoder: {
        "sparsity": st.sampled_from(["l1", "kl"]),
        "sparsity_weight": st.floats(0, 1),
    },
    ContractiveAutoencoder: {"contraction": st.floats(0, 10)},
    VariationalAutoencoder: {
        "beta": st.floats(0, 10),
        "kl_warmup": st.integers(0, 3),
        "noise_variance": st.sampled_from(["auto", "learned", 0.1]),
    },
}


@st.composite
def autoencoders(draw, classes=tuple(OWN)):
    """An autoencoder of any class, with up to five parameters that are no defaults."""
    cls = draw(st.sampled_from(classes))
    every = {**SHARED, **OWN[cls]}
    names = draw(st.sets(st.sampled_from(sorted(every)), max_size=5))
    small = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
    return cls(**{**small, **{name: draw(every[name]) for name in sorted(names)}})


@st.composite
def estimators(draw):
    """An autoencoder, or an estimator that is built on one."""
    inner = draw(autoencoders())
    wrap = draw(
        st.sampled_from(
            [
                lambda inner: inner,
                lambda inner: AutoencoderOutlierDetector(inner, random_state=0),
                lambda inner: AutoencoderClassifier(inner, max_iter=2, random_state=0),
                lambda inner: AutoencoderRegressor(inner, max_iter=2, random_state=0),
                lambda inner: AutoencoderImputer(inner, random_state=0),
            ]
        )
    )
    return wrap(inner)


def fitted_or_refused(estimator, X, y=None):
    """The fitted estimator; None where the data are refused in words, and it is as it was."""
    before = dict(vars(estimator))
    try:
        return estimator.fit(X, y)
    except ValueError as error:
        message = str(error)
    assert any(word in message for word in WORDS), message
    assert vars(estimator) == before
    return None


WORDS = ("X ", "n_components", "learning_rate_init", "classes", "batch")
"""What errors name that tell of the data, or of a parameter that does not suit them."""


def results(estimator, X):
    """What all methods that take rows give."""
    methods = ("transform", "reconstruct", "reconstruction_error", "score_samples", "predict")
    return {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}


def floating(dtype):
    """The type of results for rows of a type: single or double precision."""
    return np.float32 if dtype in (np.float32, np.float16) else np.float64


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)


@drawn(estimator=autoencoders(), X=rows())
def test_codes_and_reconstructions_have_the_shape_type_and_bits_that_were_promised(estimator, X):
    before = X.copy()
    if fitted_or_refused(estimator, X) is None:
        return
    code, R = estimator.transform(X), estimator.reconstruct(X)
    np.testing.assert_array_equal(X, before)
    assert code.shape == (len(X), len(estimator.get_feature_names_out()))
    assert R.shape == X.shape
    assert code.dtype == R.dtype == floating(X.dtype)
    assert np.isfinite(code).all()
    assert np.isfinite(R).all()
    np.testing.assert_array_equal(estimator.inverse_transform(code), R)
    np.testing.assert_array_equal(estimator.transform(X), code)
    row = len(X) // 2
    np.testing.assert_array_equal(estimator.transform(X[row : row + 1])[0], code[row])
    np.testing.assert_array_equal(estimator.reconstruct(X[::-1])[::-1], R)


@drawn(estimator=estimators(), X=rows(fewest=8))
def test_copies_are_equal_and_clones_fit_the_same(estimator, X):
    y = np.arange(len(X)) % 2
    if fitted_or_refused(estimator, X, y) is None:
        return
    expected = results(estimator, X)
    with tempfile.TemporaryDirectory() as folder:
        skae.save(estimator, Path(folder, "model.skae"))
        loaded = skae.load(Path(folder, "model.skae"))
    for again in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator), loaded):
        assert_same(results(again, X), expected)
        assert repr(again) == repr(estimator)
    anew = clone(loaded)
    with pytest.raises(NotFittedError):
        check_is_fitted(anew)
    assert_same(results(anew.fit(X, y), X), expected)


SCALED = st.integers(-40, 40).map(lambda power: 2.0**power)


@drawn(estimator=autoencoders(), X=rows(), c=SCALED)
def test_a_power_of_two_as_scale_changes_no_bit(estimator, X, c):
    """Centre and scale of the data are multiplied exactly, so what is trained on is the same."""
    X = X.astype(float)
    if getattr(estimator, "corruption", None) == "gaussian":
        estimator.set_params(corruption="swap")  # its level would have the units of X
    if getattr(estimator, "noise_variance", None) == 0.1:
        estimator.set_params(noise_variance="learned")
    scaled = fitted_or_refused(clone(estimator), c * X)
    if scaled is None or fitted_or_refused(estimator, X) is None:
        return
    np.testing.assert_array_equal(scaled.transform(c * X), estimator.transform(X))
    np.testing.assert_array_equal(scaled.reconstruct(c * X), c * estimator.reconstruct(X))
