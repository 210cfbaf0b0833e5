"""A bad call breaks nothing: each is refused by name, and the fitted estimator stays as it was."""

import copy
import threading
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._data import Rows
from skae._sklearn_compat import HAS_CALLBACKS
from skae.architectures import Architecture, Dense
from skae.corruption import GaussianNoise, MaskingNoise
from skae.exceptions import SilentUnitsWarning

X = load_digits().data[:200] / 16
FIT_METHODS = ["fit", "fit_transform", "partial_fit"]
METHODS = ["transform", "inverse_transform", "reconstruct", "reconstruction_error", "score"]


def with_value(value):
    bad = X[:5].copy()
    bad[2, 3] = value
    return bad


BAD_X = {
    "wide": np.c_[X, X],
    "narrow": X[:, :2],
    "NaN": with_value(np.nan),
    "infinite": with_value(np.inf),
    "too large": with_value(1e300),
    "text": np.array([["a"] * 64] * 3),
    "complex": X[:3] * 1j,
    "1-D": X[0],
    "3-D": X[None],
    "0-D": np.float64(3.0),
    "no rows": X[:0],
    "no columns": X[:, :0],
    "ragged": [[1.0, 2.0], [3.0]],
    "None": None,
}


FAMILY = [
    AutoencoderTransformer,
    DenoisingAutoencoder,
    VariationalAutoencoder,
    pytest.param(ContractiveAutoencoder, marks=pytest.mark.slow),
    pytest.param(SparseAutoencoder, marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=FAMILY)
def fitted_once(request):
    estimator = request.param(3, max_iter=2, random_state=0).fit(X)
    return estimator, state(estimator)


@pytest.fixture
def fitted(fitted_once):
    estimator, before = copy.deepcopy(fitted_once)
    yield estimator
    after = state(estimator)
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def state(estimator):
    return {
        "code": estimator.transform(X),
        "reconstruction": estimator.reconstruct(X),
        "n_features_in_": estimator.n_features_in_,
        "n_iter_": estimator.n_iter_,
        "loss_curve_": estimator.loss_curve_,
        "attributes": sorted(vars(estimator)),
    }


@pytest.mark.parametrize("bad", BAD_X)
@pytest.mark.parametrize("method", METHODS)
def test_bad_input_of_a_fitted_estimator(fitted, method, bad):
    with pytest.raises((ValueError, TypeError), match=r"\bX\b"):
        getattr(fitted, method)(BAD_X[bad])


@pytest.mark.parametrize("bad", sorted(set(BAD_X) - {"wide", "narrow"}))
@pytest.mark.parametrize("method", FIT_METHODS)
def test_bad_input_of_fit(fitted, method, bad):
    with pytest.raises((ValueError, TypeError), match=r"\bX\b"):
        getattr(fitted, method)(BAD_X[bad])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_weight": -np.ones(200)}, "sample_weight"),
        ({"sample_weight": np.zeros(200)}, "sample_weight"),
        ({"sample_weight": np.ones(3)}, "sample_weight"),
        ({"sample_weight": np.full(200, np.nan)}, "sample_weight"),
        ({"X_val": X[:, :5]}, "X_val: X has 5 features"),
        ({"X_val": with_value(np.nan)}, "X_val contains NaN"),
        ({"X_val": X[0]}, "X_val: Expected 2D array"),
    ],
)
def test_bad_arguments_of_fit(fitted, arguments, message):
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, **arguments)


