"""Check what `make dist` built: what is in it, and that it works where it is installed.

    python tests/distributions.py FOLDER

The source distribution must hold what the repository holds, and the wheel the package and the
licence alone. Each is installed into a fresh environment, which takes its dependencies from where
pip takes them, and `USE` is run there, in an empty folder.
"""

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

OF_REPOSITORY_ALONE = (".ci/", ".gitignore")
"""What the source distribution leaves out."""

MADE = {"PKG-INFO", "setup.cfg"}
"""Files that setuptools adds to a source distribution, beside a folder of metadata."""

USE = """
import pickle
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import skae

assert "site-packages" in skae.__file__, skae.__file__
assert skae.__version__ == version("skae")
X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]
inner = dict(hidden_layer_sizes=(8,), max_iter=3, random_state=0)
for name in (
    "AutoencoderTransformer", "DenoisingAutoencoder", "SparseAutoencoder",
    "ContractiveAutoencoder", "VariationalAutoencoder",
):
    fitted = getattr(skae, name)(3, **inner).fit(X)
    code = fitted.transform(X)
    assert code.shape == (200, 3) and np.isfinite(code).all()
    skae.save(fitted, "model.skae")
    for again in (pickle.loads(pickle.dumps(fitted)), skae.load("model.skae")):
        assert (again.transform(X) == code).all()
plain = skae.AutoencoderTransformer(3, **inner)
classifier = skae.AutoencoderClassifier(plain, max_iter=3, random_state=0).fit(X, y)
assert classifier.score(X, y) > 0.5
assert skae.AutoencoderOutlierDetector(plain, random_state=0).fit_predict(X).shape == (200,)
holes = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
assert np.isfinite(skae.AutoencoderImputer(plain, random_state=0).fit_transform(holes)).all()
print("works:", Path(skae.__file__).parent)
"""


def main(folder):
    """Check both files of a folder."""
    (source,), (wheel,) = (sorted(folder.glob(pattern)) for pattern in ("*.tar.gz", "*.whl"))
    check_source(source)
    check_wheel(wheel)
    for file in (source, wheel):
        use(file)


def tracked():
    """Files of the repository, as git knows them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {file for file in files.splitlines() if not file.startswith(OF_REPOSITORY_ALONE)}


def check_source(path):
    """The source distribution holds the files of the repository, and no others."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if "/" in name}
        folders = {one.name.partition("/")[2] for one in archive.getmembers() if one.isdir()}
    files = {name for name in names - folders - MADE if not name.startswith("skae.egg-info/")}
    check_same(path, files, tracked())


def check_wheel(path):
    """The wheel holds the package, its metadata and the licence."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    assert any(name.endswith("/licenses/LICENSE") for name in names), "no licence"
    files = {name for name in names if ".dist-info/" not in name}
    check_same(path, files, {name for name in tracked() if name.startswith("skae/")})


def check_same(path, found, expected):
    """End with what is missing, or in the wrong place."""
    if found != expected:
        missing, rubbish = sorted(expected - found), sorted(found - expected)
        sys.exit(f"{path.name}: missing {missing}; rubbish {rubbish}")
    print(f"{path.name}: {len(found)} files, {path.stat().st_size / 2**20:.2f} MB")


def use(file):
    """Install a file into a fresh environment, and use it."""
    with tempfile.TemporaryDirectory() as folder:
        environment, empty = Path(folder, ".venv"), Path(folder, "empty")
        venv.create(environment, with_pip=True)
        empty.mkdir()
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", file.resolve()], check=True)
        subprocess.run([python, "-m", "pip", "check"], check=True)
        subprocess.run([python, "-I", "-W", "ignore", "-c", USE], check=True, cwd=empty)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
