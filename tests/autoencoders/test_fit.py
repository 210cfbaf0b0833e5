"""What a fit keeps, what it refuses, and how it arranges its rows."""

import warnings
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from skae import (
    AutoencoderTransformer,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._autoencoders._fit import Fit
from skae._autoencoders._outcome import check_outputs
from skae._data import Rows
from skae._engine import graph_of, program_info
from skae.architectures import Architecture, Dense
from skae.losses import Loss
from skae.penalties import CodeKL, Penalty, PosteriorKL


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:200] / 16


def autoencoder(**params):
    settings = {
        "n_components": 2, "hidden_layer_sizes": (8,), "solver": "sgd", "max_iter": 3,
        "random_state": 0,
    }  # fmt: skip
    return AutoencoderTransformer(**{**settings, **params})


# What is kept is finite


@pytest.mark.parametrize("max_iter", [1, 2])
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "sgd", "learning_rate_init": 1e30},
        {"solver": "sgd", "learning_rate_init": 1e38},
        {"solver": "sgd", "alpha": 1e30},
        {"solver": "adam", "learning_rate_init": 1e39},
        {"solver": "rmsprop", "learning_rate_init": 1e38},
    ],
    ids=repr,
)
def test_a_last_step_that_diverges_leaves_the_earlier_fit(params, max_iter, digits):
    estimator = autoencoder().fit(digits)
    before = estimator.transform(digits)
    estimator.set_params(**params, max_iter=max_iter)
    for fit in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match=r"infinite or NaN|loss became"):
            fit(digits)
        np.testing.assert_array_equal(estimator.transform(digits), before)
        assert estimator.n_iter_ == 3


def test_an_infinite_code_is_refused_where_the_output_is_finite(digits):
    """A logistic output is 0 or 1 there."""
    estimator = AutoencoderTransformer(
        1, architecture=Dense(()), output_activation="logistic", init="random", max_iter=1
    ).fit(digits)
    code = np.full((1, 1), np.inf)
    assert np.isfinite(estimator._network.decode(Rows(code), np.empty((1, 64), np.float32))).all()
    with pytest.raises(ValueError, match="output became infinite or NaN"):
        check_outputs(estimator._network, code)


@pytest.mark.parametrize("magnitude", [1e12, 1e15, 1e30])
def test_huge_data_are_fitted_or_refused(magnitude, digits):
    estimator = autoencoder()
    with suppress(ValueError):
        estimator.fit(digits * magnitude)
    if estimator.__sklearn_is_fitted__():
        assert np.isfinite(estimator.reconstruct(digits * magnitude)).all()


def test_a_reconstruction_that_is_not_finite_is_the_worst(digits):
    """What is missing is decided by X: else a candidate that gives NaN would score 0."""
    X = digits.copy()
    X[::3, 5] = np.nan
    estimator = autoencoder(missing="mask").fit(X)
    trainable = [array.copy() for array in estimator._network.trainable]
    trainable[-1][5] = np.nan  # the fifth feature's output is NaN
    estimator._network = replace(estimator._network, trainable=trainable)
    error = estimator.reconstruction_error(X, per_feature=True)
    observed = ~np.isnan(X)
    assert np.isinf(error[observed[:, 5], 5]).all()
    assert np.isnan(error[~observed]).all()
    assert np.isfinite(np.delete(error, 5, axis=1)).all()
    assert estimator.score(X) == -np.inf
    for method in (estimator.reconstruct, estimator.impute):
        with pytest.raises(ValueError, match="X holds values so far"):
            method(X)


def test_a_diverged_candidate_loses_a_search(digits):
    grid = {"learning_rate_init": [0.1, 1e30]}
    search = GridSearchCV(autoencoder(missing="mask", solver="sgd", max_iter=1), grid, cv=2)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(digits)
    assert search.best_params_ == {"learning_rate_init": 0.1}


def test_codes_beyond_single_precision_are_refused(digits):
    estimator = autoencoder(output_activation="identity").fit(digits)
    trainable = [10 * array for array in estimator._network.trainable]
    estimator._network = replace(estimator._network, trainable=trainable)
    with pytest.raises(ValueError, match=r"X contains values of more than 3\.4e\+38"):
        estimator.inverse_transform(np.full((1, 2), 1e300))
    with pytest.raises(ValueError, match="reconstruction is infinite in single precision"):
        estimator.inverse_transform(np.full((1, 2), 3e38))


