"""
Layerwise pretraining
=====================

A deep network may be pretrained layer by layer: each layer is an autoencoder of its own, of what
the layers before it give, and then all are trained together. That was how deep autoencoders became
trainable at all [1]_. Does it still pay?

.. [1] Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data with
   neural networks. Science 313, 504-507. https://doi.org/10.1126/science.1127647
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skae import AutoencoderTransformer
from skae.architectures import Dense

X_train, X_test = train_test_split(load_digits().data, random_state=0)

# %%
# Three ways to begin: at random, with pretrained layers, and at PCA, which is the default. The
# network is deep and has sigmoid units, as they had then.


def network(max_iter, **params):
    """Four hidden layers on either side."""
    architecture = Dense((64, 48, 32, 16), activation="logistic")
    return AutoencoderTransformer(
        8, architecture=architecture, max_iter=max_iter, random_state=0, **params
    )


starts = {
    "at random": network(30, init="random"),
    "pretrained": network(30, init="random", pretraining="layerwise"),
    "at random, as many epochs": network(80, init="random"),
    "at PCA": network(30),
}
for autoencoder in starts.values():
    autoencoder.fit(X_train, X_val=X_test)

# %%
# Pretraining takes a third of the epochs for each layer, on top: five layers are 50 epochs more. So
# the fair comparison is with a network that is trained for 80 epochs at once.

figure, ax = plt.subplots(layout="constrained")
styles = ["-", "--", ":", "-."]
for (name, autoencoder), style in zip(starts.items(), styles, strict=True):
    ax.plot(autoencoder.val_loss_curve_, style, label=name)
ax.set(xlabel="Epoch", ylabel="Mean squared error of test rows", ylim=(0, None))
ax.legend()
plt.show()

# %%
# What each has reached on the test rows. Started at random, so many sigmoid layers stay worse than
# PCA, as their fits warn, also with as many epochs. The one that starts at PCA stays there: layers
# of this kind learn nothing beside it. Pretrained they learn more than PCA. With rectified units,
# which train without such help, pretraining changes
# :doc:`little </benchmarks/results/pretraining>`.

for name, autoencoder in starts.items():
    print(f"{name:26} {-autoencoder.score(X_test):6.2f}")
