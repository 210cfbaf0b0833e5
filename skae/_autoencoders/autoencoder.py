"""The plain autoencoder."""

from ._base import BaseAutoencoder


class AutoencoderTransformer(BaseAutoencoder):
    """Autoencoder: dimensionality reduction by a neural network.

    An encoder maps each row to a short code and a decoder maps the code back; both are trained to
    make the reconstruction match the row. With no hidden layer and identity activations the code
    spans the subspace of PCA; hidden layers make it nonlinear.

    Where training starts at PCA, hidden layers learn what it leaves. No scaler is needed: results
    do not depend on the units of X, and scaling decides only which features count, as in PCA.

    Parameters
    ----------
    n_components : int, float or None, default=2
        Width of the code. A float between 0 and 1 is a share of the variance: as many units as PCA
        needs components to explain it. None lets the `architecture` choose.
    hidden_layer_sizes : array-like of int or int, default=(128,)
        Widths of the encoder's hidden layers, outermost first; the decoder mirrors them. ``()``
        for none. Ignored if `architecture` is given.
    activation : str or list of str, default="relu"
        Activation of the hidden layers, or one for each, outermost first: "identity", "logistic",
        "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus" or "softsign"
        (Keras's "linear" and "sigmoid" work too). Ignored if `architecture` is given.
    code_activation : str, default="identity"
        Activation of the code, one of those of `activation`.
    output_activation : str, default="auto"
        Activation of the reconstruction, one of those of `activation`. "auto" takes "logistic" if
        the loss is "binary_crossentropy", else the identity, cut off at the lowest or highest value
        of a feature where more than a twentieth of its training values are equal to it. Only with
        the identity results do not depend on the units of X; others have a range of their own.
    architecture : Architecture or None, default=None
        Layers of the network, in place of `hidden_layer_sizes` and `activation`.
    loss : str, Loss or callable, default="squared_error"
        Reconstruction loss, averaged over features and rows: "squared_error", "absolute_error" or
        "binary_crossentropy" (for data in [0, 1]); an object of `skae.losses`; or a function of a
        `ForwardPass` that gives the loss of each value.
    alpha : float or "auto", default="auto"
        Weight of `weight_penalty` in the objective, in the range [0, inf), relative to a loss of
        data whose mean variance is one. "auto" is 0 but for "l2" and a network that starts at PCA:
        there hidden layers are shrunk, by 4000 / n_samples times the share of the variance that PCA
        leaves, because few rows do not tell what they would learn from noise. With fewer than 100
        rows a feature, and at most 2**24 values, it is 1000 times that if rows held out come back
        worse than by PCA otherwise. That is tried in one to ten trainings of at most 100 epochs,
        which end as soon as the error is below 0.9 of PCA's; but not with ``early_stopping=True``,
        fewer than 10 epochs, or rows that are read in blocks. Copies of a row count as one. Calls
        that go on keep the weight of the first one; where its rows are few beside those to come,
        give a number.
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
        Where training starts: the linear path of the network at the principal components of the
        training rows, or all weights at random. A network without a linear path, or whose code has
        another activation than the identity, starts at random in any case.
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
    column_weights : array-like of shape (n_features,), dict or None, default=None
        How much each column counts in the loss; a dict has those that are not 1 by name or number.
        With weights, columns are standardised even where all are numbers.
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
        Reconstruction loss on the validation rows after each epoch, NaN for epochs without such
        rows; None if no epoch had any.
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

    See Also
    --------
    DenoisingAutoencoder : Learns to undo a corruption of its input.
    sklearn.decomposition.PCA : The best linear code.

    References
    ----------
    .. [1] Hinton, G. E. and Salakhutdinov, R. R. (2006). Reducing the dimensionality of data with
       neural networks. Science 313, 504-507. https://doi.org/10.1126/science.1127647

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import AutoencoderTransformer
    >>> X = load_digits().data
    >>> autoencoder = AutoencoderTransformer(n_components=8, max_iter=20, random_state=0)
    >>> autoencoder.fit_transform(X).shape
    (1797, 8)
    >>> autoencoder.reconstruct(X[:5]).shape
    (5, 64)
    """

    def __init__(
        self,
        n_components=2,
        *,
        hidden_layer_sizes=(128,),
        activation="relu",
        code_activation="identity",
        output_activation="auto",
        architecture=None,
        loss="squared_error",
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
        column_weights=None,
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
            init=init,
            pretraining=pretraining,
            missing=missing,
            categorical_features=categorical_features,
            handle_unknown=handle_unknown,
            column_weights=column_weights,
            trim_fraction=trim_fraction,
            random_state=random_state,
            checkpoint=checkpoint,
            devices=devices,
            verbose=verbose,
        )
