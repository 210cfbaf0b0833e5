"""Displays of decoded codes: what is decoded, where it is drawn, and in which units."""

import numpy as np
import pandas as pd
import pytest
from cases import slow
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer, VariationalAutoencoder
from skae.plotting import LatentManifoldDisplay, LatentTraversalDisplay
from skae.plotting._latent_manifold import unit_range

plt = pytest.importorskip("matplotlib.pyplot")

X = np.random.default_rng(0).normal(size=(60, 9)) * np.arange(1, 10) + 100
NAMES = [f"f{number}" for number in range(9)]
Y = np.arange(60) % 2


def small(cls=AutoencoderTransformer, n_components=3, **params):
    return cls(n_components, hidden_layer_sizes=(), max_iter=2, random_state=0, **params)


@pytest.fixture(scope="module")
def autoencoder():
    return small().fit(X)


@pytest.fixture(scope="module")
def pipeline():
    frame = pd.DataFrame(X, columns=NAMES)
    return make_pipeline(StandardScaler(), small(), DummyClassifier()).fit(frame, Y)


def drawn(images):
    return np.array([[np.asarray(image.get_array()).ravel() for image in row] for row in images])


# Two units at once


def test_a_grid_of_codes_is_decoded(autoencoder):
    display = LatentManifoldDisplay.from_estimator(autoencoder, X, components=(2, 0), n_images=4)
    code = autoencoder.transform(X)
    x = np.linspace(*np.quantile(code[:, 2], [0.02, 0.98]), 4)
    y = np.linspace(*np.quantile(code[:, 0], [0.02, 0.98]), 4)
    images = drawn(display.images_)
    for row in range(4):
        for column in range(4):  # the highest value of the second unit is at the top
            at = np.array([[y[3 - row], np.median(code[:, 1]), x[column]]])
            expected = autoencoder.inverse_transform(at)[0]
            np.testing.assert_allclose(images[row, column], expected, rtol=1e-5)
    assert display.ax_.get_xlabel() == "Component 2"
    assert display.ax_.get_ylabel() == "Component 0"
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == [f"{value:.3g}" for value in x]
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == [f"{value:.3g}" for value in y[::-1]]
    assert {image.get_clim() for image in display.images_.flat} == {(images.min(), images.max())}


@slow
def test_the_prior_of_a_variational_autoencoder_needs_no_data(autoencoder):
    vae = small(VariationalAutoencoder, 2).fit(X)
    display = LatentManifoldDisplay.from_estimator(vae, n_images=3)
    corner = vae.inverse_transform(np.array([[-2.0, 2.0]]))[0]
    np.testing.assert_allclose(drawn(display.images_)[0, 0], corner, rtol=1e-5)
    with pytest.raises(ValueError, match="X must be given: the code of AutoencoderTransformer"):
        LatentManifoldDisplay.from_estimator(autoencoder)


def test_a_code_of_one_unit_gives_a_single_row():
    model = small(n_components=1).fit(X)
    display = LatentManifoldDisplay.from_estimator(model, X, n_images=5)
    assert display.images_.shape == (1, 5)
    assert display.ax_.get_ylabel() == ""
    assert len(display.ax_.get_yticks()) == 0
    display = LatentTraversalDisplay.from_estimator(model, X, n_steps=5)
    np.testing.assert_allclose(drawn(display.images_).shape, (1, 5, 9))


@slow
def test_a_unit_without_values_is_warned_of():
    constant = np.tile(X[:1], (20, 1))
    model = small(n_components=2).fit(X)
    with pytest.warns(UserWarning, match=r"the units \[0\] have one value for all rows"):
        LatentManifoldDisplay.from_estimator(model, constant, components=(0,), n_images=2)


def test_units_that_are_active_for_few_rows_move_to_where_they_are():
    code = np.zeros((200, 2))
    code[0, 0], code[:, 1] = 5.0, np.linspace(0, 1, 200)
    low, centre, high = unit_range(code, [0, 1])
    np.testing.assert_allclose([low, centre, high], [[0, 0.02], [0, 0.5], [5, 0.98]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": (0, 3)}, r"different numbers in 0\.\.2, since the code has 3 units"),
        ({"components": (1, 1)}, "two different numbers"),
        ({"components": (0, 1, 2)}, "one or two different numbers"),
        ({"n_images": 0}, "n_images must be 1 or more, got 0"),
        ({"image_shape": (2, 4)}, r"product of 9, .* got \(2, 4\)"),
        ({"image_shape": 9}, r"\(height, width\) .* got 9"),
    ],
)
def test_manifold_errors(autoencoder, arguments, message):
    with pytest.raises(ValueError, match=message):
        LatentManifoldDisplay.from_estimator(autoencoder, X, **arguments)


@pytest.mark.parametrize("display", [LatentManifoldDisplay, LatentTraversalDisplay])
def test_what_holds_no_fitted_autoencoder(display):
    for unfitted in (
        small(),
        make_pipeline(StandardScaler(), small()),
        GridSearchCV(small(), {"n_components": [1]}),
    ):
        with pytest.raises(NotFittedError):
            display.from_estimator(unfitted, X)
    with pytest.raises(ValueError, match="must be an autoencoder of skae"):
        display.from_estimator(StandardScaler().fit(X), X)


# One unit after the other


