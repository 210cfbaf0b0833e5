"""Estimators of tables with columns of categories."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from cases import slow_but
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import skae
from skae import (
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import program_info
from skae.corruption import GaussianNoise, MaskingNoise, SaltAndPepperNoise, SwapNoise
from skae.exceptions import DominatingRowsWarning


def rows(n_rows, seed=0):
    """Two latent numbers, seen through four columns."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n_rows))
    return pd.DataFrame(
        {
            "age": np.rint(40 + 10 * a + rng.normal(size=n_rows)).astype(int),
            "pay": 1e4 + 2e3 * b + 100 * rng.normal(size=n_rows),
            "city": pd.Categorical(np.digitize(a, [-1, 0, 1])).rename_categories(list("wxyz")),
            "owner": b > 0,
        }
    )


@pytest.fixture(scope="module")
def train():
    return rows(600)


@pytest.fixture(scope="module")
def test():
    return rows(200, seed=1)


@pytest.fixture(scope="module")
def fitted(train):
    return AutoencoderTransformer(2, max_iter=30, missing="mask", random_state=0).fit(train)


@pytest.fixture(scope="module")
def variational(train):
    return VariationalAutoencoder(2, max_iter=30, missing="mask", random_state=0).fit(train)


def test_a_table_comes_back_as_one(fitted, test):
    code = fitted.transform(test)
    assert code.shape == (200, 2)
    table = fitted.reconstruct(test)
    pd.testing.assert_frame_equal(fitted.inverse_transform(code), table.reset_index(drop=True))
    assert list(table.dtypes) == list(test.dtypes)
    assert (table["city"] == test["city"]).mean() > 0.9
    assert (table["owner"] == test["owner"]).mean() > 0.95
    assert fitted.set_output(transform="polars").reconstruct(test).columns == list(test)
    fitted.set_output(transform="default")


def test_errors_are_relative_to_what_a_column_varies(fitted, test):
    error = fitted.reconstruction_error(test, per_feature=True)
    assert error.shape == (200, 4)
    age = fitted._decode(fitted._encode(fitted._check_X(test)))[:, 0]
    mean, deviation = fitted._table.columns[0].mean, fitted._table.columns[0].deviation
    np.testing.assert_allclose(error[:, 0], np.square((test["age"] - mean) / deviation - age))
    shares = fitted._table.columns[2].shares
    impurity = 1 - np.square(shares).sum()
    probability = fitted._decode(fitted._encode(fitted._check_X(test)))[:, 2:6]
    probability = probability * np.sqrt(impurity)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-6)
    indicator = pd.get_dummies(test["city"]).to_numpy()
    expected = np.square(indicator - probability).sum(axis=1) / impurity
    np.testing.assert_allclose(error[:, 2], expected)
    np.testing.assert_allclose(fitted.reconstruction_error(test), error.mean(axis=1))
    explained = fitted.explained_variance(test, per_feature=True)
    np.testing.assert_allclose(explained, 1 - error.mean(axis=0), atol=0.05)
    assert fitted.explained_variance(test) == pytest.approx(explained.mean(), abs=0.01)
    assert -fitted.score(test) < fitted.pca_error_


def test_the_loss_by_numpy(train):
    estimator = AutoencoderTransformer(2, alpha=0.0, solver="sgd", learning_rate_init=1e-12)
    estimator.set_params(max_iter=1, random_state=0).fit(train)
    error = estimator.reconstruction_error(train, per_feature=True)
    features = estimator._check_X(train)
    predicted = estimator._decode(estimator._encode(features))
    losses = [error[:, 0], error[:, 1]]
    for column, start in zip(estimator._table.columns[2:], (2, 6), strict=True):
        own = slice(start, start + column.n_features)
        truth, probability = features[:, own] * column.unit, predicted[:, own] * column.unit
        entropy = -(column.shares * np.log(column.shares)).sum()
        losses.append(-(truth * np.log(probability)).sum(axis=1) / entropy)
    assert estimator.loss_curve_[-1] == pytest.approx(np.mean(losses), rel=1e-4)


