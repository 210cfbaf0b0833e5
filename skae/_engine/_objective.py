"""The number that training minimises, summed in one visible place."""

from dataclasses import dataclass, field, replace

from .. import losses


@dataclass(frozen=True)
class Objective:
    """Reconstruction loss plus weighted penalties, on a corruption of the input.

    Parameters
    ----------
    loss : str
        Name of a function of `skae.losses`.
    penalties : tuple of callables
        Functions of a `ForwardPass` from `skae.penalties`; each needs a weight in `numbers` under
        its own name.
    corruption : skae.corruption.Corruption or None
        What is done to the input of a training step.
    numbers : dict of str to float
        Weight of each penalty and ``"corruption_level"``: arguments of the compiled program.
    """

    loss: str
    penalties: tuple = ()
    corruption: object = None
    numbers: dict = field(default_factory=dict)

    @property
    def key(self):
        """A hashable value, equal for objectives that differ in `numbers` alone."""
        corruption = None if self.corruption is None else self.corruption.key
        return self.loss, self.penalties, corruption

    def without_corruption(self):
        """The same objective on the input as it is."""
        return replace(self, corruption=None)

    def __call__(self, graph, weights, batch, numbers, seed):
        """Value of the objective on one batch, and the state of the layers after it."""
        X, target, weight = batch
        if self.corruption is not None:
            X = self.corruption.apply(X, numbers["corruption_level"], seed)
        code, fixed = graph.encode(weights, X, training=True)
        logits, fixed = graph.decode_logits((weights[0], fixed), code, training=True)
        value = self.reconstruction_loss(graph, target, logits, weight)
        step = ForwardPass(X=X, code=code, weights=weights[0])
        for penalty in self.penalties:
            value = value + numbers[penalty.__name__] * penalty(step)
        return value, fixed

    def reconstruction_loss(self, graph, target, logits, weight):
        """Weighted mean of the loss over the rows; a weight of zero marks padding."""
        loss = getattr(losses, self.loss)
        return (weight * loss(target, logits, graph.activate)).sum()


@dataclass(frozen=True)
class ForwardPass:
    """What one training step computed, for penalties to read.

    Attributes
    ----------
    X : tensor of shape (n_rows, n_features)
        The input, corrupted if the objective corrupts.
    code : tensor of shape (n_rows, n_components)
    weights : list of tensors
        All trainable arrays of the network, biases included.
    """

    X: object
    code: object
    weights: list
