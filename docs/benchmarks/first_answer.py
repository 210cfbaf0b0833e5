"""Time the first answer of a new process: a fit, one row, a search over sizes; and profile it.

Contestants take turns, each in a new process. Beside seconds on the clock there are those of the
processors, which other work on the machine disturbs less. skae before the change is taken from the
repository's history. Run it as

    python docs/benchmarks/first_answer.py [--parts cold row grid profile transform] [--rounds 5]

Keras on TensorFlow is left out if TensorFlow is not installed, or `--tensorflow FOLDER` does not
say where.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results

ROOT = Path(__file__).parents[2]

BEFORE = "dcd136f"
"""The last commit in which networks of skae's own were run by Keras."""

COLUMNS = {
    "what": "what",
    "contestant": "contestant",
    "seconds": "seconds, median",
    "spread": "lowest to highest",
    "cpu_seconds": "processor seconds, median",
    "ratio": "median ratio to skae",
    "cpu_ratio": "of processor seconds",
}

NOTES = [
    "The two cores were shared with many other jobs: seconds on the clock say little, and ratios "
    "of processor seconds are the ones to read.",
    "The search was not measured to the end. One round of `fit` was measured.",
    "Fit: a new process, imports, and 10 epochs of 64-32-64 on digits in batches of 32. Row: a new "
    "process loads the default network fitted to digits, and transforms one row. Search: a new "
    "process, GridSearchCV of 3 values of n_components and 3 of hidden_layer_sizes, 3 folds, 10 "
    "epochs each, without a last fit; the MLPRegressors have the same layers.",
    "A ratio is that of a contestant to skae as it is now in the same round, both without a cache; "
    "the median over the rounds.",
    "With cache: JAX's persistent cache, filled by a run before, and told to keep programs that "
    "compile in less than a second.",
    f"Before: commit {BEFORE}, in which Keras built and traced all networks.",
    "Profile: seconds of the parts of a first fit of the default network, 10 epochs, and the "
    "processor's. Trace, lower and compile are as JAX reports them, of all programs of the fit.",
    "Transform: rows of 784 numbers to 32 by one matrix. The limit is the time in which "
    "the rows are read from memory once, by the rate of a sum over them, and that of NumPy's "
    "product of the same shapes; it is the larger of both.",
]

START = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
"""

FIT = {
    "skae": """
from sklearn.datasets import load_digits
from skae import AutoencoderTransformer
AutoencoderTransformer(32, hidden_layer_sizes=(), init="random", batch_size=32, max_iter=10,
                       output_activation="identity").fit(load_digits().data / 16)
""",
    "MLPRegressor": """
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPRegressor
X = load_digits().data / 16
MLPRegressor(hidden_layer_sizes=(32,), batch_size=32, max_iter=10).fit(X, X)
""",
    "Keras on TensorFlow": """
import keras
from sklearn.datasets import load_digits
X = (load_digits().data / 16).astype("float32")
layers = [keras.layers.Input((64,)), keras.layers.Dense(32), keras.layers.Dense(64)]
model = keras.Sequential(layers)
model.compile("adam", "mse")
model.fit(X, X, batch_size=32, epochs=10, verbose=0)
assert keras.config.backend() == "tensorflow"
""",
}

ROW = """
import numpy as np, skae
skae.load({path!r}).transform(np.full((1, 64), 0.5))
"""

GRID = {
    "skae": """
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from skae import AutoencoderTransformer
grid = {"n_components": [4, 8, 16], "hidden_layer_sizes": [(), (32,), (64,)]}
GridSearchCV(AutoencoderTransformer(max_iter=10), grid, cv=3, refit=False).fit(load_digits().data)
""",
    "MLPRegressor": """
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
X = load_digits().data
grid = {"hidden_layer_sizes": [(*h, k, *h) for k in (4, 8, 16) for h in ((), (32,), (64,))]}
GridSearchCV(MLPRegressor(max_iter=10), grid, cv=3, refit=False).fit(X, X)
""",
}

PROFILE = """
laps, last = {}, [time.perf_counter(), time.process_time()]
def lap(name):
    now = time.perf_counter(), time.process_time()
    laps[name], last[:] = [b - a for a, b in zip(last, now)], now
