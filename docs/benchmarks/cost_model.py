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
    step has a cost of its own. Values of a row: reading, shuffling, loss.
    """
    weights = n_trained(n_features, hidden, n_components)
    operations = 6 * weights + 4 * n_features * n_components
    return np.array([operations, weights / batch_size, 1 / batch_size, n_features])


def bytes_of_arrays(n_features, hidden, n_components, batch_size):
    """The weights with two averages of Adam, twice: before and after a step; gradients; two blocks.

    The rows themselves are not among them.
    """
    blocks = 2 * min(16 * 2**20, 4 * N_ROWS * n_features)
    return 4 * 7 * n_trained(n_features, hidden, n_components) + blocks


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
    short = min(fit(1) for _ in range(REPETITIONS))
    long = min(fit(1 + N_EPOCHS) for _ in range(REPETITIONS))
    seconds = (long - short) / N_EPOCHS
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
    arrays = np.array([bytes_of_arrays(*case) for case in cases])
    of_all = min(result["bytes"] - size for result, size in zip(results[:n], arrays, strict=False))
    records = [
        {
            "name": "-".join(map(str, (case[0], *case[1], case[2]))),
            "batch_size": case[3],
            "weights": n_trained(*case[:3]),
            "rate": 1 / seconds,
            "predicted_rate": 1 / float(part @ constants),
            "ratio": seconds / float(part @ constants),
            "mebibytes": result["bytes"] / 2**20,
            "predicted_mebibytes": (of_all + size) / 2**20,
            "is_fitted": case in MEASURED,
        }
        for case, result, seconds, part, size in zip(
            cases, results, of_a_row, parts, arrays, strict=True
        )
    ]
    print(markdown_table(records, COLUMNS))
    said = ", ".join(f"{c:.3g} {name}" for c, name in zip(constants, CONSTANTS, strict=True))
    notes = [
        "CPU seconds of a row = (6 W + 4 f k) a + W/b c + 1/b d + f e, for W trained weights, f "
        "features, codes of k and batches of b rows. Constants in seconds, by least squares of "
        f"relative errors: {said}.",
        f"{N_ROWS} rows of normal random numbers, float32. An epoch is the difference of fits of "
        f"{1 + N_EPOCHS} epochs and of one, over {N_EPOCHS}, the fastest of {REPETITIONS} each. "
        "Time is that of the processor, as the machine was shared; by the clock a fit takes that "
        "over the cores it has.",
        "Memory is the peak of anonymous memory in a first fit of one epoch, over what a process "
        "has that has imported the libraries; prediction: 28 bytes a weight, two blocks of at most "
        f"16 MiB, and {of_all / 2**20:.0f} MiB for what every first fit takes, as to compile.",
    ]
    write_results(args.json, args.markdown, "Cost model", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
