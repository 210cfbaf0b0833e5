"""What callbacks and `verbose` add to an epoch.

    python docs/benchmarks/callbacks.py --mnist mnist.npz

An epoch is timed as the shortest of a fit, which other programs slowed down least. What is called
before and after it is timed by itself, over many epochs that train nothing, because it is far below
the noise of a training, and the shortest run is taken too. The table holds microseconds, and their
share of an epoch. The idle callback has the four methods that scikit-learn asks for, and they do
nothing. The file is the one that `mnist_figures.py` takes; without it, digits alone are timed.
"""

import argparse
import io
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

from _report import add_output_options, write_results
from mnist_figures import load_images
from sklearn.datasets import load_digits

from skae import AutoencoderTransformer
from skae._autoencoders._report import Report
from skae._sklearn_compat import EpochCallbacks
from skae.callbacks import CSVLogger, EpochObserver, TensorBoardLogger

N_CALLS, N_REPEATS = 100, 50
"""Epochs that train nothing in a run, over which calls are timed, and number of runs."""

N_EPOCHS = {"digits": 60, "MNIST": 5}

TARGET = 0.01
"""Most of an epoch that an idle callback is to take."""


class Idle:
    """A callback that does nothing, at any depth."""

    max_propagation_depth = None

    def setup(self, estimator, context):
        """A fit begins."""

    def teardown(self, estimator, context):
        """A fit ended."""

    def on_fit_task_begin(self, estimator, context):
        """A part of a fit begins."""

    def on_fit_task_end(self, estimator, context):
        """A part of a fit ended."""


class Observing(EpochObserver):
    """An observer that does nothing."""

    def on_epoch_end(self, fit, logs):
        """An epoch ended."""


class Clock(EpochObserver):
    """Notes when epochs end."""

    def __init__(self):
        self.times = []

    def on_epoch_end(self, fit, logs):
        """Note the time."""
        self.times.append(time.perf_counter())


def epoch_seconds(X, n_epochs):
    """Seconds of the shortest epoch of the default network."""
    clock = Clock()
    AutoencoderTransformer(8, max_iter=n_epochs, random_state=0).set_callbacks(clock).fit(X)
    pairs = zip(clock.times[1:], clock.times[2:], strict=False)
    return min(after - before for before, after in pairs)


def training():
    """What callbacks and reports read of a training."""
    return SimpleNamespace(
        n_epochs=0, history={"loss": [0.5], "val_loss": [0.5], "learning_rate": [0.005]}
    )


def callback_seconds(X, *callbacks):
    """Seconds that the calls before and after an epoch take."""
    estimator = AutoencoderTransformer(8)
    if callbacks:
        estimator.set_callbacks(*callbacks)
    one = training()
    tasks = EpochCallbacks(estimator, X, N_CALLS * N_REPEATS, dict)
    return _shortest(lambda: (tasks.begin_epoch(), tasks.end_epoch(one)), one)


def verbose_seconds():
    """Seconds that a line an epoch takes, written to a stream in memory."""
    one = training()
    report = Report(2, 0, 0, N_CALLS * N_REPEATS)
    with redirect_stdout(io.StringIO()):
        return _shortest(lambda: report.epoch(one), one)


def _shortest(call, one):
    seconds = []
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        for _ in range(N_CALLS):
            one.n_epochs += 1
            call()
        seconds.append((time.perf_counter() - start) / N_CALLS)
    return min(seconds)


def costs(X):
    """Seconds an epoch of each kind of callback."""
    with tempfile.TemporaryDirectory() as folder:
        yield "none set", callback_seconds(X)
        yield "idle callback", callback_seconds(X, Idle())
        yield "idle EpochObserver", callback_seconds(X, Observing())
        yield "CSVLogger", callback_seconds(X, CSVLogger(Path(folder) / "log.csv"))
        yield "TensorBoardLogger", callback_seconds(X, TensorBoardLogger(folder))
    yield "verbose=2", verbose_seconds()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="path of mnist.npz")
    add_output_options(parser, "callbacks")
    args = parser.parse_args()
    data = {"digits": load_digits().data}
    if args.mnist:
        data["MNIST"] = load_images(args.mnist)[0]
    epochs = {name: epoch_seconds(X, N_EPOCHS[name]) for name, X in data.items()}
    records = []
    for name, seconds in costs(data["digits"]):
        shares = {f"share of {key}": seconds / epoch for key, epoch in epochs.items()}
        records.append({"what": name, "microseconds": 1e6 * seconds, **shares})
        print(records[-1], file=sys.stderr)
    columns = {"what": "what", "microseconds": "µs an epoch"}
    columns |= {f"share of {name}": f"share of an epoch of {name}" for name in epochs}
    notes = [
        f"An epoch of {name} ({data[name].shape[0]:,} x {data[name].shape[1]}, default network, 8 "
        f"units) took {1e3 * seconds:.3g} ms."
        for name, seconds in epochs.items()
    ]
    for name in epochs:
        share = records[1][f"share of {name}"]
        words = "is met" if share < TARGET else "is missed"
        notes.append(
            f"The target for an idle callback, {TARGET:.0%}, {words} on {name}: {share:.2%}."
        )
    write_results(args.json, args.markdown, "Cost of callbacks", records, columns, notes)


if __name__ == "__main__":
    main()
