"""What twice the epochs bring, and what `StillImprovingWarning` goes by.

python docs/benchmarks/epochs.py
"""

import argparse
import warnings

import numpy as np
from _report import add_output_options, markdown_table, write_results
from tables import data_sets

from skae import AutoencoderTransformer
from skae.exceptions import StillImprovingWarning

EPOCHS = (8, 16, 32, 64)

COLUMNS = {
    "data": "data, code units",
    "epochs": "epochs",
    "fall": "fall of the loss over the second half, over the loss at the end",
    "warned": "warned",
    "doubled": "loss after twice the epochs, over the loss",
}

NOTES = ["Training loss of AutoencoderTransformer with its defaults but for `max_iter`, raw data."]


def fitted(X, size, max_iter):
    """The loss of each epoch, and whether the fit warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = AutoencoderTransformer(size, max_iter=max_iter, random_state=0).fit(X)
    warned = any(issubclass(w.category, StillImprovingWarning) for w in caught)
    return np.array(fitted.loss_curve_), warned


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_output_options(parser, "epochs")
    args = parser.parse_args()
    records = []
    for name, X, size in data_sets(None):
        fits = {epochs: fitted(X, size, epochs) for epochs in (*EPOCHS, 2 * EPOCHS[-1])}
        for epochs in EPOCHS:
            curve, warned = fits[epochs]
            fall = (curve[epochs // 2 - 1] - curve[-1]) / curve[-1]
            doubled = fits[2 * epochs][0][-1] / curve[-1]
            record = {"data": f"{name}, {size}", "epochs": epochs, "fall": f"{fall:.2f}"}
            records.append({**record, "warned": warned, "doubled": f"{doubled:.2f}"})
            print(markdown_table(records[-1:], COLUMNS).splitlines()[-1], flush=True)
    write_results(args.json, args.markdown, "Epochs", records, COLUMNS, NOTES)


if __name__ == "__main__":
    main()
