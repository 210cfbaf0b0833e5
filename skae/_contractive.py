"""The contractive autoencoder."""

from dataclasses import replace
from numbers import Real

from ._base import BaseAutoencoder
from ._sklearn_compat import Interval
from .penalties import contraction


class ContractiveAutoencoder(BaseAutoencoder):
    r"""Autoencoder whose code moves little when its input moves.

    The squared Frobenius norm of the encoder's Jacobian is added to the reconstruction loss [1]_,
    ``contraction`` times

    .. math:: \frac1n \sum_{i=1}^n \sum_{jk}
        \left(\frac{\partial h_j}{\partial x_k}(x_i)\right)^2,

    where n are the rows of a training step.

    Parameters
    ----------
    n_components : int or None, default=2
        Width of the code. None lets the `architecture` choose.
    contraction : float, default=0.001
        Weight of the penalty; the reconstruction loss it is added to is a mean over features.
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

    See Also
    --------
    DenoisingAutoencoder : Robust by corrupting the input instead.

    Notes
    -----
    The norm is exact for encoders of dense layers with or without dropout, whatever their
    activations: row by row it costs about as much as the products of the layers behind the first,
    once for each unit of the code. Encoders of other layers take one backward pass a unit for codes
    of up to 8 units; for wider ones the norm is estimated, without bias, from 8 random directions a
    row [2]_. Layers that behave differently in training are taken as `transform` uses them.

    References
    ----------
    .. [1] Rifai, S., Vincent, P., Muller, X., Glorot, X. and Bengio, Y. (2011). Contractive
       auto-encoders: explicit invariance during feature extraction. ICML.
    .. [2] Hutchinson, M. F. (1990). A stochastic estimator of the trace of the influence matrix for
       Laplacian smoothing splines. Communications in Statistics - Simulation and Computation 19,
       433-450. https://doi.org/10.1080/03610919008812866

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skae import ContractiveAutoencoder
    >>> X = load_digits().data / 16
    >>> contractive = ContractiveAutoencoder(8, contraction=0.01, max_iter=20, random_state=0)
    >>> contractive.fit_transform(X).shape
    (1797, 8)
    """

    _parameter_constraints: dict = {
        **BaseAutoencoder._parameter_constraints,
        "contraction": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=2,
        *,
        contraction=1e-3,
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
        self.contraction = contraction

    def _objective(self):
        objective = super()._objective()
        numbers = {**objective.numbers, contraction.__name__: self.contraction}
        return replace(objective, penalties=(*objective.penalties, contraction), numbers=numbers)
