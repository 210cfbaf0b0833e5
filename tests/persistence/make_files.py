"""Write the files of this version that all later versions must read.

    python tests/persistence/make_files.py

It writes `files/format_N.tar.xz`, N the version of the format: small estimators, one of each kind,
as `save` writes them, and in `expected.json` what they must give. A file of an earlier version is
never written anew. One of the version under development is, when what estimators keep has changed;
after a release, such a change needs a new version.
"""

import io
import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris

import skae
from skae import (
    AutoencoderClassifier,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRegressor,
    AutoencoderTransformer,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skae._persistence.archive import FORMAT
from skae.architectures import Conv, Dense
from skae.corruption import GaussianNoise, MaskingNoise

FILES = Path(__file__).parent / "files"

FLOWERS, SPECIES = load_iris(return_X_y=True)
INCOMPLETE = np.where(np.random.default_rng(0).random(FLOWERS.shape) < 0.2, np.nan, FLOWERS)
TABLE = pd.DataFrame(
    {
        "size": FLOWERS[:, 0],
        "colour": np.array(["blue", "violet", "white"])[SPECIES],
        "wild": FLOWERS[:, 1] > 3,
        "grade": pd.Categorical(
            np.array(["low", "high"])[(FLOWERS[:, 2] > 4).astype(int)],
            categories=["low", "middle", "high"],
            ordered=True,
        ),
    }
)
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
TINY = {"hidden_layer_sizes": (), "max_iter": 2, "random_state": 0}

CODES = ("transform", "reconstruct", "reconstruction_error")
"""Methods of autoencoders whose results are kept."""

SHOWN = 5
"""Rows, evenly spaced, of which results are kept."""

KINDS = {
    "transformer": lambda: (AutoencoderTransformer(2, **SMALL).fit(FLOWERS), FLOWERS, CODES),
    "denoising": lambda: (
        DenoisingAutoencoder(
            2,
            corruption=[GaussianNoise(0.1, clip=(0.0, np.inf)), MaskingNoise((0.1, 0.2))],
            architecture=Dense([3], activation="elu", normalization="batch"),
            max_iter=2,
            random_state=0,
        ).fit(FLOWERS),
        FLOWERS,
        CODES,
    ),
    "sparse": lambda: (
        SparseAutoencoder(2, sparsity="kl", missing="mask", **SMALL).fit(INCOMPLETE),
        INCOMPLETE,
        CODES,
    ),
    "contractive": lambda: (
        ContractiveAutoencoder(
            2, architecture=Dense([3], tied=True, dropout=0.1), max_iter=2, random_state=0
        ).fit(FLOWERS),
        FLOWERS,
        CODES,
    ),
    "variational": lambda: (
        VariationalAutoencoder(2, **SMALL).fit(FLOWERS),
        FLOWERS,
        (*CODES, "elbo"),
    ),
    "bernoulli": lambda: (
        VariationalAutoencoder(1, likelihood="bernoulli", **TINY).fit(FLOWERS / 8),
        FLOWERS / 8,
        CODES,
    ),
    "convolutional": lambda: (
        AutoencoderTransformer(
            None,
            architecture=Conv((2, 2), (2,), normalization="layer"),
            max_iter=2,
            random_state=0,
        ).fit(FLOWERS),
        FLOWERS,
        CODES,
    ),
    "convolutional with a code": lambda: (
        AutoencoderTransformer(
            1,
            architecture=Conv((2, 2), (2,), downsampling="max_pool"),
            early_stopping=True,
            max_iter=2,
            random_state=0,
        ).fit(FLOWERS),
        FLOWERS,
        CODES,
    ),
    "going on": lambda: (
        AutoencoderTransformer(1, **TINY).partial_fit(FLOWERS).partial_fit(FLOWERS),
        FLOWERS,
        CODES,
    ),
    "table": lambda: (AutoencoderTransformer(2, **TINY).fit(TABLE), TABLE, ("transform",)),
    "variational table": lambda: (
        VariationalAutoencoder(1, **TINY).fit(TABLE),
        TABLE,
        ("transform",),
    ),
    "classifier": lambda: (
        AutoencoderClassifier(AutoencoderTransformer(2, **SMALL), random_state=0).fit(
            FLOWERS, np.array(["setosa", "versicolor", "virginica"])[SPECIES]
        ),
        FLOWERS,
        ("predict_proba",),
    ),
    "regressor": lambda: (
        AutoencoderRegressor(VariationalAutoencoder(1, **TINY), random_state=0).fit(
            FLOWERS, FLOWERS[:, 3]
        ),
        FLOWERS,
        ("predict",),
    ),
    "detector": lambda: (
        AutoencoderOutlierDetector(
            AutoencoderTransformer(1, trim_fraction=0.1, **TINY), random_state=0
        ).fit(FLOWERS),
        FLOWERS,
        ("score_samples", "feature_scores"),
    ),
    "variational detector": lambda: (
        AutoencoderOutlierDetector(VariationalAutoencoder(1, **TINY), random_state=0).fit(FLOWERS),
        FLOWERS,
        ("score_samples",),
    ),
    "imputer": lambda: (
        AutoencoderImputer(DenoisingAutoencoder(1, **TINY), random_state=0).fit(INCOMPLETE),
        INCOMPLETE,
        ("transform",),
    ),
    "table imputer": lambda: (
        AutoencoderImputer(AutoencoderTransformer(1, **TINY), random_state=0).fit(TABLE),
        TABLE,
        (),
    ),
}
"""Fitted estimators, rows, and the methods whose results are kept."""


def shown(X):
    """The rows of which results are kept."""
    rows = np.linspace(0, len(X) - 1, SHOWN).astype(int)
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def kept_files(path):
    """Bytes of the files in `files/format_N.tar.xz` by name, and what they must give."""
    with tarfile.open(path) as archive:
        content = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}
    return content, json.loads(content.pop("expected.json"))


def main():
    content, expected = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in KINDS.items():
            estimator, X, methods = make()
            skae.save(estimator, Path(folder, name))
            content[name] = Path(folder, name).read_bytes()
            expected[name] = {
                method: np.asarray(getattr(estimator, method)(shown(X))).tolist()
                for method in methods
            }
    content["expected.json"] = json.dumps(expected).encode()
    path = FILES / f"format_{FORMAT}.tar.xz"
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:xz") as archive:  # together, because they have much in common
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    print(f"{path}: {len(content) - 1} estimators, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