# Rows that interact are not merged


class Normalized(Architecture):
    """A user's architecture with batch statistics."""

    def build(self, input_shape, n_components):
        return Dense((8,), normalization="batch").build(input_shape, n_components)


@pytest.mark.parametrize(
    "estimator",
    [
        DenoisingAutoencoder(corruption="swap"),
        DenoisingAutoencoder(corruption=["gaussian", "swap"]),
        DenoisingAutoencoder(corruption=lambda X, level, seed: X - X.mean(axis=0)),
        AutoencoderTransformer(architecture=Dense((8,), normalization="batch")),
        AutoencoderTransformer(architecture=Normalized()),
    ],
    ids=["swap", "composition", "function", "batch", "own"],
)
def test_identical_rows_are_merged_only_where_rows_do_not_interact(estimator):
    X = np.repeat(np.random.default_rng(0).uniform(size=(5, 6)), 4, axis=0)

    def rows_of(estimator):
        fit = Fit(estimator.set_params(random_state=0))
        fit._prepare(X, None, None, None)
        return fit.data.n_rows, fit.batch_size

    assert rows_of(clone(estimator)) == (20, 20)
    assert rows_of(DenoisingAutoencoder(corruption="masking")) == (5, 8)


def test_swap_noise_keeps_the_marginals_of_repeated_rows():
    """Nine rows of ten are zero: a swapped one stays zero nine times of ten."""
    X = np.zeros((20, 1))
    X[:2] = 1.0
    denoiser = DenoisingAutoencoder(
        1, corruption="swap", corruption_level=1.0, hidden_layer_sizes=(), max_iter=4000,
        learning_rate_init=1e-12, learning_rate="constant", output_activation="identity",
        n_iter_no_change=np.inf, random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a constant code
        denoiser.fit(X)
    encoder, inner, decoder, outer = (w.item() for w in denoiser._network.trainable)
    centre, scale = (denoiser._network.constants[name].item() for name in ("centre", "scale"))
    standardised = (np.array([0.0, 1.0]) - centre) / scale
    f = ((standardised * encoder + inner) * decoder + outer) * scale + centre
    # The other row is drawn from the 19 others.
    for_zero = 17 / 19 * f[0] ** 2 + 2 / 19 * f[1] ** 2
    for_one = 18 / 19 * (1 - f[0]) ** 2 + 1 / 19 * (1 - f[1]) ** 2
    expected = 0.9 * for_zero + 0.1 * for_one
    assert np.mean(denoiser.loss_curve_) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("scale", [1e307, 1e-307, 5e-324, 1.0])
@pytest.mark.parametrize("batch_size", [256, 32])
def test_the_scale_of_the_weights_does_not_matter(scale, batch_size, digits):
    weight = np.ones(200) if scale == 5e-324 else 1.0 + np.arange(200) % 3
    estimator = autoencoder(batch_size=batch_size, max_iter=1)
    expected = clone(estimator).fit(digits, sample_weight=weight)
    got = estimator.fit(digits, sample_weight=weight * scale)
    assert got.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-6)
    assert got.loss_curve_[0] > 0.01


@pytest.mark.filterwarnings("ignore::skae.exceptions.DominatingColumnWarning")
@pytest.mark.parametrize("tiny", [1e-50, 1e-300])
def test_weights_of_very_different_size(tiny, digits):
    """A batch whose weights vanish in single precision has no part in the KL sparsity either."""
    weight = np.full(200, tiny)
    weight[:3] = 1.0
    estimator = SparseAutoencoder(
        3, sparsity="kl", sparsity_weight=1.0, batch_size=1, max_iter=2, random_state=0
    )
    estimator.fit(digits, sample_weight=weight)
    assert np.isfinite(estimator.loss_curve_).all()
    assert np.isfinite(estimator.transform(digits)).all()


