"""Devices and processes that share the rows of a fit: the results are those of one."""

import copy
import json
import os
import pickle
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import several_devices
from cases import slow
from sklearn.base import clone

import skae
from skae._autoencoders._shares import check_undivided
from skae._engine.sharing import Devices

OF_SHARES = {"best epoch", "in parts"}
"""Cases in which each process holds out or parts the rows of its share."""


def start(*arguments):
    root = str(Path(skae.__file__).parents[1])  # a script looks in its own folder alone
    return subprocess.Popen(
        [sys.executable, several_devices.__file__, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": root},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait(process, timeout=600):
    """What a process wrote to its standard error, and its exit status."""
    return process.communicate(timeout=timeout)[1], process.returncode


def in_processes(kind, path, *names, n_processes=2):
    """Start a program in several processes that know each other."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    return [
        start(kind, path, *names, "--", address, number, n_processes)
        for number in range(n_processes)
    ]


def results_of(kind, path, *names):
    """What each of two processes gave, all of which must end well."""
    for errors, status in list(map(wait, in_processes(kind, path, *names))):
        assert status == 0, errors
    return [json.loads(Path(f"{path}.{number}").read_text()) for number in (0, 1)]


def assert_close(one, other):
    """The losses agree to 1e-5, as single precision and another order of sums allow."""
    assert set(one) == set(other)
    for name in set(one) - {"code"}:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(one["code"], other["code"], rtol=1e-3, atol=1e-4)


def on_devices(kind, path, *names):
    errors, status = wait(start(kind, path, *names))
    assert status == 0, errors
    return json.loads(Path(path).read_text())


def assert_alike_on_devices(results):
    for name, of_case in results.items():
        for n_devices in ("2", "4"):
            assert_close(of_case["1"], of_case[n_devices])
        assert len(of_case["1"]["loss"]) > 1, name


@pytest.mark.slow
def test_losses_are_those_of_one_device(tmp_path):
    """203 rows, batches of 30: neither divides by four."""
    assert_alike_on_devices(on_devices("one", tmp_path / "one", "masking, 30"))


@pytest.fixture(scope="module")
def fitted():
    X = np.random.default_rng(0).normal(size=(40, 3))
    return skae.AutoencoderTransformer(1, max_iter=2, solver="sgd", random_state=0).fit(X), X


def test_more_devices_than_there_are_are_refused_and_the_fit_stays(fitted):
    estimator, X = copy.deepcopy(fitted[0]), fitted[1]
    codes = estimator.transform(X)
    estimator.set_params(devices=64)
    with pytest.raises(ValueError, match=r"devices=64 is more than the 1 .*\(cpu\).*at most 1, or"):
        estimator.fit(X)
    elsewhere = pickle.loads(pickle.dumps(estimator))
    assert elsewhere.devices == 64
    np.testing.assert_array_equal(elsewhere.transform(X), codes)
    for wrong in (0, 1.5, "some"):
        with pytest.raises(ValueError, match="The 'devices' parameter"):
            estimator.set_params(devices=wrong).fit(X)


def test_one_device_is_the_one_that_there_is_without_devices(fitted):
    """The same program, so the same bits."""
    estimator, X = fitted
    for devices in (1, "all"):
        made = skae._engine.program_info()["made"]
        other = clone(estimator).set_params(devices=devices).fit(X)
        assert skae._engine.program_info()["made"] == made
        np.testing.assert_array_equal(other.transform(X), estimator.transform(X))


def test_files_keep_no_devices_and_checkpoints_do_not_compare_them(fitted, tmp_path):
    estimator, X = fitted
    skae.save(clone(estimator).set_params(devices=64), tmp_path / "file")
    assert skae.load(tmp_path / "file").devices is None
    checkpointed = clone(estimator).set_params(checkpoint=tmp_path / "fit").fit(X)
    written = (tmp_path / "fit").read_bytes()
    other = clone(checkpointed).set_params(devices="all").fit(X)
    assert (tmp_path / "fit").read_bytes() == written  # taken from there
    np.testing.assert_array_equal(other.transform(X), estimator.transform(X))


def test_mixed_rows_need_batches_that_the_devices_divide():
    four = Devices(SimpleNamespace(size=4))
    check_undivided(four, 32, 203)
    with pytest.raises(ValueError, match="devices=4 do not divide batch_size=30"):
        check_undivided(four, 30, 203)


@slow
def test_every_fit_is_that_of_one_device(tmp_path):
    assert_alike_on_devices(on_devices("one", tmp_path / "one", *several_devices.cases()))


@slow
def test_two_processes_give_what_one_gives(tmp_path):
    # Shares are cut so that batches of one size are those of one process.
    names = [name for name in several_devices.cases() if name not in several_devices.OTHER_BATCHES]
    one, other = results_of("share", tmp_path / "share", *names)
    assert one == other  # to the bit
    alone = on_devices("ordered", tmp_path / "alone", *names)
    for name in names:
        assert len(one[name]["loss"]) > 1
        if name not in OF_SHARES:
            assert_close(one[name], alone[name]["all"])


@slow
def test_a_lost_process_ends_the_other_and_a_checkpoint_goes_on(tmp_path):
    path = tmp_path / "killed"
    path.mkdir()
    survivor, victim = in_processes("killed", path, 8)
    assert wait(victim)[1] == -9
    lost = time.monotonic()
    _, status = wait(survivor, timeout=60)
    assert status not in (0, None)
    assert time.monotonic() - lost < 60
    whole = tmp_path / "whole"
    whole.mkdir()
    for folder in (path, whole):  # with the checkpoint, and without
        for errors, status in list(map(wait, in_processes("killed", folder, -1))):
            assert status == 0, errors
    results = [
        json.loads((folder / f"result.{number}").read_text())
        for folder in (path, whole)
        for number in (0, 1)
    ]
    assert results[0] == results[1] == results[2] == results[3]
    assert len(results[0]["loss"]) == several_devices.N_EPOCHS


@slow
def test_what_one_process_does_wrong_ends_in_all(tmp_path):
    one, other = results_of("refused", tmp_path / "refused")
    assert "devices must be 'all' or None where 2 processes" in one["a number"]
    assert one["bad rows"].startswith("RuntimeError: Process 1 of 2 ended with ValueError: ")
    assert other["bad rows"].startswith("ValueError: ")
    assert "NaN" in one["bad rows"]
    assert "NaN" in other["bad rows"]
    assert one["bad blocks"] == "RuntimeError: Process 1 of 2 ended with OSError: the disk is gone"
    assert other["bad blocks"] == "OSError: the disk is gone"
    for results, number in ((one, 1), (other, 0)):
        differs = f"ValueError: .* process {number} differs from process {1 - number} in"
        assert_matches(f"{differs} n_components", results["other parameters"])
        assert_matches(f"{differs} the number of features", results["other width"])
    for name, part in {
        "table": "columns of categories",
        "trimming": "trim_fraction cannot be used",
        "uneven": "equal numbers of batches",
        "imputer": "must have devices=None",
    }.items():
        assert part in one[name]
        assert one[name] == other[name]


def assert_matches(pattern, text):
    assert re.match(pattern, text, re.S), text


@slow
def test_ctrl_c_in_one_process_ends_the_training_of_all(tmp_path):
    one, other = results_of("interrupted", tmp_path / "interrupted")
    assert one == other
    assert one["reason"] == "interrupt"
    assert len(one["loss"]) == 4
