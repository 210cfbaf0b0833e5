"""Checkpoints: a fit that is killed and called again ends as one left alone."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import slow, slow_but
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import skae
from skae import (
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderTransformer,
    Checkpoint,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._autoencoders import _checkpoint, _identity
from skae._autoencoders._checkpoint import CheckpointFile
from skae._autoencoders._state import is_fitted_name
from skae._engine import Training, batches, content_digest
from skae._persistence import checkpoints, file_format
from skae._persistence.checkpoints import read_checkpoint, write_checkpoint
from skae.architectures import Conv, Dense
from skae.corruption import MaskingNoise


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:150] / 16


class Killed(BaseException):
    """Ends a fit where a signal would."""


def autoencoder(cls=AutoencoderTransformer, **params):
    settings = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
    return cls(**{**settings, **params})


def with_rows(X):
    """X without some values, and what goes with it."""
    X = X.copy()
    X[::3, 20:30] = np.nan
    return X, {"sample_weight": np.linspace(0, 1, len(X)), "X_val": X[:40]}


def averaging():
    """An optimizer that ends with the averages of the weights, and has its own schedule."""
    import keras

    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    return keras.optimizers.SGD(rate, momentum=0.9, use_ema=True, ema_overwrite_frequency=None)


def table(X):
    pd = pytest.importorskip("pandas")
    levels = np.array(["low", "middle", "high"])[(X[:, 2] * 2.99).astype(int)]
    return pd.DataFrame({"a": X[:, 20], "b": X[:, 30], "level": pd.Categorical(levels)})


def with_layers():
    return autoencoder(
        architecture=Dense((8, 6), dropout=0.1, normalization="batch"), pretraining="layerwise"
    )


FITS = {
    "plain": lambda X: (autoencoder(), X, {}),
    "best epoch": lambda X: (
        autoencoder(early_stopping=True, learning_rate_init=0.1, n_iter_no_change=2, max_iter=12),
        X,
        {},
    ),
    "adaptive": lambda X: (
        autoencoder(learning_rate="adaptive", tol=1.0, n_iter_no_change=1, max_iter=12),
        X,
        {},
    ),
    "layers": lambda X: (with_layers(), X, {}),
    "masking": lambda X: (
        autoencoder(
            DenoisingAutoencoder,
            corruption=MaskingNoise(),
            corruption_level=(0.1, 0.4),
            batch_size=16,
        ),
        X,
        {},
    ),
    "pairs": lambda X: (autoencoder(DenoisingAutoencoder), X + 0.1, {"X_clean": X}),
    "sparse code": lambda X: (autoencoder(SparseAutoencoder, sparsity="kl"), X, {}),
    "contractive": lambda X: (autoencoder(ContractiveAutoencoder), X, {}),
    "variational": lambda X: (autoencoder(VariationalAutoencoder, max_iter=10), X[:, 10:30], {}),
    "bernoulli": lambda X: (
        autoencoder(VariationalAutoencoder, likelihood="bernoulli", kl_warmup=3, solver="nadam"),
        X,
        {},
    ),
    "convolutional": lambda X: (
        autoencoder(architecture=Conv((8, 8), (4,), 3), batch_size=50, shuffle=False),
        X,
        {},
    ),
    "rows": lambda X: (autoencoder(missing="mask", trim_fraction=0.1), *with_rows(X)),
    "averages": lambda X: (autoencoder(solver=averaging()), X, {}),
    "table": lambda X: (autoencoder(n_components=1), table(X), {}),
    "matrix": lambda X: (autoencoder(), sparse.csr_matrix(X * (X > 0.5)), {}),
}


def assert_same(one, other):
    """Equal to the bit, whatever it consists of."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            if field.name != "architecture":
                assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other or (one != one and other != other)


def assert_same_fit(one, other):
    """All that two fits left behind is equal."""
    states = [
        {name: value for name, value in vars(fit).items() if is_fitted_name(name)}
        for fit in (one, other)
    ]
    assert len(states[0]) > 8
    assert_same(*states)


def kill(patch, n_written):
    """Make the process end, as it were, after so many checkpoints were written."""
    write, written = CheckpointFile.write, []

    def write_and_die(self, *arguments):
        write(self, *arguments)
        written.append(1)
        if len(written) == n_written:
            raise Killed

    patch.setattr(CheckpointFile, "write", write_and_die)