def test_a_saturated_unit_is_freed(digits):
    """From a code that is 1 for all rows, in single precision, the target is reached."""
    sparse = SparseAutoencoder(
        2, sparsity="kl", sparsity_weight=10.0, sparsity_target=0.2, hidden_layer_sizes=(),
        learning_rate_init=0.1, warm_start=True, random_state=0,
        output_activation="logistic",  # X is not centred: the matrix can lower all codes, too
    )  # fmt: skip
    sparse.set_params(max_iter=1).fit(digits)
    kernel, bias, *decoder = sparse._network.trainable
    trainable = [kernel, np.full_like(bias, 60.0), *decoder]
    sparse._network = replace(sparse._network, trainable=trainable)
    assert (sparse.transform(digits) == 1.0).all()
    sparse.set_params(max_iter=100).fit(digits)
    np.testing.assert_allclose(sparse.transform(digits).mean(axis=0), 0.2, atol=0.05)


def test_a_growing_window_compiles_few_programs(digits):
    before = program_info()["made"].get("epoch", 0)
    estimator = autoencoder(hidden_layer_sizes=(), max_iter=1, early_stopping=True)
    for n_rows in range(20, 200, 9):
        estimator.fit(digits[:n_rows])
    assert program_info()["made"]["epoch"] - before <= 4


# Terms of a user's own


class LogCosh(Loss):
    """Half the squared error near zero."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, forward):
        from keras import ops

        return ops.log(ops.cosh(self.scale * (forward.target - forward.reconstruction)))


def test_a_loss_of_ones_own(digits):
    settings = {"learning_rate_init": 1e-12, "learning_rate": "constant", "max_iter": 1}
    for loss in (LogCosh(2.0), lambda forward: LogCosh(2.0)(forward)):
        fitted = autoencoder(loss=loss, alpha=0.0, **settings).fit(digits)
        expected = np.log(np.cosh(2 * (digits - fitted.reconstruct(digits)))).mean()
        assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-4)
    search = GridSearchCV(autoencoder(loss=LogCosh()), {"loss__scale": [0.1, 10.0]}, cv=2)
    assert len(set(search.fit(digits).cv_results_["mean_test_score"])) == 2


class Misnamed(LogCosh):
    """A loss whose constant has the name of one of skae's."""

    def constants(self, variances, scale, earlier):
        return {"scale": variances}


def test_constants_of_a_loss_of_ones_own_have_names_of_their_own(digits):
    with pytest.raises(ValueError, match=r"Misnamed.* constants of the names \['scale'\]"):
        autoencoder(loss=Misnamed()).fit(digits)


class Scaled(Penalty):
    """Its weight may change without a new program, its scale is a number of the program too."""

    numbers = ("scale",)

    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, forward, scale):
        from keras import ops

        return scale * ops.sum(forward.row_weight * ops.sum(ops.square(forward.code), axis=-1))


def test_a_penalty_of_ones_own_shares_a_program_for_its_numbers(digits):
    frozen = {"learning_rate_init": 1e-12, "learning_rate": "constant", "max_iter": 1}

    def penalty(scale):
        fitted = autoencoder(weight_penalty=Scaled(scale), alpha=0.5, **frozen).fit(digits)
        unit = fitted._network.constants["scale"] ** 2  # that of the loss
        return (fitted.loss_curve_[0] + fitted.score(digits)) / unit, fitted.transform(digits)

    value, code = penalty(3.0)
    assert value == pytest.approx(1.5 * np.square(code).sum(axis=1).mean(), rel=1e-3)
    made = program_info()["made"]["epoch"]
    assert penalty(30.0)[0] == pytest.approx(10 * value, rel=1e-3)
    assert program_info()["made"]["epoch"] == made


def test_penalties_do_not_share_weights_by_name(digits):
    """A user's function called like a penalty of skae's, a partial and an object all work."""
    import functools

    def code_l1(forward):
        return 0.0 * forward.code.sum()

    class Callable:
        def __call__(self, forward):
            return 0.0 * forward.code.sum()

    expected = SparseAutoencoder(2, max_iter=2, random_state=0).fit(digits)
    for penalty in (code_l1, functools.partial(code_l1), Callable()):
        sparse = clone(expected).set_params(weight_penalty=penalty, alpha=0.7).fit(digits)
        assert sparse.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-5)