@pytest.mark.parametrize(
    ("X_clean", "message"),
    [
        (X[:7], r"X_clean must have shape \(200, 64\) to match X, got \(7, 64\)"),
        (X[:, :7], "X_clean: X has 7 features"),
        (np.full_like(X, np.nan), "X_clean contains NaN"),
    ],
)
def test_bad_clean_rows(X_clean, message):
    with pytest.raises(ValueError, match=message):
        DenoisingAutoencoder().fit(X, X_clean=X_clean)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "n_components"),
        ({"n_components": 2.5}, "n_components"),
        ({"hidden_layer_sizes": "wide"}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes"),
        ({"activation": "sine"}, "activation"),
        ({"activation": ["relu", "sine"]}, "activation"),
        ({"loss": "hinge"}, "loss"),
        ({"alpha": -1.0}, "alpha"),
        ({"weight_penalty": "l3"}, "weight_penalty"),
        ({"solver": "lbfgs"}, "solver"),
        ({"learning_rate_init": 0}, "learning_rate_init"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": -1.0}, "tol"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"random_state": "seed"}, "random_state"),
        ({"architecture": "dense"}, "architecture"),
        ({"architecture": Dense}, "architecture.*an object, not its class.* Got <class"),
        ({"n_components": None}, "n_components=None"),
        ({"warm_start": True, "n_components": 5}, "warm_start"),
    ],
)
def test_bad_parameters(fitted, params, message):
    kept = fitted.get_params()
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**params).fit(X)
    fitted.set_params(**{name: kept[name] for name in params if name in kept})


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (SparseAutoencoder(sparsity="l0"), "sparsity"),
        (SparseAutoencoder(sparsity_weight=-1), "sparsity_weight"),
        (SparseAutoencoder(sparsity_target=1.0), "sparsity_target"),
        (ContractiveAutoencoder(contraction=-1), "contraction"),
        (VariationalAutoencoder(likelihood="poisson"), "likelihood"),
        (VariationalAutoencoder(noise_variance=0.0), "noise_variance"),
        (VariationalAutoencoder(beta=-1), "beta"),
        (VariationalAutoencoder(kl_warmup=-1), "kl_warmup"),
        (AutoencoderTransformer(missing="drop"), "missing"),
        (AutoencoderTransformer(pretraining="deep"), "pretraining"),
        (AutoencoderTransformer(activation=["relu", "tanh"]), "activation must be one name"),
    ],
    ids=repr,
)
def test_bad_parameters_of_the_family(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X)


def test_partial_fit_refuses_another_solver():
    estimator = AutoencoderTransformer(2, random_state=0).partial_fit(X)
    before = estimator.transform(X)
    with pytest.raises(ValueError, match="solver must stay the same"):
        estimator.set_params(solver="sgd").partial_fit(X)
    np.testing.assert_array_equal(estimator.transform(X), before)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"corruption": "rain"}, "corruption"),
        ({"corruption_level": -0.1}, "corruption_level"),
        ({"corruption": "masking", "corruption_level": 1.1}, "level of MaskingNoise .* 1.0"),
        ({"corruption": GaussianNoise(-1.0)}, "level of GaussianNoise"),
        ({"corruption": MaskingNoise("half")}, "level of MaskingNoise"),
    ],
)
def test_bad_corruptions(params, message):
    with pytest.raises(ValueError, match=message):
        DenoisingAutoencoder(**params).fit(X)


def test_crossentropy_needs_data_between_zero_and_one(fitted):
    variational = isinstance(fitted, VariationalAutoencoder)
    name, value = ("likelihood", "bernoulli") if variational else ("loss", "binary_crossentropy")
    with pytest.raises(ValueError, match=rf"{name}='{value}' .* range from 0 to 16\. Scale them"):
        fitted.set_params(**{name: value}).fit(16 * X)
    with pytest.raises(ValueError, match="output_activation='logistic'"):
        fitted.set_params(output_activation="identity").fit(X)
    fitted.set_params(output_activation="auto")


@pytest.mark.parametrize("rate", [1e10, 1e30])
def test_a_loss_that_turns_nan_stops_the_fit(fitted, rate):
    fitted.set_params(solver="sgd", output_activation="identity", learning_rate_init=rate)
    with pytest.raises(ValueError, match="Take a smaller learning_rate_init"):
        fitted.set_params(max_iter=50).fit(1000 * X)


def test_early_stopping_with_too_few_rows(fitted):
    with pytest.raises(ValueError, match=r"early_stopping=True cannot hold out .* n_samples=1 "):
        fitted.set_params(early_stopping=True).fit(X[:1])
    fitted.set_params(early_stopping=False)


def test_a_dead_code_warns():
    dying = AutoencoderTransformer(
        2, code_activation="relu", hidden_layer_sizes=(), max_iter=1, random_state=0, solver="sgd",
        learning_rate_init=1e3, output_activation="logistic",
    )  # fmt: skip
    message = "code units .* constant .* code_activation='identity'"
    with pytest.warns(SilentUnitsWarning, match=message):
        dying.fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AutoencoderTransformer(max_iter=1, random_state=0).fit(X)


def test_a_wrong_architecture():
    class Wrong(Architecture):
        def build(self, input_shape, n_components):
            encoder, decoder = Dense(()).build(input_shape, n_components + 1)
            return encoder, decoder

    with pytest.raises(ValueError, match="asked for n_components=2, but its encoder gives 3"):
        AutoencoderTransformer(architecture=Wrong()).fit(X)


