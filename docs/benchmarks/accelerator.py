"""What a GPU brings: epochs, rows of `transform`, and many networks in one program.

    python docs/benchmarks/accelerator.py --mnist mnist.npz [--parts fit transform mapped]

Each part runs in a process of its own for each platform that JAX finds: the processor, and an
accelerator where there is one. Without one the table has the processor's column alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
from _report import add_output_options, write_results

COLUMNS = {
    "what": "what",
    "unit": "unit",
    "cpu": "processor",
    "gpu": "GPU",
    "gain": "the GPU's gain",
    "difference": "difference of results",
}

NOTES = [
    "Epochs: medians of three fits of 1 and of 6 epochs in turns, the difference by five; all else "
    "of a fit, compiling and the principal components too, is in neither. 10,000 images of MNIST, "
    "2,000 for the convolutional network.",
    "Rows of `transform`: medians of three calls on 60,000 images in the computer's memory, to "
    "which the codes return.",
    "First fit: one epoch on 1,000 images in a new process after the import of Keras, most of it "
    "compiling.",
    "Many networks: networks that learn an epoch of the digits (1,797 rows, batches of 200) in a "
    "second, trained in one program that `jax.vmap` makes of the epoch, and one after "
    "another. The gain is within a platform: mapped over one by one.",
    "Difference of results: of the training losses after the epochs, or of the codes, as the "
    "largest difference over the largest value.",
]

NETWORKS = {
    "784-32-784, batches of 256": {"hidden_layer_sizes": (), "batch_size": 256},
    "784-256-32-256-784, batches of 256": {"hidden_layer_sizes": (256,), "batch_size": 256},
    "784-1000-500-250-32 mirrored, batches of 256": {
        "hidden_layer_sizes": (1000, 500, 250), "batch_size": 256,
    },
    "784-1000-500-250-32 mirrored, batches of 4,096": {
        "hidden_layer_sizes": (1000, 500, 250), "batch_size": 4096,
    },
    "conv 5x5 stride 2, 16-32, transposed back, batches of 128": {
        "architecture": ["Conv", [[28, 28], [16, 32], 5]], "batch_size": 128,
    },
}  # fmt: skip

REPETITIONS = 3


def estimator(max_iter, architecture=None, **params):
    """An autoencoder of a network of `NETWORKS`."""
    from skae import AutoencoderTransformer, architectures

    if architecture is not None:
        kind, arguments = architecture
        params["architecture"] = getattr(architectures, kind)(*map(_tuple, arguments))
    return AutoencoderTransformer(
        32, learning_rate_init=1e-3, max_iter=max_iter, tol=0, random_state=0, alpha=0, **params
    )


def _tuple(value):
    return tuple(value) if isinstance(value, list) else value


def seconds(call):
    """How long a call takes, and what it returns."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def measure_fit(images):
    """Seconds of an epoch, and of a first fit, for each network."""
    for name, params in NETWORKS.items():
        X = images[: 2_000 if "architecture" in params else 10_000]
        first, _ = seconds(lambda p=params: estimator(1, **p).fit(images[:1000]))
        yield f"{name}: first fit", "s", first, None
        short, long = [], []
        estimator(1, **params).fit(X)  # compiles the programs of this number of rows
        for _ in range(REPETITIONS):
            short.append(seconds(lambda p=params, X=X: estimator(1, **p).fit(X))[0])
            duration, fitted = seconds(lambda p=params, X=X: estimator(6, **p).fit(X))
            long.append(duration)
        epoch = (statistics.median(long) - statistics.median(short)) / 5
        losses = [float(loss) for loss in fitted.loss_curve_]
        yield f"{name}: epoch, a thousand rows", "ms", 1e6 * epoch / len(X), losses


def measure_transform(images):
    """Thousands of rows a second that `transform` encodes."""
    for name, params in NETWORKS.items():
        fitted = estimator(1, **params).fit(images[:1000])
        fitted.transform(images)
        durations = [seconds(lambda f=fitted: f.transform(images))[0] for _ in range(REPETITIONS)]
        code = fitted.transform(images[:200])
        yield (
            f"{name}: transform",
            "k rows/s",
            len(images) / statistics.median(durations) / 1e3,
            (code.ravel()[:1000].tolist()),
        )


