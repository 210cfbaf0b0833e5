"""Independent calculations that several tests compare with."""

import numpy as np


def numerical_gradient(function, weights, step=1e-6):
    """Central differences of a function of a list of arrays."""
    gradients = []
    for array in weights:
        gradient = np.empty_like(array)
        for index in np.ndindex(array.shape):
            value = array[index]
            array[index] = value + step
            above = function(weights)
            array[index] = value - step
            gradient[index] = (above - function(weights)) / (2 * step)
            array[index] = value
        gradients.append(gradient)
    return gradients
