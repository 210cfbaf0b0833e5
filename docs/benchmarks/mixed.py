"""Compare AutoencoderTransformer with PCA of one-hot columns on tables of mixed columns.

    python docs/benchmarks/mixed.py --tables FOLDER

The data are those of `tables.py`, at most 2,000 rows; every second column is cut at its quintiles
into categories.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _report import add_output_options, markdown_table, write_results
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import data_sets

from skae import AutoencoderTransformer

MOST_ROWS, MOST_COLUMNS, SEEDS = 2000, 100, 3

COLUMNS = {
    "data": "data, columns of categories, code units",
    "frequent": "most frequent level",
    "pca": "PCA, levels right",
    "skae": "skae, levels right",
    "pca_error": "PCA, error of numbers",
    "skae_error": "skae, error of numbers",
}

NOTES = [
    f"Mean of {SEEDS} splits, on the test rows. Of categories the share that is reconstructed, of "
    "numbers the mean squared error in standard deviations, the mean over columns. PCA is that of "
    "standardised numbers beside indicators of levels, those of a column divided by the root of "
    "the sum of their variances, and takes the level of the largest value.",
]


def mixed(X):
    """A frame whose every second column of many values is cut into categories."""
    frame = pd.DataFrame(X).add_prefix("column ")
    for name in list(frame)[1::2]:
        cut = pd.qcut(frame[name], 5, duplicates="drop")
        if cut.cat.categories.size > 1:
            frame[name] = cut.cat.rename_categories([f"level {c}" for c in range(cut.nunique())])
    return frame


def judged(numbers, categories, test, reconstructed, deviations):
    """Share of the levels that are right, and mean squared error of the numbers."""
    right = (test[categories].astype(str) == reconstructed[categories].astype(str)).mean().mean()
    difference = (test[numbers] - reconstructed[numbers]) / deviations
    return right, np.square(difference).mean().mean()


def by_pca(train, test, numbers, categories, n_components, seed):
    """The table that PCA of one-hot columns reconstructs."""
    encoder = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), categories)
    ).fit(train)
    encoded = encoder.transform(train)
    names = [f"{name}_" for name in categories]
    groups = [
        [i for i, name in enumerate(encoder.get_feature_names_out()) if f"__{group}" in name]
        for group in names
    ]
    unit = np.ones(encoded.shape[1])
    for group in groups:
        unit[group] = np.sqrt(encoded[:, group].var(axis=0).sum())
    pca = PCA(n_components, random_state=seed).fit(encoded / unit)
    found = pca.inverse_transform(pca.transform(encoder.transform(test) / unit)) * unit
    scaler, one_hot = (encoder.named_transformers_[n] for n in ("standardscaler", "onehotencoder"))
    table = pd.DataFrame(
        scaler.inverse_transform(found[:, : len(numbers)]), columns=numbers, index=test.index
    )
    for name, group, levels in zip(categories, groups, one_hot.categories_, strict=True):
        table[name] = levels[found[:, group].argmax(axis=1)]
    return table


def compared(frame, n_components, seed):
    """The columns of the table for one split."""
    train, test = train_test_split(frame, random_state=seed)
    categories = [name for name in frame if frame[name].dtype == "category"]
    numbers = [name for name in frame if name not in categories]
    deviations = train[numbers].std().replace(0, 1)
    pca = by_pca(train, test, numbers, categories, n_components, seed)
    skae = AutoencoderTransformer(n_components, random_state=seed).fit(train).reconstruct(test)
    found = {"frequent": (test[categories] == train[categories].mode().iloc[0]).mean().mean()}
    for name, table in (("pca", pca), ("skae", skae)):
        found[name], found[f"{name}_error"] = judged(numbers, categories, test, table, deviations)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of .npz files with an array X")
    add_output_options(parser, "mixed")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    records = []
    for name, X, size in data_sets(args.tables):
        if X.shape[1] > MOST_COLUMNS:
            continue
        X = X[np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]]
        frame = mixed(X)
        n_categories = (frame.dtypes == "category").sum()
        if not n_categories:
            continue
        found = [compared(frame, size, seed) for seed in range(SEEDS)]
        means = {column: float(np.mean([each[column] for each in found])) for column in found[0]}
        means = {column: f"{mean:.3f}" for column, mean in means.items()}
        records.append({"data": f"{name}, {n_categories} of {X.shape[1]}, {size}", **means})
        print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    write_results(args.json, args.markdown, "Mixed tables", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
