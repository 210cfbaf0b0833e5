"""The structure: who imports whom, what importing costs, and that the documents tell the truth."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cases import slow, slow_but

import skae
from skae import architectures, callbacks, corruption, exceptions, losses, penalties, plotting

ROOT = Path(skae.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LEAVES = {"autoencoder", "contractive", "denoising", "sparse", "variational"}
OF_JAX = [f"skae._engine._jax.{path.stem}" for path in ROOT.glob("_engine/_jax/[a-z]*.py")]
BUILT_ON = ("_supervised", "impute", "outliers")
TERMS = ("_terms", "losses", "penalties", "corruption", "architectures")
PUBLIC = [
    *(getattr(skae, name) for name in skae.__all__ if inspect.isclass(getattr(skae, name))),
    *(getattr(architectures, name) for name in architectures.__all__),
    *(getattr(corruption, name) for name in corruption.__all__),
    *(getattr(losses, name) for name in losses.__all__),
    *(getattr(penalties, name) for name in penalties.__all__),
    *(getattr(callbacks, name) for name in callbacks.__all__),
    *(getattr(plotting, name) for name in plotting.__all__),
]


def imports(path, *, top_level_only=False):
    """Absolute dotted names of the modules a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    parts = ["skae", *path.relative_to(ROOT).with_suffix("").parts]
    package = parts[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            yield ".".join(module)
            yield from (".".join([*module, alias.name]) for alias in node.names)


def is_of(name, package):
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports(path):
    room, *within = path.relative_to(ROOT).with_suffix("").parts
    every = set(imports(path))
    for name in every:
        assert not is_of(name, "keras.src"), "keras.src is private"
        if (room, *within)[:2] != ("_engine", "_jax"):
            assert not is_of(name, "jax"), "one folder knows the backend"
            assert not any(is_of(name, file) for file in OF_JAX), "a file of that folder"
        if room != "_engine":
            assert not re.match(r"skae\._engine\.(?!__init__)\w+\.", name), "an engine's module"
        else:
            for other in (*TERMS, "_autoencoders", *BUILT_ON, "_persistence", "plotting"):
                assert not is_of(name, f"skae.{other}"), "the engine knows no term or estimator"
        if room in (*TERMS, "_own_layers", "_supervised"):
            assert not is_of(name, "keras"), "skae's own pieces need no Keras"
        if room in (*TERMS, "_data"):
            assert not is_of(name, "skae._autoencoders"), "a piece knows no estimator"
        if room in (*TERMS, "_data", "_autoencoders"):
            for other in BUILT_ON:
                assert not is_of(name, f"skae.{other}"), "an autoencoder knows not what it serves"
        if room != "onnx":
            for library in ("skae.onnx", "skl2onnx", "onnx", "onnxruntime"):
                assert not is_of(name, library), "ONNX is an extra"
        if (room, *within) != ("_data", "dask"):
            for library in ("dask", "h5py", "zarr"):
                assert not is_of(name, library), "what X is of is known by its class"
        if room == "_autoencoders" and within[0] in LEAVES:
            for leaf in LEAVES - {within[0]}:
                assert not is_of(name, f"skae._autoencoders.{leaf}"), "no leaf imports another"
        if room != "_sklearn_compat":
            assert not re.match(r"sklearn\.(callback|utils\._|base\._)", name), "private names"
    for name in imports(path, top_level_only=True):
        for library in ("keras", "jax", "matplotlib"):
            assert not is_of(name, library), f"{library} is imported where it is needed"


def test_importing_skae_imports_no_backend_and_changes_nothing():
    program = """
import os, random, sys, warnings
import numpy as np, scipy.sparse, sklearn.utils.validation
try:
    import sklearn.callback  # its progress bar draws a random number on import
except ImportError:
    assert tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)
before = dict(os.environ), random.getstate(), np.random.get_state()[1].tolist(), warnings.filters[:]
import skae, skae.plotting
assert not {"keras", "jax", "matplotlib", "tensorflow", "torch", "onnx"} & set(sys.modules)
assert not {"dask", "h5py", "zarr", "skae._data.dask"} & set(sys.modules)
assert not {"polars", "sklearn.neighbors", "sklearn.linear_model"} & set(sys.modules)
assert not {"skae._persistence", "skae._supervised", "skae.impute"} & set(sys.modules)
after = dict(os.environ), random.getstate(), np.random.get_state()[1].tolist(), warnings.filters[:]
assert before == after
"""
    subprocess.run([sys.executable, "-c", program], check=True)


ANSWERS = {
    "autoencoder": "AutoencoderTransformer(2, architecture=Dense(4, dropout=0.1), **few)",
    "denoising": "DenoisingAutoencoder(2, loss='absolute_error', solver='rmsprop', **few)",
    "sparse": "SparseAutoencoder(2, sparsity='kl', weight_penalty='l1', **few)",
    "contractive": "ContractiveAutoencoder(2, loss='binary_crossentropy', **few)",
    "variational": "VariationalAutoencoder(2, solver='nadam', early_stopping=True, **few)",
    "convolutional": "AutoencoderTransformer(2, architecture=Conv((4, 4), 2), **few)",
    "outliers": "AutoencoderOutlierDetector(AutoencoderTransformer(2, **few))",
    "classifier": "AutoencoderClassifier(AutoencoderTransformer(2, **few), max_iter=2)",
    "imputer": "AutoencoderImputer(AutoencoderTransformer(2, **few), random_state=0)",
}


@pytest.mark.parametrize("name", slow_but("denoising", of=ANSWERS))
def test_a_first_answer_needs_no_keras(name, tmp_path):
    """Importing Keras takes longer than all else of it."""
    program = f"""
import sys
import numpy as np, skae
from skae import *
from skae.architectures import Conv, Dense
few = {{"max_iter": 2, "random_state": 0}}
X = np.random.default_rng(0).uniform(size=(60, 16))
estimator = {ANSWERS[name]}.fit(X, (X[:, 0] > 0.5).astype(int))
skae.save(estimator, {str(tmp_path / "file")!r})
loaded = skae.load({str(tmp_path / "file")!r})
for method in ("transform", "predict", "inverse_transform"):
    if hasattr(loaded, method):
        rows = X[:, :2] if method == "inverse_transform" else X
        results = [getattr(one, method)(rows) for one in (estimator, loaded)]
        assert np.array_equal(*results)
assert "jax" in sys.modules and "keras" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


@slow
def test_names_that_are_imported_where_they_are_used():
    program = """
import skae
assert set(skae.__all__) <= set(dir(skae))
names = {}
exec("from skae import *", names)
assert set(skae.__all__) <= set(names)
assert skae.load is skae.load and skae.impute.AutoencoderImputer is skae.AutoencoderImputer
assert not hasattr(skae, "AutoencoderClusterer")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@slow
@pytest.mark.parametrize("environment", [{"KERAS_BACKEND": "jax"}, {}], ids=["jax", "none"])
def test_the_environment_is_left_alone(environment):
    clean = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    program = """
import os, skae
before = dict(os.environ)
skae.AutoencoderTransformer(1, solver="sgd", max_iter=1).fit([[1.0, 2.0], [2.0, 1.0]])
assert dict(os.environ).get("KERAS_BACKEND") == before.get("KERAS_BACKEND")
"""
    subprocess.run([sys.executable, "-c", program], env={**clean, **environment}, check=True)


def documented_parameters(cls):
    """Name to text after the colon, of the section Parameters of a class's docstring."""
    text = inspect.getdoc(cls)
    section = re.search(r"Parameters\n-+\n(.*?)(\n\n[A-Z][\w ]+\n-+\n|\Z)", text, re.S)
    return dict(re.findall(r"^(\w+) : (.*(?:\\\n.*)?)", section[1], re.M)) if section else {}


@pytest.mark.parametrize(
    "cls", [cls for cls in PUBLIC if "__init__" in vars(cls)], ids=lambda cls: cls.__name__
)
def test_documented_defaults_are_those_of_the_signature(cls):
    signature = inspect.signature(cls)
    documented = documented_parameters(cls)
    assert list(documented) == list(signature.parameters)
    for name, parameter in signature.parameters.items():
        if parameter.default is not parameter.empty:
            default = documented[name].rsplit("default=", 1)[1]
            is_documented = default == repr(parameter.default)  # of nan, too
            assert is_documented or ast.literal_eval(default) == parameter.default


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_public_classes_have_an_example_that_runs(cls):
    assert ">>> " in inspect.getdoc(cls)


def test_the_reference_has_each_public_name():
    reference = (ROOT.parent / "docs" / "reference.md").read_text()
    names = {*exceptions.__all__, *(cls.__name__ for cls in PUBLIC)}
    assert {name for name in names if not re.search(rf"\b{name}\b", reference)} == set()


def test_only_the_first_parameter_is_positional():
    positional = {architectures.Conv: 3, skae.PopulationSearchCV: 2}  # Conv((28, 28), (16, 32), 5)
    for cls in PUBLIC:
        kinds = [parameter.kind for parameter in inspect.signature(cls).parameters.values()]
        kinds = kinds[positional.get(cls, 1) :]
        assert all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds)
