"""Classifier and regressor: where they start, what labels they take, and what they gain."""

import copy
import pickle

import numpy as np
import pytest
from cases import slow
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, PredefinedSplit, StratifiedKFold
from sklearn.neighbors import kneighbors_graph
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skae
from skae import (
    AutoencoderClassifier,
    AutoencoderRegressor,
    AutoencoderTransformer,
    VariationalAutoencoder,
)
from skae._data import Rows
from skae._supervised._fit import predicted
from skae._supervised._head import at_linear_model, blended, with_head
from skae._supervised._linear import FINE_SHRINKAGES, folds, sure_share, views
from skae._supervised._spreading import certainty, neighbourhood, spread
from skae._supervised._tasks import SHRINKAGES, Regression

SMALL = AutoencoderTransformer(2, hidden_layer_sizes=(8,), max_iter=3)


def classifier(estimator=SMALL, **params):
    return AutoencoderClassifier(estimator, **{"max_iter": 3, "random_state": 0, **params})


def regressor(estimator=SMALL, **params):
    return AutoencoderRegressor(estimator, **{"max_iter": 3, "random_state": 0, **params})


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def half(wine):
    """Labels of every other row."""
    return np.where(np.arange(178) % 2 == 0, wine[1], -1)


@pytest.fixture(scope="module")
def numbers():
    X, y = load_diabetes(return_X_y=True)
    return X[:150], y[:150], np.where(np.arange(150) % 2 == 0, y[:150], np.nan)


@pytest.fixture(scope="module")
def autoencoder(wine):
    return clone(SMALL).set_params(random_state=0).fit(wine[0])


@pytest.fixture(scope="module")
def fitted(wine, half):
    return classifier().fit(wine[0], half)


# Where it starts


def seen_by(model, X):
    """Code and X as the head sees them, and its coefficients, from the arrays of the network."""
    network, autoencoder = model._network, model.estimator_
    code = autoencoder.transform(X)
    rows = (X - network.constants["centre"]) / network.constants["scale"]
    centre, gain = network.fixed[-2:]
    return (np.hstack([code, rows]) - centre) * gain, network.trainable[-2:]


@pytest.mark.parametrize("two", [True, False], ids=["two classes", "three classes"])
def test_without_epochs_it_is_a_logistic_regression_on_code_and_x(two, wine, autoencoder):
    X, y = wine[0], np.where(wine[1] == 2, 1, wine[1]) if two else wine[1]
    model = classifier(autoencoder, max_iter=0).fit(X, y)
    features, (coef, intercept) = seen_by(model, X)
    outputs = features @ coef + intercept
    np.testing.assert_allclose(model.decision_function(X), (
        outputs[:, 1] - outputs[:, 0] if two else outputs
    ), atol=1e-4)  # fmt: skip
    # The shrinkage is one of those that are tried: that whose solution has these coefficients.
    probabilities = [
        LogisticRegression(C=(2 if two else 1) / (shrinkage * len(y)), max_iter=1000)
        .fit(features, y)
        .predict_proba(features)
        for shrinkage in (np.array([100, 10, 3, 1]) / len(y) if two else SHRINKAGES)
    ]
    distances = [np.abs(p - model.predict_proba(X)).max() for p in probabilities]
    assert min(distances) < 0.02
    assert model.n_iter_ == 0
    assert model.loss_curve_ == []


def test_without_epochs_it_is_a_ridge_regression_on_code_and_x(numbers):
    X, y, known = numbers
    model = regressor(max_iter=0).fit(X, known)
    features, _ = seen_by(model, X)
    labelled = ~np.isnan(known)
    n = labelled.sum()
    predictions = [
        Ridge(alpha=n * shrinkage / 2).fit(features[labelled], y[labelled]).predict(features)
        for shrinkage in FINE_SHRINKAGES
    ]
    distances = [np.abs(p - model.predict(X)).max() for p in predictions]
    assert min(distances) < 1e-3 * y.std()


