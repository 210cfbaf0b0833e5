"""
Rows that do not belong, and why
================================

Benign cells of the breast cancer data, with eight malignant ones among the training rows, which
the detector is not told of.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from skae import AutoencoderOutlierDetector

data = load_breast_cancer()
benign = data.target == 1
kept = benign | ((~benign).cumsum() <= 8)
X, malignant = data.data[kept], ~benign[kept]
detector = AutoencoderOutlierDetector(contamination=0.03, random_state=0).fit(X)
score = detector.score_samples(X)
print(f"area under the ROC curve: {roc_auc_score(malignant, -score):.3f}")

# %%
# Most of the malignant rows are among the lowest scores. The line is where `predict` draws the
# border.

figure, ax = plt.subplots(layout="constrained")
rank = np.argsort(np.argsort(score))
ax.scatter(rank[~malignant], score[~malignant], s=8, color="0.6", label="benign")
ax.scatter(rank[malignant], score[malignant], s=40, marker="^", color="C1", label="malignant")
ax.axhline(detector.offset_, linestyle="--", color="C0", label="border of predict")
ax.set(xlabel="Rank", ylabel="Score (nats)")
ax.set_yscale("symlog")
ax.legend()

# %%
# Why is the oddest row odd? Its feature scores, the highest first: what the score would rise by
# if the value were the expected one.

oddest = score.argmin()
why = detector.feature_scores(X[[oddest]])[0]
first = np.argsort(why)[-8:]
figure, ax = plt.subplots(layout="constrained")
ax.barh(data.feature_names[first], why[first])
ax.set(xlabel="Feature score (nats)", title=f"Row {oddest}")
plt.show()
