"""
Against PCA at equal code size
==============================

How much of held-out digits is left out by PCA and by an autoencoder with as many units? Both get
the raw pixels, from 0 to 16.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skae import AutoencoderTransformer
from skae.plotting import ReconstructionDisplay

X_train, X_test = train_test_split(load_digits().data, random_state=0)
sizes = [1, 2, 4, 8, 16, 32]

# %%
# The share of the variance that is lost, by code size. At equal size the autoencoder loses about
# half of what PCA does; or it needs about half the units for the same loss. A warning tells that
# the largest network would still gain from more epochs.


def lost(reconstruction):
    """Share of the variance of the test rows that is missing in their reconstruction."""
    return np.square(X_test - reconstruction).sum() / np.square(X_test - X_train.mean(axis=0)).sum()


pca_lost, autoencoder_lost = [], []
for size in sizes:
    pca = PCA(size).fit(X_train)
    pca_lost.append(lost(pca.inverse_transform(pca.transform(X_test))))
    autoencoder = AutoencoderTransformer(size, max_iter=50, random_state=0).fit(X_train)
    autoencoder_lost.append(lost(autoencoder.reconstruct(X_test)))

figure, ax = plt.subplots(layout="constrained")
ax.plot(sizes, pca_lost, "s--", label="PCA")
ax.plot(sizes, autoencoder_lost, "o-", label="AutoencoderTransformer")
ax.set(xscale="log", xlabel="Code units", ylabel="Share of the variance that is lost", ylim=(0, 1))
ax.set_xticks(sizes, sizes)
ax.legend()

# %%
# What is lost, in pictures: eight units for 64 pixels.

eight = AutoencoderTransformer(8, random_state=0).fit(X_train)
ReconstructionDisplay.from_estimator(eight, X_test)
plt.show()
