"""A Sequential without an Input takes what its layers take, whatever came first."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import LamellaError


def text():
    return keras.Sequential([layers.Embedding(10, 3, mask_zero=True), layers.GRU(2)])


def images():
    return keras.Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(1)])


def dense():
    return keras.Sequential([layers.Dense(2)])


def nested():
    return keras.Sequential([keras.Sequential([layers.Conv1D(2, 2), layers.ReLU()]), layers.GlobalMaxPooling1D()])


CASES = {
    "lengths": (text, np.zeros((2, 5), "int32"), np.ones((3, 7), "int32")),
    "sizes": (images, np.zeros((2, 8, 8, 3)), np.ones((1, 9, 10, 3))),
    "more axes": (dense, np.zeros((2, 3)), np.ones((2, 5, 3))),
    "fewer axes": (dense, np.zeros((2, 4, 5, 3)), np.ones((2, 3))),
    "nested": (nested, np.zeros((2, 5, 3)), np.ones((2, 8, 3))),
}


@pytest.mark.parametrize("case", CASES)
def test_takes_other_inputs_than_the_first(case, tmp_path):
    make, first, other = CASES[case]
    model = make()
    model.compile("sgd", "mse")
    model.fit(first, np.zeros(model.predict(first, verbose=0).shape), verbose=0)
    shape = model.predict(other, verbose=0).shape
    model.fit(other, np.zeros(shape), verbose=0)
    assert np.isfinite(model.evaluate(other, np.zeros(shape), verbose=0))
    assert model(other).shape == shape == tuple(model(keras.KerasTensor(other.shape, other.dtype.name)).shape)
    assert model(first).shape == model.predict(first, verbose=0).shape

    model.save(tmp_path / "m.keras")
    for again in (keras.models.load_model(tmp_path / "m.keras"), keras.models.clone_model(model)):
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict(other, verbose=0), model.predict(other, verbose=0), rtol=1e-5)


def test_every_batch_of_a_fit_may_have_another_length():
    model = text()
    model.compile("sgd", "mse")
    history = model.fit(((np.ones((2, n), "int32"), np.zeros((2, 2))) for n in (4, 6, 9)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_masks_reach_the_layers_whichever_way_they_are_run():
    model = text()
    short = model(np.array([[1, 2]]))
    np.testing.assert_allclose(model(np.array([[1, 2, 0, 0]])), short, rtol=1e-5)


def test_inside_of_other_layers():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.body, self.each = nested(), layers.TimeDistributed(dense())

        def call(self, x):
            return self.body(x), ops.mean(self.each(x), 1)

    model = Net()
    assert [y.shape for y in model(np.zeros((2, 6, 3)))] == [y.shape for y in model.predict(np.zeros((2, 9, 3)))]


def test_one_that_two_inputs_of_a_graph_share():
    encoder, a, b = text(), keras.Input((4,), dtype="int32"), keras.Input((7,), dtype="int32")
    model = keras.Model([a, b], layers.Dot(1)([encoder(a), encoder(b)]))
    assert model.predict([np.zeros((1, 4), int), np.zeros((1, 7), int)], verbose=0).shape == (1, 1)


def test_what_the_layers_cannot_take_is_refused_by_the_layer():
    model = dense()
    model(np.zeros((2, 3)))
    with pytest.raises(LamellaError, match="Dense"):
        model(np.zeros((2, 4)))
    with pytest.raises(LamellaError, match="Conv2D"):
        flat = images()
        flat(np.zeros((2, 8, 8, 3)))
        flat(np.zeros((2, 8, 3)))


def test_the_sizes_of_an_input_that_was_given_do_not_bind_the_layers_but_its_rank_does():
    model = keras.Sequential([keras.Input((5,), dtype="int32"), layers.Embedding(9, 3), layers.LSTM(2)])
    assert model(np.ones((2, 8), "int32")).shape == (2, 2)
    with pytest.raises(LamellaError, match="cannot take"):
        keras.Sequential([keras.Input((3,)), layers.Dense(2)])(np.zeros((2, 5, 3)))


def test_a_layer_that_does_not_tell_its_shape():
    class Quiet(layers.Layer):
        def call(self, x):
            return x + 1.0

        def compute_output_spec(self, *args, **kwargs):
            raise NotImplementedError

    model = keras.Sequential([Quiet()])
    np.testing.assert_allclose(model(np.zeros((3, 2))), 1)
    model.summary(print_fn=lambda _: None)
