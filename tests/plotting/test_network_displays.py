"""Displays of weights and feature maps: which numbers of the network they show."""

import numpy as np
import pandas as pd
import pytest
from cases import slow, slow_but
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skae import AutoencoderTransformer, VariationalAutoencoder
from skae.architectures import Conv, Dense
from skae.plotting import FeatureMapDisplay, FiltersDisplay

pytest.importorskip("matplotlib.pyplot")

X = np.random.default_rng(0).uniform(size=(30, 16))


def small(n_components=3, cls=AutoencoderTransformer, **params):
    params = {"hidden_layer_sizes": (), **params}
    return cls(n_components, max_iter=1, random_state=0, **params)


def drawn(images):
    return np.array([np.asarray(image.get_array()).ravel() for image in images.flat if image])


# Filters


def test_filters_of_a_linear_network_are_its_matrix():
    model = small().fit(X)
    scale = model._network.constants["scale"]
    # Of a linear encoder, the codes of unit vectors less that of zero are the rows of its matrix.
    matrix = model.transform(np.vstack([np.eye(16), np.zeros(16)]))
    display = FiltersDisplay.from_estimator(model)
    assert display.images_.shape == (2, 2)
    assert display.images_[1, 1] is None
    np.testing.assert_allclose(
        drawn(display.images_), scale * (matrix[:16] - matrix[16]).T, atol=1e-5
    )
    low, high = display.images_[0, 0].get_clim()
    assert low == -high  # grey is zero


@slow
def test_filters_of_a_decoder_are_what_units_add():
    model = small(output_activation="identity", hidden_layer_sizes=()).fit(X)
    matrix = model.inverse_transform(np.vstack([np.eye(3), np.zeros(3)]))
    display = FiltersDisplay.from_estimator(model, part="decoder")
    scale = model._network.constants["scale"]
    np.testing.assert_allclose(drawn(display.images_), (matrix[:3] - matrix[3]) / scale, atol=1e-5)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize(
    "model",
    [
        small(architecture=Dense((5,), tied=True)),
        pytest.param(small(cls=VariationalAutoencoder), marks=slow),
        pytest.param(small(hidden_layer_sizes=(7, 5)), marks=slow),
    ],
    ids=["tied", "variational", "deep"],
)
def test_one_filter_a_unit(model, part):
    fitted = model.fit(X)
    n_units = {"tied": 5, "deep": 7}.get(
        "tied" if fitted.architecture else "deep" if fitted.hidden_layer_sizes else "", 3
    )
    display = FiltersDisplay.from_estimator(fitted, part=part)
    assert display.filters.shape == (n_units, 16)
    if fitted.architecture and part == "decoder":
        encoder = FiltersDisplay.from_estimator(fitted)
        # But for the gain of what the layers add to the linear path.
        gain = display.filters / encoder.filters
        np.testing.assert_allclose(gain, gain[0, 0], rtol=1e-4)


def test_the_strongest_filters_are_drawn_in_their_order():
    model = small(hidden_layer_sizes=(9,)).fit(X)
    every = FiltersDisplay.from_estimator(model).filters
    display = FiltersDisplay.from_estimator(make_pipeline(model), n_filters=4)
    strongest = np.sort(np.argsort(np.linalg.norm(every, axis=1))[-4:])
    np.testing.assert_array_equal(display.filters, every[strongest])
    assert display.ax_.get_title() == "4 of 9 filters of AutoencoderTransformer's encoder"


@pytest.mark.parametrize("downsampling", slow_but("stride", of=["stride", "max_pool"]))
def test_filters_of_a_convolution_are_its_kernels(downsampling):
    model = small(None, architecture=Conv((4, 4), (3,), 3, downsampling=downsampling)).fit(X)
    display = FiltersDisplay.from_estimator(model)
    kernel = model._network.trainable[0]
    np.testing.assert_array_equal(display.filters, kernel.reshape(9, 3).T)
    assert display.images_[0, 0].get_array().shape == (3, 3)
    assert FiltersDisplay.from_estimator(model, part="decoder").filters.shape == (3, 9)


def test_filters_that_are_no_images():
    with pytest.raises(NotFittedError):
        FiltersDisplay.from_estimator(small())
    with pytest.raises(ValueError, match="because 15 features are no square image"):
        FiltersDisplay.from_estimator(small().fit(X[:, 1:]))
    with pytest.raises(ValueError, match="part must be one of"):
        FiltersDisplay.from_estimator(small().fit(X), part="code")
    table = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(list("xyz") * 10)})
    with pytest.raises(ValueError, match="fitted on a table of categories"):
        FiltersDisplay.from_estimator(small(1).fit(table))


# Feature maps


@pytest.fixture(scope="module")
def conv():
    return small(None, architecture=Conv((4, 4), (2, 3))).fit(X)


def test_the_last_maps_are_the_code(conv):
    pipe = make_pipeline(FunctionTransformer(np.sqrt), conv)
    display = FeatureMapDisplay.from_estimator(pipe, X, n_images=2)
    code = conv.transform(np.sqrt(X[:2]))
    np.testing.assert_allclose(display.maps, code.reshape(2, 1, 1, 3), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(display.X, np.sqrt(X[:2]))
    assert display.images_.shape == (2, 4)
    np.testing.assert_array_equal(display.images_[1, 0].get_array().ravel(), display.X[1])
    np.testing.assert_array_equal(display.images_[1, 2].get_array(), display.maps[1, ..., 1])
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["input", "1", "2", "3"]


def test_a_first_layer_is_the_convolution_of_the_image(conv):
    display = FeatureMapDisplay.from_estimator(conv, X, layer=0, n_images=1)
    kernel, bias = conv._network.trainable[:2]
    constants = conv._network.constants
    image = ((X[0] - constants["centre"]) / constants["scale"]).reshape(4, 4)
    padded = np.pad(image, ((0, 1), (0, 1)))  # "same" padding of stride 2
    expected = [
        [(padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3, None, None] * kernel).sum((0, 1, 2)) + bias
         for j in range(2)]
        for i in range(2)
    ]  # fmt: skip
    np.testing.assert_allclose(display.maps[0], expected, atol=1e-5)


def test_maps_that_vary_most_are_drawn(conv):
    every = FeatureMapDisplay.from_estimator(conv, X, layer=0, n_images=5)
    some = FeatureMapDisplay.from_estimator(conv, X, layer=0, n_images=5, n_maps=1)
    strongest = every.maps.reshape(-1, 2).var(axis=0).argmax()
    np.testing.assert_array_equal(some.maps[..., 0], every.maps[..., strongest])
    assert some.ax_.get_title().startswith("1 of 2 maps of layer ")


@pytest.mark.parametrize("layer", [7, -9, "dense"])
def test_layers_that_do_not_exist(conv, layer):
    with pytest.raises(ValueError, match="layer must be a name or the position of one of"):
        FeatureMapDisplay.from_estimator(conv, X, layer=layer)


def test_dense_networks_have_no_maps():
    model = make_pipeline(StandardScaler(), small()).fit(X)
    with pytest.raises(ValueError, match="no convolution, and so no feature maps"):
        FeatureMapDisplay.from_estimator(model, X)
