"""What a fit leaves behind, by attribute."""

import numpy as np

from .._engine import SolverState, backend_name

PRIVATE = {"_network", "_slots", "_seed", "_table", "_is_stream"}
"""Attributes that a fit leaves behind under names that are not public; `_is_stream` is that of a
classifier or regressor."""


def is_fitted_name(name):
    """Whether an attribute is one that a fit leaves behind."""
    return name in PRIVATE or (name.endswith("_") and name[0] != "_")


def fitted_state(fit):
    """All that a `Fit` has learned, by attribute, from its training as it stands."""
    estimator, training = fit.estimator, fit.training
    history = joined({} if fit.start is None else fit.start.history_, training.history)
    on_validation = estimator.early_stopping and "val_loss" in history
    keeps_slots = fit.incremental or estimator.warm_start
    network = training.network()
    names = [name for name in ("n_features_in_", "feature_names_in_") if hasattr(estimator, name)]
    return {
        "_network": network,
        **{name: getattr(estimator, name) for name in names},
        "n_iter_": len(history["loss"]),
        "history_": history,
        "loss_curve_": list(history["loss"]),
        "val_loss_curve_": list(history["val_loss"]) if "val_loss" in history else None,
        "stop_reason_": training.stop_reason,
        "best_loss_": float(np.nanmin(history["val_loss" if on_validation else "loss"])),
        "_table": estimator._table,
        "mean_": fit.mean,
        "pca_error_": fit.pca_error,
        "alpha_": fit.alpha,
        "backend_": backend_name(),
        **estimator._extra_attributes(network),
        "_slots": SolverState(fit.solver.name, training.slots()) if keeps_slots else None,
        "_seed": fit.seed,
    }


def joined(earlier, new):
    """One history of two trainings; NaN stands for what was not recorded in an epoch."""

    def curve(history, name):
        return history.get(name, [float("nan")] * len(history.get("loss", [])))

    names = dict.fromkeys([*earlier, *new])
    return {name: curve(earlier, name) + curve(new, name) for name in names}
