"""Fits on several devices and in several processes: a program that `test_devices.py` starts.

    python several_devices.py one FILE CASE...               on 1, 2 and 4 devices of one process
    python several_devices.py ordered FILE CASE...           on 4 devices, without shuffling
    python several_devices.py share FILE CASE... -- ADDRESS NUMBER N    as one process of N
    python several_devices.py killed FOLDER EPOCH -- ADDRESS NUMBER N   with a checkpoint till then

A processor counts as several devices where XLA is told so before JAX is imported.
"""

import json
import os
import signal
import sys
import warnings
from itertools import count
from unittest.mock import patch

N_DEVICES = 4
BATCH = 32
N_EPOCHS = 20
"""Epochs of the fit that may be killed."""


def settings(n_devices):
    """Set what must be in place before JAX is imported."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={n_devices}"
    os.environ["XLA_FLAGS"] = flags
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")


OTHER_BATCHES = {"batches of 30", "one batch", "single rows", "masking, 30", "sparse"}
"""Cases whose batches are of another size than `BATCH`."""


def cases():
    """Estimators, data and arguments of `fit`, by name."""
    import numpy as np
    from sklearn.datasets import load_digits

    from skae import (
        AutoencoderTransformer,
        ContractiveAutoencoder,
        DenoisingAutoencoder,
        SparseAutoencoder,
        VariationalAutoencoder,
    )
    from skae._engine import load_keras
    from skae.architectures import Conv, Dense
    from skae.corruption import MaskingNoise, SwapNoise

    X = load_digits().data[:203] / 16
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    normalised = Dense((16,), normalization="batch", dropout=0.2)

    def fit(cls=AutoencoderTransformer, X=X, arguments=None, **params):
        own = {"hidden_layer_sizes": (16,), "batch_size": BATCH, "max_iter": 5, "random_state": 0}
        return cls(4, **{**own, **params}), X, arguments or {}

    def averaging():
        keras = load_keras()
        rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
        return keras.optimizers.SGD(rate, momentum=0.9, use_ema=True, ema_overwrite_frequency=None)

    return {
        "plain": lambda: fit(max_iter=N_EPOCHS),
        "batches of 30": lambda: fit(batch_size=30),
        "one batch": lambda: fit(X=X[:23], batch_size="auto"),
        "single rows": lambda: fit(X=X[:11], batch_size=1),
        "masking": lambda: fit(
            DenoisingAutoencoder, corruption=MaskingNoise(), corruption_level=(0.1, 0.4)
        ),
        "masking, 30": lambda: fit(DenoisingAutoencoder, corruption=MaskingNoise(), batch_size=30),
        "swap": lambda: fit(DenoisingAutoencoder, X[:192], corruption=SwapNoise()),
        "pairs": lambda: fit(DenoisingAutoencoder, X + 0.1, {"X_clean": X}),
        "sparse": lambda: fit(SparseAutoencoder, sparsity="kl", batch_size=30),
        "contractive": lambda: fit(ContractiveAutoencoder),
        "variational": lambda: fit(VariationalAutoencoder, X[:, 10:30], noise_variance=0.01),
        "bernoulli": lambda: fit(VariationalAutoencoder, likelihood="bernoulli"),
        "convolution": lambda: fit(architecture=Conv((8, 8), (4,), 3)),
        "normalised": lambda: fit(X=X[:192], architecture=normalised),
        "missing": lambda: fit(X=holes, missing="mask"),
        "weights": lambda: fit(
            arguments={"sample_weight": np.linspace(0, 3, len(X)), "X_val": X[:40]}
        ),
        "best epoch": lambda: fit(early_stopping=True, max_iter=12, learning_rate_init=0.05),
        "layers": lambda: fit(architecture=Dense((16, 8)), pretraining="layerwise"),
        "averages": lambda: fit(solver=averaging()),
        "resident": lambda: fit(arguments={"X_val": X[:40]}),
        "stream": lambda: fit(),
        "going on": lambda: fit(warm_start=True, max_iter=3),
        "in parts": lambda: fit(),
    }


def train(name, estimator, X, arguments):
    """Fit the estimator of a case in its way."""
    import jax
    import numpy as np

    from skae import Stream
    from skae._data import sources, streamed
    from skae._engine import batches

    if name == "resident":  # as on an accelerator, which keeps the data
        with patch.object(jax, "default_backend", lambda: "gpu"):
            estimator.fit(X, **arguments)
    elif name == "stream":
        with (
            patch.object(sources, "HELD_BYTES", 10_000),
            patch.object(streamed, "BLOCK_ROWS", 50),
            patch.multiple(batches, BLOCK_BYTES=4 * 64 * 40, WINDOW_BYTES=4 * 4 * 64 * 90),
        ):
            estimator.fit(Stream(lambda: iter(np.array_split(X, 5))))
    elif name == "in parts":
        for part in np.array_split(X, 3):
            estimator.partial_fit(part)
    else:
        for _ in range(1 + estimator.warm_start):
            estimator.fit(X, **arguments)


def described(estimator):
    """What a fit gave: its curves, and the codes of some rows."""
    X = cases()["plain"]()[1][:5, -estimator.n_features_in_ :]
    return {**estimator.history_, "code": estimator.transform(X).tolist()}


def write(path, results):
    with open(path, "w") as file:
        json.dump(results, file)


def one(path, names):
    """Each case on 1, 2 and 4 devices."""
    on_one(path, names, {"1": {}, "2": {"devices": 2}, "4": {"devices": 4}})


def ordered(path, names):
    """Each case on all devices, with the rows in order."""
    on_one(path, names, {"all": {"devices": "all", "shuffle": False}})


def on_one(path, names, runs):
    settings(N_DEVICES)
    results = {name: {} for name in names}
    for name in names:
        for label, params in runs.items():
            estimator, X, arguments = cases()[name]()
            train(name, estimator.set_params(**params), X, arguments)
            results[name][label] = described(estimator)
    write(path, results)


# Several processes


def joined(address, number, n_processes):
    """Let this process be one of several."""
    settings(N_DEVICES // int(n_processes))
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, int(n_processes), int(number), heartbeat_timeout_seconds=10)
    return int(number), int(n_processes)


def of_share(rows, number, n_processes):
    """The rows of one process, so that batches are those of all rows in order.

    Of each batch, every process has as many consecutive rows.
    """
    own = BATCH // n_processes
    numbers = range(len(rows))
    starts = range(number * own, len(rows), BATCH)
    return rows[[row for start in starts for row in numbers[start : start + own]]]


def share(path, names, place):
    """Each case as one of several processes."""
    place = joined(*place)
    results = {}
    for name in names:
        estimator, X, arguments = cases()[name]()
        estimator.set_params(devices="all", shuffle=False)
        arguments = {name: of_share(rows, *place) for name, rows in arguments.items()}
        train(name, estimator, of_share(X, *place), arguments)
        results[name] = described(estimator)
    write(f"{path}.{place[0]}", results)


def killed(folder, last_epoch, place):
    """A fit with a checkpoint, in which the second process is killed after an epoch."""
    number, n_processes = joined(*place)
    from skae import Checkpoint
    from skae.callbacks import EpochObserver

    class Killer(EpochObserver):
        def on_epoch_end(self, fit, logs):
            if number == 1 and logs["epoch"] == last_epoch:
                os.kill(os.getpid(), signal.SIGKILL)

    estimator, X, _ = cases()["plain"]()
    checkpoint = Checkpoint(os.path.join(folder, "fit"), every=0)
    estimator.set_params(devices="all", checkpoint=checkpoint).set_callbacks(Killer())
    estimator.fit(of_share(X, number, n_processes))
    write(os.path.join(folder, f"result.{number}"), described(estimator))


# Errors


def refused(path, place):
    """Messages of what one process does wrong, or all; each must end in all of them."""
    number, n_processes = joined(*place)
    import numpy as np
    import pandas as pd

    import skae
    from skae._data import sources

    X = of_share(cases()["plain"]()[1], number, n_processes)
    second = number == 1
    plain, imputer = skae.AutoencoderTransformer, skae.AutoencoderImputer
    swap = skae.DenoisingAutoencoder(corruption="swap", devices="all", batch_size=32)
    bad = X.copy()
    bad[3, 3] = np.nan if second else 0.0
    calls = count()

    def read():
        if second and next(calls) > 3:  # the last passes are epochs
            raise OSError("the disk is gone")
        return iter(np.array_split(X, 5))

    lost = skae.Stream(read)
    table = pd.DataFrame({"a": X[:, 20], "b": pd.Categorical(np.arange(len(X)) % 3)})
    wrong = {
        "a number": (plain(devices=2), X),
        "bad rows": (plain(devices="all"), bad),
        "bad blocks": (plain(devices="all", batch_size=32), lost),
        "other parameters": (plain(1 + number, devices="all"), X),
        "other width": (plain(devices="all"), X[:, second:]),
        "table": (plain(devices="all"), table),
        "trimming": (plain(devices="all", trim_fraction=0.1), X),
        "uneven": (swap, X[: 40 if second else None]),
        "imputer": (imputer(skae.DenoisingAutoencoder(devices="all")), X),
    }
    results = {}
    for name, (estimator, rows) in wrong.items():
        held = 10_000 if name == "bad blocks" else sources.HELD_BYTES
        try:
            with patch.object(sources, "HELD_BYTES", held):
                estimator.fit(rows)
        except (OSError, RuntimeError, ValueError) as error:
            results[name] = f"{type(error).__name__}: {error}"
        assert not hasattr(estimator, "n_iter_"), name
    write(f"{path}.{number}", results)


def interrupted(path, place):
    """A fit in which the second process gets a Ctrl-C: both keep what was trained."""
    number, n_processes = joined(*place)
    from skae.callbacks import EpochObserver

    class Interrupter(EpochObserver):
        def on_epoch_end(self, fit, logs):
            if number == 1 and logs["epoch"] == 3:
                os.kill(os.getpid(), signal.SIGINT)

    estimator, X, _ = cases()["plain"]()
    estimator.set_params(devices="all").set_callbacks(Interrupter())
    estimator.fit(of_share(X, number, n_processes))
    write(f"{path}.{number}", {**described(estimator), "reason": estimator.stop_reason_})


def main():
    kind, path, *rest = sys.argv[1:]
    end = rest.index("--") if "--" in rest else len(rest)
    names, place = rest[:end], rest[end + 1 :]
    if kind in ("one", "ordered"):
        {"one": one, "ordered": ordered}[kind](path, names)
    elif kind == "share":
        share(path, names, place)
    elif kind == "killed":
        killed(path, int(names[0]), place)
    else:
        {"refused": refused, "interrupted": interrupted}[kind](path, place)


if __name__ == "__main__":
    main()