def test_losses_of_rows_left_out_are_those_of_models_of_the_others():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(9, 3)), rng.normal(size=(9, 2)), rng.uniform(1, 2, size=9)
    share = weight / weight.sum()
    (found,) = Regression().left_out_losses(X, y, weight, [0.3])
    for row in range(9):
        rest = np.arange(9) != row
        model = Ridge(alpha=0.3 * 2 / 2).fit(X[rest], y[rest], sample_weight=share[rest])
        expected = np.square(model.predict(X[[row]])[0] - y[row]).mean()
        assert found[row] == pytest.approx(expected)


def test_the_first_loss_is_the_cross_entropy_at_the_start(wine, half, autoencoder):
    X, y = wine
    start = classifier(autoencoder, max_iter=0).fit(X, half)
    model = classifier(
        autoencoder, max_iter=1, early_stopping=False, learning_rate_init=1e-9, batch_size=89
    ).fit(X, half)
    _, (coef, _) = seen_by(start, X)
    known = half != -1
    entropy = log_loss(y[known], start.predict_proba(X[known]))
    penalties = [s / 2 * np.square(coef).sum() for s in SHRINKAGES]
    assert min(abs(model.loss_curve_[0] - entropy - p) for p in penalties) < 1e-5


def test_the_network_kept_is_the_autoencoders_encoder(wine, half, autoencoder):
    model = classifier(autoencoder, max_iter=0).fit(wine[0], half)
    X = wine[0]
    code = model._network.encode(skae._data.Rows(X), np.empty((178, 15)))[:, :2]
    np.testing.assert_allclose(code, autoencoder.transform(X), atol=1e-6)


def test_what_the_head_may_see():
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(500, 5)) * [2.0, 1.0, 1e3, 1.0, 0.0] + 7.0
    found = list(views(seen, np.ones(500), 2))
    assert len(found) == 6
    of_both, of_both_common, of_x, _, of_code, _ = found
    np.testing.assert_allclose(of_both.of(seen).std(axis=0), [1, 1, 1, 1, 0], atol=1e-12)
    common = of_both_common.of(seen).std(axis=0)
    np.testing.assert_allclose(common[:2] ** 2 @ [1, 1], 2)
    assert common[2] > 100 * common[3]
    np.testing.assert_array_equal(of_x.gain > 0, [False, False, True, True, False])
    np.testing.assert_array_equal(of_code.gain > 0, [True, True, False, False, False])


def test_a_network_counts_as_far_as_its_gain_is_sure():
    """Least squares without intercept, minus twice the standard error of its slope."""
    rng = np.random.default_rng(0)
    one, other, noise = rng.normal(size=(3, 40, 1))
    target = other + 0.6 * (one - other) + 0.5 * noise
    step, error = (one - other)[:, 0], (target - other)[:, 0]
    ((slope,), (rest,), *_) = np.linalg.lstsq(step[:, None], error, rcond=None)
    expected = slope - 2 * np.sqrt(rest / 40 / (step @ step))
    ones = np.ones(40)
    assert sure_share(target, one, other, ones) == pytest.approx(expected)
    assert sure_share(target, one, other, 1e9 * ones) == pytest.approx(expected)
    assert sure_share(other + 0.1 * noise, one, other, ones) == 0
    assert sure_share(one + 1e-9 * noise, one, other, ones) == pytest.approx(1)
    assert sure_share(target, one, one, ones) == 1


def test_a_blend_of_network_and_linear_model_predicts_that_of_their_predictions(numbers):
    X, y, _ = numbers
    network = with_head(regressor().fit(X, y).estimator_._network, 1)
    rng, n_units = np.random.default_rng(0), network.n_code_features
    rows, seen = Rows(X), network.encode(Rows(X), np.empty((150, network.n_code_features)))
    sees_both, sees_x, sees_code = (list(views(seen, np.ones(150), 2))[i] for i in (0, 2, 5))
    coef = rng.normal(size=(n_units, 1))
    linear = at_linear_model(network, sees_x.centre, sees_x.gain, coef, [0.5])
    for view in (sees_both, sees_code):
        one = at_linear_model(network, view.centre, view.gain, 2 * coef, [-1.0])
        found = predicted(blended(one, linear, 0.3), rows)
        expected = 0.3 * predicted(one, rows) + 0.7 * predicted(linear, rows)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_class_of_one_row_is_never_held_out():
    strata = np.array([0] * 10 + [1] * 5 + [2])
    fold = folds(strata, 5, 5, 0)
    assert fold[-1] == -1
    for number in range(5):
        assert (strata[fold == number] == 0).sum() == 2
        assert (strata[fold == number] == 1).sum() == 1
    assert set(folds(strata, 1, 5, 0)) == {-1, 0}


