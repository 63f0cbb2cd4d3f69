"""MACs, parameters and memory, against published numbers, closed formulas and whole programs."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import applications, layers, ops
from lamella.anatomy.cost import costs
from lamella.anatomy.cost.macs import macs_in
from lamella.state import pure

PUBLISHED = {  # (millions of MACs, parameters): papers, Keras's page of applications
    "VGG16": (15470.26, 138_357_544),
    "VGG19": (19632.06, 143_667_240),
    "ResNet50": (3857.97, 25_636_712),
    "MobileNet": (568.74, 4_253_864),
    "MobileNetV2": (300.77, 3_538_984),
    "DenseNet121": (2834.16, 8_062_504),
    "EfficientNetB0": (385.81, 5_330_571),
    "InceptionV3": (5713.2, 23_851_784),
    "Xception": (8357.4, 22_910_480),
}


@pytest.fixture(scope="module", params=[*PUBLISHED, "ResNet50V2", "ConvNeXtTiny"])
def application(request):
    return request.param, getattr(applications, request.param)(weights=None).anatomy


def by_formula(site):
    """MACs from the layer's configuration and shapes alone."""
    layer, out = site.operation, site.outputs[0].shape[1:]
    if isinstance(layer, layers.SeparableConv2D):
        channels = site.inputs[0].shape[-1]
        return math.prod(out[:2]) * channels * (math.prod(layer.kernel_size) + layer.filters)
    if isinstance(layer, layers.DepthwiseConv2D):
        return math.prod(out) * math.prod(layer.kernel_size)
    if isinstance(layer, layers.Conv2D):
        return math.prod(out) * math.prod(layer.kernel_size) * site.inputs[0].shape[-1] // layer.groups
    return math.prod(out) * site.inputs[0].shape[-1] if isinstance(layer, layers.Dense) else 0


@pytest.mark.sample(2)
def test_applications_cost_what_formulas_and_papers_say(application):
    name, A = application
    counted = costs(A)
    assert counted.reasons == []
    for call in counted.calls:
        if not call.site.inner:
            assert call.macs == by_formula(call.site), call.site
    assert counted.macs == sum(by_formula(site) for site in A.trace.walk() if not site.inner)
    if name in PUBLISHED:
        macs, parameters = PUBLISHED[name]
        assert counted.macs / 1e6 == pytest.approx(macs, rel=1e-3)
        assert counted.trainable + counted.frozen == parameters
    assert counted.trainable + counted.frozen == A.subject.count_params()


def whole(model, *shapes):
    """MACs of the program of the whole model, for one sample."""
    run = jax.make_jaxpr(lambda *xs: pure(model, {}, *xs, training=False)[0])
    return macs_in(run(*(jnp.ones((1, *shape)) for shape in shapes)))