def call_until_it_ends(estimator, X, path, n_written, **rows):
    """Call fit as often as it is killed after so many checkpoints; returns it and the number."""
    for n_killed in range(30):
        with pytest.MonkeyPatch.context() as patch:
            kill(patch, n_written)
            fitted = clone(estimator).set_params(checkpoint=Checkpoint(path, every=0))
            try:
                return fitted.fit(X, **rows), n_killed
            except Killed:
                assert not fitted.__sklearn_is_fitted__()
    raise AssertionError("it never ends")


@pytest.mark.parametrize("name", slow_but("best epoch", "layers", "variational", of=FITS))
def test_a_fit_that_was_killed_ends_as_one_left_alone(name, digits, tmp_path):
    estimator, X, rows = FITS[name](digits)
    alone = clone(estimator).fit(X, **rows)
    for n_written in (1, 3):
        path = tmp_path / f"{n_written}.checkpoint"
        fitted, n_killed = call_until_it_ends(estimator, X, path, n_written, **rows)
        assert n_killed >= 1
        assert_same_fit(fitted, alone)
    assert sorted(os.listdir(tmp_path)) == ["1.checkpoint", "3.checkpoint"]


@pytest.mark.parametrize("in_a_thread", [False, True])
def test_a_fit_that_was_killed_within_an_epoch(in_a_thread, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 64 * 40)
    monkeypatch.setattr(batches, "ALONE_BYTES", 0 if in_a_thread else np.inf)
    estimator = autoencoder(batch_size=20, max_iter=2)
    alone = clone(estimator).fit(digits)
    fitted, n_killed = call_until_it_ends(estimator, digits, tmp_path / "a.checkpoint", 1)
    assert n_killed == 8  # 4 blocks in each of two epochs
    assert_same_fit(fitted, alone)


def test_a_fit_that_had_ended_trains_no_more(digits, tmp_path, monkeypatch):
    estimator = autoencoder(checkpoint=tmp_path / "a.checkpoint").fit(digits)
    before = (tmp_path / "a.checkpoint").read_bytes()
    monkeypatch.delattr(Training, "_epoch")
    assert_same_fit(clone(estimator).fit(digits), estimator)
    assert (tmp_path / "a.checkpoint").read_bytes() == before


@pytest.mark.parametrize(("rows_of_block", "n_passes"), [(160, 3), (40, 10)])
def test_after_ctrl_c_a_fit_goes_on(rows_of_block, n_passes, digits, tmp_path, monkeypatch):
    """Also from the middle of an epoch."""
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * 64 * rows_of_block)
    alone = autoencoder(batch_size=20).fit(digits)
    estimator = autoencoder(batch_size=20, checkpoint=str(tmp_path / "a.checkpoint"))
    train, passes = Training._pass, []

    def with_signal(self, *arguments):
        passes.append(1)
        if len(passes) == n_passes:
            signal.raise_signal(signal.SIGINT)
        return train(self, *arguments)

    monkeypatch.setattr(Training, "_pass", with_signal)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    n_epochs = n_passes // -(-150 // rows_of_block)
    try:
        with pytest.warns(UserWarning, match=f"Ctrl-C ended the training after {n_epochs} epochs"):
            assert estimator.fit(digits).n_iter_ == n_epochs
    finally:
        signal.signal(signal.SIGINT, handler)
    assert_same_fit(estimator.fit(digits), alone)


# What is random


def test_a_seed_that_was_drawn_is_kept(digits, tmp_path):
    checkpoint = Checkpoint(tmp_path / "a.checkpoint", every=0)
    estimator = autoencoder(random_state=None, checkpoint=checkpoint)
    with pytest.MonkeyPatch.context() as patch:
        kill(patch, 1)
        with pytest.raises(Killed):
            clone(estimator).fit(digits)
    seed = read_checkpoint(tmp_path / "a.checkpoint")["seed"]
    first = clone(estimator).fit(digits)
    assert first._seed == seed
    with pytest.warns(UserWarning, match="already ended"):
        assert_same_fit(clone(estimator).fit(digits), first)


