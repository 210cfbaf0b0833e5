"""Searches over workers: loky, threads, Dask and Ray give the bits of the serial run.

Each starts a real local cluster, so that all cases are slow ones. Ray and Optuna are not in the
extra `test`: `make test-clusters` installs them in an environment of its own.
"""

import os
import signal
import threading
import time
from contextlib import contextmanager, nullcontext

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skae import AutoencoderTransformer
from skae._engine import compile_cache, program_info

pytestmark = [
    pytest.mark.slow,
    # Ray starts its processes by a fork, and each runs another program at once.
    pytest.mark.filterwarnings(r"ignore:os.fork\(\) was called:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
]

N_WORKERS = 2


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300], y[:300]


def autoencoder(**params):
    settings = {"n_components": 4, "hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0}
    return AutoencoderTransformer(**{**settings, **params})


def grid_search():
    pipe = make_pipeline(autoencoder(), LogisticRegression(max_iter=200))
    grid = {
        "autoencodertransformer__learning_rate_init": [1e-3, 1e-2],
        "autoencodertransformer__n_components": [2, 4],
    }
    return GridSearchCV(pipe, grid, cv=3, n_jobs=N_WORKERS)


def halving_search():
    return HalvingRandomSearchCV(
        autoencoder(), {"learning_rate_init": loguniform(1e-5, 1e-1)},
        resource="max_iter", min_resources=2, max_resources=6, n_candidates=4, cv=3,
        random_state=0, n_jobs=N_WORKERS,
    )  # fmt: skip


SEARCHES = {"grid": grid_search, "halving": halving_search}


def found(search):
    """All that a search found but the times: parameters, scores, ranks, and what refit gives."""
    results = {
        name: values for name, values in search.cv_results_.items() if not name.endswith("_time")
    }
    return results, search.best_params_, search.best_estimator_


def check_same(search, expected, X):
    (results, best_params, best), (expected_results, expected_params, expected_best) = (
        found(search), found(expected),
    )  # fmt: skip
    assert results.keys() == expected_results.keys()
    assert np.isfinite(results["mean_test_score"]).all()  # fits that failed would be equal too
    for name, values in expected_results.items():
        np.testing.assert_array_equal(results[name], values, err_msg=name)
    assert best_params == expected_params
    method = "predict_proba" if hasattr(best, "predict_proba") else "transform"
    np.testing.assert_array_equal(getattr(best, method)(X), getattr(expected_best, method)(X))


@pytest.fixture(scope="module")
def serial(digits):
    """The searches without workers."""
    with joblib.parallel_config(n_jobs=1):
        fitted = {name: make().set_params(n_jobs=1).fit(*digits) for name, make in SEARCHES.items()}
    for search in fitted.values():
        scores = search.cv_results_["mean_test_score"]
        assert len(set(scores)) > 1  # else equal results would say nothing
        assert np.isfinite(scores).all()
    return fitted


@contextmanager
def dask_cluster(**options):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=N_WORKERS, threads_per_worker=1, processes=True, dashboard_address=":0",
            **options,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        yield client


@contextmanager
def ray_cluster():
    ray = pytest.importorskip("ray", reason="Ray is installed by `make test-clusters`")
    from ray.util.joblib import register_ray

    ray.init(num_cpus=N_WORKERS, include_dashboard=False, log_to_driver=False)
    register_ray()
    try:
        yield ray
    finally:
        ray.shutdown()


CLUSTERS = {
    "loky": nullcontext,
    "threading": nullcontext,
    "dask": dask_cluster,
    "ray": ray_cluster,
}


@pytest.fixture(scope="module", params=CLUSTERS)
def backend(request):
    """A running cluster of each kind, as the name that joblib knows it by."""
    with CLUSTERS[request.param]():
        yield request.param


@pytest.mark.parametrize("name", SEARCHES)
def test_results_are_those_of_the_serial_run(digits, serial, backend, name):
    with joblib.parallel_config(backend, n_jobs=N_WORKERS):
        check_same(SEARCHES[name]().fit(*digits), serial[name], digits[0])


# Optuna's own warnings, by messages: their classes are Optuna's, which need not be there.
@pytest.mark.filterwarnings("ignore:.*optuna.terminator. module:FutureWarning")
@pytest.mark.filterwarnings("ignore:.* is experimental")
def test_optuna_in_threads_gives_the_results_of_one_thread(digits):
    """Which parameters a sampler asks for depends on what has ended; so they are given."""
    optuna = pytest.importorskip("optuna", reason="installed by `make test-clusters`")
    from optuna_integration import OptunaSearchCV

    def searched(n_jobs):
        study = optuna.create_study(direction="maximize")
        for rate in (1e-4, 1e-3, 1e-2, 1e-1):
            study.enqueue_trial({"learning_rate_init": rate})
        rates = optuna.distributions.FloatDistribution(1e-5, 1.0, log=True)
        return OptunaSearchCV(
            autoencoder(), {"learning_rate_init": rates}, cv=3, n_trials=4, n_jobs=n_jobs,
            study=study,
        ).fit(digits[0])  # fmt: skip

    check_same(searched(N_WORKERS), searched(1), digits[0])


def test_a_worker_that_is_killed_costs_time_alone(digits, serial):
    """Dask gives its fits to others, if what they need is not on that worker alone.

    joblib sends each array of more than 1,000 bytes to one worker. What `scatter` names is on all,
    and indices of rows that are lists go with each fit.
    """
    X, y = digits
    folds = [(train.tolist(), test.tolist()) for train, test in StratifiedKFold(3).split(X, y)]
    with dask_cluster() as client:
        address, pid = next(iter(client.run(os.getpid).items()))

        def kill_at_work():
            while not client.processing().get(address):
                time.sleep(0.01)
            os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_at_work)
        killer.start()
        with joblib.parallel_config("dask", scatter=[X, y]):
            search = grid_search().set_params(cv=folds).fit(X, y)
        killer.join()
        client.wait_for_workers(N_WORKERS)
        assert pid not in client.run(os.getpid).values()
    check_same(search, serial["grid"], X)


