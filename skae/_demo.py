"""The logic of `python -m skae`: data in, comparison with PCA and a picture out."""

import csv
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import MinMaxScaler

from . import AutoencoderTransformer, DenoisingAutoencoder
from .corruption import GaussianNoise
from .plotting import LatentSpaceDisplay, LossCurveDisplay, ReconstructionDisplay

MIN_ROWS = 20
N_NEIGHBORS = 5
_KERAS_NAMES = ("x_train", "x_test", "y_train", "y_test")
AUTOENCODERS = {"AutoencoderTransformer": "clean", "DenoisingAutoencoder": "noisy"}
"""The autoencoders by name, with the input each is tried on."""

MIN_PIXELS = 64
"""Fewest features that are taken as a square image where nothing says so."""


class UsageError(ValueError):
    """What the user asked for cannot be done; the message says why in one line."""


@dataclass
class Dataset:
    """Training and test rows in [0, 1]; y is None where there are no classes."""

    name: str
    X_train: np.ndarray
    X_test: np.ndarray
    y_train: np.ndarray | None
    y_test: np.ndarray | None
    image_shape: tuple | None


@dataclass
class Result:
    """A row of the table."""

    method: str
    input: str
    n_components: int
    mse: float
    accuracy: float | None


# Data


def load(name, path=None, *, target=None, random_state=0):
    """Read the bundled digits (`path` is None), an .npz or a .csv file, and hold rows out."""
    if path is None:
        X, y = load_digits(return_X_y=True)
        return _dataset(name, *_split(X / 16, y, random_state), image_shape=(8, 8))
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"no such file: {path}")
    if path.suffix.lower() == ".npz":
        if target is not None:
            raise UsageError("--target names a column of a .csv file; an .npz file has an array y")
        return _read_npz(name, path, random_state)
    if path.suffix.lower() == ".csv":
        return _dataset(name, *_split(*_read_csv(path, target), random_state))
    raise UsageError(f"{path} is neither an .npz nor a .csv file")


def _read_npz(name, path, random_state):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in ("X", "y", *_KERAS_NAMES) if key in file}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    for key in ("y", "y_train", "y_test"):
        if key in arrays and arrays[key].ndim == 2 and arrays[key].shape[1] == 1:
            arrays[key] = arrays[key][:, 0]
    if "X" in arrays:
        X = arrays["X"]
        parts = _split(_flat(X), arrays.get("y"), random_state)
    elif {"x_train", "x_test"} <= arrays.keys():
        X, X_test, y_train, y_test = (arrays.get(key) for key in _KERAS_NAMES)
        parts = _flat(X), _flat(X_test), y_train, y_test
    else:
        raise UsageError(f"{path} has neither an array X nor arrays x_train and x_test")
    return _dataset(name, *parts, image_shape=_image_shape(X))


def _flat(X):
    if X.ndim < 2 or X.dtype.kind not in "biuf":
        raise UsageError("the data must be numbers in two or more dimensions, one row a sample")
    return X.reshape(len(X), -1)


def _image_shape(X):
    shape = X.shape[1:-1] if X.ndim == 4 and X.shape[3] == 1 else X.shape[1:]
    return shape if len(shape) == 2 or (len(shape) == 3 and shape[2] == 3) else None


