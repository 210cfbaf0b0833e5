"""Displays of errors and explained variance: their numbers, groups and scales."""

import itertools

import numpy as np
import pandas as pd
import pytest
from cases import slow
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderOutlierDetector, AutoencoderTransformer
from skae.plotting import ExplainedVarianceDisplay, ReconstructionErrorDisplay

pytest.importorskip("matplotlib.pyplot")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6)) * [5, 4, 3, 2, 1, 0.5] + 10
GROUP = np.array(["a", "b"])[np.arange(80) % 2]


def small(n_components=2, **params):
    return AutoencoderTransformer(
        n_components, hidden_layer_sizes=(), max_iter=2, random_state=0, **params
    )


@pytest.fixture(scope="module")
def autoencoder():
    return small().fit(X)


def shares(histogram):
    values, edges, _ = histogram.get_data()
    return values, edges


def legend(display):
    return [text.get_text() for text in display.legend_.get_texts()]


# Histograms


def test_bins_hold_the_share_of_each_group(autoencoder):
    display = ReconstructionErrorDisplay.from_estimator(autoencoder, X, GROUP, threshold=0.5)
    error = np.square(X - autoencoder.reconstruct(X)).mean(axis=1)
    for name, histogram in zip("ab", display.histograms_, strict=True):
        own, (values, edges) = error[name == GROUP], shares(histogram)
        expected = [((own >= low) & (own < high)).mean() for low, high in itertools.pairwise(edges)]
        np.testing.assert_allclose(values, expected)
        assert values.sum() == pytest.approx(1)
    beyond = [f"{name} ({(error[name == GROUP] > 0.5).mean():.1%} beyond)" for name in "ab"]
    assert legend(display) == [*beyond, "threshold 0.5"]
    assert display.threshold_line_.get_xdata() == [0.5, 0.5]
    assert display.ax_.get_xlabel() == "Reconstruction error"


@slow
def test_a_detector_brings_its_score_and_threshold():
    pipe = make_pipeline(StandardScaler(), AutoencoderOutlierDetector(small(), random_state=0))
    display = ReconstructionErrorDisplay.from_estimator(pipe.fit(X), X)
    np.testing.assert_array_equal(display.error, -pipe.score_samples(X))
    assert display.threshold == -pipe[-1].offset_
    share = (pipe.predict(X) == -1).mean()
    assert legend(display)[0] == f"all rows ({share:.1%} beyond)"
    assert display.ax_.get_xlabel() == "Outlier score"


def test_an_inner_step_gets_what_the_steps_before_make(autoencoder):
    pipe = make_pipeline(StandardScaler(), small(), PCA(1)).fit(X)
    display = ReconstructionErrorDisplay.from_estimator(pipe, X)
    expected = pipe[1].reconstruction_error(StandardScaler().fit_transform(X))
    np.testing.assert_allclose(display.error, expected)
    with pytest.raises(NotFittedError):
        ReconstructionErrorDisplay.from_estimator(small(), X)


@pytest.mark.parametrize(
    ("error", "scale"),
    [
        (RNG.uniform(1, 2, size=50), "linear"),
        (np.append(RNG.uniform(1, 2, size=50), 1e6), "log"),
        (np.append(RNG.uniform(0, 2, size=50), [0.0, 1e6]), "asinh"),
        (np.append(RNG.normal(-50, 5, size=50), 1e6), "asinh"),
        (RNG.normal(-1e6, 5, size=50), "linear"),
        (np.zeros(5), "linear"),
        (np.full(5, 3.0), "linear"),
        (np.full(5, 1e-30), "linear"),
        (np.array([7.0]), "linear"),
    ],
)
def test_one_far_row_does_not_hide_the_others(error, scale):
    display = ReconstructionErrorDisplay.from_predictions(error)
    assert display.ax_.get_xscale() == scale
    values, edges = shares(display.histograms_[0])
    assert values.sum() == pytest.approx(1)
    assert (np.diff(edges) > 0).all()
    if len(np.unique(error)) > 10:
        assert (values > 0).sum() >= 5
    display.figure_.canvas.draw()


