"""
A network of your own
=====================

Any Keras network can be the autoencoder: subclass `Architecture`, and implement `build`. Its
parameters can be searched like all others.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skae import AutoencoderTransformer
from skae.architectures import Architecture
from skae.plotting import LossCurveDisplay


class Residual(Architecture):
    """Dense layers with residual blocks."""

    def __init__(self, width=64, n_blocks=2):
        self.width = width
        self.n_blocks = n_blocks

    def build(self, input_shape, n_components):
        """Encoder and decoder, as Keras models."""
        import keras  # here, where skae has it on JAX, whichever backend Keras is set to

        encoder = self._model(keras, keras.Input(input_shape), n_components)
        decoder = self._model(keras, keras.Input((n_components,)), input_shape[0])
        return encoder, decoder

    def _model(self, keras, inputs, n_out):
        x = keras.layers.Dense(self.width, activation="relu")(inputs)
        for _ in range(self.n_blocks):
            x = keras.layers.Add()([x, keras.layers.Dense(self.width, activation="relu")(x)])
        return keras.Model(inputs, keras.layers.Dense(n_out)(x))


X = load_digits().data
autoencoder = AutoencoderTransformer(8, architecture=Residual(), max_iter=40, random_state=0)

# %%
# Is one block enough? `score` is minus the mean squared error, so the search looks for the
# lowest. The warnings are right: forty epochs keep the example short, and more would go further.

search = GridSearchCV(autoencoder, {"architecture__n_blocks": [1, 3]}, cv=3).fit(X)
print(search.best_params_, f"mean squared error {-search.best_score_:.2f}")

# %%
# PCA's error is drawn beside the loss, whatever the network.

LossCurveDisplay.from_estimator(search.best_estimator_)
plt.show()