def test_a_random_state_that_moved_on_is_another_fit(digits, tmp_path):
    estimator = autoencoder(random_state=np.random.RandomState(3), checkpoint=str(tmp_path / "a"))
    fitted = estimator.fit(digits)
    assert_same_fit(autoencoder(random_state=np.random.RandomState(3)).fit(digits), fitted)
    with pytest.raises(ValueError, match="random_state gives another seed"):
        estimator.fit(digits)


def test_a_seed_that_was_drawn_is_not_one_that_was_asked_for(digits, tmp_path):
    autoencoder(random_state=None, checkpoint=str(tmp_path / "a")).fit(digits)
    with pytest.raises(ValueError, match="random_state gives another seed"):
        autoencoder(checkpoint=str(tmp_path / "a")).fit(digits)


# Fits that go on


def test_warm_start(digits, tmp_path):
    """Each call is a fit of its own, which a folder keeps."""

    def fitted(checkpoint):
        estimator = autoencoder(warm_start=True, checkpoint=checkpoint).fit(digits)
        return estimator.set_params(learning_rate_init=0.01).fit(digits[::-1])

    alone = fitted(None)
    with pytest.MonkeyPatch.context() as patch:
        kill(patch, 8)  # in the second fit
        with pytest.raises(Killed):
            fitted(Checkpoint(f"{tmp_path}/fits/", every=0))
    assert_same_fit(fitted(f"{tmp_path}/fits/"), alone)
    assert len(os.listdir(tmp_path / "fits")) == 2
    with pytest.raises(ValueError, match="start was none and is an earlier fit"):
        autoencoder(warm_start=True, checkpoint=tmp_path / "a").fit(digits).fit(digits)


def test_partial_fit_uses_none(digits, tmp_path):
    autoencoder(checkpoint=tmp_path / "a").partial_fit(digits)
    assert os.listdir(tmp_path) == []


# What is refused


@pytest.fixture(scope="module")
def finished(digits, tmp_path_factory):
    """A checkpoint of a fit, which is not changed, and the arguments of the fit."""
    path = tmp_path_factory.mktemp("finished") / "a.checkpoint"
    arguments = {
        "X_clean": digits,
        "sample_weight": np.ones(len(digits)),
        "X_val": digits[:50] + 0.1,
    }
    estimator = autoencoder(DenoisingAutoencoder, checkpoint=path, max_iter=1)
    estimator.fit(digits + 0.1, **arguments)
    return estimator, digits + 0.1, arguments


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 4}, "n_components was 3 and is 4"),
        ({"solver": "sgd"}, "solver was 'adam' and is 'sgd'"),
        ({"corruption_level": 0.3, "alpha": 1e-3}, "alpha was 'auto' and is 0.001; corruption_lev"),
        ({"loss": lambda forward: forward.target}, "loss was 'squared_error' and is <function"),
        ({"random_state": 1}, "random_state gives another seed"),
        ({"column_weights": np.ones(64)}, "column_weights was None and is array"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_other_parameters_are_refused(params, message, finished):
    estimator, X, arguments = finished
    before = estimator.checkpoint.read_bytes()
    other = clone(estimator).set_params(**params)
    with pytest.raises(ValueError, match=f"is of another fit: {message}.*remove the file"):
        other.fit(X, **arguments)
    assert not other.__sklearn_is_fitted__()
    assert estimator.checkpoint.read_bytes() == before


def changed(array):
    """An array with one value of the last row changed by the least there is."""
    array = array.copy()
    array[-1, -1] = np.nextafter(array[-1, -1], 1)
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X, rows: (X[::-1], rows),
            r"X \(float64 of shape \(150, 64\)\) has another content",
        ),
        (lambda X, rows: (changed(X), rows), "X .* has another content"),
        (lambda X, rows: (X.astype("f4"), rows), "X was float64 .* and is float32"),
        (lambda X, rows: (X, {**rows, "X_clean": changed(X)}), "X_clean .* has another content"),
        (lambda X, rows: (X, {**rows, "X_clean": None}), "X_clean was .* and is not given"),
        (lambda X, rows: (X, {**rows, "X_val": X[:51]}), "X_val was .* and is "),
        (lambda X, rows: (X, {**rows, "X_val": (X[:50], X[:50])}), r"X_val\[1\] was not given"),
        (
            lambda X, rows: (X, {**rows, "sample_weight": np.linspace(0.5, 1, len(X))}),
            "sample_weight .* has another content",
        ),
        (lambda X, rows: (sparse.csr_array(X), rows), "X .* has another content"),
    ],
    ids=["order", "value", "type", "clean", "no clean", "validation", "pairs", "weight", "storage"],
)
def test_other_data_are_refused(change, message, finished):
    estimator, X, arguments = finished
    X, arguments = change(X, arguments)
    with pytest.raises(ValueError, match=f"is of another fit: .*{message}"):
        clone(estimator).fit(X, **arguments)


