"""The outlier detector: what its scores are, whom it flags, and on which rows it is fitted."""

import pickle

import numpy as np
import pandas as pd
import pytest
from cases import slow
from scipy import sparse
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skae
from skae import (
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from skae.outliers import offset


def detector(estimator=None, **params):
    return AutoencoderOutlierDetector(estimator, random_state=0, **params)


LINEAR = AutoencoderTransformer(2, hidden_layer_sizes=())
"""Code and residual together are a linear map of the row, so that no distance is lost."""


@pytest.fixture(scope="module")
def rows():
    """300 normal rows of two factors, the first ten of which are far from the plane of the rest."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(300, 5))
    X[:10] += 5 * rng.normal(size=(10, 5))
    return X


@pytest.fixture(scope="module")
def fitted(rows):
    return detector(VariationalAutoencoder(2, max_iter=5, trim_fraction=0.1)).fit(rows)


def test_the_score_is_the_evidence_lower_bound(fitted, rows):
    bound = fitted.estimator_.elbo(rows)
    np.testing.assert_array_equal(fitted.score_samples(rows), bound)


def test_of_a_linear_network_it_is_the_mahalanobis_distance(rows):
    X = rows[10:]
    found = detector(LINEAR).fit(X).score_samples(X)
    expected = multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True)).logpdf(X)
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=0.02)


def test_rows_that_are_trimmed_do_not_move_the_distance(rows):
    X = rows[10:]
    alone = detector(LINEAR).fit(X)
    together = detector(clone(LINEAR).set_params(trim_fraction=10 / 300)).fit(rows)
    np.testing.assert_allclose(together.score_samples(X), alone.score_samples(X), rtol=0.02)
    assert together.score_samples(rows)[:10].max() < together.score_samples(X).min()


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.5, 1 / 3])
def test_the_share_that_is_asked_for_is_flagged(share, rows):
    model = detector(LINEAR, contamination=share).fit(rows)
    flagged = model.predict(rows) == -1
    assert flagged.sum() == max(1, int(share * 300 + 1e-9))
    assert model.score_samples(rows)[flagged].max() < model.score_samples(rows)[~flagged].min()
    np.testing.assert_array_equal(
        model.decision_function(rows), model.score_samples(rows) - model.offset_
    )


def test_weights_decide_on_the_share(rows):
    weight = np.where(np.arange(300) < 10, 3.0, 1.0)
    copies = np.repeat(np.arange(300), weight.astype(int))
    by_weight = detector(LINEAR, contamination=0.1).fit(rows, sample_weight=weight)
    by_copies = detector(LINEAR, contamination=0.1).fit(rows[copies])
    assert (by_copies.predict(rows[copies]) == -1).sum() == 32
    np.testing.assert_array_equal(by_weight.predict(rows), by_copies.predict(rows))


def test_automatically_it_is_a_box_plots_fence(fitted, rows):
    scores = np.sort(fitted.score_samples(rows))
    low, high = scores[74], scores[224]
    assert fitted.offset_ == pytest.approx(low - 1.5 * (high - low))
    flagged = np.flatnonzero(fitted.predict(rows) == -1)
    assert set(range(10)) - set(flagged) <= {4}
    assert len(flagged) < 20


def test_feature_scores_say_which_value_is_odd(fitted, rows):
    X = rows[10:60].copy()
    X[np.arange(50), np.arange(50) % 5] += 3
    scores = fitted.feature_scores(X)
    assert scores.shape == X.shape
    assert (scores.argmax(axis=1) == np.arange(50) % 5).mean() > 0.9
    agreeing = rows[fitted.predict(rows) == 1]
    np.testing.assert_allclose(fitted.feature_scores(agreeing).mean(axis=0), 0.5, rtol=1e-6)


def test_of_a_linear_model_they_are_what_the_score_would_rise_by():
    """Each value is replaced by its mean given the others, by the formula of normal variables."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2)) @ rng.normal(size=(2, 5)) + 0.5 * rng.normal(size=(2000, 5))
    vae = VariationalAutoencoder(2, learning_rate_init=1e-9, max_iter=1)
    model = detector(vae, contamination=1e-9).fit(X)
    network = model.estimator_
    centred = X - X.mean(axis=0)
    W = network.inverse_transform(np.eye(2)) - network.inverse_transform(np.zeros((1, 2)))
    precision = np.linalg.inv(W.T @ W + np.diag(network.noise_variance_))
    expected = np.square(centred @ precision) / np.diag(precision) / 2
    agreeing = model.predict(X) == 1
    assert agreeing.sum() == 1999
    np.testing.assert_allclose(model.feature_scores(X[agreeing]).mean(axis=0), 0.5, rtol=1e-6)
    np.testing.assert_allclose(model.feature_scores(X), expected, rtol=0.1, atol=0.05)


def test_a_missing_value_counts_as_usual(rows):
    X = rows[10:].copy()
    vae = VariationalAutoencoder(2, max_iter=5, missing="mask")
    model = detector(vae).fit(X)
    gaps = X.copy()
    gaps[::2, 3] = np.nan
    before, after = model.score_samples(X), model.score_samples(gaps)
    np.testing.assert_array_equal(before[1::2], after[1::2])
    assert abs((after - before)[::2].mean()) < 0.2  # some two nats lower, or higher, if left out
    assert np.isnan(model.feature_scores(gaps)[::2, 3]).all()
    linear = clone(LINEAR).set_params(missing="mask")
    assert np.isfinite(detector(linear).fit(gaps).score_samples(gaps)).all()


@pytest.mark.parametrize(
    "estimator", [pytest.param(None, marks=slow), DenoisingAutoencoder(2, max_iter=3)]
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_rows_beyond_single_precision_are_the_oddest(estimator, rows):
    model = detector(estimator).fit(rows)
    far = np.full((2, 5), 1e36) * [[1.0], [-1.0]]
    assert (model.score_samples(far) < model.score_samples(rows).min()).all()
    assert (model.predict(far) == -1).all()


def test_a_row_depends_on_no_other(fitted, rows):
    one_by_one = np.concatenate([fitted.score_samples(row[None]) for row in rows[:20]])
    np.testing.assert_array_equal(one_by_one, fitted.score_samples(rows)[:20])


def test_any_storage_gives_the_same_scores(rows):
    X = np.where(np.abs(rows) < 0.5, 0.0, rows)
    for estimator in (LINEAR, VariationalAutoencoder(2, max_iter=2)):
        dense = detector(estimator).fit(X).score_samples(X)
        model = detector(estimator).fit(sparse.csr_array(X))
        np.testing.assert_allclose(model.score_samples(sparse.csc_array(X)), dense, rtol=1e-5)


@slow
def test_units_move_scores_by_a_constant_alone(rows):
    found = detector(VariationalAutoencoder(2, max_iter=3)).fit(rows).score_samples(rows)
    X = 1e9 + 1024 * rows
    moved = detector(VariationalAutoencoder(2, max_iter=3)).fit(X).score_samples(X)
    np.testing.assert_allclose(moved - found, -5 * np.log(1024), atol=0.05)
    plain = [detector(LINEAR).fit(X) for X in (rows, X)]
    np.testing.assert_allclose(plain[1].score_samples(X), plain[0].score_samples(rows), rtol=0.02)


def test_frames_are_taken_by_name(rows):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rows, columns=list("abcde"))
    model = detector(LINEAR).fit(X)
    assert list(model.feature_names_in_) == list("abcde")
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[list("bacde")])
    again = model.fit(rows)
    assert not hasattr(again, "feature_names_in_")


