"""
The variational manifold, and samples
=====================================

A `VariationalAutoencoder` is a probability model: its code can be walked through, and new rows
can be drawn.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skae import VariationalAutoencoder
from skae.plotting import LatentManifoldDisplay, LatentTraversalDisplay

X = load_digits().data / 16
settings = {"likelihood": "bernoulli", "hidden_layer_sizes": (256,), "random_state": 0}

# %%
# A code of two units, decoded on a grid: neighbours are alike, and all digits are somewhere.

two = VariationalAutoencoder(2, **settings).fit(X)
LatentManifoldDisplay.from_estimator(two)

# %%
# From one digit to another, along a straight line between their codes.

LatentTraversalDisplay.from_rows(two, X[:2])

# %%
# New digits from a code of sixteen units. The warning tells that most of these units are not used:
# fewer would do.

sixteen = VariationalAutoencoder(16, **settings).fit(X)
drawn = sixteen.sample(40, random_state=0).reshape(4, 10, 8, 8)
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.imshow(drawn.transpose(0, 2, 1, 3).reshape(32, 80), cmap="gray_r")
ax.set(xticks=[], yticks=[], title="Drawn")

# %%
# How likely rows are, in nats; higher is better. More units make the rows likelier, until further
# units are no longer used.

for name, model in (("2 units", two), ("16 units", sixteen)):
    print(f"{name}: evidence lower bound {model.elbo(X).mean():.1f} nats")
plt.show()
