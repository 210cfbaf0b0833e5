"""What the benchmarks share: Markdown tables, result files, machine and versions."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
"""Where the benchmarks write unless told otherwise."""

PACKAGES = ("numpy", "scipy", "scikit-learn", "keras", "jax", "jaxlib")
"""Packages whose versions belong to a result."""


def add_output_options(parser, name):
    """Add ``--json`` and ``--markdown``; by default both files lie in `RESULTS`."""
    for option, suffix in (("--json", ".json"), ("--markdown", ".md")):
        parser.add_argument(
            option,
            type=Path,
            metavar="FILE",
            default=RESULTS / f"{name}{suffix}",
            help="where to write the results (default: %(default)s)",
        )


def add_jobs_option(parser):
    """Add ``--jobs``, the number of processes."""
    parser.add_argument(
        "--jobs", type=int, default=1, help="processes; seconds are then those beside each other"
    )


def markdown_table(records, columns):
    """Format a list of dicts as a Markdown table.

    Parameters
    ----------
    records : list of dict
    columns : dict of str to str
        Headings of the keys to show, in order.

    Returns
    -------
    table : str
    """
    head = [f"| {' | '.join(columns.values())} |", "|" + "---|" * len(columns)]
    body = [f"| {' | '.join(_cell(record.get(key)) for key in columns)} |" for record in records]
    return "\n".join(head + body)


def _cell(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def write_results(json_path, markdown_path, title, records, columns, notes):
    """Write results as JSON and as a Markdown page with machine and versions.

    Parameters
    ----------
    json_path, markdown_path : Path
    title : str
    records : list of dict
    columns : dict of str to str
        Headings of the keys that the page shows, in order; the JSON file keeps all keys.
    notes : list of str
        Remarks below the table.
    """
    for path in (json_path, markdown_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    content = {"title": title, **environment(), "notes": notes, "results": records}
    json_path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    markdown_path.write_text("\n\n".join(_page(title, records, columns, notes)) + "\n")


def read_records(json_path, key):
    """Read the records that an earlier run wrote, by their value of `key`; none without a file."""
    if not json_path.exists():
        return {}
    return {record[key]: record for record in json.loads(json_path.read_text())["results"]}


def _page(title, records, columns, notes):
    """Paragraphs of the Markdown page."""
    about = environment()
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    yield f"# {title}"
    yield markdown_table(records, columns)
    if notes:
        yield "\n".join(f"- {note}" for note in notes)
    yield f"Machine: {about['machine']}.\nVersions: {versions}."


def environment():
    """Describe the machine, and give the versions of Python and `PACKAGES`."""
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in PACKAGES}
    return {"machine": machine(), "versions": versions}


def machine():
    """CPU model, cores, memory and operating system in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{_cpu_model()}, {os.cpu_count()} cores, {memory:.0f} GiB memory, {system}"


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