@slow
def test_in_a_pipeline_and_a_search(rows):
    y = np.arange(300) < 10
    pipe = make_pipeline(StandardScaler(), detector(LINEAR))
    grid = {"autoencoderoutlierdetector__estimator__n_components": [1, 2]}

    def score(model, X, y):
        return roc_auc_score(y, -model.score_samples(X))

    search = GridSearchCV(pipe, grid, scoring=score, cv=StratifiedKFold(2)).fit(rows, y)
    assert search.best_score_ > 0.9


def test_what_is_saved_is_what_is_loaded(fitted, rows, tmp_path):
    for model in (fitted, detector(LINEAR, contamination=0.1).fit(rows)):
        skae.save(model, tmp_path / "model")
        for other in (skae.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.score_samples(rows), model.score_samples(rows))
            np.testing.assert_array_equal(other.feature_scores(rows), model.feature_scores(rows))
            np.testing.assert_array_equal(other.predict(rows), model.predict(rows))


def test_the_seed_decides(rows):
    vae = VariationalAutoencoder(2, max_iter=2, random_state=5)
    scores = [
        AutoencoderOutlierDetector(vae, random_state=seed).fit(rows).score_samples(rows)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).any()


def test_a_fit_that_fails_leaves_the_earlier_one(fitted, rows):
    model = clone(fitted).fit(rows)
    with pytest.raises(ValueError, match="X contains NaN"):
        model.fit(np.full((10, 5), np.nan))
    np.testing.assert_array_equal(model.score_samples(rows), fitted.score_samples(rows))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"contamination": 0.7}, ValueError, "'contamination' parameter"),
        ({"contamination": 0.0}, ValueError, "'contamination' parameter"),
        ({"estimator": VariationalAutoencoder}, ValueError, "not its class"),
        ({"estimator": PCA(2)}, TypeError, "estimator must be an autoencoder of skae, got PCA"),
    ],
)
def test_bad_parameters(params, error, message, rows):
    with pytest.raises(error, match=message):
        AutoencoderOutlierDetector().set_params(**params).fit(rows)


