"""What a fit costs in time and memory, by a model of four constants, against fits that it predicts.

python docs/benchmarks/cost_model.py
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from itertools import pairwise

import numpy as np
from _report import add_output_options, markdown_table, write_results
from out_of_core import Peak, anonymous_memory
from scipy.optimize import nnls

from skae import AutoencoderTransformer

N_ROWS = 8192

N_EPOCHS = 4

REPETITIONS = 3

MEASURED = [
    (64, (32,), 8, 32), (64, (32,), 8, 256), (64, (256,), 8, 256), (784, (32,), 8, 32),
    (784, (32,), 8, 256), (784, (128,), 16, 32), (784, (512,), 32, 256),
]  # fmt: skip
"""Features, hidden layers, code and batch of the fits from which the constants are taken."""

PREDICTED = [
    (30, (100,), 2, 128), (200, (64, 32), 8, 64), (784, (256, 64), 16, 128),
    (784, (1000, 500), 32, 256), (2000, (128,), 8, 128),
]  # fmt: skip
"""The same of those that are predicted."""

COLUMNS = {
    "name": "network",
    "batch_size": "batch",
    "weights": "weights",
    "rate": "rows a second",
    "predicted_rate": "predicted",
    "ratio": "measured over predicted time",
    "mebibytes": "memory of the fit, MiB",
    "predicted_mebibytes": "predicted",
    "is_fitted": "used to find the constants",
}


def n_weights(n_features, hidden, n_components):
    """Weights of encoder and decoder, the linear path beside them included."""
    sizes = (n_features, *hidden, n_components)
    matrices = sum(a * b for a, b in pairwise(sizes))
    return 2 * (matrices + n_features * n_components) + sum(sizes) + sum(sizes[:-1])


def parts_of_a_row(n_features, hidden, n_components, batch_size):
    """What the seconds of a row are the sum of, each times a constant of the machine.

    Arithmetic: forward, backward to the input and backward to the weights, two operations a weight
    each. Steps: the optimizer passes over all weights once a step, and a step has a cost of its
    own. Rows: reading, shuffling, loss.
    """
    weights = n_weights(n_features, hidden, n_components)
    return np.array([6 * weights, weights / batch_size, 1 / batch_size, n_features])


CONSTANTS = ("seconds an operation", "a weight and step", "a step", "a value of a row")


def predicted_bytes(n_features, hidden, n_components, batch_size):
    """Weights, two averages of Adam, gradients, and the next state of the first three; two blocks.

    The rows are read in single precision, which is what they were given in.
    """
    state = 3 * n_weights(n_features, hidden, n_components)
    blocks = 2 * min(16 * 2**20, 4 * N_ROWS * n_features)
    return 4 * (2 * state + state // 3) + blocks


def measured(n_features, hidden, n_components, batch_size):
    """Seconds of an epoch and bytes of a fit, in this process."""
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).normal(size=(N_ROWS, n_features)).astype(np.float32)

    def fit(max_iter):
        start = time.perf_counter()
        AutoencoderTransformer(
            n_components, hidden_layer_sizes=hidden, batch_size=batch_size, max_iter=max_iter,
            random_state=0,
        ).fit(X)  # fmt: skip
        return time.perf_counter() - start

    fit_of_few = AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1).fit(X[:100])
    before = anonymous_memory()
    with Peak() as peak:
        fit(1)
    short = min(fit(1) for _ in range(REPETITIONS))
    long = min(fit(1 + N_EPOCHS) for _ in range(REPETITIONS))
    seconds = (long - short) / N_EPOCHS
    del fit_of_few
    return {"seconds": seconds, "bytes": peak.bytes - before}


def in_own_process(case):
    """The same in a process of its own, so that memory of one fit is not reused by the next."""
    command = [sys.executable, __file__, "--measure", json.dumps(case)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    add_output_options(parser, "cost_model")
    args = parser.parse_args()
    if args.measure:
        n_features, hidden, *rest = args.measure
        print(json.dumps(measured(n_features, tuple(hidden), *rest)))
        return
    cases = [*MEASURED, *PREDICTED]
    results = [in_own_process(case) for case in cases]
    of_a_row = np.array([result["seconds"] / N_ROWS for result in results])
    parts = np.array([parts_of_a_row(*case) for case in cases])
    n = len(MEASURED)
    # Errors count in proportion: else the largest network alone would decide.
    constants, _ = nnls(parts[:n] / of_a_row[:n, None], np.ones(n))
    records = [
        {
            "name": "-".join(map(str, (case[0], *case[1], case[2]))),
            "batch_size": case[3],
            "weights": n_weights(*case[:3]),
            "rate": 1 / seconds,
            "predicted_rate": 1 / float(part @ constants),
            "ratio": seconds / float(part @ constants),
            "mebibytes": result["bytes"] / 2**20,
            "predicted_mebibytes": predicted_bytes(*case) / 2**20,
            "is_fitted": case in MEASURED,
        }
        for case, result, seconds, part in zip(cases, results, of_a_row, parts, strict=True)
    ]
    print(markdown_table(records, COLUMNS))
    said = ", ".join(f"{c:.3g} {name}" for c, name in zip(constants, CONSTANTS, strict=True))
    notes = [
        f"Seconds of a row = 6 W a + W/b c + 1/b d + f e, for W weights, f features and batches of "
        f"b rows; found by least squares of relative errors, in this order: {said}.",
        f"{N_ROWS} rows of normal random numbers, float32. An epoch is the difference of fits of "
        f"{1 + N_EPOCHS} epochs and of one, over {N_EPOCHS}, the fastest of {REPETITIONS} each. "
        "The machine was shared with other work.",
        "Memory is the peak of anonymous memory in a first fit of one epoch, over what a process "
        "has that has fitted a small network; prediction: 28 bytes a weight and two blocks.",
    ]
    write_results(args.json, args.markdown, "Cost model", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