def test_missing_and_unknown_categories(fitted, train, test):
    odd = test.astype({"city": object, "owner": object})
    odd.iloc[:50, 2] = None
    odd.iloc[50:90, 1] = np.nan
    filled = fitted.impute(odd)
    assert not filled.isna().any().any()
    assert (filled["city"] == test["city"])[:50].mean() > 0.6
    assert (filled["city"] == test["city"])[50:].all()
    assert np.abs(filled["pay"] - test["pay"])[50:90].mean() < np.abs(test["pay"] - 1e4).mean()
    error = fitted.reconstruction_error(odd, per_feature=True)
    np.testing.assert_array_equal(np.isnan(error), odd.isna())
    odd.iloc[0, 2] = "elsewhere"
    with pytest.raises(ValueError, match="'elsewhere' in column 'city'"):
        fitted.transform(odd)
    lenient = clone(fitted).set_params(handle_unknown="missing", max_iter=2).fit(train)
    without = odd.copy()
    without.iloc[0, 2] = None
    np.testing.assert_array_equal(lenient.transform(odd), lenient.transform(without))
    assert lenient.impute(odd)["city"].iloc[0] in list("wxyz")
    clone(fitted).fit(odd, sample_weight=np.arange(200) > 0)  # a level of a row without weight
    with pytest.raises(ValueError, match=r"contains NaN.*column 'city'"):
        AutoencoderTransformer(2).fit(odd.drop(columns="pay"))


def test_files_and_pickles(fitted, variational, test, tmp_path):
    for estimator in (fitted, variational):
        skae.save(estimator, tmp_path / "table.skae")
        for copy in (skae.load(tmp_path / "table.skae"), pickle.loads(pickle.dumps(estimator))):
            pd.testing.assert_frame_equal(copy.reconstruct(test), estimator.reconstruct(test))


def test_going_on_keeps_the_categories(train):
    estimator = AutoencoderTransformer(2, max_iter=3, warm_start=True, random_state=0).fit(train)
    table = estimator._table
    estimator.partial_fit(train[:100])
    assert estimator.fit(train[100:])._table is table
    with pytest.raises(ValueError, match="holds a category"):
        estimator.partial_fit(train.assign(owner="who"))
    estimator.set_params(warm_start=False).fit(train[["age", "pay"]])
    assert estimator._table is None
    assert isinstance(estimator.reconstruct(train[["age", "pay"]]), np.ndarray)


def test_drawn_rows_have_the_levels_of_the_training_rows(variational, train):
    drawn = variational.sample(2000, random_state=0, noise=True)
    assert list(drawn.dtypes) == list(train.dtypes)
    shares, expected = (X["city"].value_counts(normalize=True) for X in (drawn, train))
    np.testing.assert_allclose(shares[list("wxyz")], expected[list("wxyz")], atol=0.06)
    together = (drawn["pay"] > 1e4) == drawn["owner"]
    assert together.mean() > 0.9
    assert np.isnan(variational.noise_variance_[2:]).all()
    assert (variational.noise_variance_[:2] > 0).all()


def test_the_bound_has_the_units_of_the_numbers(train):
    vae = VariationalAutoencoder(2, max_iter=3, random_state=0)
    bound = clone(vae).fit(train).elbo(train)
    scaled = train.assign(pay=1000 * train["pay"])
    np.testing.assert_allclose(clone(vae).fit(scaled).elbo(scaled), bound - np.log(1000), rtol=1e-3)


@pytest.mark.parametrize(
    "corruption", [SwapNoise(0.5), MaskingNoise(0.5), GaussianNoise(0.5)], ids=repr
)
def test_corruptions_act_on_columns(corruption, fitted, train):
    features = fitted._check_X(train).astype(np.float32)
    noisy = corruption.on_table(fitted._table).corrupt(features, random_state=0)
    changed = np.logical_or.reduceat(noisy != features, fitted._table.starts, axis=1).mean(axis=0)
    if isinstance(corruption, GaussianNoise):
        np.testing.assert_array_equal(changed > 0.9, [True, True, False, False])
        np.testing.assert_array_equal(noisy[:, 2:], features[:, 2:])
        return
    assert (np.abs(changed[:2] - 0.5) < 0.08).all()
    whole = np.abs(np.add.reduceat(noisy * fitted._table.units, [2, 6], axis=1))
    if isinstance(corruption, SwapNoise):
        np.testing.assert_allclose(whole, 1.0, rtol=1e-5)  # still one level
    else:
        np.testing.assert_allclose((whole < 1e-6).mean(axis=0), 0.5, atol=0.08)


