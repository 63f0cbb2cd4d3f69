"""Attention layers against Keras."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from layer_parity import array, plain, same_config

import lamella

Q, V, K = array((2, 4, 6)), array((2, 5, 6)), array((2, 5, 6)) * 0.5
Q_MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
V_MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 1, 1]], bool)
MASK = np.random.default_rng(0).random((2, 4, 5)) > 0.3


def compared(name, args, kwargs, tensors, **call):
    """Configs, weights, outputs and gradients of a layer in Keras and here; gives both back."""
    kwargs = {"name": "same", **kwargs}
    theirs, ours = (getattr(m.layers, name)(*args, **kwargs) for m in (keras, lamella))
    for layer in (theirs, ours):
        layer.build(*[jax.tree.map(lambda t: t.shape, each) for each in tensors])
    assert [(v.path, tuple(v.shape)) for v in ours.weights] == [(v.path, tuple(v.shape)) for v in theirs.weights]
    same_config(theirs, ours)
    draw = np.random.default_rng(3)
    theirs.set_weights([draw.normal(size=w.shape) * 0.3 for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    (a, a_grads), (b, b_grads) = (outputs_and_gradients(layer, tensors, call) for layer in (theirs, ours))
    for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-5, atol=1e-5)
    for left, right in zip(jax.tree.leaves(a_grads), jax.tree.leaves(b_grads), strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-4, atol=1e-4)
    return theirs, ours


def outputs_and_gradients(layer, tensors, call):
    def loss(weights):
        out, _ = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], *tensors, **call)
        return sum(jnp.mean(jnp.square(leaf)) for leaf in jax.tree.leaves(out)), out

    grads, out = jax.jit(jax.grad(loss, has_aux=True))([v.value for v in layer.trainable_variables])
    return out, grads


HEADS = [
    ("MultiHeadAttention", (2, 3), {}),
    ("MultiHeadAttention", (2, 3), {"use_bias": False, "output_shape": 5, "use_gate": True}),
    ("MultiHeadAttention", (2, 3), {"sliding_window": 2, "kernel_regularizer": "l2", "output_shape": (2, 3)}),
    ("GroupQueryAttention", (3, 4, 2), {"dropout": 0.0}),
    ("GroupQueryAttention", (3, 4, 4), {"use_gate": True, "use_bias": False, "sliding_window": 2}),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("name", "args", "kwargs"), HEADS)
@pytest.mark.parametrize(
    "call",
    [
        {},
        {"use_causal_mask": True},
        {"attention_mask": MASK, "return_attention_scores": True},
        {"value_mask": V_MASK, "use_causal_mask": True, "return_attention_scores": True},
        {"value_mask": V_MASK, "key_mask": V_MASK, "attention_mask": MASK},
    ],
)
def test_heads(name, args, kwargs, call):
    compared(name, args, kwargs, (Q, V, K), **call)


@pytest.mark.slow
def test_causal_scores_and_values_of_another_size():
    kwargs = {"value_dim": 4, "use_gate": True}  # without scores, Keras itself cannot
    theirs, ours = compared("MultiHeadAttention", (2, 3), kwargs, (Q, V), return_attention_scores=True)
    np.testing.assert_allclose(ours(Q, V), theirs(Q, V, return_attention_scores=True)[0], atol=1e-5)
    compared("MultiHeadAttention", (2, 3), {}, (Q, V), use_causal_mask=True, return_attention_scores=True)
    compared("GroupQueryAttention", (3, 4, 2), {}, (Q, V), use_causal_mask=True, return_attention_scores=True)


@pytest.mark.parametrize("axes", [None, 2, (1, 2), (-2,)])
def test_attention_over_axes(axes):
    q, v = array((2, 3, 4, 6)), array((2, 3, 4, 6)) + 1
    theirs, ours = compared(
        "MultiHeadAttention", (2, 3), {"attention_axes": axes}, (q, v), return_attention_scores=True
    )
    assert ours.attention_axes == tuple(theirs.attention_axes)


def test_dropout_with_a_seed():
    for name, args in (("MultiHeadAttention", (2, 3)), ("GroupQueryAttention", (3, 4, 2))):
        compared(name, args, {"dropout": 0.4, "seed": 5}, (Q, V), training=True)


@pytest.mark.filterwarnings("error::UserWarning")
def test_masks_of_tensors_are_found():
    tokens = np.array([[1, 2, 0, 0], [3, 1, 4, 0]])
    results = []
    for m in (keras, lamella):
        embedding, attention = m.layers.Embedding(5, 6, mask_zero=True), m.layers.MultiHeadAttention(2, 3)
        x = embedding(tokens)
        attention(x, x)
        if results:
            embedding.set_weights(results[0][0]), attention.set_weights(results[0][1])
        x = embedding(tokens)
        results.append((embedding.get_weights(), attention.get_weights(), attention(x, x)))
    np.testing.assert_allclose(results[1][2], results[0][2], rtol=1e-5, atol=1e-5)
    assert lamella.state.get_mask(results[1][2]).tolist() == (tokens > 0).tolist()


@pytest.mark.sample(7)
@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
@pytest.mark.parametrize("use_scale", [True, False])
@pytest.mark.parametrize(
    "call",
    [
        {},
        {"mask": [Q_MASK, V_MASK], "return_attention_scores": True},
        {"mask": [None, V_MASK], "use_causal_mask": True},
        {"use_causal_mask": True, "return_attention_scores": True},
    ],
)
def test_attention(name, use_scale, call):
    theirs, ours = compared(name, (), {"use_scale": use_scale}, ([Q, V, K],), **call)
    assert ours.compute_output_shape([(None, 4, 6), (None, 5, 7)]) == (None, 4, 7)
    assert theirs.compute_mask([Q, V], [Q_MASK, V_MASK]) is not None
    np.testing.assert_array_equal(ours.compute_mask([Q, V], [Q_MASK, V_MASK]), Q_MASK)


def test_attention_by_concatenation():
    compared("Attention", (), {"score_mode": "concat", "use_scale": True}, ([Q, V],))
    compared("Attention", (), {"score_mode": "concat", "dropout": 0.3, "seed": 2}, ([Q, V],), training=True)


def test_symbolic_shapes():
    q, v = lamella.Input((4, 6)), lamella.Input((None, 6))
    assert lamella.layers.MultiHeadAttention(2, 3, output_shape=5)(q, v).shape == (None, 4, 5)
    out, scores = lamella.layers.MultiHeadAttention(2, 3)(q, v, return_attention_scores=True)
    assert (out.shape, scores.shape) == ((None, 4, 6), (None, 2, 4, None))
    out, scores = lamella.layers.Attention()([q, v], return_attention_scores=True)
    assert (out.shape, scores.shape) == ((None, 4, 6), (None, 4, None))
    assert plain(lamella.layers.GroupQueryAttention(2, 4, 2).get_config())["num_query_heads"] == 4
