"""The contender skae."""

from contextlib import redirect_stdout

import numpy as np

from peers.contenders import Fitted, grid_search
from peers.job import IMAGE_SIDE, KERNEL_SIZE
from skae import AutoencoderTransformer


def fit(X, job, clock):
    """Fit an estimator."""
    with redirect_stdout(clock):
        estimator = make_estimator(job, verbose=True).fit(X)
    return Fitted(estimator.reconstruct, estimator.model_.count_params())


def search(X, job, grid):
    """Search with GridSearchCV."""
    values = {"learning_rate_init": grid.step_sizes, "alpha": grid.alphas}
    return grid_search(make_estimator(job), values, grid.n_folds, X).reconstruct


def encoder(X, job):
    """The transform of an estimator fitted to X."""
    return make_estimator(job).fit(X).transform


def make_estimator(job, **params):
    """Make the estimator of a job."""
    return AutoencoderTransformer(
        job.n_components,
        hidden_layer_sizes=job.hidden,
        activation="relu",
        code_activation="relu",
        output_activation="logistic" if job.is_logistic else "identity",
        architecture=make_architecture(job),
        loss=job.loss,
        alpha=job.alpha,
        learning_rate_init=job.step_size,
        learning_rate="constant",
        batch_size=job.batch_size,
        max_iter=job.n_epochs,
        n_iter_no_change=np.inf,
        random_state=job.seed,
        **params,
    )


def make_architecture(job):
    """Make the convolutional architecture of a job; None for dense layers."""
    if not job.filters:
        return None
    from skae.architectures import Conv

    return Conv(
        (IMAGE_SIDE, IMAGE_SIDE),
        filters=job.filters,
        kernel_size=KERNEL_SIZE,
        downsampling="stride",
        activation="relu",
    )
