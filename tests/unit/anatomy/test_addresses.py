"""One address space: every printed address resolves, whatever the process made before."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError, ShapeError, StateError, UnknownNameError
from lamella.state import Variable


@keras.saving.register_keras_serializable("addresses")
class Block(layers.Layer):
    """A transformer block: composite layers with plain jnp between them."""

    def __init__(self, width: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.norm1, self.norm2 = layers.LayerNormalization(), layers.LayerNormalization()
        self.attn = layers.MultiHeadAttention(2, width // 2)
        self.mlp = [layers.Dense(2 * width, activation="gelu"), layers.Dense(width)]

    def call(self, x):
        h = self.norm1(x)
        x = x + self.attn(h, h)
        h = self.norm2(x)
        for layer in self.mlp:
            h = layer(h)
        return jnp.add(x, h)


@keras.saving.register_keras_serializable("addresses")
class Transformer(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(20, 8)
        self.blocks = [Block(8), Block(8)]
        self.head = layers.Dense(3)

    def call(self, ids):
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(jnp.mean(x, axis=1))


@keras.saving.register_keras_serializable("addresses")
class Siamese(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        x = keras.Input((6,))
        self.enc = keras.Model(x, layers.Dense(3)(layers.Dense(4, name="d1")(x)), name="enc")
        self.out = layers.Dense(1)

    def call(self, inputs):
        left, right = inputs
        return self.out(jnp.abs(self.enc(left) - self.enc(right)))


def transformer():
    model = Transformer()
    model(np.zeros((2, 5), "int32"))
    return model


def siamese():
    model = Siamese()
    model([np.zeros((2, 6), "float32"), np.ones((2, 6), "float32")])
    return model


def mobilenet():
    return keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, weights=None, include_top=False)


def resnet():
    return keras.applications.ResNet50(input_shape=(32, 32, 3), weights=None, include_top=False)


def stacks():
    def stack(width):
        return keras.Sequential([layers.Dense(width), layers.Dense(width)])

    return keras.Sequential([keras.Input((4,)), stack(3), keras.Sequential([stack(3), layers.Dense(2)])])


def with_ops():
    x = keras.Input((4,))
    y = layers.Dense(4)(x)
    return keras.Model(x, keras.ops.relu(x + y) * 2 + y)


MODELS = [mobilenet, resnet, siamese, transformer, stacks, with_ops]


@pytest.mark.parametrize("make", MODELS, ids=lambda f: f.__name__)
class TestEveryModel:
    @pytest.mark.sample(2)
    def test_every_printed_address_means_itself(self, make):
        A = make().anatomy
        assert len(A.parts) > 3
        for part in A.parts:
            assert A[part.address].parts == [part] or part.site is None
            assert part.thing in A[part.place]
        everything = A.select("**") | A.select("**", type=Variable)
        for path in everything.paths:
            assert A[path].paths == [path]

    @pytest.mark.sample(4)
    def test_addresses_do_not_depend_on_what_was_made_before(self, make):
        first = make().anatomy
        for _ in range(3):
            layers.Dense(1), layers.Conv2D(1, 1), keras.Sequential([layers.Dense(2)]), keras.Input((2,)) * 2
        second = make().anatomy
        assert [part.address for part in first.parts] == [part.address for part in second.parts]

    def test_addresses_survive_a_file(self, make, tmp_path):
        model = make()
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras")
        assert [part.address for part in loaded.anatomy.parts] == [part.address for part in model.anatomy.parts]
        for before, after in zip(model.anatomy.parts, loaded.anatomy.parts, strict=True):
            assert type(before.thing) is type(after.thing)


class TestGrammar:
    @pytest.mark.parametrize(
        "pattern, paths",
        [
            ("enc", ["enc"]),
            ("enc/d1", ["enc/d1"]),
            ("enc@1/d1", ["enc@1/d1"]),
            ("enc@0/*", ["enc@0/input_layer", "enc@0/d1", "enc@0/dense"]),
            ("**/d*", ["enc/d1", "enc/dense"]),
            ("layers[0]", ["enc"]),
            ("[1]", ["out"]),
            ("[-1]", ["out"]),
            ("enc/layers[1:3]", ["enc/d1", "enc/dense"]),
            ("enc/[-1]/kernel", ["enc/dense/kernel"]),
            ("**/bias", ["enc/d1/bias", "enc/dense/bias", "out/bias"]),
            ("*", ["enc", "out"]),
        ],
    )
    def test_patterns(self, pattern, paths):
        assert siamese().anatomy[pattern].paths == paths

    def test_attributes_of_subclassed_models(self):
        A = transformer().anatomy
        assert A["blocks[1]/mlp[0]"].layers[0].units == 16
        assert A["blocks[*]/attn"].paths == ["blocks[0]/attn", "blocks[1]/attn"]
        assert A["blocks[0:1]/norm1"].paths == ["blocks[0]/norm1"]
        assert A["**/attn/query_dense/kernel"].weights[0].shape == (8, 2, 4)

    def test_own_names_are_understood_where_no_address_is_the_same(self):
        for _ in range(3):
            layers.Dense(1)  # automatic names count per process
        model = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(4)])
        first = model.layers[0]
        assert first.name != "dense" and model.anatomy["dense"].layers == [first]
        assert model.anatomy[first.name].layers == [first]

    def test_sets(self):
        A = siamese().anatomy
        both, one = A["enc/d1"], A["enc@1/d1"]
        assert (both - one).paths == ["enc@0/d1"] and (both & one).paths == ["enc@1/d1"]
        assert (one | A["enc@0/d1"]).paths == ["enc/d1"]
        assert [site.number for site in A["enc"].sites] == [0, 1]
        assert A[["out", "enc"]].paths == ["enc", "out"], "in the order of the model"
        assert A.select("**", type=layers.Dense).paths == ["enc/d1", "enc/dense", "out"]
        assert len(A["enc"].weights) == 4 and len(A["enc/d1/kernel"].weights) == 1

    def test_misses_name_the_nearest(self):
        A = siamese().anatomy
        with pytest.raises(UnknownNameError, match="did you mean 'enc/d1'"):
            A["enc/d2"]
        with pytest.raises(UnknownNameError, match="no part"):
            A["enc@2/d1"]
        with pytest.raises(ArgumentError, match="cannot be read"):
            A["enc[/d1"]
        with pytest.raises(ArgumentError, match="is a string"):
            A[3]
        assert len(A.select("nothing/*")) == 0

    def test_a_model_never_called(self):
        A = Transformer().anatomy
        assert A["blocks[1]/norm1"].layers and not A["head"].sites
        with pytest.raises(StateError, match="has not been called yet"):
            A.trace
        A = Transformer().anatomy.on(keras.Input((None,), dtype="int32"))
        assert A["head"].sites[0].outputs[0].shape == (None, 3)

    def test_get_layer_takes_addresses(self):
        model = siamese()
        assert model.get_layer("enc@1/d1") is model.get_layer("enc/[1]") is model.enc.layers[1]
        assert Transformer().get_layer("blocks[1]/norm1").name
        with pytest.raises(ValueError, match="did you mean"):
            model.get_layer("enc/d2")

    def test_inputs_that_do_not_fit_are_refused(self):
        with pytest.raises(ShapeError, match="expected"):
            stacks().anatomy.on((None, 7)).trace

    def test_by_object(self):
        model = siamese()
        A = model.anatomy
        assert A[model.out].paths == ["out"] and A.address(model.enc.layers[1]) == "enc/d1"
        assert A.address(A["enc@1/d1"].sites[0]) == "enc@1/d1"

    def test_an_unused_layer_has_an_address_and_no_call(self):
        class Spare(keras.Model):
            def __init__(self):
                super().__init__()
                self.used, self.spare = layers.Dense(2), layers.Dense(2)

            def call(self, x):
                return self.used(x)

        model = Spare()
        model(np.ones((1, 2), "float32"))
        assert model.anatomy["spare"].sites == [] and model.anatomy["used"].sites

    def test_a_stack_that_grows_is_seen_anew(self):
        model = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="a")])
        A = model.anatomy
        assert A["*"].paths == ["input_layer", "a"]
        model.add(layers.Dense(1, name="b"))
        assert A["*"].paths == ["input_layer", "a", "b"]
