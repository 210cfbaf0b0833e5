"""Ctrl-C at random moments of the first fit, compilations, fits, `partial_fit` and `transform`."""

import subprocess
import sys

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
for number in range(int(sys.argv[2])):
    estimator = make(6 + number, (AutoencoderTransformer, VariationalAutoencoder)[number % 2])
    broken = interrupted(lambda: estimator.fit(X), compiling)
    counts["compile"] += broken
    assert estimator.__sklearn_is_fitted__() != broken
fitted = make().fit(X)
code = fitted.transform(X)
for _ in range(10):
    estimator = make().fit(X)
    estimator.set_params(max_iter=500, random_state=1)
    if interrupted(lambda: estimator.fit(X), 0.5):
        counts["fit"] += 1
        assert np.array_equal(estimator.transform(X), code), "another state"
    counts["transform"] += interrupted(lambda: [fitted.transform(X) for _ in range(200)], 0.1)
    assert np.array_equal(fitted.transform(X), code), "another code"
growing = make().partial_fit(X)
for _ in range(10):
    counts["partial_fit"] += interrupted(lambda: [growing.partial_fit(X) for _ in range(50)], 0.2)
    assert len(growing.loss_curve_) == growing.n_iter_
again = make().partial_fit(X)
for _ in range(growing.n_iter_ - 1):
    again.partial_fit(X)
assert np.array_equal(again.transform(X), growing.transform(X)), "not the bits of one undisturbed"
assert np.array_equal(make().fit(X).transform(X), code), "not the bits of a fresh fit"
print(counts)
'''


def campaign(n_children=20, n_compilations=12, seed=0):
    """Interrupt processes, each some dozens of times."""
    tally = Tally()
    for number in range(n_children):
        arguments = [sys.executable, "-X", "faulthandler", "-c", CHILD, str(seed + number)]
        try:
            done = subprocess.run(
                [*arguments, str(n_compilations)], capture_output=True, text=True, timeout=900
            )
        except subprocess.TimeoutExpired:
            tally.fault("a process that hangs", f"seed {seed + number}")
            continue
        if done.returncode:
            last = done.stderr.strip()[-300:]
            tally.fault(f"exit {done.returncode}", f"seed {seed + number}: {last}")
            continue
        for name, count in eval(done.stdout.strip().splitlines()[-1]).items():
            tally.outcomes[f"in {name}"] += count
    return tally
