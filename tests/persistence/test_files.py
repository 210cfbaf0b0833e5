"""Files: what is saved comes back to the bit, nothing in a file runs, and damage is named."""

import copy
import dataclasses
import io
import json
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases import slow_but
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

import skae
from skae import (
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._autoencoders._state import is_fitted_name
from skae._persistence import file_format
from skae.architectures import Architecture, Conv, Dense
from skae.corruption import Corruption, GaussianNoise, MaskingNoise, SwapNoise
from skae.losses import Loss


class Bottleneck(Architecture):
    """A user's architecture, with batch normalization: weights that are not trained."""

    def __init__(self, width=8):
        self.width = width

    def build(self, input_shape, n_components):
        from keras import Sequential, layers

        encoder = [layers.Dense(self.width), layers.BatchNormalization(), layers.Dropout(0.1)]
        return (
            Sequential([layers.Input(input_shape), *encoder, layers.Dense(n_components)]),
            Sequential([layers.Input((n_components,)), layers.Dense(*input_shape)]),
        )


class Dimming(Corruption):
    """A user's corruption."""

    def __init__(self, level=0.5):
        self.level = level

    def apply(self, X, level, seed):
        return X * (1 - level)


TRUSTED = (Bottleneck, Dimming)

ESTIMATORS = {
    "default": AutoencoderTransformer(max_iter=2),
    "denoising": DenoisingAutoencoder(max_iter=2),
    "other": AutoencoderTransformer(
        3,
        hidden_layer_sizes=[6, 5],
        activation="leaky_relu",
        code_activation="tanh",
        output_activation="linear",
        loss="absolute_error",
        alpha=np.float32(0.001),
        weight_penalty="l1",
        solver="rmsprop",
        learning_rate="adaptive",
        batch_size=np.int64(16),
        max_iter=3,
        early_stopping=True,
        n_iter_no_change=np.inf,
        warm_start=np.True_,
        random_state=3,
    ),
    "pieces": DenoisingAutoencoder(
        corruption=GaussianNoise(0.1, clip=(0.0, np.inf)),
        corruption_level=0.2,
        architecture=Dense(np.array([7, 4]), activation="elu"),
        max_iter=2,
    ),
    "shallow": DenoisingAutoencoder(
        corruption=MaskingNoise(0.1, value=-1), hidden_layer_sizes=(), max_iter=2
    ),
    "sparse": SparseAutoencoder(sparsity="kl", max_iter=2, missing="mask"),
    "contractive": ContractiveAutoencoder(
        architecture=Dense([7], tied=True, dropout=0.1), max_iter=2
    ),
    "bernoulli": VariationalAutoencoder(likelihood="bernoulli", max_iter=2),
    "masked": VariationalAutoencoder(noise_variance=0.1, missing="mask", max_iter=2),
    "validated": AutoencoderTransformer(missing="mask", early_stopping=True, max_iter=2),
    "variational": VariationalAutoencoder(hidden_layer_sizes=7, kl_warmup=2, max_iter=2),
    "convolutional": AutoencoderTransformer(
        None, architecture=Conv((2, 2), (3,), normalization="batch"), max_iter=2
    ),
    "corruptions": DenoisingAutoencoder(
        corruption=[MaskingNoise((0.1, 0.2)), SwapNoise(0.1)], max_iter=2
    ),
    "own": DenoisingAutoencoder(architecture=Bottleneck(5), corruption=Dimming(0.1), max_iter=2),
}


@pytest.fixture(scope="module")
def X():
    return load_iris().data / 8


@pytest.fixture(scope="module")
def model(X):
    return AutoencoderTransformer(hidden_layer_sizes=(3,), max_iter=2, random_state=0).fit(X)


@pytest.fixture(scope="module")
def variational(X):
    fitted = VariationalAutoencoder(2, hidden_layer_sizes=(3,), max_iter=1, random_state=0).fit(X)
    fitted._network.trainable[-2][:] = -1.0  # the bias of the output
    return fitted


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skae"


@pytest.fixture
def file(model, path):
    skae.save(model, path)
    return path


def assert_same(one, other):
    """Equal in value and in type, all the way down."""
    assert type(one) is type(other)
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif dataclasses.is_dataclass(one):
        assert type(one) is type(other)
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif hasattr(one, "get_params"):
        assert_same(one.get_params(), other.get_params())
    else:
        assert one == other


def assert_same_state(one, other):
    assert_same(one.get_params(), other.get_params())
    names = {name for name in vars(one) if is_fitted_name(name)}
    assert_same({n: getattr(one, n) for n in names}, {n: getattr(other, n) for n in names})
    assert one._network.recipe.key == other._network.recipe.key


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def with_document(path, change):
    """Rewrite a file with a changed document."""
    content = members(path)
    document = json.loads(content["skae.json"])
    change(document)
    write(path, {**content, "skae.json": json.dumps(document)})


def load_error(path, **options):
    with pytest.raises(skae.LoadError) as caught:
        skae.load(path, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


# There and back


@pytest.mark.parametrize(
    "name",
    slow_but(
        *("default", "other", "validated", "variational", "convolutional", "corruptions", "own"),
        of=ESTIMATORS,
    ),
)
@pytest.mark.filterwarnings("ignore::skae.exceptions.SilentUnitsWarning")  # after two epochs
def test_what_is_loaded_is_what_was_saved(name, X, path):
    saved = copy.deepcopy(ESTIMATORS[name]).fit(X)
    skae.save(saved, path)
    loaded = skae.load(path, trusted=TRUSTED)
    assert_same_state(loaded, saved)
    for method in ("transform", "reconstruct", "reconstruction_error"):
        assert_same(getattr(loaded, method)(X), getattr(saved, method)(X))
    assert saved.transform(X).std() > 0
    assert {"pca_error_", "alpha_"} <= set(vars(loaded))
    again = path.with_name("again")
    skae.save(loaded, again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_unfitted_and_clone_alike(name, X, path):
    saved = copy.deepcopy(ESTIMATORS[name])
    skae.save(saved, path)
    loaded = skae.load(str(path), trusted=TRUSTED)
    assert_same(loaded, saved)
    assert not loaded.__sklearn_is_fitted__()
    if saved.random_state is not None:
        assert_same_state(loaded.fit(X), saved.fit(X))


@pytest.mark.parametrize("name", ["default", "other", "own"])
def test_partial_fit_goes_on_the_same_way(name, X, path):
    saved = copy.deepcopy(ESTIMATORS[name]).partial_fit(X).partial_fit(X)
    skae.save(saved, path)
    loaded = skae.load(path, trusted=TRUSTED)
    assert len(loaded._slots.arrays) > 2
    before = saved.transform(X)
    assert_same_state(loaded.partial_fit(X), saved.partial_fit(X))
    assert loaded.n_iter_ == 3
    assert (loaded.transform(X) != before).any()


def test_a_history_of_which_a_part_is_unknown(X, path):
    saved = AutoencoderTransformer(max_iter=2, random_state=0).fit(X)
    saved.set_params(early_stopping=True).partial_fit(X)
    assert np.isnan(saved.val_loss_curve_).tolist() == [True, True, False]
    skae.save(saved, path)
    loaded = skae.load(path)
    np.testing.assert_array_equal(loaded.val_loss_curve_, saved.val_loss_curve_)
    assert loaded.partial_fit(X).n_iter_ == 4


def test_names_and_output(X, path):
    frame = pd.DataFrame(X, columns=["é", "b", "c", "d"])
    saved = AutoencoderTransformer(max_iter=1).set_output(transform="pandas").fit(frame)
    skae.save(saved, path)
    loaded = skae.load(path)
    pd.testing.assert_frame_equal(loaded.transform(frame), saved.transform(frame))
    assert_same(loaded.feature_names_in_, saved.feature_names_in_)


def test_a_fresh_process_loads_without_a_backend(model, X, path, tmp_path):
    skae.save(model, path)
    np.save(tmp_path / "X.npy", X)
    program = """
import sys
import numpy as np, skae
model = skae.load("model.skae")
skae.save(model, "again.skae")
assert not {"keras", "jax", "tensorflow", "torch"} & set(sys.modules)
np.save("code.npy", model.transform(np.load("X.npy")))
"""
    root = str(Path(skae.__file__).parents[1])
    program = f"import sys; sys.path.insert(0, {root!r})" + program
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert_same(np.load(tmp_path / "code.npy"), model.transform(X))
    assert (tmp_path / "again.skae").read_bytes() == path.read_bytes()


def test_a_file_holds_no_pickle_and_the_plain_weights(model, file):
    content = members(file)
    document = json.loads(content.pop("skae.json"))
    arrays = [np.load(io.BytesIO(data), allow_pickle=False) for data in content.values()]
    assert [array.shape for array in arrays] == [
        (4, 3), (3,), (3, 2), (2,), (2, 3), (3,), (3, 4), (4,), (4, 2), (2,), (2, 4), (4,),
        (4,), (), (4,), (4,), (4,),
    ]  # fmt: skip
    network = model._network
    assert list(network.constants) == ["centre", "scale", "low", "high"]
    in_file = [*network.trainable, *network.fixed, *network.constants.values(), model.mean_]
    assert_same(arrays, in_file)
    assert document["estimator"]["class"] == "AutoencoderTransformer"
    assert document["skae"] == skae.__version__
    assert document["estimator"]["params"]["hidden_layer_sizes"] == {"tuple": [3]}


class Text(str):
    """Text of another class, as NumPy's and that of an enum."""

    def __str__(self):
        return "another"


def test_text_and_numbers_of_any_kind(X, path):
    saved = AutoencoderTransformer(
        activation=np.array(["relu"]), solver=Text("adam"), loss=np.str_("squared_error"),
        n_components=np.uint8(2), alpha=np.float16(0.5), tol=np.longdouble(0.25),
        shuffle=np.False_, max_iter=np.array(1)[()],
    )  # fmt: skip
    skae.save(saved.fit(X), path)
    loaded = skae.load(path)
    params = loaded.get_params()
    assert type(params["solver"]) is type(params["loss"]) is str
    assert (loaded.solver, loaded.loss, loaded.tol) == ("adam", "squared_error", 0.25)
    assert loaded.activation.tolist() == ["relu"]
    assert_same(loaded.transform(X), saved.transform(X))


class Relative(Loss):
    """A user's loss that takes an array of its own from the training data."""

    def constants(self, variances, scale, earlier):
        return {"unit": np.float32(1 + scale * variances.max())}

    def __call__(self, forward):
        return abs(forward.target - forward.reconstruction) / forward.constants["unit"]


def test_a_loss_with_constants_of_its_own(X, path):
    saved = AutoencoderTransformer(loss=Relative(), max_iter=2, random_state=0).fit(X)
    assert saved._network.constants["unit"] > 1
    skae.save(saved, path)
    with pytest.raises(skae.LoadError, match="Relative"):
        skae.load(path)
    loaded = skae.load(path, trusted=[Relative])
    assert_same_state(loaded, saved)
    assert_same_state(loaded.partial_fit(X), saved.partial_fit(X))


def test_an_estimator_inside_another_value(X):
    fitted = AutoencoderTransformer(max_iter=1, random_state=0).fit(X)
    writer = file_format.Writer("test")
    form = json.loads(json.dumps(writer.encode({"inner": (fitted, 3)}, "value")))
    value = file_format.Reader(writer.arrays, {}).decode(form)
    inner, three = value["inner"]
    assert three == 3
    assert_same_state(inner, fitted)
    assert_same(inner.transform(X), fitted.transform(X))


# What cannot be saved


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"random_state": np.random.RandomState(0)}, "random_state must be .* got RandomState"),
        ({"verbose": print}, "verbose must be .* got <built-in function print>"),
        ({"architecture": Dense((3, {4}))}, r"architecture__hidden_layer_sizes\[1\] must be"),
        ({"architecture": PCA()}, r"architecture must be .* got PCA"),
    ],
)
def test_parameters_that_no_file_holds(params, message, file):
    before = file.read_bytes()
    with pytest.raises(TypeError, match=message):
        skae.save(AutoencoderTransformer(**params), file)
    assert file.read_bytes() == before


