"""The targets: what skae is to reach beside its peers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound on what was measured in one case.

    Parameters
    ----------
    part, case : str
        The case is named by the start of its name.
    contender : str
        Whose figure it is.
    bound : float
    at_least : bool
        Whether the bound is a lower one.
    figure : str or None
        A figure of the case, or ``"share"`` of the machine's limit; None for that which is
        compared.
    over : str or None
        The contender by whose figure it is divided, repetition by repetition.
    """

    part: str
    case: str
    contender: str
    bound: float
    at_least: bool = True
    figure: str | None = None
    over: str | None = None

    def is_reached(self, value):
        """Whether a value keeps the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


def _times(part, case, over="skae", **bounds):
    """Targets of how many times as much the peers take as skae."""
    return [Target(part, case, _PEERS[peer], bound, over=over) for peer, bound in bounds.items()]


def _at_most(part, case, figure, bound, contender="skae"):
    return Target(part, case, contender, bound, at_least=False, figure=figure)


_PEERS = {
    "scikeras": "scikeras",
    "skorch": "skorch",
    "mlp": "MLPRegressor",
    "jax": "Keras on JAX",
    "tensorflow": "Keras on TensorFlow",
    "keras_torch": "Keras on torch",
    "torch": "torch by hand",
    "jax_predict": "Keras on JAX, predict",
    "tensorflow_predict": "Keras on TensorFlow, predict",
}

_SHALLOW = "784-32-784, batch"

_DEEP = "784-1000-500-250-100 mirrored, batch 256"

_LEVEL = 0.95
"""A peer takes at least so many times as long as skae where the two are level."""

_MNIST_MB = 60_000 * 784 * 4 / 1e6

TARGETS = [
    *_times("search", "64-32-64", scikeras=40, jax=8, skorch=8, mlp=4),
    *_times("epoch", f"{_SHALLOW} 32", tensorflow=7, keras_torch=8, jax=1.6, torch=3, mlp=3),
    *_times(
        "epoch", f"{_SHALLOW} 256", tensorflow=3.5, keras_torch=3.5, jax=1.25, torch=1.25, mlp=1.6
    ),
    *_times("epoch", _DEEP, **dict.fromkeys(("tensorflow", "keras_torch", "jax", "torch"), _LEVEL)),
    Target("epoch", _DEEP, "skae", 0.6, figure="share"),
    *_times("conv", "conv", jax=1, tensorflow=1, torch=1 / 1.5),
    *_times("cold", "64-32-64", tensorflow=2.5),
    *_times("cold", "64-32-64", over="skae, warm", tensorflow=4),
    *_times("serving", "1 row", jax_predict=5, tensorflow_predict=200),
    Target("serving", "1 row", "skae", 3, at_least=False, over="PCA"),
    Target("serving", "1,000,000 rows", "skae", 0.5, figure="share"),
    _at_most("serving", "1,000,000 rows", "mb", 200),
    _at_most("memory", "MNIST, uint8", "mb", 2.5 * _MNIST_MB),
    _at_most("memory", "4 GB memory map", "mb", 500),
    _at_most("growth", "1,000 fits", "kb_a_fit", 5),
    _at_most("growth", "300 architectures", "late_over_early", 0.1),
]
