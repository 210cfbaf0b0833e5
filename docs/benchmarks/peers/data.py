"""Data of the benchmarks, written as ``.npy`` files that any process reads with NumPy alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


@dataclass(frozen=True)
class Files:
    """A folder of data, each file written when it is first asked for.

    Parameters
    ----------
    folder : Path
    mnist_path : Path or None
        An ``.npz`` file with ``x_train`` and ``x_test``, as the one that Keras downloads.
    """

    folder: Path
    mnist_path: Path | None = None

    def digits(self):
        """Scikit-learn's digits in [0, 1], a quarter of them for testing, as arguments by name."""
        X = (load_digits().data / 16).astype(np.float32)
        X = X[np.random.default_rng(0).permutation(len(X))]
        n_test = len(X) // 4
        return self._write("digits-train", X[n_test:], "train") | self._write(
            "digits-test", X[:n_test], "test"
        )

    def mnist(self, n_rows, dtype="float32"):
        """The first rows of MNIST, as arguments by name.

        Pixels are numbers in [0, 1], or for ``uint8`` as in the file.
        """
        arguments = {}
        with np.load(self.mnist_path) as file:
            for part in ("train", "test"):
                X = file[f"x_{part}"][:n_rows]
                X = X.reshape(len(X), -1).astype(dtype)
                X = X if dtype == "uint8" else X / X.dtype.type(255)
                arguments |= self._write(f"mnist-{part}-{n_rows}-{dtype}", X, part)
        return arguments

    def random(self, n_rows, n_features):
        """Uniform random numbers in single precision, as arguments by name."""
        path = self.folder / f"random-{n_rows}-{n_features}.npy"
        if not path.exists():
            X = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, n_features))
            random = np.random.default_rng(0)
            for start in range(0, n_rows, 65_536):
                part = X[start : start + 65_536]
                part[:] = random.random(part.shape, np.float32)
            X.flush()
        return {"train": path}

    def _write(self, name, X, argument):
        path = self.folder / f"{name}.npy"
        if not path.exists():
            np.save(path, X)
        return {argument: path}
