import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import ArgumentError, ConfigError, ShapeError, StateError
from lamella.state import walk


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
        self.count = self.add_weight(initializer="zeros", trainable=False, dtype="int32", name="count")

    def call(self, x):
        self.count.assign_add(1)
        return x * self.factor


def test_builds_on_the_first_call():
    layer = Scale()
    assert not layer.built
    assert layer(np.ones((2, 3))).shape == (2, 3) and layer.built
    assert [w.name for w in layer.weights] == ["factor", "count"]
    assert [w.path for w in layer.weights] == [f"{layer.name}/factor", f"{layer.name}/count"]


def test_own_build_sets_built_and_records_shapes():
    layer = Scale()
    layer.build((None, 4))
    assert layer.built and layer.get_build_config() == {"input_shape": (None, 4)}
    again = Scale()
    again.build_from_config({"input_shape": [None, 4]})
    assert again.factor.shape == (4,)


def test_building_inside_of_jit_gives_real_weights():
    layer = Scale()

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    outer = Outer()
    jax.eval_shape(lambda x: outer(x), jnp.ones((1, 3)))
    assert isinstance(outer.inner.kernel.value, jax.Array) and outer.inner.kernel.numpy().shape == (3, 2)
    assert not layer.built


def test_weights_are_in_keras_order():
    class Mixed(layers.Layer):
        def build(self, _):
            self.a = self.add_weight(trainable=False, name="a")
            self.inner = layers.Dense(1)
            self.inner.build((None, 2))
            self.b = self.add_weight(name="b")

    layer = Mixed()
    layer.build(None)
    assert [w.name for w in layer.weights] == ["b", "a", "kernel", "bias"]
    layer.trainable = False
    assert [w.name for w in layer.weights] == ["b", "a", "kernel", "bias"]


def test_weights_without_an_attribute_are_found():
    layer = layers.Layer()
    layer.add_weight(shape=(2,), name="w")
    assert [address for address, _ in walk(layer)] == ["w"] and len(layer.weights) == 1


def test_trainable_is_recursive_and_what_is_inside_can_be_set_again():
    """As in Keras: a frozen layer lists nothing that trains, and a model around it lists what was set again."""
    outer = keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(2)])
    holder = keras.Sequential([outer, layers.Dense(1)])
    holder.build((None, 3))
    outer.trainable = False
    assert not outer.layers[0].trainable and outer.trainable_weights == []
    assert [w.shape for w in holder.trainable_weights] == [(2, 1), (1,)]
    outer.layers[0].trainable = True
    assert outer.trainable_weights == [] and len(outer.non_trainable_weights) == 4
    assert [w.shape for w in holder.trainable_weights] == [(3, 4), (4,), (2, 1), (1,)]
    outer.trainable = True
    assert len(outer.trainable_weights) == 4


class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.normal = layers.Dense(4), layers.BatchNormalization()

    def call(self, x):
        return self.normal(self.dense(x))


def test_low_rank_weights_inside_of_a_frozen_block_train():
    block = Block(name="block")
    model = keras.Sequential([keras.Input((3,)), block, layers.Dense(1)])
    for layer in model._flatten_layers(include_self=False):
        layer.trainable = False
    block.dense.trainable = True
    block.dense.enable_lora(2)
    paths = [w.path for w in model.trainable_weights]
    names = ("bias", "lora_kernel_a", "lora_kernel_b")
    assert paths == [f"{model.name}/{block.name}/{block.dense.name}/{name}" for name in names]
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(np.random.rand(8, 3), np.ones((8, 1)), verbose=0)
    moved = [w.name for w, old in zip(model.weights, before, strict=True) if not np.allclose(w.numpy(), old)]
    assert moved == ["bias", "lora_kernel_b"]  # a has no gradient while b is 0
    report = model.anatomy.trainability()
    assert report["block/dense"].trains and not report["block/normal"].trains
    assert report.trainable == 4 + 3 * 2 + 2 * 4
    assert "18 of 51 parameters are trained" in str(model.anatomy.explain())


@pytest.mark.parametrize("model", [lambda b: keras.Sequential([keras.Input((3,)), b]), None])
def test_what_a_layer_builds_while_it_is_frozen_is_frozen(model):
    """By the constructor too, which Keras does not pass on to what is inside."""
    block = Block(trainable=False)
    whole = model(block) if model else keras.Sequential([block])
    if model is None:
        whole.build((None, 3))
    assert whole.trainable_weights == [] and not block.dense.trainable
    block.dense.trainable = True
    assert len(whole.trainable_weights) == 2


