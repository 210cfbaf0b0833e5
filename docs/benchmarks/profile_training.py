"""Where the time of skae goes: parts of an epoch, forms of a layer, transform of many rows.

    python docs/benchmarks/profile_training.py --mnist mnist.npz

Each line compares two ways, run in turns on the same machine, by the ratio of their medians.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from _report import add_output_options, write_results
from mnist_figures import load_images
from sklearn.decomposition import PCA

from skae import AutoencoderTransformer, losses
from skae._engine import clear_programs, load_keras
from skae._layers import doubling_conv, halving_max

REPETITIONS = 5

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
    "Epochs: 784-32-784, ReLU, binary cross-entropy, Adam, 20,000 images of MNIST. The share "
    "that a part takes is one minus the ratio of the epochs without it.",
    "Layers: forward and backward pass, once compiled, 5x5 filters on 50 images of 7x7 with 32 "
    "channels, and pooling of 128 images of 32x32 with 16 channels.",
]


def timed(call):
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


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


def epochs(X, **params):
    """A function that trains 5 epochs."""
    options = {
        "hidden_layer_sizes": (), "activation": "relu", "code_activation": "relu",
        "loss": "binary_crossentropy", "batch_size": 32, "learning_rate_init": 1e-3,
        "learning_rate": "constant", "max_iter": 5, "random_state": 0,
    }  # fmt: skip
    estimator = AutoencoderTransformer(32, **{**options, **params})
    return lambda: estimator.fit(X)


def softplus_crossentropy(step):
    """The cross-entropy by Keras's softplus, whose derivative takes an exponential of its own."""
    from keras import ops

    return ops.softplus(step.logits) - step.target * step.logits


def parts_of_an_epoch(X):
    """An epoch against the same without one of its parts."""
    for batch_size in (32, 256):
        whole = epochs(X, batch_size=batch_size)
        for name, params in {
            "squared error": {"loss": "squared_error"},
            "plain gradient descent": {"solver": "sgd"},
            "no shuffling": {"shuffle": False},
        }.items():
            part = epochs(X, batch_size=batch_size, **params)
            yield compare(f"5 epochs, batches of {batch_size}", name, part, "as it is", whole)


def forms_of_crossentropy(X):
    """The cross-entropy with one shared exponential, and with two."""
    ours = losses.binary_crossentropy
    whole = epochs(X, weight_penalty=lambda step: 0.0)
    other = epochs(X, weight_penalty=lambda step: 0.0)  # compiled by itself, as another function
    whole()
    losses.binary_crossentropy = softplus_crossentropy
    other()
    losses.binary_crossentropy = ours
    yield compare("5 epochs, batches of 32", "one exponential", whole, "softplus", other)


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


def transform_of_many_rows(X):
    """Transform of many rows, of one, and a product of two square matrices that is as much work."""
    import jax

    estimator = AutoencoderTransformer(32, hidden_layer_sizes=(), max_iter=1).fit(X[:1000])
    pca = PCA(32).fit(X[:5000])
    rows = np.resize(X, (N_ROWS, X.shape[1]))
    yield compare(
        f"{N_ROWS:,} rows, 784 to 32", "skae", lambda: estimator.transform(rows),
        "PCA", lambda: pca.transform(rows),
    )  # fmt: skip
    one = rows[:1]
    yield compare(
        "1,000 times one row", "skae", lambda: [estimator.transform(one) for _ in range(1000)],
        "PCA", lambda: [pca.transform(one) for _ in range(1000)],
    )  # fmt: skip
    square = jax.numpy.ones((2048, 2048), dtype="float32")
    product = jax.jit(lambda a: a @ a)
    yield compare(
        "as many operations", "skae", lambda: estimator.transform(rows),
        "product of 2048 x 2048", lambda: product(square).block_until_ready(),
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="path of mnist.npz")
    add_output_options(parser, "profile_training")
    arguments = parser.parse_args()
    X, _ = load_images(arguments.mnist)
    load_keras()
    records = [*parts_of_an_epoch(X[:20_000]), *forms_of_crossentropy(X[:20_000])]
    clear_programs()
    records += [*forms_of_layers(), *transform_of_many_rows(X)]
    write_results(arguments.json, arguments.markdown, "Profile", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
