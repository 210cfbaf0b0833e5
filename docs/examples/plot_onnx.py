"""
A pipeline in ONNX
==================

Scaler, autoencoder and classifier, converted to one graph that runs without scikit-learn, Keras
and JAX.
"""

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skae.onnx  # noqa: F401, registers the converters
from skae import AutoencoderTransformer

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X.astype(np.float32), y, random_state=0)
pipe = make_pipeline(
    StandardScaler(),
    AutoencoderTransformer(8, random_state=0),
    LogisticRegression(max_iter=1000),
).fit(X_train, y_train)

graph = to_onnx(pipe, X_train[:1], options={"zipmap": False})
session = onnxruntime.InferenceSession(graph.SerializeToString())
labels, probability = session.run(None, {"X": X_test})
print(f"{len(graph.SerializeToString()) / 1e3:.0f} kB")
print(f"same classes: {(labels == pipe.predict(X_test)).mean():.1%}")

# %%
# The probabilities agree to single precision.

expected = pipe.predict_proba(X_test)
figure, ax = plt.subplots(layout="constrained")
ax.loglog(expected.ravel(), probability.ravel(), ".", ms=2)
ax.set(xlabel="Probability in scikit-learn", ylabel="Probability in ONNX")
print(f"largest difference: {np.abs(expected - probability).max():.1e}")
plt.show()
