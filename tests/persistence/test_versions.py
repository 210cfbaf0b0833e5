"""Files that this version or earlier ones wrote: they are read, and give what they gave then."""

import io
import json
import zipfile

import numpy as np
import pytest
from cases import slow_but
from persistence.make_files import FILES, FLOWERS, INCOMPLETE, KINDS, kept_files, shown

import skae
from skae._persistence.archive import FORMAT, READABLE
from skae._persistence.file_format import own_estimators

NEWEST = f"format_{FORMAT}"
CONTENT = {path.name.removesuffix(".tar.xz"): kept_files(path) for path in FILES.glob("*.tar.xz")}
CASES = [f"{version} {name}" for version in sorted(CONTENT) for name in CONTENT[version][0]]


ROWS = {"sparse": INCOMPLETE, "imputer": INCOMPLETE, "bernoulli": FLOWERS / 8}
"""What the estimators get that do not get the plain rows."""


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_version_that_is_read_has_files_of_every_kind():
    assert set(CONTENT) == {f"format_{version}" for version in READABLE}
    files, expected = CONTENT[NEWEST]
    assert list(files) == list(KINDS) == list(expected)
    documents = [members(content)["skae.json"] for content in files.values()]
    kinds = {json.loads(document)["estimator"]["class"] for document in documents}
    assert kinds == set(own_estimators())
    assert sum(path.stat().st_size for path in FILES.iterdir()) < 50_000


@pytest.mark.parametrize("case", CASES)
def test_every_kept_file_is_read(case, tmp_path):
    version, _, name = case.partition(" ")
    content = CONTENT[version][0][name]
    (tmp_path / "kept").write_bytes(content)
    loaded = skae.load(tmp_path / "kept")
    skae.save(loaded, tmp_path / "again")
    if version == NEWEST:
        assert members((tmp_path / "again").read_bytes()) == members(content)


OF_NUMBERS = [case for case in CASES if "table" not in case]


@pytest.mark.parametrize(
    "case", slow_but(f"{NEWEST} transformer", f"{NEWEST} classifier", of=OF_NUMBERS)
)
def test_every_kept_file_gives_what_it_gave(case, tmp_path):
    version, _, name = case.partition(" ")
    files, expected = CONTENT[version]
    (tmp_path / "kept").write_bytes(files[name])
    loaded = skae.load(tmp_path / "kept")
    rows = shown(ROWS.get(name, FLOWERS))
    for method, values in expected[name].items():
        found = np.asarray(getattr(loaded, method)(rows))
        np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-5)
