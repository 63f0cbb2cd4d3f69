"""Recurrent layers: states, custom cells, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, ShapeError, StateError
from lamella.state import SeedGenerator, pure, state_of, walk

X = np.arange(12, dtype="float32").reshape(2, 3, 2) / 10


class Counting(L.Layer):
    """A cell that counts its steps and draws a number in each."""

    state_size = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = SeedGenerator(3)

    def build(self, input_shape):
        self.steps = self.add_weight((), "zeros", trainable=False, name="steps")

    def call(self, inputs, states):
        self.steps.assign_add(1)
        drawn = jax.random.uniform(self.seeds.next(), states[0].shape)
        return drawn, [states[0] + self.steps]


def test_what_a_cell_assigns_goes_from_step_to_step():
    layer = L.RNN(Counting(), return_sequences=True, return_state=True)
    drawn, state = layer(X)
    assert state.tolist() == [[6.0], [6.0]]  # 1 + 2 + 3
    assert float(layer.cell.steps.value) == 3
    assert len(np.unique(np.asarray(drawn))) == 6
    assert layer.cell.seeds.state.raw.tolist() == [3, 3]


def test_a_cell_without_layer_or_own_states():
    class Sum:
        state_size = 2

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

    assert np.allclose(L.RNN(Sum())(X), X.sum(1))


def test_states_are_state_but_no_weights():
    layer = L.LSTM(2, stateful=True)
    layer.build((2, 3, 2))
    assert [v.name for v in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert sum("states" in address for address, _ in walk(layer)) == 2
    outputs, after = pure(layer, state_of(layer), X)
    assert any(not np.allclose(after[a], v) for a, v in state_of(layer).items() if "states" in a)
    assert np.allclose(layer.states[0].numpy(), 0)
    layer(X)
    assert np.allclose(layer.states[0].numpy(), outputs)


def test_states_under_jit():
    layer = L.GRU(2, stateful=True)
    first, second = layer(X), layer(X)
    layer.reset_state()
    step = jax.jit(lambda state: pure(layer, state, X))
    a, state = step(state_of(layer))
    b, _ = step(state)
    assert np.allclose(a, first, atol=1e-6) and np.allclose(b, second, atol=1e-6)


def test_dropout_only_in_training_and_anew_each_call():
    layer = L.LSTM(8, dropout=0.5, recurrent_dropout=0.5)
    assert np.allclose(layer(X), layer(X))
    assert not np.allclose(layer(X, training=True), layer(X, training=True))


def test_mixed_precision():
    layer = L.LSTM(3, dtype="mixed_bfloat16", return_state=True)
    outputs = layer(X)
    assert {o.dtype.name for o in outputs} == {"bfloat16"}
    assert layer.weights[0].dtype == "float32"


def test_settings_are_those_of_the_cell():
    layer = L.GRU(3, dropout=0.25, reset_after=False)
    assert (layer.units, layer.dropout, layer.reset_after) == (3, 0.25, False)
    assert layer.cell.name == "gru_cell"


def test_masks_of_outputs():
    mask = jnp.ones((2, 3), bool)
    assert L.LSTM(2).compute_mask(None, mask) is None
    assert L.LSTM(2, return_sequences=True).compute_mask(None, mask) is mask
    assert L.LSTM(2, return_sequences=True, return_state=True).compute_mask(None, mask) == [mask, None, None]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.LSTM(0), ArgumentError, "units=0"),
        (lambda: L.LSTM(2, use_cudnn="yes"), ArgumentError, "use_cudnn"),
        (lambda: L.RNN(3), ArgumentError, "state_size"),
        (lambda: L.StackedRNNCells([L.Dense(2)]), ArgumentError, "state_size"),
        (lambda: L.Bidirectional(L.LSTM(2), merge_mode="max"), ArgumentError, "merge_mode"),
        (lambda: L.Bidirectional("lstm"), ArgumentError, "layer='lstm'"),
        (lambda: L.Bidirectional(L.LSTM(2), backward_layer=L.LSTM(2)), ArgumentError, "direction"),
        (
            lambda: L.Bidirectional(L.LSTM(2), backward_layer=L.LSTM(2, go_backwards=True, return_state=True)),
            ArgumentError,
            "return_state",
        ),
        (lambda: L.LSTM(2)(np.ones((2, 3))), ShapeError, "rank 3"),
        (lambda: L.LSTM(2, stateful=True)(lamella.layers.Input((3, 2))), ShapeError, "batch_shape"),
        (lambda: L.LSTM(2, unroll=True)(lamella.layers.Input((None, 2))), ShapeError, "unroll"),
        (lambda: L.TimeDistributed(L.Dense(2))(np.ones((2, 3))), ShapeError, "steps"),
        (lambda: L.Bidirectional(L.LSTM(2)).reset_state(), StateError, "stateful=True"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_stateful_batch_must_not_change():
    layer = L.LSTM(2, stateful=True)
    layer(X)
    with pytest.raises(ShapeError, match="batches of 2"):
        layer(np.ones((3, 3, 2)))


def test_time_distributed_gives_the_mask_along():
    layer = L.TimeDistributed(L.LSTM(2))
    x = np.ones((2, 3, 4, 5), "float32")
    mask = np.arange(24).reshape(2, 3, 4) % 3 > 0
    masked = layer(x, mask=mask)
    one = layer.layer(x[1], mask=mask[1])
    assert np.allclose(masked[1], one, atol=1e-6)
    with pytest.raises(ShapeError, match="mask"):
        layer(x, mask=mask[:, :2])