def test_a_denoiser_of_tables(train, test):
    denoiser = DenoisingAutoencoder(2, corruption="swap", max_iter=20, random_state=0).fit(train)
    assert -denoiser.score(test) < 0.3
    with pytest.raises(ValueError, match="has no meaning for a table"):
        denoiser.set_params(corruption="salt_and_pepper").fit(train)
    with pytest.raises(ValueError, match="has no meaning for a table"):
        AutoencoderTransformer(2, loss="binary_crossentropy").fit(train)


def test_observed_values_stay_as_they_are(fitted, test):
    X = test.astype({"age": float, "owner": object})
    X.iloc[0, 0] = 41.7
    X.iloc[1:50, 0] = np.nan
    filled = fitted.impute(X)
    assert filled["age"].iloc[0] == 41.7
    assert (filled["pay"] == X["pay"]).all()
    X.iloc[0, 0] = 41.0
    assert fitted.impute(X)["age"].dtype == test["age"].dtype


def test_a_wrong_number_takes_its_column_with_it_or_is_left_out(train):
    """With it the column's deviation is its own; without, rows come back as if it were clean."""
    wrong = train.astype({"pay": float})
    wrong.loc[0, "pay"] = 1e12
    autoencoder = AutoencoderTransformer(2, max_iter=60, random_state=0)
    with pytest.warns(DominatingRowsWarning, match=r"'pay' \(0\.0%\)"):
        autoencoder.fit(wrong)
    errors = [
        clone(autoencoder).set_params(trim_fraction=0.05).fit(X).reconstruct(train)["pay"][1:]
        - train["pay"][1:]
        for X in (train, wrong)
    ]
    clean, trimmed = (np.sqrt(np.square(error).mean()) for error in errors)
    assert trimmed < 1.1 * clean


def test_a_table_of_another_library_is_filled(train, test):
    X = pl.from_pandas(train.astype({"city": str}))
    estimator = AutoencoderTransformer(2, missing="mask", max_iter=2, random_state=0).fit(X)
    other = test.astype({"city": str})
    other.loc[:9, "pay"] = np.nan
    filled = estimator.impute(other)
    assert isinstance(filled, pl.DataFrame)
    assert filled["city"].to_list() == other["city"].tolist()
    assert filled["pay"].to_list()[10:] == other["pay"].tolist()[10:]
    assert not filled["pay"].is_null().any()


def test_truth_that_counts_as_a_number_comes_back(train, test):
    estimator = AutoencoderTransformer(2, categorical_features=["city"], max_iter=20)
    table = estimator.set_params(random_state=0).fit(train).reconstruct(test)
    assert table["owner"].dtype == bool
    assert (table["owner"] == test["owner"]).mean() > 0.9


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_weights_of_columns_are_those_of_their_losses(loss, train):
    X = train[["age", "pay"]].to_numpy()
    estimator = AutoencoderTransformer(
        1, loss=loss, column_weights=[9, 1], alpha=0.0, solver="sgd", learning_rate_init=1e-12
    )
    estimator.set_params(max_iter=1, random_state=0).fit(X)
    error = np.sqrt(estimator.reconstruction_error(X, per_feature=True))
    power = 2 if loss == "squared_error" else 1
    expected = np.average((error**power).mean(axis=0), weights=[9, 1])
    assert estimator.loss_curve_[-1] == pytest.approx(expected, rel=1e-4)


def test_rows_that_are_no_frame(fitted, test):
    codes = fitted.transform(test)
    pd.testing.assert_frame_equal(
        fitted.inverse_transform(codes.tolist()), fitted.inverse_transform(codes)
    )
    rows = [list(row) for row in test.itertuples(index=False)]
    got = clone(fitted).set_params(categorical_features=[2, 3], max_iter=2).fit(rows)
    assert got.reconstruct(rows).shape == (200, 4)


def test_a_decoder_comes_back(fitted, test):
    other = fitted.with_weights(fitted.encoder_, fitted.decoder_)
    pd.testing.assert_frame_equal(other.reconstruct(test), fitted.reconstruct(test))


def test_rows_with_a_missing_category_are_no_outliers():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 2)), columns=["a", "b"])
    X["many"] = rng.integers(30, size=600).astype(str)
    X.loc[rng.choice(600, 100, replace=False), "many"] = None
    vae = VariationalAutoencoder(2, max_iter=5, missing="mask")
    flagged = AutoencoderOutlierDetector(vae, random_state=0).fit_predict(X) == -1
    assert flagged[X["many"].isna()].mean() <= flagged.mean() + 0.02


