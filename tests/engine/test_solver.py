"""Solvers train as Keras's own loop does, or are refused by name."""

import inspect
import threading

import numpy as np
import pytest
from cases import slow, slow_but
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skae import AutoencoderTransformer
from skae._engine import load_keras
from skae._engine.graph import initial_weights
from skae._engine.solver import SOLVERS, Solver, apply, finished, initial_slots, scaled

keras = load_keras()
optimizers = keras.optimizers

N_STEPS = 7
SHAPES = {"encoder/dense/kernel": (4, 3), "encoder/dense/bias": (3,), "conv/kernel": (2, 2, 3, 2)}
random = np.random.default_rng(0)
START = [random.normal(size=shape).astype("float32") for shape in SHAPES.values()]
GRADIENTS = [
    [random.normal(size=shape).astype("float32") for shape in SHAPES.values()]
    for _ in range(N_STEPS)
]
RATES = np.geomspace(0.1, 0.01, N_STEPS, dtype="float32")
REFUSED = {"Optimizer", "MultiOptimizer"}
CLASSES = {
    name: cls
    for name, cls in vars(optimizers).items()
    if inspect.isclass(cls) and issubclass(cls, optimizers.Optimizer) and name not in REFUSED
}
WRAPPERS = {"LossScaleOptimizer"}
PLAIN = sorted(CLASSES.keys() - WRAPPERS)
SOME = slow_but("Adam", "Adafactor", of=PLAIN)
"""The usual one, and one that keeps arrays of other shapes than those of the weights."""
OPTIONS = {
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "weight_decay": {"weight_decay": 0.1},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 3},
    "loss_scale_factor": {"loss_scale_factor": 100.0},
    "use_ema": {"use_ema": True, "ema_momentum": 0.7},
    "ema_overwrite_frequency": {"use_ema": True, "ema_overwrite_frequency": 2},
}
SEVERAL = {
    "clipvalue": 0.3,
    "weight_decay": 0.1,
    "gradient_accumulation_steps": 2,
    "loss_scale_factor": 100.0,
    "use_ema": True,
    "ema_momentum": 0.7,
}


def by_name(name, rate=None, **options):
    """An optimizer of Keras; the steps of Adadelta are small."""
    return CLASSES[name](rate or {"Adadelta": 3.0}.get(name, 0.03), **options)


def new_variables():
    variables = []
    for path, value in zip(SHAPES, START, strict=True):
        *scopes, name = path.split("/")
        with keras.name_scope(scopes[0]), keras.name_scope(scopes[-1]):
            variables.append(keras.Variable(value, name=name))
    return variables


def by_keras(optimizer, gradients=GRADIENTS, rates=None):
    """Weights as Keras's own loop leaves them."""
    import jax

    variables = new_variables()
    optimizer.build(variables)
    for step, arrays in enumerate(gradients):
        if rates is not None:
            optimizer.learning_rate = rates[step]
        scale = optimizer.scale_loss(keras.ops.ones(()))
        with jax.disable_jit():  # else both branches of a condition write to Keras's variables
            optimizer.apply([scale * array for array in arrays])
    optimizer.finalize_variable_values(variables)
    return [variable.numpy() for variable in variables]


def by_skae(spec, gradients=GRADIENTS, rates=None):
    """Weights after as many calls of skae's pure step, compiled."""
    import jax

    solver, variables = Solver(spec), new_variables()

    @jax.jit
    def step(slots, gradients, trainable, rate):
        optimizer = solver.build(variables)
        scale = scaled(optimizer, slots, keras.ops.ones(()))
        return apply(optimizer, slots, [scale * g for g in gradients], trainable, rate)

    optimizer = ((solver.key, tuple(SHAPES)), solver, variables)
    slots = initial_slots(*optimizer, START)
    rates = [solver.step_size(None)] * len(gradients) if rates is None else rates
    trainable = START
    for arrays, rate in zip(gradients, rates, strict=True):
        trainable, slots = step(slots, arrays, trainable, np.float32(rate))
    return finished(*optimizer, slots, trainable) if solver.finishes else trainable


def assert_same(make, **options):
    assert_equal(by_keras(make(), **options), by_skae(make(), **options))