# Workers as they may be


def described(estimator, X):
    """What a worker computes, on which backend, and what it compiled for that."""
    codes = estimator.fit_transform(X)
    return codes, estimator.backend_, os.getpid(), program_info()


def with_another_keras(estimator, X):
    """The same in a process that has imported Keras on another backend before."""
    os.environ["KERAS_BACKEND"] = "numpy"  # which stands for TensorFlow, as it is small
    import keras

    assert keras.config.backend() == "numpy"
    del os.environ["KERAS_BACKEND"]
    return described(estimator, X)


@pytest.fixture
def new_workers(monkeypatch):
    """Workers of loky that have imported nothing, and no backend named to them."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    get_reusable_executor().shutdown()
    with joblib.parallel_config("loky", n_jobs=N_WORKERS):
        yield joblib.Parallel()
    get_reusable_executor().shutdown()


@pytest.mark.parametrize("work", [described, with_another_keras])
def test_workers_run_on_the_backend_of_the_parent(digits, new_workers, work):
    codes, backend, _, _ = described(autoencoder(), digits[0])
    for of_worker, backend_of_worker, pid, _ in new_workers(
        joblib.delayed(work)(autoencoder(), digits[0]) for _ in range(4)
    ):
        assert pid != os.getpid()
        assert backend_of_worker == backend
        np.testing.assert_array_equal(of_worker, codes)


def test_workers_that_begin_at_once_compile_each_program_once(
    digits, new_workers, monkeypatch, tmp_path
):
    codes, *_ = described(autoencoder(), digits[0])
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")  # of the tests: JAX's own cache comes first
    monkeypatch.setenv(compile_cache.SWITCH, str(tmp_path / "programs"))
    results = new_workers(joblib.delayed(described)(autoencoder(), digits[0]) for _ in range(2))
    for of_worker, *_ in results:
        np.testing.assert_array_equal(of_worker, codes)
    last = {pid: info for _, _, pid, info in results}
    assert len(last) == N_WORKERS
    n_programs = len(list((tmp_path / "programs").glob("*.program")))
    assert sum(info["compiled"] for info in last.values()) == n_programs > 2
    assert sum(info["loaded"] for info in last.values()) == n_programs
