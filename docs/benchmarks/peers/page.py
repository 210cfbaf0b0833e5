"""The page of results, made from the JSON file alone."""

from statistics import median

from _report import markdown_table

from peers.targets import TARGETS


def _time(seconds):
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _plain(value):
    return f"{value:.3g}"


FIGURES = {
    "seconds": ("time", _time),
    "late_seconds": ("99th percentile", _time),
    "mb": ("memory, MB", lambda value: f"{round(value):,}"),
    "kb_a_fit": ("memory a fit, KB", _plain),
    "early_kb_a_fit": ("early", _plain),
    "late_over_early": ("late / early", _plain),
    "loss": ("loss", lambda value: f"{value:.4g}"),
    "squared_error": ("squared error", lambda value: f"{value:.4g}"),
    "n_weights": ("weights", "{:,.0f}".format),
    "cores_elsewhere": ("cores busy elsewhere", "{:.1f}".format),
    "share": ("share of limit", "{:.0%}".format),
    "ratio": ("times skae", _plain),
}
"""Heading and format of each figure."""

COMPARED = {"seconds", "mb"}
"""Figures that are divided by skae's: they are never near zero."""

QUICK = "**A quick try with tiny sizes, whose numbers mean nothing.**"

TARGET_COLUMNS = {
    "part": "part",
    "case": "case",
    "what": "what",
    "target": "target",
    "value": "median",
    "spread": "spread",
    "reached": "reached?",
}


class Results:
    """What the JSON file holds, and what follows from it.

    Parameters
    ----------
    parts : dict
        Of each part title, note, environment, and the records of `peers.harness.measure`.
    """

    def __init__(self, parts):
        self.parts = parts
        self._rate = self._best_rate()

    def _best_rate(self):
        """Operations a second of the fastest matrix product; None where it was not measured."""
        cases = self.parts.get("limit", {"cases": []})["cases"]
        rates = [
            case["operations"] / min(figures["seconds"] for figures in rounds)
            for case in cases
            for rounds in case["rounds"].values()
        ]
        return max(rates, default=None)

    def values(self, case, contender, figure, over=None):
        """One value of each repetition; none where something was not measured."""
        rounds = case["rounds"].get(contender, [])
        if over is not None:
            below = self.values(case, over, figure)
            above = self.values(case, contender, figure)
            return [a / b for a, b in zip(above, below, strict=False)]
        if figure == "ratio":
            if case["figure"] not in COMPARED or contender == "skae":
                return []
            return self.values(case, contender, case["figure"], over="skae")
        if figure == "share":
            if not (self._rate and case["operations"]):
                return []
            return [case["operations"] / figures["seconds"] / self._rate for figures in rounds]
        return [figures[figure] for figures in rounds if figure in figures]

    def targets(self):
        """A record for each target whose case was measured."""
        for target in TARGETS:
            for case in self.parts.get(target.part, {"cases": []})["cases"]:
                if case["case"].startswith(target.case):
                    yield self._target_record(target, case)

    def _target_record(self, target, case):
        figure = target.figure or case["figure"]
        heading, show = FIGURES[figure]
        values = self.values(case, target.contender, figure, target.over)
        show = _plain if target.over else show
        over = f" / {target.over}" if target.over else ""
        sign = "at least" if target.at_least else "at most"
        return {
            "part": target.part,
            "case": case["case"],
            "what": f"{heading}: {target.contender}{over}",
            "target": f"{sign} {show(target.bound)}",
            "value": show(median(values)) if values else None,
            "spread": _spread(values, show),
            "reached": target.is_reached(median(values)) if values else None,
        }

    def table(self, part):
        """The table of a part, a row for each case and contender."""
        cases = self.parts[part]["cases"]
        rows = [self._row(case, contender) for case in cases for contender in case["rounds"]]
        columns = {"case": "case", "contender": "contender"}
        for figure, (heading, _) in FIGURES.items():
            if any(figure in row for row in rows):
                columns[figure] = heading
        return markdown_table(rows, columns | {"repetitions": "repetitions"})

    def _row(self, case, contender):
        row = {"case": case["case"], "contender": contender}
        for figure, (_, show) in FIGURES.items():
            values = self.values(case, contender, figure)
            if values:
                spread = _spread(values, show) if figure in (case["figure"], "ratio") else None
                row[figure] = (
                    f"{show(median(values))} ({spread})" if spread else show(median(values))
                )
        return row | {"repetitions": len(case["rounds"][contender])}


def _spread(values, show):
    return f"{show(min(values))} to {show(max(values))}" if len(values) > 1 else None


def page(parts):
    """The whole page as Markdown."""
    results = Results(parts)
    targets = list(results.targets())
    missed = sum(target["reached"] is False for target in targets)
    reached = sum(target["reached"] is True for target in targets)
    blocks = [
        "# skae beside its peers",
        f"{reached} targets reached, {missed} missed. A value is the median over repetitions in "
        "which the contenders took turns, each in a process of its own; a spread is the lowest and "
        "the highest. Ratios are taken within a repetition. MB are 10^6 bytes. Cores busy "
        "elsewhere are those that other work on the machine took meanwhile; it slows contenders "
        "whose threads wait for one another, as torch's do, many times over.",
        markdown_table(targets, TARGET_COLUMNS),
    ]
    for name, part in parts.items():
        quick = [QUICK] if part["quick"] else []
        blocks += [f"## {part['title']}", *quick, part["note"], results.table(name)]
        blocks += _left_out(part)
    return "\n\n".join([*blocks, *_environments(parts)]) + "\n"


def _left_out(part):
    lines = [
        f"- {case['case']}: {contender} left out ({reason})"
        for case in part["cases"]
        for contender, reason in case["left_out"].items()
    ]
    return ["\n".join(lines)] if lines else []


def _environments(parts):
    """Machine and versions, once where all parts have the same."""
    titles = {}
    for part in parts.values():
        versions = ", ".join(f"{name} {number}" for name, number in part["versions"].items())
        about = f"Machine: {part['machine']}.\nVersions: {versions}."
        titles.setdefault(about, []).append(part["title"])
    if len(titles) == 1:
        return list(titles)
    return [f"{', '.join(names)}. {about}" for about, names in titles.items()]
