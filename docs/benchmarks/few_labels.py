"""Compare AutoencoderClassifier and AutoencoderRegressor with others where few rows have a label.

    python docs/benchmarks/few_labels.py --mnist FILE

Digits (64 features) and 5,000 rows of MNIST (784), with pixels in [0, 1], and three tables of
numbers to predict. Each split holds rows out for the test; of the others some keep their label.
"""

import argparse
import time
import warnings
from functools import partial

import numpy as np
from _report import add_output_options, markdown_table, read_records, write_results
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, make_friedman1
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import StratifiedShuffleSplit, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from skae import AutoencoderClassifier, AutoencoderRegressor, AutoencoderTransformer

CLASSIFIERS = {
    "skae": "skae",
    "logistic": "logistic regression on X",
    "frozen": "logistic regression on the frozen code",
    "mlp": "MLPClassifier",
    "self": "SelfTrainingClassifier",
    "knn": "LabelSpreading, neighbours",
    "rbf": "LabelSpreading, default",
}

REGRESSORS = {
    "skae": "skae",
    "logistic": "ridge regression on X",
    "frozen": "ridge regression on the frozen code",
    "mlp": "MLPRegressor",
}

COLUMNS = {
    "data": "data",
    "labels": "labels",
    "skae": "skae",
    "logistic": "linear on X",
    "frozen": "linear on the frozen code",
    "mlp": "MLP",
    "self": "self-training",
    "knn": "label spreading, neighbours",
    "rbf": "label spreading, default",
    "seconds": "seconds of skae",
}

NOTES = [
    "Accuracy on rows held out (digits and MNIST), and R² (the other tables): means over seeds, "
    "which decide on split, labelled rows and estimators.",
    "The autoencoder is trained once for each split on all its rows, and given to skae as it is; "
    "the frozen code is its. Those that know no unlabelled rows are fitted to the labelled ones. "
    "Linear is `LogisticRegression` of its default strength on pixels in [0, 1] and on the code, "
    "or `RidgeCV` of standardised columns. Self-training is that of the logistic regression.",
    "The seconds are those of a fit without the autoencoder's, compiling included, on one thread "
    "of a machine with other work.",
]


def made_table():
    """A table of 30 columns that are curved functions of four factors, as is y."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(1000, 4))
    X = np.tanh(factors @ rng.normal(size=(4, 30))) + 0.1 * rng.normal(size=(1000, 30))
    return X, np.sin(2 * factors[:, 0]) + factors[:, 1] * factors[:, 2]


def digits(seed):
    """Rows of a split of digits."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=seed)


def mnist(path, seed):
    """Rows of a split of MNIST."""
    rng = np.random.default_rng(seed)
    train, test = rng.permutation(60_000)[:5_000], rng.permutation(10_000)[:5_000]
    with np.load(path) as file:
        X, X_test = (file[f"x_{kind}"].reshape(-1, 784) / 255.0 for kind in ("train", "test"))
        return X[train], X_test[test], file["y_train"][train].astype(int), file["y_test"][test]


def numbers(load, seed):
    """Rows of a split of a table of numbers."""
    return train_test_split(*load(), test_size=0.25, random_state=seed)


def chosen(y, n_labels, seed):
    """The rows that keep their label, a share of each class."""
    if n_labels is None:
        return np.arange(len(y))
    splitter = StratifiedShuffleSplit(1, train_size=n_labels, random_state=seed)
    return next(splitter.split(y, y))[0]


