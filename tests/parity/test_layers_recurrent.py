"""Recurrent layers against Keras."""

import jax
import keras
import numpy as np
import pytest
from layer_parity import array, check, plain, randomized

import lamella

X = array((2, 5, 3))
MASK = np.array([[True, True, False, True, False], [False, False, True, True, True]])
KINDS = ["SimpleRNN", "LSTM", "GRU"]


def pair(make, *shape):
    """The layer in Keras and here, built, with the same weights."""
    theirs, ours = make(keras.layers), make(lamella.layers)
    theirs.build(shape or X.shape), ours.build(shape or X.shape)
    randomized(theirs)
    ours.set_weights(theirs.get_weights())
    return theirs, ours


def same(a, b, tolerance=1e-5):
    a, b = jax.tree.leaves(a), jax.tree.leaves(b)
    assert len(a) == len(b)
    for left, right in zip(a, b, strict=True):
        np.testing.assert_allclose(right, left, rtol=tolerance, atol=tolerance)


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"return_sequences": True, "use_bias": False, "activation": "relu"},
        {"return_sequences": True, "go_backwards": True, "kernel_regularizer": "l2"},
        {"unroll": True, "recurrent_constraint": "max_norm", "zero_output_for_mask": True},
    ],
)
def test_recurrent_layer(kind, kwargs):
    check(kind, X, 4, seed=1, **kwargs)


def test_gates_have_variants():
    check("GRU", X, 4, seed=1, reset_after=False)
    check("GRU", X, 4, seed=1, reset_after=False, use_bias=False, recurrent_activation="hard_sigmoid")
    check("LSTM", X, 4, seed=1, unit_forget_bias=False, recurrent_activation="relu")


@pytest.mark.parametrize("kind", KINDS)
def test_first_bias(kind):
    theirs, ours = (getattr(m.layers, kind)(3) for m in (keras, lamella))
    theirs.build(X.shape), ours.build(X.shape)
    same(theirs.weights[2].value, ours.weights[2].value)
    assert [v.path.split("/", 1)[1] for v in ours.weights] == [v.path.split("/", 1)[1] for v in theirs.weights]


@pytest.mark.sample(3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backwards", [False, True])
def test_masks(kind, backwards):
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    theirs, ours = pair(lambda m: getattr(m, kind)(4, **options))
    same(theirs(X, mask=MASK), ours(X, mask=MASK))
    theirs.zero_output_for_mask = ours.zero_output_for_mask = True
    same(theirs(X, mask=MASK), ours(X, mask=MASK))


@pytest.mark.parametrize("kind", KINDS)
def test_first_states(kind):
    theirs, ours = pair(lambda m: getattr(m, kind)(4, return_state=True))
    states = [array((2, 4)), array((2, 4)) + 1][: len(theirs.cell.get_initial_state(2))]
    same(theirs(X, initial_state=states), ours(X, initial_state=states))


@pytest.mark.parametrize("kind", KINDS)
def test_stateful(kind):
    theirs, ours = pair(lambda m: getattr(m, kind)(4, stateful=True))
    same([theirs(X), theirs(X + 1)], [ours(X), ours(X + 1)])
    same([v.value for v in theirs.states], [v.value for v in ours.states])
    assert len(ours.weights) == len(theirs.weights) == 3
    theirs.reset_state(), ours.reset_state()
    same(theirs(X), ours(X))


@pytest.mark.sample(3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rates", [{"dropout": 0.4}, {"recurrent_dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.4}]
)
def test_dropout_with_a_seed(kind, rates):
    theirs, ours = pair(lambda m: getattr(m, kind)(4, seed=7, return_sequences=True, **rates))
    same(theirs(X, training=True), ours(X, training=True))
    same(theirs(X, training=True), ours(X, training=True))
    same(theirs(X, training=False), ours(X, training=False))


