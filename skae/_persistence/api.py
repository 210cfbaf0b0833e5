"""Files of estimators that hold data and no code; see `archive` and `file_format`."""

import json
import os
import stat

from .._version import __version__
from .archive import FORMAT, Archive, write_archive
from .file_format import PIECES, Reader, Writer, own_estimators
from .refusal import UnusableError

__all__ = ["LoadError", "load", "save"]

LONGEST_REASON = 400
"""Characters of what a file said that a message repeats."""


class LoadError(ValueError):
    """A file is not one that `load` can make an estimator of.

    Parameters
    ----------
    message : str
        Which file, and what was found in it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import skae
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "model.skae")
    ...     _ = path.write_text("no estimator")
    ...     try:
    ...         skae.load(path)
    ...     except skae.LoadError as error:
    ...         print(type(error).__name__)
    LoadError
    """

    def __init__(self, message):
        super().__init__(message)


def save(estimator, path):
    """Write an estimator to a file that holds data and no code.

    The file appears under its name only when it is complete. Where writing fails, what was there
    before stays. A file that is replaced keeps its mode.

    Parameters
    ----------
    estimator : AutoencoderTransformer, DenoisingAutoencoder or another estimator of skae
        Fitted or not. All is kept that decides what its methods return: parameters, weights,
        fitted attributes, what `partial_fit` goes on from, and the choice of `set_output`.
        Callbacks, metadata requests, `checkpoint` and `devices` are not.
    path : str or os.PathLike
        File to write; one that exists is replaced. Any extension will do.

    Raises
    ------
    TypeError
        If `estimator` is not one of skae's, or has a parameter that a file without code cannot
        hold: a `RandomState` instance, a Keras optimizer, a function, or any other object than an
        estimator of skae's, an `Architecture`, a `Corruption`, a `Loss` or a `Penalty`. Pickle
        keeps those.
    ValueError
        If a weight is infinite or NaN; or if there are more names of features and
        categories, about a million, than `load` accepts.
    OSError
        If the file cannot be written, or something else than a file has its name.

    See Also
    --------
    load : Read the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import skae
    >>> X = np.random.default_rng(0).uniform(size=(50, 4))
    >>> autoencoder = skae.AutoencoderTransformer(max_iter=2, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "autoencoder.skae")
    ...     skae.save(autoencoder, path)
    ...     loaded = skae.load(path)
    >>> np.array_equal(loaded.transform(X), autoencoder.transform(X))
    True
    """
    given = os.fsdecode(path)
    if type(estimator) not in own_estimators().values():
        raise TypeError(
            f"estimator must be one of {', '.join(own_estimators())}, got "
            f"{type(estimator).__name__}. Use joblib.dump for pipelines and other estimators."
        )
    writer = Writer(type(estimator).__name__)
    form = writer.encode(estimator, "estimator")
    document = {"format": FORMAT, "skae": __version__, **form}
    text = json.dumps(document, allow_nan=False, indent=1)
    try:
        write_archive(os.path.realpath(given), text, writer.arrays)
    except OSError as error:
        if error.filename is not None:  # that of the part, which the user does not know
            error.filename, error.filename2 = given, None
        raise


def load(path, *, trusted=()):
    """Read an estimator from a file written by `save`.

    Nothing in the file is run as code, so that a file from a stranger is safe to load. Sizes that
    the file says are compared with those that follow from its recipe before any array is read: a
    file that lies about them takes neither time nor memory.

    Parameters
    ----------
    path : str or os.PathLike
        File to read.
    trusted : sequence of classes, default=()
        Subclasses of `Architecture`, `Corruption`, `Loss` and `Penalty` that are not skae's own
        and that the file may name. They are found by the name of the class, in whichever module it
        now is.

    Returns
    -------
    estimator : AutoencoderTransformer, DenoisingAutoencoder or another estimator of skae
        In the state in which it was saved: it transforms to the same bits, trains on in the same
        way, and is saved to the same bytes.

    Raises
    ------
    LoadError
        If the file is not a complete and sound file of `save`, is of a version of the format that
        this skae does not read, names a class that is not in `trusted`, or holds more than the
        memory of this machine.
    TypeError
        If `trusted` holds something else than such classes.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    save : Write the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import skae
    >>> from skae.corruption import MaskingNoise
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "unfitted.skae")
    ...     skae.save(skae.DenoisingAutoencoder(corruption=MaskingNoise(0.5)), path)
    ...     skae.load(path)
    DenoisingAutoencoder(corruption=MaskingNoise(level=0.5))
    """
    trusted = _trusted(trusted)
    path = os.fsdecode(path)
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe could keep `open` waiting
            raise UnusableError("it is no regular file.")
        with open(path, "rb") as file:
            return _read(Archive(file), trusted)
    except OSError:
        raise
    except Exception as error:  # of any part of skae, that what a stranger wrote made fail
        known = isinstance(error, UnusableError)
        reason = str(error) if known else f"skae writes no such file ({_shortened(repr(error))})."
        cause = error.__cause__ if known else error
        raise LoadError(f"{path!r} cannot be loaded: {_shortened(reason)}") from cause


def _read(archive, trusted):
    """The estimator in an archive.

    It is decoded twice: at first with arrays that have type and shape but no numbers, so that all
    sizes are known to be right when memory is taken.
    """
    if "checkpoint" in archive.document:
        raise UnusableError(
            "it is the checkpoint of a fit, not an estimator. Give it to that estimator as "
            "checkpoint=path, and call fit, which goes on from it; then save."
        )
    form = {"estimator": archive.document.get("estimator")}
    first = Reader([stored.promise for stored in archive.stored], trusted, archive=archive)
    first.decode(form)
    first.check_all_used()
    check_memory(sum(stored.n_bytes for stored in archive.stored))
    arrays = [archive.read(number) for number in range(len(archive.stored))]
    return Reader(arrays, trusted).decode(form)


def check_memory(n_bytes):
    """Refuse arrays that are larger than the machine's memory, where that is known."""
    names = {"SC_PAGE_SIZE", "SC_PHYS_PAGES"}
    if names <= set(getattr(os, "sysconf_names", ())):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if n_bytes > memory > 0:
            raise UnusableError(
                f"it holds {n_bytes / 2**30:.1f} GiB of arrays, and this machine has "
                f"{memory / 2**30:.1f} GiB of memory."
            )


def _shortened(text):
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."


def _trusted(classes):
    """The classes a user trusts, by name."""
    classes = [classes] if isinstance(classes, (str, type)) else list(classes)
    by_name = {}
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, PIECES)):
            names = ", ".join(piece.__name__ for piece in PIECES)
            raise TypeError(f"trusted must hold subclasses of {names}, got {cls!r}.")
        if by_name.setdefault(cls.__name__, cls) is not cls:
            raise TypeError(f"trusted holds two classes of the name {cls.__name__!r}.")
    return by_name
