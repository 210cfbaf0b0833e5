"""Fitted estimators in other processes, however those were started."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from .subjects import NAMES, USES, bits, data, first_use, subject
from .tally import Tally

PROMISE = "the same bits, or a clear error within a second; in a fork the same to rounding"

HEAD = """
import pickle, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
pickles = [(name, (folder / name).read_bytes()) for name in sys.argv[3:]]
from reliability.processes import result_of
"""

WAYS = {
    "unpickled where Keras was never imported": """
for name, pickled in pickles:
    estimator = pickle.loads(pickled)
    repr(estimator), estimator.get_params()
    assert not {"keras", "jax"} & set(sys.modules), "unpickling imports a backend"
results = [result_of(pickled) for _, pickled in pickles]
""",
    "loky": """
from joblib import Parallel, delayed
results = Parallel(n_jobs=2)(delayed(result_of)(pickled) for _, pickled in pickles)
""",
    "threading": """
from joblib import Parallel, delayed
results = Parallel(n_jobs=4, backend="threading")(
    delayed(result_of)(pickled) for _, pickled in pickles
)
""",
    **{
        method: f"""
import multiprocessing
with multiprocessing.get_context({method!r}).Pool(2) as pool:
    results = pool.map(result_of, [pickled for _, pickled in pickles])
"""
        for method in ("spawn", "forkserver", "fork")
    },
    "fork after JAX has started": """
import multiprocessing, warnings
warnings.simplefilter("ignore")
result_of(pickles[0][1])
with multiprocessing.get_context("fork").Pool(1) as pool:
    results = []
    for _, pickled in pickles:
        start = time.perf_counter()
        results.append(pool.apply(result_of, (pickled,)))
        if isinstance(results[-1], RuntimeError) and time.perf_counter() - start > 1:
            results[-1] = "an error after more than a second"
""",
}
"""Programs that make `results`, a result for each of `pickles`."""

TAIL = """
(folder / "results").write_bytes(pickle.dumps(results))
"""

SECONDS = 600
"""Time after which a process counts as one that hangs."""


def result_of(pickled):
    """What an estimator gives for the rows, as bytes; or its error, if that is a RuntimeError."""
    try:
        return bits(pickle.loads(pickled), data()[0])
    except RuntimeError as error:
        return error


def campaign(ways=tuple(WAYS), names=tuple(NAMES), seed=0):
    """Fit every estimator here, and use it in other processes."""
    X, y = data()
    tally, wanted = Tally(), {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            estimator = subject(name).fit(X, y)
            wanted[name] = np.asarray(USES[first_use(estimator)](estimator, X))
            Path(folder, name).write_bytes(pickle.dumps(estimator))
        for way in ways:
            one_way(way, folder, wanted, tally)
    return tally


def one_way(way, folder, wanted, tally):
    """Use the pickles of a folder in one kind of process."""
    program = HEAD + WAYS[way] + TAIL
    above = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", program, folder, above, *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        tally.fault("a process that hangs", way)
        return
    if done.returncode:
        tally.fault(f"exit {done.returncode}", f"{way}: {done.stderr[-300:]}")
        return
    results = pickle.loads(Path(folder, "results").read_bytes())
    for (name, right), result in zip(wanted.items(), results, strict=True):
        if result == right.tobytes():
            tally.note("the same bits")
        elif isinstance(result, RuntimeError) and "fork" in str(result):
            tally.note("a clear error within a second")
        elif way.startswith("fork after") and close(result, right):
            tally.note("the same to rounding")
        else:
            tally.fault("another result", f"{way}, {name}: {result!r:.100}")


def close(result, right):
    """Whether bytes are those of the right array but for the rounding of single precision."""
    try:
        given = np.frombuffer(result, right.dtype).reshape(right.shape)
    except (TypeError, ValueError):
        return False
    return right.dtype.kind == "f" and np.allclose(given, right, rtol=1e-4, atol=1e-6)
