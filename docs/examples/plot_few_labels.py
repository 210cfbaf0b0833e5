"""
Ten, fifty, a hundred labels
============================

1,257 digits, of which few have a label. A classifier learns from those alone; an
`AutoencoderClassifier` learns from all of them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skae import AutoencoderClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
numbers = [10, 50, 100]

# %%
# Rows without a label have the class -1, as in scikit-learn's `SelfTrainingClassifier`. The
# labelled rows are spread evenly over the classes.

order = np.argsort([np.sum(y_train[:i] == digit) for i, digit in enumerate(y_train)], kind="stable")
accuracy = {"LogisticRegression": [], "AutoencoderClassifier": []}
for number in numbers:
    known = order[:number]
    partly = np.full_like(y_train, -1)
    partly[known] = y_train[known]
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    linear.fit(X_train[known], y_train[known])
    both = AutoencoderClassifier(random_state=0).fit(X_train, partly)
    for name, model in zip(accuracy, (linear, both), strict=True):
        accuracy[name].append(model.score(X_test, y_test))
    print(number, *(f"{name} {scores[-1]:.3f}" for name, scores in accuracy.items()))

figure, ax = plt.subplots(layout="constrained")
for (name, scores), style in zip(accuracy.items(), ("s--", "o-"), strict=True):
    ax.plot(numbers, scores, style, label=name)
ax.set(xlabel="Labels", ylabel="Accuracy on test rows", xticks=numbers)
ax.legend()
plt.show()
