"""Libraries that store estimators without pickle: skops, and mlflow, which uses it."""

import importlib

import mlflow.sklearn
import numpy as np
import pytest
import skops.io
from cases import slow, slow_but
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import skae
from skae.architectures import Conv, Dense
from skae.corruption import Composition, GaussianNoise, MaskingNoise
from skae.losses import AbsoluteError
from skae.penalties import WeightElimination

ESTIMATORS = [
    skae.AutoencoderTransformer(
        loss=AbsoluteError(), weight_penalty=WeightElimination(), alpha=1e-3
    ),
    skae.DenoisingAutoencoder(
        corruption=Composition([GaussianNoise(0.1), MaskingNoise(0.1)]),
        architecture=Dense((8,), normalization="batch", dropout=0.1),
    ),
    skae.SparseAutoencoder(sparsity="kl", missing="mask"),
    skae.ContractiveAutoencoder(architecture=Conv((8, 8), (2,))),
    skae.VariationalAutoencoder(warm_start=True),
]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:200], y[:200]


@pytest.mark.parametrize(
    "estimator",
    slow_but(*ESTIMATORS[:2], of=ESTIMATORS),
    ids=lambda estimator: type(estimator).__name__,
)
def test_skops_trusts_what_skae_lists(estimator, digits, tmp_path):
    X = digits[0] / 16
    estimator.set_params(max_iter=2, random_state=0).fit(X).partial_fit(X)
    skops.io.dump(estimator, tmp_path / "model")
    untrusted = set(skops.io.get_untrusted_types(file=tmp_path / "model"))
    assert untrusted <= set(skae.trusted_types())
    loaded = skops.io.load(tmp_path / "model", trusted=sorted(untrusted))
    np.testing.assert_array_equal(loaded.transform(X), estimator.transform(X))
    np.testing.assert_array_equal(
        loaded.partial_fit(X).transform(X), estimator.partial_fit(X).transform(X)
    )


def test_skops_takes_an_estimator_with_a_checkpoint(tmp_path):
    checkpoint = skae.Checkpoint(str(tmp_path / "fit"), every=60)
    content = skops.io.dumps(skae.AutoencoderTransformer(checkpoint=checkpoint))
    loaded = skops.io.loads(content, trusted=skae.trusted_types())
    assert loaded.checkpoint.get_params() == checkpoint.get_params()


def test_the_list_names_classes_that_exist():
    names = skae.trusted_types()
    assert names == sorted(set(names))
    for name in names:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type)
    assert {name.split(".")[0] for name in names} == {"skae"}


@slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")  # of mlflow, about requirements and formats
def test_mlflow_saves_and_loads_a_pipeline(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = digits
    encoder = skae.AutoencoderTransformer(4, max_iter=2, random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), encoder, LogisticRegression(max_iter=1000)).fit(X, y)
    path = str(tmp_path / "model")
    mlflow.sklearn.save_model(
        pipeline, path, pip_requirements=[], skops_trusted_types=skae.trusted_types()
    )
    loaded = mlflow.sklearn.load_model(path)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
