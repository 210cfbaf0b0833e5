"""Data frames: names of columns, companions of X, containers of what is returned."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from cases import slow, slow_but
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 5)) * np.arange(1, 6) + 20
    index = [f"row{number}" for number in range(200)]
    return pd.DataFrame(X, columns=list("abcde"), index=index)


def autoencoder(**params):
    settings = {"n_components": 2, "solver": "sgd", "max_iter": 3, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


# Companions of X


@pytest.mark.parametrize("columns", [list("edcba"), list("abcdx")])
def test_companions_are_taken_by_name_or_refused(frame, columns):
    other = frame.set_axis(list("abcdx"), axis=1) if "x" in columns else frame[columns]
    with pytest.raises(ValueError, match="X_val: The feature names should match"):
        autoencoder().fit(frame, X_val=other)
    denoiser = DenoisingAutoencoder(2, max_iter=2, random_state=0)
    with pytest.raises(ValueError, match="X_clean: The feature names should match"):
        denoiser.fit(frame, X_clean=other)
    with pytest.raises(ValueError, match=r"X_val\[1\]: The feature names should match"):
        denoiser.fit(frame, X_clean=frame, X_val=(frame, other))
    assert denoiser.fit(frame, X_clean=frame, X_val=(frame, frame)).n_iter_ == 2
    with pytest.raises(ValueError, match=r"X_val can be a tuple .* only beside X_clean"):
        denoiser.fit(frame, X_val=(frame, frame))


def test_companions_that_were_not_scaled_like_the_rows_warn(frame):
    scaler = StandardScaler().fit(frame)
    X, right = scaler.transform(frame), scaler.transform(frame[:50])
    raw = frame[:50].to_numpy()
    with pytest.warns(UserWarning, match=r'X_val lies far .* transform_input=\["X_val"\]'):
        autoencoder().fit(X, X_val=raw)
    with pytest.warns(UserWarning, match=r'X_clean lies far .* transform_input=\["X_clean"\]'):
        DenoisingAutoencoder(2, max_iter=2).fit(X, X_clean=frame.to_numpy())
    autoencoder().fit(X, X_val=right + 1.0)  # no warning: the tests make errors of them


def test_a_pipeline_scales_companions(frame):
    X = frame.to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        steps = [("scale", StandardScaler()), ("ae", autoencoder().set_fit_request(X_val=True))]
        pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X[:150], X_val=X[150:])
    scaler = StandardScaler().fit(X[:150])
    alone = autoencoder().fit(scaler.transform(X[:150]), X_val=scaler.transform(X[150:]))
    assert pipeline[-1].val_loss_curve_ == alone.val_loss_curve_


# What is returned


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("named", [True, False])
def test_features_come_in_the_container_of_the_code(frame, library, named):
    make = pd.DataFrame if library == "pandas" else pl.DataFrame
    X = frame if library == "pandas" else pl.from_pandas(frame)
    X = X if named else frame.to_numpy()
    estimator = autoencoder(missing="mask").set_output(transform=library).fit(X)
    plain = autoencoder(missing="mask").fit(frame.to_numpy())
    code = estimator.transform(X)
    names = list("abcde") if named else [f"x{number}" for number in range(5)]
    values = frame.to_numpy()
    for got, expected in [
        (estimator.reconstruct(X), plain.reconstruct(values)),
        (estimator.inverse_transform(code), plain.reconstruct(values)),
        (estimator.impute(X), values),
        (
            estimator.reconstruction_error(X, per_feature=True),
            plain.reconstruction_error(values, per_feature=True),
        ),
    ]:
        assert isinstance(got, make)
        assert list(got.columns) == names
        np.testing.assert_array_equal(got.to_numpy(), expected)
        if library == "pandas" and named:
            assert list(got.index) == list(frame.index)
    assert estimator.reconstruction_error(X).shape == (200,)
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(plain.reconstruct(values), pd.DataFrame)


@slow
@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("likelihood", slow_but("gaussian", of=["gaussian", "bernoulli"]))
def test_samples_come_in_the_container_of_the_code(frame, library, likelihood):
    make = pd.DataFrame if library == "pandas" else pl.DataFrame
    X = (frame - frame.min()) / np.ptp(frame.to_numpy(), axis=0)
    vae = VariationalAutoencoder(2, likelihood=likelihood, max_iter=2, random_state=0).fit(X)
    expected = [vae.sample(3, 0, noise=noise) for noise in (False, True)]
    vae.set_output(transform=library)
    for noise in (False, True):
        rows = vae.sample(3, 0, noise=noise)
        assert isinstance(rows, make)
        assert list(rows.columns) == list("abcde")
        np.testing.assert_array_equal(rows.to_numpy(), expected[noise])


def test_codes_in_another_order_are_refused(frame):
    estimator = autoencoder().set_output(transform="pandas").fit(frame)
    code = estimator.transform(frame)
    with pytest.raises(ValueError, match="columns of X must be in the order of the code"):
        estimator.inverse_transform(code[code.columns[::-1]])
    estimator.inverse_transform(code.set_axis(["one", "two"], axis=1))


# What is refused


@pytest.mark.parametrize("kind", ["object", "category", "string", "polars"])
def test_columns_of_text_hold_categories(frame, kind):
    X = frame.assign(city=["Bern", "Rom"] * 100)
    X = pl.from_pandas(X) if kind == "polars" else X.astype({"city": kind})
    estimator = autoencoder().fit(X)
    assert list(estimator.reconstruct(X).dtypes) == list(X.dtypes)
    with pytest.raises((TypeError, ValueError), match=r"holds 'Bern'.*categorical_features"):
        autoencoder(categorical_features=None).fit(X)


@pytest.mark.parametrize("kind", ["mixed", "array"])
def test_columns_that_are_neither_numbers_nor_text_are_named(frame, kind):
    X = frame.assign(city=["Bern", "Rom"] * 100)
    if kind == "mixed":
        X["city"] = np.array([1.5, "Rom"] * 100, dtype=object)
    column, value = ("city", "Rom") if kind == "mixed" else ("city", "Bern")
    if kind == "array":
        X, column = X.to_numpy(dtype=object), "5"
    message = f"X has columns that are no numbers: column '?{column}'? holds '?{value}"
    for fit in (autoencoder().fit, autoencoder().partial_fit):
        with pytest.raises((TypeError, ValueError), match=message):
            fit(X)


def test_categories_that_are_numbers_are_numbers_if_asked(frame):
    X = frame.map(str).astype("category")
    expected = autoencoder().fit(frame).transform(frame)
    estimator = autoencoder(categorical_features=None).fit(X)
    np.testing.assert_array_equal(estimator.transform(X), expected)


@pytest.mark.parametrize("value", [np.nan, None, pd.NA])
def test_missing_values_name_the_way_out(frame, value):
    X = frame.astype(object if value is None else "Float64")
    X.iloc[3, 1] = value
    with pytest.raises(
        ValueError, match=r"X contains NaN in the columns \['b'\]\. Set missing='mask'"
    ):
        autoencoder().fit(X)
    filled = autoencoder(missing="mask").fit(X).impute(X)
    assert np.isfinite(filled).all()


def test_missing_values_in_columns_of_objects(frame):
    X = frame.astype(object)
    X.iloc[3, 1] = pd.NA
    with pytest.raises(
        TypeError, match=r"X holds pandas\.NA in column 'b' .* X\.convert_dtypes\(\)"
    ):
        autoencoder(missing="mask").fit(X)
    assert autoencoder(missing="mask").fit(X.convert_dtypes()).n_iter_ == 3
