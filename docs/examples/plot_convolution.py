"""
Dense against convolutional
===========================

A convolution looks at neighbouring pixels, a dense layer at all of them. With a quarter of each
digit hidden, which one fills in better?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skae import DenoisingAutoencoder
from skae.architectures import Conv
from skae.corruption import Occlusion
from skae.plotting import FeatureMapDisplay, ReconstructionDisplay

X_train, X_test = train_test_split(load_digits().data / 16, random_state=0)
hidden = Occlusion(0.25, image_shape=(8, 8))
X_hidden = hidden.corrupt(X_test, random_state=0)
settings = {"corruption": hidden, "max_iter": 40, "random_state": 0}

# %%
# The error of the pixels that were hidden, and of the others.

models = {
    "dense": DenoisingAutoencoder(32, hidden_layer_sizes=(256,), **settings),
    "convolutional": DenoisingAutoencoder(32, architecture=Conv((8, 8), (16, 32)), **settings),
}
changed = X_hidden != X_test
for name, model in models.items():
    error = np.square(model.fit(X_train).reconstruct(X_hidden) - X_test)
    print(f"{name}: {error[changed].mean():.3f} hidden, {error[~changed].mean():.3f} elsewhere")
    display = ReconstructionDisplay.from_estimator(model, X_test, X_noisy=X_hidden)
    display.ax_.set_title(name)

# %%
# What the layers of the convolutional network see in two digits.

FeatureMapDisplay.from_estimator(models["convolutional"], X_test, n_images=2, n_maps=8)
plt.show()
