"""Labels spread over the graph of neighbours in the code."""

import numpy as np
from scipy import sparse

N_NEIGHBORS, RETAINED, N_ROUNDS = 7, 0.95, 100
"""Neighbours of a row, the share of its distribution that it takes from them, and rounds."""


def neighbourhood(code):
    r"""The symmetric normalised graph of nearest neighbours, :math:`D^{-1/2} A D^{-1/2}`.

    Parameters
    ----------
    code : ndarray of shape (n_rows, n_units)

    Returns
    -------
    graph : sparse matrix of shape (n_rows, n_rows)
    """
    from sklearn.neighbors import kneighbors_graph  # which takes long to import

    n_neighbors = min(N_NEIGHBORS, len(code) - 1)
    near = kneighbors_graph(code, n_neighbors, include_self=False)
    either = near.maximum(near.T)
    inverse = 1 / np.sqrt(np.asarray(either.sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(inverse) @ either @ sparse.diags(inverse))


def spread(graph, target):
    r"""Class distributions of all rows from those of some [1]_.

    The rounds :math:`F \leftarrow a S F + (1 - a) Y` of a graph S and a target Y that is zero for
    rows without a label; then each row is divided by its sum.

    Parameters
    ----------
    graph : sparse matrix of shape (n_rows, n_rows)
    target : ndarray of shape (n_rows, n_classes)

    Returns
    -------
    distribution : ndarray of shape (n_rows, n_classes)
        Uniform for a row that no label reaches.

    References
    ----------
    .. [1] Zhou, D. et al. (2004). Learning with local and global consistency. NeurIPS.
    """
    found = target
    for _ in range(N_ROUNDS):
        found = RETAINED * (graph @ found) + (1 - RETAINED) * target
    total = found.sum(axis=1, keepdims=True)
    uniform = np.full_like(found, 1 / found.shape[1])
    return np.divide(found, total, out=uniform, where=total > 0)


def certainty(distribution):
    """How far each distribution is from the uniform one, 0 to 1: one less its relative entropy."""
    logarithm = np.log(np.maximum(distribution, np.finfo(float).tiny))
    return 1 + (distribution * logarithm).sum(axis=1) / np.log(distribution.shape[1])


def padded(target, n_rows):
    """The target, and zeros for `n_rows` rows without one."""
    return np.vstack([target, np.zeros((n_rows, target.shape[1]))])


def spreading_helps(graph, target, weight, fold, outputs):
    """Whether more rows that are held out get their label by spreading than by a network.

    Parameters
    ----------
    graph : sparse matrix of shape (n_rows, n_rows)
        Of the labelled rows, and then of others.
    target : ndarray of shape (n_labelled, n_classes)
    weight : ndarray of shape (n_labelled,)
    fold : ndarray of shape (n_labelled,)
        Which fold holds a row out; -1 for none.
    outputs : ndarray of shape (n_labelled, n_classes)
        The network's; NaN where no row was held out.
    """
    by_spreading = by_network = 0.0
    label, n_others = target.argmax(axis=1), graph.shape[0] - len(target)
    for number in range(fold.max() + 1):
        out = (fold == number) & np.isfinite(outputs).all(axis=1)
        kept = np.where((fold == number)[:, None], 0.0, target)
        found = spread(graph, padded(kept, n_others))[: len(target)]
        by_spreading += weight[out] @ (found[out].argmax(axis=1) == label[out])
        by_network += weight[out] @ (outputs[out].argmax(axis=1) == label[out])
    return by_spreading > by_network
