"""Try to break skae, and count what holds.

    python docs/benchmarks/reliability [--campaigns parameters interrupts ...] [--quick]

runs every campaign, or those named, and writes ``results/reliability.json`` and the page
``docs/reliability.md``. Campaigns that are not run stay as they were. ``--quick`` takes a tenth of
the cases. All of it takes hours on a machine that does nothing else. The exit status is the number
of campaigns with faults.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _report import RESULTS, environment, markdown_table

from reliability import (
    bad_data,
    divergence,
    growth,
    interrupts,
    memory,
    parameters,
    processes,
    saving,
    seeds,
    session,
    threads,
)

CAMPAIGNS = {
    "parameters": (parameters, {"n_cases": 500}, {"n_cases": 90}),
    "bad data": (bad_data, {"n_subjects": 9}, {"n_subjects": 2}),
    "interrupts": (interrupts, {"n_children": 200}, {"n_children": 3}),
    "divergence": (divergence, {}, {}),
    "threads": (threads, {"n_calls": 1000}, {"n_calls": 20}),
    "one seed": (seeds, {}, {"n_ways": 3}),
    "global state": (session, {}, {}),
    "save": (saving, {"n_kills": 50, "n_sizes": 20}, {"n_kills": 5, "n_sizes": 5}),
    "processes": (processes, {}, {}),
    "memory limit": (memory, {"n_limits": 40}, {"n_limits": 6}),
    "growth": (
        growth,
        {"n_fits": 1000, "n_networks": 500, "n_transforms": 100_000, "n_refits": 20},
        {"n_fits": 200, "n_networks": 20, "n_transforms": 10_000, "n_refits": 5},
    ),
}
"""Each campaign's module, what it is called with, and what with ``--quick``."""

COLUMNS = {
    "campaign": "campaign",
    "promise": "promise",
    "cases": "cases",
    "faults": "faults",
    "outcomes": "outcomes",
}

HEAD = """# Reliability

Each campaign tries to break skae, and checks a promise. `python docs/benchmarks/reliability`
runs the campaigns and writes this page. A fault is a case in which skae did not keep the promise;
all faults are listed below the table.
"""


def main():
    """Run the campaigns, and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--campaigns", nargs="+", choices=list(CAMPAIGNS), default=list(CAMPAIGNS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    path = RESULTS / "reliability.json"
    records = {}
    if path.exists():
        records = {one["campaign"]: one for one in json.loads(path.read_text())["results"]}
    for name in options.campaigns:
        module, full, quick = CAMPAIGNS[name]
        start = time.perf_counter()
        tally = module.campaign(**(quick if options.quick else full))
        records[name] = {
            **tally.record(name, module.PROMISE),
            "seconds": round(time.perf_counter() - start),
            "quick": options.quick,
        }
        print(name, dict(tally.outcomes), *tally.faults, sep="\n  ", flush=True)
        write(path, [records[key] for key in CAMPAIGNS if key in records])
    return sum(bool(records[name]["faults"]) for name in options.campaigns)


def write(path, records):
    """Write the results, and the page."""
    content = {**environment(), "results": records}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    about = environment()
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    quick = [one["campaign"] for one in records if one["quick"]]
    faults = [f"- {one['campaign']}: {case}" for one in records for case in one["cases at fault"]]
    parts = [HEAD, markdown_table(records, COLUMNS)]
    if quick:
        parts.append(f"Run with `--quick`, on fewer cases: {', '.join(quick)}.")
    parts.append("## Faults\n\n" + ("\n".join(faults) if faults else "None."))
    parts.append(f"Machine: {about['machine']}.\nVersions: {versions}.")
    page = Path(__file__).resolve().parents[2] / "reliability.md"
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n")


if __name__ == "__main__":
    sys.exit(main())
