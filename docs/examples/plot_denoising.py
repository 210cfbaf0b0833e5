"""
Noise that is removed
=====================

A `DenoisingAutoencoder` sees noisy digits in training; its target is the clean ones. How much noise
can it take?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skae import DenoisingAutoencoder
from skae.corruption import GaussianNoise

X_train, X_test = train_test_split(load_digits().data / 16, random_state=0)
levels = [0.3, 0.5, 0.7, 1.0]

# %%
# One autoencoder for each level of the noise, whose standard deviation is a share of the pixels'
# range. The error of the denoised digits is far below that of the noisy ones at all levels.

rows, errors = [X_test[:8]], []
for level in levels:
    denoiser = DenoisingAutoencoder(
        16, corruption_level=level, hidden_layer_sizes=(256,), max_iter=60, random_state=0
    ).fit(X_train)
    noisy = GaussianNoise(level).corrupt(X_test, random_state=0)
    clean = denoiser.reconstruct(noisy)
    rows += [noisy[:8], clean[:8]]
    errors.append([np.square(noisy - X_test).mean(), np.square(clean - X_test).mean()])
    print(f"noise {level}: error {errors[-1][0]:.3f} before, {errors[-1][1]:.3f} after")

names = ["clean"] + [text for level in levels for text in (f"noise {level}", "denoised")]
figure, axes = plt.subplots(len(rows), 8, figsize=(6, 7), layout="constrained")
for images, own_axes, name in zip(rows, axes, names, strict=True):
    own_axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for image, ax in zip(images, own_axes, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
plt.show()
