"""What fits on 1, 2 and 4 devices, and in two processes, give, and how long they take.

    python docs/benchmarks/devices.py

The devices are parts of the processor, as XLA makes them for trying: they show that the results
are the same, and what sharing costs, not what it brings.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from _report import add_output_options, markdown_table, read_records, write_results

BATCH, N_EPOCHS = 100, 30

COLUMNS = {
    "fit": "fit",
    "difference of 2": "difference of losses, 2 devices",
    "difference of 4": "4 devices",
    "difference of processes": "2 processes of 2 devices, against 4 devices",
    "difference of rounding": "1 device, X rounded in another way",
    "milliseconds of 1": "milliseconds an epoch, 1 device",
    "milliseconds of 2": "2 devices",
    "milliseconds of 4": "4 devices",
    "milliseconds of processes": "2 processes",
}

NOTES = [
    f"Digits, 1,797 rows, batches of {BATCH}, {N_EPOCHS} epochs, one seed; the last batch holds 97 "
    "rows, which neither 2 nor 4 divide. Each number of devices in a process of its own.",
    "Difference: the largest of all epochs, relative to the loss on one device. The two processes "
    "have half of the rows of each batch, in order, and are compared with one process that has the "
    "rows in that order. Both ended with the same losses and weights, to the bit, in every fit, or "
    "there would be no table.",
    "X rounded in another way: the values strictly between 0 and 1 times 1 + 6e-8 N(0, 1), a unit "
    "in the last place of single precision. Where training multiplies that, it multiplies the "
    "rounding of sums in another order as well, and losses agree for the first epochs alone.",
    "Milliseconds: medians over the epochs of one fit but for the first, by the clock, on two "
    "cores that other work shared. The devices are virtual and share these cores: on several GPUs "
    "the parts of a batch are computed at the same time.",
]


def fits():
    """The estimators by name."""
    from skae import AutoencoderTransformer, DenoisingAutoencoder, VariationalAutoencoder
    from skae.architectures import Conv

    own = {"batch_size": BATCH, "max_iter": N_EPOCHS, "random_state": 0}
    return {
        "64-128-8": AutoencoderTransformer(8, **own),
        "64-512-256-8": AutoencoderTransformer(8, hidden_layer_sizes=(512, 256), **own),
        "convolutional": AutoencoderTransformer(8, architecture=Conv((8, 8), (8,), 3), **own),
        "denoising, masking": DenoisingAutoencoder(8, **own),
        "variational, Bernoulli": VariationalAutoencoder(8, likelihood="bernoulli", **own),
    }


def measured(devices, **arguments):
    """Losses, milliseconds an epoch and a digest of the weights of each fit, in this process."""
    import numpy as np
    from sklearn.datasets import load_digits

    from skae.callbacks import EpochObserver

    class Clock(EpochObserver):
        def on_epoch_end(self, fit, logs):
            ends.append(time.perf_counter())

    X, results = load_digits().data / 16, {}
    if arguments.pop("shares", None):
        X = share(X)
    if arguments.pop("rounded", None):  # but for the ends, which are bounds of the network
        noise = np.random.default_rng(0).normal(size=X.shape)
        X = np.where((X > 0) & (X < 1), X * (1 + 6e-8 * noise), X)
    for name, estimator in fits().items():
        ends = []
        estimator.set_params(devices=devices, **arguments).set_callbacks(Clock()).fit(X)
        results[name] = {
            "losses": estimator.loss_curve_,
            "seconds": statistics.median(np.diff(ends)),
            "weights": [
                float(weight.sum(dtype=float)) for weight in estimator.model_.get_weights()
            ],
        }
    return results


def share(X):
    """The rows of this process, one half of each batch."""
    import jax

    own = BATCH // jax.process_count()
    starts = range(jax.process_index() * own, len(X), BATCH)
    return X[[row for start in starts for row in range(len(X))[start : start + own]]]


def run(kind, path, address=None, number=None):
    """Measure in this process, and write what came out to a file."""
    warnings.simplefilter("ignore")
    arguments = {"shuffle": False} if kind in ("ordered", "processes") else {}
    n_devices = {"ordered": 4, "processes": 2, "rounded": 1}.get(kind) or int(kind)
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={n_devices}"
    os.environ["XLA_FLAGS"] = flags
    if kind == "processes":
        import jax

        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(address, 2, int(number))
        arguments["shares"] = True
    if kind == "rounded":
        arguments["rounded"] = True
    Path(path).write_text(json.dumps(measured("all", **arguments)))


def in_own_process(*arguments):
    return subprocess.Popen([sys.executable, __file__, "--run", *arguments])


def results(kinds):
    """What each kind of run gave, by its name."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            paths = [str(Path(folder, kind))]
            places = [()]
            if kind == "processes":
                with socket.socket() as free:
                    free.bind(("localhost", 0))
                    address = f"localhost:{free.getsockname()[1]}"
                paths = [str(Path(folder, f"{kind}{number}")) for number in (0, 1)]
                places = [(address, str(number)) for number in (0, 1)]
            children = [
                in_own_process(kind, path, *place)
                for path, place in zip(paths, places, strict=True)
            ]
            if any([child.wait() for child in children]):
                raise RuntimeError(f"the run {kind!r} failed")
            found[kind], *others = [json.loads(Path(path).read_text()) for path in paths]
            for other in others:
                for name, own in found[kind].items():
                    assert own["weights"] == other[name]["weights"], "the processes differ"
                    assert own["losses"] == other[name]["losses"], "the processes differ"
            print(f"ran {kind}", flush=True)
    return found


def difference(one, other):
    """The largest difference of two curves, relative to the first."""
    pairs = zip(one["losses"], other["losses"], strict=True)
    return max(abs(a - b) / abs(a) for a, b in pairs)


def records_of(found):
    for name, alone in found["1"].items():
        yield {
            "fit": name,
            **{f"difference of {n}": difference(alone, found[n][name]) for n in ("2", "4")},
            "difference of processes": difference(found["ordered"][name], found["processes"][name]),
            **{
                f"milliseconds of {kind}": 1e3 * found[kind][name]["seconds"]
                for kind in ("1", "2", "4", "processes")
            },
        }


def rounding_of(found):
    for name, alone in found["1"].items():
        rounded = difference(alone, found["rounded"][name])
        yield {"fit": name, "difference of rounding": rounded}


PARTS = {
    "devices": (("1", "2", "4", "ordered", "processes"), records_of),
    "rounding": (("1", "rounded"), rounding_of),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    add_output_options(parser, "devices")
    args = parser.parse_args()
    if args.run:
        run(*args.run)
        return
    records = read_records(args.json, "fit")  # of parts that are not asked for
    for part in args.parts:
        kinds, records_of = PARTS[part]
        for record in records_of(results(kinds)):
            records[record["fit"]] = {**records.get(record["fit"], {}), **record}
    records = list(records.values())
    print(markdown_table(records, COLUMNS))
    write_results(args.json, args.markdown, "Several devices", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
