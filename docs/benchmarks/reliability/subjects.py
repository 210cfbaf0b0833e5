"""The estimators that the campaigns try, small enough for hundreds of fits, and their data."""

import numpy as np
from sklearn.datasets import load_digits

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

SMALL = {"n_components": 2, "hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}

AUTOENCODERS = {
    cls.__name__: cls
    for cls in (
        AutoencoderTransformer,
        DenoisingAutoencoder,
        SparseAutoencoder,
        ContractiveAutoencoder,
        VariationalAutoencoder,
    )
}

BUILT_ON = {
    "AutoencoderOutlierDetector": lambda inner: AutoencoderOutlierDetector(inner, random_state=0),
    "AutoencoderClassifier": lambda inner: AutoencoderClassifier(inner, max_iter=2, random_state=0),
    "AutoencoderRegressor": lambda inner: AutoencoderRegressor(inner, max_iter=2, random_state=0),
    "AutoencoderImputer": lambda inner: AutoencoderImputer(inner, random_state=0),
}

NAMES = [*AUTOENCODERS, *BUILT_ON]


def subject(name):
    """A small estimator that is not fitted."""
    if name in AUTOENCODERS:
        return AUTOENCODERS[name](**SMALL)
    return BUILT_ON[name](AutoencoderTransformer(**SMALL))


def data():
    """Rows and labels: 80 digits, of which columns 20 to 31."""
    digits = load_digits()
    return digits.data[:80, 20:32] / 16, digits.target[:80] % 3


USES = {
    "transform": lambda estimator, X: estimator.transform(X),
    "reconstruct": lambda estimator, X: estimator.reconstruct(X),
    "reconstruction_error": lambda estimator, X: estimator.reconstruction_error(X),
    "score": lambda estimator, X: estimator.score(X),
    "explained_variance": lambda estimator, X: estimator.explained_variance(X),
    "impute": lambda estimator, X: estimator.impute(X),
    "posterior": lambda estimator, X: np.hstack(estimator.posterior(X)),
    "elbo": lambda estimator, X: estimator.elbo(X),
    "score_samples": lambda estimator, X: estimator.score_samples(X),
    "decision_function": lambda estimator, X: estimator.decision_function(X),
    "feature_scores": lambda estimator, X: estimator.feature_scores(X),
    "predict": lambda estimator, X: estimator.predict(X),
    "predict_proba": lambda estimator, X: estimator.predict_proba(X),
}
"""Methods that take rows; a subject has some of them."""


def uses(estimator):
    """Names of the methods of `USES` that an estimator has; `score` only where it needs no y."""
    names = [name for name in USES if hasattr(estimator, name)]
    return [name for name in names if name != "score" or hasattr(estimator, "reconstruct")]


def first_use(estimator):
    """Name of the method that stands for all where one is enough."""
    return uses(estimator)[0]


def bits(estimator, X):
    """What a fitted estimator gives for X, as bytes."""
    return np.asarray(USES[first_use(estimator)](estimator, X)).tobytes()
