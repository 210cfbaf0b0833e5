"""What `verbose` shows: lines, bars, epochs and the time that is left."""

import io
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from cases import slow

from skae import AutoencoderTransformer
from skae._autoencoders import _report
from skae._autoencoders._report import Report, in_words

X = np.random.default_rng(0).normal(size=(30, 4))
LINE = re.compile(r"Epoch (\d+) of (\d+), loss = \S+?(, validation loss = \S+?)?(, .* left)?$")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """A second passes before each epoch."""

    def __init__(self, monkeypatch, seconds=1.0):
        self.now, self.seconds = 100.0, seconds
        monkeypatch.setattr(_report, "time", SimpleNamespace(monotonic=self))

    def __call__(self):
        self.now += self.seconds
        return self.now


def training(n_epochs=0):
    return SimpleNamespace(n_epochs=n_epochs, history={"loss": [0.0]})


def shown(report, one, losses, layer=None):
    for loss in losses:
        one.n_epochs += 1
        one.history["loss"].append(loss)
        report.epoch(one, layer)


def fitted(**params):
    model = AutoencoderTransformer(1, hidden_layer_sizes=(2,), max_iter=4, random_state=0)
    return model.set_params(**params)


def test_a_fit_is_silent_unless_asked(capsys):
    fitted().fit(X)
    assert capsys.readouterr() == ("", "")


def test_a_line_an_epoch_with_pretraining_counted(capsys):
    model = fitted(verbose=1, pretraining="layerwise").fit(X, X_val=X[:4])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[:4]] == [
        f"Pretraining of layer {layer} of 2: epoch {epoch} of 2"
        for layer in (1, 2)
        for epoch in (1, 2)
    ]
    found = [LINE.match(line) for line in lines[4:]]
    assert [match[1] for match in found] == ["1", "2", "3", "4"]
    assert {match[2] for match in found} == {"4"}
    assert f"validation loss = {model.val_loss_curve_[-1]:.6g}" in lines[-1]
    model.set_params(warm_start=True, pretraining=None, verbose=2).fit(X)
    assert capsys.readouterr().out.startswith("Epoch 5 of 8, loss = ")


def test_trials_of_alpha_are_announced(capsys):
    wide = np.random.default_rng(0).normal(size=(20, 30))
    fitted(verbose=2, max_iter=10, tol=0.0).fit(wide)
    lines = capsys.readouterr().out.splitlines()
    n_trials = len(lines) - 10
    assert n_trials >= 2
    assert lines[:n_trials] == [
        f"Choosing alpha on rows held out: trial {trial} of at most 5"
        for trial in range(1, n_trials + 1)
    ]
    assert all(LINE.match(line) for line in lines[n_trials:])


def test_time_left_is_that_of_all_epochs_to_come(monkeypatch, capsys):
    Clock(monkeypatch)
    report = Report(1, n_layers=2, n_layer_epochs=3, n_epochs=10)
    shown(report, training(), [3.0, 2.0], layer=0)
    shown(report, training(), [1.0, 0.5])
    report.close()
    lines = capsys.readouterr().out.splitlines()
    # The first epoch of a network compiles, and says nothing of those that follow.
    assert lines[0].endswith("loss = 3")
    assert lines[1].endswith("loss = 2, at most 14 s left")  # 1 here, 3 of layer 2, 10 of all
    assert lines[2:] == ["Epoch 1 of 10, loss = 1", "Epoch 2 of 10, loss = 0.5, at most 8 s left"]


def test_a_bar_in_a_terminal(monkeypatch):
    Clock(monkeypatch, seconds=0.06)  # two epochs between drawings
    monkeypatch.setattr(sys, "stdout", Terminal())
    report = Report(True, n_layers=0, n_layer_epochs=0, n_epochs=10)
    shown(report, training(), np.linspace(1.0, 0.1, 10)[:7])
    report.close()
    drawn = sys.stdout.getvalue()
    assert drawn.endswith("\n")
    states = drawn.rstrip("\n").split("\r")[1:]
    assert [re.search(r"Epoch (\d+)", state)[1] for state in states] == ["1", "3", "5", "7"]
    assert states[-1].startswith("[" + "#" * 14 + "." * 6 + "]")


def test_the_last_epoch_is_drawn_however_fast(monkeypatch):
    Clock(monkeypatch, seconds=0.001)
    monkeypatch.setattr(sys, "stdout", Terminal())
    report = Report(1, n_layers=0, n_layer_epochs=0, n_epochs=5)
    shown(report, training(), [5.0, 4.0, 3.0])
    report.close()
    report.close()
    assert "Epoch 3 of 5" in sys.stdout.getvalue().split("\r")[-1]
    assert sys.stdout.getvalue().count("\n") == 1


def test_a_narrow_terminal_is_not_wrapped(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr(sys, "stdout", Terminal())
    report = Report(1, n_layers=0, n_layer_epochs=0, n_epochs=5)
    shown(report, training(), [5.0])
    assert len(sys.stdout.getvalue()) <= 30


@slow
def test_a_fit_that_fails_ends_its_bar(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(ValueError, match="loss became"), np.errstate(all="ignore"):
        fitted(verbose=1, solver="sgd", learning_rate_init=30.0, max_iter=200, init="random").fit(X)
    assert sys.stdout.getvalue().endswith("\n")


@pytest.mark.parametrize("verbose", [2, 10])
def test_lines_in_a_terminal_if_asked(verbose, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    report = Report(verbose, n_layers=0, n_layer_epochs=0, n_epochs=5)
    shown(report, training(), [1.0])
    assert sys.stdout.getvalue() == "Epoch 1 of 5, loss = 1\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, ""),
        (0.4, ", less than 1 s left"),
        (61.0, ", at most 61 s left"),
        (150.0, ", at most 2.5 min left"),
        (9000.0, ", at most 2.5 h left"),
    ],
)
def test_seconds_in_words(seconds, words):
    assert in_words(seconds) == words
