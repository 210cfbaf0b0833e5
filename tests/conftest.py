"""Settings that must be in place before JAX and SciPy are imported."""

import os
from importlib.metadata import version
from pathlib import Path

import threadpoolctl

os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".jax_cache")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
FLAGS = ["--xla_backend_optimization_level=0"]
if tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11):
    FLAGS.append("--xla_cpu_use_fusion_emitters=false")  # newer XLA ends at a flag it does not know
os.environ.setdefault("XLA_FLAGS", " ".join(FLAGS))
"""Compiling takes half as long so, and most of the tests' time. `make test-promises` sets it to
nothing: there the programs are those that users have."""

if os.environ["XLA_FLAGS"]:
    # Threads of BLAS wait for each other in loops. Where other tests run beside, a logistic
    # regression on a hundred rows took four times as long with two.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # in processes that tests start
    threadpoolctl.threadpool_limits(1, user_api="blas")