def test_programs_follow_what_a_penalty_says_now(digits):
    """An attribute, a closure and a global that change: never the old program's answer."""

    class Weight:
        value = 0.0

    class Object:
        def __init__(self, weight):
            self.weight = weight

        def __call__(self, forward):
            return self.weight * (forward.code**2).sum()

    def with_closure(weight):
        return lambda forward: weight * (forward.code**2).sum()

    def by_attribute(forward):
        return Weight.value * (forward.code**2).sum()

    def loss(penalty):
        return autoencoder(weight_penalty=penalty, alpha=1.0).fit(digits).loss_curve_[-1]

    changing = Object(0.0)
    plain = loss(changing)
    assert loss(with_closure(0.0)) == loss(by_attribute) == plain
    changing.weight = Weight.value = 1.0
    assert loss(changing) == loss(with_closure(1.0)) == loss(by_attribute) != plain


class ByType(Architecture):
    """A deeper network for True than for 1."""

    def __init__(self, deep=False):
        self.deep = deep

    def build(self, input_shape, n_components):
        return Dense((4, 4) if self.deep is True else (4,)).build(input_shape, n_components)


def test_equal_parameters_of_another_type_are_another_network(digits):
    def n_arrays(deep):
        fit = Fit(autoencoder(architecture=ByType(deep)))
        fit._prepare(digits, None, None, None)
        return len(graph_of(fit.recipe).trainable)

    assert [n_arrays(deep) for deep in (1, True, 1.0)] == [8, 12, 8]


# Layers of a user's own


class Regularized(Architecture):
    """Keras's own kernel, bias and activity regularizers."""

    def __init__(self, strength=0.0):
        self.strength = strength

    def build(self, input_shape, n_components):
        from keras import Sequential, layers, regularizers

        inner = layers.Dense(
            n_components,
            kernel_regularizer=regularizers.L2(self.strength),
            bias_regularizer=regularizers.L1(self.strength),
            bias_initializer="ones",
            activity_regularizer=regularizers.L1(self.strength),
        )
        return (
            Sequential([layers.Input(input_shape), inner]),
            Sequential([layers.Input((n_components,)), layers.Dense(*input_shape)]),
        )


def test_regularizers_of_layers_are_part_of_the_objective(digits):
    frozen = {"learning_rate_init": 1e-12, "learning_rate": "constant", "max_iter": 1}
    estimator = autoencoder(architecture=Regularized(0.1), batch_size=200, **frozen)
    estimator.fit(digits, X_val=digits)
    kernel, bias = estimator._network.trainable[:2]
    by_hand = 0.1 * (np.square(kernel).sum() + np.abs(bias).sum())
    encoder = estimator.encoder_
    encoder(digits.astype(np.float32))
    by_keras = float(sum(encoder.losses))  # that of the activity too, as this Keras scales it
    assert by_keras > by_hand + 0.01
    unit = estimator._network.constants["scale"] ** 2  # that of the loss
    penalty = (estimator.loss_curve_[0] + estimator.score(digits)) / unit
    assert penalty == pytest.approx(by_keras, rel=1e-4)
    assert estimator.val_loss_curve_[0] == pytest.approx(-estimator.score(digits), rel=1e-5)


def test_a_subclassed_model_gets_a_message_that_helps(digits):
    class Subclassed(Architecture):
        def build(self, input_shape, n_components):
            import keras

            class Encoder(keras.Model):
                def __init__(self):
                    super().__init__()
                    self.layer = keras.layers.Dense(n_components)

                def call(self, inputs):
                    return self.layer(inputs)

            return Encoder(), Dense((3,)).build(input_shape, n_components)[1]

    with pytest.raises(TypeError, match=r"encoder is a Encoder\. Make it functional: inputs ="):
        autoencoder(architecture=Subclassed()).fit(digits)


# Likelihoods


@pytest.mark.parametrize("value", [1e15, 1e19, 1e20, 9.97e36, -3e38])
def test_a_row_with_a_fill_value_is_the_strangest(value):
    X = np.random.default_rng(0).normal(size=(300, 5))
    vae = VariationalAutoencoder(2, max_iter=5, random_state=0).fit(X)
    rows = X[:4].copy()
    rows[1, 0] = value
    for likelihood in (vae.log_likelihood(rows), vae.elbo(rows)):
        assert not np.isnan(likelihood).any()
        assert np.argsort(likelihood)[0] == 1
        assert np.isfinite(np.delete(likelihood, 1)).all()