# Spreading labels


def test_spread_labels_are_the_solution_of_a_linear_system():
    rng = np.random.default_rng(0)
    code, target = rng.normal(size=(40, 2)), np.zeros((40, 3))
    target[np.arange(6), np.arange(6) % 3] = 1.0
    near = kneighbors_graph(code, 7).toarray()
    either = np.maximum(near, near.T)
    degree = either.sum(axis=1)
    normalised = either / np.sqrt(np.outer(degree, degree))
    expected = np.linalg.solve(np.eye(40) - 0.95 * normalised, target)
    expected /= expected.sum(axis=1, keepdims=True)
    found = spread(neighbourhood(code), target)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_rows_that_no_label_reaches_count_for_nothing():
    code = np.r_[np.zeros((20, 1)), np.full((20, 1), 9.0)] + np.linspace(0, 1, 40)[:, None]
    target = np.zeros((40, 2))
    target[0, 0] = target[1, 1] = 1.0
    found = spread(neighbourhood(code), target)
    np.testing.assert_array_equal(found[20:], 0.5)
    np.testing.assert_allclose(certainty(found)[20:], 0.0, atol=1e-12)
    np.testing.assert_allclose(certainty(np.array([[1.0, 0.0], [0.9, 0.1]])), [1, 0.531], atol=1e-3)


@slow
def test_labels_that_spread_are_right_more_often_than_a_linear_model():
    X, y = load_digits(return_X_y=True)
    known = np.where(np.arange(600) < 60, y[:600], -1)
    model = classifier(
        AutoencoderTransformer(20, max_iter=10), max_iter=20, batch_size=64
    ).fit(X[:600], known)  # fmt: skip
    assert model.has_spread_labels_
    alone = LogisticRegression(max_iter=1000).fit(X[:60] / 16, y[:60])
    assert model.score(X[600:], y[600:]) > alone.score(X[600:] / 16, y[600:]) + 0.03


def test_fine_tuning_learns_what_no_linear_model_can():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4))
    y = X[:, 0] * X[:, 1]
    known = np.where(np.arange(600) < 400, y, np.nan)
    model = regressor(AutoencoderTransformer(3, max_iter=5), max_iter=50).fit(X, known)
    assert Ridge().fit(X[:400], y[:400]).score(X[400:], y[400:]) < 0.1
    assert model.score(X[400:], y[400:]) > 0.7
    assert model.n_iter_ > 0
    assert len(model.val_loss_curve_) == 51


# Labels


def test_minus_one_and_one_alone_are_two_classes(wine):
    signs = np.where(wine[1] == 0, -1, 1)
    with pytest.warns(UserWarning, match="both are taken for classes"):
        model = classifier().fit(wine[0], signs)
    assert list(model.classes_) == [-1, 1]
    assert model.score(wine[0], signs) > 0.9
    objects = signs.astype(object)
    assert model.score(wine[0], objects) == model.score(wine[0], signs)
    with pytest.warns(UserWarning, match="both are taken for classes"):
        assert list(classifier().fit(wine[0], objects).classes_) == [-1, 1]


def test_numbers_among_objects_are_scored_as_numbers(wine, half, fitted):
    labels = half.astype(object)
    assert fitted.score(wine[0], labels) == fitted.score(wine[0], half)
    truth = np.where(half == 0, True, np.where(half == 1, False, labels))
    truth[half == 2] = -1
    model = classifier().fit(wine[0], truth)
    assert model.classes_.dtype == bool
    assert model.score(wine[0], truth) > 0.9


