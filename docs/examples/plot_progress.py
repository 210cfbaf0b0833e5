"""
Watch a fit
===========

How far is a fit, and is it still worth waiting? ``verbose=1`` says how many epochs are left, and
how long they take. A callback sees the losses while they come, and may draw or log them.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits

from skae import AutoencoderTransformer
from skae.callbacks import CSVLogger, EpochObserver
from skae.plotting import LossCurveDisplay

X = load_digits().data

# %%
# In a terminal or a notebook this is one bar that moves; elsewhere it is a line an epoch. The
# warning says that five epochs are too few.

AutoencoderTransformer(8, max_iter=5, random_state=0, verbose=1).fit(X)

# %%
# An observer is told of each epoch. This one keeps snapshots of the curve, as a plot that is drawn
# again and again would show them.


class Snapshots(EpochObserver):
    """The losses so far, after each tenth epoch."""

    def __init__(self):
        self.losses, self.curves = [], []

    def on_epoch_end(self, fit, logs):
        """Note the loss."""
        self.losses.append(logs["loss"])
        if len(self.losses) % 10 == 0:
            self.curves.append(list(self.losses))


snapshots = Snapshots()
autoencoder = AutoencoderTransformer(8, max_iter=40, early_stopping=True, random_state=0)
autoencoder.set_callbacks(snapshots, CSVLogger("digits.csv")).fit(X)

figure, axes = plt.subplots(1, 4, figsize=(9, 2.5), sharex=True, sharey=True, layout="constrained")
for ax, curve in zip(axes, snapshots.curves, strict=True):
    ax.plot(curve)
    ax.set_title(f"{len(curve)} epochs")
axes[0].set(ylabel="Loss", ylim=(0, None))

# %%
# The CSV file has a line an epoch, which any other program can follow while the fit goes on.

log = pd.read_csv("digits.csv")[["epoch", "loss", "val_loss"]]
print(log.tail(3).to_string(index=False))

# %%
# Afterwards the curves are attributes, and ``LossCurveDisplay`` draws them with PCA's error, the
# best epoch, and why the fit ended.

LossCurveDisplay.from_estimator(autoencoder)
plt.show()
