"""
A denoiser in front of a classifier
===================================

A classifier that was trained on clean digits meets noisy ones. Does a denoiser in front of it
help, without training the classifier anew?
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skae import DenoisingAutoencoder
from skae.corruption import GaussianNoise

X, y = load_digits(return_X_y=True)  # pixels from 0 to 16
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
classifier = LogisticRegression(max_iter=2000).fit(X_train, y_train)

# %%
# One denoiser for all levels: the level of each epoch is drawn from a range.

denoiser = DenoisingAutoencoder(
    32, corruption_level=(0.0, 12.0), hidden_layer_sizes=(256,), max_iter=60, random_state=0
).fit(X_train)

levels, alone, behind = [0, 2, 4, 6, 8, 10, 12], [], []
for level in levels:
    noisy = GaussianNoise(level).corrupt(X_test, random_state=0)
    alone.append(classifier.score(noisy, y_test))
    behind.append(classifier.score(denoiser.reconstruct(noisy), y_test))
    print(f"noise {level}: {alone[-1]:.3f} alone, {behind[-1]:.3f} behind the denoiser")

# %%
# The more noise, the more it helps, and on clean digits it costs nothing.

figure, ax = plt.subplots(layout="constrained")
ax.plot(levels, alone, "s--", label="classifier alone")
ax.plot(levels, behind, "o-", label="behind the denoiser")
ax.set(xlabel="Standard deviation of the noise, in pixels of 0 to 16", ylabel="Accuracy")
ax.legend()
plt.show()
