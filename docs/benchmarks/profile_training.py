"""Where the time of skae goes: an epoch, a cold start, a transform, and forms of a layer.

    python docs/benchmarks/profile_training.py --mnist mnist.npz

Each line compares two ways, run in turns on the same machine, by the ratio of their medians.
"""

import argparse
import statistics
import subprocess
import sys
import time
from itertools import count, pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
from _report import add_output_options, write_results
from mnist_figures import load_images
from sklearn.decomposition import PCA

from skae import AutoencoderTransformer, DenoisingAutoencoder
from skae._data import Rows
from skae._engine import Recipe, _jax, clear_programs, load_keras, loop, programs
from skae._engine.batches import Blocks, aligned
from skae._engine.building import build_models
from skae._engine.graph import initial_weights
from skae._layers import doubling_conv, halving_max
from skae.architectures import Conv, Dense
from skae.losses import BinaryCrossentropy
from skae.penalties import L2

REPETITIONS = 5

N_EPOCHS = 5

N_ROWS = round(2048**3 / (784 * 32))
"""Rows whose transform takes as many operations as the product of two 2048 x 2048 matrices."""

COLUMNS = {
    "what": "what",
    "way": "one way",
    "seconds": "seconds",
    "other": "the other",
    "other_seconds": "seconds",
    "ratio": "ratio",
}

NOTES = [
    f"Medians of {REPETITIONS} runs of either way in turns.",
    f"Epochs: {N_EPOCHS} of them, ReLU, binary cross-entropy, Adam, 20,000 images of MNIST, 5,000 "
    "for the deep network. Of a part that can run alone, the ratio is its share, though rows are "
    "arranged while the program runs; of one that can be left out, the share is one minus the "
    "ratio.",
    "Cold start: a new Python process each time, files in the system's cache, no compile cache.",
    "Layers: forward and backward pass, once compiled, 5x5 filters on 50 images of 7x7 with 32 "
    "channels, and pooling of 128 images of 32x32 with 16 channels.",
]

IMPORTS = "import sklearn.base, sklearn.utils.validation, jax, jax.numpy, os; "

KERAS = "os.environ['KERAS_BACKEND'] = 'jax'; import keras; "

FIRST_FIT = (
    "import skae; from sklearn.datasets import load_digits; "
    "skae.AutoencoderTransformer(32, hidden_layer_sizes=(), max_iter=10)"
    ".fit(load_digits().data[:1000] / 16)"
)


def timed(call):
    """Seconds that a call takes, or that it says it took."""
    start = time.perf_counter()
    told = call()
    return told if isinstance(told, float) else time.perf_counter() - start


