"""Processes that were forked from one in which JAX had started: there its programs never end.

JAX hands a program to threads of its own, and a fork copies none: whoever waits for the result
waits for ever. Building networks, copying arrays and all that runs in NumPy goes on.
"""

import os
import sys

_forked = False


def has_forked():
    """Whether JAX had started when this process, or one that it comes from, was forked."""
    return _forked


def check_runs():
    """Refuse to run a program of JAX where it would never end.

    Raises
    ------
    RuntimeError
        With the ways out.
    """
    if _forked:
        raise RuntimeError(
            "This process was forked after JAX had started, and a fork copies none of the threads "
            "that JAX computes with: the call would wait for ever. Start worker processes by "
            "'spawn' or 'forkserver' (multiprocessing.get_context), or use joblib's default "
            "backend 'loky'; or fork before fit or any other use of JAX. What dense networks "
            "compute of rows (transform, reconstruct, predict and others) works here, too."
        )


def renewed_in_child(renew):
    """Call `renew` in a forked child: another thread of the parent may have held a lock."""
    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        os.register_at_fork(after_in_child=renew)
    return renew


@renewed_in_child
def _note():
    global _forked
    _forked = _forked or _jax_has_started()


def _jax_has_started():
    """Whether JAX has its threads, which may be by others than skae.

    The name is private to JAX: `jax.extend.backend.backends` would start them. Where it is gone,
    to have imported JAX counts.
    """
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bool(getattr(bridge, "_backends", "jax" in sys.modules))