def test_constant_and_few_rows():
    X = load_wine().data[:8].copy()
    X[:, 2] = 7.0
    model = AutoencoderOutlierDetector(random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.feature_scores(X)).all()
    assert (model.feature_scores(X)[:, 2] == 0).all()


@pytest.mark.parametrize(("constant", "other"), [(7.0, 8.0), (0.0, 1e6), (1e9, 1e9 + 1)])
@pytest.mark.parametrize("estimator", [None, LINEAR], ids=["likelihood", "distance"])
def test_another_value_of_a_constant_feature_is_a_surprise_of_one_size(estimator, constant, other):
    X = np.column_stack([1000 * load_wine().data[:60, :4], np.full(60, constant)])
    model = AutoencoderOutlierDetector(estimator, contamination=0.1, random_state=0).fit(X)
    changed = X.copy()
    changed[:, 4] = other
    fall = model.score_samples(X) - model.score_samples(changed)
    np.testing.assert_allclose(fall, np.log(62), rtol=1e-9)
    scores = model.feature_scores(changed)
    np.testing.assert_array_equal(scores[:, :4], model.feature_scores(X)[:, :4])
    np.testing.assert_array_equal(scores[:, 4], model.surprise_)


@pytest.mark.parametrize("constant", [0.1, 123456789.123])
def test_a_constant_is_the_same_in_both_precisions(constant):
    X = np.column_stack([load_wine().data[:40, :4], np.full(40, constant)])
    for train, new in [(X, X.astype(np.float32)), (X.astype(np.float32), X)]:
        model = AutoencoderOutlierDetector(LINEAR, contamination=0.1, random_state=0).fit(train)
        assert (model.feature_scores(new)[:, 4] == 0).all()
        np.testing.assert_allclose(model.score_samples(new), model.score_samples(train), rtol=1e-3)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16])
def test_rows_of_other_types_have_the_same_scores(dtype):
    """Also beside a constant that is none of their numbers."""
    bits = np.random.default_rng(0).integers(2, size=(60, 5))
    train = np.column_stack([bits, np.full(60, 2.5)])
    model = AutoencoderOutlierDetector(LINEAR, contamination=0.1, random_state=0).fit(train)
    new = np.column_stack([bits, np.ones(60)])
    np.testing.assert_array_equal(
        model.score_samples(new.astype(dtype)), model.score_samples(new.astype(float))
    )
    whole = detector(LINEAR).fit(np.column_stack([bits, np.ones(60)]).astype(dtype))
    assert np.isfinite(whole.feature_scores(new.astype(dtype))).all()


def test_rows_of_weight_zero_are_as_if_they_were_not_there(rows):
    X = np.column_stack([rows, np.full(300, 2.0)])
    X[:10, 5] = 3.0
    weight = np.where(np.arange(300) < 10, 0.0, 1.0)
    model = detector(LINEAR).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(model.constant_, [*[np.nan] * 5, 2.0])
    alone = detector(LINEAR).fit(X[10:])
    np.testing.assert_allclose(model.score_samples(X), alone.score_samples(X), rtol=1e-6)
    scores = np.arange(300.0)
    assert offset(scores, weight, 0.001) == offset(scores[10:], weight[10:], 0.001) == 11


def test_one_number_is_the_weight_of_all_rows(rows):
    model = detector(LINEAR).fit(rows, sample_weight=2.0)
    assert model.surprise_ == pytest.approx(np.log(602))
    same = detector(LINEAR).fit(rows, sample_weight=np.full(300, 2.0))
    assert model.offset_ == same.offset_