import sklearn.base; lap("import sklearn.base")
import skae; lap("import skae")
import jax; jax.devices(); lap("import jax")
if %r:
    import keras; lap("import keras")
from sklearn.datasets import load_digits
X = load_digits().data
parts = {}
def listen(name, seconds, **_):
    name = name.rpartition("/")[2]
    parts[name] = parts.get(name, 0) + seconds
jax.monitoring.register_event_duration_secs_listener(listen)
lap("read digits")
estimator = skae.AutoencoderTransformer(8, max_iter=10, random_state=0).fit(X)
lap("first fit, whole")
laps["of it trace"] = [parts["jaxpr_trace_duration"]]
laps["of it lower"] = [parts["jaxpr_to_mlir_module_duration"]]
laps["of it compile"] = [parts["backend_compile_duration"]]
skae.AutoencoderTransformer(8, max_iter=10, random_state=0).fit(X); lap("second fit")
estimator.transform(X[:1]); lap("transform of one row")
print(json.dumps(laps))
"""


class Process:
    """A contestant: a program for a new process, and where it finds its packages.

    Parameters
    ----------
    name : str
    program : str
    folder : Path, default=ROOT
        Put first on the path: whose skae is imported.
    **environment : str
        Further variables of the environment.
    """

    def __init__(self, name, program, folder=ROOT, **environment):
        self.name, self.program = name, START + program
        self.environment = {"PYTHONPATH": str(folder), "KERAS_BACKEND": "jax", **environment}

    def run(self):
        """Seconds, processor seconds, and what was printed; None for all if it fails."""
        used, start = cpu_seconds_of_children(), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", self.program],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            cwd=tempfile.gettempdir(),
        )
        if done.returncode:
            print(f"{self.name} left out: {done.stderr.strip().splitlines()[-1]}")
            return None
        seconds = time.perf_counter() - start
        return seconds, cpu_seconds_of_children() - used, done.stdout


def cpu_seconds_of_children():
    """Processor seconds of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(what, processes, n_rounds):
    """Records of processes that take turns, the first of which the others are divided by."""
    rounds = []
    for number in range(-1, n_rounds):  # the first fills caches
        taken = [process.run() for process in processes]
        processes = [process for process, one in zip(processes, taken, strict=True) if one]
        if number >= 0:
            rounds.append([one[:2] for one in taken if one])
    seconds = np.array(rounds)  # rounds, contestants, kinds
    ratios = np.median(seconds / seconds[:, :1], axis=0)
    for number, process in enumerate(processes):
        own = seconds[:, number]
        yield {
            "what": what,
            "contestant": process.name,
            "seconds": float(np.median(own[:, 0])),
            "spread": f"{own[:, 0].min():.3g} to {own[:, 0].max():.3g}",
            "cpu_seconds": float(np.median(own[:, 1])),
            "ratio": float(ratios[number, 0]),
            "cpu_ratio": float(ratios[number, 1]),
        }


def versions_of(program, before, folder):
    """The program on skae now and before, each without and with a cache of programs."""

    def cache(name):
        return {
            "JAX_COMPILATION_CACHE_DIR": str(folder / name),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }

    return [
        Process("skae", program),
        Process("skae before", program, before),
        Process("skae, with cache", program, **cache("now")),
        Process("skae before, with cache", program, before, **cache("before")),
    ]


def cold(arguments, before, folder):
    """From the start of a process to a fitted estimator."""
    others = [Process("MLPRegressor", FIT["MLPRegressor"])]
    keras = Process(
        "Keras on TensorFlow",
        FIT["Keras on TensorFlow"],
        arguments.tensorflow or ROOT,
        KERAS_BACKEND="tensorflow",
        TF_CPP_MIN_LOG_LEVEL="3",
    )
    processes = [*versions_of(FIT["skae"], before, folder / "cold"), *others, keras]
    yield from measure("fit", processes, arguments.rounds)


