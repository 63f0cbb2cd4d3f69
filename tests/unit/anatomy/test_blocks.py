"""Blocks: what is recognised, what is not, and what the evidence says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import applications, layers, ops
from lamella.anatomy.blocks import blocks, runs
from lamella.layers import Conv2D, Dense


def kinds(model_or_output, inputs=None):
    model = model_or_output if inputs is None else keras.Model(inputs, model_or_output)
    return [block.kind for block in blocks(model.anatomy)]


@pytest.fixture(scope="module")
def resnet():
    return applications.ResNet50(weights=None).anatomy


@pytest.fixture(scope="module")
def mobilenet():
    return applications.MobileNetV2(weights=None).anatomy


def test_resnet_blocks(resnet):
    found = blocks(resnet)
    assert len(found) == 16
    assert {block.kind for block in found} == {"residual"}
    first, second = found[:2]
    assert first.name == "conv2_block1"
    assert first.label == "residual block (bottleneck, projection shortcut)"
    assert first.evidence == (
        "`conv2_block1_add` adds `conv2_block1_0_bn` and `conv2_block1_3_bn`, both computed from `pool1_pool`; the "
        "shorter path holds one layer with weights, 1 × 1 (256): a projection; between them: 1 × 1 (64), 3 × 3 (64), "
        "1 × 1 (256)"
    )
    assert [site.operation.name for site in first.shortcut] == ["conv2_block1_0_conv", "conv2_block1_0_bn"]
    assert [site.operation.name for site in first.after] == ["conv2_block1_out"]
    assert first.entry is resnet["pool1_pool"].sites[0].outputs[0]
    assert {site.operation.name for site in first.sites} == {
        layer.name for layer in resnet.subject.layers if layer.name.startswith("conv2_block1")
    }
    assert second.label == "residual block (bottleneck, identity shortcut)"
    assert second.evidence.startswith(
        "`conv2_block2_add` adds `conv2_block2_3_bn` to `conv2_block1_out`, from which it was computed"
    )
    assert second.shortcut == []


def test_resnet_repeats(resnet):
    found = [(run.units[0][0].name, run.units[-1][-1].name, run.times) for run in runs(blocks(resnet))]
    assert found == [
        ("conv2_block2", "conv2_block3", 2),
        ("conv3_block2", "conv3_block4", 3),
        ("conv4_block2", "conv4_block6", 5),
        ("conv5_block2", "conv5_block3", 2),
    ]


def test_mobilenet_blocks_with_and_without_an_add(mobilenet):
    found = blocks(mobilenet)
    assert [block.name for block in found] == ["expanded_conv", *(f"block_{number}" for number in range(1, 17))]
    assert {block.kind for block in found} == {"inverted residual"}
    assert found[0].label == "inverted residual block (no expansion, not added to its input)"
    assert sum("(expansion" in block.label for block in found) == 16
    assert sum(", added" in block.label for block in found) == 10
    thirteenth = found[13]
    assert mobilenet.subject.layers.index(thirteenth.sites[0].operation) == 116
    assert thirteenth.evidence == (
        "from `block_12_add` to `block_13_project_BN`: 1 × 1 (576), 3 × 3 depthwise (576), 1 × 1 (160): 576 channels "
        "inside and 160 at its end, with no activation there; recognised without an Add"
    )
    folded = [(run.units[0][0].name, run.units[-1][0].name, run.times) for run in runs(found)]
    assert ("block_7", "block_9", 3) in folded


def test_mobilenet_v1_is_no_chain_of_inverted_residuals():
    assert kinds(applications.MobileNet(weights=None)) == []


def test_gates_lie_in_the_blocks_they_weigh():
    found = blocks(applications.EfficientNetB0(weights=None).anatomy)
    gates = [block for block in found if block.kind == "squeeze-excite"]
    assert len(gates) == 16
    assert all(block.outer.kind == "inverted residual" for block in gates)
    assert gates[0].evidence.startswith(
        "`block1a_se_excite` multiplies `block1a_se_expand` with `block1a_activation`, from which it was computed; on "
        "the way `block1a_se_squeeze` takes one number of each channel"
    )
    assert sum(block.kind == "inverted residual" for block in found) == 16


def test_dense_blocks_and_their_layers():
    found = blocks(applications.DenseNet121(weights=None).anatomy)
    whole = [block for block in found if block.kind == "dense"]
    assert [block.label for block in whole] == [
        f"dense block ({count} layers, {32 * count} new channels)" for count in (6, 12, 24, 16)
    ]
    inside = [block for block in found if block.kind == "dense layer"]
    assert len(inside) == 58
    assert {block.outer for block in inside} == set(whole)
    assert runs(found) == []  # each is wider than the one before


def test_inception_blocks():
    found = blocks(applications.InceptionV3(weights=None).anatomy)
    assert [block.name for block in found] == [f"mixed{number}" for number in range(11)]
    assert found[0].evidence.endswith(
        "(1) 1 × 1 (64); (2) 1 × 1 (48), 5 × 5 (64); (3) 1 × 1 (64), 3 × 3 (96), 3 × 3 (96); (4) 1 × 1 (32)"
    )


@pytest.mark.parametrize(("name", "count"), [("Xception", 12), ("ConvNeXtTiny", 18), ("ResNet50V2", 16)])
def test_other_residual_networks(name, count):
    assert kinds(getattr(applications, name)(weights=None)) == ["residual"] * count


def test_shortcuts_without_convolution():
    labels = [block.label for block in blocks(applications.ResNet50V2(weights=None).anatomy)]
    assert labels.count("residual block (bottleneck, subsampled shortcut)") == 3
    assert labels.count("residual block (bottleneck, projection shortcut)") == 4


# However it is written


class RawResidual(layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.a, self.b = Conv2D(filters, 3, padding="same"), Conv2D(filters, 3, padding="same")

    def call(self, x):
        return jax.nn.relu(x + self.b(jax.nn.relu(self.a(x))))


class Stack(keras.Model):
    def __init__(self, depth):
        super().__init__()
        self.blocks = [RawResidual(4) for _ in range(depth)]

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def test_plain_code_in_subclassed_models():
    model = Stack(3)
    model(np.ones((1, 8, 8, 4)))
    found = blocks(model.anatomy)
    assert [block.name for block in found] == ["blocks[0]", "blocks[1]", "blocks[2]"]
    assert {block.label for block in found} == {"residual block (basic, identity shortcut)"}
    assert found[0].evidence.startswith("`code in blocks[0]` adds `blocks[0]/b` to ")
    assert found[1].container.operation is model.blocks[1]
    assert [run.times for run in runs(found)] == [3]


def test_through_the_borders_of_nested_models():
    body = keras.Sequential([keras.Input((8, 8, 4)), Conv2D(4, 3, padding="same"), Conv2D(4, 3, padding="same")])
    inner = keras.Input((8, 8, 4))
    block = keras.Model(inner, layers.Add()([inner, body(inner)]), name="block")
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, block(Conv2D(4, 1, name="stem")(x)))
    (found,) = blocks(model.anatomy)
    assert found.entry is model.anatomy.trace or found.entry.site.operation.name == "stem"
    assert found.name == "block"
    assert len(found.body) == 2
    assert found.label == "residual block (basic, identity shortcut)"


def test_a_shared_block_is_several():
    inner = keras.Input((4,))
    block = keras.Model(inner, inner + Dense(4)(inner), name="block")
    x = keras.Input((4,))
    found = blocks(keras.Model(x, block(block(x))).anatomy)
    assert [one.name for one in found] == ["block@0", "block@1"]
    assert [run.times for run in runs(found)] == [2]


# Transformers


def encoder(x, before):
    norm = layers.LayerNormalization
    y = norm()(x) if before else x
    y = layers.MultiHeadAttention(2, 4)(y, y)
    x = x + layers.Dropout(0.1)(y)
    x = x if before else norm()(x)
    y = norm()(x) if before else x
    y = Dense(8)(Dense(32, activation="gelu")(y))
    x = layers.Add()([x, y])
    return x if before else norm()(x)


@pytest.mark.parametrize(("before", "where"), [(True, "before"), (False, "after")])
def test_transformers_and_runs_of_pairs(before, where):
    x = inputs = keras.Input((6, 8))
    for _ in range(3):
        x = encoder(x, before)
    found = blocks(keras.Model(inputs, x).anatomy)
    pair = [f"attention block (normalised {where})", f"feed-forward block (normalised {where})"]
    assert [block.label for block in found] == pair * 3
    assert [(run.times, len(run.units[0])) for run in runs(found)] == [(3, 2)]
    assert "dense (32), dense (8)" in found[1].evidence


class RawAttention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (Dense(8) for _ in range(4))

    def call(self, x):
        scores = self.q(x) @ jnp.swapaxes(self.k(x), 1, 2)
        return x + self.o(jax.nn.softmax(scores) @ self.v(x))


def test_attention_in_plain_code_and_in_ops():
    model = keras.Sequential([keras.Input((6, 8)), RawAttention()])
    (block,) = blocks(model.anatomy)
    assert (block.kind, block.label) == ("attention", "attention block (not normalised)")
    assert block.evidence.endswith("on the way are a product, a softmax and a product")
    x = keras.Input((6, 8))
    weights = ops.softmax(ops.matmul(Dense(8)(x), ops.transpose(Dense(8)(x), (0, 2, 1))))
    assert kinds(x + Dense(8)(ops.matmul(weights, x)), x) == ["attention"]


def test_mixtures_are_no_attention():
    """A softmax between products with weights is no attention."""
    x = keras.Input((6, 8))
    y = Dense(8)(layers.Softmax()(Dense(4)(x)))
    assert kinds(layers.Add()([x, y]), x) == ["residual"]


# What is no block, and what lies around others


def test_a_connection_across_a_bottleneck():
    x = keras.Input((8, 8, 4))
    a = Conv2D(4, 3, padding="same", name="down")(x)
    up = layers.UpSampling2D(name="up")(Conv2D(4, 3, padding="same")(layers.MaxPooling2D()(a)))
    (block,) = blocks(keras.Model(x, Conv2D(1, 1)(layers.Concatenate(name="cat")([a, up]))).anatomy)
    assert block.kind == "skip"
    assert block.evidence == (
        "`cat` concatenates `up` with `down`, from which it was computed; `up` makes it larger again"
    )


def test_a_sum_around_other_blocks_is_a_skip_connection():
    x = inputs = keras.Input((8, 8, 4))
    for _ in range(2):
        x = x + Conv2D(4, 3, padding="same")(x)
    found = blocks(keras.Model(inputs, inputs + Conv2D(4, 1)(x)).anatomy)
    assert [block.kind for block in found] == ["skip", "residual", "residual"]
    assert [block.outer for block in found] == [None, found[0], found[0]]


def test_the_fused_form_of_an_inverted_residual():
    x = keras.Input((8, 8, 4))
    y = Conv2D(4, 1)(Conv2D(16, 3, padding="same", activation="relu")(x))
    (block,) = blocks(keras.Model(x, x + y).anatomy)
    assert block.label == "inverted residual block (fused expansion, added to its input)"


@pytest.mark.parametrize("activation", ["relu", None])
def test_an_inverted_residual_ends_without_activation(activation):
    x = keras.Input((8, 8, 4))
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(Conv2D(16, 1, activation="relu")(x))
    kind = "residual" if activation else "inverted residual"
    assert kinds(x + Conv2D(4, 1, activation=activation)(y), x) == [kind]
    assert kinds(x + layers.Activation(activation)(Conv2D(4, 1)(y)), x) == [kind]
    assert kinds(Conv2D(2, 1, activation=activation)(y), x) == [kind] * (activation is None)


NO_BLOCKS = {
    "sums of constants": lambda x: x + 1.0,
    "sums with dropout": lambda x: x + layers.Dropout(0.5)(x),
    "equal paths": lambda x: Conv2D(4, 1)(x) + Conv2D(4, 1)(x),
    "gating by itself": lambda x: x * ops.sigmoid(x),
    "two paths side by side": lambda x: layers.Concatenate()([Conv2D(4, 1)(x), Conv2D(4, 3, padding="same")(x)]),
    "a chain": lambda x: Conv2D(4, 3)(Conv2D(4, 3)(x)),
}


@pytest.mark.parametrize("name", NO_BLOCKS)
def test_no_block(name):
    x = keras.Input((8, 8, 4))
    assert kinds(NO_BLOCKS[name](x), x) == []


def test_two_inputs_have_no_common_entry():
    x, y = keras.Input((4,)), keras.Input((4,))
    assert kinds(Dense(4)(x) + y, [x, y]) == []


def test_a_block_that_reads_something_else_too():
    x, memory = keras.Input((6, 8), name="x"), keras.Input((5, 8), name="memory")
    (block,) = blocks(keras.Model([x, memory], x + layers.MultiHeadAttention(1, 4)(x, memory)).anatomy)
    assert (block.kind, block.name) == ("attention", "add")
    assert "to `x`, from which it was computed" in block.evidence


# Equality


def _chain(*changes):
    x = inputs = keras.Input((8, 8, 4))
    for options in changes:
        x = layers.Add()([x, Conv2D(4, 3, padding="same", **options)(layers.ReLU()(x))])
    return runs(blocks(keras.Model(inputs, x).anatomy))


@pytest.mark.parametrize(
    ("other", "times"),
    [
        ({}, [3]),
        ({"use_bias": False}, []),
        ({"dilation_rate": 2}, []),
        ({"trainable": False}, []),
        ({"name": "n"}, [3]),
    ],
)
def test_only_equal_blocks_fold(other, times):
    assert [run.times for run in _chain({}, other, {})] == times


def test_blocks_with_something_between_do_not_fold():
    x = inputs = keras.Input((4,))
    for _ in range(2):
        x = Dense(4)(x + Dense(4)(Dense(4)(x)))
    assert runs(blocks(keras.Model(inputs, x).anatomy)) == []


def test_the_cost_grows_with_the_number_of_layers(python_calls):
    def residual(count):
        x = inputs = keras.Input((8, 8, 2))
        for _ in range(count):
            y = layers.ReLU()(layers.BatchNormalization()(Conv2D(2, 1)(x)))
            x = layers.Add()([x, Conv2D(2, 1)(y)])
        anatomy = keras.Model(inputs, x).anatomy
        anatomy.parts  # found once, and kept
        return anatomy

    few, many = residual(25), residual(200)
    found = blocks(many)
    assert len(found) == 200
    assert [run.times for run in runs(found)] == [200]
    assert python_calls(blocks, many) < 12 * python_calls(blocks, few)  # 8 times as many layers
