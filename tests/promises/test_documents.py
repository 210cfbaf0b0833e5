"""The code of README, user guide and the other pages runs as it stands; links lead somewhere."""

import re
from pathlib import Path

import pytest
from cases import slow

ROOT = Path(__file__).resolve().parents[2]


GUIDE = sorted(page.stem for page in (ROOT / "docs/guide").glob("*.md") if page.stem != "index")
"""Pages of the user guide, all of which have code."""


def snippets(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.S)


@slow
@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/quickstart.md",
        "docs/deployment.md",
        "docs/scaling.md",
        "docs/contributing.md",
        *(f"docs/guide/{name}.md" for name in GUIDE),
    ],
)
def test_snippets_run(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where what is saved is written
    code = snippets(ROOT / name)
    assert code
    namespace = {"__name__": "snippets"}
    for part in code:
        exec(compile(part, name, "exec"), namespace)
    if name == "README.md":
        assert namespace["pipe"].score(namespace["X_test"], namespace["y_test"]) > 0.9
        assert namespace["search"].best_score_ > 0.9


def test_the_guide_lists_its_pages_and_each_begins_with_code():
    index = (ROOT / "docs/guide/index.md").read_text()
    for name in GUIDE:
        text = (ROOT / f"docs/guide/{name}.md").read_text()
        title = text.splitlines()[0].removeprefix("# ")
        assert f"[{title}]({name}.md)" in index
        before, first, _ = text.split("```", 2)
        assert before.count("\n") <= 6, f"{name} begins with text"
        assert first.startswith("python\n")
        assert "skae" in first


def test_links_lead_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"
