"""Memory and time of fits on data that are larger than memory.

python docs/benchmarks/out_of_core.py --sizes 2 6 20
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results

from skae import AutoencoderTransformer, Stream

N_FEATURES, ROWS_OF_BLOCK = 512, 8192

COLUMNS = {
    "storage": "rows come from",
    "gigabytes": "size, GB",
    "rows": "rows",
    "memory": "memory beyond the libraries, MiB",
    "cpu_seconds": "CPU seconds of a fit of one epoch",
    "rate": "CPU seconds a GB",
    "error": "error over PCA's",
}

NOTES = [
    f"Float32, {N_FEATURES} features: 16 factors and noise. AutoencoderTransformer(16, "
    "hidden_layer_sizes=(32,), max_iter=1, early_stopping=True), each in a process of its own.",
    "Memory is the peak of anonymous memory (RssAnon), sampled every 20 ms, over what a process "
    "takes that has imported the libraries and fitted the same network to 8,192 rows. Pages of a "
    "memory-mapped file are not counted: the system takes them back when it needs them.",
    "A fit reads the rows twice: for the statistics, and in the epoch. The time is that of the "
    "processor, as the machine was shared, with making the blocks of the stream, twice, and "
    "compiling; the JSON file also has the time by the clock.",
]


def blocks(n_rows):
    """Blocks of rows that share factors and differ in their offset."""
    generator = np.random.default_rng(0)
    loadings = generator.normal(size=(16, N_FEATURES))
    base = generator.normal(size=(ROWS_OF_BLOCK, 16)) @ loadings
    base = (base + 0.5 * generator.normal(size=base.shape)).astype(np.float32)
    directions = loadings.astype(np.float32)
    for number in range(n_rows // ROWS_OF_BLOCK):
        yield np.roll(base, number, axis=0) + np.float32(np.sin(number)) * directions[number % 16]


def anonymous_memory():
    """Bytes of the process's memory that no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise OSError("no RssAnon in /proc/self/status")


class Peak:
    """The most anonymous memory of the process, sampled while the context is open."""

    def __enter__(self):
        self.bytes, self._open = anonymous_memory(), True
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def _sample(self):
        while self._open:
            self.bytes = max(self.bytes, anonymous_memory())
            time.sleep(0.02)

    def __exit__(self, *error):
        self._open = False
        self._thread.join()


def data_of(storage, n_rows, path):
    """What is fitted."""
    if storage == "stream":
        return Stream(lambda: blocks(n_rows))
    return np.load(path, mmap_mode="r")


def measured(storage, n_rows, path):
    """The record of one fit, in this process."""
    warnings.simplefilter("ignore")
    estimator = AutoencoderTransformer(
        16, hidden_layer_sizes=(32,), max_iter=1, early_stopping=True, random_state=0
    )
    estimator.fit(next(blocks(ROWS_OF_BLOCK)))
    libraries = anonymous_memory()
    with Peak() as peak:
        start, cpu_start = time.perf_counter(), time.process_time()
        estimator.fit(data_of(storage, n_rows, path))
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    sample = next(blocks(ROWS_OF_BLOCK))
    gigabytes = 4 * n_rows * N_FEATURES / 1e9
    return {
        "name": f"{storage}, {n_rows} rows",
        "storage": storage,
        "gigabytes": gigabytes,
        "rows": n_rows,
        "memory": (peak.bytes - libraries) / 2**20,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "rate": cpu_seconds / gigabytes,
        "error": estimator.history_["loss"][-1] / estimator.pca_error_,
        "score": estimator.score(sample),
    }


def in_own_process(storage, n_rows, path):
    """The record of one fit, in a process of its own."""
    command = [sys.executable, __file__, "--measure", storage, str(n_rows), str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def write_file(n_rows, path):
    """Write the rows, block by block."""
    array = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, N_FEATURES))
    for number, block in enumerate(blocks(n_rows)):
        array[number * ROWS_OF_BLOCK : (number + 1) * ROWS_OF_BLOCK] = block


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[2, 6, 20], metavar="GB")
    parser.add_argument("--storages", nargs="+", default=["stream", "memory map"])
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    add_output_options(parser, "out_of_core")
    args = parser.parse_args()
    if args.measure:
        storage, n_rows, path = args.measure
        print(json.dumps(measured(storage, int(n_rows), path)))
        return
    records = read_records(args.json, "name")  # of storages and sizes that are not asked for
    for size, storage in product(args.sizes, args.storages):
        n_rows = round(size * 1e9 / (4 * N_FEATURES * ROWS_OF_BLOCK)) * ROWS_OF_BLOCK
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "X.npy")
            if storage == "memory map":
                write_file(n_rows, path)
            record = in_own_process(storage, n_rows, path)
        records[record["name"]] = record
        print(markdown_table([record], COLUMNS).splitlines()[-1], flush=True)
        rows = sorted(records.values(), key=lambda record: (record["storage"], record["rows"]))
        write_results(args.json, args.markdown, "Larger than memory", rows, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
