"""What ops do beside the numbers: Variables, operators, symbolic sizes, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamella import Variable, ops
from lamella.errors import ArgumentError, DtypeError, LamellaError, ShapeError
from lamella.graph import KerasTensor, node_of

X = np.arange(6.0, dtype="float32").reshape(2, 3)


def operation(tensor):
    node = node_of(tensor)
    assert node is not None
    return node.operation


@pytest.mark.parametrize(
    "expression, kind",
    [
        (lambda x: x / 2, "TrueDivide"),
        (lambda x: 2 / x, "TrueDivide"),
        (lambda x: x - 1, "Subtract"),
        (lambda x: 1 + x, "Add"),
        (lambda x: x * x, "Multiply"),
        (lambda x: x**2, "Power"),
        (lambda x: x // 2, "FloorDivide"),
        (lambda x: x % 2, "Mod"),
        (lambda x: x @ np.ones((3, 2), "float32"), "Matmul"),
        (lambda x: x[:, 0], "GetItem"),
        (lambda x: -x, "Negative"),
        (lambda x: abs(x), "Absolute"),
        (lambda x: round(x, 1), "Round"),
        (lambda x: x > 0, "Greater"),
        (lambda x: x == 0, "Equal"),
        (lambda x: (x > 0) & (x < 1), "LogicalAnd"),
        (lambda x: ~(x > 0), "LogicalNot"),
        (lambda x: x.reshape((-1, 1)), "Reshape"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_operators_leave_the_ops_of_keras_and_compute_the_same(expression, kind):
    out = expression(KerasTensor((2, 3)))
    assert type(operation(out)).__name__ == kind
    value = expression(jnp.asarray(X))
    assert (out.shape, out.dtype) == (value.shape, value.dtype.name)


def test_a_recorded_call_computes_what_the_function_does():
    out = ops.concatenate([KerasTensor((2, 3)), KerasTensor((2, 3))], axis=-1)
    node = node_of(out)
    args, kwargs = node.arguments(dict.fromkeys(node.inputs, X))
    assert np.array_equal(node.operation.call(*args, **kwargs), np.concatenate([X, X], axis=-1))


@pytest.mark.parametrize(
    "call, shape",
    [
        (lambda x: ops.reshape(x, (-1, 6)), (None, 6)),
        (lambda x: ops.concatenate([x, x], 0), (None, 4, 3)),
        (lambda x: ops.matmul(x, np.ones((3, 5))), (None, 4, 5)),
        (lambda x: ops.sum(x, axis=(1, 2)), (None,)),
        (lambda x: ops.one_hot(ops.cast(x, "int32"), 7), (None, 4, 3, 7)),
        (lambda x: ops.nonzero(x)[0], (None,)),
        (lambda x: ops.unique(x, axis=1), (None, None, 3)),
        (lambda x: ops.unique(x, return_counts=True, size=5)[1], (5,)),
        (lambda x: ops.bincount(ops.cast(x[:, :, 0], "int32")), (None, None)),
        (lambda x: ops.split(x, 2, axis=1)[1], (None, 2, 3)),
        (lambda x: ops.depth_to_space(ops.reshape(x, (-1, 1, 3, 4)), 2), (None, 2, 6, 1)),
        (lambda x: ops.map(lambda row: row * 2, x), (None, 4, 3)),
    ],
)
def test_unknown_sizes_stay_unknown(call, shape):
    assert call(KerasTensor((None, 4, 3))).shape == shape


def test_variables_are_taken_everywhere():
    v = Variable(X)
    calls = [
        lambda a: ops.add(x1=a, x2=a),
        lambda a: ops.concatenate([a, a]),
        lambda a: ops.stack((a, a)),
        lambda a: ops.where(a > 1, a, -a),
        lambda a: ops.matmul(a, ops.transpose(a)),
        lambda a: ops.convert_to_numpy(a),
        lambda a: ops.cond(True, lambda: a + 1, lambda: a),
        lambda a: ops.vectorized_map(lambda row: row + 1, a),
        lambda a: ops.while_loop(lambda x: jnp.sum(x) < 99, lambda x: [x * 2], [a])[0],
        lambda a: ops.stop_gradient(a),
    ]
    for call in calls:
        assert np.array_equal(call(v), call(jnp.asarray(X)))


def test_dtypes_stay_narrow():
    half = jnp.ones((2,), "float16")
    assert (half + ops.mean(half)).dtype == ops.mean(half).dtype == ops.multiply(half, 2.0).dtype == "float16"
    assert ops.mean([1, 2]).dtype == ops.sin(1).dtype == ops.cast(1, "float64").dtype == "float32"
    assert ops.convert_to_tensor(np.float64(1.0)).dtype == "float32"


def test_control_flow():
    assert int(ops.switch(1, [lambda x: x, lambda x: -x], 3)) == -3
    assert int(ops.fori_loop(0, 4, lambda i, total: total + i, 0)) == 6
    assert [int(v) for v in ops.while_loop(lambda i, j: i < 9, lambda i, j: (i + 1, j + 2), (0, 0), 3)] == [3, 6]
    carry, ys = ops.scan(lambda c, x: (c + x, c), jnp.array(0), jnp.arange(4), reverse=True)
    assert (int(carry), ys.tolist()) == (6, [6, 5, 3, 0])
    assert ops.associative_scan(jnp.add, jnp.arange(4), reverse=True).tolist() == [6, 6, 5, 3]
    assert ops.vectorize(lambda a, b: a + b)(np.arange(3), 1).tolist() == [1, 2, 3]


def test_a_gradient_of_ones_own_holds_for_variables_too():
    @ops.custom_gradient
    def twice(x):
        return 2 * x, lambda upstream: 7 * upstream

    assert float(jax.grad(twice)(1.0)) == 7.0
    assert float(twice(Variable(3.0))) == 6.0


def test_signals_come_back():
    wave = np.sin(np.arange(64, dtype="float32"))[None]
    again = ops.istft(ops.stft(wave, 16, 4, 16), 16, 4, 16)
    assert np.allclose(again, wave, atol=1e-5)


@pytest.mark.parametrize(
    "call, kind, text",
    [
        (lambda: ops.reshape(X, (-1, -1)), ArgumentError, "one unknown size"),
        (lambda: ops.where(X > 1, X), ArgumentError, "both x1 and x2"),
        (lambda: ops.pad(X, ((1, 1), (1, 1), (1, 1))), ArgumentError, "one pair for each axis"),
        (lambda: ops.pad(X, 1, mode="edge", constant_values=1), ArgumentError, "mode='constant' only"),
        (lambda: ops.scatter_update(X, [[0, 0]], [1.0], "avg"), ArgumentError, "Unknown reduction"),
        (lambda: ops.scan(lambda c, x: (c, x), 0, X, unroll=0), ArgumentError, "positive integer"),
        (lambda: ops.one_hot([1], 3, sparse=True), ArgumentError, "Sparse"),
        (lambda: ops.multi_hot([1]), ArgumentError, "num_classes"),
        (lambda: ops.segment_sum(X, [0, 1]), ArgumentError, "num_segments"),
        (lambda: ops.segment_sum(X, [0], 1), ShapeError, "one id"),
        (lambda: ops.fabs(np.ones(2, "complex64")), DtypeError, "real numbers"),
        (lambda: ops.ldexp(X, X), DtypeError, "integer"),
        (lambda: ops.eye(2.5), DtypeError, "integers"),
        (lambda: ops.cast(X, "floaty"), DtypeError, "no dtype"),
        (lambda: ops.searchsorted(X, X), ShapeError, "one row"),
        (lambda: ops.histogram(X), ShapeError, "one row"),
        (lambda: ops.diagonal(X, axis1=1, axis2=-1), ArgumentError, "two different axes"),
        (lambda: ops.rot90([1.0]), ShapeError, "turns a plane"),
        (lambda: ops.inv(X), ShapeError, "square"),
        (lambda: ops.cholesky(-np.eye(2)), ArgumentError, "positive definite"),
        (lambda: ops.solve(np.eye(2), [1.0, 2.0, 3.0]), ShapeError, "do not go together"),
        (lambda: ops.qr(X, "raw"), ArgumentError, "Unknown mode"),
        (lambda: ops.cdist(X, X[:, :2]), ShapeError, "one length"),
        (lambda: ops.fft(X), ArgumentError, "pair"),
        (lambda: ops.stft(X, 8, 0, 8), ArgumentError, "positive integer"),
        (lambda: ops.stft(np.ones(9, "float32"), 4, 2, 8, window="box"), ArgumentError, "Unknown window"),
        (lambda: ops.rearrange(X, "a b -> a c"), ArgumentError, "same axes"),
        (lambda: ops.rearrange(X, "a (b c) -> a b c", b=2), ArgumentError, "do not make up"),
        (lambda: ops.normalize(X, order=0), ArgumentError, "positive integer"),
        (lambda: ops.moments(X, 0, synchronized=True), ArgumentError, "synchronized"),
        (lambda: ops.categorical_crossentropy(X, X[0]), ShapeError, "do not go together"),
        (lambda: ops.sparse_categorical_crossentropy([0], X), ShapeError, "do not go together"),
        (lambda: ops.dot_product_attention(X, X, X), ShapeError, "rank 4"),
        (lambda: ops.ctc_decode(X[None], [2], "magic"), ArgumentError, "Unknown strategy"),
        (lambda: ops.depth_to_space(X[None, ..., None], 1), ArgumentError, "at least 2"),
        (lambda: ops.unfold(X, 2), ShapeError, "rank 4"),
        (lambda: ops.conv(X[None], np.ones((1, 2, 1)), 1), ShapeError, "does not fit the channels"),
        (lambda: ops.conv(X[None], np.ones((5, 3, 1)), 1), ShapeError, "leaves nothing"),
        (lambda: ops.conv(X[None], np.ones((1, 3, 1)), padding="causal"), ArgumentError, "Unknown padding"),
        (lambda: ops.conv(X[None], np.ones((1, 3, 1)), strides=(1, 1)), ArgumentError, "one for each spatial axis"),
        (lambda: ops.max_pool(X[None], 2, data_format="last"), ArgumentError, "data_format"),
        (lambda: ops.image.resize(X, (2, 2)), ShapeError, "batch of images"),
        (lambda: ops.image.resize(X[None], (2, 0)), ArgumentError, "both positive"),
        (lambda: ops.image.resize(X[None], (2, 2), "cubist"), ArgumentError, "Unknown interpolation"),
        (lambda: ops.image.crop_images(X[None], 1, 1), ArgumentError, "exactly two are given"),
        (lambda: ops.image.pad_images(X[None], 1, 1, 1, target_width=1), ArgumentError, "can be negative"),
        (lambda: ops.image.rgb_to_hsv(X[None].astype("uint8")), DtypeError, "floats"),
        (lambda: ops.image.map_coordinates(X, X, 3), ArgumentError, "Unknown order"),
        (lambda: ops.image.affine_transform(X[None], np.ones(8), "cubic"), ArgumentError, "Unknown interpolation"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_errors(call, kind, text):
    with pytest.raises(kind, match=text) as caught:
        call()
    assert isinstance(caught.value, LamellaError)
    assert "0x" not in str(caught.value)


class TestSizesAndIndicesThatAreToldLater:
    def test_unstack_of_an_open_axis(self):
        parts = ops.unstack(KerasTensor((2, None, None)), num=3, axis=1)
        assert [part.shape for part in parts] == [(2, None)] * 3

    def test_unstack_refuses_what_is_not_there(self):
        with pytest.raises(ValueError, match="axis 10 is out of bounds"):
            ops.unstack(KerasTensor((3, 4)), axis=10)
        with pytest.raises(ValueError, match="another size"):
            ops.unstack(np.ones((3, 4)), num=2)

    @pytest.mark.parametrize("start, shape", [((1, 1), (2, 2, 2)), ((1, 1, 1), (2, 2))])
    def test_slice_counts_axes(self, start, shape):
        for x in (np.ones((3, 3)), KerasTensor((3, 3))):
            with pytest.raises(ValueError, match="for each axis"):
                ops.slice(x, start, shape)

    def test_indices_that_are_floats_in_the_graph(self):
        symbolic = KerasTensor  # float32, unless told
        assert ops.slice_update(symbolic((4, 4)), symbolic((2,)), symbolic((2, 2))).shape == (4, 4)
        assert ops.scatter(symbolic((5, 2)), symbolic((5,)), (3, 3)).shape == (3, 3)
        assert ops.scatter_update(symbolic((4, 4)), symbolic((5, 2)), symbolic((5,))).shape == (4, 4)
        assert ops.switch(symbolic(()), [lambda x: x, lambda x: x * 2], symbolic((3,))).shape == (3,)
        assert ops.in_top_k(symbolic((5,)), symbolic((5, 10)), k=1).shape == (5,)


class TestBatchesOfSystems:
    RNG = np.random.default_rng(0)
    FACTORS = np.tril(RNG.uniform(1, 2, (4, 3, 3))).astype("float32")
    MATRICES = FACTORS @ FACTORS.transpose(0, 2, 1)

    @pytest.mark.parametrize("upper", [False, True])
    def test_inverse_of_each_factor(self, upper):
        factors = self.FACTORS.transpose(0, 2, 1) if upper else self.FACTORS
        whole = np.stack([f.T @ f if upper else f @ f.T for f in factors])
        np.testing.assert_allclose(
            ops.cholesky_inverse(factors, upper=upper) @ whole, np.stack([np.eye(3)] * 4), atol=1e-3
        )

    def test_a_vector_for_each_matrix(self):
        b = self.RNG.normal(size=(4, 3)).astype("float32")
        expected = np.stack([np.linalg.solve(a, v) for a, v in zip(self.MATRICES, b, strict=True)])
        np.testing.assert_allclose(ops.solve(self.MATRICES, b), expected, rtol=2e-3, atol=1e-3)
        expected = np.stack([np.linalg.solve(a, v) for a, v in zip(self.FACTORS, b, strict=True)])
        np.testing.assert_allclose(ops.solve_triangular(self.FACTORS, b, lower=True), expected, rtol=1e-3, atol=1e-4)
        assert ops.solve(KerasTensor((None, 20, 20)), KerasTensor((None, 20))).shape == (None, 20)


@pytest.mark.parametrize("function", [ops.arctan2, ops.logaddexp, ops.logaddexp2])
@pytest.mark.parametrize(
    "one, other, dtype",
    [("int8", "bfloat16", "bfloat16"), ("float16", "bool", "float16"), ("int32", "uint8", "float32")],
)
def test_integers_give_way_to_small_floats(function, one, other, dtype):
    assert function(jnp.ones(2, one), jnp.ones(2, other)).dtype == dtype
