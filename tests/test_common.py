"""scikit-learn's contract: all its checks, nothing excused."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae.corruption import MaskingNoise

ESTIMATORS = [
    AutoencoderTransformer(),
    DenoisingAutoencoder(),
    AutoencoderTransformer(
        5, hidden_layer_sizes=(16, 8), activation="tanh", early_stopping=True, alpha=1e-3
    ),
    DenoisingAutoencoder(
        5, hidden_layer_sizes=7, corruption=MaskingNoise(0.2), early_stopping=True
    ),
]

BY_HAND = [
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


@pytest.fixture
def varying_outputs(monkeypatch):
    """Fail a check in which no code ever varied: it would have compared nothing."""
    codes = []
    for cls in (AutoencoderTransformer, DenoisingAutoencoder):
        transform = cls.transform

        def recording(self, X, transform=transform):
            code = transform(self, X)
            values = np.asarray(code)
            if len(values) > 1:
                codes.append(np.ptp(values, axis=0).max() > 0)
            return code

        monkeypatch.setattr(cls, "_recorded_transform", recording, raising=False)
    yield codes


@parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator, check):
    check(estimator)
