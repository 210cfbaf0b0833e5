"""The cache of programs, and how programs are compiled."""

import copy
import dataclasses

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae._engine import _jax, clear_programs, content_key, inference, program_info
from skae._engine.programs import ProgramCache, compile_program
from skae.architectures import Architecture, Dense


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:400] / 16


def autoencoder(**params):
    settings = {"n_components": 4, "solver": "sgd", "max_iter": 5, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


def test_the_store_of_programs_is_bounded():
    cache = ProgramCache(maxsize=3)
    for key in range(10):
        assert cache.get("square", key, lambda key=key: key * key) == key * key
    assert cache.info() == {"held": 3, "made": {"square": 10}}
    cache.get("square", 9, lambda: pytest.fail("made twice"))


def test_large_tiles_that_differ_are_not_used(digits, monkeypatch):
    function = inference.inference_function

    def depending_on_the_shape(kind, graph, objective):
        compute = function(kind, graph, objective)

        def computed(weights, X, *extra):
            return compute(weights, X, *extra) * (1 + 1e-6 * (len(X) > inference.TILE_ROWS))

        return computed

    clear_programs()
    monkeypatch.setattr(inference, "inference_function", depending_on_the_shape)
    X = np.resize(digits, (inference.LARGE_FROM * inference.LARGE_TILE_ROWS, 64))
    estimator = autoencoder().fit(digits)
    np.testing.assert_array_equal(estimator.transform(X)[:50], estimator.transform(X[:50]))
    assert program_info()["made"]["agreement"] == 1
    clear_programs()


def test_a_network_of_zeros_does_not_decide_on_the_tiles_of_others():
    """All of its codes are zero, whatever the tiles; the programs serve every network of it."""
    clear_programs()
    X = np.random.default_rng(0).normal(size=(4 * inference.LARGE_TILE_ROWS, 64))
    fitted = autoencoder(hidden_layer_sizes=(100, 37), max_iter=1).fit(X[:100])
    network, dead = fitted._network, copy.copy(fitted)
    trainable, fixed = ([0 * a for a in part] for part in (network.trainable, network.fixed))
    dead._network = dataclasses.replace(network, trainable=trainable, fixed=fixed)
    assert not dead.transform(X).any()
    np.testing.assert_array_equal(fitted.transform(X)[:50], fitted.transform(X[:50]))
    clear_programs()


def test_results_that_are_all_the_same_do_not_show_that_tiles_agree(digits, monkeypatch):
    """An activation of a user's may be constant for the random rows that are tried."""
    network = dataclasses.replace(autoencoder().fit(digits)._network)
    clear_programs()
    monkeypatch.setattr(inference, "inference_function", lambda *_: lambda weights, X, *_: 0 * X)
    resident = inference._resident(network)
    compiled = inference._Compiled(network.recipe, "encode", None, resident, 64, ({},))
    n_rows = inference.LARGE_FROM * inference.LARGE_TILE_ROWS
    assert compiled.tile_rows(n_rows) == inference.TILE_ROWS
    clear_programs()


def test_options_that_a_compiler_lacks_are_left_out():
    double = compile_program(
        "test", "options", lambda: lambda x: 2 * x, (np.float32(0),),
        cpu_options={"xla_of_another_version": True},
    )  # fmt: skip
    assert double(np.float32(3)) == 6


class Summing(Architecture):
    """Its encoder adds the features up, one by one, in a loop."""

    rounds_traced = 0

    def build(self, input_shape, n_components):
        from keras import Sequential, layers, ops

        def add(total, feature):
            Summing.rounds_traced += 1
            return total + feature, None

        def total(X):
            return ops.scan(add, X[:, 0], ops.transpose(X[:, 1:]))[0][:, None]

        encoder = Sequential([layers.Input(input_shape), layers.Lambda(total, output_shape=(1,))])
        decoder = Sequential([layers.Input((1,)), layers.Dense(input_shape[0])])
        return encoder, decoder


def test_loops_of_a_users_layer_are_not_unrolled(digits):
    """With a logistic output the network gets the data as they are."""
    fitted = autoencoder(n_components=1, architecture=Summing(), output_activation="logistic").fit(
        digits
    )
    np.testing.assert_allclose(fitted.transform(digits)[:, 0], digits.sum(axis=1), rtol=1e-6)
    assert 0 < Summing.rounds_traced < digits.shape[1] / 2


@pytest.mark.parametrize(
    ("part", "is_own"), [(Dense(), True), ("adam", True), (Summing(), False), (print, True)]
)
def test_programs_without_a_users_code_are_traced_as_one_function(part, is_own):
    """Else JAX keeps the traces of all that they call; `repeat` is a loop in either."""
    inlined = []

    def double(number, x):
        inlined.append(jax.config.jax_disable_jit)
        return 2 * x

    power = compile_program(
        "test", (content_key(part), is_own), lambda: lambda x: _jax.repeat(40, double, x),
        (np.float32(0),),
    )  # fmt: skip
    assert power(np.float32(3)) == 3 * 2.0**40
    assert set(inlined) == {is_own}
    assert len(inlined) < 5
    assert not jax.config.jax_disable_jit


def test_a_search_over_numbers_compiles_two_programs_at_most(digits):
    clear_programs()
    grid = {"learning_rate_init": [1e-3, 3e-3, 1e-2], "alpha": [0.0, 1e-4, 1e-3, 1e-2]}
    X = digits[:397]  # folds of two lengths
    GridSearchCV(autoencoder(max_iter=2), grid, cv=5).fit(X)
    assert program_info()["made"]["epoch"] <= 2


def test_a_search_over_noise_compiles_one_program(digits):
    clear_programs()
    denoiser = DenoisingAutoencoder(4, max_iter=2, random_state=0)
    grid = {"corruption_level": [0.0, 0.1, 0.2, 0.4]}
    search = GridSearchCV(denoiser, grid, cv=4, refit=False)
    search.fit(digits)
    assert program_info()["made"]["epoch"] == 1
    assert len(set(search.cv_results_["mean_test_score"])) == 4
