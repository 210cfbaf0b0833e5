"""scikit-learn's contract: all its checks, nothing excused."""

import numpy as np
import pytest
from cases import slow_but
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter

from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._engine import FittedNetwork
from skae.architectures import Dense
from skae.corruption import MaskingNoise

ESTIMATORS = [
    AutoencoderTransformer(),
    DenoisingAutoencoder(),
    SparseAutoencoder(),
    ContractiveAutoencoder(),
    VariationalAutoencoder(),
]

QUICK = AutoencoderTransformer(max_iter=5)
"""The default but for its hundred epochs and trials, for `make test`."""

DETECTORS = [
    AutoencoderOutlierDetector(),
    AutoencoderOutlierDetector(AutoencoderTransformer(missing="mask", trim_fraction=0.1)),
]

PREDICTORS = [AutoencoderClassifier(), AutoencoderRegressor()]
IMPUTERS = [
    AutoencoderImputer(),
    AutoencoderImputer(
        VariationalAutoencoder(max_iter=3), add_indicator=True, keep_empty_features=True
    ),
]

VARIANTS = [
    AutoencoderTransformer(
        2, hidden_layer_sizes=(16, 8), activation="tanh", early_stopping=True, alpha=1e-3
    ),
    DenoisingAutoencoder(
        5, hidden_layer_sizes=7, corruption=MaskingNoise(0.2), early_stopping=True
    ),
    SparseAutoencoder(3, sparsity="kl", architecture=Dense((16,), normalization="layer")),
    VariationalAutoencoder(3, noise_variance=0.01, kl_warmup=5, early_stopping=True),
    AutoencoderTransformer(
        missing="mask", pretraining="layerwise", architecture=Dense((16,), tied=True)
    ),
]
"""Estimators whose checks compile many programs."""

CHECKS_BY_NAME = [
    "check_all_zero_sample_weights_error",
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_param_validation",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]


# Checks that newer versions of scikit-learn added are run where they exist.
BY_HAND = [name for name in CHECKS_BY_NAME if hasattr(estimator_checks, name)]

OF_THE_BASE_CLASS = {name for name in BY_HAND if "output" in name or "names_" in name}
"""Checks of names and containers, which the base class gives to all estimators alike."""

TO_BE_CHECKED = [
    pytest.param(
        estimator, name, marks=[pytest.mark.slow] * (number > 0 and name in OF_THE_BASE_CLASS)
    )
    for name in BY_HAND
    for number, estimator in enumerate([QUICK, *ESTIMATORS, VARIANTS[0], *IMPUTERS])
    if "sample_weight" not in name or has_fit_parameter(estimator, "sample_weight")
]


@pytest.fixture(autouse=True)
def _no_constant_output(monkeypatch):
    """Fail a check in which rows that differ got codes that do not: it compared nothing."""
    encode, constant = FittedNetwork.encode, []

    def recording(self, X, out):
        code = encode(self, X, out)
        rows = X.to_array()
        same = np.broadcast_to(rows[0], rows.shape)
        if not np.array_equal(rows, same, equal_nan=True) and (code == code[0]).all():
            constant.append(rows)
        return code

    monkeypatch.setattr(FittedNetwork, "encode", recording)
    yield
    assert not constant


@parametrize_with_checks([QUICK])
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([*ESTIMATORS, *VARIANTS, *DETECTORS, *PREDICTORS, *IMPUTERS])
def test_estimator_checks_of_the_others(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [AutoencoderTransformer(checkpoint="checkpoints/", max_iter=5, random_state=0)]
)
def test_estimator_checks_with_checkpoints(estimator, check, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(estimator)


# The set_output checks fit on a data frame and transform its array: the warning is theirs.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning")
@pytest.mark.parametrize(
    ("estimator", "name"), TO_BE_CHECKED, ids=estimator_checks._get_check_estimator_ids
)
def test_checks_that_are_not_yielded(estimator, name):
    check = getattr(estimator_checks, name)
    check(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize(
    "estimator",
    slow_but(ESTIMATORS[0], of=[*ESTIMATORS, VARIANTS[0]]),
    ids=estimator_checks._get_check_estimator_ids,
)
def test_partial_fit_checks_the_width(estimator):
    """`check_n_features_in_after_fitting` leaves transformers' partial_fit out."""
    estimator = clone(estimator).set_params(solver="sgd", random_state=0)
    X = np.random.default_rng(0).normal(size=(10, 4))
    estimator.partial_fit(X)
    before = estimator.transform(X)
    with pytest.raises(ValueError, match="X has 1 features, but"):
        estimator.partial_fit(X[:, [1]])
    np.testing.assert_array_equal(estimator.transform(X), before)


@pytest.mark.parametrize("estimator", [AutoencoderTransformer(), VariationalAutoencoder()])
def test_read_only_input_of_any_order_is_left_alone(estimator):
    """`check_inplace_ensure_writeable` is about parameters named copy, which skae has not."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.normal(size=(20, 4)))
    before = X.copy()
    X.flags.writeable = False
    fitted = clone(estimator).set_params(solver="sgd", random_state=0, max_iter=2).fit(X)
    fitted.transform(X)
    fitted.reconstruction_error(X)
    np.testing.assert_array_equal(X, before)
