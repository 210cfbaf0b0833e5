"""The docstrings of the leaves are literal, and say the same of what the leaves share."""

from collections import defaultdict

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from sklearn.utils._testing import assert_docstring_consistency

import skae

LEAVES = [
    skae.AutoencoderTransformer,
    skae.ContractiveAutoencoder,
    skae.DenoisingAutoencoder,
    skae.SparseAutoencoder,
    skae.VariationalAutoencoder,
]
OTHER_WORDS = {
    # There the start is factor analysis, not PCA.
    "alpha": skae.VariationalAutoencoder,
    "init": skae.VariationalAutoencoder,
    # There it may be "auto", which follows from the penalty.
    "code_activation": skae.SparseAutoencoder,
    # There the likelihood implies one, not the loss.
    "output_activation": skae.VariationalAutoencoder,
    # There it is the bound, not the reconstruction loss.
    "val_loss_curve_": skae.VariationalAutoencoder,
}
"""What is described in other words, and by which leaf alone."""


def leaves_of(section):
    """The leaves that describe each parameter or attribute."""
    leaves = defaultdict(list)
    for leaf in LEAVES:
        for entry in ClassDoc(leaf)[section]:
            leaves[entry.name].append(leaf)
    return leaves


def assert_same(leaves, name):
    assert_docstring_consistency(leaves, include_params=[name], include_attrs=[name])


@pytest.mark.parametrize(("section", "n_shared"), [("Parameters", 22), ("Attributes", 9)])
def test_leaves_say_the_same_of_what_they_share(section, n_shared):
    shared = {name: leaves for name, leaves in leaves_of(section).items() if len(leaves) > 1}
    assert len(shared) >= n_shared
    for name, leaves in shared.items():
        assert len(leaves) >= 4  # what one leaf does not have the others do
        assert_same([leaf for leaf in leaves if leaf is not OTHER_WORDS.get(name)], name)


@pytest.mark.parametrize("name", OTHER_WORDS)
def test_other_words_are_needed(name):
    with pytest.raises(AssertionError, match="inconsistent"):
        assert_same([skae.DenoisingAutoencoder, OTHER_WORDS[name]], name)


def test_the_fit_of_the_denoiser_is_described_like_that_of_the_others():
    plain = FunctionDoc(skae.SparseAutoencoder.fit)
    denoising = FunctionDoc(skae.DenoisingAutoencoder.fit)
    for section in ("Returns", "Raises", "Notes"):
        assert plain[section]
        assert plain[section] == denoising[section]
    described = {entry.name: entry for entry in denoising["Parameters"]}
    for entry in plain["Parameters"]:
        if entry.name != "X_val":  # which may be a pair there
            assert described[entry.name] == entry


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_all_that_a_fit_leaves_behind_is_described(leaf):
    estimator = leaf(1, hidden_layer_sizes=(), solver="sgd", max_iter=1, random_state=0)
    fitted = estimator.fit([[0.0, 1.0], [1.0, 0.0], [0.5, 0.2]])
    names = ", ".join(entry.name for entry in ClassDoc(leaf)["Attributes"]).split(", ")
    left = {name for name in vars(fitted) if name.endswith("_") and name[0] != "_"}
    assert left | {"feature_names_in_", "encoder_", "decoder_", "model_"} == set(names)
