"""
Sparse codes and their filters
==============================

A code of 32 units, of which only some are active for any digit: what does each unit draw?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skae import AutoencoderTransformer, SparseAutoencoder
from skae.plotting import FiltersDisplay

X = load_digits().data
settings = {"hidden_layer_sizes": (), "code_activation": "relu", "random_state": 0}

# %%
# A plain code of 32 units, and one whose magnitudes cost something: the penalty silences most
# units for any one digit, at a price in the error.

models = {
    "plain": AutoencoderTransformer(32, **settings).fit(X),
    "sparse": SparseAutoencoder(32, sparsity_weight=0.03, **settings).fit(X),
}
figure, axes = plt.subplots(1, 2, figsize=(10, 5.5), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    code = model.transform(X)
    active = np.mean(code > 0.05 * code.max(axis=0))
    explained = model.explained_variance(X)
    print(f"{name}: {active:.0%} of the units active, {explained:.0%} of the variance explained")
    FiltersDisplay.from_estimator(model, part="decoder", ax=ax)
    ax.set_title(f"{name}: {active:.0%} of the units active")
plt.show()
