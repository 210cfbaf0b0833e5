"""The HTML of notebooks: links, tooltips, few fitted attributes, and the loss curve."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from cases import slow, slow_but
from sklearn.pipeline import make_pipeline

import skae
from skae import (
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from skae._html import HEIGHT, MOST_POINTS, WIDTH, comparable_pca_error, loss_svg, reached
from skae._sklearn_compat import HAS_CALLBACKS

X = np.random.default_rng(0).normal(size=(40, 4))
SMALL = {"hidden_layer_sizes": (), "max_iter": 4, "random_state": 0}
ESTIMATORS = [getattr(skae, name) for name in skae.__all__ if "Autoencoder" in name]


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderTransformer(2, **SMALL).fit(X, X_val=X[:5])


def polylines(svg):
    root = ElementTree.fromstring(svg)
    return [
        np.array([pair.split(",") for pair in line.get("points").split()], float)
        for line in root.iter("polyline")
    ]


@pytest.mark.parametrize("cls", [*ESTIMATORS], ids=lambda cls: cls.__name__)
def test_each_estimator_links_to_its_page_and_describes_its_parameters(cls):
    estimator = cls()
    assert estimator._get_doc_link().endswith(f"/skae.{cls.__name__}.html")
    html = estimator._repr_html_()
    assert estimator._get_doc_link() in html
    if HAS_CALLBACKS:  # of the version that describes each parameter
        assert html.count("param-doc-description") >= len(estimator.get_params(deep=False))


def test_a_users_subclass_links_nowhere():
    assert type("Own", (AutoencoderTransformer,), {"__module__": "own"})()._get_doc_link() == ""


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn before 1.9")
def test_fitted_attributes_are_few_and_short(fitted):
    html = fitted._repr_html_()
    shown = set(re.findall(r"--doc-link-(\w+_);", html.split("Fitted attributes")[1]))
    assert shown == {"alpha_", "best_loss_", "n_features_in_", "n_iter_", "pca_error_"}
    share = fitted.loss_curve_[-1] / fitted.pca_error_
    assert f"in 4 epochs, {share:.2f} of PCA&#x27;s error; ended: max_iter was reached" in html
    assert html.count("<svg") >= 1
    assert reached(fitted) in make_pipeline(fitted)._repr_html_()


def test_points_of_the_curve_are_the_losses(fitted):
    svg = reached(fitted)
    svg = svg[svg.index("<svg") : svg.index("</svg>") + 6]
    train, validation = polylines(svg)
    curves = np.array([fitted.loss_curve_, fitted.val_loss_curve_])
    low, high = curves.min(), curves.max()
    for points, curve in zip((train, validation), curves, strict=True):
        share = (HEIGHT - 3 - points[:, 1]) / (HEIGHT - 6)
        np.testing.assert_allclose(low + share * (high - low), curve, atol=0.01 * (high - low))
        np.testing.assert_allclose(points[:, 0], np.linspace(3, WIDTH - 3, 4), atol=0.06)
    assert "currentColor" in svg  # which is right on any background


@pytest.mark.parametrize("curve", [[1.0], [1.0, 1.0], [2.0, np.nan, 1.0], np.geomspace(1, 9, 5000)])
def test_curves_of_any_length_stay_inside(curve):
    (points,) = polylines(loss_svg(curve, None, "loss"))
    assert len(points) == min(np.isfinite(curve).sum(), MOST_POINTS)
    assert (points >= 0).all()
    assert (points <= [WIDTH, HEIGHT]).all()


def test_pca_is_compared_with_where_the_loss_measures_the_same(fitted):
    assert comparable_pca_error(fitted) == fitted.pca_error_


OTHERS = [
    DenoisingAutoencoder(2, **SMALL),
    VariationalAutoencoder(2, **SMALL),
    AutoencoderTransformer(2, loss="absolute_error", **SMALL),
]


@pytest.mark.parametrize("estimator", slow_but(OTHERS[0], of=OTHERS))
def test_pca_is_not_compared_with_other_losses(estimator):
    assert comparable_pca_error(estimator.fit(X)) is None
    assert "PCA" not in reached(estimator)


@slow
def test_what_has_an_autoencoder_shows_a_curve():
    classifier = AutoencoderClassifier(AutoencoderTransformer(2, **SMALL), max_iter=3)
    assert "in 3 epochs" in reached(classifier.fit(X, np.arange(40) % 2)) or not (
        classifier.loss_curve_
    )
    detector = AutoencoderOutlierDetector(AutoencoderTransformer(2, **SMALL)).fit(X)
    assert "in 4 epochs" in reached(detector)
    assert reached(AutoencoderTransformer()) == ""
