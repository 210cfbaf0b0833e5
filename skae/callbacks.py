"""Callbacks for `set_callbacks` that look at the epochs of a fit, and change nothing of it.

They need scikit-learn 1.9, whose callbacks they follow. Set on an autoencoder, a pipeline or a
search, they see the epochs of each autoencoder in it. A clone shares its callbacks with the
original.
"""

import csv
import io
import os
import re
import time
from abc import ABC, abstractmethod
from pathlib import Path

from ._autoencoders._warnings import warn
from ._tensorboard import record, scalars_event, version_event

__all__ = ["CSVLogger", "EpochObserver", "TensorBoardLogger"]


class EpochObserver(ABC):
    """Base class of callbacks that are told of each epoch, like those of Keras.

    Implement `on_epoch_end`. Whatever it returns, the training goes on.

    Attributes
    ----------
    max_propagation_depth : None
        Lets scikit-learn pass the callback on to estimators in pipelines and searches.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skae import AutoencoderTransformer
    >>> from skae.callbacks import EpochObserver
    >>> class Lowest(EpochObserver):
    ...     loss = float("inf")
    ...
    ...     def on_epoch_end(self, fit, logs):
    ...         self.loss = min(self.loss, logs["loss"])
    >>> autoencoder = AutoencoderTransformer(2, max_iter=5, random_state=0)
    >>> lowest = Lowest()
    >>> autoencoder = autoencoder.set_callbacks(lowest).fit(load_iris().data)
    >>> lowest.loss == autoencoder.best_loss_
    True
    """

    max_propagation_depth = None

    @abstractmethod
    def on_epoch_end(self, fit, logs):
        """An epoch ended.

        Parameters
        ----------
        fit : str
            Names the fit, or the layer that is pretrained, by its path through pipelines and
            searches, such as "GridSearchCV-1f3a09c2/search/Pipeline-2/AutoencoderTransformer-1".
            What follows the first name differs from call to call of `fit`; further numbers count
            the candidates and folds of a search, and the steps of a pipeline.
        logs : dict of str to float
            "epoch", "loss", "learning_rate" and, with validation rows, "val_loss".
        """

    # What scikit-learn asks of a callback, for a subclass to replace if it needs to.

    def setup(self, estimator, context):  # noqa: B027
        """A fit begins; see scikit-learn's `FitCallback`."""

    def teardown(self, estimator, context):  # noqa: B027
        """A fit ended; see scikit-learn's `FitCallback`."""

    def on_fit_task_begin(self, estimator, context):  # noqa: B027
        """A part of a fit begins; see scikit-learn's `FitCallback`."""

    def on_fit_task_end(self, estimator, context):
        """A part of a fit ended; see scikit-learn's `FitCallback`."""
        logs = getattr(context, "skae_recorded", None)
        if logs is not None:
            self.on_epoch_end(path_of(context.parent), logs)


def path_of(context):
    """Name of a task: those of the tasks that it is part of, and the identity of the whole fit."""
    names = []
    while context.parent is not None:
        name = context.estimator_name if context.task_name == "fit" else context.task_name
        is_numbered = context.task_name in ("fit", "epoch")
        names.append(f"{name}-{context.task_id}" if is_numbered else name)
        context = context.parent
    names.append(f"{context.estimator_name}-{str(context.root_uuid)[:8]}")
    return "/".join(reversed(names))


class _FileLogger(EpochObserver):
    """What the loggers share: a file that cannot be written costs a warning, not the training."""

    _has_failed = False

    def on_epoch_end(self, fit, logs):
        """Write the epoch; see `EpochObserver.on_epoch_end`."""
        try:
            self._write(fit, logs)
        except OSError as error:
            if not self._has_failed:
                warn(
                    f"{type(self).__name__} cannot write ({error}). The training goes on, and "
                    "epochs may be left out."
                )
            self._has_failed = True

    def __repr__(self):
        return f"{type(self).__name__}({str(self._path)!r})"


class CSVLogger(_FileLogger):
    """Writes a line an epoch to a CSV file.

    The columns are fit (see `EpochObserver.on_epoch_end`), epoch, loss, val_loss (empty without
    validation rows), learning_rate, and time (seconds since 1970, UTC). Lines are written at once,
    and those of several processes do not mix. An existing file is continued.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from sklearn.datasets import load_iris
    >>> from skae import AutoencoderTransformer
    >>> from skae.callbacks import CSVLogger
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     autoencoder = AutoencoderTransformer(2, max_iter=5, random_state=0)
    ...     autoencoder = autoencoder.set_callbacks(CSVLogger(f"{folder}/log.csv"))
    ...     autoencoder = autoencoder.fit(load_iris().data)
    ...     log = pd.read_csv(f"{folder}/log.csv")
    >>> log["epoch"].tolist()
    [1, 2, 3, 4, 5]
    """

    COLUMNS = ("fit", "epoch", "loss", "val_loss", "learning_rate", "time")

    def __init__(self, path):
        self._path = Path(path)

    def setup(self, estimator, context):
        """Begin the file.

        Raises
        ------
        OSError
            If it cannot be written.
        ValueError
            If it is another file.
        """
        head = _csv_line(self.COLUMNS)
        try:
            with open(self._path, "xb") as file:
                file.write(head)
        except FileExistsError:
            with open(self._path, "rb") as file:
                found = file.readline()
            if found and found != head:
                raise ValueError(
                    f"{self._path} exists, and was not written by CSVLogger."
                ) from None
            if not found:
                _append(self._path, head)

    def _write(self, fit, logs):
        values = [logs.get(name, "") for name in self.COLUMNS[1:-1]]
        _append(self._path, _csv_line([fit, *values, f"{time.time():.3f}"]))


class TensorBoardLogger(_FileLogger):
    """Writes event files that ``tensorboard --logdir`` shows, without TensorFlow.

    Each fit, and each layer that is pretrained, is a run with the scalars loss, val_loss (with
    validation rows) and learning_rate by epoch.

    Parameters
    ----------
    path : str or os.PathLike
        The folder. Each call of `fit` or `partial_fit` gets one of its own in it, named as in
        `EpochObserver.on_epoch_end`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from skae import AutoencoderTransformer
    >>> from skae.callbacks import TensorBoardLogger
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     autoencoder = AutoencoderTransformer(2, max_iter=5, random_state=0)
    ...     autoencoder = autoencoder.set_callbacks(TensorBoardLogger(folder))
    ...     autoencoder = autoencoder.fit(load_iris().data)
    ...     len(list(Path(folder).rglob("events.out.tfevents.*")))
    1
    """

    def __init__(self, path):
        self._path = Path(path)

    def setup(self, estimator, context):
        """Make the folder.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        self._path.mkdir(parents=True, exist_ok=True)

    def _write(self, fit, logs):
        folder = self._path / re.sub(r"[^\w./-]", "_", fit)
        # The name that TensorBoard looks for; one process alone trains a fit.
        file = folder / f"events.out.tfevents.0.{os.getpid()}"
        now, content = time.time(), b""
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            content = record(version_event(now))
        values = {name: value for name, value in logs.items() if name != "epoch"}
        _append(file, content + record(scalars_event(now, int(logs["epoch"]), values)))


def _csv_line(values):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def _append(path, content):
    """Add bytes in one piece, so that those of several processes do not mix."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
