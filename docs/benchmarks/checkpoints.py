"""Measure checkpoints: whether killed fits end as those left alone, and what keeping costs.

    python docs/benchmarks/checkpoints.py --mnist FILE

Each of the kills is one of a child process at a random moment of its fit, by SIGKILL. The same call
in this process then ends the fit, and its file of `skae.save` is compared, byte by byte, with that
of a fit left alone. FILE is MNIST as Keras's mnist.npz.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results
from sklearn.base import clone
from sklearn.datasets import load_digits

import skae
from skae._autoencoders import _checkpoint

COLUMNS = {
    "fit": "fit",
    "seconds": "seconds without checkpoints",
    "ratio": "CPU time with them",
    "spread": "lowest and highest",
    "inside": "seconds inside checkpoints",
    "n_written": "written",
    "file": "MB of the file",
    "digest": "seconds to identify the fit",
    "epoch": "seconds of an epoch",
    "killed": "killed",
    "under_way": "of them, while it trained and had a checkpoint",
    "same": "ended as one left alone",
}

NOTES = [
    "The CPU time with checkpoints is relative to the fit without, the median of the ratios of "
    "alternating fits in one process, in which nothing is compiled. What is inside checkpoints is "
    "measured by a clock there, as a share of the fit: identifying the fit, and writing.",
    "The kills are by SIGKILL, at random moments of the fit, which keeps each epoch. Equal are all "
    "bytes of the file that `skae.save` makes of the estimator.",
]

KILLED = {
    "early stopping": lambda: skae.AutoencoderTransformer(
        8, max_iter=60, early_stopping=True, random_state=0
    ),
    "layerwise pretraining": lambda: skae.DenoisingAutoencoder(
        8, hidden_layer_sizes=(32, 16), max_iter=30, pretraining="layerwise", random_state=0
    ),
    "variational": lambda: skae.VariationalAutoencoder(
        8, likelihood="bernoulli", max_iter=60, random_state=0
    ),
}


def digits():
    return load_digits().data / 16


# Kills


def keep(name, path, every):
    """The fit of that name, with a checkpoint."""
    checkpoint = skae.Checkpoint(path, every=every)
    return KILLED[name]().set_params(checkpoint=checkpoint).fit(digits())


def saved(estimator, folder):
    """The bytes of the estimator's file."""
    path = Path(folder, "estimator.skae")
    skae.save(estimator, path)
    return path.read_bytes()


def kills(args):
    """Yield the record of fits that were killed at random moments, after each of them."""
    under_way, same = [], []
    for one_under_way, one_same in killed(args.kills):
        under_way.append(one_under_way)
        same.append(one_same)
        yield {
            "fit": f"digits; {', '.join(KILLED)} in turns",
            "killed": len(same),
            "under_way": sum(under_way),
            "same": sum(same),
        }


def killed(n_kills, seed=0):
    """Yield of each fit whether it had a checkpoint, and whether it ended as one left alone."""
    random, alone, seconds = np.random.default_rng(seed), {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in KILLED:
            KILLED[name]().fit(digits())  # compiles, as the child will
            start = time.perf_counter()
            keep(name, Path(folder, "whole.checkpoint"), 0)
            seconds[name] = time.perf_counter() - start
            os.unlink(Path(folder, "whole.checkpoint"))
            alone[name] = saved(KILLED[name]().fit(digits()), folder)
    for number in range(n_kills):
        name = list(KILLED)[number % len(KILLED)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.checkpoint")
            command = [sys.executable, __file__, "--child", name, str(path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout.readline() == "ready\n"
                while not path.exists() and child.poll() is None and number % 5:
                    time.sleep(0.001)  # four of five after the first checkpoint
                time.sleep(random.uniform(0, seconds[name]))
                child.kill()
                under_way = path.exists() and not child.stdout.read()
            yield under_way, saved(keep(name, path, 0), folder) == alone[name]
            assert sorted(os.listdir(folder)) == ["a.checkpoint", "estimator.skae"], "litter"


# Costs


class Stopwatch:
    """Adds up the time in some functions of a module while it is entered."""

    def __init__(self, places):
        self._places = places
        self.seconds = {name: [] for _, name in places}

    def __enter__(self):
        self._functions = [getattr(home, name) for home, name in self._places]
        for (home, name), function in zip(self._places, self._functions, strict=True):
            setattr(home, name, self._timed(name, function))
        return self

    def __exit__(self, *error):
        for (home, name), function in zip(self._places, self._functions, strict=True):
            setattr(home, name, function)

    def _timed(self, name, function):
        def timed(*arguments):
            start = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.seconds[name].append(time.perf_counter() - start)

        return timed


def seconds_of(estimator, X):
    """Seconds of a fit, by the clock and of all processors."""
    start, used = time.perf_counter(), time.process_time()
    estimator.fit(X)
    return np.array([time.perf_counter() - start, time.process_time() - used])


def cost(label, estimator, X, repeats):
    """What checkpoints at the default interval cost in a fit."""
    clone(estimator).fit(X)
    plain, ratios, shares = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.checkpoint")
            plain.append(seconds_of(clone(estimator), X))
            watch = Stopwatch([(_checkpoint.FitProgress, "keep"), (_checkpoint, "identity")])
            with watch:
                seconds = seconds_of(clone(estimator).set_params(checkpoint=path), X)
            ratios.append(seconds[1] / plain[-1][1])
            shares.append(sum(map(sum, watch.seconds.values())) / seconds[0])
            size = path.stat().st_size / 2**20
    by_clock = statistics.median(clock for clock, _ in plain)
    return {
        "fit": label,
        "seconds": by_clock,
        "ratio": f"{statistics.median(ratios):.3f}",
        "spread": f"{min(ratios):.3f} to {max(ratios):.3f}",
        "inside": f"{100 * statistics.median(shares):.2g} %",
        "n_written": len(watch.seconds["keep"]),
        "file": size,
        "digest": statistics.median(watch.seconds["identity"]),
        "epoch": by_clock / estimator.max_iter,
    }


def costs(args):
    """Yield a record for each fit whose cost is measured."""
    repeats = args.repeats
    yield cost(
        "digits 64-128-8, 100 epochs",
        skae.AutoencoderTransformer(8, random_state=0),
        digits(),
        repeats,
    )
    with np.load(args.mnist) as file:
        X = file["x_train"].reshape(-1, 784).astype(np.float32) / 255
    dense = skae.AutoencoderTransformer(32, hidden_layer_sizes=(256,), max_iter=5, random_state=0)
    yield cost("MNIST 784-256-32, 5 epochs", dense, X, repeats)
    large = clone(dense).set_params(hidden_layer_sizes=(1000, 500), max_iter=5)
    yield cost("10,000 rows, 784-1000-500-32, 5 epochs", large, X[:10000], repeats)


PARTS = {"costs": costs, "kills": kills}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="mnist.npz")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    add_output_options(parser, "checkpoints")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.child:
        print("ready", flush=True)
        keep(*args.child, every=0)
        print("ended", flush=True)
        return
    if args.mnist is None and "costs" in args.parts:
        parser.error("--mnist is needed for the costs")
    records = read_records(args.json, "fit")
    for record in chain(*(PARTS[part](args) for part in args.parts)):
        records[record["fit"]] = record
        print(markdown_table([record], COLUMNS).splitlines()[-1], flush=True)
        rows = list(records.values())
        write_results(args.json, args.markdown, "Checkpoints", rows, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
