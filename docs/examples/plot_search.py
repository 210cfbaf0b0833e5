"""
A search through a whole pipeline
=================================

How many units should the code have, and how strong should the classifier's penalty be? Both are
decided by one `GridSearchCV`. Each network is compiled once, however many folds and settings
share it.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from skae import AutoencoderTransformer

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipe = Pipeline(
    [
        ("autoencoder", AutoencoderTransformer(max_iter=30, random_state=0)),
        ("classifier", LogisticRegression(max_iter=500)),
    ]
)
grid = {"autoencoder__n_components": [2, 8, 16], "classifier__C": [0.01, 0.1, 1.0]}
start = time.perf_counter()
search = GridSearchCV(pipe, grid, cv=3).fit(X_train, y_train)
print(f"28 fits in {time.perf_counter() - start:.0f} s")
print(search.best_params_, f"accuracy on test rows: {search.score(X_test, y_test):.3f}")

# %%
# The number of units matters far more than the penalty.

scores = search.cv_results_["mean_test_score"].reshape(3, 3)
figure, ax = plt.subplots(figsize=(4.5, 3.5), layout="constrained")
ax.imshow(scores, cmap="cividis")
for (row, column), score in np.ndenumerate(scores):
    ax.text(
        column, row, f"{score:.3f}", ha="center", va="center", color="w" if score < 0.9 else "k"
    )
ax.set(xlabel="C of the classifier", ylabel="Code units", title="Accuracy on held-out folds")
ax.set_xticks(range(3), grid["classifier__C"])
ax.set_yticks(range(3), grid["autoencoder__n_components"])
plt.show()
