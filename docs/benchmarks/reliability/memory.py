"""Limits of the memory that a process may have, during fits and transforms."""

import subprocess
import sys

from .tally import Tally

PROMISE = "MemoryError or a clear error; the earlier state kept; the next fit gives its bits"

CHILD = """
import faulthandler, os, random, resource, sys, warnings
import numpy as np
from skae import AutoencoderClassifier, AutoencoderTransformer, VariationalAutoencoder
from skae._engine import clear_programs
from skae.architectures import Conv

warnings.simplefilter("ignore")
case, random_state, n_limits, seconds = sys.argv[1], *map(int, sys.argv[2:5])
generator, chance = np.random.default_rng(0), random.Random(random_state)
few, many = (generator.uniform(size=(n_rows, 100)).astype(np.float32) for n_rows in (200, 60_000))
small = {"n_components": 2, "hidden_layer_sizes": (6,), "max_iter": 2, "random_state": 0}
WIDE = {"hidden_layer_sizes": (3000, 3000), "max_iter": 1}
CASES = {
    "fit": (AutoencoderTransformer, lambda e: e.set_params(max_iter=3).fit(few)),
    "rows": (AutoencoderTransformer, lambda e: e.fit(many)),
    "width": (AutoencoderTransformer, lambda e: e.set_params(**WIDE).fit(few)),
    "variational": (VariationalAutoencoder, lambda e: e.set_params(max_iter=3).fit(many[:9000])),
    "convolution": (
        AutoencoderTransformer,
        lambda e: e.set_params(architecture=Conv((10, 10), (32,))).fit(many[:300]),
    ),
    "partial_fit": (AutoencoderTransformer, lambda e: e.partial_fit(many)),
    "transform": (AutoencoderTransformer, lambda e: e.transform(np.resize(many, (250_000, 100)))),
}


def limited_to(n_bytes):
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))


def in_use():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def bits(estimator):
    return estimator.transform(few).tobytes()


cls, call = CASES[case]
fresh = bits(cls(**small).fit(few))
for number in range(n_limits):
    clear_programs()
    estimator = cls(**small).fit(few)
    before = dict(vars(estimator))
    beyond = int(2 ** chance.uniform(20, 30)) if number else 0
    print(f"at {beyond / 2**20:.1f} MB:", end=" ", flush=True)
    faulthandler.dump_traceback_later(seconds, exit=True)
    limited_to(in_use() + beyond)
    try:
        call(estimator)
        outcome = "done"
    except MemoryError:
        outcome = "MemoryError"
    except Exception as error:
        outcome = f"{type(error).__name__} {error}"[:200]
    finally:
        limited_to(resource.RLIM_INFINITY)
        faulthandler.cancel_dump_traceback_later()
    kept = all(vars(estimator)[name] is value for name, value in before.items() if name[-1] == "_")
    if outcome != "done" and not (kept and bits(estimator) == fresh):
        outcome = f"another state after {outcome}"
    if bits(cls(**small).fit(few)) != fresh:
        outcome = f"other bits of a fit after {outcome}"
    print(outcome.replace("\\n", " "), flush=True)
"""

CASES = ("fit", "rows", "width", "variational", "convolution", "partial_fit", "transform")

SECONDS = 240
"""Time after which a call counts as one that hangs."""


def campaign(n_limits=40, cases=CASES, seed=0):
    """Give calls a random limit between nothing and 1 GiB beyond what the process has."""
    tally = Tally()
    for number, case in enumerate(cases):
        arguments = map(str, (case, seed + number, n_limits, SECONDS))
        command = [sys.executable, "-X", "faulthandler", "-c", CHILD, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        outcomes = done.stdout.splitlines()
        if done.returncode:
            judge(f"{case} {outcomes.pop() if outcomes else ''}", f"exit {done.returncode}: "
                  f"{done.stderr[:600]}", tally)  # fmt: skip
        for outcome in outcomes:
            judge(f"{case} {outcome.partition(': ')[0]}", outcome.partition(": ")[2], tally)
    return tally


def judge(case, outcome, tally):
    """Note an outcome: a result, a lack of memory in words, or a fault."""
    if outcome in ("done", "MemoryError") or "RESOURCE_EXHAUSTED" in outcome:
        tally.note(outcome if len(outcome) < 20 else "JAX: RESOURCE_EXHAUSTED")
    else:
        tally.fault("neither a result nor a MemoryError", f"{case}: {outcome}")