def classified(X, X_test, y, y_test, autoencoder, n_labels, seed):
    """Test accuracy of each classifier, and seconds of skae's fit."""
    rows = chosen(y, n_labels, seed)
    known = np.full_like(y, -1)
    known[rows] = y[rows]
    start = time.perf_counter()
    own = AutoencoderClassifier(autoencoder, random_state=seed).fit(X, known)
    found = {"seconds": time.perf_counter() - start, "skae": own.score(X_test, y_test)}
    linear = LogisticRegression(max_iter=1000)
    code, code_test = autoencoder.transform(X[rows]), autoencoder.transform(X_test)
    found["frozen"] = clone(linear).fit(code, y[rows]).score(code_test, y_test)
    found["logistic"] = clone(linear).fit(X[rows], y[rows]).score(X_test, y_test)
    found["mlp"] = MLPClassifier(random_state=seed).fit(X[rows], y[rows]).score(X_test, y_test)
    others = {"knn": LabelSpreading(kernel="knn"), "rbf": LabelSpreading()}
    others["self"] = SelfTrainingClassifier(linear)
    for name, other in others.items():
        found[name] = other.fit(X, known).score(X_test, y_test)
    return found


def regressed(X, X_test, y, y_test, autoencoder, n_labels, seed):
    """Test R² of each regressor, and seconds of skae's fit."""
    rows = np.random.default_rng(seed).permutation(len(y))[:n_labels]
    known = np.full_like(y, np.nan)
    known[rows] = y[rows]
    start = time.perf_counter()
    own = AutoencoderRegressor(autoencoder, random_state=seed).fit(X, known)
    found = {"seconds": time.perf_counter() - start, "skae": own.score(X_test, y_test)}
    linear = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17)))
    code, code_test = autoencoder.transform(X[rows]), autoencoder.transform(X_test)
    found["frozen"] = clone(linear).fit(code, y[rows]).score(code_test, y_test)
    found["logistic"] = clone(linear).fit(X[rows], y[rows]).score(X_test, y_test)
    mlp = make_pipeline(StandardScaler(), MLPRegressor(max_iter=500, random_state=seed))
    mlp = TransformedTargetRegressor(mlp, transformer=StandardScaler())
    found["mlp"] = mlp.fit(X[rows], y[rows]).score(X_test, y_test)
    return found


def averaged(data, labels, found):
    """The record of one table and number of labels, from the results of all seeds."""
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    numbers = {name: f"{mean:.{1 if name == 'seconds' else 3}f}" for name, mean in means.items()}
    return {"key": f"{data}, {labels}", "data": data, "labels": labels, **numbers}


def with_means(records):
    """The records, and the mean over all with classes of each classifier."""
    classes = [record for record in records if "knn" in record]
    if not classes:
        return records
    mean = {
        name: f"{np.mean([float(record[name]) for record in classes]):.3f}" for name in CLASSIFIERS
    }
    return [*records, {"key": "mean", "data": "mean of accuracies", "labels": "", **mean}]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="mnist.npz, as Keras has it")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", nargs="+", help="names of data to run anew; all without it")
    add_output_options(parser, "few_labels")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    classes, some = (50, 100, 500, 1000, None), (50, 150, 300)
    tables = {
        "diabetes": (partial(numbers, partial(load_diabetes, return_X_y=True)), regressed, some),
        "Friedman's": (partial(numbers, partial(make_friedman1, 1000, noise=1.0, random_state=0)),
                       regressed, some),
        "curved factors": (partial(numbers, made_table), regressed, some),
        "digits": (digits, classified, classes),
        "MNIST": (partial(mnist, args.mnist), classified, classes),
    }  # fmt: skip
    records = read_records(args.json, "key") if args.only else {}
    records.pop("mean", None)
    for data, (split, measured, label_numbers) in tables.items():
        if args.only and data not in args.only:
            continue
        found = {n: [] for n in label_numbers}
        for seed in range(args.seeds):
            rows = split(seed)
            width = 32 if rows[0].shape[1] > 64 else 0.9
            autoencoder = AutoencoderTransformer(width, max_iter=50, random_state=seed)
            autoencoder.fit(rows[0])
            for n_labels in label_numbers:
                found[n_labels].append(measured(*rows, autoencoder, n_labels, seed))
                labels = "all" if n_labels is None else str(n_labels)
                record = averaged(data, labels, found[n_labels])
                records[record["key"]] = record
                print(markdown_table([record], COLUMNS).splitlines()[-1], flush=True)
        every = with_means(list(records.values()))
        write_results(args.json, args.markdown, "Few labels", every, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
