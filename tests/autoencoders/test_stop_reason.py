"""`stop_reason_`: why a training ended, also where it was taken up from a checkpoint."""

import numpy as np
import pytest
from cases import slow

import skae
from skae import AutoencoderTransformer
from skae._sklearn_compat import HAS_CALLBACKS

X = np.random.default_rng(0).normal(size=(40, 4))


def autoencoder(**params):
    params = {"hidden_layer_sizes": (), "max_iter": 3, "random_state": 0, **params}
    return AutoencoderTransformer(1, **params)


STOPPED = {"max_iter": 100, "tol": 10.0, "n_iter_no_change": 2, "alpha": 0.0}


@pytest.mark.parametrize(
    ("params", "reason", "n_iter"),
    # The first epoch improves on nothing; the third one after it is one too many.
    [({}, "max_iter", 3), (STOPPED, "no_change", 4)],
    ids=["max_iter", "no_change"],
)
def test_the_end_of_the_epochs_and_the_rule(params, reason, n_iter, tmp_path):
    params = {**params, "checkpoint": tmp_path / "fit"}
    for _ in range(2):  # the second fit is taken from the file
        fitted = autoencoder(**params).fit(X)
        assert (fitted.stop_reason_, fitted.n_iter_) == (reason, n_iter)
    skae.save(fitted, tmp_path / "file")
    assert skae.load(tmp_path / "file").stop_reason_ == reason


def test_a_rule_that_is_met_in_the_last_epoch_is_the_reason():
    assert autoencoder(**{**STOPPED, "max_iter": 4}).fit(X).stop_reason_ == "no_change"


@slow
def test_a_schedule_that_divides_goes_on_where_the_rule_is_met():
    fitted = autoencoder(**{**STOPPED, "max_iter": 6}, learning_rate="adaptive").fit(X)
    assert (fitted.stop_reason_, fitted.n_iter_) == ("max_iter", 6)


def test_one_more_epoch():
    assert autoencoder().partial_fit(X).stop_reason_ == "max_iter"


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn before 1.9")
def test_a_callback():
    class Stop:
        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id == 1

    fitted = autoencoder().set_callbacks(Stop()).fit(X)
    assert (fitted.stop_reason_, fitted.n_iter_) == ("callback", 2)


def test_a_file_with_another_reason_is_refused(tmp_path):
    fitted = autoencoder().fit(X)
    fitted.stop_reason_ = "boredom"
    skae.save(fitted, tmp_path / "file")
    with pytest.raises(skae.LoadError, match=r"stop_reason_ is .*boredom"):
        skae.load(tmp_path / "file")