def test_data_in_other_memory_are_the_same(finished, tmp_path):
    estimator, X, arguments = finished
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for same in (np.asfortranarray(X), mapped, X.tolist()):
        assert_same_fit(clone(estimator).fit(same, **arguments), estimator)
    twice = {**arguments, "sample_weight": 2 * arguments["sample_weight"]}  # the same shares
    assert_same_fit(clone(estimator).set_params(verbose=True).fit(X, **twice), estimator)


def test_numbers_of_other_types_are_the_same(finished):
    estimator, X, arguments = finished
    same = clone(estimator).set_params(n_components=np.int64(3), hidden_layer_sizes=[8])
    assert_same_fit(same.fit(X, **arguments), estimator)


def test_another_estimator_or_version_is_refused(finished, monkeypatch):
    estimator, X, arguments = finished
    plain = autoencoder(SparseAutoencoder, checkpoint=estimator.checkpoint)
    with pytest.raises(ValueError, match="DenoisingAutoencoder and is SparseAutoencoder"):
        plain.fit(X)
    monkeypatch.setattr(_identity, "__version__", "99.0")
    with pytest.raises(ValueError, match=r"another fit: skae was [\w.]+ and is 99.0. Fit as"):
        clone(estimator).set_params(n_components=2).fit(X, **arguments)


def test_a_network_of_other_shapes_is_refused(digits, tmp_path):
    """An architecture whose parameters do not say all."""
    path = tmp_path / "a.checkpoint"
    autoencoder(checkpoint=path).fit(digits)
    content = read_checkpoint(path)
    progress = content["trainings"]["network"]
    slots = [progress.slots[0], *progress.slots[2:]]
    trainings = {"network": dataclasses.replace(progress, slots=slots)}
    write_checkpoint(path, {**content, "trainings": trainings})
    with pytest.raises(ValueError, match="of its solver's state, an array is"):
        autoencoder(checkpoint=path).fit(digits)