def test_strings_are_labels_and_the_number_minus_one_is_none(wine, half, fitted):
    names = np.array(["red", "rose", "white"], object)
    y = np.where(half == -1, -1, names[half])
    model = classifier().fit(wine[0], y)
    assert list(model.classes_) == ["red", "rose", "white"]
    np.testing.assert_array_equal(model.predict(wine[0]), names[fitted.predict(wine[0])])
    np.testing.assert_array_equal(model.predict_proba(wine[0]), fitted.predict_proba(wine[0]))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.full(178, -1), ValueError, "y has no label at all: -1 stands"),
        (np.r_[np.full(100, -1), np.full(78, 3)], ValueError, "one class .*-1 stands for no label"),
        (np.r_[["-1"] * 100, ["a", "b"] * 39], ValueError, 'y holds the string "-1"'),
        (
            np.r_[[np.nan], np.zeros(177)],
            ValueError,
            "contains NaN.*row without one is the number -1",
        ),
        (np.array([None, *"ab" * 88, "a"], object), ValueError, "Input y contains NaN or None"),
        (np.array([1, *"ab" * 88, "a"], object), TypeError, "both strings and other"),
        (np.linspace(0, 1, 178), ValueError, "Unknown label type: continuous"),
        (np.zeros((178, 2)), ValueError, "1d array"),
        (np.arange(177) % 2, ValueError, "inconsistent numbers of samples"),
        (None, ValueError, "requires y to be passed"),
    ],
)
def test_bad_labels(y, error, message, wine, autoencoder):
    with pytest.raises(error, match=message):
        classifier(autoencoder).fit(wine[0], y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(150, np.nan), "y has no label at all: NaN stands"),
        (np.r_[np.inf, np.zeros(149)], "Input y contains infinity"),
        (np.full(150, 1e200) * np.arange(150), "y contains values whose squares"),
        (np.c_[np.zeros(150), np.r_[np.nan, np.zeros(149)]], "in some targets of a row"),
        (np.zeros(149), "inconsistent numbers of samples"),
        (np.full(150, "high"), "y: could not convert string to float.*take AutoencoderClassifier"),
        (None, "requires y to be passed"),
    ],
)
def test_bad_numbers(y, message, numbers):
    with pytest.raises(ValueError, match=message):
        regressor().fit(numbers[0], y)


def test_weights_of_zero(wine, half, autoencoder):
    X, y = wine
    model = classifier(autoencoder)
    with pytest.raises(ValueError, match=r"non-zero|zero for every row"):
        model.fit(X, half, sample_weight=np.zeros(178))
    with pytest.raises(ValueError, match="zero for every labelled row"):
        model.fit(X, half, sample_weight=(half == -1).astype(float))
    with pytest.raises(ValueError, match="two classes"):
        model.fit(X, half, sample_weight=(half < 1).astype(float))
    with pytest.raises(ValueError, match=r"Negative values|negative"):
        model.fit(X, half, sample_weight=-np.ones(178))
    # A class whose rows weigh nothing is known, but unlikely.
    without = model.fit(X, half, sample_weight=(y != 2).astype(float))
    assert without.predict_proba(X).shape == (178, 3)
    assert without.predict_proba(X)[:, 2].max() < 0.2
    assert set(without.predict(X)) == {0, 1}


def test_weights_are_copies(wine, half, autoencoder):
    X = wine[0]
    weight = 1.0 + np.arange(178) % 3
    copies = np.repeat(np.arange(178), weight.astype(int))
    model = classifier(autoencoder, spread_labels=False, batch_size=256)
    weighted = model.fit(X, half, sample_weight=weight).predict_proba(X)
    copied = model.fit(X[copies], half[copies]).predict_proba(X)
    np.testing.assert_allclose(weighted, copied, rtol=1e-6)


def test_rows_of_a_class_without_weight_are_neither_learned_nor_unlabelled(wine, autoencoder):
    X, y = wine
    without = {"class_weight": {2: 0.0}}
    model = classifier(autoencoder, spread_labels=True, **without).fit(X, y)
    assert not model.has_spread_labels_
    model = classifier(autoencoder, **without).partial_fit(X, y, classes=[0, 1, 2])
    assert model.partial_fit(X[y == 2], y[y == 2]).n_iter_ == 1
    with pytest.raises(ValueError, match="or class_weight for its class"):
        classifier(autoencoder, **without).partial_fit(X[y == 2], y[y == 2], classes=[0, 1, 2])


