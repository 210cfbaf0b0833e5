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

SECONDS = 2.0
"""What the epochs that are measured take, about: less is lost in what else a fit does."""

REPETITIONS = 2

MEASURED = [
    (64, (32,), 8, 32), (64, (256,), 8, 256), (200, (64,), 8, 64), (784, (32,), 8, 32),
    (784, (32,), 8, 256), (784, (512,), 32, 256), (1500, (128,), 8, 128),
]  # fmt: skip
"""Features, hidden layers, code and batch of the fits from which the constants are taken."""

PREDICTED = [(30, (100,), 2, 128), (400, (200, 50), 8, 64), (784, (256, 64), 16, 128)]
"""The same of those that are predicted."""

COLUMNS = {
    "name": "network",
    "batch_size": "batch",
    "weights": "weights",
    "rate": "rows a CPU second",
    "predicted_rate": "predicted",
    "ratio": "time over predicted",
    "mebibytes": "memory of a first fit, MiB",
    "predicted_mebibytes": "predicted",
    "is_fitted": "constants are from it",
}

CONSTANTS = ("an operation", "a weight and step", "a step", "a value of a row")


def n_trained(n_features, hidden, n_components):
    """Weights that are trained: matrices and biases of encoder and decoder."""
    sizes = (n_features, *hidden, n_components)
    return 2 * sum(a * b for a, b in pairwise(sizes)) + sum(sizes[1:]) + sum(sizes[:-1])


def parts_of_a_row(n_features, hidden, n_components, batch_size):
    """What the seconds of a row are the sum of, each times a constant of the machine.

    Arithmetic: forward, backward to the input and backward to the weights, two operations a weight
    each; forward alone for PCA's matrices. The optimizer passes over all weights once a step, and a
    step has a cost of its own. Values of a row, in all layers: reading, activations, loss.
    """
    weights = n_trained(n_features, hidden, n_components)
    operations = 6 * weights + 4 * n_features * n_components
    values = n_features + 2 * sum(hidden) + n_components
    return np.array([operations, weights / batch_size, 1 / batch_size, values])


def parts_of_memory(n_features, hidden, n_components, batch_size):
    """What the bytes of a first fit are the sum of, each times a constant.

    Weights with the state of the optimizer and gradients; copies and blocks of the rows; the
    covariance for PCA, with what its decomposition takes; and all else, as to compile.
    """
    weights = n_trained(n_features, hidden, n_components)
    return np.array([weights, N_ROWS * n_features, n_features**2, 1.0])


def number_of_epochs(n_features, hidden, n_components, batch_size):
    """Epochs that take about `SECONDS`, by a rough guess at the constants."""
    guessed = parts_of_a_row(n_features, hidden, n_components, batch_size) @ [
        1e-10,
        1e-9,
        3e-5,
        1e-9,
    ]
    return int(np.clip(SECONDS / (N_ROWS * guessed), 4, 200))


def measured(n_features, hidden, n_components, batch_size):
    """CPU seconds of an epoch and bytes of a first fit, in this process."""
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).normal(size=(N_ROWS, n_features)).astype(np.float32)

    def fit(max_iter):
        start = time.process_time()
        AutoencoderTransformer(
            n_components, hidden_layer_sizes=hidden, batch_size=batch_size, max_iter=max_iter,
            random_state=0,
        ).fit(X)  # fmt: skip
        return time.process_time() - start

    AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1).fit(X[:100])  # imports all
    before = anonymous_memory()
    with Peak() as peak:
        fit(1)
    n_epochs = number_of_epochs(n_features, hidden, n_components, batch_size)
    short = min(fit(1) for _ in range(REPETITIONS))
    long = min(fit(1 + n_epochs) for _ in range(REPETITIONS))
    return {"seconds": (long - short) / n_epochs, "bytes": peak.bytes - before}


def constants_of(parts, values):
    """Constants whose sums come closest to the values of `MEASURED`, in proportion to these."""
    n = len(MEASURED)
    return nnls(parts[:n] / values[:n, None], np.ones(n))[0]


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
    constants = constants_of(parts, of_a_row)
    memory = np.array([result["bytes"] for result in results])
    parts_of_bytes = np.array([parts_of_memory(*case) for case in cases])
    of_memory = constants_of(parts_of_bytes, memory)
    records = [
        {
            "name": "-".join(map(str, (case[0], *case[1], case[2]))),
            "batch_size": case[3],
            "weights": n_trained(*case[:3]),
            "rate": 1 / of_a_row[number],
            "predicted_rate": 1 / float(parts[number] @ constants),
            "ratio": of_a_row[number] / float(parts[number] @ constants),
            "mebibytes": memory[number] / 2**20,
            "predicted_mebibytes": float(parts_of_bytes[number] @ of_memory) / 2**20,
            "is_fitted": case in MEASURED or None,
        }
        for number, case in enumerate(cases)
    ]
    print(markdown_table(records, COLUMNS))
    said = ", ".join(f"{c:.3g} {name}" for c, name in zip(constants, CONSTANTS, strict=True))
    a_weight, a_value, a_pair, rest = of_memory
    notes = [
        "CPU seconds of a row = (6 W + 4 f k) a + W/b c + 1/b d + v e, for W trained weights, f "
        "features, codes of k, batches of b rows, and v values of a row in all layers: features, "
        "hidden units of both sides, code. (With the features alone, as tried first, lines were "
        "off by up to 2.1 times.) Constants in seconds, by least squares of "
        f"relative errors: {said}.",
        f"{N_ROWS} rows of normal random numbers, float32. Epochs are the difference of a fit of "
        f"many and a fit of one, the fastest of {REPETITIONS} each; there are as many as take some "
        f"{SECONDS:.0f} seconds. Time is that of the processor: the machine was shared with so "
        "much other work that lines may be wrong by a third. By the clock a fit takes that over "
        "the cores it has.",
        "Memory is the peak of anonymous memory in a first fit of one epoch, over what a process "
        f"has that has imported the libraries; prediction, by least squares too: {a_weight:.0f} "
        f"bytes a weight, {a_value:.0f} a value of these rows, {a_pair:.0f} a pair of features, "
        f"and {rest / 2**20:.0f} MiB.",
    ]
    write_results(args.json, args.markdown, "Cost model", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
