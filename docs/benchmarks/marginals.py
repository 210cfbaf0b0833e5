"""Whether the detector's score gains by how rare each feature's value is by itself.

    python docs/benchmarks/marginals.py --tables FOLDER

The tables, splits and protocols are those of `detectors.py`. One fit a split gives the evidence
lower bound; each other score is made of it and of the features' own distributions.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results
from detectors import PROTOCOLS, tables
from scipy.stats import rankdata
from scipy.stats import t as student
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderOutlierDetector

FREEDOM, LEAST_SCALE, STEPS = 2, 0.1, 20
"""Degrees of freedom and least scale, in standard deviations, of Student's t, and steps of EM."""

COLUMNS = {
    "score": "score",
    **{f"{kind} {p}": f"{p}, {kind}" for p in PROTOCOLS for kind in ("AUC", "AP", "rank", "wins")},
}

NOTES = [
    "AUC and AP as in `detectors.py`, means over tables and seeds; mean rank of the AUC among "
    "these scores; and the splits on which the AUC is higher and lower than by the bound.",
    "Tails: the sum over the features of the logarithm of the smaller tail of the training rows' "
    "empirical distribution, as in ECOD. Student: the log-density of independent Student's t of "
    f"{FREEDOM} degrees of freedom; mixture: of that model and the bound in equal parts. Ranks are "
    "those among training rows; Fisher: the sum of their logarithms.",
]


def tails(train, test):
    """Sum of the logarithms of tail probabilities of each row's values."""
    ordered, total = np.sort(train, axis=0), 0.0
    for column, values in zip(ordered.T, test.T, strict=True):
        below = np.searchsorted(column, values, "right") + 0.5
        above = len(column) - np.searchsorted(column, values, "left") + 0.5
        total = total + np.log(np.minimum(2 * np.minimum(below, above) / (len(column) + 1), 1))
    return total


def independent(train, test):
    """Log-density of a Student's t for each feature, by expectation-maximisation."""
    centre, least = np.median(train, axis=0), LEAST_SCALE * np.maximum(train.std(axis=0), 1e-9)
    scale = np.maximum(1.4826 * np.median(np.abs(train - centre), axis=0), least)
    for _ in range(STEPS):
        weight = (FREEDOM + 1) / (FREEDOM + np.square((train - centre) / scale))
        centre = (weight * train).sum(axis=0) / weight.sum(axis=0)
        spread = np.sqrt((weight * np.square(train - centre)).mean(axis=0))
        scale = np.maximum(spread, least)
    return (student.logpdf((test - centre) / scale, FREEDOM) - np.log(scale)).sum(axis=1)


def rank(train, test):
    """Share of the training rows' scores below each score."""
    ordered = np.sort(train)
    places = np.searchsorted(ordered, test, "left") + np.searchsorted(ordered, test, "right")
    return (places / 2 + 0.5) / (len(train) + 1)


def scores(train, test, seed):
    """Scores of the test rows, high for usual ones."""
    detector = AutoencoderOutlierDetector(contamination=0.1, random_state=seed).fit(train)
    bounds = [detector.score_samples(X) for X in (train, test)]
    by_tails = [tails(train, X) for X in (train, test)]
    by_student, ranks = independent(train, test), (rank(*bounds), rank(*by_tails))
    return {
        "bound": bounds[1],
        "tails": by_tails[1],
        "Student": by_student,
        "mixture of bound and Student": np.logaddexp(bounds[1], by_student),
        "mean rank of bound and tails": np.mean(ranks, axis=0),
        "Fisher, bound and tails": np.log(ranks).sum(axis=0),
    }


def areas(X, y, seed, protocol):
    """AUC and AP of each score on one split."""
    train, test, train_y, test_y = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(train if protocol == "unsupervised" else train[train_y == 0])
    train = scaler.transform(train if protocol == "unsupervised" else train[train_y == 0])
    found = scores(train, scaler.transform(test), seed)
    oddness = {name: -np.nan_to_num(score, neginf=-1e300) for name, score in found.items()}
    return {
        name: (roc_auc_score(test_y, odd), average_precision_score(test_y, odd))
        for name, odd in oddness.items()
    }


def summary(found):
    """The records of all scores, from the areas of each split and protocol."""
    records = {}
    for protocol, splits in found.items():
        names = list(splits[0])
        auc, ap = (np.array([[split[n][i] for n in names] for split in splits]) for i in (0, 1))
        ranks = rankdata(-auc, axis=1).mean(axis=0)
        for number, name in enumerate(names):
            gain = auc[:, number] - auc[:, 0]
            records.setdefault(name, {"score": name}).update(
                {
                    f"AUC {protocol}": f"{auc[:, number].mean():.3f}",
                    f"AP {protocol}": f"{ap[:, number].mean():.3f}",
                    f"rank {protocol}": f"{ranks[number]:.1f}",
                    f"wins {protocol}": f"{(gain > 1e-4).sum()} : {(gain < -1e-4).sum()}",
                }
            )
    return list(records.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most-features", type=int, default=64, help="leave out wider tables")
    add_output_options(parser, "marginals")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    found, n_tables = {protocol: [] for protocol in PROTOCOLS}, 0
    for name, X, y in tables(args.tables, args.most_features):
        for protocol in PROTOCOLS:
            found[protocol] += [areas(X, y, seed, protocol) for seed in range(args.seeds)]
        print(name, flush=True)
        n_tables += 1
    notes = [*NOTES, f"{n_tables} tables of at most {args.most_features} features."]
    records = summary(found)
    print(markdown_table(records, COLUMNS))
    write_results(args.json, args.markdown, "Marginal tails", records, COLUMNS, notes)


if __name__ == "__main__":
    main()
