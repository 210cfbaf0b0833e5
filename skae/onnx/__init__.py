"""skae's estimators in ONNX, by skl2onnx, alone or in a pipeline.

Importing this module tells skl2onnx how to convert the estimators of skae. Then `skl2onnx.to_onnx`
takes pipelines that hold them, and what it makes runs without skae, Keras and JAX. It needs
``pip install 'skae[onnx]'``.

An autoencoder gives the code, as ``"variable"``; options add ``"reconstruction"`` and
``"reconstruction_error"``. An `AutoencoderOutlierDetector` gives ``"label"`` and ``"scores"``, the
decision function, as scikit-learn's detectors do; the option ``"score_samples"`` adds those. An
`AutoencoderClassifier` gives ``"label"`` and ``"probabilities"``, a matrix, and an
`AutoencoderRegressor` its predictions, as ``"variable"``.

Inputs may be of single or double precision, or whole numbers; results have the precision of the
input, single for whole numbers. Where the estimator would refuse a row, because a value is NaN or
infinite, its results are NaN, and a detector calls it an outlier whose score is -inf. A label is
never missing: where probabilities are NaN, it is the first class.

Examples
--------
>>> from skl2onnx import to_onnx
>>> from sklearn.datasets import load_digits
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> import skae.onnx
>>> X = load_digits().data
>>> autoencoder = skae.AutoencoderTransformer(8, max_iter=2, random_state=0)
>>> pipe = make_pipeline(StandardScaler(), autoencoder).fit(X)
>>> model = to_onnx(pipe, X[:1], options={id(autoencoder): {"reconstruction_error": True}})
>>> [output.name for output in model.graph.output]
['variable', 'reconstruction_error']
"""

try:
    from skl2onnx import update_registered_converter
except ImportError as error:
    raise ImportError("skae.onnx needs skl2onnx: pip install 'skae[onnx]'") from error

from .. import _autoencoders, _supervised, impute, outliers
from ._estimators import (
    AUTOENCODER_OPTIONS,
    CLASSIFIER_OPTIONS,
    DETECTOR_OPTIONS,
    convert_autoencoder,
    convert_classifier,
    convert_detector,
    convert_regressor,
    parse_autoencoder,
    parse_classifier,
    parse_detector,
    parse_regressor,
    refuse_imputer,
    shape_autoencoder,
    shape_classifier,
    shape_detector,
    shape_regressor,
)

__all__ = []


def _register(classes, shape, convert, parse, options):
    for cls in classes:
        update_registered_converter(
            cls, f"Skae{cls.__name__}", shape, convert, parser=parse, options=options
        )


_register(
    [getattr(_autoencoders, name) for name in _autoencoders.__all__],
    shape_autoencoder,
    convert_autoencoder,
    parse_autoencoder,
    AUTOENCODER_OPTIONS,
)
_register(
    [outliers.AutoencoderOutlierDetector],
    shape_detector,
    convert_detector,
    parse_detector,
    DETECTOR_OPTIONS,
)
_register(
    [_supervised.AutoencoderClassifier],
    shape_classifier,
    convert_classifier,
    parse_classifier,
    CLASSIFIER_OPTIONS,
)
_register(
    [_supervised.AutoencoderRegressor], shape_regressor, convert_regressor, parse_regressor, {}
)
# Its parser is asked first, and refuses it.
_register([impute.AutoencoderImputer], shape_autoencoder, convert_autoencoder, refuse_imputer, {})