def assert_equal(expected, got):
    """Weights are the same up to rounding, and have moved by much more than that."""
    for theirs, start, ours in zip(expected, START, got, strict=True):
        moved = np.abs(theirs - start).max()
        assert moved > 5e-5
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 + 1e-5 * moved)


@pytest.mark.parametrize("name", SOME)
def test_every_optimizer_of_keras(name):
    assert_same(lambda: by_name(name), rates=RATES)


# The others are among the several below.
@pytest.mark.parametrize(
    "option", slow_but("clipnorm", "global_clipnorm", "ema_overwrite_frequency", of=OPTIONS)
)
def test_options_of_adam(option):
    assert_same(lambda: optimizers.Adam(0.03, **OPTIONS[option]))


@pytest.mark.parametrize("name", SOME)
def test_several_options_of_every_optimizer(name):
    assert_same(lambda: by_name(name, **SEVERAL))


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", PLAIN)
def test_options_of_every_optimizer(name, option):
    assert_same(lambda: by_name(name, **OPTIONS[option]))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: optimizers.SGD(0.03, momentum=0.9), marks=slow),
        lambda: optimizers.SGD(0.03, momentum=0.9, nesterov=True),
        pytest.param(lambda: optimizers.RMSprop(0.03, momentum=0.5, centered=True), marks=slow),
        pytest.param(lambda: optimizers.Adam(0.03, amsgrad=True), marks=slow),
        lambda: optimizers.Adafactor(0.5, relative_step=False),
    ],
)
def test_options_of_some_optimizers(make):
    assert_same(make)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_name_is_the_optimizer_with_its_defaults(name):
    cls = getattr(optimizers, SOLVERS[name].__name__)
    assert_equal(by_keras(cls(), rates=RATES), by_skae(name, rates=RATES))


@pytest.mark.skipif(not hasattr(optimizers, "Muon"), reason="Keras 3.11 brought it")
def test_an_optimizer_that_chooses_by_path():
    assert_same(lambda: optimizers.Muon(0.03, exclude_layers=["encoder/dense"]))


def loss_scaling(inner):
    return optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=2)


def keras_scales_losses():
    """Whether this Keras's own loop moves weights under a scaled loss; 3.10's does not."""
    moved = by_keras(loss_scaling(optimizers.SGD(0.1)))
    return not np.array_equal(moved[0], START[0])


needs_loss_scaling = pytest.mark.skipif(
    not keras_scales_losses(), reason="there is no reference: Keras's own loop moves no weight"
)


@needs_loss_scaling
@pytest.mark.parametrize("name", SOME)
def test_loss_scaling_of_every_optimizer(name):
    assert_same(lambda: loss_scaling(by_name(name, clipnorm=0.5)))


@needs_loss_scaling
def test_loss_scaling_with_step_sizes_from_outside_and_inside():
    assert_same(lambda: loss_scaling(optimizers.SGD(0.1)), rates=RATES)
    assert_same(lambda: loss_scaling(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)))
    assert_same(lambda: loss_scaling(optimizers.SGD(Halving(0.5))))
    assert Solver(loss_scaling(optimizers.SGD(Halving(0.5)))).owns_step_size


@needs_loss_scaling
def test_loss_scaling_leaves_out_a_step_that_is_not_finite():
    gradients = [list(arrays) for arrays in GRADIENTS]
    gradients[3][0] = np.full_like(gradients[3][0], np.inf)
    assert_same(lambda: loss_scaling(optimizers.Adam(0.03)), gradients=gradients)


def test_keys_of_loss_scaling():
    keys = [
        Solver(loss_scaling(optimizer)).key
        for optimizer in (optimizers.SGD(0.1), optimizers.SGD(0.2), optimizers.Adam(0.1))
    ]
    assert keys[0] == keys[1] != keys[2]


SCHEDULES = {
    "ExponentialDecay": {"decay_steps": 3, "decay_rate": 0.5},
    "InverseTimeDecay": {"decay_steps": 3, "decay_rate": 0.5},
    "PolynomialDecay": {"decay_steps": 4},
    "CosineDecay": {"decay_steps": 4, "warmup_target": 0.2, "warmup_steps": 2},
    "CosineDecayRestarts": {"first_decay_steps": 3},
}


@pytest.mark.parametrize("name", SOME)
def test_every_optimizer_of_keras_with_a_schedule(name):
    decay = optimizers.schedules.PiecewiseConstantDecay
    assert_same(lambda: by_name(name, decay([3], [0.1, 0.01])))


