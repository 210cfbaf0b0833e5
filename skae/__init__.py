"""Autoencoders that are scikit-learn estimators, on networks made of Keras layers."""

from ._autoencoder import AutoencoderTransformer
from ._denoising import DenoisingAutoencoder

__version__ = "0.1.0.dev0"

__all__ = ["AutoencoderTransformer", "DenoisingAutoencoder"]
