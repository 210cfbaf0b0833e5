"""The variational autoencoder."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._data import Rows
from .._data.statistics import blocks, value_range
from .._data.validation import check_domain
from .._engine import NormalCode, Objective, WarmUp
from .._sklearn_compat import Interval, StrOptions
from ..losses import LIKELIHOODS, Gaussian
from ..penalties import PosteriorKL
from ._base import BaseAutoencoder
from ._by_rows import by_rows
from ._results import check_computed, error_like, floating_type


def likelihood_like(estimator, X, n_samples=1):
    """Likelihoods of some rows; see `by_rows`."""
    return error_like(estimator, X)


class VariationalAutoencoder(BaseAutoencoder):
    r"""Autoencoder that is a probability model of the data.

    In the model, a row x arises by drawing a code z from a standard normal distribution, and x from
    a distribution around the decoder's output for z. The encoder gives the mean and the variance of
    a normal distribution q(z|x), which approximates the posterior. Training maximises the evidence
    lower bound [1]_,

    .. math:: \log p(x) \ge E_q[\log p(x|z)] - \beta\,KL(q(z|x) \| p(z)),

    in nats, summed over features and averaged over rows, with one draw of z for each row and step.
    `transform` gives the mean of q(z|x).

    Parameters
    ----------
    n_components : int, float or None, default=2
        Width of the code. A float between 0 and 1 is a share of the variance: as many units as PCA
        needs components to explain it. None lets the `architecture` choose.
    likelihood : {"gaussian", "bernoulli"}, default="gaussian"
        Distribution of a row's values around the reconstruction: normal, or, for data in [0, 1],
        Bernoulli. Values between 0 and 1 then count as probabilities.
    noise_variance : float or "learned", default="learned"
        Variance of the normal likelihood in squared units of the data, in the range (0, inf), for
        all features; "learned" trains one for each feature. Not used by "bernoulli".
    beta : float, default=1.0
        Weight of the divergence from the prior, in the range [0, inf) [2]_.
    kl_warmup : int, default=0
        Number of epochs over which `beta` rises in equal steps from near zero; 0 starts with the
        full weight.
    hidden_layer_sizes : array-like of int or int, default=(128,)
        Widths of the encoder's hidden layers, outermost first; the decoder mirrors them. ``()``
        for none. Ignored if `architecture` is given.
    activation : str or list of str, default="relu"
        Activation of the hidden layers, or one for each, outermost first: "identity", "logistic",
        "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus" or "softsign"
        (Keras's "linear" and "sigmoid" work too). Ignored if `architecture` is given.
    output_activation : str, default="auto"
        Activation of the reconstruction, one of those of `activation`. "auto" takes "logistic" if
        the likelihood is "bernoulli", else the identity, cut off at the lowest or highest value
        of a feature where more than a twentieth of its training values are equal to it. Only with
        the identity results do not depend on the units of X; others have a range of their own.
    architecture : Architecture or None, default=None
        Layers of the network, in place of `hidden_layer_sizes` and `activation`.
    alpha : float or "auto", default="auto"
        Weight of `weight_penalty` in the objective, in the range [0, inf). "auto" is 0 but for "l2"
        and a network that starts at factor analysis. There hidden layers are shrunk, by 10000 *
        n_features / n_samples, because few rows do not tell what they would learn from noise. But
        with ``early_stopping=True``, or fewer than 10 epochs as in `partial_fit`, they are not; and
        of at most 2**18 values, trials choose among 0, that and ten times that by how likely they
        make rows that are held out: up to fifteen trainings of at most 100 epochs, two or three for
        data of more than 1333 rows. Copies of a row count as one. A fit that goes on keeps the
        weight of the earlier one.
    weight_penalty : str, Penalty or callable, default="l2"
        Penalty that `alpha` scales: "l2", "l1" or "weight_elimination", the mean of w², abs(w) or
        w² / (1 + w²) over all weights w except biases; an object of `skae.penalties`; or a function
        of a `ForwardPass` that gives a scalar.
    solver : str or keras.optimizers.Optimizer, default="adam"
        "adam", "adamw", "nadam", "adamax", "rmsprop", "sgd", "adagrad" or "lion"; or an unbuilt
        Keras optimizer, which is copied for each fit and brings its own initial step size, or a
        Keras schedule in place of `learning_rate`. Refused are optimizers whose copy by
        ``get_config`` loses something, such as ``exclude_from_weight_decay``; those with a plain
        function as ``learning_rate``; and Keras's ``MultiOptimizer``.
    learning_rate_init : float, default=0.005
        Initial step size of a solver given by name, in the range (0, inf).
    learning_rate : {"constant", "cosine", "invscaling", "adaptive"}, default="cosine"
        Step size of epoch t = 0, 1, ...: "constant" keeps the initial one; "cosine" lowers it by
        half a cosine to near zero at `max_iter`; "invscaling" divides it by sqrt(t + 1);
        "adaptive" divides the current one by 5 each time the stopping rule is met. A `fit` that
        goes on (see `warm_start`) begins the schedule again, and each `partial_fit` takes the
        initial step size. But "adaptive" keeps the current one; and in `partial_fit`, "invscaling"
        counts all epochs so far, and a "cosine" that came down keeps the last step size, or a tenth
        of the initial one if that is larger.
    batch_size : int or "auto", default="auto"
        Rows of a training step. "auto" takes a fiftieth of the rows, rounded down to a power of
        two, at least 32 and at most 256. If all rows fit into one batch, identical rows are merged
        and their weights added, unless rows may interact: by batch normalisation, swap noise, or
        layers and corruptions of your own.
    max_iter : int, default=100
        Maximum number of epochs.
    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.
    tol : float, default=0.0
        Training stops when the loss (the validation loss if ``early_stopping=True``) fails to
        improve by `tol` for more than `n_iter_no_change` epochs in a row. Of squared errors `tol`
        is a share of the mean variance of X, of absolute ones a share of its root; of
        cross-entropies and likelihoods it is in nats.
    early_stopping : bool, default=False
        Whether to hold out rows, monitor their loss, and keep the weights of the epoch in which it
        was lowest. `partial_fit` holds out rows of each call and records their loss.
    validation_fraction : float, default=0.1
        Share of the distinct rows to hold out, with their copies, if ``early_stopping=True`` and no
        `X_val` is given, in the range (0, 1).
    n_iter_no_change : int or inf, default=25
        Number of epochs in a row without improvement that are tolerated; see `tol`.
    warm_start : bool, default=False
        Whether a further `fit` goes on from the weights of the last one, with new random numbers
        and one `history_`; the solver's state is kept from one fit with ``warm_start=True`` to the
        next. Parameters may change in between, except those that describe the network.
    init : {"pca", "random"}, default="pca"
        Where training starts. "pca" means a linear model: factor analysis of the training rows, or
        with a given `noise_variance`, or more than 1024 features, probabilistic PCA. It is kept as
        the linear path of the network, so that with ``beta=1`` and no value missing the evidence
        lower bound begins at the likelihood of that model. "random" draws all
        weights, as is done in any case for ``likelihood="bernoulli"``, another `output_activation`
        than the identity, and a network without a linear path.
    pretraining : {"layerwise"} or None, default=None
        "layerwise" first trains each layer, with its normalisation and dropout, as an autoencoder
        of its own on the code of the layer before, for at most a third of `max_iter` epochs; then
        all layers together. It needs an architecture of at least two layers that has `stages`, as
        `Dense` and `Conv` have. A fit that goes on skips it.
    missing : {"error", "mask"}, default="error"
        How NaN in X is treated. "error" refuses it. "mask" treats NaN as missing: such entries are
        excluded from the loss, the network gets the feature's mean in their place, and `impute`
        fills them.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Columns of X that hold categories: their names, their numbers, or a mask. "from_dtype"
        takes those of a frame that are categorical or text, and beside such the boolean ones; None
        takes none. If there are any, X is a table: each level of a category is a feature of its
        own (the 255 most frequent ones; all others are one more), its reconstruction a probability
        with the cross-entropy as its loss, and numbers are standardised, so that each column
        counts alike. `reconstruct`, `inverse_transform` and `impute` return tables again.
        Columns of dates and times are refused unless they are among the ones that are named.
    handle_unknown : {"error", "missing"}, default="error"
        What to do with a category that the training rows do not have: "error" raises; "missing"
        (needs ``missing="mask"``) treats it as missing. Take the latter in cross-validation where
        levels are rare: the training rows of a fold may not have them.
    trim_fraction : float, default=0.0
        Share of the training rows, by weight, that the fit leaves out at most, in the range
        [0, 0.5): those that a linear model of the others finds furthest away, as a few outliers can
        spoil the fit of all. Take a little more than the share of outliers that there may be. Of
        pairs, `X_clean` decides. `X_val` is kept; each `partial_fit` trims its own rows. Columns of
        numbers beside categories are scaled without values that are far from all others.
    random_state : int, RandomState instance or None, default=None
        Determines all random numbers: initial weights, held-out rows, order of the rows,
        corruption, dropout and drawn codes. Pass an int for reproducible results. A fit that goes
        on draws further numbers from the earlier seed, unless an int was changed in between.
    checkpoint : str, os.PathLike, Checkpoint or None, default=None
        File in which `fit` keeps what it has reached, every 10 seconds or less often: killed and
        called again with the same parameters and data, it goes on from there and gives the same
        result to the bit, and one that had ended is taken from the file. A file of another fit is
        refused. In a folder each fit has a file of its own, as a search needs. `partial_fit` does
        not use it.
    devices : int, "all" or None, default=None
        Devices that share the rows of each training step: the first ones of those that JAX lists,
        or all of them, None for one. The result is that of one device but for rounding. Where rows
        of a batch are mixed, as by batch normalisation, they must divide `batch_size`. Of several
        processes (``jax.distributed.initialize``), each fits with "all" to its share of the rows;
        of a batch, each gives as many. See "Several devices" in the user guide.
    verbose : bool or int, default=False
        Whether to print the losses of each epoch, those of pretraining included, and the time that
        is left at most. True or 1 draws a bar in a terminal or notebook, and elsewhere prints a
        line an epoch; 2 prints lines everywhere.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X has names that are all strings.
    n_iter_ : int
        Number of epochs trained, those of earlier fits included where this one went on.
    loss_curve_ : list of float
        Value of the objective in each epoch, penalties included, in the units of X.
    val_loss_curve_ : list of float or None
        Negative evidence lower bound, with the full `beta`, of the validation rows after each
        epoch, NaN for epochs without such rows; None if no epoch had any.
    history_ : dict of str to list of float
        "loss", "learning_rate" and, if there were validation rows, "val_loss" of each epoch; NaN
        where none was recorded.
    best_loss_ : float
        Lowest "val_loss" in `history_` if ``early_stopping=True``, else lowest "loss".
    stop_reason_ : {"max_iter", "no_change", "callback", "interrupt"}
        Why the last training ended: no epoch was left, `n_iter_no_change` epochs in a row did not
        improve the loss by `tol`, a callback asked for it, or Ctrl-C did.
    mean_ : ndarray of shape (`n_features_in_`,)
        Weighted mean of each feature over the rows of the first fit, about which
        `explained_variance` takes the variance; of a table, of the features of its columns.
    pca_error_ : float
        Mean squared error that PCA of as many components leaves on the training rows of the first
        fit, in squared units of X; of many rows, on a sample.
    alpha_ : float
        The weight of `weight_penalty` in the last fit.
    backend_ : str
        Keras backend that trained the network.
    encoder_, decoder_, model_ : keras.Model
        The networks, as copies built on access: training them does not change the estimator.
    likelihood_ : str
        The likelihood that was fitted.
    noise_variance_ : ndarray of shape (`n_features_in_`,)
        Variance of the normal likelihood of each feature; not set for "bernoulli".

    See Also
    --------
    AutoencoderTransformer : No probabilities, but a smaller reconstruction error.

    References
    ----------
    .. [1] Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.
       https://doi.org/10.48550/arXiv.1312.6114
    .. [2] Higgins, I. et al. (2017). beta-VAE: learning basic visual concepts with a constrained
       variational framework. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import VariationalAutoencoder
    >>> X = load_digits().data / 16
    >>> vae = VariationalAutoencoder(4, likelihood="bernoulli", max_iter=20, random_state=0).fit(X)
    >>> vae.sample(3, random_state=0).shape
    (3, 64)
    >>> bool((vae.elbo(X) <= vae.log_likelihood(X, 50) + 3).mean() > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **{
            name: constraints
            for name, constraints in BaseAutoencoder._parameter_constraints.items()
            if name not in ("code_activation", "column_weights", "loss")
        },
        "likelihood": [StrOptions(set(LIKELIHOODS))],
        "noise_variance": [StrOptions({"learned"}), Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "kl_warmup": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=2,
        *,
        likelihood="gaussian",
        noise_variance="learned",
        beta=1.0,
        kl_warmup=0,
        hidden_layer_sizes=(128,),
        activation="relu",
        output_activation="auto",
        architecture=None,
        alpha="auto",
        weight_penalty="l2",
        solver="adam",
        learning_rate_init=5e-3,
        learning_rate="cosine",
        batch_size="auto",
        max_iter=100,
        shuffle=True,
        tol=0.0,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=25,
        warm_start=False,
        init="pca",
        pretraining=None,
        missing="error",
        categorical_features="from_dtype",
        handle_unknown="error",
        trim_fraction=0.0,
        random_state=None,
        checkpoint=None,
        devices=None,
        verbose=False,
    ):
        super().__init__(
            n_components,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            code_activation="identity",
            output_activation=output_activation,
            architecture=architecture,
            loss="squared_error",
            alpha=alpha,
            weight_penalty=weight_penalty,
            solver=solver,
            learning_rate_init=learning_rate_init,
            learning_rate=learning_rate,
            batch_size=batch_size,
            max_iter=max_iter,
            shuffle=shuffle,
            tol=tol,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            init=init,
            pretraining=pretraining,
            missing=missing,
            categorical_features=categorical_features,
            handle_unknown=handle_unknown,
            column_weights=None,
            trim_fraction=trim_fraction,
            random_state=random_state,
            checkpoint=checkpoint,
            devices=devices,
            verbose=verbose,
        )
        self.likelihood = likelihood
        self.noise_variance = noise_variance
        self.beta = beta
        self.kl_warmup = kl_warmup

    def posterior(self, X):
        """Distribution of each row's code.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_components)
            What `transform` gives.
        deviation : ndarray of shape (n_samples, n_components)
            Standard deviations of the units, which are independent and normal.
        """
        check_is_fitted(self)
        X = self._check_X(X)
        out = np.empty((X.shape[0], 2 * self._n_features_out), floating_type(X))
        both = self._network.posterior(Rows(X), out)
        return both[:, : self._n_features_out], both[:, self._n_features_out :]

    @by_rows(likelihood_like)
    def elbo(self, X, *, n_samples=16):
        """Evidence lower bound on the log-likelihood of each row, with ``beta=1``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        n_samples : int, default=16
            Number of draws from each row's posterior over which the likelihood is averaged.

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
            In nats; -inf for a row whose density is zero in single precision. The draws depend on
            the fit and the row alone, so that each call gives the same.

        Raises
        ------
        ValueError
            If X is rejected, or lies outside [0, 1] with ``likelihood="bernoulli"``.
        """
        check_is_fitted(self)
        return self._likelihoods(self._check_X(X), n_samples)[:, 0]

    @by_rows(likelihood_like)
    def log_likelihood(self, X, n_samples=100):
        """Logarithm of the likelihood of each row, by importance sampling [1]_.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        n_samples : int, default=100
            Number of draws from each row's posterior. The estimate is too low on average; more
            draws bring it closer.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats; -inf for a row whose density is zero in single precision. The draws depend on
            the fit and the row alone, so that each call gives the same.

        Raises
        ------
        ValueError
            If X is rejected, or lies outside [0, 1] with ``likelihood="bernoulli"``.

        References
        ----------
        .. [1] Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders.
           ICLR. https://doi.org/10.48550/arXiv.1509.00519
        """
        check_is_fitted(self)
        return self._likelihoods(self._check_X(X), n_samples)[:, 1]

    def sample(self, n_samples=1, random_state=None, *, noise=False):
        """Draw new rows from the model.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : int, RandomState instance or None, default=None
            Determines the draws.
        noise : bool, default=False
            Whether to draw the rows from the likelihood; otherwise their expected values given
            the codes are returned.

        Returns
        -------
        X : ndarray or frame of shape (n_samples, n_features)
            New rows, float64; a frame where `set_output` asks for it. Of a table always a table of
            the same types, as in `inverse_transform`.
        """
        check_is_fitted(self)
        check_n_samples(n_samples)
        random = check_random_state(random_state)
        codes = random.normal(size=(n_samples, self._n_features_out))
        X = check_computed(self._decode(codes), "reconstruction")
        if noise and self.likelihood_ == "bernoulli":
            X = (random.uniform(size=X.shape) < X).astype(X.dtype)
        elif noise:
            X = self._with_noise(X, random)
        return self._frame(X, codes)

    def _with_noise(self, X, random):
        """Features drawn around their expected values; of categories, levels."""
        noisy = X + np.sqrt(noise_variance(self._network)) * random.normal(size=X.shape)
        if self._table is None:
            return noisy
        return self._table.drawn(X, noisy, random)

    def _likelihoods(self, X, n_samples):
        """Bound and log-likelihood of each row of a checked matrix, side by side."""
        check_n_samples(n_samples)
        loss, rows = LIKELIHOODS[self.likelihood_](), Rows(X)
        asker = f"likelihood={self.likelihood_!r}"
        check_domain(loss.domain, *value_range(rows), asker=asker)
        if self._table is not None:
            loss = loss.on_table(self._table)
        out = np.empty((rows.n_rows, 2))
        self._network.likelihood(Objective(loss), rows, out, n_samples, self._seed)
        scale = np.broadcast_to(self._network.constants.get("scale", 1.0), rows.n_features)
        if self._table is not None:  # a probability has no unit
            scale = np.where(self._table.shares > 0, 1.0, scale * self._table.units)
        for start, part in blocks(rows):
            # Row by row, so that a row's result does not depend on the other rows.
            observed = np.multiply(~np.isnan(part), np.log(scale), order="C")
            out[start : start + len(part)] -= observed.sum(axis=1, keepdims=True)
        return out

    def _objective(self):
        likelihood = LIKELIHOODS[self.likelihood]
        loss = likelihood(self.noise_variance) if likelihood is Gaussian else likelihood()
        weight = WarmUp(self.beta, self.kl_warmup) if self.kl_warmup else self.beta
        return replace(super()._objective(), loss=loss).plus(PosteriorKL(), weight)

    def _latent(self):
        return NormalCode()

    def _loss_parameter(self):
        return f"likelihood={self.likelihood!r}"

    def _check_start(self, start):
        if start.likelihood_ != self.likelihood:
            raise ValueError(
                f"warm_start=True and partial_fit go on with likelihood={start.likelihood_!r}, but "
                f"it is now {self.likelihood!r}. Set it back, or clone the estimator and fit anew."
            )

    def _extra_attributes(self, network):
        if self.likelihood != "gaussian":
            return {"likelihood_": self.likelihood}
        variance = noise_variance(network, self._table)
        if self.noise_variance != "learned":  # as it was given, to the bit
            variance[~np.isnan(variance)] = self.noise_variance
        return {"likelihood_": self.likelihood, "noise_variance_": variance}

    _array_shapes = {**BaseAutoencoder._array_shapes, "noise_variance_": ("n_features_in_",)}

    @classmethod
    def _may_leave(cls, attributes, network, table):
        likelihood, is_drawn = attributes.get("likelihood_"), network.recipe.latent == NormalCode()
        if not isinstance(likelihood, str) or likelihood not in LIKELIHOODS or not is_drawn:
            return False
        if likelihood != "gaussian":
            return len(attributes) == 1
        variance = attributes.get("noise_variance_")
        return (
            len(attributes) == 2
            and "noise_variance" in network.constants
            and isinstance(variance, np.ndarray)
            and variance.dtype == np.float64
            and variance.shape == (expected := noise_variance(network, table)).shape
            and np.allclose(variance, expected, rtol=1e-5, atol=0, equal_nan=True)
        )


def noise_variance(network, table=None):
    """Variance of each feature around its reconstruction, in squared units of X.

    With a `Table`, that of each column of numbers; NaN for categories.
    """
    variance = Gaussian.variance_of(network.constants, network.extra_weights)
    variance = variance * np.square(network.constants.get("scale", 1.0), dtype=np.float64)
    if table is None:
        return variance
    of_numbers = np.where(table.shares > 0, np.nan, variance * np.square(table.units))
    return of_numbers[table.starts]


def check_n_samples(n_samples):
    """Refuse what is no number of draws."""
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(f"n_samples must be a whole number of at least 1, got {n_samples!r}.")