def test_without_training_no_label_spreads(wine, half, autoencoder):
    model = classifier(autoencoder, spread_labels=True, max_iter=0).fit(wine[0], half)
    assert not model.has_spread_labels_


def test_class_weights_are_weights_of_rows(wine, half, autoencoder):
    X = wine[0]
    model = classifier(autoencoder, spread_labels=False)
    by_rows = model.fit(X, half, sample_weight=np.where(half == 1, 5.0, 1.0)).predict_proba(X)
    by_class = clone(model).set_params(class_weight={1: 5.0}, estimator=autoencoder).fit(X, half)
    np.testing.assert_allclose(by_class.predict_proba(X), by_rows, rtol=1e-6)
    with pytest.raises(ValueError, match=r"class_weight has the classes \[7\]"):
        by_class.set_params(class_weight={7: 1.0}).fit(X, half)
    for bad in ({1: -1.0}, {1: np.nan}, {0: 0, 1: 0, 2: 0}, {1: "heavy"}):
        with pytest.raises(ValueError, match="class_weight must have finite numbers"):
            by_class.set_params(class_weight=bad).fit(X, half)
    assert (by_class.set_params(class_weight="balanced").fit(X, half).score(X, wine[1])) > 0.9


@slow
def test_the_unit_of_y_does_not_matter(numbers):
    X, _, known = numbers
    one, other = (regressor().fit(X, y).predict(X) for y in (known, 1e6 * known - 3e8))
    np.testing.assert_allclose(other, 1e6 * one - 3e8, rtol=1e-4)


def test_X_may_be_beyond_single_precision(wine, half):
    X, _ = wine
    one, other = (classifier().fit(c * X, half).decision_function(c * X) for c in (1.0, 2.0**300))
    np.testing.assert_allclose(other, one, atol=1e-5)


def test_several_targets(numbers):
    X, _, known = numbers
    both = regressor(max_iter=0).fit(X, np.c_[known, -2 * known])
    np.testing.assert_allclose(both.predict(X)[:, 1], -2 * both.predict(X)[:, 0], rtol=1e-4)
    assert both.predict(X).shape == (150, 2)
    assert regressor(max_iter=0).fit(X, known[:, None]).predict(X).shape == (150, 1)
    constant = regressor().fit(X, np.where(np.isnan(known), np.nan, 5.0))
    np.testing.assert_allclose(constant.predict(X), 5.0, atol=1e-3)


# The autoencoder inside


def test_a_fitted_autoencoder_is_used_as_it_is(wine, half, autoencoder):
    before = autoencoder.transform(wine[0])
    for given in (autoencoder, FrozenEstimator(autoencoder)):
        model = classifier(given).fit(wine[0], half)
        np.testing.assert_array_equal(model.estimator_.transform(wine[0]), before)
    assert clone(model).fit(wine[0], half).estimator_._network is autoencoder._network
    assert classifier(autoencoder).fit(wine[0], half).estimator_ is not autoencoder
    with pytest.raises(NotFittedError):
        classifier(FrozenEstimator(clone(SMALL))).fit(wine[0], half)
    with pytest.raises(TypeError, match="must be an autoencoder of skae, got PCA"):
        classifier(PCA(2)).fit(wine[0], half)


@slow
def test_any_autoencoder_will_do(wine, half):
    for given in (
        VariationalAutoencoder(2, max_iter=3),
        AutoencoderTransformer(2, hidden_layer_sizes=(8,), code_activation="tanh", max_iter=3),
        AutoencoderTransformer(2, output_activation="softplus", max_iter=3, loss="absolute_error"),
    ):
        X = wine[0] - wine[0].min(axis=0)
        model = classifier(given, max_iter=2).fit(X, half)
        assert model.score(X, wine[1]) > 0.9