@pytest.mark.parametrize("schedule", slow_but("PolynomialDecay", "CosineDecay", of=SCHEDULES))
def test_schedules_of_keras(schedule):
    def make():
        cls = getattr(optimizers.schedules, schedule)
        return optimizers.SGD(cls(0.1, **SCHEDULES[schedule]))

    assert Solver(make()).owns_step_size
    assert_same(make)


def test_the_step_size_that_is_set_is_no_part_of_the_key():
    assert Solver(optimizers.SGD(0.1)).key == Solver(optimizers.SGD(0.2)).key
    assert Solver(optimizers.SGD(0.1)).key != Solver(optimizers.SGD(0.1, momentum=0.5)).key
    assert Solver(optimizers.SGD(0.1)).key != Solver(optimizers.RMSprop(0.1)).key
    one, other = (optimizers.schedules.ExponentialDecay(rate, 3, 0.5) for rate in (0.1, 0.2))
    assert Solver(optimizers.SGD(one)).key != Solver(optimizers.SGD(other)).key


class Halving(optimizers.schedules.LearningRateSchedule):
    def __init__(self, initial):
        self.initial = initial

    def __call__(self, step):
        return self.initial / 2 ** keras.ops.cast(step, "float32")

    def get_config(self):
        return {"initial": self.initial}


def test_a_schedule_of_ones_own():
    assert_same(lambda: optimizers.SGD(Halving(0.5)))


def test_a_schedule_that_was_defined_anew_has_another_key():
    """As in a notebook whose cell is run again: same name and settings, other formula."""

    def define(power):
        class Decay(Halving):
            def __call__(self, step):
                return self.initial * (1 + step) ** power

        return Decay(0.1)

    keys = [Solver(optimizers.SGD(define(power))).key for power in (-1.0, -2.0)]
    assert keys[0] != keys[1]


class SignDescent(optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, decay=0.5, **options):
        super().__init__(learning_rate, **options)
        self.decay = decay

    def build(self, variables):
        super().build(variables)
        self.power = keras.Variable(1.0, name="power")

    def update_step(self, gradient, variable, learning_rate):
        self.assign(self.power, self.power * self.decay)
        self.assign_sub(variable, learning_rate * self.power * keras.ops.sign(gradient))

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


def test_an_optimizer_of_ones_own():
    assert_same(lambda: SignDescent(0.3, decay=0.9))
    assert_same(lambda: SignDescent(Halving(0.3), decay=0.9, clipvalue=0.1))
    assert Solver(SignDescent(decay=0.9)).key != Solver(SignDescent(decay=0.8)).key


U = np.random.default_rng(0).random((64, 6), dtype="float32")
X = (U - U.mean(axis=0)) / np.sqrt(U.var(axis=0).mean())
"""Rows of the network's own scale, so that Keras minimises the same number."""
PARAMETERS = {
    "n_components": 2,
    "hidden_layer_sizes": (4,),
    "output_activation": "identity",
    "init": "random",
    "learning_rate": "constant",
    "batch_size": 16,
    "max_iter": 3,
    "shuffle": False,
    "random_state": 0,
}
STEPS_PER_EPOCH = 4


def autoencoder(solver, **parameters):
    return AutoencoderTransformer(**{**PARAMETERS, "solver": solver, **parameters})


def untrained_model(fitted):
    """A Keras model with the weights from which a fit started."""
    network = fitted._network
    model = network.keras_models()[2]
    model.set_weights(initial_weights(network.recipe, fitted._seed)[0])
    return model


ESTIMATOR_CASES = {
    "SGD": lambda: optimizers.SGD(0.5, momentum=0.9),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "Adafactor": lambda: optimizers.Adafactor(0.5, epsilon_2=0.1),
    "averages": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.8),
    "overwriting": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3),
    "accumulation": lambda: optimizers.SGD(0.5, gradient_accumulation_steps=3, clipnorm=0.1),
    "factor": lambda: optimizers.Adam(0.01, loss_scale_factor=1e4),
    "scaling": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.5, use_ema=True)),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.5, 3, 0.5)),
    "own schedule": lambda: optimizers.SGD(Halving(0.5)),
    "own optimizer": lambda: SignDescent(0.01, decay=0.99),
}