def row(arguments, before, folder):
    """From the start of a process to the code of one row, by an estimator from a file."""
    path = str(folder / "fitted.skae")
    fit = "from sklearn.datasets import load_digits\nimport skae\n"
    fit += "fitted = skae.AutoencoderTransformer(8, max_iter=5).fit(load_digits().data)\n"
    Process("skae", f"{fit}skae.save(fitted, {path!r})").run()
    floors = [
        Process("import jax", "import jax"),
        Process("import sklearn.base", "import sklearn.base"),
        Process("import sklearn.base, jax", "import sklearn.base, jax"),
        Process("import keras", "import keras"),
    ]
    processes = [*versions_of(ROW.format(path=path), before, folder / "row"), *floors]
    yield from measure("row", processes, arguments.rounds)


def grid(arguments, before, folder):
    """A search over sizes in a new process."""
    others = [Process("MLPRegressor", GRID["MLPRegressor"])]
    processes = [*versions_of(GRID["skae"], before, folder / "grid"), *others]
    yield from measure("search", processes, arguments.rounds)


def profile(arguments, before, folder):
    """Where the time of a first fit goes."""
    for name, where, with_keras in (("skae", ROOT, False), ("skae before", before, True)):
        process = Process(name, PROFILE % with_keras, where)
        taken = [process.run() for _ in range(arguments.rounds)]
        laps = [json.loads(one[2]) for one in taken]
        for part in laps[0]:
            own = np.array([some[part] for some in laps])
            yield {
                "what": f"profile: {part}",
                "contestant": name,
                "seconds": float(np.median(own[:, 0])),
                "spread": f"{own[:, 0].min():.3g} to {own[:, 0].max():.3g}",
                "cpu_seconds": float(np.median(own[:, 1])) if own.shape[1] > 1 else None,
            }


def transform(arguments, before, folder):
    """The rate of `transform` of many rows against what memory and processor allow."""
    import jax  # noqa: F401  that its import is no part of the first call

    import skae

    X = np.random.default_rng(0).random((arguments.n_rows, 784), np.float32)
    options = {"hidden_layer_sizes": (), "init": "random", "output_activation": "identity"}
    fitted = skae.AutoencoderTransformer(32, max_iter=1, **options).fit(X[:4096])
    W = np.random.default_rng(1).random((784, 32), np.float32)
    works = {
        "skae": lambda: fitted.transform(X),
        "NumPy's product": lambda: X @ W,
        "a sum over the rows": X.sum,
    }
    seconds = {name: [] for name in works}
    for number in range(-1, arguments.rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    own = np.array(seconds["skae"])
    limit = np.maximum(*(seconds[name] for name in list(works)[1:]))
    for name, some in (*seconds.items(), ("the limit", limit)):
        yield {
            "what": f"transform, {arguments.n_rows:,} rows",
            "contestant": name,
            "seconds": float(np.median(some)),
            "spread": f"{min(some):.3g} to {max(some):.3g}",
            "ratio": float(np.median(some / own)),
        }


PARTS = {f.__name__: f for f in (cold, row, grid, profile, transform)}


def unpacked(commit, folder):
    """A folder with skae as it was in a commit."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "skae"], check=True, capture_output=True
    )
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def main():
    """Measure the parts asked for, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n-rows", type=int, default=1_000_000)
    parser.add_argument("--tensorflow", help="folder in which TensorFlow and Keras are installed")
    add_output_options(parser, "first_answer")
    arguments = parser.parse_args()
    records = []
    if arguments.json.exists():  # parts that are not measured now stay
        earlier = json.loads(arguments.json.read_text())["results"]
        records = [record for record in earlier if record["part"] not in arguments.parts]
    with tempfile.TemporaryDirectory() as folder:
        before = unpacked(BEFORE, Path(folder) / "before")
        for part in arguments.parts:
            for record in PARTS[part](arguments, before, Path(folder)):
                records.append({"part": part, **record})
                print(markdown_table([record], COLUMNS).splitlines()[-1], flush=True)
            records.sort(key=lambda record: list(PARTS).index(record["part"]))
            write_results(
                arguments.json, arguments.markdown, "The first answer", records, COLUMNS, NOTES
            )


if __name__ == "__main__":
    main()
