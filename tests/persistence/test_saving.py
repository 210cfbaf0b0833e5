"""What `save` leaves in a folder: the file, its mode, and nothing else."""

import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

import skae
from skae import AutoencoderTransformer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes and signals of POSIX")

KILLED = """
import os, signal, sys
import numpy.lib.format
import skae
def write_array(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
numpy.lib.format.write_array = write_array
X = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.2]]
skae.save(skae.AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1).fit(X), sys.argv[1])
"""


@pytest.fixture(scope="module")
def model():
    X = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.2]]
    return AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1, random_state=0).fit(X)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(mode, model, tmp_path):
    path = tmp_path / "model.skae"
    path.write_text("secret")
    path.chmod(mode)
    skae.save(model, path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    skae.load(path)


def test_a_new_file_has_the_mode_of_new_files(model, tmp_path):
    (tmp_path / "other").write_text("")
    skae.save(model, tmp_path / "model.skae")
    assert (tmp_path / "model.skae").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_is_no_file_is_left_alone(model, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/null"):
        before = os.stat(path).st_mode
        with pytest.raises(OSError, match="is no regular file"):
            skae.save(model, path)
        assert os.stat(path).st_mode == before
    assert os.listdir(tmp_path) == ["pipe"]


def test_what_a_killed_call_leaves_the_next_one_removes(model, tmp_path):
    path = tmp_path / "model [1].skae"
    path.write_text("earlier")
    run = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert path.read_text() == "earlier"
    assert len(os.listdir(tmp_path)) == 2
    skae.save(model, tmp_path / "other.skae")
    assert len(os.listdir(tmp_path)) == 3  # not its own
    skae.save(model, path)
    assert sorted(os.listdir(tmp_path)) == ["model [1].skae", "other.skae"]


def test_calls_at_the_same_time_do_not_disturb_each_other(model, tmp_path):
    path, errors = tmp_path / "model.skae", []

    def save():
        try:
            for _ in range(20):
                skae.save(model, path)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["model.skae"]
    skae.load(path)