def test_units_move_one_by_one_and_those_that_change_most_come_first(autoencoder):
    display = LatentTraversalDisplay.from_estimator(autoencoder, X, n_steps=3)
    code = autoencoder.transform(X)
    low, centre, high = np.quantile(code, [0.02, 0.5, 0.98], axis=0)
    ends = []
    for unit in range(3):
        codes = np.tile(centre, (3, 1))
        codes[:, unit] = [low[unit], (low[unit] + high[unit]) / 2, high[unit]]
        ends.append(autoencoder.inverse_transform(codes))
    change = [np.square((one[-1] - one[0]) / X.std(axis=0)).sum() for one in ends]
    order = np.argsort(change)[::-1]
    assert display.line_names == [f"unit {unit}" for unit in order]
    np.testing.assert_allclose(drawn(display.images_), np.array(ends)[order], rtol=1e-5)
    display = LatentTraversalDisplay.from_estimator(autoencoder, X, components=[1], n_steps=3)
    np.testing.assert_allclose(drawn(display.images_)[0], ends[1], rtol=1e-5)


def test_a_table_is_a_heat_map_of_deviations_in_the_units_of_the_pipeline(pipeline):
    frame = pd.DataFrame(X, columns=NAMES)
    display = LatentTraversalDisplay.from_estimator(pipeline, frame, components=[0, 2], n_steps=4)
    assert display.images_ is None
    values = np.asarray(display.heat_map_.get_array()).reshape(9, 2, 4)
    scaled = pipeline[:1].transform(frame)
    code = pipeline[1].transform(scaled)
    codes = np.tile(np.median(code, axis=0), (4, 1))
    codes[:, 2] = np.linspace(*np.quantile(code[:, 2], [0.02, 0.98]), 4)
    # Standardised by scikit-learn, so that the autoencoder's output is the deviation.
    np.testing.assert_allclose(values[:, 1].T, pipeline[1].inverse_transform(codes), atol=1e-5)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == NAMES
    assert display.ax_.get_ylim() == (9, 0)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["unit 0", "unit 2"]


def test_what_is_drawn_follows_from_names_and_shapes(autoencoder, pipeline):
    from_estimator = LatentTraversalDisplay.from_estimator
    assert from_estimator(autoencoder, X).kind == "images"
    assert from_estimator(autoencoder, X, kind="features").heat_map_ is not None
    named = pd.DataFrame(X, columns=NAMES)
    assert from_estimator(pipeline, named).kind == "features"
    assert from_estimator(pipeline, named, image_shape=(3, 3)).kind == "images"
    with pytest.raises(ValueError, match=r"kind must be one of .* got 'lines'"):
        from_estimator(autoencoder, X, kind="lines")
    with pytest.raises(ValueError, match=r"numbers in 0\.\.2, .* got \[3\]"):
        from_estimator(autoencoder, X, components=[3])


def test_from_row_to_row(autoencoder):
    display = LatentTraversalDisplay.from_rows(autoencoder, X, [(4, 7), (1, 0)], n_steps=3)
    code = autoencoder.transform(X)
    middle = autoencoder.inverse_transform((code[[4]] + code[[7]]) / 2)
    images = drawn(display.images_)
    np.testing.assert_allclose(images[0, 1], middle[0], rtol=1e-5)
    np.testing.assert_allclose(images[:, 0], autoencoder.reconstruct(X[[4, 1]]), rtol=1e-5)
    np.testing.assert_allclose(images[:, 2], autoencoder.reconstruct(X[[7, 0]]), rtol=1e-5)
    assert display.line_names == ["4 to 7", "1 to 0"]


@pytest.mark.parametrize("pairs", [[(0, 60)], [(-1, 0)], [0, 1], [(0.5, 1.0)], []])
def test_pairs_that_are_no_rows(autoencoder, pairs):
    with pytest.raises(ValueError, match="pairs must"):
        LatentTraversalDisplay.from_rows(autoencoder, X, pairs)


@slow
def test_steps_without_an_inverse_leave_the_autoencoders_own_features():
    class Doubling(StandardScaler):
        inverse_transform = property()

        def transform(self, X):
            return 2 * X

    pipe = make_pipeline(Doubling(), small()).fit(X)
    display = LatentTraversalDisplay.from_rows(pipe, X, n_steps=2)
    np.testing.assert_allclose(drawn(display.images_)[0, 0], pipe[1].reconstruct(2 * X)[0])


@slow
def test_a_search_and_set_output(autoencoder):
    search = GridSearchCV(small().set_output(transform="pandas"), {"n_components": [3]}, cv=2)
    frame = pd.DataFrame(X, columns=NAMES)
    display = LatentManifoldDisplay.from_estimator(search.fit(frame), frame, n_images=2)
    plain = LatentManifoldDisplay.from_estimator(autoencoder, X, n_images=2)
    np.testing.assert_allclose(drawn(display.images_), drawn(plain.images_), rtol=1e-4)


@slow
def test_categories_are_named():
    table = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(list("xyz") * 20)})
    model = small(n_components=1).fit(table)
    for draw in (LatentManifoldDisplay.from_estimator, LatentTraversalDisplay.from_estimator):
        with pytest.raises(ValueError, match="no numbers, such as categories"):
            draw(model, table)


def test_images_are_light_on_dark_and_dark_on_light(autoencoder):
    for style, cmap in (("default", "gray_r"), ("dark_background", "gray")):
        with plt.style.context(style):
            display = LatentManifoldDisplay.from_estimator(autoencoder, X, n_images=2)
        assert display.images_[0, 0].get_cmap().name == cmap
    own = {"cmap": "magma", "image_kwargs": {"alpha": 0.5}}
    display = LatentManifoldDisplay.from_estimator(autoencoder, X, n_images=2, **own)
    assert display.images_[0, 0].get_cmap().name == "magma"
    assert display.images_[0, 0].get_alpha() == 0.5
