"""Fits in which several processes have a share of the rows each: what is refused there."""

from .._data.shared import SharedSet
from .._engine import content_digest
from ._identity import learned, parameter_digests
from ._warnings import warn


def check_share(estimator):
    """Refuse what is found from all rows, of which this process has but a share.

    Raises
    ------
    ValueError
        If the estimator asks for such.
    """
    asked = {
        "columns of categories, or column_weights,": estimator._table is not None,
        "trim_fraction": bool(estimator.trim_fraction),
    }
    for name, is_asked in asked.items():
        if is_asked:
            raise ValueError(
                f"{name} cannot be used where several processes have a share of the rows each "
                "(devices='all' after jax.distributed.initialize): they need all rows in one "
                "process. Encode or clean the data before."
            )


def check_agreement(fit, rows, X_val):
    """Refuse shares or parameters that differ between the processes of one fit.

    Raises
    ------
    ValueError
        With what differs, in all processes.
    """
    estimator = fit.estimator
    own = {
        "the estimator": type(estimator).__name__,
        "the method": "partial_fit" if fit.incremental else "fit",
        "the earlier fit": content_digest(learned(fit.start)),
        "checkpoint": estimator.checkpoint is not None,
        "the number of features": rows.X.n_features,
        "the names of features": list(getattr(estimator, "feature_names_in_", [])),
        "X_clean": rows.target is not rows.X,
        "X_val": X_val is not None,
        **parameter_digests(estimator),
    }
    for number, other in enumerate(fit.devices.gathered(own)):
        names = [name for name in own if other[name] != own[name]]
        if names:
            raise ValueError(
                "All processes of a fit with devices='all' must call it alike, but process "
                f"{number} differs from process {fit.devices.process} in {', '.join(names)}."
            )


def shared(rows, devices):
    """The rows of a fit, of which other processes have theirs."""
    if devices.n_processes == 1:
        return rows
    data = SharedSet(rows, devices)
    if data.has_copies:
        warn(
            "Several processes seem to have the same rows, which count as often as they are given. "
            "Give each process its own share, for instance "
            "X[jax.process_index() :: jax.process_count()]."
        )
    return data


def check_undivided(devices, batch_size, n_rows):
    """Refuse batches with padding in every one of them, where what rows become depends on others.

    The last batch of an epoch has padding on one device, too.

    Parameters
    ----------
    devices : Devices
    batch_size : int
    n_rows : int
        Those of this process.

    Raises
    ------
    ValueError
        If the devices do not divide a batch, or a process is out of rows long before another.
    """
    layout = devices.layout(batch_size, n_rows)
    if batch_size % devices.n:
        raise ValueError(
            f"devices={devices.n} do not divide batch_size={batch_size}, and a layer or the "
            "corruption mixes the rows of a batch (batch normalisation, swap noise, functions and "
            "layers of your own), which padding would change. Set batch_size to a multiple of "
            f"{devices.n}, or devices=None."
        )
    if len({-(-n // layout.rows) for n in layout.n_rows}) > 1:
        raise ValueError(
            f"The processes have {layout.n_rows} rows, of which {layout.rows} each make a batch: "
            "where a layer or the corruption mixes the rows of a batch, they must have equal "
            "numbers of batches. Give all about the same number of rows."
        )
