"""What fitted networks compute, operation by operation, in the words of ONNX.

One walk over the layers serves two: `skae.onnx` writes the operations down, `in_numpy` carries them
out where JAX cannot run.
"""

from .networks import NetworkNodes
from .numpy_nodes import in_numpy

__all__ = ["NetworkNodes", "in_numpy"]
