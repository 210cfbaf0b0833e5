"""The contender PCA: the floor, a linear code without training."""

from sklearn.decomposition import PCA

from peers.contenders import Fitted


def fit(X, job, clock):
    """Fit PCA."""
    pca = PCA(job.n_components, random_state=job.seed).fit(X)
    return Fitted(lambda rows: pca.inverse_transform(pca.transform(rows)), pca.components_.size)


def encoder(X, job):
    """The transform of a PCA fitted to X."""
    return PCA(job.n_components, random_state=job.seed).fit(X).transform
