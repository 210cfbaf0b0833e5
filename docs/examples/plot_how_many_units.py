"""
How many code units?
====================

The share of the variance that a code explains, by its size and by feature, with PCA beside.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer
from skae.plotting import ExplainedVarianceDisplay, ReconstructionErrorDisplay

data = load_breast_cancer(as_frame=True)
Z = StandardScaler().set_output(transform="pandas").fit_transform(data.data)
Z_train, Z_test, y_train, y_test = train_test_split(Z, data.target, random_state=0)

# %%
# As many units as PCA needs for 90 % of the variance are enough for more than that.

autoencoder = AutoencoderTransformer(0.9, random_state=0).fit(Z_train)
print(f"{autoencoder.transform(Z_test).shape[1]} units")
print(f"explained on test rows: {autoencoder.explained_variance(Z_test):.3f}")

# %%
# Which features are explained, and by how much more than PCA does?

ExplainedVarianceDisplay.from_estimator(autoencoder, Z_test, X_train=Z_train)

# %%
# The rows of one class are reconstructed worse: there the features vary more.

names = data.target_names[y_test]
ReconstructionErrorDisplay.from_estimator(autoencoder, Z_test, names)
plt.show()
