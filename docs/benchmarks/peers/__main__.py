"""Measure skae side by side with what a user would pick instead.

    python docs/benchmarks/peers [--mnist mnist.npz] [--parts search epoch ...]
                                 [--repetitions N] [--quick]

runs every part, or those named, and writes ``results/peers.json`` and the page
``results/peers.md``. Parts that are not run stay as they were. Peers that are not installed are
left out and named; ``pip install '.[bench]'`` brings them all. Memory and the work of others are
read from Linux's ``/proc``. Run it on a machine that does nothing else.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _report import RESULTS, environment

from peers import cold, epoch, growth, limit, memory, search, serving
from peers.data import Files
from peers.harness import measure
from peers.page import page

PACKAGES = ("tensorflow", "tensorflow-cpu", "torch", "scikeras", "skorch")
"""Packages of the peers, whose versions belong to the results."""


@dataclass(frozen=True)
class Part:
    """A part of the benchmark.

    Parameters
    ----------
    title, note : str
        Heading and remarks on the page.
    cases : callable
        Maps `Settings` to an iterable of `peers.harness.Case`.
    needs_mnist : bool
    """

    title: str
    note: str
    cases: object
    needs_mnist: bool = False


PARTS = {
    "search": Part(search.TITLE, search.NOTE, search.cases),
    "epoch": Part(epoch.TITLE, epoch.NOTE, epoch.cases, needs_mnist=True),
    "conv": Part(epoch.CONV_TITLE, epoch.CONV_NOTE, epoch.conv_cases, needs_mnist=True),
    "cold": Part(cold.TITLE, cold.NOTE, cold.cases),
    "serving": Part(serving.TITLE, serving.NOTE, serving.cases),
    "memory": Part(memory.TITLE, memory.NOTE, memory.cases),
    "growth": Part(growth.TITLE, growth.NOTE, growth.cases),
    "limit": Part(limit.TITLE, limit.NOTE, limit.cases),
}


@dataclass(frozen=True)
class Settings:
    """What the parts make their cases from.

    Parameters
    ----------
    files : Files
    folder : Path
        A folder for anything else that lasts as long as the run.
    quick : bool
        Whether sizes are tiny.
    """

    files: Files
    folder: Path
    quick: bool


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="python docs/benchmarks/peers", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--parts", nargs="*", choices=PARTS, default=list(PARTS), help="the parts to run"
    )
    parser.add_argument("--mnist", type=Path, help="path of mnist.npz; parts in need wait for it")
    parser.add_argument("--repetitions", type=int, help="rounds of a case (default: 5; quick: 2)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try it out")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where to write (default: results; quick: a temporary folder)",
    )
    return parser.parse_args()


def run_part(part, settings, repetitions):
    """Measure the cases of a part; yields its record as it grows."""
    record = {
        "title": part.title,
        "note": part.note,
        "quick": settings.quick,
        "repetitions": repetitions,
        **environment(),
        "cases": [],
    }
    record["versions"] |= _versions_of_peers()
    for case in part.cases(settings):
        record["cases"].append(
            measure(case, repetitions, report=lambda line: print(line, flush=True))
        )
        yield record


def _versions_of_peers():
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def write(folder, name, record):
    """Put the record of a part beside those of earlier runs, and make the page anew."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "peers.json"
    parts = json.loads(path.read_text()) if path.exists() else {}
    parts |= {name: record}
    parts = {name: parts[name] for name in PARTS if name in parts}
    path.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(page(parts))


def main():
    arguments = parse_arguments()
    quick_folder = Path(tempfile.gettempdir()) / "peers-quick"
    output = arguments.output or (quick_folder if arguments.quick else RESULTS)
    repetitions = arguments.repetitions or (2 if arguments.quick else 5)
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder), arguments.mnist)
        settings = Settings(files, Path(folder), arguments.quick)
        for name in arguments.parts:
            part = PARTS[name]
            if part.needs_mnist and arguments.mnist is None:
                print(f"{name} left out: it needs --mnist")
                continue
            for record in run_part(part, settings, repetitions):
                write(output, name, record)
    print(f"written to {output}")


if __name__ == "__main__":
    main()