# Each optimizer's steps are compared above: these are what a fit does besides.
@pytest.mark.parametrize(
    "case",
    slow_but(
        *("averages", "accumulation", "scaling", "own schedule", "own optimizer"),
        of=ESTIMATOR_CASES,
    ),
)
def test_fit_trains_as_keras_does(case):
    make = ESTIMATOR_CASES[case]
    fitted = autoencoder(make()).fit(X)
    model = untrained_model(fitted)
    start = model.get_weights()
    model.compile(make(), loss="mse")
    model.fit(X, X, batch_size=16, epochs=3, shuffle=False, verbose=0)
    for weights, theirs, ours in zip(
        start, model.get_weights(), fitted.model_.get_weights(), strict=True
    ):
        assert np.abs(theirs - weights).max() > 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def averaging():
    return optimizers.SGD(1.0, use_ema=True, ema_momentum=0.9)


def test_each_partial_fit_ends_with_averages_as_a_fit_of_keras_does():
    fitted = autoencoder(averaging())
    model = untrained_model(fitted.partial_fit(X))
    fitted.partial_fit(X)
    model.compile(averaging(), loss="mse")
    for _ in range(2):
        model.fit(X, X, batch_size=16, epochs=1, shuffle=False, verbose=0)
        model.set_weights(model.get_weights())  # else Keras donates an average's memory twice
    for theirs, ours in zip(model.get_weights(), fitted.model_.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_averages_are_what_is_validated():
    fitted = autoencoder(averaging()).fit(X, X_val=X[:20])
    assert fitted.val_loss_curve_[-1] == pytest.approx(-fitted.score(X[:20]), rel=1e-5)
    plain = autoencoder(optimizers.SGD(1.0)).fit(X, X_val=X[:20])
    np.testing.assert_allclose(plain.loss_curve_, fitted.loss_curve_)
    assert plain.val_loss_curve_[-1] != pytest.approx(fitted.val_loss_curve_[-1], rel=1e-3)


def test_the_best_averages_are_restored():
    """Nothing is subtracted for a softplus, whose output starts at about 0.7."""
    unlike = 0.8 * (1 + U[:20])  # fitted on the way to the mean of the rows of training
    fitted = autoencoder(
        averaging(), output_activation="softplus", early_stopping=True, max_iter=9
    ).fit(1 + U, X_val=unlike)
    best = int(np.argmin(fitted.val_loss_curve_))
    assert 0 < best < 8
    assert fitted.val_loss_curve_[best] == pytest.approx(-fitted.score(unlike), rel=1e-5)


@pytest.mark.parametrize("wrap", [lambda optimizer: optimizer, loss_scaling])
def test_the_step_size_of_a_schedule_is_recorded(wrap):
    optimizer = wrap(optimizers.SGD(Halving(0.5)))
    parameters = {"learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 1, "max_iter": 9}
    fitted = autoencoder(optimizer, **parameters).fit(X)
    assert fitted.n_iter_ == 3, "there is no step size to divide when the loss rests"
    rates = 0.5 / 2.0 ** (STEPS_PER_EPOCH * np.array([1, 2, 3]))
    np.testing.assert_allclose(fitted.history_["learning_rate"], rates)


def test_the_step_size_of_an_optimizer_follows_the_schedule_of_skae():
    fitted = autoencoder(optimizers.SGD(0.4), learning_rate="invscaling").fit(X)
    np.testing.assert_allclose(fitted.history_["learning_rate"], 0.4 / np.sqrt([1, 2, 3]))


def built():
    optimizer = optimizers.SGD(0.1)
    optimizer.build(new_variables())
    return optimizer


def excluding(**arguments):
    optimizer = optimizers.AdamW(0.1)
    optimizer.exclude_from_weight_decay(**arguments)
    return optimizer


class Forgetful(SignDescent):
    """Its get_config leaves out what `__init__` takes."""

    get_config = optimizers.Optimizer.get_config


class Holding(optimizers.SGD):
    """Its get_config leaves out what changes the gradients."""

    def __init__(self, learning_rate=0.1, held=None, **options):
        super().__init__(learning_rate, **options)
        self.held = held
        self.counter = keras.Variable(0.0)
        self.counters = [keras.Variable(1.0)]
        self.scale = lambda gradient: self.momentum * gradient
        self.lock = threading.Lock()


class Scaling:
    def __init__(self, factor=1.0):
        self.factor = factor


class HoldingOne(Holding):
    def __init__(self, learning_rate=0.1, held=None, **options):
        super().__init__(learning_rate, held or Scaling(), **options)


class NoConfig(Halving):
    get_config = optimizers.schedules.LearningRateSchedule.get_config


REFUSALS = {
    "abstract": (lambda: optimizers.Optimizer(0.1), "got Optimizer, the abstract base"),
    "bound": (built, "got SGD, which belongs to the variables of another model"),
    "bound within": (
        lambda: optimizers.LossScaleOptimizer(built()),
        "got LossScaleOptimizer, which wraps SGD, which belongs to the variables",
    ),
    "callable": (lambda: optimizers.SGD(lambda: 0.1), "got SGD, whose learning_rate is a plain"),
    "excluded names": (
        lambda: excluding(var_names=["bias"]),
        "got AdamW, whose copy by get_config loses _exclude_from_weight_decay",
    ),
    "excluded variables": (
        lambda: excluding(var_list=new_variables()),
        "got AdamW, whose copy by get_config loses _exclude_from_weight_decay",
    ),
    "forgetful": (lambda: Forgetful(decay=0.9), "got Forgetful, whose copy .* loses decay"),
    "function": (lambda: Holding(held=lambda g: 0 * g), "got Holding, whose copy .* loses held"),
    "class": (lambda: Holding(held=Halving), "got Holding, whose copy .* loses held"),
    "object": (lambda: Holding(held=Scaling()), "got Holding, whose copy .* loses held"),
    "objects": (lambda: Holding(held=[Scaling()]), "got Holding, whose copy .* loses held"),
    "another": (lambda: HoldingOne(held=Scaling(2.0)), "got HoldingOne, whose copy .* loses held"),
    "no config": (
        lambda: optimizers.SGD(NoConfig(0.1)),
        "got SGD, which Keras cannot copy by its get_config .*NoConfig",
    ),
}
if hasattr(optimizers, "MultiOptimizer"):
    REFUSALS["several"] = (
        lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD(0.1))),
        "got MultiOptimizer, which has no step size of its own",
    )


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_copied_is_refused_by_fit_and_by_clone(case):
    make, message = REFUSALS[case]
    for use in (lambda estimator: estimator.fit(X), clone):
        with pytest.raises(ValueError, match=f"solver must be .*{message}"):
            use(autoencoder(make()))