class Raw(keras.Model):
    """Plain products between layers, one of them used by two."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = layers.Dense(8), layers.Dense(4), layers.Dense(4)

    def build(self, shape):
        self.w = self.add_weight(shape=(8, 6), name="w")

    def call(self, x):
        y = self.a(x) @ self.w.value
        return self.b(jnp.tanh(y)) + self.c(jax.nn.relu(y))


class Custom(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 5), name="w")

    def call(self, x):
        return jax.lax.fori_loop(
            0, 3, lambda i, y: y + jnp.einsum("...i,io->...o", x, self.w.value), jnp.zeros((*x.shape[:-1], 5))
        )


def _nested():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6)])
    x = keras.Input((6,))
    return keras.Model(x, inner(inner(x)) + layers.Dense(6)(x))


MODELS = {
    "plain code": (lambda: Raw(), (8,)),
    "custom layer with a loop": (lambda: keras.Sequential([Custom(), layers.Dense(2)]), (7,)),
    "shared and nested": (_nested, (6,)),
    "lstm": (lambda: keras.Sequential([layers.LSTM(5, return_sequences=True), layers.GRU(3)]), (7, 4)),
    "bidirectional": (lambda: keras.Sequential([layers.Bidirectional(layers.SimpleRNN(5))]), (7, 4)),
    "attention": (lambda: keras.Sequential([SelfAttention()]), (6, 8)),
    "over time": (lambda: keras.Sequential([layers.TimeDistributed(layers.Conv2D(2, 3))]), (4, 8, 8, 3)),
    "transposed": (lambda: keras.Sequential([layers.Conv2DTranspose(5, 3, 2, padding="same")]), (8, 8, 3)),
    "depthwise": (lambda: keras.Sequential([layers.DepthwiseConv2D(3, depth_multiplier=2)]), (8, 8, 3)),
    "separable 1D": (lambda: keras.Sequential([layers.SeparableConv1D(4, 3)]), (9, 3)),
}


class SelfAttention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inside = layers.MultiHeadAttention(2, 4)

    def call(self, x):
        return x + self.inside(x, x)


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", MODELS)
def test_calls_add_up_to_the_whole_program(name):
    make, shape = MODELS[name]
    model = make()
    model(np.ones((2, *shape), "float32"))
    counted = costs(model.anatomy)
    assert counted.macs == whole(model, shape) > 0
    assert counted.macs == sum(call.macs for call in counted.calls if not call.site.inner)


def test_known_numbers_of_small_models():
    macs = lambda *stack: costs(keras.Sequential(list(stack)).anatomy).macs
    assert macs(keras.Input((8, 8, 4)), layers.Conv2D(6, 3, groups=2)) == 6 * 6 * 6 * 9 * 2
    assert macs(keras.Input((8, 8, 3)), layers.Conv2DTranspose(5, 3, 2, padding="same")) == 8 * 8 * 3 * 9 * 5
    assert macs(keras.Input((6, 4)), layers.LSTM(5)) == 6 * (4 * 5 * 4 + 5 * 5 * 4)
    assert macs(keras.Input((6, 8)), layers.Embedding(10, 4)) == 0


def test_calls_cost_each_time_and_weights_once():
    dense = layers.Dense(4)
    x, y = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([x, y], dense(x) + dense(y))
    counted = costs(model.anatomy)
    assert (counted.macs, counted.trainable) == (32, 20)
    dense.trainable = False
    A = model.anatomy
    counted = costs(A)
    assert (counted.trainable, counted.frozen) == (0, 20)
    assert [counted[site].frozen for site in A["dense"].sites] == [20, 20]


def test_a_fixed_batch_counts_one_sample_if_the_model_can_do_with_one():
    x = keras.Input(batch_shape=(4, 3))
    free, fixed = keras.Model(x, layers.Dense(2)(x)), keras.Model(x, layers.Dense(2)(ops.reshape(x, (2, 6))))
    counted, whole = costs(free.anatomy), costs(fixed.anatomy)
    assert (counted.macs, counted.batch, counted.memory(4).activations) == (6, 1, 4 * 4 * (3 + 2))
    assert (whole.macs, whole.batch, whole.memory(4).activations) == (24, 4, 4 * (12 + 12))


def test_a_frozen_parent_and_what_was_set_to_train_in_it():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)])
    inner.trainable = False
    counted = costs(model.anatomy)
    assert (counted.trainable, counted.frozen) == (8, 15)
    inner.layers[0].trainable = True
    counted = costs(model.anatomy)
    assert (counted.trainable, counted.frozen) == (23, 0)


def test_unknown_sizes_are_said_and_not_guessed():
    x = keras.Input((None, None, 3))
    y = layers.Conv2D(4, 3, name="conv")(x)
    model = keras.Model(x, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(layers.ReLU()(y))))
    A = model.anatomy
    counted = costs(A)
    assert counted.macs is None
    assert counted[A["conv"].sites[0]].reason == "depends on axes 1 and 2 of its input (1, None, None, 3)"
    assert counted[A["head"].sites[0]].macs == counted.known_macs == 8
    assert len(counted.reasons) == 1
    assert counted.memory().activations is None
    assert costs(A.on((None, 10, 10, 3))).macs == 64 * 27 * 4 + 8


def test_a_loop_that_depends_on_data_has_no_number():
    class Until(layers.Layer):
        def call(self, x):
            return jax.lax.while_loop(lambda y: jnp.sum(y) < 10, lambda y: y + y @ jnp.ones((3, 3)), x)

    counted = costs(keras.Sequential([keras.Input((3,)), Until(), layers.Dense(2)]).anatomy)
    assert counted.macs is None
    assert counted.known_macs == 6
    assert counted.reasons == ["runs in a loop whose length depends on data"]


@pytest.mark.parametrize(
    "cell, once", [(layers.LSTM, 4 * 4 * (16 + 4)), (layers.GRU, 3 * 4 * (16 + 4)), (layers.SimpleRNN, 4 * 20)]
)
def test_a_loop_over_an_unknown_length_is_told_for_each_run(cell, once):
    model = keras.Sequential([keras.Input((None, 16)), cell(4), layers.Dense(2)])
    counted = costs(model.anatomy)
    assert counted.macs is None and counted.known_macs == 8
    assert counted.reasons == [f"{once:,} for each run of a loop over a size that is not known"]
    assert costs(model.anatomy.on((None, 7, 16))).macs == 7 * once + 8


def test_alternatives_count_once():
    def branch(x):
        return jax.lax.cond(
            x.sum() > 0, lambda v: v @ jnp.ones((4, 4)), lambda v: v @ jnp.ones((4, 2)) @ jnp.ones((2, 4)), x
        )

    assert macs_in(jax.make_jaxpr(branch)(jnp.ones((1, 4)))) == 16
    platforms = lambda x: jax.lax.platform_dependent(x, cpu=lambda v: v + v, default=lambda v: v @ v)
    assert macs_in(jax.make_jaxpr(platforms)(jnp.ones((3, 3)))) == 27


def test_derivatives_of_ones_own_count_the_function():
    @jax.custom_vjp
    def f(x):
        return x @ x

    f.defvjp(lambda x: (f(x), x), lambda x, g: (g @ x,))
    assert macs_in(jax.make_jaxpr(f)(jnp.ones((3, 3)))) == 27
    assert macs_in(jax.make_jaxpr(jax.jit(jax.checkpoint(lambda x: x @ x)))(jnp.ones((3, 3)))) == 27


def test_memory_by_hand():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.ReLU(), layers.Dense(2)])
    counted = costs(model.anatomy)
    inference = counted.memory(batch=10)
    assert inference.weights == 4 * (4 * 8 + 8 + 8 * 2 + 2)
    assert inference.activations == 10 * 4 * (8 + 8)  # the input died at the first Dense; two of 8 are alive
    assert inference.at is model.anatomy.trace.inner[2] or inference.at.operation is model.layers[1]
    assert (inference.gradients, inference.optimizer) == (0, 0)
    training = counted.memory(batch=10, training=True)
    assert training.activations == 10 * 4 * (4 + 8 + 8 + 2)
    assert training.gradients == training.weights
    model.compile("adam", "mse")
    state = costs(model.anatomy).memory(training=True).optimizer
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    assert state == costs(model.anatomy).memory(training=True).optimizer
    assert 2 * training.weights <= state <= 2 * training.weights + 16


def test_a_skip_connection_keeps_memory_alive():
    x = keras.Input((8,))
    y = layers.Dense(8)(layers.Dense(8)(layers.Dense(8)(x)))
    chain, skip = (costs(keras.Model(x, out).anatomy).memory().activations for out in (y, ops.add(x, y)))
    assert (chain, skip) == (4 * 16, 4 * 24)


def test_output_bytes_know_the_dtype():
    model = keras.Sequential([keras.Input((6,), dtype="int32"), layers.Embedding(10, 4, dtype="mixed_bfloat16")])
    A = model.anatomy
    assert costs(A)[A["embedding"].sites[0]].output_bytes == 6 * 4 * 2
