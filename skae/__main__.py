"""`python -m skae`: compare autoencoders with PCA; `python -m skae info`: print versions."""

import argparse
import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from . import AutoencoderTransformer, DenoisingAutoencoder, show_versions
from .corruption import GaussianNoise
from .plotting import LatentSpaceDisplay, LossCurveDisplay, ReconstructionDisplay

DIGITS = "handwritten digits"
AUTOENCODERS = ("AutoencoderTransformer", "DenoisingAutoencoder")
CODE_SIZES = (2, 8)
PIXEL_NOISE, COLUMN_NOISE = 5.0, 0.3
"""Standard deviations of the noise: in pixels of 0 to 16, and in columns of unit variance."""

MIN_ROWS = 20
MISSING = {"", "?", "na", "n/a", "nan", "none", "null"}


class Data(NamedTuple):
    """Rows, and their classes or None; the test rows by kind of input."""

    name: str
    noise_level: float
    X_train: np.ndarray
    X_test: dict
    y_train: np.ndarray | None
    y_test: np.ndarray | None


def main(argv=None):
    """Run the command line, and return its exit status."""
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "info":
        show_versions()
        return 0
    path = Path(arguments.output)
    if path.suffix != ".png" or not path.parent.is_dir():
        parser.error(f"--output must be a .png file in an existing folder, got {path}")
    if arguments.target is not None and arguments.data is None:
        parser.error("--target needs --data")
    try:
        data = _load(arguments.data, arguments.target)
    except (OSError, ValueError, csv.Error) as error:
        parser.exit(2, f"{parser.prog}: error: cannot use {arguments.data}: {error}\n")
    models, errors = _compare(data)
    if not arguments.no_picture:
        try:
            _draw(data, models, path)
        except ImportError as error:
            print(f"no picture: {error} (pip install 'skae[plot]')", file=sys.stderr)
    return _judge(errors)


def _make_parser():
    parser = argparse.ArgumentParser(
        prog="python -m skae",
        description="demo (the default): compare autoencoders with PCA on held-out rows; the exit "
        "status is 1 if one of them is not better than PCA. info: print versions.",
    )
    parser.add_argument("command", nargs="?", choices=["demo", "info"], default="demo")
    parser.add_argument(
        "--data", metavar="FILE.csv", help="named numeric columns (default: handwritten digits)"
    )
    parser.add_argument("--target", metavar="COLUMN", help="column of the file with the classes")
    parser.add_argument("--output", metavar="FILE.png", default="skae-demo.png", help="the picture")
    parser.add_argument("--no-picture", action="store_true", help="do not draw")
    return parser


def _load(path, target):
    """Read the digits (`path` is None) or a file, and hold a quarter of the rows out."""
    X, y = load_digits(return_X_y=True) if path is None else _read_csv(path, target)
    # A file may have classes that are too rare to be stratified.
    stratify = y if path is None else None
    train, test = train_test_split(np.arange(len(X)), random_state=0, stratify=stratify)
    # Pixels stay as they are. Columns of a file are to count alike: for that alone they are scaled.
    scaler = FunctionTransformer() if path is None else StandardScaler()
    X_train, X_test = scaler.fit_transform(X[train]), scaler.transform(X[test])
    noise_level = PIXEL_NOISE if path is None else COLUMN_NOISE
    noisy = GaussianNoise(noise_level).corrupt(X_test, random_state=0)
    y_train, y_test = (None, None) if y is None else (y[train], y[test])
    name = DIGITS if path is None else Path(path).name
    return Data(name, noise_level, X_train, {"clean": X_test, "noisy": noisy}, y_train, y_test)