def test_what_was_set_to_train_before_it_was_built_trains():
    block = Block()
    block.trainable = False
    block.dense.trainable = True
    whole = keras.Sequential([keras.Input((3,)), block])
    assert [w.name for w in whole.trainable_weights] == ["kernel", "bias"]


def test_models_made_frozen_are_frozen_inside():
    x = keras.Input((3,))
    base = keras.Model(x, layers.Dense(4)(x), trainable=False)
    stack = keras.Sequential([layers.Dense(3)], trainable=False)
    whole = keras.Sequential([keras.Input((3,)), base, stack])
    assert whole.trainable_weights == []
    base.layers[1].trainable = True
    for copy in (keras.models.clone_model(whole), keras.Sequential.from_config(whole.get_config())):
        assert [layer.trainable for layer in copy.layers] == [False, False]
        assert [w.shape for w in copy.trainable_weights] == [(3, 4), (4,)]


def test_a_weight_made_after_build_lies_where_the_layer_was_built():
    stack = keras.Sequential([layers.Input((3,)), layers.Dense(4, name="d")], name="stack")
    late = stack.layers[0].add_weight(shape=(1,), name="late")
    assert late.path == "stack/d/late"


def test_training_is_explicit_then_inherited_then_default():
    seen = []

    class Spy(layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.spy = Spy()

        def call(self, x):
            self.spy(x)
            self.spy(x, training=False)
            return x

    Outer()(np.ones(2), training=True)
    Outer()(np.ones(2))
    assert seen == [True, False, None, False]


def test_call_without_super_init():
    class Forgetful(layers.Layer):
        def __init__(self):
            pass

    with pytest.raises(StateError, match=r"super\(\).__init__\(\)"):
        Forgetful()(np.ones(2))


def test_lists_are_not_tensors():
    with pytest.raises(ArgumentError, match="tensors"):
        layers.Dense(2)([[1.0, 2.0]])


def test_floats_are_cast_and_integers_are_not():
    seen = []

    class Spy(layers.Layer):
        def call(self, x):
            seen.append(x.dtype.name)
            return x

    spy = Spy()
    spy(np.ones(2, "float64"))
    spy(np.ones(2, "int32"))
    Spy(dtype="bfloat16")(np.ones(2, "float32"))
    assert seen == ["float32", "int32", "bfloat16"]


def test_mixed_precision_reads_weights_in_the_compute_dtype():
    layer = layers.Dense(2, dtype="mixed_bfloat16")
    assert layer(np.ones((1, 3))).dtype == "bfloat16"
    assert layer.kernel.dtype == "float32"


def test_losses_of_the_last_call():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(jnp.sum(x))
            return x

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.one = Penalty()

        def call(self, x):
            return self.one(x)

    outer = Outer()
    outer(np.ones(2))
    outer(np.ones(3))
    assert [float(v) for v in outer.losses] == [3]
    assert [float(v) for v in outer.one.losses] == [3]


def test_losses_of_an_eager_call_do_not_count_in_training():
    class Penalty(layers.Layer):
        def call(self, x, training=False):
            if not training:
                self.add_loss(jnp.sum(x) + 1e6)
            return x

    model = keras.Sequential([layers.Input((2,)), Penalty(), layers.Dense(1)])
    model(np.ones((1, 2)))
    assert float(sum(model.losses)) > 1e5
    model.compile("sgd", "mse")
    assert model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history["loss"][0] < 1e3


def test_regularizers_and_activity():
    layer = layers.Dense(
        2, kernel_regularizer=keras.regularizers.L2(1.0), activity_regularizer="l1", kernel_initializer="ones"
    )
    layer(np.ones((4, 3)))
    assert sorted(float(v) for v in layer.losses) == pytest.approx(sorted([6.0, 0.01 * 3 * 2]))


def test_shape_error_has_the_full_address():
    inner = keras.Sequential([layers.Dense(4, name="deep")], name="inner")

    class Outer(keras.Model):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = inner
            self.second = layers.Conv2D(3, 2, name="project")

        def call(self, x):
            return self.second(self.inner(x))

    with pytest.raises(ShapeError) as caught:
        Outer()(np.ones((2, 5)))
    assert "Conv2D at 'project'" in str(caught.value) and "(2, 4) float32" in str(caught.value)
    outer = keras.Sequential([layers.Input((5,)), keras.Sequential([inner], name="middle")], name="outer")
    inner.layers[0].input_spec = layers.InputSpec(axes={-1: 99})
    with pytest.raises(ShapeError, match="Dense at 'middle/inner/deep'"):
        outer(np.ones((2, 5)))


def test_an_error_inside_of_call_says_where():
    class Broken(layers.Layer):
        def call(self, x):
            return x @ np.ones((99, 2))

    model = keras.Sequential([Broken(name="broken")], name="m")
    with pytest.raises(ShapeError, match="Broken at 'broken'"):
        model(np.ones((2, 3)))

    class Odd(layers.Layer):
        def call(self, x):
            raise KeyError("odd")

    with pytest.raises(KeyError) as caught:
        keras.Sequential([Odd(name="odd_one")], name="m")(np.ones((2, 3)))
    assert any("Odd at 'odd_one'" in note for note in caught.value.__notes__)


def test_symbolic_error_names_the_maker():
    x = layers.Dense(4, name="head")(layers.Input((3,)))
    with pytest.raises(ShapeError, match=r"from Dense at 'head'"):
        layers.Conv2D(2, 3)(x)


def test_unknown_argument():
    with pytest.raises(ArgumentError, match="colour"):
        layers.Layer(colour=1)


def test_config_of_a_custom_layer_without_get_config():
    class Times(layers.Layer):
        def __init__(self, factor, shift=0, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.shift = factor, shift

        def call(self, x):
            return x * self.factor + self.shift

    layer = Times(3, shift=1, name="t")
    again = Times.from_config(layer.get_config())
    assert again.name == "t" and again.factor == 3 and float(again(np.ones(1))[0]) == 4

    class Holds(layers.Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(ConfigError, match="'thing'"):
        Holds(object()).get_config()


def test_get_and_set_weights():
    layer = layers.Dense(2)
    layer.build((None, 3))
    values = [np.full((3, 2), 2.0), np.ones(2)]
    layer.set_weights(values)
    assert all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), values, strict=True))
    with pytest.raises(ShapeError):
        layer.set_weights([np.zeros((3, 2)), np.zeros(99)])
    assert layer.get_weights()[0].max() == 2  # all or none
    with pytest.raises(ShapeError, match="2 weights"):
        layer.set_weights([values[0]])


