"""Ctrl-C at random moments of the first fit, compilations, fits, `partial_fit` and `transform`."""

import ast
import os
import subprocess
import sys

from joblib import Parallel, delayed

from .tally import Tally

PROMISE = (
    "the state that was promised; the process goes on; the next fit gives the bits of a fresh one"
)

CHILD = '''
import random, signal, sys, time, warnings
import numpy as np
from skae import AutoencoderTransformer, VariationalAutoencoder

warnings.simplefilter("ignore")
random.seed(int(sys.argv[1]))
X = np.random.default_rng(0).uniform(size=(400, 16))


def raising(number, frame):
    raise KeyboardInterrupt


signal.signal(signal.SIGALRM, raising)


def make(width=5, cls=AutoencoderTransformer):
    return cls(2, hidden_layer_sizes=(width,), max_iter=2, random_state=0)


def interrupted(call, longest):
    """Whether an interrupt broke the call off."""
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, longest))
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
        return False
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


counts = dict.fromkeys(["import", "compile", "fit", "transform", "partial_fit"], 0)
fitted = make()
counts["import"] += interrupted(lambda: fitted.fit(X), 2.0)
start = time.perf_counter()
make(4).fit(X)
compiling = time.perf_counter() - start
n_compilations, n_calls = map(int, sys.argv[2:4])
for number in range(n_compilations):
    estimator = make(6 + number, (AutoencoderTransformer, VariationalAutoencoder)[number % 2])
    broken = interrupted(lambda: estimator.fit(X), compiling)
    counts["compile"] += broken
    assert estimator.__sklearn_is_fitted__() != broken
fitted = make().fit(X)
code = fitted.transform(X)
for _ in range(n_calls):
    estimator = make().fit(X)
    estimator.set_params(max_iter=500, random_state=1)
    if interrupted(lambda: estimator.fit(X), 0.5):
        counts["fit"] += 1
        assert np.array_equal(estimator.transform(X), code), "another state"
    counts["transform"] += interrupted(lambda: [fitted.transform(X) for _ in range(200)], 0.1)
    assert np.array_equal(fitted.transform(X), code), "another code"
growing = make().partial_fit(X)
for _ in range(n_calls):
    counts["partial_fit"] += interrupted(lambda: [growing.partial_fit(X) for _ in range(50)], 0.2)
    assert len(growing.loss_curve_) == growing.n_iter_
again = make().partial_fit(X)
for _ in range(growing.n_iter_ - 1):
    again.partial_fit(X)
assert np.array_equal(again.transform(X), growing.transform(X)), "not the bits of one undisturbed"
assert np.array_equal(make().fit(X).transform(X), code), "not the bits of a fresh fit"
print(counts)
'''


def campaign(n_children=20, n_compilations=2, n_calls=2, seed=0):
    """Interrupt processes, each a few times, as many at once as there are processors."""
    tally, counts = Tally(), (str(n_compilations), str(n_calls))
    numbers = range(seed, seed + n_children)
    outcomes = Parallel(len(os.sched_getaffinity(0)), prefer="threads")(
        delayed(outcome)(number, *counts) for number in numbers
    )
    for number, (fault, detail, interrupts) in zip(numbers, outcomes, strict=True):
        if fault is not None:
            tally.fault(fault, f"seed {number}: {detail}")
        for name, count in interrupts.items():
            tally.outcomes[f"in {name}"] += count
    return tally


def outcome(number, *counts):
    """Fault of a process and its last words, or None, and how often each call was interrupted."""
    arguments = [sys.executable, "-X", "faulthandler", "-c", CHILD, str(number), *counts]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "a process that hangs", "", {}
    if done.returncode:
        return f"exit {done.returncode}", done.stderr.strip()[-300:], {}
    return None, "", ast.literal_eval(done.stdout.strip().splitlines()[-1])