def test_what_equals_the_default_is_not_lost():
    Solver(Forgetful()).check()
    Solver(Holding()).check()
    Solver(HoldingOne(held=Scaling(1.0))).check()


@pytest.mark.parametrize("options", [{}, SEVERAL, {"learning_rate": Halving(0.5)}])
@pytest.mark.parametrize("name", PLAIN)
def test_no_optimizer_of_keras_is_refused(name, options):
    Solver(CLASSES[name](**options)).check()
    Solver(loss_scaling(CLASSES[name](**options))).check()


def test_an_optimizer_class_is_refused():
    estimator = clone(autoencoder(optimizers.Adam))
    with pytest.raises(ValueError, match=r"solver must be .* an object and not its class; got"):
        estimator.fit(X)


@pytest.mark.parametrize("solver", ["lbfgs", None, 3, object])
def test_clone_leaves_other_bad_solvers_to_fit(solver):
    assert clone(autoencoder(solver)).solver == solver
    with pytest.raises(ValueError, match="The 'solver' parameter"):
        autoencoder(solver).fit(X)


def test_clones_are_independent_and_train_alike():
    original = autoencoder(SignDescent(Halving(0.3), decay=0.9))
    codes = [clone(original).fit_transform(X), original.fit_transform(X)]
    np.testing.assert_array_equal(*codes)
    assert clone(original).solver is not original.solver
    assert not original.solver.built


def test_a_search_over_optimizers():
    grid = {"solver": [optimizers.SGD(0.1), optimizers.Adam(0.1, use_ema=True)]}
    search = GridSearchCV(autoencoder("adam"), grid, cv=2).fit(X)
    assert len(np.unique(search.cv_results_["mean_test_score"])) == 2