def _read_csv(path, target):
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (csv.Error, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    header = rows.pop(0) if rows else []
    if not rows or len(set(header)) < len(header):
        raise UsageError(f"{path} needs a header of different names, and rows of values below it")
    uneven = next((row for row in rows if len(row) != len(header)), None)
    if uneven is not None:
        raise UsageError(f"{path} has {len(header)} columns but a row of {len(uneven)} values")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    if target is not None and target not in columns:
        raise UsageError(f"{path} has no column {target!r}; it has {', '.join(header)}")
    y = None if target is None else _labels(columns.pop(target))
    if not columns:
        raise UsageError(f"{path} has no column beside {target!r}")
    return np.column_stack([_numbers(name, values) for name, values in columns.items()]), y


def _labels(values):
    try:
        return np.array(values, dtype=float)
    except ValueError:
        return np.array(values)


def _numbers(name, values):
    try:
        return np.array(values, dtype=float)
    except ValueError:
        raise UsageError(
            f"column {name!r} is not numeric; if it holds the classes, say --target {name}"
        ) from None


def _split(X, y, random_state):
    """Hold a quarter of the rows out, of each class where there are classes."""
    if len(X) < MIN_ROWS:
        raise UsageError(f"the data have {len(X)} rows; {MIN_ROWS} are needed at least")
    if y is None:
        return *train_test_split(X, random_state=random_state), None, None
    if y.shape != (len(X),):
        raise UsageError(f"y has shape {y.shape}; it must have one label for each of {len(X)} rows")
    stratify = y if _are_classes(y) and np.unique(y, return_counts=True)[1].min() >= 4 else None
    return train_test_split(X, y, random_state=random_state, stratify=stratify)


def _are_classes(y):
    """Whether y looks like classes: strings, or whole numbers that come back often."""
    if y.dtype.kind not in "biuf":
        return True
    return bool((y == np.floor(y)).all()) and len(np.unique(y)) * N_NEIGHBORS <= len(y)


def _dataset(name, X_train, X_test, y_train, y_test, image_shape=None):
    """Scale to [0, 1], drop a y that is no class, and guess the shape of images."""
    shapes = f"{X_train.shape} to train on and {X_test.shape} to test on"
    if X_train.shape[1] != X_test.shape[1] or X_train.shape[1] < 2:
        raise UsageError(f"the data must have the same features, two or more: {shapes}")
    if len(X_train) < N_NEIGHBORS or len(X_test) == 0:
        raise UsageError(f"the data have too few rows: {shapes}")
    for X, y in ((X_train, y_train), (X_test, y_test)):
        if y is not None and y.shape != (len(X),):
            raise UsageError(f"y has shape {y.shape}, but there are {len(X)} rows")
        if not np.isfinite(X).all():
            raise UsageError("the data have missing or infinite values")
    X_train, X_test = _scaled(X_train, X_test)
    if y_train is None or y_test is None or not _are_classes(y_train):
        y_train = y_test = None
    side = math.isqrt(X_train.shape[1])
    if image_shape is None and side * side == X_train.shape[1] >= MIN_PIXELS:
        image_shape = (side, side)
    return Dataset(name, X_train, X_test, y_train, y_test, image_shape)


def _scaled(X_train, X_test):
    low, high = min(X_train.min(), X_test.min()), max(X_train.max(), X_test.max())
    as_bytes = X_train.dtype == X_test.dtype == np.uint8
    X_train, X_test = X_train.astype(np.float32), X_test.astype(np.float32)
    if low >= 0 and high <= 1:
        return X_train, X_test
    if as_bytes:  # pixels, which share one scale
        return X_train / 255, X_test / 255
    scaler = MinMaxScaler(clip=True).fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test)


# Comparison


