"""Dense, EinsumDense, Embedding and the small layers beside them, against Keras."""

import keras
import numpy as np
import pytest
from layer_parity import array, check, plain, randomized, same_step

import lamella

X2, X3, X4 = array((2, 5)), array((2, 4, 5)), array((2, 3, 4, 5))
RULES = {
    "kernel_initializer": "he_normal",
    "kernel_regularizer": "l2",
    "bias_constraint": "non_neg",
    "bias_initializer": keras.initializers.RandomNormal(stddev=0.1, seed=1),
}


@pytest.mark.sample(5)
@pytest.mark.parametrize("x", [X2, X3])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"units": 3},
        {"units": 3, "activation": "gelu", "use_bias": False},
        {"units": 2, "kernel_initializer": "he_normal", "kernel_regularizer": "l2", "bias_constraint": "non_neg"},
        {"units": 2, "activity_regularizer": "l1", "lora_rank": 2},
    ],
)
def test_dense(x, kwargs):
    check("Dense", x, **kwargs)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("x", "equation", "output_shape", "bias_axes"),
    [
        (X2, "ab,bc->ac", 3, "c"),
        (X3, "abc,cd->abd", (None, 3), "d"),
        (X3, "abc,cde->abde", (None, 2, 3), "de"),
        (X4, "abcd,cde->abe", (None, 6), None),
        (X3, "...x,xy->...y", 3, "y"),
        (array((2, 3, 3, 5)), "...x,xy->...y", 3, "y"),
        (X3, "ab...,bc->ac...", 3, "c"),
        (X3, "aecd->x" and "abc,bd->adc", (3, None), "d"),
    ],
)
def test_einsum_dense(x, equation, output_shape, bias_axes):
    kwargs = {"equation": equation, "output_shape": output_shape, "bias_axes": bias_axes}
    theirs, ours = (m.layers.EinsumDense(**kwargs, activation="tanh", name="same") for m in (keras, lamella))
    theirs(x), ours(x)
    randomized(theirs)
    ours.set_weights(theirs.get_weights())
    same_step(theirs, ours, x)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    known, asked = ours.compute_output_shape(x.shape), theirs.compute_output_shape(x.shape)
    assert len(known) == len(asked) and all(a is None or a == b for a, b in zip(asked, known, strict=True))


def test_einsum_dense_scales_its_initial_kernel_by_the_axes_it_contracts():
    for module in (keras, lamella):
        initializer = module.initializers.GlorotUniform(seed=1)
        layer = module.layers.EinsumDense("abc,cde->abde", (None, 2, 3), kernel_initializer=initializer)
        layer.build((None, 4, 5))
        kernel = np.asarray(layer.kernel)
        if module is keras:
            expected = kernel
    np.testing.assert_allclose(kernel, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kwargs", [{}, {"mask_zero": True, "embeddings_regularizer": "l2"}, {"lora_rank": 2}])
def test_embedding(kwargs):
    check("Embedding", array((2, 4), "int32"), 6, 3, **kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"tie_weights": False}, {"logit_soft_cap": 0.5, "reverse_dtype": "float32"}])
def test_reversible_embedding(kwargs):
    theirs, ours = (m.layers.ReversibleEmbedding(6, 3, name="same", **kwargs) for m in (keras, lamella))
    tokens, vectors = array((2, 4), "int32"), array((2, 4, 3))
    theirs(tokens), ours(tokens)
    randomized(theirs)
    ours.set_weights(theirs.get_weights())
    same_step(theirs, ours, tokens)
    same_step(theirs, ours, vectors, reverse=True)
    assert plain(ours.get_config()) == plain(theirs.get_config())


def test_identity():
    check("Identity", X2)


def test_masking():
    x = np.where(np.arange(4)[None, :, None] > 1, 7.0, X3).astype("float32")
    ours = check("Masking", x, mask_value=7.0)
    theirs = keras.layers.Masking(7.0)
    np.testing.assert_array_equal(ours.compute_mask(x), theirs.compute_mask(x))


def test_lora_merges_into_the_saved_kernel_as_in_keras():
    stores = []
    for module in (keras, lamella):
        layer = module.layers.Dense(3, lora_rank=2)
        layer.build((None, 5))
        randomized(layer)
        store: dict = {}
        layer.save_own_variables(store)
        stores.append({key: np.asarray(value) for key, value in store.items()})
    assert stores[0].keys() == stores[1].keys()
    for key, value in stores[0].items():
        np.testing.assert_allclose(stores[1][key], value, rtol=1e-5)


def test_lambda():
    for x in (X2, X3):
        theirs, ours = (m.layers.Lambda(m.ops.square, name="same") for m in (keras, lamella))
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)
        assert tuple(ours.compute_output_shape(x.shape)) == tuple(theirs.compute_output_shape(x.shape))
