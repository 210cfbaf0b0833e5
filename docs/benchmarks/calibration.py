"""How far the probabilities of AutoencoderClassifier can be trusted where few rows have a label.

    python docs/benchmarks/calibration.py --tables FOLDER

Digits, breast cancer, and the tables Pima and cardio of FOLDER, .npz files with arrays `X` and
`outlier`. Each split holds 30 % of the rows out for the test; of the others some keep their label.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from _report import add_output_options, markdown_table, write_results
from few_labels import chosen
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderClassifier, AutoencoderTransformer

LABELS, TABLES, BINS = (50, 100, 500), ("Pima", "cardio"), 10

NAMES = {"skae": "skae", "logistic": "logistic regression", "mlp": "MLP"}

MEASURES = {"accuracy": "accuracy", "brier": "Brier score", "ece": "calibration error"}

COLUMNS = {
    "data": "data",
    "labels": "labels",
    **{f"{m} {n}": f"{title}, {NAMES[n]}" for m, title in MEASURES.items() for n in NAMES},
}

NOTES = [
    "On rows held out, means over seeds, which decide on split, labelled rows and estimators. The "
    "Brier score is the squared distance of the probabilities from those of the true class, summed "
    f"over the classes, mean over rows. The calibration error is that of the likeliest class in "
    f"{BINS} bins of its probability: the mean distance, by rows, of accuracy from mean "
    "probability. Of few test rows it is above zero for true probabilities, too.",
    "The autoencoder is trained on all rows of a split but those held out, the others on "
    "standardised rows with a label.",
]


def data_sets(folder):
    """Yield name, rows and classes."""
    yield "digits", *load_digits(return_X_y=True)
    yield "breast cancer", *load_breast_cancer(return_X_y=True)
    for name in TABLES:
        with np.load(folder / f"{name}.npz") as file:
            yield name, file["X"].astype(float), file["outlier"].astype(int)


def measures(probability, y):
    """Accuracy, Brier score and calibration error of classes 0, 1 and so on."""
    right, top = probability.argmax(axis=1) == y, probability.max(axis=1)
    place = np.minimum((top * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(place, right - top, BINS)) / len(y)
    brier = np.square(probability - np.eye(probability.shape[1])[y]).sum(axis=1).mean()
    return {"accuracy": right.mean(), "brier": brier, "ece": gaps.sum()}


def measured(X, y, seed):
    """Yield a number of labels and the measures of each classifier, for one split."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    autoencoder = AutoencoderTransformer(0.9, max_iter=50, random_state=seed).fit(X)
    for n_labels in LABELS:
        if n_labels > len(y) - len(np.unique(y)):
            continue
        rows = chosen(y, n_labels, seed)
        known = np.full_like(y, -1)
        known[rows] = y[rows]
        own = AutoencoderClassifier(autoencoder, random_state=seed).fit(X, known)
        others = {
            "logistic": LogisticRegression(max_iter=1000),
            "mlp": MLPClassifier(random_state=seed),
        }
        found = {"skae": own.predict_proba(X_test)}
        for name, other in others.items():
            model = make_pipeline(StandardScaler(), other).fit(X[rows], y[rows])
            found[name] = model.predict_proba(X_test)
        yield (
            n_labels,
            {
                f"{measure} {name}": value
                for name, probability in found.items()
                for measure, value in measures(probability, y_test).items()
            },
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--seeds", type=int, default=2)
    add_output_options(parser, "calibration")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    records = []
    for data, X, y in data_sets(args.tables):
        found = {}
        for seed in range(args.seeds):
            for n_labels, numbers in measured(X, y, seed):
                found.setdefault(n_labels, []).append(numbers)
        for n_labels, each in found.items():
            means = {name: np.mean([one[name] for one in each]) for name in each[0]}
            numbers = {name: f"{mean:.3f}" for name, mean in means.items()}
            records.append({"data": data, "labels": n_labels, **numbers})
            print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
        write_results(args.json, args.markdown, "Calibration", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