def measure_mapped(_):
    """Networks that learn an epoch in a second: in one mapped program, and one by one."""
    import jax
    from sklearn.datasets import load_digits

    X = load_digits().data
    for width in (32, 128, 512):
        params = {"hidden_layer_sizes": (width,), "batch_size": 200}
        epoch, arguments = captured_epoch(X, params)
        single = jax.jit(epoch)
        rate_alone = 1 / fastest(single, arguments)
        yield f"64-{width}-32 mirrored: one by one", "networks/s", rate_alone, None
        for n_networks in (4, 16, 64):
            state, _, *rest = arguments
            states = jax.tree.map(lambda leaf, n=n_networks: np.stack([leaf] * n), state)
            seeds = np.arange(2 * n_networks, dtype=np.uint32).reshape(n_networks, 2)
            axes = (0, 0, *[None] * len(rest))
            mapped = jax.jit(jax.vmap(epoch, in_axes=axes))
            rate = n_networks / fastest(mapped, (states, seeds, *rest))
            yield f"64-{width}-32 mirrored: {n_networks} mapped", "networks/s", rate, None


def captured_epoch(X, params):
    """The function of an epoch of a fit, and the arguments of its last call."""
    from skae._engine import _jax, loop, steps

    calls, run = [], loop.Training._pass

    def noted(self, block, seed, numbers):
        state = _jax.to_host(self.state)
        calls.append((self, (state, seed, *block.arguments, numbers)))
        return run(self, block, seed, numbers)

    with patch.object(loop.Training, "_pass", noted):
        estimator(2, **params).fit(X)
    training, arguments = calls[-1]
    function = steps.epoch_function(training.graph, training.objective, training.solver)
    return function, _jax.to_host(arguments)


def fastest(program, arguments, n_rounds=3):
    """Median seconds of a compiled program on arguments that lie on its device."""
    import jax

    arguments = jax.device_put(arguments)
    jax.block_until_ready(program(*arguments))
    return statistics.median(
        seconds(lambda: jax.block_until_ready(program(*arguments)))[0] for _ in range(n_rounds)
    )


PARTS = {"mapped": measure_mapped, "transform": measure_transform, "fit": measure_fit}


def measured(part, platform, mnist):
    """What a part yields on a platform, in a process of its own."""
    command = [sys.executable, __file__, "--mnist", str(mnist), "--parts", part, "--worker"]
    environment = {**os.environ, "JAX_PLATFORMS": platform}
    output = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("[")]


def work(part, mnist):
    """Print what a part yields, one JSON list a line."""
    warnings.simplefilter("ignore")
    from skae._engine import load_keras

    load_keras()
    images = np.load(mnist)["x_train"].reshape(-1, 784).astype(np.float32) / 255
    for row in PARTS[part](images):
        print(json.dumps(row), flush=True)
        print(os.environ["JAX_PLATFORMS"], *row[:3], file=sys.stderr, flush=True)


def accelerators():
    """The platforms beside the processor that JAX finds, and the name of their first device."""
    code = "import jax; d = jax.devices()[0]; print(d.platform, d.device_kind, sep=';')"
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    platform, kind = output.strip().splitlines()[-1].split(";")
    return {} if platform == "cpu" else {platform: kind}


def difference(ours, theirs):
    """Largest difference of two lists of numbers, over the largest number."""
    if ours is None or theirs is None:
        return None
    return float(np.max(np.abs(np.subtract(ours, theirs))) / np.max(np.abs(theirs)))


def main():
    """Measure on each platform and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    add_output_options(parser, "accelerator")
    args = parser.parse_args()
    if args.worker:
        work(args.parts[0], args.mnist)
        return
    gpus, records = accelerators(), []
    for part in args.parts:
        on_cpu = measured(part, "cpu", args.mnist)
        on_gpu = measured(part, "cuda", args.mnist) if gpus else [[None] * 4] * len(on_cpu)
        alone = {}
        for (what, unit, cpu, result), (_, _, gpu, other) in zip(on_cpu, on_gpu, strict=True):
            is_rate = unit != "s" and unit != "ms"
            gain = None if gpu is None else (gpu / cpu if is_rate else cpu / gpu)
            records.append(
                {"what": what, "unit": unit, "cpu": cpu, "gpu": gpu, "gain": gain,
                 "difference": difference(result, other)}
            )  # fmt: skip
            if part == "mapped":
                network = what.split(":")[0]
                alone.setdefault(network, (cpu, gpu))
                ratios = [
                    None if rate is None else rate / single
                    for rate, single in zip((cpu, gpu), alone[network], strict=True)
                ]
                if what.endswith("mapped"):
                    records.append(
                        {"what": f"{what} over one by one", "unit": "ratio",
                         "cpu": ratios[0], "gpu": ratios[1]}
                    )  # fmt: skip
        notes = [*NOTES, f"GPU: {', '.join(gpus.values()) or 'none found'}."]
        write_results(args.json, args.markdown, "What a GPU brings", records, COLUMNS, notes)
    print(args.markdown.read_text())


if __name__ == "__main__":
    main()