def test_a_keras_optimizer_is_refused(path):
    import keras

    with pytest.raises(TypeError, match=r'solver must be .*set_params\(solver="adam"\)'):
        skae.save(AutoencoderTransformer(solver=keras.optimizers.Adam()), path)
    assert not path.exists()


def test_other_estimators_and_paths_are_refused(path):
    with pytest.raises(
        TypeError, match=r"AutoencoderTransformer, .*AutoencoderOutlierDetector, .*got PCA"
    ):
        skae.save(PCA(), path)
    with pytest.raises(TypeError, match="PathLike"):
        skae.save(AutoencoderTransformer(), io.BytesIO())


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(value, model, file):
    broken = copy.deepcopy(model)
    broken._network.trainable[1][0] = value
    with pytest.raises(ValueError, match="not all finite"):
        skae.save(broken, file)
    write(file, {**members(file), "1.npy": npy(broken._network.trainable[1])})
    assert "not all finite" in load_error(file)


# All or nothing


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ["os.replace", "os.fsync", "numpy.lib.format.write_array"])
def test_a_failure_leaves_the_earlier_file(place, error, model, file, monkeypatch):
    before = file.read_bytes()

    def fail(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        with pytest.raises(type(error)):
            skae.save(copy.deepcopy(model).set_params(alpha=1.0), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_saving_replaces_what_a_link_points_to(model, tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_text("old")
    link.symlink_to(target)
    skae.save(model, link)
    assert link.is_symlink()
    assert skae.load(target).n_iter_ == model.n_iter_


def test_a_folder_that_is_not_there(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        skae.save(model, tmp_path / "absent" / "model.skae")
    with pytest.raises(FileNotFoundError):
        skae.load(tmp_path / "absent.skae")


# Classes


def test_classes_of_others_need_trust(X, path):
    skae.save(copy.deepcopy(ESTIMATORS["own"]).fit(X), path)
    message = load_error(path)
    assert re.search(r"'[\w.]*\bBottleneck'.*trusted=\(Bottleneck,\)", message)
    assert "Dimming" in load_error(path, trusted=[Bottleneck])


def own_architecture_of(document):
    return recipe_of(document)["architecture"]["object"][1]


LYING = {
    "width of the code": lambda d: network_of(d).update(n_code_features=10**9),
    "components": lambda d: recipe_of(d).update(n_components=10**9),
    "features": lambda d: recipe_of(d).update(n_features=10**9),
    "parameter": lambda d: own_architecture_of(d).update(width=10**9),
    "parameter that is none": lambda d: own_architecture_of(d).update(width=None),
    "too few weights": lambda d: network_of(d)["trainable"].pop(),
}


@pytest.mark.parametrize("change", LYING.values(), ids=LYING)
def test_networks_of_a_users_architecture_are_those_of_the_recipe(change, fitted_own, path):
    skae.save(fitted_own, path)
    skae.load(path, trusted=TRUSTED)
    with_document(path, change)
    load_error(path, trusted=TRUSTED)


@pytest.fixture(scope="module")
def fitted_own(X):
    return copy.deepcopy(ESTIMATORS["own"]).fit(X)


@pytest.mark.parametrize("trusted", [PCA, "Bottleneck", [PCA], [1]])
def test_trusted_holds_architectures_and_corruptions(trusted, file):
    with pytest.raises(TypeError, match="trusted must hold"):
        skae.load(file, trusted=trusted)
    other = type("Bottleneck", (Architecture,), {})
    with pytest.raises(TypeError, match="two classes of the name 'Bottleneck'"):
        skae.load(file, trusted=(Bottleneck, other))


def test_load_error_is_a_value_error_that_pickles(tmp_path):
    path = tmp_path / "text"
    path.write_text("hello")
    error = pickle.loads(pickle.dumps(skae.LoadError(load_error(path))))
    assert isinstance(error, ValueError)
    assert "not a zip file, but starts with b'hello'" in str(error)


# Damage


def test_every_truncation_is_refused(file):
    content = file.read_bytes()
    for length in {0, 1, 2, 3, 4, len(content) - 1, *range(5, len(content), 97)}:
        file.write_bytes(content[:length])
        load_error(file)


@pytest.mark.parametrize("step", slow_but(7, of=[3, 7]))
def test_a_flipped_byte_is_refused_or_changes_nothing(step, model, file):
    content = file.read_bytes()
    refused = 0
    for position in range(0, len(content), step):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        file.write_bytes(damaged)
        try:
            loaded = skae.load(file)
        except skae.LoadError:
            refused += 1
        else:
            assert_same_state(loaded, model)
    assert refused > len(content) / step * 0.7


class Trap:
    """Leaves a trace where a pickle of it is loaded."""

    def __reduce__(self):
        return (Path.touch, (Path("trap-was-sprung"),))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("0.npy", None, "member '0.npy' is missing"),
        ("16.npy", None, "the number of an array is 16"),
        ("skae.json", None, "member 'skae.json' is missing"),
        ("../17.npy", npy(np.ones(1)), r'17.npy.* is missing; others found: \["../17.npy"\]'),
        ("/etc/17.npy", npy(np.ones(1)), "'17.npy' is missing"),
        ("code.py", b"print()", r'others found: \["code.py"\]'),
        ("0.npy", b"", "damaged"),
        ("0.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((  ", "damaged"),
        ("0.npy", npy(np.array([Trap()])), r"0.npy' says \|O"),
        ("0.npy", pickle.dumps(Trap()), "damaged"),
        ("0.npy", npy(np.ones((4, 3), np.float32))[:-4], "shape .4, 3., but holds 44 bytes"),
        ("0.npy", npy(np.ones((4, 3), np.float32)) + b"0", "holds 49 bytes"),
        ("0.npy", npy(np.ones((3, 4), np.float32)), r"\(4, 3\), found \(3, 4\)"),
        ("0.npy", npy(np.ones((4, 3))), "should be float32, found float64"),
        ("0.npy", npy(np.ones((4, 3), "U1")), "says <U1"),
        ("skae.json", b"", "damaged"),
        ("skae.json", b"\xff\xfe\x00", "damaged"),
        ("skae.json", b"[" * 100000, "damaged"),
        ("skae.json", b"[]", "format version null"),
        ("skae.json", b'{"format": NaN}', "NaN in skae.json"),
        ("skae.json", b'{"format": 2, "skae": "0.9"}', 'version 2, written by skae "0.9"; .* 4'),
        ("skae.json", b'{"format": true}', "format version true"),
        ("skae.json", b'{"format": 4}', '"estimator": null'),
    ],
)
def test_members_that_skae_does_not_write(name, data, message, file, monkeypatch):
    monkeypatch.chdir(file.parent)
    content = members(file)
    if data is None:
        del content[name]
    else:
        content[name] = data
    write(file, content)
    assert re.search(message, load_error(file))
    assert not Path("trap-was-sprung").exists()


def test_a_header_that_promises_more_than_there_is(file):
    head = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 3)}
    np.lib.format.write_array_header_1_0(head, header)
    write(file, {**members(file), "0.npy": head.getvalue()})
    assert "but holds 0 bytes" in load_error(file)


