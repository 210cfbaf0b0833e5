"""
Data frames in and out
======================

With `set_output`, all that has features or units comes back as a frame: codes, reconstructions,
and the error of each value.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderTransformer

wine = load_wine(as_frame=True)
scaler = StandardScaler().set_output(transform="pandas")
Z_train, Z_test = train_test_split(scaler.fit_transform(wine.data), random_state=0)
autoencoder = AutoencoderTransformer(3, random_state=0).set_output(transform="pandas").fit(Z_train)
print(autoencoder.transform(Z_test).head(3).round(2))

# %%
# The names of the columns, the index and the order stay. A frame whose columns come in another
# order is an error rather than a silent mistake.

print(autoencoder.reconstruct(Z_test).iloc[:3, :4].round(2))
try:
    autoencoder.transform(Z_test[Z_test.columns[::-1]])
except ValueError as error:
    print(str(error).splitlines()[0])

# %%
# Which columns of which kind of wine are reconstructed worst? Errors by column go into a
# `groupby`.

errors = autoencoder.reconstruction_error(Z_test, per_feature=True)
by_class = errors.groupby(wine.target.loc[errors.index]).mean()
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
by_class.T.plot.barh(ax=ax, color=["C0", "C1", "C2"])
ax.set(xlabel="Mean squared error", ylabel="")
ax.legend(title="Class", labels=wine.target_names)
plt.show()