def test_what_cannot_be_drawn_is_said():
    error = np.array([1.0, 2.0, np.inf, np.nan, 3.0])
    display = ReconstructionErrorDisplay.from_predictions(error, log_scale=True)
    assert legend(display) == ["all rows (2 infinite or NaN, not drawn)"]
    with pytest.raises(ValueError, match="must have a finite value"):
        ReconstructionErrorDisplay.from_predictions([np.nan, np.inf])
    with pytest.raises(ValueError, match="threshold must be a finite number, got inf"):
        ReconstructionErrorDisplay.from_predictions([1.0, 2.0], threshold=np.inf)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_are_a_group(missing):
    y = pd.Series(["b", missing, "a", "a", missing], dtype=object)
    display = ReconstructionErrorDisplay.from_predictions(np.arange(1.0, 6.0), y)
    assert legend(display) == ["a", "b", "missing"]
    assert [shares(one)[0].sum() for one in display.histograms_] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(40), "y has 40 different values, .* at most 10 groups"),
        (np.arange(40) % 21, "y has 21 different values"),
        (np.linspace(0, 1, 40), "y has 40 different values"),
        ([1, 2], r"y must have shape \(40,\) like the rows, got \(2,\)"),
    ],
)
def test_groups_that_cannot_be_told_apart(y, message):
    with pytest.raises(ValueError, match=message):
        ReconstructionErrorDisplay.from_predictions(np.arange(40.0), y)


# Explained variance


def explained_by(model, train, test):
    """The definition, of each feature and of all."""
    error = np.square(test - model(test))
    variance = np.square(test - train.mean(axis=0))
    return 1 - error.sum(axis=0) / variance.sum(axis=0), 1 - error.sum() / variance.sum()


def reconstructed_by_pca(train, n_components):
    mean = train.mean(axis=0)
    V = np.linalg.svd(train - mean, full_matrices=False)[2][:n_components]
    return lambda rows: mean + (rows - mean) @ V.T @ V


def test_features_beside_pca(autoencoder):
    display = ExplainedVarianceDisplay.from_estimator(autoencoder, X[60:], X_train=X)
    ours, _ = explained_by(autoencoder.reconstruct, X, X[60:])
    pca, _ = explained_by(reconstructed_by_pca(X, 2), X, X[60:])
    np.testing.assert_allclose(display.line_.get_xdata(), ours.clip(-1), atol=1e-5)
    np.testing.assert_allclose(display.pca_line_.get_xdata(), pca.clip(-1), atol=1e-10)
    np.testing.assert_array_equal(display.line_.get_ydata(), range(6))
    assert legend(display)[0] == "PCA"
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == [f"x{number}" for number in range(6)]
    display = ExplainedVarianceDisplay.from_estimator(autoencoder, X)
    assert legend(display)[0] == "PCA fitted to these rows"


def test_names_pass_through_a_pipeline():
    frame = pd.DataFrame(X, columns=list("uvwxyz"))
    pipe = make_pipeline(StandardScaler(), small()).fit(frame)
    display = ExplainedVarianceDisplay.from_estimator(pipe, frame)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == list("uvwxyz")


@slow
def test_code_sizes_on_rows_held_out():
    display = ExplainedVarianceDisplay.from_code_sizes(
        make_pipeline(StandardScaler(), small()), X, n_components=(2, 1), test_size=0.5
    )
    train, test = train_test_split(X, test_size=0.5, random_state=0)
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    for number, size in enumerate((1, 2)):
        ours = explained_by(small(size).fit(train).reconstruct, train, test)[1]
        pca = explained_by(reconstructed_by_pca(train, size), train, test)[1]
        assert display.line_.get_ydata()[number] == pytest.approx(ours, abs=1e-5)
        assert display.pca_line_.get_ydata()[number] == pytest.approx(pca)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "2"]
    with pytest.raises(ValueError, match="must be an autoencoder or hold one"):
        ExplainedVarianceDisplay.from_code_sizes(PCA(), X)
    with pytest.raises(ValueError, match="at least one size"):
        ExplainedVarianceDisplay.from_code_sizes(small(), X, n_components=())


@slow
def test_without_pca_where_it_is_not_defined():
    gaps = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
    display = ExplainedVarianceDisplay.from_estimator(small(missing="mask").fit(gaps), gaps)
    assert display.pca_line_ is None
    table = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(list("wxyz") * 20)})
    display = ExplainedVarianceDisplay.from_estimator(small(1).fit(table), table)
    assert display.pca_line_ is None
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b"]


def test_many_features_are_sorted_and_low_shares_are_counted():
    shares_ = np.append(np.linspace(0, 1, 58), [-50.0, -2.0, np.nan])
    display = ExplainedVarianceDisplay(explained=shares_).plot()
    y = display.line_.get_ydata()
    np.testing.assert_allclose(y, np.append(np.linspace(1, 0, 58), [-1, -1]), atol=1e-12)
    assert legend(display) == ["autoencoder (2 below -1)"]
    assert display.ax_.get_xlabel() == "60 features, from the best explained"
