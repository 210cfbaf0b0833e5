"""The imputer: what it fills, how its draws cover, and what it answers to odd data."""

import pickle
import threading
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from cases import slow, slow_but
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skae
from skae import (
    AutoencoderImputer,
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)

QUICK = DenoisingAutoencoder(3, hidden_layer_sizes=(16,), max_iter=3)


def imputer(estimator=QUICK, **params):
    return AutoencoderImputer(estimator, random_state=0, **params)


def hide(X, share=0.3, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def model_of_rows():
    """Mean, loadings and noise of a linear model of five features."""
    rng = np.random.default_rng(0)
    return 10 * rng.normal(size=5), rng.normal(size=(2, 5)), rng.uniform(0.1, 0.5, size=5)


def drawn_rows(n_rows, seed):
    mean, loadings, noise = model_of_rows()
    rng = np.random.default_rng(seed)
    rows = mean + rng.normal(size=(n_rows, 2)) @ loadings
    return rows + np.sqrt(noise) * rng.normal(size=rows.shape)


@pytest.fixture(scope="module")
def rows():
    """400 rows of a linear model, and the same with 30 % of the values missing."""
    X = drawn_rows(400, 1)
    return X, hide(X)


@pytest.fixture(scope="module")
def fitted(rows):
    return imputer().fit(rows[1])


def conditional_means(X):
    """Expected values of what is missing under the model that drew the rows."""
    mean, loadings, noise = model_of_rows()
    S, filled = loadings.T @ loadings + np.diag(noise), X.copy()
    for row in filled:
        missing = np.isnan(row)
        weights = np.linalg.solve(S[np.ix_(~missing, ~missing)], S[np.ix_(~missing, missing)])
        row[missing] = mean[missing] + (row - mean)[~missing] @ weights
    return filled


def root_mean_square(array):
    return np.sqrt(np.square(array).mean())


def test_what_is_known_stays_and_the_rest_is_filled(fitted, rows):
    X, gaps = rows
    filled, known = fitted.transform(gaps), ~np.isnan(gaps)
    np.testing.assert_array_equal(filled[known], X[known])
    assert np.isfinite(filled).all()
    low, high = np.nanmin(gaps, axis=0), np.nanmax(gaps, axis=0)
    assert ((filled >= low) & (filled <= high)).all()


def test_of_linear_rows_it_is_the_conditional_mean(fitted):
    X = drawn_rows(1000, 2)
    gaps = hide(X, seed=3)
    missing = np.isnan(gaps)
    best, found = conditional_means(gaps), fitted.transform(gaps)
    error, least = (root_mean_square((filled - X)[missing]) for filled in (found, best))
    by_means = root_mean_square((SimpleImputer().fit_transform(gaps) - X)[missing])
    assert error < 1.03 * least
    assert least < 0.8 * by_means


def test_the_network_learns_what_no_linear_model_can():
    """One feature is the square of another."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=1000)
    X = np.column_stack([x, x**2, x + 0.1 * rng.normal(size=1000)])
    gaps = X[600:].copy()
    gaps[:, 1] = np.nan
    autoencoder = DenoisingAutoencoder(3, hidden_layer_sizes=(32,), max_iter=40)
    model = imputer(autoencoder).fit(hide(X[:600], 0.2))
    error = root_mean_square((model.transform(gaps) - X[600:])[:, 1])
    model.trust_ = 0.0
    assert error < 0.5 * root_mean_square((model.transform(gaps) - X[600:])[:, 1])


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_intervals_of_draws_cover(share):
    X = drawn_rows(2000, 5)
    gaps = hide(X, share, seed=6)
    draws = imputer().fit(hide(drawn_rows(2000, 7), share)).sample(gaps, 100, random_state=0)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    covered = (low <= X) & (high >= X)
    assert 0.85 <= covered[np.isnan(gaps)].mean() <= 0.95


def test_draws_are_about_what_is_expected_and_go_together(fitted):
    """Draws of two features of a row have the conditional correlation, not none."""
    mean, loadings, noise = model_of_rows()
    row = mean[None].copy()
    row[0, [0, 2]] = np.nan
    draws = fitted.sample(row, 2000, random_state=0)[:, 0, [0, 2]]
    S, asked, known = loadings.T @ loadings + np.diag(noise), [0, 2], [1, 3, 4]
    solved = np.linalg.solve(S[np.ix_(known, known)], S[np.ix_(known, asked)])
    given = S[np.ix_(asked, asked)] - S[np.ix_(asked, known)] @ solved
    deviation = draws.std(axis=0)
    expected = given[0, 1] / np.sqrt(given[0, 0] * given[1, 1])
    assert expected > 0.6
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(expected, abs=0.2)
    np.testing.assert_allclose(deviation, np.sqrt(np.diag(given)), rtol=0.2)
    np.testing.assert_allclose(
        draws.mean(axis=0), fitted.transform(row)[0, asked], atol=5 * deviation.max() / 2000**0.5
    )


def test_each_call_draws_anew_and_a_seed_decides(rows):
    gaps = rows[1]
    one, other = (imputer(sample_posterior=True).fit(gaps) for _ in range(2))
    first, second = one.transform(gaps), one.transform(gaps)
    assert (first != second)[np.isnan(gaps)].all()
    np.testing.assert_array_equal(other.transform(gaps), first)
    np.testing.assert_array_equal(other.transform(gaps), second)
    draws = [one.sample(gaps, 2, random_state=seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    assert (draws[0][0] != draws[0][1]).any()


def test_threads_draw_differently(rows):
    model, found = imputer(sample_posterior=True).fit(rows[1]), []
    threads = [
        threading.Thread(target=lambda: found.append(model.transform(rows[1]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({array.tobytes() for array in found}) == 4


@pytest.mark.parametrize(
    "estimator",
    [
        VariationalAutoencoder(2, max_iter=2),
        pytest.param(AutoencoderTransformer(2, max_iter=2), marks=slow),
        pytest.param(SparseAutoencoder(2, max_iter=2), marks=slow),
        pytest.param(ContractiveAutoencoder(2, max_iter=2), marks=slow),
    ],
    ids=repr,
)
def test_any_autoencoder_serves(estimator, rows):
    X, gaps = rows
    model = imputer(estimator).fit(gaps)
    assert type(model.estimator_) is type(estimator)
    missing = np.isnan(gaps)
    error = root_mean_square((model.transform(gaps) - X)[missing])
    assert error < 0.8 * root_mean_square((SimpleImputer().fit_transform(gaps) - X)[missing])


def test_a_loss_in_the_unit_interval_gets_rows_in_it():
    X = load_wine().data
    X = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    autoencoder = AutoencoderTransformer(3, loss="binary_crossentropy", max_iter=3)
    filled = imputer(autoencoder).fit_transform(hide(X))
    assert ((filled >= 0) & (filled <= 1)).all()


def test_units_do_not_matter(rows):
    X, gaps = rows
    factor, shift = 1024.0 ** np.arange(-2, 3), 1024.0 ** np.arange(0, 5)
    found = imputer().fit(gaps).transform(gaps)
    other = imputer().fit(factor * gaps + shift).transform(factor * gaps + shift)
    np.testing.assert_allclose((other - shift) / factor, found, atol=0.01 * X.std())


def test_an_offset_takes_no_more_than_the_rounding_of_X(rows):
    """Rows rounded in the same way, but about zero, are filled with the same values."""
    offset = 2.0**40
    far = offset + rows[1]
    near = imputer().fit_transform(far - offset)
    np.testing.assert_allclose(imputer().fit_transform(far) - offset, near, atol=2**-12)


def test_a_row_depends_on_no_other(fitted, rows):
    one_by_one = np.concatenate([fitted.transform(row[None]) for row in rows[1][:20]])
    np.testing.assert_array_equal(one_by_one, fitted.transform(rows[1])[:20])


# Data as users have them


def test_features_without_values(rows):
    gaps = np.insert(rows[1], 2, np.nan, axis=1)
    with pytest.warns(UserWarning, match=r"features \[2\] of X have no value at all"):
        model = imputer(add_indicator=True).fit(gaps)
    filled = model.transform(gaps)
    assert filled.shape == (400, 5 + 6)
    names = [f"x{number}" for number in (0, 1, 3, 4, 5)]
    indicators = [f"missingindicator_x{number}" for number in range(6)]
    assert model.get_feature_names_out().tolist() == names + indicators
    np.testing.assert_array_equal(filled[:, 5:], np.isnan(gaps))
    kept = imputer(keep_empty_features=True).fit(gaps)
    assert (kept.transform(gaps)[:, 2] == 0).all()
    assert (kept.transform(np.nan_to_num(gaps))[:, 2] == 0).all()
    np.testing.assert_array_equal(kept.transform(gaps)[:, [0, 1, 3, 4, 5]], filled[:, :5])


def test_shapes_and_names_are_those_of_scikit_learns_imputers(rows):
    gaps = rows[1].copy()
    gaps[:, 1] = rows[0][:, 1]
    for params in ({}, {"add_indicator": True}):
        ours, theirs = imputer(**params).fit(gaps), KNNImputer(**params).fit(gaps)
        assert ours.transform(gaps).shape == theirs.transform(gaps).shape
        assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def test_a_feature_that_is_missing_in_every_new_row(fitted, rows):
    gaps = rows[0][:50].copy()
    gaps[:, 1] = np.nan
    filled = fitted.transform(gaps)
    error = root_mean_square(filled[:, 1] - rows[0][:50, 1])
    assert error < 0.8 * rows[0][:, 1].std()
    nothing = fitted.transform(np.full((1, 5), np.nan))
    np.testing.assert_allclose(nothing[0], np.nanmean(rows[1], axis=0), atol=0.7)


def test_nothing_is_missing(rows):
    X = rows[0]
    model = imputer().fit(X)
    np.testing.assert_array_equal(model.transform(X), X)
    assert np.isfinite(model.transform(rows[1])).all()
    assert imputer(add_indicator=True).fit_transform(X).shape == X.shape


def test_constant_features(rows):
    gaps = np.column_stack([rows[1], hide(np.full((400, 2), [7.1, 0.0]), seed=9)])
    filled = imputer().fit(gaps).transform(gaps)
    assert (filled[:, 5] == 7.1).all()
    assert (filled[:, 6] == 0.0).all()


@pytest.mark.parametrize("n_rows", [1, 2, 5, 25])
def test_few_rows(n_rows):
    X = hide(load_wine().data[:n_rows], 0.1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The features .* have no value")
        warnings.filterwarnings("ignore", message=".* there is nothing to learn")  # of one row
        model = imputer().fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.sample(X, 2)).all()


def test_outliers_do_not_lead_beyond_the_range():
    X = np.random.default_rng(0).standard_t(1.5, size=(300, 4)) * [1, 10, 100, 1000]
    X[:, 1] += X[:, 0]
    gaps = hide(X)
    filled = imputer().fit(gaps[:200]).transform(gaps)
    low, high = np.nanmin(gaps[:200], axis=0), np.nanmax(gaps[:200], axis=0)
    missing = np.isnan(gaps)
    assert ((filled >= low) & (filled <= high))[missing].all()


def test_integers_single_precision_and_frames(rows):
    pandas = pytest.importorskip("pandas")
    X, gaps = np.round(10 * rows[0]), np.round(10 * rows[1])
    model = imputer().fit(X.astype(int))
    np.testing.assert_array_equal(model.transform(X.astype(int)), X)
    single = imputer().fit(gaps.astype(np.float32)).transform(gaps.astype(np.float32))
    double = imputer().fit(gaps).transform(gaps)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, atol=1e-3 * X.std())
    frame = pandas.DataFrame(gaps, columns=list("abcde")).astype("Int64")
    filled = imputer().set_output(transform="pandas").fit_transform(frame)
    assert list(filled.columns) == list("abcde")
    np.testing.assert_allclose(filled, double)


def test_bad_data(fitted, rows):
    gaps = rows[1]
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        imputer().fit(sparse.csr_array(np.nan_to_num(gaps)))
    with pytest.raises(ValueError, match="infinity"):
        imputer().fit(np.where(np.isnan(gaps), np.inf, gaps))
    with pytest.raises(ValueError, match="X has no value at all"):
        imputer().fit(np.full((10, 3), np.nan))
    with pytest.raises(ValueError, match="has columns that are no numbers: column 0"):
        imputer().fit(np.array([["a", 1.0], ["b", 2.0]], dtype=object))
    with pytest.raises(ValueError, match="X has 4 features"):
        fitted.transform(gaps[:, :4])


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"estimator": VariationalAutoencoder}, ValueError, "not its class"),
        ({"estimator": PCA(2)}, TypeError, "estimator must be an autoencoder of skae, got PCA"),
        ({"estimator": AutoencoderTransformer(max_iter=0)}, ValueError, "'max_iter' parameter"),
        ({"sample_posterior": 2}, ValueError, "'sample_posterior' parameter"),
    ],
)
def test_bad_parameters(params, error, message, rows):
    with pytest.raises(error, match=message):
        AutoencoderImputer().set_params(**params).fit(rows[1])


def test_a_fit_that_fails_leaves_the_earlier_one(rows):
    model = imputer().fit(rows[1])
    before = model.transform(rows[1])
    with pytest.raises(ValueError, match="infinity"):
        model.fit(np.full((10, 3), np.inf))
    np.testing.assert_array_equal(model.transform(rows[1]), before)


# Composed with others, copied and saved


@slow
def test_in_a_pipeline_and_a_search():
    X, y = load_breast_cancer(return_X_y=True)
    gaps = hide(X[:200], 0.2)
    pipe = make_pipeline(imputer(), StandardScaler(), LogisticRegression())
    grid = {"autoencoderimputer__estimator__n_components": [2, 4]}
    search = GridSearchCV(pipe, grid, cv=2).fit(gaps, y[:200])
    assert search.best_score_ > 0.85
    assert search.predict(hide(X[200:], 0.2)).shape == (369,)


def test_what_is_saved_is_what_is_loaded(rows, tmp_path):
    gaps = rows[1]
    model = imputer(sample_posterior=True, add_indicator=True).fit(gaps)
    model.transform(gaps)
    skae.save(model, tmp_path / "model")
    others = [skae.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))]
    expected = model.transform(gaps)
    for other in others:
        np.testing.assert_array_equal(other.transform(gaps), expected)
    fresh = clone(model)
    skae.save(fresh, tmp_path / "fresh")
    assert skae.load(tmp_path / "fresh").get_params().keys() == fresh.get_params().keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trust_", 2.0),
        ("trust_", np.nan),
        ("low_", np.zeros(4)),
        ("scale_", np.zeros(5)),
        ("valid_", np.zeros(5, bool)),
        ("spread_", np.full(5, np.inf)),
        ("n_draws_", -1),
        ("normal_", None),
        ("estimator_", AutoencoderTransformer()),
    ],
)
def test_a_file_that_lies_is_refused(name, value, fitted, tmp_path):
    model = pickle.loads(pickle.dumps(fitted))
    setattr(model, name, value)
    skae.save(model, tmp_path / "model")
    with pytest.raises(skae.LoadError, match=r"not those of|is an array of shape"):
        skae.load(tmp_path / "model")


# Tables with categories


def quick():
    return AutoencoderTransformer(1, hidden_layer_sizes=(), solver="sgd", max_iter=1)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    return pd.DataFrame(
        {
            "size": 10 + a + 0.1 * rng.normal(size=400),
            "place": pd.Categorical(np.digitize(a, [-0.5, 0.5])).rename_categories(list("abc")),
            "large": a > 0,
        }
    )


def test_a_table_is_completed(table, tmp_path):
    holes = np.random.default_rng(1).random(table.shape) < 0.2
    X = table.astype({"large": object}).mask(holes)
    imputer = AutoencoderImputer(add_indicator=True, random_state=0).fit(X)
    filled = imputer.transform(X)
    assert list(filled) == list(imputer.get_feature_names_out())
    assert not filled.isna().any().any()
    for number, name in enumerate(table):
        known = ~holes[:, number]
        assert (filled[name][known] == table[name][known]).all()
        np.testing.assert_array_equal(filled[f"missingindicator_{name}"], ~known)
    known_of_others = holes[:, 1] & ~holes[:, 0]
    assert (filled["place"] == table["place"])[known_of_others].mean() > 0.85
    known_of_others = holes[:, 2] & ~holes[:, 0]
    assert (filled["large"] == table["large"])[known_of_others].mean() > 0.85
    skae.save(imputer, tmp_path / "table.skae")
    assert skae.load(tmp_path / "table.skae").transform(X).equals(filled)


def test_draws_of_categories_have_the_shares_that_are_expected(table):
    X = table.astype({"large": object})[:20]
    X[["size", "place"]] = None
    imputer = AutoencoderImputer(random_state=0).fit(table)
    draws = imputer.sample(X, 400, random_state=0)
    assert len(draws) == 400
    drawn = np.mean([pd.get_dummies(draw["place"]).to_numpy() for draw in draws], axis=0)
    expected, _ = imputer._expected(imputer._check_X(X))
    expected = expected[:, 1:4] / expected[:, 1:4].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(drawn, expected, atol=0.1)


@pytest.mark.parametrize("library", slow_but("pandas", of=["pandas", "polars"]))
def test_empty_columns_of_a_table_are_left_out_or_kept(table, library, tmp_path):
    X = table.assign(
        first=np.nan, text=pd.Series([None] * 400, dtype="string"), last=pd.Series([pd.NA] * 400)
    )[["first", "size", "text", "place", "last"]].astype({"last": "Int64"})
    X.loc[:20, "size"] = np.nan
    X = pl.from_pandas(X) if library == "polars" else X
    model = AutoencoderImputer(quick(), random_state=0, add_indicator=True)
    with pytest.warns(UserWarning, match=r"columns \['first', 'text', 'last'\] of X have no value"):
        model.fit(X)
    filled = model.transform(X)
    indicators = [f"missingindicator_{name}" for name in ("first", "size", "text", "last")]
    assert list(filled.columns) == ["size", "place", *indicators]
    assert list(filled.columns) == list(model.get_feature_names_out())
    assert model.valid_.tolist() == [False, True, False, True, False]
    np.testing.assert_array_equal(filled["missingindicator_text"], np.ones(400))
    kept = AutoencoderImputer(quick(), random_state=0, keep_empty_features=True).fit(X)
    whole = kept.transform(X)
    assert list(whole.columns) == list(X.columns)
    for name in ("first", "last"):
        np.testing.assert_array_equal(whole[name].to_numpy(), np.zeros(400))
    assert whole["text"].dtype == X["text"].dtype
    assert all(value is None or value is pd.NA for value in whole["text"].to_list())
    np.testing.assert_array_equal(whole["size"], filled["size"])
    for one in (model, kept):
        skae.save(one, tmp_path / "table.skae")
        again = skae.load(tmp_path / "table.skae")
        assert again.transform(X).equals(one.transform(X))
    drawn = kept.sample(X, 2, random_state=0)[1]
    assert list(drawn.columns) == list(X.columns)


def test_names_of_a_table_are_those_of_scikit_learn(table):
    X = table.assign(size=table["size"].mask(table["large"])).set_axis([5, 6, 7], axis=1)
    model = AutoencoderImputer(quick(), random_state=0).fit(X)
    assert list(model.transform(X).columns) == [5, 6, 7]  # a table comes back as it was
    model.set_params(add_indicator=True)
    names = ["x0", "x1", "x2", "missingindicator_x0"]
    assert list(model.transform(X).columns) == names == list(model.get_feature_names_out())
    model.set_params(add_indicator=False).set_output(transform="polars")
    assert model.transform(X).columns == names[:3]


@pytest.mark.parametrize("seed", range(4))
def test_a_column_of_one_value_may_be_among_the_rows_held_out(seed):
    X = np.random.default_rng(0).normal(size=(40, 4))
    X[1:, 3] = np.nan
    imputer = AutoencoderImputer(VariationalAutoencoder(2, max_iter=3), random_state=seed)
    filled = imputer.fit_transform(X)
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(filled[:, 3], X[0, 3])
