"""Part ``serving``: latency and memory of encoding."""

import numpy as np

from peers.contenders import KERAS_JAX, KERAS_TENSORFLOW, PCA, SKAE
from peers.harness import Case
from peers.instruments import PeakMemory, call_times
from peers.job import Job

TITLE = "Serving"

NOTE = (
    "Encoding of rows of 784 numbers in single precision to 32. A repetition calls up to 2,000 "
    "times or for 1 second, at least three times; its median and 99th percentile are given. "
    "Memory is the peak during one further call beyond input and output. Keras's `predict` has "
    "batches of 1,024 rows rather than its 32."
)

FIT_ROWS = 2048


def cases(settings):
    """One case for each number of rows."""
    methods = [
        contender.variant(method, arguments={"method": method})
        for contender in (KERAS_JAX, KERAS_TENSORFLOW)
        for method in ("predict", "predict_on_batch")
    ]
    job = Job(784, batch_size=256, n_epochs=1)
    for n_rows in (1, 100, 1000) if settings.quick else (1, 100, 10_000, 1_000_000):
        yield Case(
            f"{n_rows:,} row{'s' if n_rows > 1 else ''}",
            time_encoding,
            (SKAE, *methods, PCA),
            job,
            settings.files.random(max(n_rows, FIT_ROWS), job.n_features)
            | {"n_rows": n_rows, "max_seconds": 0.5 if settings.quick else 1.0},
            operations=job.encoding_operations(n_rows),
        )


def time_encoding(contender, job, train, n_rows, max_seconds, **options):
    """Median and late latency of encoding, and its memory."""
    module = contender.load_all()
    X = np.load(train)
    encode = module.encoder(X[:FIT_ROWS].copy(), job, **options)
    X = X[:n_rows]
    output = encode(X)
    with PeakMemory() as memory:
        encode(X)
    seconds = call_times(encode, X, max_calls=2000, max_seconds=max_seconds)
    return {
        "seconds": float(np.median(seconds)),
        "late_seconds": float(np.percentile(seconds, 99)),
        "mb": memory.mb - output.nbytes / 1e6,
        "calls": len(seconds),
    }
