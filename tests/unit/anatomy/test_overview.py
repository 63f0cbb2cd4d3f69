"""Extra columns, blocks and depth of a summary; the rows add up to the totals."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.anatomy import table

EVERYTHING = ["address", "calls", "output", "params", "trainable", "frozen", "macs", "memory", "field", "connected"]


class Block(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.wide, self.narrow = layers.Dense(2 * width, name="wide"), layers.Dense(width, name="narrow")

    def call(self, x):
        return x + jnp.tanh(self.narrow(self.wide(x)))


class Subclassed(keras.Model):
    def __init__(self, widths=(8, 8, 8)):
        super().__init__(name="subclassed")
        self.stem = layers.Dense(8, name="stem")
        self.blocks = [Block(8, name=f"block_{k}") for k, _ in enumerate(widths)]
        for block, width in zip(self.blocks, widths, strict=True):
            block.wide.units = 2 * width
        self.head = layers.Dense(2, name="head")

    def call(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def subclassed(*widths):
    model = Subclassed(widths or (8, 8, 8))
    model(np.ones((2, 4), "float32"))
    return model


def siamese():
    stack = [layers.Input((8,)), layers.Dense(4, name="d1"), layers.BatchNormalization(name="bn")]
    shared = keras.Sequential(stack, name="enc")
    left, right = layers.Input((8,), name="left"), layers.Input((8,), name="right")
    return keras.Model([left, right], layers.Concatenate(name="cat")([shared(left), shared(right)]), name="siamese")


def transfer():
    x = inputs = layers.Input((16, 16, 3), name="in")
    x = layers.Conv2D(4, 3, strides=2, name="c1")(x)
    base = keras.Model(inputs, layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, name="c2")(x)), name="base")
    base.trainable = False
    x = pictures = layers.Input((16, 16, 3), name="pictures")
    x = layers.GlobalAveragePooling2D(name="pool")(base(x, training=False))
    return keras.Model(pictures, layers.Dense(2, name="head")(x), name="transfer")


def transformer():
    x = inputs = layers.Input((6, 8), name="tokens")
    for k in range(3):
        y = layers.LayerNormalization(name=f"l{k}_n1")(x)
        x = layers.Add(name=f"l{k}_a1")([x, layers.MultiHeadAttention(2, 4, name=f"l{k}_mha")(y, y)])
        y = layers.Dense(16, activation="gelu", name=f"l{k}_d1")(layers.LayerNormalization(name=f"l{k}_n2")(x))
        x = layers.Add(name=f"l{k}_a2")([x, layers.Dense(8, name=f"l{k}_d2")(y)])
    return keras.Model(inputs, x, name="transformer")


def unet():
    x = inputs = layers.Input((16, 16, 3), name="in")
    x = skip = layers.Conv2D(4, 3, padding="same", name="down")(x)
    x = layers.Conv2D(8, 3, padding="same", name="deep")(layers.MaxPooling2D(name="pool")(x))
    x = layers.Concatenate(name="cat")([layers.Conv2DTranspose(4, 2, strides=2, name="up")(x), skip])
    return keras.Model(inputs, layers.Conv2D(2, 1, name="out")(x), name="unet")


MAKERS = [subclassed, siamese, transfer, transformer, unet]
SHOWN = [{}, {"blocks": True}, {"depth": 3}, {"depth": 3, "blocks": True}, {"expand_nested": True, "blocks": True}]


def cells(found):
    return {row.name: dict(zip(found.columns, row.more, strict=True)) for row in found.rows}


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: "+".join(shown) or "plain")
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_rows_add_up(make, shown):
    model = make()
    found = table(model, columns=EVERYTHING, **shown)
    rows = [dict(zip(found.columns, row.more, strict=True)) for row in found.rows if row.level == 0]
    assert sum(row["trainable"] for row in rows) == found.trainable.params
    assert sum(row["frozen"] for row in rows) == found.frozen.params
    assert sum(row["params"] for row in rows) == found.total.params == model.count_params()
    assert sum(row["macs"] for row in rows) == model.anatomy.costs().macs
    assert not any("?" in row.shape for row in found.rows)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_address_resolves(make):
    model = make()
    found = table(model, columns=["address"], depth=4)
    assert all(found.rows[k].address == found.rows[k].more[0] != "" for k in range(len(found.rows)))
    assert all(model.anatomy[row.address].parts for row in found.rows)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_as_data(make):
    found = table(make(), columns=EVERYTHING, blocks=True, depth=2)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["header"] == found.header and data["total"]["params"] == found.total.params
    assert [row["more"]["macs"] for row in data["rows"]] == [row.more[6] for row in found.rows]
    assert all(isinstance(size, int) or size is None for row in data["rows"] for one in row["outputs"] for size in one)


def test_columns_as_a_text():
    assert table(siamese(), columns="macs, calls").columns == ("macs", "calls")


def test_calls_of_a_shared_model_are_counted_inside_too():
    shown = cells(table(siamese(), columns=EVERYTHING, depth=2))
    assert shown["enc"]["calls"] == shown["d1"]["calls"] == 2 and shown["d1"]["macs"] == 64
    assert shown["d1"]["connected"] == "left, right" and shown["bn"]["connected"] == "enc@0/d1, enc@1/d1"
    assert shown["cat"]["connected"] == "enc@0, enc@1" and shown["left"]["connected"] == ""
    assert shown["right"]["field"].endswith("(input 1)")


def test_what_is_frozen():
    shown = cells(table(transfer(), columns=EVERYTHING, depth=2))
    assert shown["base"]["trainable"] == shown["c1"]["trainable"] == 0 and shown["bn"]["frozen"] == 16
    assert (shown["head"]["trainable"], shown["head"]["frozen"]) == (10, 0)
    assert shown["c2"]["field"] == "7 × 7, every 2" and shown["c1"]["connected"] == "pictures"


def test_depth_opens_layers_level_by_level():
    model = subclassed()
    assert len(table(model, depth=1).rows) == 5 and len(table(model, depth=2).rows) == 11
    assert [row.level for row in table(model, depth=2).rows[1:4]] == [0, 1, 1]


def test_equal_blocks_fold():
    found = table(subclassed(), blocks=True, columns=["params", "calls", "connected"])
    assert [row.name for row in found.rows] == ["stem", "blocks[0] … blocks[2] ×3", "block_0", "head"]
    heading = found.rows[1]
    assert heading.heading and heading.times == 3 and heading.more == (840, "", "stem")
    assert "residual block" in heading.kind and any("×n stands for" in note for note in found.notes)
    assert "3 residual blocks" in found.header and "5 layers listed" in found.header


def test_blocks_that_differ_do_not_fold():
    rows = table(subclassed(8, 16, 8), blocks=True).rows
    assert [row.times for row in rows if row.heading] == [1, 1, 1] and len(rows) == 8


def test_units_of_several_blocks_fold():
    found = table(transformer(), blocks=True, columns=["params"])
    assert [(row.name, row.level, row.heading) for row in found.rows[1:4]] == [
        ("l0 … l2 ×3", 0, True),
        ("l0", 1, True),
        ("l0_n1", 2, False),
    ]
    assert found.rows[1].more[0] == 3 * (found.rows[2].more[0] + found.rows[6].more[0])


def test_blocks_of_a_model_inside_are_found_when_it_is_open():
    base = transformer()
    x = layers.Input((6, 8), name="x")
    model = keras.Model(x, layers.Dense(2, name="head")(base(x)), name="around")
    assert [row.name for row in table(model, blocks=True).rows] == ["x", "transformer", "head"]
    assert any(row.times == 3 and row.level == 1 for row in table(model, blocks=True, depth=2).rows)


def test_a_skip_over_others():
    rows = table(unet(), blocks=True).rows
    assert [(row.name, row.level) for row in rows if row.level][:2] == [("pool", 1), ("deep", 1)]
    assert next(row for row in rows if row.heading).kind.startswith("skip")


def test_weights_that_no_row_stands_for_are_said():
    class Tied(keras.Model):
        def __init__(self):
            super().__init__(name="tied")
            self.embed = layers.Embedding(20, 8, name="embed")
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, x):
            return jnp.matmul(self.embed(x), jnp.transpose(self.embed.embeddings.value)) * self.scale.value[0]

    model = Tied()
    model(np.zeros((2, 5), "int32"))
    notes = table(model, columns=["params", "macs"]).notes
    assert "3 parameters are the model's own, in none of its layers." in notes
    assert "800 MACs for one sample, 800 of them in plain code between the layers." in notes
    assert not table(model).notes


def test_weights_in_two_rows_are_said():
    base = keras.Sequential([layers.Input((4,)), layers.Dense(4, name="d")], name="base")
    head = keras.Sequential([layers.Input((4,)), base.layers[0]], name="again")
    x = layers.Input((4,))
    model = keras.Model(x, head(base(x)))
    assert "20 parameters stand in more than one row; the totals count each once." in table(model, depth=1).notes
