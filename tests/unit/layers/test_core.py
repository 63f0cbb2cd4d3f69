"""Dense, EinsumDense, Embedding, Lambda, Masking, Wrapper."""

import jax
import numpy as np
import pytest

from lamella import config, layers
from lamella.errors import ArgumentError, ConfigError, ShapeError, StateError
from lamella.state import get_mask, walk

X = np.ones((2, 3), "float32")


def square(x):
    return x * x


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(0), "Dense cannot take units=0.\n  expected  a positive integer"),
        (lambda: layers.Dense("3"), "Dense cannot take units='3'"),
        (lambda: layers.Dense(True), "Dense cannot take units=True"),
        (lambda: layers.Dense(3, quantization_config={}), "Dense cannot take quantization_config={}"),
        (lambda: layers.Dense(3, actvation="relu"), "did you mean 'activation'"),
        (lambda: layers.Embedding(-1, 3), "Embedding cannot take input_dim=-1"),
        (lambda: layers.Embedding(3, 2.5), "Embedding cannot take output_dim=2.5"),
        (lambda: layers.Wrapper(square), "Wrapper cannot take layer="),
        (lambda: layers.Lambda("relu"), "Lambda cannot take function='relu'"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert text in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_dense_needs_to_know_its_features():
    with pytest.raises(ShapeError, match=r"Dense at 'd' needs to know the size of axis -1"):
        layers.Dense(3, name="d")(layers.Input((None,)))


def test_dense_keeps_its_features():
    dense = layers.Dense(3)
    dense(X)
    with pytest.raises(ShapeError, match="3 in axis -1"):
        dense(np.ones((2, 4)))


def test_dense_without_kernel_says_so():
    dense = layers.Dense(3)
    assert not hasattr(dense, "kernel")
    with pytest.raises(StateError, match="has no `kernel` yet"):
        dense.kernel


def test_dense_without_activation():
    dense = layers.Dense(3, activation="relu")
    dense.build((None, 3))
    dense.set_weights([-np.eye(3), np.zeros(3)])
    assert (np.asarray(dense(X)) == 0).all()
    dense.activation = None
    assert (np.asarray(dense(X)) == -1).all()


def test_addresses_hide_private_names():
    dense, embedding = layers.Dense(2), layers.Embedding(4, 2)
    dense.build((None, 3)), embedding.build()
    assert [address for address, _ in walk(dense)] == ["kernel", "bias"]
    assert [address for address, _ in walk(embedding)] == ["embeddings"]


def test_lora_trains_the_thin_matrices_only():
    dense = layers.Dense(4, lora_rank=2)
    plain = layers.Dense(4)
    dense.build((None, 3)), plain.build((None, 3))
    assert [v.name for v in dense.trainable_variables] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    dense.lora_kernel_b.assign(np.ones((2, 4)))
    store = {}
    dense.save_own_variables(store)
    plain.load_own_variables(store)
    np.testing.assert_allclose(plain(X), dense(X), rtol=1e-6)
    dense.load_own_variables(store)
    np.testing.assert_allclose(plain(X), dense(X), rtol=1e-6)
    assert float(np.abs(dense.lora_kernel_a).max()) == 0


def test_lora_refuses():
    dense = layers.Dense(4)
    with pytest.raises(StateError, match="it is not built yet"):
        dense.enable_lora(2)
    dense.build((None, 3))
    dense.enable_lora(2)
    with pytest.raises(StateError, match="it is adapted already"):
        dense.enable_lora(2)
    bound = layers.Dense(4, kernel_constraint="non_neg")
    bound.build((None, 3))
    with pytest.raises(ArgumentError, match="kernel_constraint"):
        bound.enable_lora(2)


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "text"),
    [
        ("ab,bc", 3, None, "cannot read the equation 'ab,bc'"),
        ("ab,bc->ad", 3, None, "has axis 'd' in its output only"),
        ("ab,bcd->ac", 3, None, "has axis 'd' in its kernel only"),
        ("ab,bc->ac", 3, "b", "has no output axis 'b' for a bias"),
        ("ab,bc->ac", (3, 3), None, "needs an output_shape of 1 sizes"),
        ("abcd,cd->ab", 3, None, "has 4 input axes"),
        ("ab,b->ab", 4, None, "has axis 'b' in input and output, with two sizes"),
    ],
)
def test_einsum_dense_refuses(equation, output_shape, bias_axes, text):
    with pytest.raises((ArgumentError, ShapeError)) as caught:
        layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)(X)
    assert text in str(caught.value)


