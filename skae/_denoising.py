"""The denoising autoencoder."""

from dataclasses import replace
from numbers import Real

from ._base import BaseAutoencoder
from ._sklearn_compat import HasMethods, Interval, StrOptions, fit_context, with_callbacks
from .corruption import CORRUPTIONS, as_corruption


class DenoisingAutoencoder(BaseAutoencoder):
    """Autoencoder that learns to undo a corruption of its input.

    In each training step the input is corrupted anew and the network must give back the clean
    row [1]_. `transform` and `reconstruct` never corrupt. Where pairs of noisy and clean rows
    exist, give them as ``fit(X_noisy, X_clean=X)``: then nothing is corrupted.

    Parameters
    ----------
    n_components : int or None, default=2
        Width of the code. None lets the `architecture` choose.
    corruption : str, Corruption, callable or list of these, default="gaussian"
        What is done to the input: "gaussian" adds noise, "masking" sets values to zero,
        "salt_and_pepper" to 0 or 1, "swap" takes them from other rows, "occlusion" hides a square
        of an image; `skae.corruption` has their options. A function gets X, level and seed as
        `Corruption.apply` does. Those in a list act one after the other.
    corruption_level : float, tuple (low, high) or None, default=None
        Level of the corruption: the standard deviation of the noise in units of the data, or the
        share of values or pixels that are changed; of a list, a factor on the levels of all. Of a
        range each epoch draws its own. None takes the level of `corruption` itself.
    hidden_layer_sizes : array-like of int or int, default=(128,)
        Widths of the encoder's hidden layers, outermost first; the decoder mirrors them. ``()``
        for none. Ignored where `architecture` is given.
    activation : str or list of str, default="silu"
        Activation of the hidden layers, or one for each, outermost first: "identity", "logistic",
        "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus" or "softsign"
        (Keras's "linear" and "sigmoid" work too). Ignored where `architecture` is given.
    code_activation : str, default="identity"
        Activation of the code.
    output_activation : str, default="auto"
        Activation of the reconstruction. "auto" takes "logistic" where the training data lie in
        [0, 1] or the loss is "binary_crossentropy", else "identity".
    architecture : Architecture, default=None
        Layers of the network, in place of `hidden_layer_sizes` and `activation`.
    loss : {"squared_error", "absolute_error", "binary_crossentropy"}, default="squared_error"
        Reconstruction loss, the mean over features and rows. The last needs data in [0, 1].
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
        Source of all random numbers: initial weights, held-out rows, order of the rows, corruption.
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

    See Also
    --------
    AutoencoderTransformer : The same without corruption.
    skae.corruption : The corruption processes, and how to write one.

    References
    ----------
    .. [1] Vincent, P., Larochelle, H., Bengio, Y. and Manzagol, P.-A. (2008). Extracting and
       composing robust features with denoising autoencoders. ICML.
       https://doi.org/10.1145/1390156.1390294

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import DenoisingAutoencoder
    >>> from skae.corruption import GaussianNoise
    >>> X = load_digits().data / 16
    >>> noisy = GaussianNoise(0.2).corrupt(X, random_state=0)
    >>> denoiser = DenoisingAutoencoder(16, corruption_level=0.2, max_iter=20, random_state=0)
    >>> denoised = denoiser.fit(X).reconstruct(noisy)
    >>> bool(((denoised - X) ** 2).mean() < ((noisy - X) ** 2).mean())
    True
    """

    _parameter_constraints: dict = {
        **BaseAutoencoder._parameter_constraints,
        "corruption": [
            StrOptions(set(CORRUPTIONS)),
            HasMethods(["apply", "corrupt"]),
            callable,
            list,
            tuple,
        ],
        "corruption_level": [Interval(Real, 0, None, closed="left"), tuple, list, None],
    }

    def __init__(
        self,
        n_components=2,
        *,
        corruption="gaussian",
        corruption_level=None,
        hidden_layer_sizes=(128,),
        activation="silu",
        code_activation="identity",
        output_activation="auto",
        architecture=None,
        loss="squared_error",
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
            code_activation=code_activation,
            output_activation=output_activation,
            architecture=architecture,
            loss=loss,
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
        self.corruption = corruption
        self.corruption_level = corruption_level

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, X_clean=None, sample_weight=None, X_val=None):
        """Train the network to reconstruct X from a corruption of it, or `X_clean` from X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data. Memory maps and sparse matrices are read in blocks.
        y : Ignored
            Present for the API; labels never become targets.
        X_clean : array-like or sparse matrix of shape (n_samples, n_features), default=None
            Clean versions of the rows of X, which are then taken as noisy already.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative; None weighs all alike.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), or a \
                tuple of two such, default=None
            Rows whose reconstruction loss is recorded after each epoch, and which stop the
            training where ``early_stopping=True``. They are not corrupted. With `X_clean`, a
            tuple is taken as noisy and clean rows.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is rejected, or the loss turns infinite or NaN; an earlier fit then
            stays as it was.
        """
        return self._fit(X, X_clean=X_clean, sample_weight=sample_weight, X_val=X_val)

    def _objective(self):
        corruption = as_corruption(self.corruption)
        if corruption.makes_missing and self.missing != "mask":
            raise ValueError(
                f"{corruption!r} makes values NaN, which needs missing='mask', got "
                f"missing={self.missing!r}."
            )
        objective = super()._objective()
        level = corruption.checked_level(self.corruption_level)
        numbers = {**objective.numbers, "corruption_level": level}
        return replace(objective, corruption=corruption, numbers=numbers)