def _read_csv(path, target):
    """Read the numeric columns of a CSV file, and its column of classes."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *rows = [row for row in csv.reader(file, skipinitialspace=True) if row] or [[]]
    if len(set(header)) < len(header) or any(len(row) != len(header) for row in rows):
        raise ValueError("it needs a line of different column names, and rows as long as that line")
    if len(rows) < MIN_ROWS:
        raise ValueError(f"it has {len(rows)} rows below the column names, {MIN_ROWS} are needed")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    gaps = [name for name in columns if not MISSING.isdisjoint(map(str.lower, columns[name]))]
    if gaps:
        raise ValueError(f"values are missing in {', '.join(gaps)}")
    if target is not None and target not in columns:
        raise ValueError(f"it has no column {target}, only {', '.join(header)}")
    y = None if target is None else np.array(columns.pop(target))
    if y is not None and 5 * len(np.unique(y)) > len(y):
        raise ValueError(f"{target} has fewer than five rows a value, too few for classes")
    text = [name for name in columns if not _are_numbers(columns[name])]
    if text:
        raise ValueError(f"not numeric: {', '.join(text)} (--target names the classes)")
    if len(columns) <= CODE_SIZES[0]:
        raise ValueError(f"it has {len(columns)} numeric columns, {CODE_SIZES[0] + 1} are needed")
    return np.array(list(columns.values()), dtype=float).T, y


def _are_numbers(values):
    try:
        return np.isfinite([float(value) for value in values]).all()
    except ValueError:
        return False


def _compare(data):
    """Print the table; return the fitted models, and the error of each row."""
    (n_train, n_features), n_test = data.X_train.shape, len(data.X_test["clean"])
    print(f"{data.name}: {n_train} training rows, {n_test} test rows, {n_features} features")
    print(f"noisy input: + {data.noise_level:g} N(0, 1); test MSE is against the clean rows\n")
    header = f"{'method':<24}{'input':<8}{'code':>6}{'test MSE':>12}{'5-NN accuracy':>16}"
    print(header, "-" * len(header), sep="\n")
    models, errors = {}, {}
    for method, kind, size, model in _methods(n_features, data.noise_level):
        if (method, kind) == ("PCA", "clean"):
            print()
        mse, accuracy = _evaluate(model, kind, data)
        text = "" if accuracy is None else f"{accuracy:>16.3f}"
        print(f"{method:<24}{kind:<8}{size:>6}{mse:>12.4f}{text}", flush=True)
        models[method, size], errors[method, kind, size] = model, mse
    return models, errors


def _methods(n_features, noise_level):
    """Yield method, input, code size and unfitted model of each row of the table."""
    for kind in ("clean", "noisy"):
        yield "raw features", kind, n_features, FunctionTransformer()
    for size in CODE_SIZES:
        if size < n_features:
            yield "PCA", "clean", size, PCA(size, random_state=0)
            yield "PCA", "noisy", size, PCA(size, random_state=0)
            plain = AutoencoderTransformer(size, random_state=0)
            yield "AutoencoderTransformer", "clean", size, plain
            denoising = DenoisingAutoencoder(size, corruption_level=noise_level, random_state=0)
            yield "DenoisingAutoencoder", "noisy", size, denoising


def _evaluate(model, kind, data):
    """Fit on clean rows; return test MSE, and accuracy of nearest neighbours on the code."""
    code = model.fit(data.X_train).transform(data.X_test[kind])
    error = model.inverse_transform(code) - data.X_test["clean"]
    mse = np.square(error).mean()
    if data.y_train is None:
        return mse, None
    knn = KNeighborsClassifier(5).fit(model.transform(data.X_train), data.y_train)
    return mse, knn.score(code, data.y_test)


def _draw(data, models, path):
    """Save reconstructions of the digits, codes of two units, and loss curves."""
    from matplotlib.figure import Figure

    X_test, are_images = data.X_test["clean"], data.name == DIGITS
    figure = Figure(figsize=(13, 7 if are_images else 4.6), layout="constrained")
    layout = "IIIDDD;PPAALL" if are_images else "PPAALL"
    axes = figure.subplot_mosaic(layout, height_ratios=[1, 2] if are_images else None)
    if are_images:
        plain, denoising = models["AutoencoderTransformer", 8], models["DenoisingAutoencoder", 8]
        ReconstructionDisplay.from_estimator(plain, X_test, ax=axes["I"])
        X_noisy = data.X_test["noisy"]
        ReconstructionDisplay.from_estimator(denoising, X_test, X_noisy=X_noisy, ax=axes["D"])
    for ax, method in ((axes["P"], "PCA"), (axes["A"], "AutoencoderTransformer")):
        LatentSpaceDisplay.from_estimator(models[method, 2], X_test, data.y_test, ax=ax)
    curves = {f"{key[0]}({key[1]})": models[key] for key in models if key[0] in AUTOENCODERS}
    LossCurveDisplay.from_estimators(curves, log_scale=True, ax=axes["L"])
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15)}  # the curves fill the axes
    axes["L"].legend(frameon=False, fontsize="small", ncols=2, **below)
    figure.savefig(path, dpi=110)
    print(f"\npicture: {path}")


def _judge(errors):
    """Name the autoencoders that are not better than PCA; return the exit status."""
    status = 0
    for (method, kind, size), mse in errors.items():
        pca = errors.get(("PCA", kind, size))
        if method in AUTOENCODERS and not mse < pca:
            line = f"{method} with a code of {size} on {kind} input: test MSE {mse:.4g}"
            print(f"{line} is not better than PCA's {pca:.4g}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
