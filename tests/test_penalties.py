"""Penalties on the code against NumPy: sparsity and contraction, value and gradient."""

import numpy as np
import pytest
from cases import slow
from reference import numerical_gradient
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits

from skae import ContractiveAutoencoder, SparseAutoencoder
from skae._engine import Objective, PointCode, Recipe, draws, graph_of, program_info
from skae._engine.graph import initial_weights
from skae._engine.objective import jacobian_norm
from skae.architectures import Conv, Dense
from skae.losses import SquaredError
from skae.penalties import CodeKL, CodeL1, Contraction

N_ROWS, N_FEATURES, N_UNITS = 6, 5, 3


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16


def encode(weights, X):
    """The code of a 5-4-3 encoder, tanh layers, logistic code."""
    hidden = np.tanh(X @ weights[0] + weights[1])
    return expit(hidden @ weights[2] + weights[3])


def jacobian(function, x, step=1e-6):
    """d function / d x at one row, by central differences."""
    columns = [
        (function(x + step * unit) - function(x - step * unit)) / (2 * step)
        for unit in np.eye(len(x))
    ]
    return np.stack(columns, axis=1)


def kl(target, activity):
    return target * np.log(target / activity) + (1 - target) * np.log((1 - target) / (1 - activity))


def code_l1(weights, X, w):
    return w @ np.abs(encode(weights, X)).sum(axis=1) / len(X)


def code_kl(weights, X, w):
    return kl(0.1, np.average(encode(weights, X), axis=0, weights=w)).sum()


def contraction(weights, X, w):
    jacobians = [jacobian(lambda row: encode(weights, row), x) for x in X]
    return w @ np.square(jacobians).sum(axis=(1, 2)) / len(X)


@pytest.mark.parametrize(
    ("penalty", "by_definition"),
    [(CodeL1(), code_l1), (CodeKL(0.1), code_kl), (Contraction(), contraction)],
    ids=["l1", "kl", "contraction"],
)
def test_value_and_gradient(penalty, by_definition):
    import jax

    rng = np.random.default_rng(0)
    architecture = Dense((4,), activation="tanh", linear_path=False)
    recipe = Recipe(architecture, N_FEATURES, N_UNITS, PointCode("logistic"))
    X = rng.uniform(-1, 1, size=(N_ROWS, N_FEATURES))
    w = rng.uniform(0.5, 2, size=N_ROWS)
    weights = [np.asarray(w, np.float64) for w in initial_weights(recipe, 0)[0]]
    weights = [array + 0.2 * rng.normal(size=array.shape) for array in weights]
    batch = (X.astype("f4"), X.astype("f4"), (w / N_ROWS).astype("f4"))
    seed = np.zeros(2, np.uint32)

    def penalty_alone(trainable):
        plain = Objective(SquaredError())
        with_penalty, without = (
            objective(
                graph_of(recipe),
                (trainable, []),
                batch,
                {**objective.numbers_at(0), "constants": {}},
                seed,
            )[0]
            for objective in (plain.plus(penalty, 0.7), plain)
        )
        return with_penalty - without

    def by_numpy(arrays):
        return 0.7 * by_definition(arrays, X, w)

    got, gradient = jax.value_and_grad(penalty_alone)([array.astype("f4") for array in weights])
    assert float(got) == pytest.approx(by_numpy(weights), rel=1e-4)
    expected = numerical_gradient(by_numpy, weights, step=1e-4)
    for ours, theirs in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param(Dense((), activation="tanh"), marks=slow),
        Dense((7, 6), activation=["silu", "tanh"], dropout=0.3),
        pytest.param(Dense((80,), activation="relu", tied=True), marks=slow),
        pytest.param(Dense((7,), normalization="layer"), marks=slow),
        Conv((8, 8), (2, 3), activation="tanh"),
    ],
    ids=repr,
)
def test_the_norm_is_that_of_an_explicit_jacobian(architecture, digits):
    import jax

    recipe = Recipe(architecture, 64, 5, PointCode("logistic"))
    graph, weights = graph_of(recipe), initial_weights(recipe, 0)
    X = digits[:4].astype(np.float32)
    explicit = jax.vmap(jax.jacobian(lambda x: graph.encode(weights, x[None])[0]))(X)
    norm = jacobian_norm(graph, weights, X, draws(np.zeros(2, np.uint32)))
    np.testing.assert_allclose(norm, np.square(explicit).sum(axis=(1, 2)), rtol=1e-4)