def test_missing_values_and_sparse_rows(wine, half, fitted):
    X = wine[0].copy()
    X[::5, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        classifier().fit(X, half)
    masked = AutoencoderTransformer(2, hidden_layer_sizes=(8,), missing="mask", max_iter=3)
    model = classifier(masked).fit(X, half)
    assert model.score(X, wine[1]) > 0.9
    dense = np.where(np.abs(wine[0]) > 0.5, wine[0], 0.0)
    one, other = (classifier().fit(X, half) for X in (dense, sparse.csr_matrix(dense)))
    np.testing.assert_allclose(
        one.predict_proba(dense), other.predict_proba(sparse.csc_matrix(dense)), atol=1e-5
    )


@slow
def test_unscaled_and_constant_columns(wine, half):
    X, y = load_wine(return_X_y=True)
    X = np.c_[X * 1e5 + 1e9, np.full(178, 1e6)]
    model = classifier(max_iter=20).fit(X, half)
    assert model.score(X[half == -1], y[half == -1]) > 0.9
    with pytest.warns(skae.exceptions.SilentUnitsWarning):
        constant = classifier().fit(np.ones((178, 3)), half)
    shares = np.bincount(half[half != -1]) / (half != -1).sum()
    np.testing.assert_allclose(constant.predict_proba(np.ones((2, 3))), [shares] * 2, atol=0.02)


def test_few_rows():
    X = np.array([[0.0, 1.0], [1.0, 0.0]])
    model = classifier(AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=2)).fit(X, [0, 1])
    np.testing.assert_array_equal(model.predict(X), [0, 1])


# Going on, and conventions


def test_partial_fit_learns_from_chunks(wine):
    X, y = wine
    order = np.random.default_rng(0).permutation(178)
    model = classifier()
    for start in range(0, 178, 60):
        chunk = order[start : start + 60]
        model.partial_fit(X[chunk], y[chunk], classes=[0, 1, 2])
    assert model.n_iter_ == len(model.loss_curve_) >= 2
    assert model.score(X, y) > 0.9
    before = model.predict_proba(X)
    model.partial_fit(X, np.full(178, -1))
    np.testing.assert_array_equal(model.predict_proba(X), before)
    with pytest.raises(ValueError, match=r"classes \[7\], which are not among"):
        model.partial_fit(X, np.full(178, 7))
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_first_batch_of_one_class(wine):
    X, y = wine
    model = classifier()
    with pytest.raises(ValueError, match="name the classes to come in its classes"):
        model.partial_fit(X[y == 0], y[y == 0])
    model.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2])
    # The rule of succession: 59 rows of one class, none of two.
    np.testing.assert_allclose(model.predict_proba(X[y == 0]).mean(axis=0)[1], 1 / 64, rtol=0.1)
    for _ in range(10):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


def test_score_leaves_rows_without_a_label_out(wine, half, fitted, numbers):
    X, y = wine
    known = half != -1
    weight = 1.0 + np.arange(178) % 3
    assert fitted.score(X, half) == (fitted.predict(X) == y)[known].mean()
    expected = np.average((fitted.predict(X) == y)[known], weights=weight[known])
    assert fitted.score(X, half, sample_weight=weight) == pytest.approx(expected)
    with pytest.raises(ValueError, match="no label at all: -1"):
        fitted.score(X, np.full(178, -1))
    X, y, half = numbers
    model = regressor(max_iter=0).fit(X, half)
    known = ~np.isnan(half)
    rest = np.square(y - model.predict(X))[known].sum()
    expected = 1 - rest / np.square(y[known] - y[known].mean()).sum()
    assert model.score(X, half) == pytest.approx(expected)
    with pytest.raises(ValueError, match="no label at all: NaN"):
        model.score(X, np.full(150, np.nan))


@slow
def test_a_search_that_keeps_rows_without_a_label_in_training(wine, half, autoencoder):
    """The recipe of the user guide."""
    X = wine[0]
    labelled = np.flatnonzero(half != -1)
    fold = np.full(len(half), -1)  # -1: in no test fold
    for number, (_, test) in enumerate(StratifiedKFold(2).split(X[labelled], half[labelled])):
        fold[labelled[test]] = number
    search = GridSearchCV(
        classifier(FrozenEstimator(autoencoder), max_iter=1),
        {"spread_labels": [False, True]},
        cv=PredefinedSplit(fold),
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, half)
    assert -0.5 < search.best_score_ < 0


