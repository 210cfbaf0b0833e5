"""Fits that can be killed: what a fit has reached is kept in a file, and taken up from there."""

import os
import time

from sklearn.base import BaseEstimator

from .._engine import content_digest
from ._identity import differences, identity
from ._warnings import warn

LEAST_SECONDS = 10.0
"""Time between two checkpoints, unless another is asked for."""

SHARE_OF_WRITING = 0.01
"""Most of the time that writing takes, unless a time between two checkpoints is asked for."""

SUFFIX = ".checkpoint"
"""How the names end that files get in a folder."""

WHOLE = "network"
"""Name of the training of the whole network."""


class Checkpoint(BaseEstimator):
    """Where a fit keeps what it has reached, and how often, as the parameter `checkpoint`.

    Parameters
    ----------
    path : str or os.PathLike
        A file, which holds one fit; or a folder, in which each fit has a file of its own. A path
        that ends in a slash, or is an existing folder, is a folder.
    every : float or None, default=None
        Seconds of training between two checkpoints, in the range [0, inf); 0 writes one after each
        epoch. None takes 10 seconds, or more where writing would take over 1 % of the time.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer, Checkpoint
    >>> X = load_digits().data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = Checkpoint(f"{folder}/digits.checkpoint", every=60)
    ...     autoencoder = AutoencoderTransformer(
    ...         8, max_iter=20, random_state=0, checkpoint=checkpoint
    ...     )
    ...     codes = autoencoder.fit_transform(X)
    ...     again = autoencoder.fit_transform(X)  # does not train again
    >>> bool((codes == again).all())
    True
    """

    def __init__(self, path, *, every=None):
        self.path = path
        self.every = every

    def check(self):
        """Refuse parameters that make no sense.

        Raises
        ------
        TypeError, ValueError
            If there are any.
        """
        if not isinstance(self.path, (str, os.PathLike)):
            raise TypeError(f"checkpoint must have a path, got {self.path!r}.")
        if not os.fspath(self.path):
            raise ValueError("checkpoint must name a file or a folder, got an empty path.")
        if self.every is not None and not self.every >= 0:
            raise ValueError(f"every must be a number of seconds of at least 0, got {self.every}.")


class FitProgress:
    """What a fit has reached, for another process to go on from.

    Parameters
    ----------
    seed : int
    file : CheckpointFile, default=None
        Where it is kept; None keeps nothing.

    Attributes
    ----------
    alpha : float or None
        The weight of the penalty, where ``alpha="auto"`` chose it.
    trainings : dict of str to Progress
        The trainings of the fit so far. That of the whole network needs none of those before.
    """

    def __init__(self, seed, file=None):
        self.seed, self.file = seed, file
        self.alpha, self.trainings = None, {}

    @property
    def has_ended(self):
        """Whether the whole network was trained to the end."""
        return WHOLE in self.trainings and self.trainings[WHOLE].ended

    def run(self, name, training, *arguments):
        """Run a training, or the rest of it, and keep what it gives."""
        earlier = self.trainings.get(name)
        training.run(*arguments, progress=earlier)
        if self.file is not None and not (earlier and earlier.ended):
            self.keep(name, training)

    def keep_if_due(self, name, training):
        """Keep what a training has reached if it is time to."""
        if self.file is not None and self.file.is_due:
            self.keep(name, training)

    def keep(self, name, training):
        """Write a checkpoint."""
        start = time.monotonic()
        before = {} if name == WHOLE else self.trainings
        self.trainings = {**before, name: training.progress()}
        self.file.write(self, start)


def resumed_progress(fit, rows, seed):
    """The `FitProgress` of a fit: from its file, if there is one.

    Parameters
    ----------
    fit : Fit
    rows : TrainingSet
        Its arguments.
    seed : int
        That of a new fit.

    Raises
    ------
    ValueError
        If the file is of another fit, or no checkpoint.
    """
    checkpoint = fit.estimator.checkpoint
    if checkpoint is None or fit.incremental:
        return FitProgress(seed)
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(checkpoint)
    checkpoint.check()
    is_drawn = fit.estimator.random_state is None and fit.start is None
    known_seed, file, content = None if is_drawn else seed, None, None
    own = identity(fit.estimator, rows, fit.start, known_seed, fit.devices)
    with fit.devices.together():
        if fit.devices.process == 0:  # whose file is that of all processes
            file = CheckpointFile(checkpoint, own)
            content = file.read()
    content = fit.devices.of_first(content)
    if content is None:
        return FitProgress(seed, file)
    earlier = FitProgress(content["seed"], file)
    earlier.alpha, earlier.trainings = content["alpha"], content["trainings"]
    if file is None:
        return earlier
    if is_drawn and earlier.has_ended:
        warn(
            f"This fit had already ended in {file.path!r} and is taken from there, with the random "
            "numbers it had then. Remove the file, or set random_state, for others."
        )
    if fit.estimator.verbose:
        print(f"Going on from {file.path}", flush=True)
    return earlier