def test_compressed_and_repeated_members(file):
    content = members(file)
    write(file, content, zipfile.ZIP_DEFLATED)
    assert "compressed" in load_error(file)
    write(file, content)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("0.npy", content["0.npy"])
    assert "'17.npy' is missing" in load_error(file)


def estimator_of(document):
    return document["estimator"]


def fit_of(document):
    return document["estimator"]["fitted"]


def history_of(document):
    return fit_of(document)["history_"]["dict"]


def network_of(document):
    return fit_of(document)["_network"]["record"][1]


def constants_of(document):
    return network_of(document)["constants"]["dict"]


def recipe_of(document):
    return network_of(document)["recipe"]["record"][1]


HOSTILE = {
    "estimator": lambda d: estimator_of(d).update({"class": "os.system"}),
    "estimator that is a function": lambda d: estimator_of(d).update({"class": "load"}),
    "estimator that is a list": lambda d: d.update(estimator=[]),
    "unknown parameter": lambda d: estimator_of(d)["params"].update(extra=1),
    "private parameter": lambda d: estimator_of(d)["params"].update(__class__=1),
    "params": lambda d: estimator_of(d).update(params=[]),
    "output": lambda d: estimator_of(d).update(output="html"),
    "output that is a list": lambda d: estimator_of(d).update(output=[]),
    "fitted": lambda d: estimator_of(d).update(fitted=3),
    "object": lambda d: estimator_of(d)["params"].update(
        architecture={"object": ["os.system", {"command": "touch trap-was-sprung"}]}
    ),
    "object's parameter": lambda d: estimator_of(d)["params"].update(
        architecture={"object": ["skae.architectures.Dense", {"extra": 1}]}
    ),
    "abstract object": lambda d: estimator_of(d)["params"].update(
        architecture={"object": ["skae.architectures.Architecture", {}]}
    ),
    "unknown tag": lambda d: estimator_of(d)["params"].update(alpha={"eval": "1"}),
    "two tags": lambda d: estimator_of(d)["params"].update(alpha={"tuple": [], "float": "inf"}),
    "float": lambda d: estimator_of(d)["params"].update(alpha={"float": "1e3"}),
    "numpy type": lambda d: estimator_of(d)["params"].update(alpha={"numpy": ["object", 1]}),
    "numpy value": lambda d: estimator_of(d)["params"].update(alpha={"numpy": ["int8", 1000]}),
    "numpy list": lambda d: estimator_of(d)["params"].update(alpha={"numpy": ["int8", ["a"]]}),
    "unhashable key": lambda d: estimator_of(d)["params"].update(alpha={"dict": [[[], 1]]}),
    "array below": lambda d: estimator_of(d)["params"].update(alpha={"array": -1}),
    "array beyond": lambda d: estimator_of(d)["params"].update(alpha={"array": 17}),
    "array name": lambda d: estimator_of(d)["params"].update(alpha={"array": "../0"}),
    "strings": lambda d: estimator_of(d)["params"].update(alpha={"strings": [1]}),
    "attribute that is a method": lambda d: fit_of(d).update(transform=1),
    "attribute that is a property": lambda d: fit_of(d).update(model_=1),
    "private attribute": lambda d: fit_of(d).update(__class__=1),
    "missing attribute": lambda d: fit_of(d).pop("n_iter_"),
    "number of epochs": lambda d: fit_of(d).update(n_iter_=True),
    "number of features": lambda d: fit_of(d).update(n_features_in_=5),
    "no features": lambda d: fit_of(d).update(n_features_in_=-1),
    "names": lambda d: fit_of(d).update(feature_names_in_={"strings": ["a"]}),
    "unknown attribute": lambda d: fit_of(d).update(extra_=1),
    "attribute of another class": lambda d: fit_of(d).update(likelihood_="gaussian"),
    "names that are numbers": lambda d: fit_of(d).update(feature_names_in_={"array": 16}),
    "history": lambda d: fit_of(d).update(history_={"dict": [["loss", 1]]}),
    "no learning rates": lambda d: history_of(d).pop(),
    "unknown curve": lambda d: history_of(d).append(["more", [1.0, 1.0]]),
    "curve of text": lambda d: history_of(d).append(["val_loss", ["a", "b"]]),
    "curve of one epoch": lambda d: history_of(d)[1][1].pop(),
    "another curve": lambda d: fit_of(d).update(loss_curve_=[1.0, 1.0]),
    "curve without history": lambda d: fit_of(d).update(val_loss_curve_=[1.0, 1.0]),
    "history without curve": lambda d: history_of(d).append(["val_loss", [1.0, 1.0]]),
    "no epochs": lambda d: fit_of(d).update(
        n_iter_=0, loss_curve_=[], history_={"dict": [["loss", []], ["learning_rate", []]]}
    ),
    "seed": lambda d: fit_of(d).update(_seed=-1),
    "activation": lambda d: recipe_of(d).update(
        latent={"record": ["PointCode", {"activation": "os.system"}]}
    ),
    "output activation": lambda d: recipe_of(d).update(output_activation="os.system"),
    "output activation that is a list": lambda d: recipe_of(d).update(output_activation=[]),
    "code that is drawn": lambda d: recipe_of(d).update(latent={"record": ["NormalCode", {}]}),
    "extra weights": lambda d: recipe_of(d).update(extra_weights=[]),
    "constants": lambda d: network_of(d).update(constants=[]),
    "name of a constant": lambda d: network_of(d).update(constants={"dict": [[1, {"array": 1}]]}),
    "type of a constant": lambda d: constants_of(d).append(["fill", {"array": 7}]),
    "shape of a constant": lambda d: constants_of(d).append(["fill", {"array": 13}]),
    "no centre": lambda d: constants_of(d).pop(0),
    "no scale": lambda d: constants_of(d).pop(1),
    "no upper bounds": lambda d: constants_of(d).pop(),
    "no constants": lambda d: network_of(d).update(constants={"dict": []}),
    "constants of another output": lambda d: recipe_of(d).update(output_activation="logistic"),
    "error of PCA": lambda d: fit_of(d).update(pca_error_=-1.0),
    "error of PCA that is unknown": lambda d: fit_of(d).update(pca_error_={"float": "nan"}),
    "no error of PCA": lambda d: fit_of(d).pop("pca_error_"),
    "strength": lambda d: fit_of(d).update(alpha_={"float": "inf"}),
    "strength by name": lambda d: fit_of(d).update(alpha_="auto"),
    "no strength": lambda d: fit_of(d).pop("alpha_"),
    "no linear path": lambda d: network_of(d).update(fixed=[]),
    "another linear path": lambda d: network_of(d)["fixed"].reverse(),
    "architecture without the path": lambda d: recipe_of(d)["architecture"]["object"][1].update(
        linear_path=False
    ),
    "recipe": lambda d: network_of(d).update(recipe=None),
    "architecture": lambda d: recipe_of(d).update(architecture=None),
    "corruption for architecture": lambda d: recipe_of(d).update(
        architecture={"object": ["skae.corruption.MaskingNoise", {}]}
    ),
    "widths": lambda d: recipe_of(d).update(
        architecture={"object": ["skae.architectures.Dense", {"hidden_layer_sizes": "ab"}]}
    ),
    "other widths": lambda d: recipe_of(d).update(
        architecture={"object": ["skae.architectures.Dense", {"hidden_layer_sizes": [3, 3]}]}
    ),
    "code": lambda d: network_of(d).update(n_code_features=3),
    "components": lambda d: recipe_of(d).update(n_components=None),
    "too few weights": lambda d: network_of(d)["trainable"].pop(),
    "no weights": lambda d: network_of(d).update(trainable=None),
    "numbers for weights": lambda d: network_of(d).update(trainable=[1.0] * 8),
    "fixed": lambda d: network_of(d)["fixed"].append({"array": 0}),
    "tuple of weights": lambda d: network_of(d).update(
        trainable={"tuple": network_of(d)["trainable"]}
    ),
    "solver": lambda d: fit_of(d).update(
        _slots={"record": ["SolverState", {"solver": 3, "arrays": []}]}
    ),
    "slots": lambda d: fit_of(d).update(
        _slots={"record": ["SolverState", {"solver": "adam", "arrays": [{"strings": ["a"]}]}]}
    ),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_documents_that_skae_does_not_write(change, file, monkeypatch):
    monkeypatch.chdir(file.parent)
    with_document(file, change)
    load_error(file)
    assert not Path("trap-was-sprung").exists()


HOSTILE_LIKELIHOODS = {
    "none": lambda d: fit_of(d).pop("likelihood_"),
    "unknown": lambda d: fit_of(d).update(likelihood_="poisson"),
    "list": lambda d: fit_of(d).update(likelihood_=["gaussian"]),
    "array": lambda d: fit_of(d).update(likelihood_=fit_of(d)["noise_variance_"]),
    "other": lambda d: fit_of(d).update(likelihood_="bernoulli"),
    "unknown attribute": lambda d: fit_of(d).update(extra_=1),
    "no variance": lambda d: fit_of(d).pop("noise_variance_"),
    "number as variance": lambda d: fit_of(d).update(noise_variance_=1.0),
    "bias as variance": lambda d: fit_of(d).update(noise_variance_={"array": 1}),
    "means as variance": lambda d: fit_of(d).update(noise_variance_=fit_of(d)["mean_"]),
    "no constant": lambda d: network_of(d).update(constants={"dict": []}),
    "negative constant": lambda d: network_of(d).update(
        constants={"dict": [["noise_variance", network_of(d)["trainable"][-2]]]}
    ),
    "code that is computed": lambda d: recipe_of(d).update(
        latent={"record": ["PointCode", {"activation": "identity"}]}
    ),
}


@pytest.mark.parametrize("change", HOSTILE_LIKELIHOODS.values(), ids=HOSTILE_LIKELIHOODS)
def test_likelihoods_that_skae_does_not_write(change, variational, path):
    skae.save(variational, path)
    with_document(path, change)
    load_error(path)


def columns_of(document):
    """The columns of numbers and of categories of the table below."""
    return [record["record"][1] for record in fit_of(document)["_table"]["record"][1]["columns"]]


HOSTILE_TABLES = {
    "none": lambda d: fit_of(d).update(_table=None),
    "another record": lambda d: fit_of(d).update(
        _table={"record": ["PointCode", {"activation": "tanh"}]}
    ),
    "library": lambda d: fit_of(d)["_table"]["record"][1].update(library="os"),
    "no column": lambda d: fit_of(d)["_table"]["record"][1].update(columns=[]),
    "one column": lambda d: fit_of(d)["_table"]["record"][1]["columns"].pop(),
    "a number as column": lambda d: fit_of(d)["_table"]["record"][1].update(columns=[1, 2]),
    "deviation": lambda d: columns_of(d)[0].update(deviation=0.0),
    "mean": lambda d: columns_of(d)[0].update(mean={"float": "nan"}),
    "weight": lambda d: columns_of(d)[1].update(weight=-1.0),
    "type": lambda d: columns_of(d)[1].update(dtype=3),
    "no level": lambda d: columns_of(d)[1].update(levels=[]),
    "fewer levels": lambda d: columns_of(d)[1]["levels"].pop(),
    "levels that are lists": lambda d: columns_of(d)[1].update(levels=[["a"], ["b"], ["c"]]),
    "other levels without a share": lambda d: columns_of(d)[1].update(others=["d"]),
    "shares": lambda d: columns_of(d)[1].update(shares=fit_of(d)["mean_"]),
}


@pytest.fixture(scope="module")
def of_table():
    X = pd.DataFrame({"number": [1.0, 2.0, 4.0], "text": ["a", "b", "c"]})
    return AutoencoderTransformer(1, hidden_layer_sizes=(), max_iter=1, random_state=0).fit(X)


@pytest.mark.parametrize("change", HOSTILE_TABLES.values(), ids=HOSTILE_TABLES)
def test_tables_that_skae_does_not_write(change, of_table, path):
    skae.save(of_table, path)
    with_document(path, change)
    load_error(path)


IMPOSSIBLE = {
    "centre": (12, np.array([np.nan, 0, 0, 0])),
    "scale": (13, np.array(0.0)),
    "negative scale": (13, np.array([1.0, 1.0, -1.0, 1.0])),
    "infinite scale": (13, np.array(np.inf)),
    "number of scales": (13, np.ones(3)),
    "type of scale": (13, np.array(1, np.int64)),
    "single centre": (12, np.zeros(4, np.float32)),
    "low": (14, np.full(4, np.inf)),
    "unknown low": (14, np.full(4, np.nan)),
    "high": (15, np.full(4, -np.inf)),
    "low above high": (14, np.full(4, 1e9)),
}


@pytest.mark.parametrize(("number", "array"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_constants_that_no_fit_takes_from_data(number, array, file):
    content = members(file)
    content["15.npy"] = npy(np.full(4, 1.0))
    write(file, content)
    skae.load(file)  # of other bounds, which are possible
    write(file, {**content, f"{number}.npy": npy(array)})
    assert re.search("the constant '(centre|scale|low|high)' is|the bounds of", load_error(file))


def test_a_matrix_of_the_linear_path_that_is_not_finite(file):
    write(file, {**members(file), "8.npy": npy(np.full((4, 2), np.nan, np.float32))})
    assert "not all finite" in load_error(file)


def test_slots_of_another_network(model, file):
    content = members(file)
    content["17.npy"] = npy(np.ones((9, 9), np.float32))
    write(file, content)
    state = {"record": ["SolverState", {"solver": "adam", "arrays": [{"array": 17}]}]}
    with_document(file, lambda d: fit_of(d).update(_slots=state))
    assert "solver's state has an array of shape (9, 9)" in load_error(file)


def test_a_parameter_added_since_takes_its_default(file):
    with_document(file, lambda d: estimator_of(d)["params"].pop("alpha"))
    assert skae.load(file).alpha == AutoencoderTransformer().alpha