def test_partial_fit_after_a_fit_lowers_the_loss(numbers):
    X, y, known = numbers
    model = regressor().fit(X, known)
    loss, unit = model.score(X, y), model.target_scale_
    for _ in range(20):
        model.partial_fit(X, y)
    assert model.score(X, y) > loss
    assert model.target_scale_ == unit
    with pytest.raises(ValueError, match="targets of shape"):
        model.partial_fit(X, np.c_[y, y])


@slow
def test_in_a_pipeline_and_a_search(wine, half, numbers):
    grid = {"estimator__n_components": [1, 2]}
    pipe = make_pipeline(StandardScaler(), classifier(max_iter=1, spread_labels=False))
    by_name = {f"autoencoderclassifier__{name}": values for name, values in grid.items()}
    search = GridSearchCV(pipe, by_name, cv=2).fit(*wine)
    assert search.best_score_ > 0.9
    search = GridSearchCV(regressor(max_iter=1), grid, cv=2).fit(*numbers[:2])
    assert search.best_score_ > 0.2


@pytest.mark.parametrize("after", ["fit", "partial_fit"])
def test_what_is_saved_is_what_is_loaded(after, wine, half, numbers, tmp_path):
    names = np.array(["red", "rose", "white"], object)
    for model, X, y in (
        (classifier(), wine[0], half),
        (classifier(), wine[0], np.where(half == -1, -1, names[half])),
        (regressor(), numbers[0], numbers[2]),
    ):
        model.fit(X, y)
        if after == "partial_fit":
            model.partial_fit(X, y)
        skae.save(model, tmp_path / "model")
        expected = model.predict(X)
        for other in (skae.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.predict(X), expected)
            assert other.predict(X).dtype == expected.dtype
            other.partial_fit(X, y)
        skae.save(other, tmp_path / "again")
        skae.save(model.partial_fit(X, y), tmp_path / "model")
        assert (tmp_path / "model").read_bytes() == (tmp_path / "again").read_bytes()


def test_a_file_that_lies_is_refused(fitted, tmp_path):
    path = tmp_path / "model"
    for name, value in (
        ("classes_", np.array([1, 0, 2])),
        ("n_iter_", 7),
        ("loss_curve_", [None]),
        ("estimator_", SMALL),
        ("_network", None),
        ("has_spread_labels_", 1),
    ):
        model = copy.deepcopy(fitted)
        setattr(model, name, value)
        skae.save(model, path)
        with pytest.raises(skae.LoadError, match="not those of a fitted AutoencoderClassifier"):
            skae.load(path)
    model = copy.deepcopy(fitted)
    model.estimator_._network = model._network
    skae.save(model, path)
    with pytest.raises(skae.LoadError, match="does not reconstruct X"):
        skae.load(path)


@slow
def test_a_fit_that_fails_leaves_the_earlier_one(wine, half):
    model = classifier().fit(wine[0], half)
    before = model.predict_proba(wine[0])
    for X, y in ((np.full((10, 13), np.nan), [0, 1] * 5), (wine[0], np.full(178, -1))):
        with pytest.raises(ValueError, match=r"contains NaN|no label"):
            model.fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(wine[0]), before)


def test_the_seed_decides(wine, half):
    found = [
        classifier(random_state=s).fit(wine[0], half).predict_proba(wine[0]) for s in (0, 0, 1)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_rows_that_are_too_far_away_are_refused(fitted):
    with pytest.raises(ValueError, match="prediction is infinite"):
        fitted.predict(np.full((1, 13), 1e60))


def test_frames_are_taken_by_name(wine, half):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(wine[0], columns=list("abcdefghijklm"))
    model = classifier().fit(X, pandas.Series(half))
    assert list(model.feature_names_in_) == list("abcdefghijklm")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[X.columns[::-1]])