def test_embedding_mask_reaches_the_loop():
    tokens = np.array([[1, 2, 0, 0], [3, 0, 4, 0]])
    results = []
    for m in (keras, lamella):
        embedding, lstm = m.layers.Embedding(5, 3, mask_zero=True), m.layers.LSTM(4)
        outputs = lstm(embedding(tokens))
        if results:
            embedding.set_weights(results[0][0]), lstm.set_weights(results[0][1])
            outputs = lstm(embedding(tokens))
        results.append((embedding.get_weights(), lstm.get_weights(), outputs))
    same(results[0][2], results[1][2])


@pytest.mark.parametrize("kind", KINDS)
def test_cell(kind):
    theirs, ours = pair(lambda m: getattr(m, f"{kind}Cell")(4, name="cell"), 2, 3)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    states = [array((2, 4))] * (2 if kind == "LSTM" else 1)
    same(theirs(X[:, 0], states), ours(X[:, 0], states))


def stacked(m, **options):
    cells = [m.LSTMCell(4, name="a", **options), m.SimpleRNNCell(3, name="b"), m.GRUCell(2, name="c", **options)]
    return m.RNN(cells, return_sequences=True, return_state=True, name="same")


def test_stacked_cells():
    theirs, ours = pair(stacked)
    same(theirs(X), ours(X))
    same(theirs(X, mask=MASK), ours(X, mask=MASK))
    read = lamella.layers.RNN.from_config(plain(theirs.get_config()))
    assert [type(cell).__name__ for cell in read.cell.cells] == ["LSTMCell", "SimpleRNNCell", "GRUCell"]
    assert plain(read.get_config()) == plain(theirs.get_config()) | {"cell": plain(read.get_config())["cell"]}


def test_stacked_cells_drop_the_same_in_every_step():
    theirs, ours = pair(lambda m: stacked(m, dropout=0.3, seed=3))
    same(theirs(X, training=True), ours(X, training=True))


@pytest.mark.sample(4)
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("sequences", [True, False])
def test_bidirectional(merge_mode, sequences):
    theirs, ours = pair(
        lambda m: m.Bidirectional(m.GRU(4, return_sequences=sequences, return_state=True), merge_mode, name="same")
    )
    same(theirs(X), ours(X))
    same(theirs(X, mask=MASK), ours(X, mask=MASK))
    shapes = [tuple(s) for s in theirs.compute_output_shape((None, 5, 3))]
    assert list(ours.compute_output_shape((None, 5, 3))) == shapes


def test_bidirectional_config_and_gradients():
    x = array((2, 4, 3))
    theirs, ours = pair(lambda m: m.Bidirectional(m.LSTM(2, name="inner"), name="same"), *x.shape)
    mine = plain(ours.get_config())
    assert mine.keys() == plain(theirs.get_config()).keys()
    assert mine["layer"]["config"]["name"] == theirs.get_config()["layer"]["config"]["name"] == "forward_inner"
    again = lamella.layers.Bidirectional.from_config(plain(theirs.get_config()))
    assert again.backward_layer.go_backwards and again.backward_layer.name == "backward_inner"
    grads = [
        jax.grad(lambda w, layer=layer: (layer.stateless_call(w, layer.non_trainable_variables, x)[0] ** 2).sum())(
            [v.value for v in layer.trainable_variables]
        )
        for layer in (theirs, ours)
    ]
    same(*grads, tolerance=1e-4)


@pytest.mark.parametrize(
    "inner", [lambda m: m.Dense(4), lambda m: m.BatchNormalization(), lambda m: m.LSTM(2, return_sequences=True)]
)
def test_time_distributed(inner):
    x = array((2, 3, 4, 3))
    theirs, ours = pair(lambda m: m.TimeDistributed(inner(m)), *x.shape)
    same(theirs(x, training=True), ours(x, training=True))
    same(theirs.get_weights(), ours.get_weights())
    assert ours.compute_output_shape((None, 3, 4, 3)) == theirs.compute_output_shape((None, 3, 4, 3))
