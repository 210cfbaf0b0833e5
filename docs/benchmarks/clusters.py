"""The same search serial, and on workers of loky, threads, Dask and Ray, with shared programs.

python docs/benchmarks/clusters.py
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import joblib
import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skae import AutoencoderTransformer
from skae._engine import program_info
from skae._engine.compile_cache import SWITCH

N_WORKERS = 2

ENGINES = {
    "serial": None,
    "loky": "joblib",
    "threading": "joblib",
    "dask": "distributed",
    "ray": "ray",
}
"""Each engine, and the package that it needs."""

FOLDERS = ("none", "empty at first", "filled")
"""Whether programs are shared in a folder, and what is in it when the search begins."""

GRID = {"n_components": [2, 8], "learning_rate_init": [1e-3, 3e-3, 1e-2]}

COLUMNS = {
    "engine": "workers",
    "folder": "folder of programs",
    "seconds": "seconds",
    "cpu_seconds": "CPU seconds",
    "compiled": "programs compiled, by worker",
    "loaded": "programs loaded, by worker",
    "equal": "results equal to the serial ones",
}

NOTES = [
    "GridSearchCV over AutoencoderTransformer(max_iter=20) on digits: two code sizes, three step "
    "sizes, 3 folds, and the refit: 19 fits of two networks. Each line is a process of its own, "
    f"with {N_WORKERS} new workers; its time is that of `search.fit`, so that workers import Keras "
    "and JAX in it, and starting the cluster of Dask and Ray is not in it.",
    "CPU seconds are those of the process that searches and of all that scored a fold, their start "
    "included. The machine has two cores, and was shared with much other work: seconds by the "
    "clock are rough.",
    "Ray runs its workers at a lower priority than the rest of the machine, so that its seconds by "
    "the clock depend on that rest even more.",
    "Compiled and loaded: by each process that scored a fold. The refit is made by the process "
    "that searches, which is among them only where it also is a worker.",
    "Equal: all columns of `cv_results_` but the times, and the codes after the refit, to the bit.",
]


class Scorer:
    """The estimator's score; also leaves a file that says what this process has compiled."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, estimator, X, y=None):
        """Minus the mean reconstruction error."""
        record = {**program_info(), "cpu_seconds": time.process_time()}
        part = Path(self.folder, f"{os.getpid()}-{time.monotonic_ns()}.part")
        part.write_text(json.dumps(record))
        part.replace(Path(self.folder, f"{os.getpid()}.json"))
        return estimator.score(X)


def start(engine, stack):
    """Start the workers of an engine, until the stack is closed."""
    if engine == "dask":
        from distributed import Client, LocalCluster

        options = {"threads_per_worker": 1, "dashboard_address": ":0"}
        cluster = stack.enter_context(LocalCluster(n_workers=N_WORKERS, **options))
        stack.enter_context(Client(cluster))
    elif engine == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(num_cpus=N_WORKERS, include_dashboard=False, log_to_driver=False)
        stack.callback(ray.shutdown)
        register_ray()
    if engine != "serial":
        stack.enter_context(joblib.parallel_config(engine, n_jobs=N_WORKERS))


def searched(engine, path):
    """The record of a search in this process, and its results, which are written to `path`."""
    warnings.simplefilter("ignore")
    X = load_digits().data
    autoencoder = AutoencoderTransformer(max_iter=20, random_state=0)
    n_jobs = None if engine == "serial" else N_WORKERS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        start(engine, stack)
        search = GridSearchCV(autoencoder, GRID, cv=3, n_jobs=n_jobs, scoring=Scorer(folder))
        began = time.perf_counter()
        search.fit(X)
        seconds = time.perf_counter() - began
        of_workers = {file.stem: json.loads(file.read_text()) for file in Path(folder).iterdir()}
    results = search.cv_results_
    scores = [results[f"split{split}_test_score"] for split in range(3)]
    np.savez(path, *scores, results["rank_test_score"], search.transform(X))
    others = [record for pid, record in of_workers.items() if pid != str(os.getpid())]
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time() + sum(record["cpu_seconds"] for record in others),
        **{
            what: ", ".join(str(record[what]) for record in of_workers.values())
            for what in ("compiled", "loaded")
        },
    }


def in_own_process(engine, path, folder):
    """The record of a search in a process of its own, which shares programs in `folder`."""
    command = [sys.executable, __file__, "--search", engine, str(path)]
    environment = {**os.environ, SWITCH: str(folder or "off"), "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def are_equal(path, expected):
    """Whether two files hold the same arrays, to the bit."""
    with np.load(path) as ours, np.load(expected) as theirs:
        return all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--search", nargs=2, help=argparse.SUPPRESS)
    add_output_options(parser, "clusters")
    args = parser.parse_args()
    if args.search:
        print(json.dumps(searched(*args.search)))
        return
    records = read_records(args.json, "name")  # of engines that are not asked for
    with tempfile.TemporaryDirectory() as scratch:
        serial = Path(scratch, "serial.npz")
        in_own_process("serial", serial, None)
        for engine, content in product(args.engines, FOLDERS):
            if ENGINES[engine] and find_spec(ENGINES[engine]) is None:
                print(f"{engine}: not installed")
                continue
            path, shared = Path(scratch, "results.npz"), Path(scratch, f"programs of {engine}")
            record = in_own_process(engine, path, None if content == "none" else shared)
            name = f"{engine}, {content}"
            about = {"name": name, "engine": engine, "folder": content}
            records[name] = {**about, **record, "equal": are_equal(path, serial)}
            print(markdown_table([records[name]], COLUMNS).splitlines()[-1], flush=True)
    rows = [records[f"{e}, {f}"] for e, f in product(ENGINES, FOLDERS) if f"{e}, {f}" in records]
    title = "Searches over workers"
    write_results(args.json, args.markdown, title, rows, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