def test_stateless_call_is_keras_s():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    out, after = layer.stateless_call(
        [v.value for v in layer.trainable_variables], [v.value for v in layer.non_trainable_variables], x, training=True
    )
    assert not np.allclose(after[0], 0) and np.allclose(layer.moving_mean.numpy(), 0)
    assert abs(np.asarray(out).mean()) < 1e-5


def test_masks_travel_and_their_loss_is_told():
    x = layers.Embedding(5, 3, mask_zero=True)(np.array([[1, 2, 0]]))
    assert ops.shape(layers.Dropout(0.5)(x)) == (1, 3, 3)
    from lamella.state import get_mask

    assert np.asarray(get_mask(layers.Dropout(0.5)(x))).tolist() == [[True, True, False]]

    class Plain(layers.Layer):
        def call(self, x):
            return x + 1

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        Plain()(x)
    assert any("masked" in str(w.message) for w in told)


def test_several_inputs_by_name():
    class Two(layers.Layer):
        def build(self, query_shape, value_shape):
            self.shapes = (query_shape, value_shape)

        def call(self, query, value, scale=1.0):
            return query + value * scale

    layer = Two()
    assert layer(np.ones((1, 2)), np.ones((1, 2)), scale=3.0).tolist() == [[4, 4]]
    assert layer.shapes == ((1, 2), (1, 2))
    out = layer(layers.Input((2,)), value=layers.Input((2,)))
    assert out.shape == (None, 2)


class Noisy(keras.layers.Layer):
    """As much code of TensorFlow's time has it: `training` without a default."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
        self.seen = []

    def call(self, inputs, training, mask=None):
        self.seen.append(training)
        return self.dense(inputs)


def test_a_required_training_argument_is_passed_on():
    layer = Noisy()
    x = np.ones((4, 2), "float32")
    assert layer(x, training=True).shape == (4, 3)
    assert layer(x, training=None).shape == (4, 3)
    assert layer.seen == [True, None]
    assert layer.compute_output_shape((None, 2)) == (None, 3)


def test_a_required_training_argument_is_what_the_calls_around_say():
    layer = Noisy()
    model = keras.Sequential([layer])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    model.fit(x, np.ones((4, 3)), verbose=0)
    assert layer.seen[-1] is True
    model.predict(x, verbose=0)
    assert layer.seen[-1] is False


def test_an_unknown_argument_is_refused_beside_a_required_training():
    with pytest.raises(TypeError, match="scale"):
        Noisy()(np.ones((4, 2), "float32"), training=True, scale=2)
