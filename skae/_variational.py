"""The variational autoencoder."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._base import BaseAutoencoder, floating_type
from ._engine import Objective, Rows, WarmUp
from ._sklearn_compat import Interval, StrOptions
from .losses import LIKELIHOODS
from .penalties import posterior_kl


class VariationalAutoencoder(BaseAutoencoder):
    r"""Autoencoder that is a probability model of the data.

    A row x comes about by drawing a code z from a standard normal distribution and x from a
    distribution around what the decoder makes of z. The encoder gives mean and variance of a normal
    distribution q(z|x) in place of the unknown posterior. Training maximises the evidence lower
    bound [1]_,

    .. math:: \log p(x) \ge E_q[\log p(x|z)] - \beta\,KL(q(z|x) \| p(z)),

    in nats, summed over features, averaged over rows, with one draw of z a row and step.
    `transform` gives the posterior's mean.

    Parameters
    ----------
    n_components : int or None, default=2
        Width of the code. None lets the `architecture` choose.
    likelihood : {"gaussian", "bernoulli"}, default="gaussian"
        Distribution of a row's values around the reconstruction: normal, or, for data in [0, 1],
        Bernoulli. Values between 0 and 1 then count as probabilities.
    noise_variance : float or "learned", default="learned"
        Variance of the normal likelihood in squared units of the data, for all features or, if
        learned, for each. Not used by "bernoulli".
    beta : float, default=1.0
        Weight of the divergence from the prior [2]_.
    kl_warmup : int, default=0
        Epochs in which `beta` rises in equal steps from near zero; 0 starts with the full weight.
    hidden_layer_sizes : array-like of int or int, default=(128,)
        Widths of the encoder's hidden layers, outermost first; the decoder mirrors them. ``()``
        for none. Ignored where `architecture` is given.
    activation : str or list of str, default="silu"
        Activation of the hidden layers, or one for each, outermost first: "identity", "logistic",
        "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus" or "softsign"
        (Keras's "linear" and "sigmoid" work too). Ignored where `architecture` is given.
    output_activation : str, default="auto"
        Activation of the reconstruction. "auto" takes "logistic" where the training data lie in
        [0, 1] or the likelihood is "bernoulli", else "identity".
    architecture : Architecture, default=None
        Layers of the network, in place of `hidden_layer_sizes` and `activation`.
    alpha : float, default=0.0
        Weight of the penalty on the network's weights.
    weight_penalty : {"l2", "l1", "weight_elimination"} or callable, default="l2"
        The penalty: the mean over all weights w, biases left out, of w², of abs(w), or of
        w² / (1 + w²); or a function of a `ForwardPass`, as those of `skae.penalties`.
    solver : str or keras.optimizers.Optimizer, default="adam"
        "adam", "adamw", "nadam", "adamax", "rmsprop", "sgd", "adagrad" or "lion", or an unbuilt
        Keras optimizer, which is copied at each fit and brings its own step size.
    learning_rate_init : float, default=0.005
        Initial step size of a solver given by name.
    learning_rate : {"constant", "cosine", "invscaling", "adaptive"}, default="cosine"
        Step size of epoch t = 0, 1, ...: the initial one; half a cosine down to near zero at
        `max_iter`; the initial one over sqrt(t + 1); the initial one divided by 5 each time the
        stopping rule is met.
    batch_size : int or "auto", default="auto"
        Rows of a training step. "auto" takes a fiftieth of them, at least 32 and at most 256. Where
        all rows fit into one batch, identical rows are merged and their weights added.
    max_iter : int, default=100
        Epochs, at most.
    shuffle : bool, default=True
        Whether the rows are shuffled in each epoch.
    tol : float, default=0.0
        The training stops when the loss (the validation loss where ``early_stopping=True``) fails
        to improve by `tol` for more than `n_iter_no_change` epochs in a row.
    early_stopping : bool, default=False
        Whether to watch the loss on held-out rows, and to end with the weights of the epoch in
        which it was lowest.
    validation_fraction : float, default=0.1
        Share of the rows to hold out where ``early_stopping=True`` and no `X_val` is given.
    n_iter_no_change : int or inf, default=25
        Epochs without improvement before the training stops.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit.
    pretraining : {"layerwise"} or None, default=None
        Whether each layer is first trained as an autoencoder of its own, on the code of the one
        before, for a third of `max_iter` epochs, and then all together. The architecture must
        have at least two layers.
    missing : {"error", "mask"}, default="error"
        What NaN in X means: an error, or a missing value. Those are left out of the loss, the
        network gets the feature's mean in their place, and `impute` fills them.
    random_state : int, RandomState instance or None, default=None
        Source of all random numbers: initial weights, held-out rows, order of the rows.
    verbose : bool or int, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has names that are all strings.
    n_iter_ : int
        Number of epochs trained.
    loss_curve_ : list of float
        Value of the objective in each epoch, penalties included.
    val_loss_curve_ : list of float or None
        Reconstruction loss on the validation rows after each epoch.
    history_ : dict of str to list of float
        "loss", "learning_rate" and, with validation rows, "val_loss" of each epoch.
    best_loss_ : float
        Lowest loss; of the validation rows where ``early_stopping=True``.
    backend_ : str
        Keras backend that trained the network.
    encoder_, decoder_, model_ : keras.Model
        The networks, copies that are built on access: training them changes nothing here.
    likelihood_ : str
        The likelihood that was fitted.
    noise_variance_ : ndarray of shape (n_features_in_,)
        Variance of the normal likelihood of each feature; not there for "bernoulli".


    See Also
    --------
    AutoencoderTransformer : No probabilities, and a smaller reconstruction error.

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
            if name not in ("code_activation", "loss")
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
        activation="silu",
        output_activation="auto",
        architecture=None,
        alpha=0.0,
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
        pretraining=None,
        missing="error",
        random_state=None,
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
            pretraining=pretraining,
            missing=missing,
            random_state=random_state,
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
        X = self._check_X(X, reset=False)
        out = np.empty((X.shape[0], 2 * self._n_features_out), floating_type(X))
        both = self._network.posterior(Rows(X), out)
        return both[:, : self._n_features_out], both[:, self._n_features_out :]

    def elbo(self, X, *, n_samples=16):
        """Evidence lower bound on the log-likelihood of each row, with ``beta=1``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        n_samples : int, default=16
            Draws from each row's posterior that the expected likelihood is averaged over.

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
            In nats. The draws follow from the fit and the row, so each call gives the same.
        """
        return self._likelihoods(X, n_samples)[:, 0]

    def log_likelihood(self, X, n_samples=100):
        """Logarithm of the likelihood of each row, by importance sampling [1]_.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        n_samples : int, default=100
            Draws from each row's posterior. The estimate is too low on average, the less so the
            more draws.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats. The draws follow from the fit and the row, so each call gives the same.

        References
        ----------
        .. [1] Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders.
           ICLR. https://doi.org/10.48550/arXiv.1509.00519
        """
        return self._likelihoods(X, n_samples)[:, 1]

    def sample(self, n_samples=1, random_state=None, *, noise=False):
        """Draw new rows from the model.

        Parameters
        ----------
        n_samples : int, default=1
            How many.
        random_state : int, RandomState instance or None, default=None
            Source of the draws.
        noise : bool, default=False
            Whether to draw the rows from the likelihood; otherwise their expected values given
            the codes are returned.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            New rows, float64.
        """
        check_is_fitted(self)
        check_n_samples(n_samples)
        random = check_random_state(random_state)
        X = self.inverse_transform(random.normal(size=(n_samples, self._n_features_out)))
        if not noise:
            return X
        if self.likelihood_ == "bernoulli":
            return (random.uniform(size=X.shape) < X).astype(X.dtype)
        return X + np.sqrt(self.noise_variance_) * random.normal(size=X.shape)

    def _likelihoods(self, X, n_samples):
        check_is_fitted(self)
        check_n_samples(n_samples)
        X = self._check_X(X, reset=False)
        objective = Objective(self.likelihood_, summed=True)
        out = np.empty((X.shape[0], 2))
        return self._network.likelihood(objective, Rows(X), out, n_samples, self._seed)

    def _objective(self):
        objective = super()._objective()
        weight = WarmUp(self.beta, self.kl_warmup) if self.kl_warmup else self.beta
        return replace(
            objective,
            loss=self.likelihood,
            penalties=(*objective.penalties, posterior_kl),
            numbers={**objective.numbers, posterior_kl.__name__: weight},
            summed=True,
            validated=(posterior_kl,),
        )

    def _loss_parameter(self):
        return f"likelihood={self.likelihood!r}"

    def _recipe(self, data, objective, start):
        if start is not None and start.likelihood_ != self.likelihood:
            raise ValueError(
                f"warm_start=True and partial_fit go on with likelihood={start.likelihood_!r}, but "
                f"it is now {self.likelihood!r}. Set it back, or clone the estimator and fit anew."
            )
        return super()._recipe(data, objective, start)

    def _latent(self):
        learned = self.likelihood == "gaussian" and self.noise_variance == "learned"
        return {"draws_code": True, "learns_noise": learned}

    def _constants(self, data):
        constants = super()._constants(data)
        if self.likelihood == "gaussian":
            learned = self.noise_variance == "learned"
            variance = (
                data.variances() if learned else np.full(data.X.n_features, self.noise_variance)
            )
            constants["noise_variance"] = np.float32(variance)
        return constants

    def _fitted_attributes(self, training, rule, earlier, *, keep_slots):
        attributes = super()._fitted_attributes(training, rule, earlier, keep_slots=keep_slots)
        attributes["likelihood_"] = training.objective.loss
        if "noise_variance" in training.constants:
            attributes["noise_variance_"] = attributes["_network"].noise_variance()
        return attributes


def check_n_samples(n_samples):
    """Refuse what is no number of draws."""
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(f"n_samples must be a whole number of at least 1, got {n_samples!r}.")