def test_zeros_of_either_sign_are_one_value():
    X = np.random.default_rng(0).normal(size=(50, 4)).round()
    vae = VariationalAutoencoder(2, max_iter=2, random_state=0).fit(X)
    np.testing.assert_array_equal(
        vae.elbo(np.where(X == 0, -0.0, X)), vae.elbo(abs(X) * np.sign(X))
    )


@pytest.mark.parametrize("method", ["elbo", "log_likelihood"])
def test_likelihoods_refuse_what_they_are_not_defined_on(method, digits):
    vae = VariationalAutoencoder(2, likelihood="bernoulli", max_iter=1, random_state=0).fit(digits)
    message = r"likelihood='bernoulli' needs data in \[0, 1\], but those of X range from 0 to 16"
    with pytest.raises(ValueError, match=message):
        getattr(vae, method)(16 * digits)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (AutoencoderTransformer(loss="binary_crossentropy"), "loss='binary_crossentropy'"),
        (VariationalAutoencoder(likelihood="bernoulli"), "likelihood='bernoulli'"),
    ],
)
def test_validation_rows_are_in_the_domain_too(estimator, name, digits):
    with pytest.raises(ValueError, match=rf"{name} needs .* those of X_val range from 0 to 1\.5"):
        estimator.fit(digits, X_val=1.5 * digits)


def test_what_is_compared_with_is_what_must_be_in_the_domain(digits):
    denoiser = DenoisingAutoencoder(loss="binary_crossentropy", max_iter=1)
    with pytest.raises(ValueError, match=r"needs .* those of X_clean range from 0 to 1\.5"):
        denoiser.fit(digits, X_clean=1.5 * digits)
    assert denoiser.fit(1.5 * digits, X_clean=digits).n_iter_ == 1


# Refusals of terms


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": lambda forward: forward.target.mean()}, r"a value for each entry, of shape"),
        ({"loss": lambda forward: forward.target.mean(-1)}, r"gave one of shape \(32,\)"),
        ({"weight_penalty": lambda forward: forward.code.sum(-1)}, r"a scalar, .* shape \(32,\)"),
        ({"weight_penalty": lambda forward: 1.0}, None),
        ({"weight_penalty": lambda forward: forward}, "weight_penalty=.* but gave a ForwardPass"),
        ({"weight_penalty": lambda forward: None}, "weight_penalty=.* but gave a NoneType"),
        ({"loss": lambda target, given: target}, "loss must be .* or a function of one argument"),
        ({"weight_penalty": PosteriorKL()}, r"PosteriorKL\(\) needs: posterior; but the code is P"),
        ({"weight_penalty": CodeKL()}, "needs: logistic code; but the code is PointCode"),
        ({"weight_penalty": CodeKL(1.0), "code_activation": "sigmoid"}, "target of CodeKL must be"),
        ({"weight_penalty": CodeKL(0.3), "code_activation": "sigmoid"}, None),
        ({"loss": LogCosh}, r"loss must be one of .* a Loss \(an object, not its class\)"),
        ({"weight_penalty": Scaled}, r"weight_penalty must be .* \(an object, not its class\)"),
    ],
)
def test_terms_that_cannot_be_right(params, message, digits):
    estimator = autoencoder(alpha=1.0, **params)
    if message is None:
        assert estimator.fit(digits).n_iter_ == 3
    else:
        with pytest.raises(ValueError, match=message):
            estimator.fit(digits)


def test_a_penalty_without_a_weight_is_warned_of(digits):
    with pytest.warns(UserWarning, match="weight_penalty=.* has no effect: .* Set alpha"):
        unweighted = autoencoder(weight_penalty="l1").fit(digits)
    assert unweighted.alpha_ == 0
    autoencoder(weight_penalty="l1", alpha=0.0).fit(digits)  # was asked for


def test_a_penalty_of_ones_own_takes_part_in_pretraining(digits):
    numbers_of_arrays = []

    def penalty(forward):
        numbers_of_arrays.append(len(forward.weights))
        return sum((kernel**2).sum() for kernel in forward.weights)

    estimator = autoencoder(weight_penalty=penalty, alpha=1e-3, pretraining="layerwise")
    estimator.set_params(hidden_layer_sizes=(7,)).fit(digits)
    assert set(numbers_of_arrays) == {4, 8}, "arrays of a single layer, and of the whole"
