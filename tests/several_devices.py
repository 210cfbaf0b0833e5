"""Fits on several devices, in processes of their own: a program that `test_devices.py` starts.

    python several_devices.py one FILE CASE...          on 1, 2 and 4 devices of one process
    python several_devices.py share FILE CASE... -- ADDRESS NUMBER N    as one process of N

A processor counts as several devices where XLA is told so before JAX is imported.
"""

import json
import os
import sys
import warnings

N_DEVICES = 4
BATCH = 32


def settings(n_devices):
    """Set what must be in place before JAX is imported."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={n_devices}"
    os.environ["XLA_FLAGS"] = flags
    os.environ["OMP_NUM_THREADS"] = "1"


def cases():
    """Estimators, data and arguments of `fit`, by name."""
    import numpy as np
    from sklearn.datasets import load_digits

    import skae
    from skae import architectures, corruption

    X = load_digits().data[:203] / 16
    plain = skae.AutoencoderTransformer
    hole = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    conv = architectures.Conv((8, 8), (4,), 3)
    normalised = architectures.Dense((16,), normalization="batch", dropout=0.2)

    def fit(cls=plain, X=X, arguments=None, **params):
        own = {"hidden_layer_sizes": (16,), "batch_size": BATCH, "max_iter": 5, "random_state": 0}
        return cls(4, **{**own, **params}), X, arguments or {}

    def averaging():
        import keras

        rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
        return keras.optimizers.SGD(rate, momentum=0.9, use_ema=True, ema_overwrite_frequency=None)

    return {
        "plain": lambda: fit(max_iter=20),
        "batches of 30": lambda: fit(batch_size=30),
        "one batch": lambda: fit(X=X[:23], batch_size="auto"),
        "one row": lambda: fit(X=X[:11], batch_size=1),
        "masking": lambda: fit(skae.DenoisingAutoencoder, corruption=corruption.MaskingNoise()),
        "masking, 30": lambda: fit(
            skae.DenoisingAutoencoder, corruption=corruption.MaskingNoise(), batch_size=30
        ),
        "swap": lambda: fit(skae.DenoisingAutoencoder, corruption=corruption.SwapNoise()),
        "pairs": lambda: fit(skae.DenoisingAutoencoder, X + 0.1, {"X_clean": X}),
        "sparse": lambda: fit(skae.SparseAutoencoder, sparsity="kl", batch_size=30),
        "contractive": lambda: fit(skae.ContractiveAutoencoder, batch_size=30),
        "variational": lambda: fit(skae.VariationalAutoencoder, X[:, 10:30], batch_size=30),
        "bernoulli": lambda: fit(skae.VariationalAutoencoder, likelihood="bernoulli"),
        "convolution": lambda: fit(architecture=conv),
        "normalised": lambda: fit(X=X[:192], architecture=normalised),
        "missing": lambda: fit(X=hole, missing="mask"),
        "weights": lambda: fit(
            arguments={"sample_weight": np.linspace(0, 3, len(X)), "X_val": X[:40]}
        ),
        "best epoch": lambda: fit(early_stopping=True, max_iter=12, learning_rate_init=0.05),
        "layers": lambda: fit(
            architecture=architectures.Dense((16, 8)), pretraining="layerwise"
        ),
        "averages": lambda: fit(solver=averaging()),
        "in order": lambda: fit(shuffle=False),
    }


def fitted(name, **params):
    """What a fit gives: curves, and the codes of some rows."""
    estimator, X, arguments = cases()[name]()
    estimator.set_params(**params).fit(X, **arguments)
    return described(estimator, X)


def described(estimator, X):
    return {**estimator.history_, "code": estimator.transform(X[:5]).tolist()}


def one(path, names):
    """Each case on 1, 2 and 4 devices."""
    settings(N_DEVICES)
    results = {name: {n: fitted(name, devices=n) for n in (None, 2, 4)} for name in names}
    write(path, results)


def write(path, results):
    with open(path, "w") as file:
        json.dump(results, file)


# Several processes


def joined(address, number, n_processes):
    """Let this process be one of several."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, n_processes, number, heartbeat_timeout_seconds=10)


def shares(X, n_processes):
    """The rows of each process, so that batches are those of X in order.

    Of each batch, every process has as many consecutive rows.
    """
    own = BATCH // n_processes
    return [
        [row for start in range(0, len(X), BATCH) for row in range(len(X))[start + p * own :][:own]]
        for p in range(n_processes)
    ]


def of_share(arguments, number, n_processes):
    """What a process gets of the arguments of `fit`, all of which have rows."""
    return {
        name: value[shares(value, n_processes)[number]] for name, value in arguments.items()
    }


def share(path, names, place):
    """Each case as one of several processes."""
    address, number, n_processes = place[0], int(place[1]), int(place[2])
    settings(N_DEVICES // n_processes)
    joined(address, number, n_processes)
    results = {}
    for name in names:
        estimator, X, arguments = cases()[name]()
        rows = shares(X, n_processes)[number]
        estimator.set_params(devices="all", shuffle=False)
        estimator.fit(X[rows], **of_share(arguments, number, n_processes))
        results[name] = described(estimator, X)
        write(f"{path}.{number}", results)


if __name__ == "__main__":
    kind, path, *names = sys.argv[1:]
    warnings.simplefilter("ignore")
    if kind == "one":
        one(path, names)
    else:
        end = names.index("--")
        share(path, names[:end], names[end + 1 :])
