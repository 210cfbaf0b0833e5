"""
Missing values, with intervals
==============================

A third of the values of the wine table is hidden. How well do imputers find them, and do they
know how sure they are?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderImputer

data = load_wine()
X = StandardScaler().fit_transform(data.data)
rng = np.random.default_rng(0)
hidden = rng.uniform(size=X.shape) < 0.3
X_missing = np.where(hidden, np.nan, X)

# %%
# Root mean squared error of the hidden values, in standard deviations.

imputers = {
    "mean": SimpleImputer(),
    "KNNImputer": KNNImputer(),
    "IterativeImputer": IterativeImputer(random_state=0),
    "AutoencoderImputer": AutoencoderImputer(random_state=0),
}
for name, imputer in imputers.items():
    error = imputer.fit_transform(X_missing)[hidden] - X[hidden]
    print(f"{name:<20}{np.sqrt(np.square(error).mean()):.3f}")

# %%
# Fifty draws of the missing values, rather than the expected ones, tell how sure the imputer is.
# Of the hidden values, about nine of ten should lie between the 5th and the 95th percentile.

draws = imputers["AutoencoderImputer"].sample(X_missing, 50, random_state=0)
low, middle, high = np.percentile(draws, [5, 50, 95], axis=0)
inside = (low <= X) & (high >= X)
print(f"in the interval: {inside[hidden].mean():.0%}")

feature = data.feature_names.index("flavanoids")
rows = np.flatnonzero(hidden[:, feature])[:25]
rows = rows[np.argsort(X[rows, feature])]
place = np.arange(len(rows))
figure, ax = plt.subplots(layout="constrained")
ax.vlines(place, low[rows, feature], high[rows, feature], color="C0", label="5 % to 95 % of draws")
ax.plot(place, middle[rows, feature], "_", color="C0", ms=10, label="median")
ax.plot(place, X[rows, feature], "o", color="C1", label="the hidden value")
ax.set(xlabel="Rows with hidden flavanoids", ylabel="Standard deviations")
ax.legend()
plt.show()
