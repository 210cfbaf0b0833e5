"""The classes that a pickled or exported estimator consists of, for tools that ask for them."""

from .._autoencoders._checkpoint import Checkpoint
from .file_format import RECORDS, full_name, own_estimators, own_pieces


def trusted_types():
    """Names of skae's classes that a fitted estimator may consist of.

    Tools that load estimators without running code from a file ask which classes they may build:
    give them these.

    Returns
    -------
    names : list of str
        As ``"module.Class"``, sorted: the estimators, the architectures, corruption processes,
        losses and penalties, `Checkpoint`, and what a fitted estimator holds of its network.
        Classes of your own are yours to add.

    See Also
    --------
    save : skae's own files, which need no such list.

    Examples
    --------
    >>> import skae
    >>> len(skae.trusted_types()) > 20
    True

    With skops, and with mlflow, which writes its files by skops::

        skops.io.load("pipeline.skops", trusted=skae.trusted_types())
        mlflow.sklearn.save_model(pipeline, path, skops_trusted_types=skae.trusted_types())
    """
    classes = [*own_estimators().values(), *own_pieces().values(), *RECORDS.values(), Checkpoint]
    return sorted(full_name(cls) for cls in classes)
