"""The contender scikeras: Keras models, on its TensorFlow, as scikit-learn estimators."""

from dataclasses import replace

from scikeras.wrappers import KerasRegressor

from peers.contenders import grid_search
from peers.contenders.with_keras import make_model


def search(X, job, grid):
    """Search with GridSearchCV."""
    estimator = KerasRegressor(
        build,
        job=job,
        step_size=job.step_size,
        alpha=job.alpha,
        epochs=job.n_epochs,
        batch_size=job.batch_size,
        random_state=job.seed,
        verbose=0,
    )
    values = {"step_size": grid.step_sizes, "alpha": grid.alphas}
    options = {"targets": X, "scoring": "neg_mean_squared_error"}
    return grid_search(estimator, values, grid.n_folds, X, **options).predict


def build(job, step_size, alpha):
    """Build and compile the model of a job with other numbers."""
    return make_model(replace(job, step_size=step_size, alpha=alpha))
