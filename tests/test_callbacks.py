"""Callbacks that look: what they are told of, what they write, and that they change nothing."""

import csv
import os
import pickle
import stat

import numpy as np
import pytest
from cases import slow
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer
from skae._sklearn_compat import HAS_CALLBACKS
from skae._tensorboard import checksum, record, scalars_event, version_event
from skae.callbacks import CSVLogger, EpochObserver, TensorBoardLogger

needs_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn before 1.9")

X = np.random.default_rng(0).normal(size=(40, 4))


def autoencoder(**params):
    return AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=3, random_state=0, **params)


class Recorder(EpochObserver):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, fit, logs):
        self.seen.append((fit, dict(logs)))
        return True  # which must not end the training


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# What they are told of


@needs_callbacks
def test_an_observer_sees_what_is_recorded_and_changes_nothing():
    recorder = Recorder()
    fitted = autoencoder().set_callbacks(recorder).fit(X, X_val=X[:5])
    plain = autoencoder().fit(X, X_val=X[:5])
    np.testing.assert_array_equal(fitted.transform(X), plain.transform(X))
    assert [logs["epoch"] for _, logs in recorder.seen] == [1, 2, 3]
    for name in ("loss", "val_loss", "learning_rate"):
        assert [logs[name] for _, logs in recorder.seen] == plain.history_[name]
    assert len({fit for fit, _ in recorder.seen}) == 1


@needs_callbacks
def test_clones_and_copies_keep_their_callbacks():
    recorder = Recorder()
    clone(autoencoder().set_callbacks(recorder)).fit(X)
    assert len(recorder.seen) == 3
    for logger in (CSVLogger("log.csv"), TensorBoardLogger("runs")):
        assert repr(pickle.loads(pickle.dumps(logger))) == repr(logger)


@needs_callbacks
@slow
def test_each_fit_of_a_search_and_each_pretrained_layer_has_a_name():
    recorder = Recorder()
    deep = AutoencoderTransformer(1, hidden_layer_sizes=(2,), max_iter=3, random_state=0)
    pipe = make_pipeline(StandardScaler(), deep.set_params(pretraining="layerwise"))
    search = GridSearchCV(pipe, {"autoencodertransformer__alpha": [0.0, 0.1]}, cv=2)
    search.set_callbacks(recorder).fit(X)
    fits = dict.fromkeys(fit for fit, _ in recorder.seen)
    assert len(fits) == (2 * 2 + 1) * 3  # fits and the last one, each with two layers
    root = next(iter(fits)).split("/")[0]
    assert root.startswith("GridSearchCV-")
    assert f"{root}/search/Pipeline-3/AutoencoderTransformer-1" in fits
    assert f"{root}/Pipeline-1/AutoencoderTransformer-1/layer 2" in fits
    refitted = [logs["loss"] for fit, logs in recorder.seen if fit.endswith("-1/layer 2")]
    assert len(refitted) == 5  # ceil(3 / 3) epochs of each


# CSV


@needs_callbacks
def test_csv_holds_the_history(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(path)
    fitted = autoencoder().set_callbacks(logger).fit(X, X_val=X[:5])
    plain = autoencoder().set_callbacks(logger).fit(X)
    rows = rows_of(path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"] * 2
    assert [float(row["loss"]) for row in rows] == fitted.loss_curve_ + plain.loss_curve_
    assert [float(row["val_loss"]) for row in rows[:3]] == fitted.val_loss_curve_
    assert [row["val_loss"] for row in rows[3:]] == [""] * 3
    assert [row["fit"] == rows[0]["fit"] for row in rows] == [True] * 3 + [False] * 3


@needs_callbacks
@pytest.mark.parametrize("content", ["a,b\n1,2\n", "text"])
def test_csv_refuses_files_of_others(tmp_path, content):
    path = tmp_path / "log.csv"
    path.write_text(content)
    model = autoencoder().set_callbacks(CSVLogger(path))
    with pytest.raises(ValueError, match="was not written by CSVLogger"):
        model.fit(X)
    assert path.read_text() == content
    assert not hasattr(model, "loss_curve_")


@needs_callbacks
@pytest.mark.parametrize("logger", [CSVLogger, TensorBoardLogger])
def test_a_place_that_cannot_be_written_to(tmp_path, logger):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        autoencoder().set_callbacks(logger(tmp_path / "file" / "log")).fit(X)


@needs_callbacks
def test_a_disk_that_fails_costs_a_warning_and_no_training(tmp_path, monkeypatch):
    def fail(descriptor, content):
        raise OSError("No space left on device")

    model = autoencoder().set_callbacks(TensorBoardLogger(tmp_path))
    monkeypatch.setattr(os, "write", fail)
    with pytest.warns(UserWarning, match="TensorBoardLogger cannot write .*No space") as warned:
        model.fit(X)
    assert sum("cannot write" in str(one.message) for one in warned) == 1
    assert model.n_iter_ == 3


@needs_callbacks
@slow
def test_processes_share_a_csv_file(tmp_path):
    path = tmp_path / "log.csv"
    search = GridSearchCV(autoencoder(), {"alpha": [0.0, 0.1]}, cv=2, n_jobs=2)
    search.set_callbacks(CSVLogger(path)).fit(X)
    rows = rows_of(path)
    assert len(rows) == (2 * 2 + 1) * 3
    assert all(float(row["loss"]) > 0 for row in rows)
    if os.name == "posix":
        assert stat.S_ISREG(path.stat().st_mode)


# TensorBoard


def test_checksum():
    assert checksum(b"123456789") == 0xE3069283  # RFC 3720, and the catalogue of CRCs
    assert checksum(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_records_are_those_that_tensorboard_writes():
    # Bytes that tensorboard 2.21's own RecordWriter gave for these events.
    assert record(version_event(1700000000.25)).hex() == (
        "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"
    )
    event = scalars_event(1700000000.5, 300, {"loss": 0.125, "val_loss": 2.5})
    assert record(event).hex() == (
        "2c00000000000000f4aecc450900002040fc54d94110ac022a1e0a0b0a046c6f7373150000003e"
        "0a0f0a0876616c5f6c6f73731500002040d316808f"
    )


@needs_callbacks
def test_a_run_of_tensorboard_is_one_fit(tmp_path):
    model = autoencoder().set_callbacks(TensorBoardLogger(tmp_path)).fit(X)
    (file,) = tmp_path.rglob("events.out.tfevents.*")
    assert file.parent.name.startswith("AutoencoderTransformer-")
    content = file.read_bytes()
    for number, loss in enumerate(model.loss_curve_, start=1):
        values = {"loss": loss, "learning_rate": model.history_["learning_rate"][number - 1]}
        # Without the time, which stands before the step.
        assert scalars_event(0.0, number, values)[9:] in content
    assert content.count(b"brain.Event:2") == 1
