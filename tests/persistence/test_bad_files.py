"""Files that lie: only `LoadError`, no memory, and nothing but reading; see docs/benchmarks."""

import errno
import importlib.util
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from cases import slow
from persistence.make_files import FILES, kept_files

import skae
from skae import AutoencoderTransformer
from skae._persistence import archive, file_format
from skae._persistence.api import check_memory
from skae._persistence.refusal import UnusableError, excerpt

SCRIPT = Path(skae.__file__).parents[1] / "docs" / "benchmarks" / "bad_files.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture(scope="module")
def bad_files():
    spec = importlib.util.spec_from_file_location("bad_files", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def seeds():
    return kept_files(FILES / f"format_{archive.FORMAT}.tar.xz")[0]


def written(folder, files):
    """The paths of files of these names and bytes."""
    for name, content in files:
        (folder / name).write_bytes(content)
    return [folder / name for name, _ in files]


HARMLESS = {
    "infinite parameter",
    "long name",
    "30 MB of signs of four bytes",
    "80 lists in one another",
}
"""Files with strange parameters, which an estimator may have until it is fitted."""


def check_refused(records):
    for record in records:
        name = Path(record["path"]).name
        assert record["found"] == ("loaded" if name in HARMLESS else "refused"), record
        assert record["megabytes"] < 200, record
        assert record["seconds"] < 10, record  # of a machine that does other things too
        assert not record["events"], record


def test_documents_that_lie(bad_files, seeds, tmp_path):
    members = {name: bad_files.members_of(content) for name, content in seeds.items()}
    lies = [
        (name, bad_files.packed(bad_files.with_document(members[kind], change)))
        for name, (kind, change) in bad_files.DOCUMENTS.items()
    ]
    check_refused(bad_files.tried(written(tmp_path, lies)))


def check_changed(bad_files, seeds, folder, n_each, use):
    paths = [
        path
        for way in bad_files.BY_CHANCE
        for path in written(
            folder,
            [
                (f"{way} {kind} {number}", bad_files.by_chance(content, way, f"{kind} {number}"))
                for kind, content in seeds.items()
                for number in range(n_each)
            ],
        )
    ]
    records = bad_files.tried(paths, use=use)
    for record in records:
        assert record["found"] in ("refused", "loaded"), record
        assert record["megabytes"] < 200, record
        assert not record["events"], record
    refused = [record["found"] == "refused" for record in records]
    assert np.mean(refused) > 0.5


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_files_that_are_changed_by_chance(bad_files, seeds, tmp_path):
    check_changed(bad_files, seeds, tmp_path, n_each=1, use=False)


@slow
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_more_files_that_are_changed_by_chance_and_used(bad_files, seeds, tmp_path):
    check_changed(bad_files, seeds, tmp_path, n_each=10, use=True)


@slow
def test_files_that_are_no_archives(bad_files, seeds, tmp_path):
    members = {name: bad_files.members_of(content) for name, content in seeds.items()}
    made = [(name, make(members)) for name, make in bad_files.FILES.items()]
    paths = written(tmp_path, made) + bad_files.sparse_files(tmp_path, seeds["transformer"])
    check_refused(bad_files.tried(paths))


def test_the_hook_sees_what_is_forbidden(bad_files, tmp_path):
    events = []
    bad_files.watch(events)
    events[:] = ["watching"]
    (tmp_path / "written").write_text("")
    exec("1")
    events[0] = "resting"
    (tmp_path / "written again").write_text("")
    assert [event.split()[0] for event in events[1:]] == ["open", "compile", "exec"]


# Sizes


def test_only_plain_arrays_of_the_parameters_are_read_at_first(seeds, tmp_path, monkeypatch):
    """What the promise rests on: a file whose sizes are wrong is refused before arrays are read."""
    path = tmp_path / "file"
    path.write_bytes(seeds["imputer"])
    read = []
    monkeypatch.setattr(archive.StoredArray, "read", lambda stored, file: read.append(stored))
    with open(path, "rb") as file:
        own = archive.Archive(file)
        reader = file_format.Reader([one.promise for one in own.stored], {}, archive=own)
        reader.decode({"estimator": own.document["estimator"]})
        reader.check_all_used()
    assert read == []
    assert all(one.promise.strides == (0,) * one.promise.ndim for one in own.stored)


def test_arrays_beyond_the_machines_memory():
    check_memory(2**20)
    with pytest.raises(UnusableError, match=r"holds 1024\.0 PiB|holds 1073741824\.0 GiB of arrays"):
        check_memory(2**60)


def test_no_estimator_needs_a_backend_to_be_loaded(seeds, tmp_path):
    paths = list(map(str, written(tmp_path, seeds.items())))
    program = f"""
import sys, skae
for path in {paths}:
    skae.load(path)
    assert not {{"keras", "jax"}} & set(sys.modules), path
"""
    root = str(Path(skae.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_excerpts_read_no_more_than_they_show():
    assert excerpt([1, "a"]) == '[1, "a"]'
    assert excerpt(["x"] * 10**6) == '["x", ' + '"x", ' * 10 + '"...'
    nested = []
    for _ in range(10_000):
        nested = [nested]
    assert excerpt(nested) == "[" * 57 + "..."


@pytest.mark.parametrize("text", ["[[],[],[]]", '{"a": [1, {"b": []}]}', '["ä", "b"]', "[0.5,1.5]"])
def test_the_cost_of_a_document_is_no_less_than_what_it_takes(text):
    text = f"[{','.join([text] * 10_000)}]"
    json.loads("[]")
    tracemalloc.start()
    values = json.loads(text)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(values) == 10_000
    assert 0.9 * taken < archive.cost(text)


def test_archives_with_the_records_of_large_ones(bad_files, seeds, tmp_path, monkeypatch):
    """Sizes, places and the directory as they are from 2 GiB on, which nothing here has."""
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 100)
    content = bad_files.packed(bad_files.members_of(seeds["transformer"]))
    assert content.count(b"PK\6\6") == content.count(b"PK\6\7") == 1
    (tmp_path / "large").write_bytes(content)
    loaded = skae.load(tmp_path / "large")
    monkeypatch.undo()
    skae.save(loaded, tmp_path / "plain")
    assert (tmp_path / "plain").read_bytes() == seeds["transformer"]


# Saving


def test_what_no_file_holds_is_refused_when_it_is_saved(tmp_path, monkeypatch):
    path = tmp_path / "file"
    for params, error in (
        ({"column_weights": {(1, 2): 1.0}}, TypeError),
        ({"random_state": 2**70}, TypeError),
        ({"column_weights": np.ones(2**21 + 1)}, ValueError),
        ({"column_weights": {f"{number}": 1.0 for number in range(1000)}}, ValueError),
    ):
        monkeypatch.setattr(archive, "MOST_COST", 10**5)
        with pytest.raises(error):
            skae.save(AutoencoderTransformer(**params), path)
        assert os.listdir(tmp_path) == []


def test_save_counts_what_load_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(file_format, "MOST_OF_PARAMETERS", 10)
    for n, inner in ((5, 5), (5, 6)):  # of one estimator inside another
        weights = [np.ones(n - 2), np.ones(2)]
        autoencoder = AutoencoderTransformer(column_weights=np.ones(inner))
        detector = skae.AutoencoderOutlierDetector(autoencoder, contamination=weights)
        if n + inner > 10:
            with pytest.raises(ValueError, match="its parameters hold more than 10 numbers"):
                skae.save(detector, tmp_path / "file")
        else:
            skae.save(detector, tmp_path / "file")
            skae.load(tmp_path / "file")


@pytest.mark.parametrize(("wrap", "most"), [(lambda v: [v], 98), (lambda v: (v,), 49)])
def test_save_nests_as_deep_as_load(wrap, most, tmp_path):
    value = 1.0
    for _ in range(most):
        value = wrap(value)
    skae.save(AutoencoderTransformer(verbose=value), tmp_path / "file")
    assert skae.load(tmp_path / "file").verbose == value
    with pytest.raises(ValueError, match="more than 100 values inside one another"):
        skae.save(AutoencoderTransformer(verbose=wrap(wrap(value))), tmp_path / "file")


def test_errors_name_the_path_that_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("absent/model.skae", tmp_path / "absent" / "model.skae"):
        with pytest.raises(FileNotFoundError) as caught:
            skae.save(AutoencoderTransformer(), path)
        assert caught.value.filename == str(path)
        assert "part" not in str(caught.value)


def test_a_name_of_the_greatest_length(tmp_path):
    path = tmp_path / ("n" * 255)
    skae.save(AutoencoderTransformer(), path)
    skae.save(AutoencoderTransformer(1), path)
    assert skae.load(path).n_components == 1
    assert os.listdir(tmp_path) == [path.name]
    with pytest.raises(OSError, match="n") as caught:
        skae.save(AutoencoderTransformer(), f"{path}n")
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(skae.LoadError, match="no regular file"):
        skae.load(tmp_path / "pipe")
