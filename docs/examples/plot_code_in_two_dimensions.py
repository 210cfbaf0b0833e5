"""
A code in two dimensions, and t-SNE on a code
=============================================

Three pictures of the same digits: PCA, a code of two units, and t-SNE on a code of eight. The
classes are not used for any of them, only for the colours.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier

from skae import AutoencoderTransformer

X, y = load_digits(return_X_y=True)
eight = AutoencoderTransformer(8, random_state=0).fit(X)
codes = {
    "PCA": PCA(2).fit_transform(X),
    "AutoencoderTransformer(2)": AutoencoderTransformer(2, random_state=0).fit_transform(X),
    "AutoencoderTransformer(8), then t-SNE": TSNE(random_state=0).fit_transform(eight.transform(X)),
}

# %%
# The number below each picture is the share of digits whose class is that of most of their
# neighbours. The code of two units separates classes that PCA lays over each other; t-SNE on the
# code of eight separates nearly all.

figure, axes = plt.subplots(1, 3, figsize=(13, 4.5), layout="constrained")
for ax, (name, code) in zip(axes, codes.items(), strict=True):
    points = ax.scatter(*code.T, c=y, cmap="tab10", s=4)
    right = KNeighborsClassifier(10).fit(code, y).score(code, y)
    ax.set(
        title=name, xlabel=f"{right:.0%} of the digits lie among their own", xticks=[], yticks=[]
    )
figure.colorbar(points, ax=axes, ticks=range(10), label="digit")
plt.show()