class Comparison:
    """Fits PCA and autoencoders, and evaluates them on the test rows."""

    def __init__(self, dataset, corruption_level, *, max_iter=None, random_state=0):
        self.dataset = dataset
        self.level = corruption_level
        self.params = {"random_state": random_state}
        if max_iter is not None:
            self.params["max_iter"] = max_iter
        noise = GaussianNoise(corruption_level)
        self.inputs = {
            "clean": dataset.X_test,
            "noisy": noise.corrupt(dataset.X_test, random_state=random_state),
        }
        self.results = []
        self.models = {}
        for kind in self.inputs:
            self._evaluate("raw features", kind, dataset.X_train.shape[1])

    def estimators(self, n_components):
        """Make the unfitted estimators of a code size, with the inputs to try each on."""
        random_state = self.params["random_state"]
        return [
            (PCA(n_components, random_state=random_state), ("clean", "noisy")),
            (AutoencoderTransformer(n_components, **self.params), ("clean",)),
            (
                DenoisingAutoencoder(n_components, corruption_level=self.level, **self.params),
                ("noisy",),
            ),
        ]

    def run(self, n_components, fit):
        """Call `fit(estimator, X)` for the estimators of a code size, and add their results."""
        for estimator, kinds in self.estimators(n_components):
            name = type(estimator).__name__
            self.models[name, n_components] = fit(estimator, self.dataset.X_train)
            for kind in kinds:
                self._evaluate(name, kind, n_components)

    def _evaluate(self, name, kind, n_components):
        data, model = self.dataset, self.models.get((name, n_components))
        train, test = data.X_train, self.inputs[kind]
        reconstruction = test
        if model is not None:
            train, test = model.transform(train), model.transform(test)
            reconstruction = model.inverse_transform(test)
        mse = np.square(reconstruction - data.X_test, dtype=np.float64).mean()
        accuracy = None
        if data.y_train is not None:
            neighbors = KNeighborsClassifier(N_NEIGHBORS).fit(train, data.y_train)
            accuracy = neighbors.score(test, data.y_test)
        self.results.append(Result(name, kind, n_components, float(mse), accuracy))

    def result(self, method, kind, n_components):
        """Find a result."""
        wanted = (method, kind, n_components)
        return next(r for r in self.results if (r.method, r.input, r.n_components) == wanted)

    def failures(self):
        """List the autoencoders no better than PCA, each with PCA's result on the same task."""
        pairs = [
            (result, self.result("PCA", result.input, result.n_components))
            for result in self.results
            if result.method in AUTOENCODERS
        ]
        return [(result, pca) for result, pca in pairs if not result.mse < pca.mse]


# Picture


def draw(comparison, path):
    """Save originals over reconstructions, the 2-D codes and the loss curves as a PNG."""
    from matplotlib.figure import Figure

    data = comparison.dataset
    sizes = sorted({size for _, size in comparison.models})
    has_images, has_plane = data.image_shape is not None, sizes[-1] >= 2
    figure = Figure(figsize=(13, 4.8 + 2.15 * has_images), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    figure.suptitle(
        f"skae on {data.name}: {len(data.X_train)} rows to train on, {len(data.X_test)} to test on"
    )
    heights = [2.15, 4.4] if has_images else [4.4]
    parts = figure.subfigures(len(heights), 1, height_ratios=heights)
    parts = np.atleast_1d(parts)
    if has_images:
        _draw_images(parts[0].subplots(1, 2), comparison, sizes[-1])
    axes = parts[-1].subplots(1, 1 + 2 * has_plane, squeeze=False)[0]
    if has_plane:
        _draw_codes(axes[:2], comparison, min(size for size in sizes if size >= 2))
    _draw_losses(axes[-1], comparison)
    figure.savefig(path, format="png", dpi=110)


def _draw_images(axes, comparison, size):
    data = comparison.dataset
    for ax, (name, kind) in zip(axes, AUTOENCODERS.items(), strict=True):
        ReconstructionDisplay.from_estimator(
            comparison.models[name, size],
            data.X_test,
            X_noisy=None if kind == "clean" else comparison.inputs[kind],
            image_shape=data.image_shape,
            ax=ax,
        )
        mse, pca = (comparison.result(method, kind, size).mse for method in (name, "PCA"))
        ax.set_title(f"{name}, code of {size}: test MSE {mse:.4f} (PCA {pca:.4f})", fontsize=11)
        ax.set_anchor("N")


def _draw_codes(axes, comparison, size):
    data, projection = comparison.dataset, "pca" if size > 2 else None
    for ax, name in zip(axes, ("PCA", "AutoencoderTransformer"), strict=True):
        display = LatentSpaceDisplay.from_estimator(
            comparison.models[name, size], data.X_test, data.y_test, projection=projection, ax=ax
        )
        title = f"{name}, code of {size}"
        if data.y_test is not None:
            accuracy = comparison.result(name, "clean", size).accuracy
            title = f"{title}\n{N_NEIGHBORS}-NN accuracy {accuracy:.3f}"
            if ax is axes[0]:  # one legend serves both
                display.legend_.remove()
        ax.set_title(title, fontsize=11)


def _draw_losses(ax, comparison):
    curves = {
        f"{name}, code of {size}": model
        for (name, size), model in comparison.models.items()
        if name in AUTOENCODERS
    }
    LossCurveDisplay.from_estimators(curves, log_scale=True, ax=ax)
    ax.set_title("Training loss", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