@slow
def test_the_estimate_for_wide_codes_is_unbiased(digits):
    import jax

    recipe = Recipe(Conv((8, 8), (2, 3), activation="tanh"), 64, 20, PointCode("logistic"))
    graph, weights = graph_of(recipe), initial_weights(recipe, 0)
    X = digits[:3].astype(np.float32)
    explicit = jax.vmap(jax.jacobian(lambda x: graph.encode(weights, x[None])[0]))(X)
    exact = np.square(explicit).sum(axis=(1, 2))
    norm = jax.jit(lambda seed: jacobian_norm(graph, weights, X, draws(seed)))
    norms = np.array([norm(np.array([0, number], np.uint32)) for number in range(500)])
    error = norms.std(axis=0) / np.sqrt(len(norms))
    assert (error < 0.05 * exact).all()
    assert (np.abs(norms.mean(axis=0) - exact) < 4 * error).all()


@slow
def test_contraction_shrinks_the_jacobian(digits):
    def norm(weight):
        fitted = ContractiveAutoencoder(4, contraction=weight, max_iter=10, random_state=0)
        graph = graph_of(fitted.fit(digits)._network.recipe)
        weights = (fitted._network.trainable, fitted._network.fixed)
        X = digits[:100].astype(np.float32)
        return np.mean(jacobian_norm(graph, weights, X, draws(np.zeros(2, np.uint32))))

    assert norm(0.0) > 2 * norm(1e-2) > 4 * norm(1.0)


@slow
def test_more_weight_gives_more_values_near_zero(digits):
    shares = []
    for weight in (0.0, 1e-3, 1e-2):
        sparse = SparseAutoencoder(
            16, sparsity_weight=weight, code_activation="relu", max_iter=20, random_state=1
        )
        with pytest.warns(UserWarning, match="constant"):
            code = sparse.fit_transform(digits)
        shares.append((code < 1e-3).mean())
    assert shares[0] < shares[1] < shares[2]


def test_kl_pulls_the_mean_activity_to_its_target(digits):
    sparse = SparseAutoencoder(
        16, sparsity="kl", sparsity_weight=1.0, sparsity_target=0.2, max_iter=40, random_state=0
    )
    activity = sparse.fit_transform(digits).mean(axis=0)
    np.testing.assert_allclose(activity, 0.2, atol=0.03)


@pytest.mark.parametrize(
    ("estimator", "name", "values"),
    [
        (SparseAutoencoder(2), "sparsity_weight", [0.0, 1e-3, 0.1]),
        (SparseAutoencoder(2, sparsity="kl"), "sparsity_target", [0.05, 0.2]),
        (ContractiveAutoencoder(2), "contraction", [0.0, 1e-3, 0.1]),
    ],
)
def test_a_sweep_compiles_nothing_new(estimator, name, values, digits):
    estimator = clone(estimator).set_params(solver="sgd", max_iter=1, random_state=0)
    first = estimator.set_params(**{name: values[0]}).fit_transform(digits[:200])
    made = program_info()["made"]
    for value in values[1:]:
        code = estimator.set_params(**{name: value}).fit_transform(digits[:200])
        assert not np.array_equal(code, first)
    assert program_info()["made"] == made


def test_kl_needs_a_code_between_zero_and_one(digits):
    estimator = SparseAutoencoder(sparsity="kl", code_activation="relu")
    with pytest.raises(ValueError, match="code_activation='logistic' or 'auto', got 'relu'"):
        estimator.fit(digits)
