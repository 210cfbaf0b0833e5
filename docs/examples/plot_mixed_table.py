"""
A table with numbers and categories
===================================

A data frame goes in as it is: columns of text and of categorical types become categories. What
comes back is a frame of the same types.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

from skae import AutoencoderTransformer, VariationalAutoencoder

people = load_diabetes(as_frame=True, scaled=False).frame
people["sex"] = people["sex"].map({1.0: "one", 2.0: "two"}).astype("category")
people["age group"] = pd.cut(people["age"], [0, 35, 50, 100], labels=["young", "middle", "old"])
table = people[["age group", "sex", "bmi", "bp", "target"]]
print(table.head(3))

# %%
# A code of three units for five columns, and the columns again. Each column counts alike.

autoencoder = AutoencoderTransformer(3, random_state=0).fit(table)
again = autoencoder.reconstruct(table)
print(again.head(3))
print(again.dtypes)
for column in ("age group", "sex"):
    print(f"{column}: {(again[column] == table[column]).mean():.0%} as they were")

# %%
# New rows, from a variational autoencoder: groups and numbers go together as they do in the
# table.

model = VariationalAutoencoder(3, random_state=0).fit(table)
drawn = model.sample(400, random_state=0, noise=True)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
rng = np.random.default_rng(0)
for ax, rows, title in zip(axes, (table, drawn), ("The table", "Drawn rows"), strict=True):
    groups = rows["age group"].cat.codes + rng.uniform(-0.2, 0.2, len(rows))
    points = ax.scatter(groups, rows["bp"], c=rows["bmi"], s=8, vmin=18, vmax=40)
    ax.set(title=title, xlabel="Age group")
    ax.set_xticks(range(3), table["age group"].cat.categories)
axes[0].set_ylabel("Blood pressure")
figure.colorbar(points, ax=axes, label="Body mass index")
plt.show()