def test_weights_that_cannot_be_seeded_are_refused():
    class Unseeded(Architecture):
        def build(self, input_shape, n_components):
            import keras

            class Layer(keras.layers.Layer):
                def build(self, shape):
                    self.scale = self.add_weight(
                        name="scale", shape=(shape[-1],), initializer="random_normal"
                    )

                def call(self, inputs):
                    return inputs * self.scale

            rows = keras.Input(input_shape)
            encoder = keras.Model(rows, keras.layers.Dense(n_components)(Layer()(rows)))
            return encoder, Dense(()).build(input_shape, n_components)[1]

    with pytest.raises(ValueError, match="cannot seed the weight 'scale'"):
        AutoencoderTransformer(architecture=Unseeded()).fit(X)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("estimator", [AutoencoderTransformer(), DenoisingAutoencoder()])
def test_unfitted(estimator, method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(estimator, method)(X)


@pytest.mark.parametrize("name", ["encoder_", "decoder_", "model_", "n_iter_"])
def test_unfitted_attributes(name):
    with pytest.raises(AttributeError):
        getattr(AutoencoderTransformer(), name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inverse_transform(fitted, dtype):
    code = fitted.transform(X).astype(dtype)
    decoded = fitted.inverse_transform(code)
    assert decoded.dtype == dtype
    assert decoded.shape == X.shape
    assert np.ptp(decoded) > 0
    np.testing.assert_array_equal(fitted.inverse_transform(code[3:4])[0], decoded[3])
    with pytest.raises(ValueError, match=r"X has 4 features, but .*codes of 3 features"):
        fitted.inverse_transform(np.c_[code, code[:, 0]])
    with pytest.raises(ValueError, match="X contains NaN"):
        fitted.inverse_transform(np.full((2, 3), np.nan))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        fitted.inverse_transform(sparse.csr_array(code))


def test_inverse_transform_of_a_data_frame(fitted):
    pandas = pytest.importorskip("pandas")
    code = fitted.transform(X)
    frame = pandas.DataFrame(code, columns=fitted.get_feature_names_out())
    np.testing.assert_array_equal(fitted.inverse_transform(frame), fitted.inverse_transform(code))


class Interrupting:
    """A callback that raises at the end of an epoch."""

    def __init__(self, error, epoch):
        self.error, self.epoch = error, epoch

    def setup(self, estimator, context):
        self.seen = 0

    def teardown(self, estimator, context):
        self.torn_down = True

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.seen += 1
        if self.seen == self.epoch:
            raise self.error


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn before 1.9 has no callbacks")
class TestCallbacks:
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("mine")])
    def test_an_error_in_a_callback(self, fitted, error):
        callback = Interrupting(error, epoch=2)
        fitted.set_callbacks(callback).set_params(max_iter=5)
        with pytest.raises(type(error)):
            fitted.fit(X[:, ::-1])
        assert callback.torn_down
        fitted.set_callbacks()

    def test_a_callback_sees_the_estimator_of_each_epoch(self):
        scores = []

        class Scoring(Interrupting):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                scores.append(fitted_estimator.score(X))
                return len(scores) == 4

        estimator = AutoencoderTransformer(2, max_iter=9, random_state=0)
        estimator.set_callbacks(Scoring(None, 0)).fit(X)
        assert estimator.n_iter_ == 4
        assert scores[0] < scores[1] < scores[3] == scores[4] == estimator.score(X)

    def test_scoring_monitor(self):
        from sklearn.callback import ScoringMonitor

        monitor = ScoringMonitor(scoring={"score": lambda estimator, X, y: estimator.score(X)})
        estimator = AutoencoderTransformer(2, max_iter=3, random_state=0)
        estimator.set_callbacks(monitor).fit(X)
        rows = monitor.get_logs().data
        assert rows[-1]["score"] == estimator.score(X)


@pytest.mark.parametrize("method", [*METHODS, "fit"])
def test_ctrl_c_in_any_method(fitted, method, monkeypatch):
    """The interrupt arrives while a compiled program's result is waited for."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    argument = X[:, :3] if method == "inverse_transform" else X
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            getattr(fitted, method)(argument)


def test_transforming_while_another_thread_fits():
    """A refit swaps all at once: each code is wholly of the one fit or of the other."""
    estimator = AutoencoderTransformer(3, max_iter=3, random_state=0).fit(X)
    possible = [estimator.transform(X)]
    other = clone(estimator).set_params(random_state=1).fit(X)
    possible.append(other.transform(X))
    estimator.set_params(random_state=1)
    thread = threading.Thread(target=estimator.fit, args=(X,))
    thread.start()
    codes = []
    while thread.is_alive():
        codes.append(estimator.transform(X))
    thread.join()
    codes.append(estimator.transform(X))
    for code in codes:
        assert any(np.array_equal(code, one) for one in possible)
    np.testing.assert_array_equal(codes[-1], possible[1])
