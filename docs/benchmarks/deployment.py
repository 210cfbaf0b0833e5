"""Compare ways to run a fitted autoencoder: what each needs, how fast it starts, and time a row.

    python docs/benchmarks/deployment.py

The default autoencoder of 8 units on the 64 pixels of digits, whose code is computed in a process
of its own for each way.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results
from skl2onnx import to_onnx
from sklearn.datasets import load_digits

import skae
import skae.onnx

N_ROWS = 1000
"""Rows of a call for the time a row in a batch."""

WAYS = {
    "skae.load": (
        "skae, scikit-learn, Keras, JAX",
        "import skae; transform = skae.load('autoencoder.skae').transform",
    ),
    "pickle": (
        "skae, scikit-learn, Keras, JAX",
        "import pickle; transform = pickle.load(open('autoencoder.pickle', 'rb')).transform",
    ),
    "ONNX": (
        "onnxruntime, NumPy",
        """
import onnxruntime
session = onnxruntime.InferenceSession("autoencoder.onnx", providers=["CPUExecutionProvider"])
transform = lambda X: session.run(["variable"], {"X": X})[0]
""",
    ),
    "NumPy": (
        "NumPy",
        """
import numpy as np
a = dict(np.load("autoencoder.npz"))
def transform(X):
    Z = (X - a["centre"]) * a["factor"] + a["rest"]
    hidden = np.maximum(Z @ a["W1"] + a["b1"], 0)
    return Z @ a["matrix"] + a["gain"] * (hidden @ a["W2"] + a["b2"])
""",
    ),
}
"""What each way needs at run time, and the code that makes `transform`."""

CHILD = """
import time
start = time.perf_counter()
import numpy as np
{code}
rows = np.load("rows.npy")
first = transform(rows[:1])
seconds_to_first = time.perf_counter() - start
def least(X, n_calls):
    times = []
    for _ in range(n_calls):
        begin = time.perf_counter()
        transform(X)
        times.append(time.perf_counter() - begin)
    return min(times)
one, many = least(rows[:1], 1000), least(rows, 100) / len(rows)
import json, pathlib
np.save("code.npy", transform(rows))
status = pathlib.Path("/proc/self/status").read_text()  # Linux; the peak since the program began
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([seconds_to_first, one, many, peak]))
"""

COLUMNS = {
    "way": "way",
    "needs": "needs at run time",
    "start": "seconds to the first row",
    "one": "microseconds a row, one by one",
    "many": f"microseconds a row, {N_ROWS} at once",
    "memory": "peak memory, MiB",
    "difference": "largest difference",
}

NOTES = [
    "Time to the first row is that of imports, of reading the file, and of the first call, in "
    "which skae compiles its program, without that of Python's own start.",
    "All are the least of some processes, and the times a row the least of a process's calls: what "
    "else ran on the machine disturbs those least.",
    "Rows of single precision. The difference is that from the estimator's code, over the largest "
    "magnitude of the code.",
]


def write_files(folder, estimator, rows):
    """Write an estimator in all forms."""
    skae.save(estimator, folder / "autoencoder.skae")
    (folder / "autoencoder.pickle").write_bytes(pickle.dumps(estimator))
    model = to_onnx(estimator, rows[:1])
    (folder / "autoencoder.onnx").write_bytes(model.SerializeToString())
    np.savez(folder / "autoencoder.npz", **arrays(estimator))
    np.save(folder / "rows.npy", rows)


def arrays(estimator):
    """The arrays of the default encoder with one hidden layer."""
    encoder = estimator.encoder_
    centring, scaling = encoder.layers[1:3]
    names = ("W1", "b1", "W2", "b2", "matrix", "gain")
    weights = dict(zip(names, encoder.get_weights(), strict=True))
    given = {"centre": -np.array(centring.offset), "factor": scaling.scale, "rest": scaling.offset}
    return {**weights, **{name: np.float32(value) for name, value in given.items()}}


def measured(folder, code):
    """Seconds to the first row, seconds a row in both ways, and MiB, of one process."""
    env = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", CHILD.format(code=code)]
    done = subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="processes of each way")
    add_output_options(parser, "deployment")
    args = parser.parse_args()
    X = load_digits().data
    estimator = skae.AutoencoderTransformer(8, max_iter=30, random_state=0).fit(X)
    rows, records = X[:N_ROWS].astype(np.float32), []
    expected = estimator.transform(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, estimator, rows)
        for way, (needs, code) in WAYS.items():
            runs = [measured(folder, code) for _ in range(args.repeats)]
            start, one, many, memory = map(min, zip(*runs, strict=True))
            difference = np.abs(np.load(folder / "code.npy") - expected).max()
            records.append(
                {
                    "way": way,
                    "needs": needs,
                    "start": f"{start:.2f}",
                    "one": f"{1e6 * one:.0f}",
                    "many": f"{1e6 * many:.2f}",
                    "memory": f"{memory:.0f}",
                    "difference": f"{difference / np.abs(expected).max():.1e}",
                }
            )
            print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    notes = [*NOTES, f"onnxruntime {version('onnxruntime')}, skl2onnx {version('skl2onnx')}."]
    write_results(args.json, args.markdown, "Deployment", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
