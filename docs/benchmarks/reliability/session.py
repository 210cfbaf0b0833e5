"""The state of the process before and after each public method."""

import os
import random
import signal
import threading
import warnings

import numpy as np

from skae._engine import load_keras

from .subjects import NAMES, USES, data, subject, uses
from .tally import Tally

PROMISE = "identical before and after: random states, environment, configurations, filters, threads"


def state():
    """What a library must leave alone, by name."""
    import jax

    keras = load_keras()  # on skae's backend: a fit does not import it
    return {
        "random": random.getstate(),
        "numpy.random": str(np.random.get_state()),  # noqa: NPY002
        "environment": dict(os.environ),
        "warnings": [str(one) for one in warnings.filters],
        "numpy errors": np.geterr(),
        "signals": {number: str(signal.getsignal(number)) for number in signal.valid_signals()},
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "folder": os.getcwd(),
        "keras": (keras.config.floatx(), keras.config.epsilon(), keras.config.backend(),
                  keras.config.image_data_format(), keras.config.dtype_policy().name),
        "jax": {name: str(value) for name, value in jax.config.values.items()},
    }  # fmt: skip


def campaign(seed=0):
    """Compare the state around every method of every estimator."""
    X, y = data()
    tally = Tally()
    subject(NAMES[0]).fit(X, y)  # which imports JAX
    for name in NAMES:
        estimator = subject(name)
        compare(f"{name}.fit", lambda estimator=estimator: estimator.fit(X, y), tally)
        if hasattr(estimator, "partial_fit") and hasattr(estimator, "reconstruct"):
            again = subject(name)
            compare(f"{name}.partial_fit", lambda again=again: again.partial_fit(X), tally)
        for use in uses(estimator):
            call = USES[use]
            compare(f"{name}.{use}", lambda call=call, e=estimator: call(e, X), tally)
    return tally


def compare(case, call, tally):
    """Note whether a call leaves the state as it was."""
    before = state()
    call()
    after = state()
    changed = [key for key, value in before.items() if after[key] != value]
    if changed:
        tally.fault("changed", f"{case}: {', '.join(changed)}")
    else:
        tally.note("identical")
