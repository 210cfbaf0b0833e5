"""The Displays: what is drawn, where, and what it is called."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from cases import slow
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skae import AutoencoderOutlierDetector, AutoencoderTransformer
from skae.plotting import LatentSpaceDisplay, LossCurveDisplay, ReconstructionDisplay

plt = pytest.importorskip("matplotlib.pyplot")
to_rgb = pytest.importorskip("matplotlib.colors").to_rgb

X = np.random.default_rng(0).uniform(size=(40, 9))
NOISY = X + np.random.default_rng(1).normal(size=X.shape)


@pytest.fixture(scope="module")
def autoencoder():
    model = AutoencoderTransformer(3, hidden_layer_sizes=(), max_iter=4, random_state=0)
    return model.fit(X, X_val=X[:5])


def _drawn(images):
    return np.array([[np.asarray(image.get_array()).ravel() for image in row] for row in images])


def test_importing_draws_nothing_in():
    code = (
        "import sys, skae, skae.plotting;"
        "print([name for name in ('keras', 'jax', 'matplotlib') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize(
    "draw",
    [
        lambda: ReconstructionDisplay(X=X, X_reconstructed=X).plot(),
        lambda: LossCurveDisplay(loss_curves=[[2.0, 1.0]]).plot(),
        lambda: LatentSpaceDisplay(code=X).plot(),
    ],
)
def test_without_matplotlib(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"Display draws .* pip install skae\[plot\]"):
        draw()


# Reconstructions


def test_originals_over_reconstructions(autoencoder):
    display = ReconstructionDisplay.from_estimator(autoencoder, X, n_images=6)
    expected = np.stack([X[:6], autoencoder.reconstruct(X)[:6]])
    np.testing.assert_array_equal(_drawn(display.images_), expected)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["original", "reconstruction"]
    assert display.ax_.get_title() == "AutoencoderTransformer"
    assert display.figure_ is display.ax_.figure
    np.testing.assert_array_equal(display.images_[1, 2].get_array(), expected[1, 2].reshape(3, 3))


def test_images_stand_in_a_grid_from_the_top(autoencoder):
    display = ReconstructionDisplay.from_estimator(autoencoder, X, n_images=2)
    boxes = np.array([[image.get_extent() for image in row] for row in display.images_])
    left, right, bottom, top = np.moveaxis(boxes, -1, 0)
    np.testing.assert_allclose(right - left, 3)
    np.testing.assert_allclose(bottom - top, 3)
    assert (left[:, 1] > right[:, 0]).all()
    assert (top[1] > bottom[0]).all()
    assert display.ax_.get_xlim() == (left.min(), right.max())
    assert display.ax_.get_ylim() == (bottom.max(), top.min())


def test_colours_mean_the_same_in_all_images():
    display = ReconstructionDisplay.from_predictions(X, 3 * X, n_images=3)
    limits = {image.get_clim() for image in display.images_.ravel()}
    assert limits == {(X[:3].min(), X[:3].max())}


def test_noisy_inputs_in_between(autoencoder):
    display = ReconstructionDisplay.from_estimator(autoencoder, X, X_noisy=NOISY, n_images=4)
    expected = np.stack([X[:4], NOISY[:4], autoencoder.reconstruct(NOISY[:4])])
    np.testing.assert_array_equal(_drawn(display.images_), expected)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["original", "noisy", "reconstruction"]


def test_estimators_without_reconstruct():
    pipeline = make_pipeline(MinMaxScaler(), PCA(2, random_state=0)).fit(X)
    display = ReconstructionDisplay.from_estimator(pipeline, X)
    expected = pipeline.inverse_transform(pipeline.transform(X[:10]))
    np.testing.assert_allclose(_drawn(display.images_)[1], expected)
    assert display.ax_.get_title() == "PCA"


def test_sparse_images(autoencoder):
    display = ReconstructionDisplay.from_estimator(autoencoder, sparse.csr_array(X), n_images=3)
    np.testing.assert_array_equal(_drawn(display.images_)[0], X[:3])


def test_data_frames(autoencoder):
    pipeline = make_pipeline(autoencoder).set_output(transform="pandas")
    frame = pd.DataFrame(X)
    display = ReconstructionDisplay.from_estimator(autoencoder, frame, n_images=3)
    np.testing.assert_array_equal(_drawn(display.images_)[0], X[:3])
    display = LatentSpaceDisplay.from_estimator(pipeline, frame, pd.Series(["a", "b"] * 20))
    expected = autoencoder.set_output(transform="default").transform(X)
    np.testing.assert_array_equal(display.scatter_.get_offsets(), expected[:, :2])


def test_coloured_images_are_brought_to_the_range_of_colours():
    rows = np.arange(12.0).reshape(1, 12)
    display = ReconstructionDisplay.from_predictions(rows, rows + 5.5, image_shape=(2, 2, 3))
    expected = np.stack([rows / 11, np.minimum((rows + 5.5) / 11, 1)])
    np.testing.assert_allclose(_drawn(display.images_), expected)
    assert display.images_[0, 0].get_array().shape == (2, 2, 3)


def test_wide_images_and_given_axes():
    figure, ax = plt.subplots()
    display = ReconstructionDisplay.from_predictions(X[:, :6], X[:, :6], image_shape=(2, 3), ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.images_[0, 0].get_array().shape == (2, 3)
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X_reconstructed": X[:, 1:]}, r"X_reconstructed must have the shape of X, \(10, 9\)"),
        ({"X_noisy": X[:3]}, r"X_noisy must have the shape of X, \(10, 9\), got \(3, 9\)"),
        ({"image_shape": (2, 4)}, r"product of 9, .* got \(2, 4\)"),
        ({"image_shape": (9, 1, 1)}, r"must end in 3 colours .* got \(9, 1, 1\)"),
        ({"n_images": 0}, "n_images must be 1 or more, got 0"),
    ],
)
def test_reconstruction_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReconstructionDisplay.from_predictions(X, **{"X_reconstructed": X, **arguments})


def test_image_shape_is_guessed_from_squares_alone():
    with pytest.raises(ValueError, match="image_shape must be given, because 8 features"):
        ReconstructionDisplay.from_predictions(X[:, 1:], X[:, 1:])


# Loss curves


def test_loss_curve_of_one(autoencoder):
    display = LossCurveDisplay.from_estimator(autoencoder)
    train, validation, best_point, pca = display.ax_.lines
    assert display.best_points_ == [best_point]
    assert display.lines_ == [train]
    assert display.pca_line_ is pca
    np.testing.assert_array_equal(pca.get_ydata(), autoencoder.pca_error_)
    assert display.val_lines_ == [validation]
    np.testing.assert_array_equal(train.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(train.get_ydata(), autoencoder.loss_curve_)
    np.testing.assert_array_equal(validation.get_ydata(), autoencoder.val_loss_curve_)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    best = 1 + int(np.argmin(autoencoder.val_loss_curve_))
    assert labels == ["training", "validation", f"best epoch: {best}", "PCA"]
    assert best_point.get_xydata().tolist() == [[best, min(autoencoder.val_loss_curve_)]]
    assert (train.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert display.ax_.get_xlabel() == "Epoch\n(ended: max_iter was reached)"
    assert display.ax_.get_ylabel() == "Loss"
    assert display.ax_.get_yscale() == "linear"


def test_the_error_of_pca_stands_beside_squared_errors_alone():
    robust = AutoencoderTransformer(3, loss="absolute_error", max_iter=1, random_state=0).fit(X)
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning):
        mlp.fit(X, X)
    for estimator in (robust, mlp):
        display = LossCurveDisplay.from_estimator(estimator)
        assert display.pca_line_ is None
        assert len(display.ax_.lines) == 2  # the curve, and its best epoch
        ended = "max_iter" if estimator is robust else None  # which is not known of others
        assert (ended or "Epoch") in display.ax_.get_xlabel()


def test_loss_curves_of_several(autoencoder):
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        mlp.fit(X, X)
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimators(
        {"ours": autoencoder, "theirs": make_pipeline(mlp)}, log_scale=True, ax=ax
    )
    assert display.ax_ is ax
    assert ax.get_yscale() == "log"
    drawn = [line for line in ax.lines if line not in display.best_points_]
    assert [line.get_label() for line in drawn] == ["ours", "ours (validation)", "theirs"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "ours", "ours (validation)", "theirs",
    ]  # fmt: skip
    assert ax.get_xlabel() == "Epoch"
    assert display.val_lines_[1] is None
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), mlp.loss_curve_)
    ours, ours_validation, theirs = (line.get_color() for line in drawn)
    assert ours == ours_validation != theirs


@slow
def test_the_curve_of_what_is_built_on_an_autoencoder():
    base = AutoencoderTransformer(2, hidden_layer_sizes=(), max_iter=2)
    detector = AutoencoderOutlierDetector(base, random_state=0).fit(X)
    display = LossCurveDisplay.from_estimator(detector)
    curve = detector.estimator_.loss_curve_
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), curve)


def test_loss_curve_names(autoencoder):
    display = LossCurveDisplay.from_estimators([autoencoder])
    assert display.lines_[0].get_label() == "AutoencoderTransformer"
    display = LossCurveDisplay.from_estimator(autoencoder, name="net", line_kwargs={"alpha": 0.5})
    assert display.lines_[0].get_label() == "net"
    assert display.lines_[0].get_alpha() == 0.5


def test_loss_curve_errors():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(AutoencoderTransformer())
    with pytest.raises(ValueError, match="PCA has no loss_curve_"):
        LossCurveDisplay.from_estimator(PCA(2).fit(X))


# Latent space


def test_points_lie_where_the_code_says(autoencoder):
    y = np.arange(len(X)) % 3
    display = LatentSpaceDisplay.from_estimator(autoencoder, X, y, components=(2, 0))
    code = autoencoder.transform(X)
    np.testing.assert_array_equal(display.scatter_.get_offsets(), code[:, [2, 0]])
    assert display.ax_.get_xlabel() == "Component 2"
    assert display.ax_.get_ylabel() == "Component 0"
    assert display.ax_.get_title() == "Code of AutoencoderTransformer"


def test_projection_is_that_of_pca(autoencoder):
    display = LatentSpaceDisplay.from_estimator(autoencoder, X, projection="pca")
    code = autoencoder.transform(X)
    centred = code - code.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.asarray(display.scatter_.get_offsets())
    np.testing.assert_allclose(np.abs(points), np.abs(u * s)[:, :2], atol=1e-10)
    assert display.ax_.get_xlabel() == "Principal component 0"


@pytest.mark.parametrize(
    "labels", [["b", "a", "c"], [True, False], [3, 1, 2], [0.0, 2.0], list(range(15))]
)
def test_classes_get_a_legend(labels):
    y = np.resize(np.array(labels), len(X))
    display = LatentSpaceDisplay.from_predictions(X, y)
    legend = display.legend_
    names = [str(value).removesuffix(".0") for value in np.unique(y)]
    assert [text.get_text() for text in legend.get_texts()] == names
    assert display.colorbar_ is None
    colors = display.scatter_.get_facecolors()[:, :3]
    for label, handle in zip(np.unique(y), legend.legend_handles, strict=True):
        assert {tuple(color) for color in colors[y == label]} == {to_rgb(handle.get_color())}
    assert len(np.unique(colors, axis=0)) == len(labels)


@pytest.mark.parametrize("y", [np.linspace(0, 1, 40), np.arange(40)], ids=["real", "many"])
def test_numbers_get_a_colour_bar(y):
    display = LatentSpaceDisplay.from_predictions(X, y)
    assert display.legend_ is None
    assert display.colorbar_.mappable is display.scatter_
    np.testing.assert_array_equal(display.scatter_.get_array(), y)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", None, "a"], ["a", "b"]),
        (["b", np.nan, "a"], ["a", "b"]),
        (["b", pd.NA, 9.5, 10, None, "b"], ["9.5", "10", "b"]),
        (["b", None, (1, 2)], ["(1, 2)", "b"]),
        ([10, None, 2], ["2", "10"]),
        (np.array([10, np.nan, 2]), ["2", "10"]),
        (np.array([True, None, False], dtype=object), ["False", "True"]),
        (pd.Series([10, None, 2], dtype="Int64"), ["2", "10"]),
        (pd.Series(["b", None, "a"], dtype="category"), ["a", "b"]),
        (np.array(["2021", "NaT", "2020"], dtype="M8[Y]"), ["2020", "2021"]),
        (["x", pd.NaT, pd.Timestamp("2021")], ["2021-01-01 00:00:00", "x"]),
    ],
)
def test_missing_labels_are_grey_below_the_others(labels, names):
    code = X[: len(labels)]
    missing = np.arange(len(labels)) % 3 == 1
    display = LatentSpaceDisplay.from_predictions(code, labels, scatter_kwargs={"s": code[:, 0]})
    assert list(display.ax_.collections) == [display.missing_, display.scatter_]
    for points, drawn in ((display.missing_, missing), (display.scatter_, ~missing)):
        offsets = points.get_offsets()
        np.testing.assert_array_equal(np.ma.getmaskarray(offsets).all(axis=1), ~drawn)
        np.testing.assert_array_equal(offsets[drawn], code[drawn, :2])
    legend = display.legend_
    assert [text.get_text() for text in legend.get_texts()] == [*names, "missing"]
    *colors, grey = (to_rgb(handle.get_color()) for handle in legend.legend_handles)
    np.testing.assert_array_equal(display.missing_.get_facecolors()[0, :3], grey)
    # The first label is the last class, and the third label is the first class.
    drawn_colors = display.scatter_.get_facecolors()[[0, 2], :3]
    np.testing.assert_array_equal(drawn_colors, [colors[-1], colors[0]])
    display.figure_.canvas.draw()


def test_of_many_classes_the_most_frequent_have_a_colour():
    y = np.array([f"c{number:02}" for number in [*range(25), *range(5, 20)]])
    display = LatentSpaceDisplay.from_predictions(X, y)
    names = [text.get_text() for text in display.legend_.get_texts()]
    # Fifteen are there twice; of the others, the first ones in their order.
    assert names == [f"c{number:02}" for number in [*range(4), *range(5, 20)]] + ["6 others"]
    colors = display.scatter_.get_facecolors()[:, :3]
    is_other = ~np.isin(y, names)
    assert {tuple(color) for color in colors[is_other]} == {to_rgb("#8a8a8a")}
    assert len(np.unique(colors[~is_other], axis=0)) == 19


def test_a_pipeline_that_ends_in_a_classifier(autoencoder):
    scaler = MinMaxScaler((0, 2)).fit(X)
    pipe = make_pipeline(scaler, autoencoder, DummyClassifier().fit(X, X[:, 0] > 0.5))
    display = LatentSpaceDisplay.from_estimator(pipe, X)
    code = autoencoder.transform(scaler.transform(X))
    np.testing.assert_array_equal(display.scatter_.get_offsets(), code[:, :2])
    display = ReconstructionDisplay.from_estimator(pipe, X, n_images=2)
    expected = scaler.inverse_transform(autoencoder.inverse_transform(code))[:2]
    np.testing.assert_allclose(_drawn(display.images_)[1], expected)
    assert display.ax_.get_title() == "AutoencoderTransformer"
    curve = LossCurveDisplay.from_estimator(pipe).lines_[0]
    np.testing.assert_array_equal(curve.get_ydata(), autoencoder.loss_curve_)


def test_no_label_at_all():
    display = LatentSpaceDisplay.from_predictions(X, [None] * len(X))
    assert [text.get_text() for text in display.legend_.get_texts()] == ["missing"]
    assert display.colorbar_ is None
    assert not np.ma.is_masked(display.missing_.get_offsets())


@pytest.mark.parametrize("dtype", [float, object])
def test_missing_numbers_beside_a_colour_bar(dtype):
    y = np.linspace(0, 1, 40).astype(dtype)
    y[::4] = np.nan if dtype is float else None
    display = LatentSpaceDisplay.from_predictions(X, y)
    np.testing.assert_array_equal(display.missing_.get_offsets().compressed(), X[::4, :2].ravel())
    red, green, blue = display.missing_.get_facecolors()[0, :3]
    assert red == green == blue
    assert [text.get_text() for text in display.legend_.get_texts()] == ["missing"]
    assert display.colorbar_.mappable is display.scatter_
    assert display.scatter_.get_clim() == (1 / 39, 1)
    assert list(display.ax_.collections) == [display.missing_, display.scatter_]


def test_points_without_y_and_given_axes():
    _, ax = plt.subplots()
    display = LatentSpaceDisplay.from_predictions(X, ax=ax, scatter_kwargs={"s": 5})
    assert display.ax_ is ax
    assert display.legend_ is None
    assert display.colorbar_ is None
    assert display.missing_ is None
    assert display.scatter_.get_sizes() == [5]
    assert len(np.unique(display.scatter_.get_facecolors(), axis=0)) == 1
    assert ax.get_title() == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": (0, 9)}, r"must lie in 0\.\.8, .* n_components=9, got \(0, 9\)"),
        ({"components": (0,)}, r"components must be two numbers, got \(0,\)"),
        ({"projection": "tsne"}, "projection must be 'pca' or None, got 'tsne'"),
        ({"y": [1, 2]}, r"y must have shape \(40,\) like the code, got \(2,\)"),
    ],
)
def test_latent_space_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        LatentSpaceDisplay.from_predictions(X, **arguments)
    assert plt.get_fignums() == []


def test_a_code_of_one_cannot_be_drawn():
    with pytest.raises(ValueError, match="n_components=1"):
        LatentSpaceDisplay.from_predictions(X[:, :1])