class CheckpointFile:
    """The file of one fit.

    Parameters
    ----------
    checkpoint : Checkpoint
    identity : dict
        Which fit it is.
    """

    def __init__(self, checkpoint, identity):
        self.path = path_of(checkpoint.path, identity)
        self.identity, self.every = identity, checkpoint.every
        self._signature = None
        self._is_lost = False
        self._last, self._duration = time.monotonic(), 0.0

    def read(self):
        """The content of the file, None if there is none.

        Raises
        ------
        ValueError
            If it is of another fit, or no checkpoint.
        """
        from .._persistence.refusal import UnusableError  # which imports the estimators

        try:
            content = self._content()
        except UnusableError as error:
            raise ValueError(
                f"checkpoint {self.path!r} cannot be read: {error} Give another path, "
                "or remove the file if it is a damaged checkpoint."
            ) from error
        if content is not None and (changes := differences(content, self.identity)):
            raise ValueError(
                f"checkpoint {self.path!r} is of another fit: {'; '.join(changes)}. Fit as before "
                "to go on from it. To train anew, remove the file, or give another path; a folder "
                "holds the checkpoints of any number of fits."
            )
        return content

    def _content(self):
        from .._persistence.checkpoints import read_checkpoint  # which imports the estimators

        self._signature = signature(self.path)
        return None if self._signature is None else read_checkpoint(self.path)

    @property
    def is_due(self):
        """Whether it is time for a checkpoint."""
        pause = self.every
        if pause is None:
            pause = max(LEAST_SECONDS, self._duration / SHARE_OF_WRITING)
        return time.monotonic() - self._last >= pause

    def write(self, progress, start):
        """Write what a fit has reached; one that cannot be kept is trained all the same.

        Parameters
        ----------
        progress : FitProgress
        start : float
            When this began, for the cost of it.
        """
        from .._persistence.checkpoints import write_checkpoint

        content = {
            "identity": self.identity,
            "seed": progress.seed,
            "alpha": progress.alpha,
            "trainings": progress.trainings,
        }
        try:
            if self._is_own(progress.seed):
                write_checkpoint(self.path, content)
                self._signature = signature(self.path)
        except (OSError, TypeError, ValueError) as error:  # or of what files do not hold
            warn(
                f"The checkpoint {self.path!r} cannot be written ({error}); the training goes on, "
                "and what is there stays."
            )
        self._last = time.monotonic()
        self._duration = self._last - start

    def _is_own(self, seed):
        """Whether the file is still that of this fit, or of an equal one at the same time."""
        from .._persistence.refusal import UnusableError

        if self._is_lost or signature(self.path) in (None, self._signature):
            return not self._is_lost
        try:
            content = self._content()
            same = content is None or (
                content["seed"] == seed and not differences(content, self.identity)
            )
        except UnusableError:
            same = False
        if not same:
            self._is_lost = True
            warn(
                f"Another fit has written to the checkpoint {self.path!r}, which is left to it. "
                "The training goes on without. Give a folder, in which each fit has its own file."
            )
        return same


def signature(path):
    """What changes when another file takes the place of that at `path`; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def path_of(path, identity):
    """The file of a fit: `path` itself, or if it is a folder, one in it that only this fit has.

    Versions have no part in its name, so that a file of an earlier one is found and refused.

    Raises
    ------
    OSError
        If no file can be written there.
    """
    text = os.fsdecode(path)
    if text.endswith(("/", os.sep)) or os.path.isdir(text):
        os.makedirs(text, exist_ok=True)
        known = {kind: texts for kind, texts in identity.items() if kind != "versions"}
        name = f"{identity['fit']['estimator'][0]}-{content_digest(_digests(known))[:24]}{SUFFIX}"
        text = os.path.join(text, name)
    text = os.path.realpath(text)
    folder = os.path.dirname(text)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"checkpoint {text!r} is in a folder that does not exist.")
    if os.path.exists(text) and not os.path.isfile(text):
        raise FileExistsError(f"checkpoint {text!r} is no regular file.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"checkpoint {text!r} is in a folder that cannot be written to.")
    return text


def _digests(identity):
    """The digests of an identity alone."""
    return {
        kind: {name: digest for name, (_, digest) in texts.items()}
        for kind, texts in identity.items()
    }