@pytest.mark.parametrize(
    "estimator",
    [
        AutoencoderTransformer(2, missing="mask", max_iter=3),
        VariationalAutoencoder(2, missing="mask", max_iter=3),
    ],
)
def test_what_is_missing_of_a_constant_tells_nothing(estimator, rows):
    X = np.column_stack([rows, np.full(300, 0.1)])
    model = detector(estimator).fit(X)
    gaps = np.where(np.arange(6) == 5, np.nan, X)
    np.testing.assert_allclose(model.score_samples(gaps), model.score_samples(X), rtol=1e-5)
    gaps = X.copy()
    gaps[:, 2] = np.nan
    assert not np.allclose(model.score_samples(gaps), model.score_samples(X), rtol=1e-5)


def test_a_constant_is_the_same_in_half_precision(rows):
    X = np.column_stack([rows, np.full(300, 0.1)])
    model = detector(LINEAR).fit(X)
    assert (model.feature_scores(X.astype(np.float16))[:, 5] == 0).all()


def test_a_distance_that_overflows_twice_is_infinite(rows):
    density = detector(LINEAR).fit(rows).density_
    assert np.isneginf(density.logarithm(np.full((1, len(density.centre)), 1e200))).all()


def test_rows_of_the_lowest_score_are_flagged_unless_all_rows_have_it():
    scores = np.array([2.0, 1.0, 3.0, 1.0])
    assert offset(scores, np.ones(4), 0.25) == 2
    assert offset(scores, np.array([1.0, 9.0, 1.0, 9.0]), 0.1) == 2
    assert offset(np.ones(4), np.ones(4), 0.25) == 1


def test_scores_that_are_infinite_leave_a_finite_offset():
    scores, weight = np.array([-np.inf, 1.0, -np.inf, 2.0]), np.ones(4)
    for contamination in (0.25, "auto"):
        found = offset(scores, weight, contamination)
        assert np.isfinite(found)
        np.testing.assert_array_equal(scores - found < 0, [True, False, True, False])


def test_a_file_that_lies_is_refused(rows, tmp_path):
    path = tmp_path / "model"
    for name, value in (("offset_", np.nan), ("constant_", np.zeros(4)), ("density_", None)):
        model = detector(LINEAR).fit(rows)
        setattr(model, name, value)
        skae.save(model, path)
        with pytest.raises(skae.LoadError, match=r"not those of|is an array of shape"):
            skae.load(path)


@slow
def test_few_rows_of_many_features_do_not_make_new_ones_outliers():
    """The scores of 60 training rows of 30 features are far above those of new ones."""
    X = np.random.default_rng(0).normal(size=(360, 30))
    detector = AutoencoderOutlierDetector(random_state=0).fit(X[:60])
    by_training_rows = offset(detector.score_samples(X[:60]), np.ones(60), "auto")
    assert np.mean(detector.score_samples(X[60:]) < by_training_rows) > 0.3
    assert np.mean(detector.predict(X[60:]) == -1) < 0.05
    again = AutoencoderOutlierDetector(random_state=0).fit(X[:60][::-1])
    assert again.offset_ == pytest.approx(detector.offset_, rel=1e-6)


@slow
def test_few_rows_of_a_table_do_not_make_new_ones_outliers(tmp_path):
    """A level of a single row is known to all fits; each checkpoint is that of the first fit."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({f"number {i}": rng.normal(size=360) for i in range(10)})
    for i in range(8):
        table[f"level {i}"] = rng.choice(list("abcd"), size=360)
    table.loc[5, "level 0"] = "e"
    file = tmp_path / "fit.ckpt"
    vae = VariationalAutoencoder(0.95, max_iter=5, trim_fraction=0.1, checkpoint=file)
    model = detector(vae).fit(table[:60])
    by_training_rows = offset(model.score_samples(table[:60]), np.ones(60), "auto")
    assert np.mean(model.score_samples(table[60:]) < by_training_rows) > 0.3
    assert np.mean(model.predict(table[60:]) == -1) < 0.1


@slow
def test_a_feature_that_few_rows_have_is_no_reason_to_fail():
    """Fits of other rows would know nothing of it."""
    X = np.random.default_rng(0).normal(size=(40, 4))
    X[1:, 3] = np.nan
    model = detector(VariationalAutoencoder(2, max_iter=2, missing="mask")).fit(X)
    assert np.isfinite(model.offset_)


def test_a_given_share_of_few_rows_is_that_of_the_training_rows():
    X = np.random.default_rng(0).normal(size=(50, 10))
    detector = AutoencoderOutlierDetector(contamination=0.1, random_state=0).fit(X)
    assert np.sum(detector.predict(X) == -1) == 5
