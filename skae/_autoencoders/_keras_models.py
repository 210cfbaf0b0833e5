"""A fitted autoencoder as Keras models, and weights that come back from them."""

import copy

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ._state import is_fitted_name
from ._weights import check_computes_the_same, with_keras_weights

NETWORKS = {"encoder_", "decoder_", "model_"}
"""Attributes that are Keras models, built on access."""


class KerasModelsMixin:
    """The network of a fitted estimator, as Keras models that are built on access."""

    @property
    def encoder_(self):
        """keras.Model : the encoder, a copy built on access."""
        return self._keras_models()[0]

    @property
    def decoder_(self):
        """keras.Model : the decoder, a copy built on access."""
        return self._keras_models()[1]

    @property
    def model_(self):
        """keras.Model : encoder and decoder in a row, a copy built on access."""
        return self._keras_models()[2]

    def _keras_models(self):
        if not self.__sklearn_is_fitted__():
            raise AttributeError(
                f"This {type(self).__name__} has no network yet: call fit first."
            ) from NotFittedError()
        return self._network.keras_models()

    def with_weights(self, encoder=None, decoder=None):
        """A copy of this estimator with the weights of Keras models that were trained elsewhere.

        Train what `encoder_`, `decoder_` or `model_` gives, in any way Keras offers, and bring the
        weights back.

        Parameters
        ----------
        encoder, decoder : keras.Model or None, default=None
            Models that `encoder_` and `decoder_` of this estimator gave, or the layers "encoder"
            and "decoder" of what `model_` gave. They work in the units of X: their first or last
            layers scale, bound and activate as the estimator does. None keeps this estimator's
            weights.

        Returns
        -------
        estimator : object
            A fitted estimator of its own. All but the weights is equal: parameters, fitted
            attributes, what was learned of the data's means, scale and bounds, and the curves,
            which are those of this estimator's training. `partial_fit`, and `fit` with
            ``warm_start=True``, go on from the new weights with a new state of the solver.

        Raises
        ------
        TypeError
            If `encoder` or `decoder` is no Keras model.
        ValueError
            If a model has other shapes than this estimator's, computes something else with its
            weights, or holds NaN or infinite weights; or if both are given and differ in weights
            that they share.

        Notes
        -----
        The encoder of a `VariationalAutoencoder` gives the mean of the code. Its weights include
        those of the variance, which a training of the mean alone leaves as they are, but for the
        layers that both have in common. `noise_variance_` stays as it was.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skae import AutoencoderTransformer
        >>> X = load_digits().data
        >>> autoencoder = AutoencoderTransformer(8, max_iter=5, random_state=0).fit(X)
        >>> model = autoencoder.model_  # encoder and decoder in a row
        >>> model.compile(optimizer="adam", loss="mean_absolute_error")
        >>> _ = model.fit(X, X, epochs=2, verbose=0)
        >>> tuned = autoencoder.with_weights(model.get_layer("encoder"), model.get_layer("decoder"))
        >>> tuned.transform(X).shape
        (1797, 8)
        """
        check_is_fitted(self)
        network = with_keras_weights(self._network, encoder, decoder)
        new = clone(self)
        for name, value in vars(self).items():
            if is_fitted_name(name) and name != "_network":
                setattr(new, name, copy.deepcopy(value))
        new._network = network
        new._slots = None  # moments of the old weights' gradients
        check_computes_the_same(new, encoder, decoder)
        return new

    def _without_network(self):
        """A copy without what cannot be read without building it."""
        rest = copy.copy(self)
        vars(rest).pop("_network", None)
        return rest

    def __dir__(self):
        """All attributes; the networks by whether there is one, because `hasattr` builds them."""
        rest = super(KerasModelsMixin, self._without_network())
        names = {*rest.__dir__(), *vars(self)} - NETWORKS
        return names | NETWORKS if self.__sklearn_is_fitted__() else names

    def _get_fitted_attr_html(self, doc_link=""):
        """What notebooks show since scikit-learn 1.9: the value of each attribute in `dir`."""
        rest = self._without_network()
        return super(KerasModelsMixin, rest)._get_fitted_attr_html(doc_link)
