"""Compare AutoencoderOutlierDetector with other detectors on tables whose outliers are known.

    python docs/benchmarks/detectors.py --tables FOLDER

FOLDER holds .npz files with arrays `X` and `outlier`. Each is split 70 : 30, stratified, and
standardised by its training rows. "unsupervised" trains on all of those, outliers included;
"novelty" on those that are none. PyOD's detectors are compared where it is installed.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderOutlierDetector

PROTOCOLS = ("unsupervised", "novelty")

COLUMNS = {
    "detector": "detector",
    **{f"{kind} {p}": f"{p}, {kind}" for p in PROTOCOLS for kind in ("AUC", "AP")},
    "spread": "spread of seeds",
    "seconds": "seconds of a fit",
}

NOTES = [
    "AUC is the area under the ROC curve of the test rows, AP the average precision: means over "
    "the tables and seeds. The spread is the standard deviation over seeds of the unsupervised "
    "AUC's mean over the tables; a seed decides on the split and on the detector. The seconds are "
    "the median over the tables of a second fit and its scores, in which nothing is compiled; "
    "those of skae are of a later run, on a machine that was busy with other work.",
]


def distances(train, test):
    """Mahalanobis distances from the 60 % of the rows that agree, found in concentration steps."""
    kept = np.argsort(np.square(train - np.median(train, axis=0)).sum(axis=1))
    for _ in range(10):
        rows = train[kept[: int(np.ceil(0.6 * len(train)))]]
        values, vectors = np.linalg.eigh(np.cov(rows.T))
        vectors = vectors / np.sqrt(np.maximum(values, 1e-3 * values.mean()))
        kept = np.argsort(np.square((train - rows.mean(axis=0)) @ vectors).sum(axis=1))
    return np.square((test - rows.mean(axis=0)) @ vectors).sum(axis=1)


def neighbours(train, test):
    """Distances to the fifth neighbour."""
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0][:, -1]


def contenders():
    """Functions of training rows, test rows and seed that give scores, high for outliers."""
    by_name = {
        "skae": lambda a, b, s: -AutoencoderOutlierDetector(random_state=s).fit(a).score_samples(b),
        "isolation forest": lambda a, b, s: (
            -IsolationForest(random_state=s).fit(a).score_samples(b)
        ),
        "elliptic envelope": lambda a, b, s: (
            -EllipticEnvelope(random_state=s).fit(a).score_samples(b)
        ),
        "fifth neighbour": lambda a, b, s: neighbours(a, b),
        "trimmed Mahalanobis": lambda a, b, s: distances(a, b),
    }
    try:
        from pyod.models.auto_encoder import AutoEncoder
        from pyod.models.ecod import ECOD
        from pyod.models.pca import PCA
        from pyod.models.vae import VAE
    except ImportError:
        return by_name
    return by_name | {
        "PyOD ECOD": lambda a, b, s: ECOD().fit(a).decision_function(b),
        "PyOD PCA": lambda a, b, s: PCA(random_state=s).fit(a).decision_function(b),
        "PyOD AutoEncoder": lambda a, b, s: (
            AutoEncoder(random_state=s, verbose=0).fit(a).decision_function(b)
        ),
        "PyOD VAE": lambda a, b, s: VAE(random_state=s, verbose=0).fit(a).decision_function(b),
    }


def tables(folder, most_features):
    """Name, rows and outliers of each table."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            if file["X"].shape[1] <= most_features:
                yield path.stem, file["X"].astype(float), file["outlier"]


def measured(score, X, y, seed, protocol):
    """Area, average precision and, of the first split, seconds of one detector on one split."""
    train, test, train_y, test_y = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(train)
    train = scaler.transform(train if protocol == "unsupervised" else train[train_y == 0])
    test = scaler.transform(test)
    found, seconds = np.nan_to_num(score(train, test, seed)), np.nan
    if seed == 0:
        start = time.perf_counter()
        score(train, test, seed)
        seconds = time.perf_counter() - start
    return roc_auc_score(test_y, found), average_precision_score(test_y, found), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--detectors", nargs="+", help="those to run anew; all without it")
    parser.add_argument("--most-features", type=int, default=10**9, help="leave out wider tables")
    add_output_options(parser, "detectors")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    data = list(tables(args.tables, args.most_features))
    wide = f"{len(data)} tables, those of at most {args.most_features} features."
    notes = NOTES if args.most_features == 10**9 else [*NOTES, wide]
    records = read_records(args.json, "detector") if args.detectors else {}
    for name, score in contenders().items():
        if args.detectors and name not in args.detectors:
            continue
        record, by_table = {}, {}
        for protocol in PROTOCOLS:
            found = np.array(
                [
                    [measured(score, X, y, seed, protocol) for seed in range(args.seeds)]
                    for _, X, y in data
                ]
            )
            record[f"AUC {protocol}"], record[f"AP {protocol}"], _ = found.mean(axis=(0, 1))
            if protocol == "unsupervised":
                record["spread"] = found[:, :, 0].mean(axis=0).std()
                record["seconds"] = np.nanmedian(found[:, :, 2])
            areas = found[:, :, 0].mean(axis=1)
            by_table |= {f"{table[0]}, {protocol}": a for table, a in zip(data, areas, strict=True)}
        numbers = {key: f"{number:.3f}" for key, number in {**record, **by_table}.items()}
        records[name] = {"detector": name, **numbers}
        print(markdown_table([records[name]], COLUMNS).splitlines()[-1], flush=True)
        write_results(args.json, args.markdown, "Detectors", list(records.values()), COLUMNS, notes)


if __name__ == "__main__":
    main()
