"""Receptive fields, against published numbers and against derivatives."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import applications, layers, ops
from lamella.anatomy.field import Span, fields

PUBLISHED = {  # Araujo, Norris, Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks"
    ("VGG16", "block5_pool"): 212,
    ("ResNet50", "conv5_block3_out"): 483,
    ("ResNet101", "conv5_block3_out"): 1027,
    ("ResNet152", "conv5_block3_out"): 1507,
    ("MobileNet", "conv_pw_13_relu"): 315,
    ("MobileNetV2", "out_relu"): 491,
    ("InceptionV3", "mixed10"): 1311,
}


@pytest.mark.sample(3)
@pytest.mark.parametrize(("model", "address"), PUBLISHED)
def test_applications(model, address):
    A = getattr(applications, model)(weights=None, include_top=False).anatomy
    field = fields(A)[A[address].sites[0]]
    assert field.size == (PUBLISHED[model, address],) * 2
    assert [axis.jump for axis in field.axes] == [32, 32]
    assert not field.whole
    assert field.known


@pytest.mark.parametrize("name", ["EfficientNetB0", "DenseNet121", "Xception", "ConvNeXtTiny", "ResNet50V2"])
def test_every_call_of_an_application_has_a_field(name):
    A = getattr(applications, name)(weights=None).anatomy
    found = fields(A)
    calls = [site for site in A.trace.walk() if site.inputs]
    assert [site for site in calls if site not in found or not found[site].known] == []
    assert found[A.trace].whole


def test_squeeze_and_excitation_sees_the_whole_and_says_where():
    A = applications.EfficientNetB0(weights=None).anatomy
    field = fields(A)[A["block1a_se_excite"].sites[0]]
    assert (field.whole, field.by, str(field)) == (True, A["block1a_se_squeeze"].sites[0], "whole input")
    assert [axis.size for axis in field.axes] == [7, 7]


# By derivatives


def _conv(rng, **more):
    kernel = rng.choice([1, 2, 3, 4])
    options = {"dilation_rate": rng.choice([1, 2])} if rng.random() < 0.4 else {"strides": rng.choice([1, 2, 3])}
    return layers.Conv1D(2, kernel, padding=rng.choice(["same", "valid", "causal"]), **options, **more)


def _transposed(rng, **more):
    return layers.Conv1DTranspose(2, rng.choice([2, 3, 4]), strides=2, padding=rng.choice(["same", "valid"]), **more)


def _pool(rng):
    return layers.AveragePooling1D(
        rng.choice([2, 3]), strides=rng.choice([1, 2]), padding=rng.choice(["same", "valid"])
    )


def _random_layer(rng):
    positive = {"kernel_initializer": "ones", "use_bias": False}
    made = [
        lambda: _conv(rng, **positive),
        lambda: _conv(rng, **positive),
        lambda: _transposed(rng, **positive),
        lambda: _pool(rng),
        lambda: layers.UpSampling1D(rng.choice([2, 3])),
        lambda: layers.ZeroPadding1D((rng.choice([0, 1, 2]), 1)),
        lambda: layers.Cropping1D((rng.choice([0, 1]), 2)),
        lambda: layers.SeparableConv1D(
            2, 3, depthwise_initializer="ones", pointwise_initializer="ones", use_bias=False
        ),
    ]
    return rng.choice(made)()


def _branched(rng, x):
    """Two paths of the same stride, added or concatenated."""
    a = layers.Conv1D(2, 5, padding="same", kernel_initializer="ones", use_bias=False)(x)
    b = layers.Conv1D(2, 3, padding="same", dilation_rate=3, kernel_initializer="ones", use_bias=False)(x)
    return a + b if rng.random() < 0.5 else layers.Concatenate()([a, b, x])


def measured(model, size, place):
    """The first and last input that one output depends on."""
    slope = jax.grad(lambda x: jnp.sum(model(x)[0, place]))(jnp.ones((1, size, 1)))
    seen = np.flatnonzero(np.asarray(slope).sum((0, 2)))
    return int(seen[0]), int(seen[-1])


@pytest.mark.sample(2)
@pytest.mark.parametrize("seed", range(14))
def test_random_networks_see_what_their_derivatives_say(seed):
    rng = random.Random(seed)
    size = 180
    x = inputs = keras.Input((size, 1))
    for _ in range(4):
        x = _branched(rng, x) if rng.random() < 0.2 else _random_layer(rng)(x)
    model = keras.Model(inputs, x)
    (axis,) = _field(model).axes
    places = range(x.shape[1] // 2, x.shape[1] // 2 + 6)
    found = [measured(model, size, place) for place in places]
    assert found == [axis.at(place, place) for place in places]
    assert len(axis.first) > 6 or max(last - first + 1 for first, last in found) == axis.size


def _field(model):
    A = model.anatomy
    return fields(A)[A.trace]


def _numbers(axis):
    return axis.size, axis.jump, axis.start, axis.of


class Twice(keras.Model):
    """Residual in plain code, with a strided slice and padding by hand."""

    def __init__(self):
        super().__init__()
        self.a = layers.Conv2D(2, 3, padding="same", use_bias=False, kernel_initializer="ones")

    def call(self, x):
        y = x + 2 * self.a(self.a(x))
        return jnp.pad(y[:, ::2, 1::2] * 3.0, ((0, 0), (1, 0), (0, 0), (0, 0)))


def test_plain_code_between_layers_is_followed():
    model = Twice()
    model(np.ones((1, 40, 30, 2), "float32"))
    A = model.anatomy
    height, width = map(_numbers, fields(A)[A.trace].axes)
    assert height == (5, 2, -4, 1)
    assert width == (5, 2, -1, 2)
    slope = np.asarray(jax.grad(lambda x: jnp.sum(model(x)[0, 10, 10]))(jnp.ones((1, 40, 30, 2)))).sum((0, 3))
    rows, columns = np.nonzero(slope)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 20, 19, 23)


def test_custom_layers_are_read_from_their_code():
    class Blur(layers.Layer):
        def call(self, x):
            padded = ops.pad(x, [(0, 0), (2, 2), (0, 0)])
            return sum(padded[:, i : i + x.shape[1]] for i in range(5)) / 5

    model = keras.Sequential([keras.Input((20, 3)), Blur(), layers.Conv1D(2, 3), Blur()])
    assert _numbers(*_field(model).axes) == (11, 1, -4, 1)


def test_axes_are_followed_through_permutations():
    x = keras.Input((20, 16, 1))
    y = layers.Permute((2, 1, 3))(layers.Conv2D(2, (3, 5))(x))
    field = _field(keras.Model(x, y))
    assert [(axis.size, axis.of) for axis in field.axes] == [(5, 2), (3, 1)]


def test_channels_first():
    conv = layers.Conv2D(4, 3, strides=2, data_format="channels_first")
    model = keras.Sequential([keras.Input((3, 20, 16)), conv])
    assert [(axis.size, axis.jump, axis.of) for axis in _field(model).axes] == [(3, 2, 2), (3, 2, 3)]


WHOLE = {
    "flatten": lambda x: layers.Flatten()(x),
    "lstm": lambda x: layers.LSTM(3, return_sequences=True)(x),
    "attention": lambda x: layers.MultiHeadAttention(1, 4)(x, x),
    "global pooling": lambda x: layers.GlobalMaxPooling1D()(x),
    "normalised over space": lambda x: layers.GroupNormalization(1)(x),
    "softmax over space": lambda x: layers.Softmax(axis=1)(x),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_sees_the_whole_input(name):
    x = keras.Input((12, 4))
    A = keras.Model(x, WHOLE[name](layers.Conv1D(4, 3, padding="same", name="conv")(x))).anatomy
    found = fields(A)
    assert found[A.trace].whole
    assert found[A.trace].size is None
    assert str(found[A["conv"].sites[0]]) == "3, every 1"


LOCAL = [
    layers.LayerNormalization(),
    layers.BatchNormalization(),
    layers.Dense(4),
    layers.Softmax(),
    layers.Dropout(0.5),
    layers.Activation("gelu"),
    layers.EinsumDense("abc,cd->abd", output_shape=(None, 4)),
    layers.PReLU(),
]


@pytest.mark.parametrize("layer", LOCAL, ids=lambda layer: type(layer).__name__)
def test_what_works_on_each_place_by_itself(layer):
    x = keras.Input((12, 4))
    assert _numbers(*_field(keras.Model(x, layer(layers.Conv1D(4, 3)(x)))).axes) == (3, 1, 0, 1)


def test_unknown_is_said():
    x = keras.Input((12, 4))
    field = _field(keras.Model(x, ops.flip(layers.Conv1D(4, 3)(x), axis=1)))
    assert not field.known
    assert str(field) == "unknown: `rev` may look anywhere"
    a, b = layers.Conv1D(4, 3, 2)(x), layers.Conv1D(4, 8)(x)
    assert "strides differ" in str(_field(keras.Model(x, layers.Add()([a, b]))))


def test_unknown_sizes_do_not_matter():
    x = keras.Input((None, None, 3))
    model = keras.Model(x, layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same")(x)))
    assert _field(model).size == (4, 4)


def test_a_network_that_shrinks_and_grows():
    x = keras.Input((32, 32, 1))
    down = layers.MaxPooling2D()(layers.Conv2D(2, 3, padding="same", name="down")(x))
    up = layers.UpSampling2D(interpolation="bilinear")(layers.Conv2D(2, 3, padding="same")(down))
    A = keras.Model(x, layers.Concatenate()([layers.Conv2D(2, 3, padding="same")(x), up])).anatomy
    assert fields(A)[A.trace].axes[0].jump == 1
    assert fields(A)[A.trace].size == (10, 10)


def test_each_input_by_itself():
    x, y = keras.Input((12, 4), name="x"), keras.Input((12, 4), name="y")
    model = keras.Model([x, y], layers.Conv1D(4, 3, padding="same", name="conv")(x) + y)
    A = model.anatomy
    assert fields(A)[A.trace].size == (3,)
    assert fields(A, input=1)[A.trace].size == (1,)
    assert A["conv"].sites[0] not in fields(A, input=1)


def test_spans_by_hand():
    fine = Span(1).spread(2, 2)  # each place twice
    assert (fine.size, fine.jump) == (1, 0.5)
    assert [fine.windowed(n).size for n in (2, 3, 4, 5)] == [2, 2, 3, 3]
    assert fine.windowed(1, 2) == Span(1)
    assert Span(1).joined(Span(1).windowed(3, 2)) is None