def compare(what, way, call, other, other_call):
    """Record of two ways, run in turns after one run of either."""
    call(), other_call()
    pairs = [(timed(call), timed(other_call)) for _ in range(REPETITIONS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{what}: {way} {ours:.4g} s, {other} {theirs:.4g} s, ratio {ours / theirs:.2f}")
    return {
        "what": what,
        "way": way,
        "seconds": ours,
        "other": other,
        "other_seconds": theirs,
        "ratio": ours / theirs,
    }


def epochs(X, kind=AutoencoderTransformer, **params):
    """A function that trains some epochs."""
    options = {
        "n_components": 32, "hidden_layer_sizes": (), "activation": "relu",
        "code_activation": "relu", "loss": "binary_crossentropy", "batch_size": 32,
        "learning_rate_init": 1e-3, "learning_rate": "constant", "max_iter": N_EPOCHS,
        "random_state": 0,
    }  # fmt: skip
    estimator = kind(**{**options, **params})
    return lambda: estimator.fit(X)


def inside_programs(fit):
    """A function that fits, and says how long the compiled programs of the training took."""
    import jax

    def clocked():
        seconds = 0.0

        def compile_program(*args, **options):
            program = compile_unclocked(*args, **options)

            def call(*arguments):
                nonlocal seconds
                start = time.perf_counter()
                result = jax.block_until_ready(program(*arguments))
                seconds += time.perf_counter() - start
                return result

            return call

        compile_unclocked = loop.compile_program
        loop.compile_program = compile_program
        try:
            fit()
        finally:
            loop.compile_program = compile_unclocked
        return seconds

    return clocked


def products_alone(X, widths, batch_size):
    """A function that makes the matrix products of as many steps, and nothing else."""
    import jax

    random = np.random.default_rng(0)
    weights = [random.normal(size=shape).astype(np.float32) / 30 for shape in pairwise(widths)]
    batches = X[: len(X) // batch_size * batch_size].reshape(-1, batch_size, X.shape[1])

    def step(number, gradients):
        inputs = [jax.numpy.asarray(batches)[number % len(batches)]]
        for weight in weights:
            inputs.append(inputs[-1] @ weight)
        signal, gradients = inputs.pop(), []
        for place, weight in reversed(list(enumerate(weights))):
            gradients.insert(0, inputs[place].T @ signal)
            if place > 0:
                signal = signal @ weight.T
        return gradients

    n_steps = N_EPOCHS * -(-len(X) // batch_size)
    zeros = [np.zeros_like(weight) for weight in weights]
    program = jax.jit(lambda: jax.lax.fori_loop(0, n_steps, step, zeros)).lower().compile()
    return lambda: jax.block_until_ready(program())


def arranging_alone(X, batch_size):
    """A function that shuffles the rows and arranges them in blocks, and nothing else."""
    rows, weight = Rows(X), np.ones(len(X))

    def arrange():
        blocks, random = Blocks(rows, rows, weight, batch_size), np.random.default_rng(0)
        for _ in range(N_EPOCHS):
            for _ in blocks.epoch(random):
                pass

    return arrange


def parts_of_an_epoch(X, hidden, n_components, batch_size):
    """An epoch against its parts, and against itself without one of them."""
    encoder = (X.shape[1], *hidden, n_components)
    widths = encoder + encoder[-2::-1]
    name = "-".join(map(str, widths if not hidden else encoder)) + " mirrored" * bool(hidden)
    name = f"{name}, batches of {batch_size}"
    options = {
        "hidden_layer_sizes": hidden, "n_components": n_components, "batch_size": batch_size
    }  # fmt: skip
    whole = epochs(X, **options)
    products = products_alone(X, widths, batch_size)
    yield compare(name, "matrix products alone", products, "all", whole)
    yield compare(name, "compiled programs alone", inside_programs(whole), "all", whole)
    yield compare(name, "arranging rows alone", arranging_alone(X, batch_size), "all", whole)
    for part, params in {
        "squared error": {"loss": "squared_error"},
        "plain gradient descent": {"solver": "sgd"},
        "no shuffling": {"shuffle": False},
    }.items():
        yield compare(name, part, epochs(X, **options, **params), "all", whole)


def softplus_crossentropy(loss, forward):
    """The cross-entropy by Keras's softplus."""
    from keras import ops

    return ops.softplus(forward.logits) - forward.target * forward.logits


NUMBERS = count()


def penalty_with_its_own_key():
    """The usual penalty with one attribute more, so that a fit with it is compiled by itself."""
    penalty = L2()
    penalty.number = next(NUMBERS)
    return penalty


def compare_forms(what, way, other, module, name, form, X, **params):
    """Record of a fit as it is, and as it is where a module's attribute is `form` in compiling."""
    ours = epochs(X, weight_penalty=penalty_with_its_own_key(), **params)
    theirs = epochs(X, weight_penalty=penalty_with_its_own_key(), **params)
    with patch.object(module, name, form):
        theirs()
    return compare(what, way, ours, other, theirs)


def forms_of_programs(X):
    """Programs as skae compiles them, and without one thing that it does to them."""
    yield compare_forms(
        "784-32-784, batches of 32", "gradient by hand", "softplus",
        BinaryCrossentropy, "__call__", softplus_crossentropy, X,
    )  # fmt: skip
    yield compare_forms(
        "784-32-784, masking noise, batches of 256", "traced as one", "function by function",
        programs, "is_own", lambda key: False, X,
        kind=DenoisingAutoencoder, corruption="masking", batch_size=256,
    )  # fmt: skip
    yield compare_forms(
        "convolutions, batches of 50", "Eigen", "YNNPACK",
        _jax, "PLAIN_CONVOLUTIONS", None, X[:2_000],
        n_components=None, architecture=Conv((28, 28), filters=(16, 32), kernel_size=5),
        loss="squared_error", batch_size=50,
    )  # fmt: skip


def first_weights():
    """Networks of a new shape each time: built and drawn as skae does, and as Keras does."""
    widths = count(33)

    def together():
        initial_weights(Recipe(Dense((next(widths),)), 784, 32), 0)

    def one_by_one():
        build_models(Dense((next(widths),)), (784,), 32, 32)

    yield compare(
        "weights of a new network", "one program for all", together, "one by one", one_by_one
    )


def forms_of_layers():
    """Layers of skae against those of Keras."""
    import jax

    keras = load_keras()
    random = np.random.default_rng(0)

    def gradient(layer, shape):
        X = random.normal(size=shape).astype(np.float32)
        layer.build(shape)
        weights = [variable.value for variable in layer.trainable_variables]

        def value(weights, X):
            return (layer.stateless_call(weights, [], X)[0] ** 2).sum()

        compiled = jax.jit(jax.grad(value, argnums=(0, 1)))
        return lambda: [jax.block_until_ready(compiled(weights, X)) for _ in range(10)]

    maps, images = (50, 7, 7, 32), (128, 32, 32, 16)
    transposed = keras.layers.Conv2DTranspose(16, 5, strides=2, padding="same")
    yield compare(
        "transposed convolution, 10 passes", "DoublingConv", gradient(doubling_conv()(16, 5), maps),
        "Conv2DTranspose", gradient(transposed, maps),
    )  # fmt: skip
    yield compare(
        "max-pooling, 10 passes", "HalvingMax", gradient(halving_max()(), images),
        "MaxPooling2D", gradient(keras.layers.MaxPooling2D(2), images),
    )  # fmt: skip


def cold_start():
    """A first fit in a new process, against what it must import."""

    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    for name, code in {
        "scikit-learn and JAX imported": IMPORTS,
        "scikit-learn, JAX and Keras imported": IMPORTS + KERAS,
    }.items():
        yield compare("cold start", name, run(code), "first fit", run(FIRST_FIT))


def transform_of_many_rows(X):
    """Transform of many rows and its parts, of one, and a square product that is as much work."""
    import jax

    estimator = AutoencoderTransformer(32, hidden_layer_sizes=(), max_iter=1).fit(X[:1000])
    pca = PCA(32).fit(X[:5000])
    rows = np.resize(X, (N_ROWS, X.shape[1]))
    weight = np.ones((X.shape[1], 32), np.float32)
    tile = aligned((1024, X.shape[1]))

    def copy():
        for start in range(0, len(rows) - len(tile), len(tile)):
            tile[:] = rows[start : start + len(tile)]

    def transform():
        estimator.transform(rows)

    many = f"{N_ROWS:,} rows, 784 to 32"
    for way, call in {
        "NumPy's product": lambda: rows @ weight,
        "reading each number once": lambda: np.vdot(rows, rows),
        "copying into aligned tiles": copy,
        "PCA": lambda: pca.transform(rows),
    }.items():
        yield compare(many, way, call, "skae", transform)
    one = rows[:1]
    yield compare(
        "1,000 times one row", "skae", lambda: [estimator.transform(one) for _ in range(1000)],
        "PCA", lambda: [pca.transform(one) for _ in range(1000)],
    )  # fmt: skip
    square = jax.numpy.ones((2048, 2048), dtype="float32")
    product = jax.jit(lambda a: a @ a)
    yield compare(
        many, "product of 2048 x 2048", lambda: product(square).block_until_ready(),
        "skae", transform,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="path of mnist.npz")
    add_output_options(parser, "profile_training")
    arguments = parser.parse_args()
    X, _ = load_images(arguments.mnist)
    load_keras()
    records = [
        *parts_of_an_epoch(X[:20_000], (), 32, 32),
        *parts_of_an_epoch(X[:20_000], (), 32, 256),
        *parts_of_an_epoch(X[:5_000], (1000, 500, 250), 100, 256),
        *forms_of_programs(X[:20_000]),
    ]
    clear_programs()
    records += [*first_weights(), *forms_of_layers(), *transform_of_many_rows(X), *cold_start()]
    write_results(arguments.json, arguments.markdown, "Profile", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