def test_column_weights_say_what_counts(train, test):
    plain, heavy = (
        AutoencoderTransformer(1, column_weights=weights, max_iter=20, random_state=0).fit(train)
        for weights in (None, {"pay": 20.0})
    )
    errors = [each.reconstruction_error(test, per_feature=True)[:, 1] for each in (plain, heavy)]
    assert errors[1].mean() < 0.2
    error = heavy.reconstruction_error(test, per_feature=True)
    weighted = np.average(error, axis=1, weights=[1, 20, 1, 1])
    np.testing.assert_allclose(heavy.reconstruction_error(test), weighted)


def test_folds_share_programs(train):
    pipe = make_pipeline(AutoencoderTransformer(max_iter=2, random_state=0), LogisticRegression())
    X, y = train.drop(columns="owner"), train["owner"]
    search = GridSearchCV(pipe, {"autoencodertransformer__alpha": [0.0, 0.1]}, cv=3).fit(X, y)
    before = program_info()["made"]
    clone(search).fit(X.iloc[::-1], y[::-1])  # of other shares of levels
    assert program_info()["made"] == before


def test_a_detector_of_tables(train, test):
    odd = test.assign(owner=~test["owner"])
    for estimator in (None, AutoencoderTransformer(2, max_iter=20)):
        detector = AutoencoderOutlierDetector(estimator, random_state=0).fit(train)
        scores = detector.score_samples(test), detector.score_samples(odd)
        assert np.median(scores[1]) < np.quantile(scores[0], 0.25)
        assert detector.feature_scores(odd).shape == (200, 4)


def test_names_and_index_of_what_comes_back(train):
    X = train.set_axis([3, 2, 1, 0], axis=1).set_axis(train.index[::-1] + 5)
    estimator = AutoencoderTransformer(2, hidden_layer_sizes=(), solver="sgd", max_iter=1).fit(X)
    table = estimator.reconstruct(X)
    assert list(table.columns) == [3, 2, 1, 0]
    assert table.index.equals(X.index)


def test_a_rare_level_in_cross_validation(train):
    X = train.astype({"city": str})
    X.loc[7, "city"] = "elsewhere"
    estimator = AutoencoderTransformer(2, hidden_layer_sizes=(), solver="sgd", max_iter=1)
    with pytest.warns(UserWarning, match="In cross-validation this happens where a level is rare"):
        assert np.isnan(cross_val_score(estimator, X, cv=3)).sum() == 1
    estimator.set_params(handle_unknown="missing", missing="mask")
    assert np.isfinite(cross_val_score(estimator, X, cv=3)).all()


@pytest.mark.parametrize("library", slow_but("pandas", of=["pandas", "polars"]))
@pytest.mark.parametrize(
    "corruption", [SwapNoise(0.5), MaskingNoise(0.5), MaskingNoise(0.5, value=np.nan)], ids=repr
)
def test_a_table_can_be_corrupted(corruption, library, train):
    X = pl.from_pandas(train.astype({"city": str})) if library == "polars" else train
    noisy = corruption.corrupt(X, random_state=0)
    assert type(noisy) is type(X)
    assert list(noisy.columns) == list(X.columns)
    for name in X.columns:
        old, new = X[name].to_numpy(), noisy[name].to_numpy()
        same = old == new
        assert 0.45 < same.mean() < 0.85
        if isinstance(corruption, SwapNoise) and name == "pay":  # in single precision
            assert (np.abs(new[:, None] - old).min(axis=1) < 0.01).all()
        elif isinstance(corruption, SwapNoise):
            assert np.isin(new, old).all()
        elif name in ("city", "owner") or np.isnan(corruption.value):
            assert pd.isna(new[~same]).all()
        else:
            mean = np.rint(old.mean()) if name == "age" else old.mean()
            np.testing.assert_allclose(new[~same], mean, rtol=1e-6)


def test_gaussian_noise_on_a_table_leaves_categories(train):
    noisy = GaussianNoise(0.5).corrupt(train, random_state=0)
    assert noisy["city"].equals(train["city"])
    assert noisy["owner"].equals(train["owner"])
    assert np.std(noisy["pay"] - train["pay"]) == pytest.approx(0.5 * train["pay"].std(), rel=0.1)
    with pytest.raises(ValueError, match="has no meaning for a table"):
        SaltAndPepperNoise(0.1).corrupt(train)
