"""`python -m skae`: compare autoencoders with PCA on real data; `python -m skae info`: versions."""

import argparse
import sys
import time
from pathlib import Path

from . import _demo
from ._versions import PACKAGES, print_versions


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Exit with one line on stderr and status 2."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def main(argv=None):
    """Run the command line, and return its exit status."""
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "info":
            print_versions(PACKAGES)
            return 0
        return _run_demo(arguments)
    except (_demo.UsageError, ImportError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def _make_parser():
    parser = _Parser(
        prog="python -m skae",
        description="Train autoencoders on real data and compare them with PCA of the same code "
        "size, on held-out rows. Exits with status 1 if one of them is no better than PCA.",
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=["demo", "info"],
        default="demo",
        help="demo: the comparison (default); info: versions, backend and devices",
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        default="digits",
        metavar="digits|mnist|FILE",
        help="bundled digits (default); mnist; an .npz file with arrays X and perhaps y, or "
        "x_train, x_test, y_train, y_test; a .csv file with a header row. Data outside [0, 1] are "
        "scaled: bytes are divided by 255, the features of others brought to [0, 1] one by one",
    )
    data.add_argument("--mnist", metavar="PATH", help="an mnist.npz file, for --data mnist")
    data.add_argument("--target", metavar="COLUMN", help="column of the .csv file with the classes")
    training = parser.add_argument_group("training")
    training.add_argument(
        "--n-components",
        nargs="+",
        type=_positive,
        default=[2, 8],
        metavar="N",
        help="code sizes (default: 2 8)",
    )
    training.add_argument(
        "--corruption-level",
        type=_level,
        default=0.3,
        metavar="SIGMA",
        help="standard deviation of the noise (default: 0.3)",
    )
    training.add_argument(
        "--max-iter",
        type=_positive,
        metavar="N",
        help="epochs, at most (default: that of the estimators)",
    )
    training.add_argument(
        "--random-state", type=_seed, default=0, metavar="SEED", help="(default: 0)"
    )
    picture = parser.add_argument_group("picture")
    picture.add_argument(
        "--output", default="skae-demo.png", metavar="FILE", help="(default: skae-demo.png)"
    )
    picture.add_argument("--no-picture", action="store_true", help="do not draw")
    return parser


def _positive(text):
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return value


def _seed(text):
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 2**32 - 1: {text!r}")
    return value


def _level(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0, got {text!r}")
    return value


# The demo


def _run_demo(arguments):
    picture = None if arguments.no_picture else _picture_path(arguments.output)
    dataset = _load(arguments)
    sizes = sorted(set(arguments.n_components))
    limit = min(dataset.X_train.shape) - 1
    if sizes[-1] > limit:
        raise _demo.UsageError(f"--n-components can be at most {limit} here, got {sizes[-1]}")
    comparison = _demo.Comparison(
        dataset,
        arguments.corruption_level,
        max_iter=arguments.max_iter,
        random_state=arguments.random_state,
    )
    for size in sizes:
        comparison.run(size, _fit)
    _print_table(comparison)
    if picture is not None:
        _demo.draw(comparison, picture)
        print(f"picture: {picture}")
    return _judge(comparison)


def _load(arguments):
    name, path = arguments.data, arguments.data
    if name == "mnist":
        path = arguments.mnist
        if path is None:
            raise _demo.UsageError("--data mnist needs --mnist PATH, the path of an mnist.npz file")
    elif arguments.mnist is not None:
        raise _demo.UsageError("--mnist goes with --data mnist")
    if name == "digits":
        path = None
    elif name != "mnist":
        name = Path(path).name
    if arguments.target is not None and path is None:
        raise _demo.UsageError("--target goes with --data FILE.csv")
    return _demo.load(name, path, target=arguments.target, random_state=arguments.random_state)


def _picture_path(output):
    """Check where the picture goes before the training; None without matplotlib."""
    path = Path(output)
    if path.is_dir() or not path.parent.is_dir():
        raise _demo.UsageError(f"cannot write a picture to {path}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("no picture: matplotlib is missing (pip install skae[plot])", file=sys.stderr)
        return None
    return path


class _EpochCounter:
    """Callback of scikit-learn that rewrites one line at each epoch."""

    def __init__(self, label, max_iter):
        self.label = label
        self.max_iter = max_iter

    def setup(self, estimator, context):
        """Do nothing: required by the protocol."""

    def teardown(self, estimator, context):
        """Do nothing: required by the protocol."""

    def on_fit_task_begin(self, estimator, context):
        """Say which epoch runs."""
        if context.task_name == "epoch":
            line = f"{self.label}: epoch {context.task_id + 1} of at most {self.max_iter}"
            print(f"\r{line}", end="", file=sys.stderr, flush=True)

    def on_fit_task_end(self, estimator, context):
        """Let the fit go on."""
        return False


def _fit(estimator, X):
    """Fit, and tell how it goes: a line that is rewritten on a terminal, else a line a fit."""
    if not hasattr(estimator, "max_iter"):
        return estimator.fit(X)
    components = "component" if estimator.n_components == 1 else "components"
    label = f"{type(estimator).__name__}, {estimator.n_components} {components}"
    live = sys.stderr.isatty()
    if live:
        try:
            estimator.set_callbacks(_EpochCounter(label, estimator.max_iter))
        except ImportError:
            live = False
    start = time.perf_counter()
    estimator.fit(X)
    seconds = time.perf_counter() - start
    line = f"{label}: {estimator.n_iter_} epochs in {seconds:.1f} s"
    print(f"\r{line:<70}" if live else line, file=sys.stderr, flush=True)
    return estimator


def _print_table(comparison):
    data = comparison.dataset
    rows, features = len(data.X_train), data.X_train.shape[1]
    print(f"\n{data.name}: {rows} training rows, {len(data.X_test)} test rows, {features} features")
    print(f"noisy input: + {comparison.level:g} N(0, 1); test MSE is against the clean rows\n")
    header = f"{'method':<24}{'input':<8}{'code':>6}{'test MSE':>12}{'5-NN accuracy':>16}"
    print(header, "-" * len(header), sep="\n")
    previous = None
    for result in comparison.results:
        if previous is not None and result.n_components != previous.n_components:
            print()
        accuracy = "" if result.accuracy is None else f"{result.accuracy:.3f}"
        line = f"{result.method:<24}{result.input:<8}{result.n_components:>6}{result.mse:>12.4f}"
        print(f"{line}{accuracy:>16}".rstrip())
        previous = result
    print()


def _judge(comparison):
    failures = comparison.failures()
    for result, pca in failures:
        print(
            f"{result.method} with a code of {result.n_components}: test MSE {result.mse:.4g} on "
            f"{result.input} input does not beat PCA's {pca.mse:.4g}",
            file=sys.stderr,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