def test_einsum_dense_knows_sizes_left_open():
    assert layers.EinsumDense("abc,cd->abd", (None, 4)).compute_output_shape((None, 5, 6)) == (None, 5, 4)


def test_embedding_takes_weights_and_marks_padding():
    matrix = np.arange(6.0).reshape(3, 2)
    layer = layers.Embedding(3, 2, weights=matrix, mask_zero=True)
    out = layer(np.array([[0, 2]]))
    assert np.asarray(out).tolist() == [[[0.0, 1.0], [4.0, 5.0]]]
    assert np.asarray(get_mask(out)).tolist() == [[False, True]]


def test_masking_zeroes_and_marks():
    out = layers.Masking(2.0)(np.array([[[2.0, 2.0], [2.0, 3.0]]]))
    assert np.asarray(out).tolist() == [[[0.0, 0.0], [2.0, 3.0]]]
    assert np.asarray(get_mask(out)).tolist() == [[False, True]]


def test_identity_takes_any_structure():
    out = layers.Identity()({"a": layers.Input((2,)), "b": [layers.Input((3,), dtype="int32")]})
    assert out["a"].shape == (None, 2) and out["b"][0].dtype == "int32"


class TestLambda:
    def test_arguments_mask_and_training(self):
        layer = layers.Lambda(lambda x, training, by: x * by if training else x, arguments={"by": 3})
        assert np.asarray(layer(X, training=True)).max() == 3
        assert np.asarray(layer(X)).max() == 1

    @pytest.mark.parametrize("given", [(6,), lambda shape: (shape[0], 6), None])
    def test_output_shape(self, given):
        layer = layers.Lambda(lambda x: x[:, :1].repeat(6, 1), output_shape=given)
        assert layer.compute_output_shape((None, 3)) == (None, 6)
        assert layer(layers.Input((3,))).shape == (None, 6)

    def test_structure_of_output_shapes(self):
        layer = layers.Lambda(lambda x: [x, {"a": x}], output_shape=[(3,), {"a": (3,)}])
        assert layer.compute_output_shape((None, 3)) == [(None, 3), {"a": (None, 3)}]

    def test_python_lambda_is_cloned_in_this_process(self):
        layer = layers.Lambda(lambda x: x + 1)
        assert layers.Lambda.from_config(layer.get_config()).function is layer.function

    def test_python_lambda_of_a_file_is_refused(self):
        written = layers.Lambda(lambda x, by=2: x * by).get_config()
        written["function"]["config"].pop("made_as")
        with pytest.raises(ConfigError, match="code is not run"):
            layers.Lambda.from_config(written)
        read = layers.Lambda.from_config(written, safe_mode=False)
        assert np.asarray(read(X)).max() == 2

    def test_closures_are_read_when_allowed(self, monkeypatch):
        by = 5
        written = layers.Lambda(lambda x: x * by).get_config()
        written["function"]["config"].pop("made_as")
        monkeypatch.setitem(config._values, "unsafe_deserialization", True)
        assert np.asarray(layers.Lambda.from_config(written)(X)).max() == 5


def test_wrapper_builds_and_writes_the_layer_inside():
    class Twice(layers.Wrapper):
        def call(self, x):
            return self.layer(self.layer(x))

    outer = Twice(layers.Dense(3, name="inner"))
    outer(X)
    assert [address for address, _ in walk(outer)] == ["layer/kernel", "layer/bias"]
    copy = Twice.from_config(outer.get_config())
    assert copy.layer.name == "inner" and copy.layer.units == 3


def test_a_dense_layer_is_a_pure_function_of_its_weights():
    dense = layers.Dense(2)
    dense(X)
    gradient = jax.grad(lambda w: dense.stateless_call(w, [], X)[0].sum())([v.value for v in dense.trainable_variables])
    np.testing.assert_allclose(gradient[1], [2.0, 2.0])