@pytest.mark.parametrize("content", [b"", b"PK", b"a text", "half"])
def test_what_is_no_checkpoint_is_refused_and_stays(content, finished, tmp_path):
    estimator, X, arguments = finished
    whole = estimator.checkpoint.read_bytes()
    content = whole[: len(whole) // 2] if content == "half" else content
    path = tmp_path / "a.checkpoint"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a.checkpoint' cannot be read: .* Give another path"):
        clone(estimator).set_params(checkpoint=path).fit(X, **arguments)
    assert path.read_bytes() == content


def test_estimators_and_checkpoints_are_told_apart(finished, tmp_path):
    estimator, X, arguments = finished
    with pytest.raises(skae.LoadError, match="it is the checkpoint of a fit"):
        skae.load(estimator.checkpoint)
    skae.save(estimator, tmp_path / "a.skae")
    assert skae.load(tmp_path / "a.skae").checkpoint is None
    with pytest.raises(ValueError, match="holds an estimator and no checkpoint"):
        clone(estimator).set_params(checkpoint=tmp_path / "a.skae").fit(X, **arguments)


def test_a_file_does_not_choose_where_a_fit_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(file_format, "OF_THE_MACHINE", frozenset())
    skae.save(autoencoder(checkpoint="/somewhere"), tmp_path / "a.skae")
    monkeypatch.undo()
    with pytest.raises(skae.LoadError, match="keeps no checkpoint"):
        skae.load(tmp_path / "a.skae")


@pytest.mark.parametrize(
    ("checkpoint", "error", "message"),
    [
        (3, ValueError, "The 'checkpoint' parameter"),
        ("", ValueError, "must name a file or a folder"),
        (Checkpoint(None), TypeError, "must have a path"),
        (Checkpoint("a", every=-1), ValueError, "every must be"),
        (Checkpoint("a", every=np.nan), ValueError, "every must be"),
        ("no/such/folder/a", FileNotFoundError, "in a folder that does not exist"),
        ("/dev/null", FileExistsError, "is no regular file"),
    ],
)
def test_places_that_make_no_sense(checkpoint, error, message, digits, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        autoencoder(checkpoint=checkpoint).fit(digits)
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_compared_is_refused(digits, tmp_path):
    numbers = (number for number in range(10))

    def loss(forward):
        return forward.target * next(numbers)

    estimator = autoencoder(loss=loss, checkpoint=tmp_path / "a")
    with pytest.raises(TypeError, match="cannot be compared with that of another process"):
        estimator.fit(digits)


DIGEST = """
import numpy as np
from skae._engine import content_digest
SCALE = 2
class Loss:
    kinds = {"one", "two", "three", "four"}
    def __call__(self, forward):
        return [forward * SCALE for _ in range(3) if forward in ("a", "b")]
def loss(forward):
    return Loss()(forward)
for SCALE in (2, 3):
    print(content_digest((loss, Loss(), {"one", "two", "three"}, np.arange(3), np.log, 1.5)))
"""


@slow
def test_digests_are_those_of_other_processes():
    found = []
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found.append(run.stdout.split())
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]
    assert content_digest((1, 2)) != content_digest(((1,), 2)) != content_digest((1, (2,)))


# Where and when it is written


def test_how_often(digits, tmp_path, monkeypatch):
    """By a clock that moves on by a second with each epoch and by 0.25 with each write."""
    now, write, epoch, times = [0.0], write_checkpoint, Training._epoch, []

    def passing(self, *arguments):
        now[0] += 1
        return epoch(self, *arguments)

    def writing(path, content):
        times.append(round(now[0], 6))
        now[0] += 0.25
        write(path, content)

    monkeypatch.setattr(_checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Training, "_epoch", passing)
    monkeypatch.setattr(checkpoints, "write_checkpoint", writing)
    autoencoder(max_iter=90, alpha=0.0, checkpoint=tmp_path / "a").fit(digits)
    assert times == [10, 35.25, 60.5, 85.75, 91]  # after 10 s, then 0.25 s / 1 %, and at the end
    now[0], times[:] = 0.0, []
    autoencoder(max_iter=9, checkpoint=Checkpoint(tmp_path / "b", every=4)).fit(digits)
    assert times == [4, 8.25, 9.5]


def test_a_training_goes_on_where_no_checkpoint_can_be_written(digits, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError("No space left on device")

    alone = autoencoder().fit(digits)
    monkeypatch.setattr(checkpoints, "write_checkpoint", full)
    with pytest.warns(UserWarning, match="cannot be written .No space left.*the training goes on"):
        fitted = autoencoder(checkpoint=tmp_path / "a").fit(digits)
    assert_same_fit(fitted, alone)


def test_two_fits_do_not_overwrite_each_other(digits, tmp_path):
    """The one that wrote later leaves the file to the other."""
    path = tmp_path / "a"
    other = autoencoder(n_components=2, checkpoint=path)
    own_epoch, fitted = Training._epoch, []

    def with_other(self, *arguments):
        if not fitted:
            fitted.append(1)
            other.fit(digits)
        return own_epoch(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "_epoch", with_other)
        with pytest.warns(UserWarning, match="Another fit has written to the checkpoint"):
            autoencoder(checkpoint=Checkpoint(path, every=0)).fit(digits)
    assert_same_fit(clone(other).fit(digits), other)


def test_equal_fits_may_write_at_the_same_time(digits, tmp_path):
    estimator = autoencoder(checkpoint=Checkpoint(tmp_path / "a", every=0), max_iter=20)
    alone = autoencoder(max_iter=20).fit(digits)
    with ThreadPoolExecutor(4) as pool:
        for fitted in pool.map(lambda _: clone(estimator).fit(digits), range(4)):
            assert_same_fit(fitted, alone)
    assert os.listdir(tmp_path) == ["a"]


# In other estimators


def test_a_search_goes_on(digits, tmp_path, monkeypatch):
    def search(checkpoint):
        return GridSearchCV(
            autoencoder(checkpoint=checkpoint), {"n_components": [1, 2]}, cv=2, error_score="raise"
        )

    alone = search(None).fit(digits)
    folder = f"{tmp_path}/search/"
    with pytest.MonkeyPatch.context() as patch:
        kill(patch, 3)  # each fit writes one as it ends
        with pytest.raises(Killed):
            search(folder).fit(digits)
    assert len(os.listdir(folder)) == 3
    trained, epoch = [], Training._epoch

    def counted(self, *arguments):
        trained.append(1)
        return epoch(self, *arguments)

    monkeypatch.setattr(Training, "_epoch", counted)
    found = search(folder).fit(digits)
    assert len(trained) == 10  # of five fits, two; with five epochs each
    for name in ("mean_test_score", "split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(found.cv_results_[name], alone.cv_results_[name])
    assert_same_fit(found.best_estimator_, alone.best_estimator_)
    with pytest.raises(ValueError, match="a folder holds the checkpoints of any number"):
        search(f"{tmp_path}/one.checkpoint").fit(digits)


@slow
def test_a_search_in_processes(digits, tmp_path):
    def search(checkpoint, n_jobs):
        estimator = autoencoder(checkpoint=checkpoint)
        return GridSearchCV(estimator, {"n_components": [1, 2]}, cv=2, n_jobs=n_jobs).fit(digits)

    folder = f"{tmp_path}/search/"
    alone = search(None, 1)
    for n_jobs in (2, 1):
        found = search(folder, n_jobs)
        assert len(os.listdir(folder)) == 5
        np.testing.assert_array_equal(
            found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
        )


@slow
def test_estimators_that_have_an_autoencoder(digits, tmp_path):
    for cls, own, n_fits in (
        (AutoencoderOutlierDetector, VariationalAutoencoder, 1),
        (AutoencoderImputer, DenoisingAutoencoder, None),
    ):
        folder, X = f"{tmp_path}/{cls.__name__}/", digits[:, 10:30].copy()
        if cls is AutoencoderImputer:
            X[::4, 3] = np.nan
        model = cls(autoencoder(own), random_state=0)
        alone = clone(model).fit(X)
        for _ in range(2):
            fitted = clone(model).set_params(estimator__checkpoint=folder).fit(X)
            assert_same_fit(fitted.estimator_, alone.estimator_)
        assert n_fits in (None, len(os.listdir(folder)))


# Real signals

CHILD = """
import sys
import numpy as np
from sklearn.datasets import load_digits
from skae import AutoencoderTransformer, Checkpoint
X = load_digits().data[:150] / 16
print("ready", flush=True)
checkpoint = Checkpoint(sys.argv[1], every=0)
AutoencoderTransformer(
    3, hidden_layer_sizes=(8,), max_iter=int(sys.argv[2]), early_stopping=True, random_state=0,
    checkpoint=checkpoint,
).fit(X)
print("ended", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("n_killed", [1, pytest.param(50, marks=slow)])
def test_sigkill_at_random_moments(n_killed, digits, tmp_path):
    settings = {"max_iter": 60, "early_stopping": True}
    alone = autoencoder(**settings).fit(digits)
    random = np.random.default_rng(n_killed)
    n_begun = 0
    for number in range(n_killed):
        path = tmp_path / f"{number}.checkpoint"
        command = [sys.executable, "-W", "ignore", "-c", CHILD, str(path), "60"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "ready\n"
            # The second half of the moments is counted from the first checkpoint.
            while number % 2 and not path.exists() and child.poll() is None:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.6 if number % 2 else 3.0))
            child.kill()
            n_begun += path.exists() and "ended" not in child.stdout.read()
        fitted = autoencoder(**settings, checkpoint=Checkpoint(path, every=0)).fit(digits)
        assert_same_fit(fitted, alone)
    assert n_begun >= n_killed // 4  # the others had written nothing yet, or had ended
    assert sorted(os.listdir(tmp_path)) == sorted(f"{n}.checkpoint" for n in range(n_killed))
