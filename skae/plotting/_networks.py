"""Layers of the Keras models of a fitted autoencoder, for pictures of them."""

import numpy as np


def inner_model(model):
    """The network of an encoder or decoder, without what scales and bounds around it."""
    return next((layer for layer in model.layers if hasattr(layer, "layers")), model)


def layers_of(model):
    """All layers of a Keras model, those of models in it included, the first one first."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        else:
            yield layer


def outermost_filters(autoencoder, part):
    """Weights of the layer that reads X, or of the one that writes the reconstruction.

    Parameters
    ----------
    autoencoder : BaseAutoencoder
    part : {"encoder", "decoder"}

    Returns
    -------
    filters : ndarray of shape (n_filters, n_values)
        One row a unit, on the network's scale: of a dense layer a value a feature, of a
        convolution those of its kernel.
    shape : tuple (height, width, channels) or None
        Shape of a convolution's kernel.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    model = autoencoder.encoder_ if part == "encoder" else autoencoder.decoder_
    layers = list(layers_of(model))
    weighing = [layer for layer in layers if _kernel(layer) is not None]
    if not weighing:
        raise ValueError(f"the {part} of {type(autoencoder).__name__} has no dense layer or Conv.")
    kernel = _kernel(weighing[0 if part == "encoder" else -1])
    if kernel.ndim == 4:
        # Of Keras's kernels the last axis is that of the outputs, of transposed ones that of the
        # inputs: in both cases that of the units on the side of the code, but for a plain
        # convolution in a decoder.
        is_plain = part == "decoder" and type(weighing[-1]).__name__ == "Conv2D"
        kernel = np.swapaxes(kernel, 2, 3) if is_plain else kernel
        return kernel.reshape(-1, kernel.shape[-1]).T, kernel.shape[:3]
    if part == "decoder":
        kernel = kernel.T
    kernel = _with_linear_path(kernel, layers, part, is_alone=len(weighing) == 1)
    if part == "encoder" and len(weighing) == 1:
        kernel = kernel[:, : autoencoder._n_features_out]  # of a drawn code, beside the variances
    return kernel.T, None


def _kernel(layer):
    """Kernel of a dense layer or a two-dimensional convolution; None of other layers."""
    mirrored = getattr(layer, "mirrored", None)
    if mirrored is not None:  # a tied layer takes the transposed kernel of another
        return np.asarray(mirrored.kernel).T
    kernel = getattr(layer, "kernel", None)
    return None if kernel is None or len(kernel.shape) not in (2, 4) else np.asarray(kernel)


def _with_linear_path(kernel, layers, part, *, is_alone):
    """What the layer and the linear path beside it do together, if they lead to the same units.

    Parameters
    ----------
    kernel : ndarray of shape (n_features, n_units)
    """
    path = next((layer for layer in layers if type(layer).__name__ == "LinearPath"), None)
    if path is None:
        return kernel
    matrix, gain = np.asarray(path.matrix), np.asarray(path.gain)
    if part == "decoder":
        kernel = kernel * gain[:, np.newaxis]
        return kernel + matrix.T if is_alone else kernel
    return kernel * gain + matrix if is_alone else kernel


def feature_maps(autoencoder, X, layer):
    """Outputs of a convolution for rows of X.

    Parameters
    ----------
    autoencoder : BaseAutoencoder
    X : ndarray of shape (n_samples, n_features)
    layer : int or str
        Position among the layers whose outputs are maps, or name.

    Returns
    -------
    maps : ndarray of shape (n_samples, height, width, n_maps)
    name : str
        Name of the layer.

    Raises
    ------
    ValueError
        If the encoder has no such layer.
    """
    encoder = autoencoder.encoder_
    network = inner_model(encoder)
    found = [one for one in network.layers if len(one.output.shape) == 4]
    if len(found) < 2:  # the first one is the image itself
        raise ValueError(
            f"the encoder of {type(autoencoder).__name__} has no convolution, and so no feature "
            "maps. FiltersDisplay draws the weights of dense layers."
        )
    found = [one for one in found if type(one).__name__ not in ("Reshape", "InputLayer")]
    names = [one.name for one in found]
    if isinstance(layer, str) and layer in names:
        chosen = found[names.index(layer)]
    elif not isinstance(layer, str) and -len(found) <= layer < len(found):
        chosen = found[layer]
    else:
        raise ValueError(f"layer must be a name or the position of one of {names}, got {layer!r}.")
    Model = type(network)
    if network is not encoder:
        before = encoder.layers[encoder.layers.index(network) - 1]
        X = Model(encoder.inputs[0], before.output)(X)
    return np.asarray(Model(network.inputs[0], chosen.output)(X)), chosen.name
