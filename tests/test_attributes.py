"""Fitted attributes of estimators that have an autoencoder: those documented, in these shapes."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    AutoencoderTransformer,
)

SMALL = AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1)
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(30, 3))
GAPS = np.column_stack([np.where(RNG.random((30, 3)) < 0.1, np.nan, NUMBERS), np.full(30, np.nan)])
TABLE = pd.DataFrame(
    {"a": NUMBERS[:, 0], "b": pd.Categorical(list("xyz") * 10), "c": NUMBERS[:, 1]}
)
Y = RNG.normal(size=30)

CASES = [
    (AutoencoderClassifier(SMALL, max_iter=1), NUMBERS, np.arange(30) % 2, {"n_classes": 2}),
    (AutoencoderRegressor(SMALL, max_iter=1), TABLE, Y, {"n_targets": ()}),
    (AutoencoderRegressor(SMALL, max_iter=1), NUMBERS, np.c_[Y, Y, Y], {"n_targets": 3}),
    (AutoencoderOutlierDetector(SMALL), NUMBERS, None, {"n_encoded": 3}),
    (AutoencoderOutlierDetector(SMALL), TABLE, None, {"n_encoded": 5}),
    (AutoencoderImputer(SMALL), GAPS, None, {"n_encoded": 3}),
    (AutoencoderImputer(SMALL, keep_empty_features=True), GAPS, None, {"n_encoded": 3}),
    (AutoencoderImputer(SMALL), TABLE, None, {"n_encoded": 5}),
]


def documented(cls):
    """The kind of each attribute, by name, from the docstring."""
    section = re.search(r"Attributes\n-+\n(.*?)\n\n[A-Z]", inspect.getdoc(cls), re.S)[1]
    entries = re.findall(r"^(\w[\w, ]*) : (.*)", section, re.M)
    return {name: kind for names, kind in entries for name in names.split(", ")}


@pytest.mark.parametrize(("estimator", "X", "y", "widths"), CASES)
@pytest.mark.filterwarnings("ignore:The features .* have no value at all")
def test_attributes_have_the_shapes_that_are_documented(estimator, X, y, widths):
    fitted = estimator.set_params(random_state=0).fit(X, y)
    kinds = documented(type(fitted))
    public = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    assert public <= set(kinds)
    assert set(kinds) - public <= {"feature_names_in_"}
    widths = {**widths, "n_features_in_": X.shape[1]}
    for name in public:
        shapes = re.findall(r"shape \(([^)]*)\)(?: or \(([^)]*)\))?", kinds[name].replace("`", ""))
        if shapes:
            possible = [widths.get(one.rstrip(","), ()) for one in shapes[0]]
            width = np.shape(getattr(fitted, name))
            assert width in [(one,) if isinstance(one, int) else one for one in possible], name
