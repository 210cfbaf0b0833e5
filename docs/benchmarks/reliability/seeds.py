"""One seed in processes that differ in all that must not matter."""

import os
import subprocess
import sys

from .tally import Tally

PROMISE = "one hash for one seed, whatever the threads, processors, hash seeds and import orders"

CHILD = """
import hashlib, os, sys
{before}
sys.path.insert(0, {folder!r})
import warnings
warnings.simplefilter("ignore")
from reliability.subjects import NAMES, bits, data, subject
X, y = data()
print(hashlib.sha256(b"".join(bits(subject(name).fit(X, y), X) for name in NAMES)).hexdigest())
"""

WAYS = {
    "plain": ("", {}),
    "one thread": ("", {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
    "four threads": ("", {"OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "1"}),
    "one processor": (
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", {"PYTHONHASHSEED": "2"}
    ),
    "jax first": ("import jax, pandas", {}),
    "keras first": ("import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras", {}),
}  # fmt: skip


def campaign(n_ways=len(WAYS), seed=0):  # noqa: B008
    """Fit every estimator in each way, in a process of its own."""
    tally, hashes = Tally(), {}
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name, (before, environment) in list(WAYS.items())[:n_ways]:
        program = CHILD.format(before=before, folder=folder)
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment}, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            tally.fault("no result", f"{name}: {done.stderr[-300:]}")
            continue
        hashes[name] = done.stdout.split()[-1]
        if hashes[name] == next(iter(hashes.values())):
            tally.note("the same hash")
        else:
            tally.fault("another hash", name)
    return tally
