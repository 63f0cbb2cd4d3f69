"""Layers inside of `tf.data.Dataset.map`, as in Keras on JAX: the same elements, shapes and dtypes."""

import keras as real
import numpy as np
import pytest

import lamella as ours

tf = pytest.importorskip("tensorflow")

RNG = np.random.RandomState(0)
IMAGES, ROWS = RNG.rand(4, 6, 6, 3).astype("float32"), np.arange(8.0, dtype="float32").reshape(4, 2)
TEXTS, NUMBERS = np.array(["a b", "b c", "c", "a"]), np.array([0, 1, 2, 1])


def slices(data, batch=2):
    made = tf.data.Dataset.from_tensor_slices(data)
    return made.batch(batch) if batch else made


def adapted(make, data):
    def layer(keras):
        made = make(keras)
        made.adapt(data)
        return made

    return layer


CASES = {
    "Rescaling": (IMAGES, lambda k: k.layers.Rescaling(0.5)),
    "Rescaling of bytes": ((IMAGES * 255).astype("uint8"), lambda k: k.layers.Rescaling(1 / 255)),
    "Resizing": (IMAGES, lambda k: k.layers.Resizing(4, 4)),
    "CenterCrop": (IMAGES, lambda k: k.layers.CenterCrop(3, 3)),
    "Solarization": (IMAGES, lambda k: k.layers.Solarization(value_range=(0, 1))),
    "Normalization": (ROWS, adapted(lambda k: k.layers.Normalization(), ROWS)),
    "Discretization": (ROWS, adapted(lambda k: k.layers.Discretization(num_bins=3), ROWS)),
    "CategoryEncoding": (NUMBERS, lambda k: k.layers.CategoryEncoding(3)),
    "CategoryEncoding one_hot": (NUMBERS, lambda k: k.layers.CategoryEncoding(3, output_mode="one_hot")),
    "Hashing": (NUMBERS, lambda k: k.layers.Hashing(3)),
    "Hashing of strings": (TEXTS, lambda k: k.layers.Hashing(3)),
    "StringLookup": (TEXTS, lambda k: k.layers.StringLookup(vocabulary=["a b"])),
    "StringLookup back": (NUMBERS, lambda k: k.layers.StringLookup(vocabulary=["p", "é"], invert=True)),
    "IntegerLookup": (NUMBERS, lambda k: k.layers.IntegerLookup(vocabulary=[1, 2])),
    "TextVectorization": (TEXTS, adapted(lambda k: k.layers.TextVectorization(output_sequence_length=3), ["a b", "c"])),
    "Pipeline": (IMAGES, lambda k: k.layers.Pipeline([k.layers.Rescaling(2.0), k.layers.CenterCrop(2, 2)])),
}


@pytest.mark.parametrize("batch", [2, None])
@pytest.mark.parametrize("name", CASES)
def test_elements(name, batch):
    data, make = CASES[name]

    def mapped(layer):
        return slices(data, batch).map(lambda x: layer(x))

    theirs, mine = (mapped(make(keras)) for keras in (real, ours))
    assert mine.element_spec == theirs.element_spec
    for one, other in zip(mine.as_numpy_iterator(), theirs.as_numpy_iterator(), strict=True):
        if np.asarray(one).dtype.kind in "OS":
            assert np.asarray(one).tolist() == np.asarray(other).tolist()
        else:
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [2, None])
def test_columns_of_a_feature_space(batch):
    columns = {"age": ROWS[:, 0], "pet": np.array(["x", "y", "x", "y"])}

    def space(keras):
        kinds = {"age": "float", "pet": keras.utils.FeatureSpace.string_categorical(num_oov_indices=0)}
        made = keras.utils.FeatureSpace(features=kinds, output_mode="concat")
        made.adapt(slices(columns, None))
        return made

    theirs, mine = (slices(columns, batch).map(space(keras)) for keras in (real, ours))
    assert mine.element_spec == theirs.element_spec
    for one, other in zip(mine.as_numpy_iterator(), theirs.as_numpy_iterator(), strict=True):
        np.testing.assert_allclose(one, other)


def test_labels_go_along_and_a_model_trains_on_it():
    scale = ours.layers.Rescaling(0.5)
    data = slices((ROWS, ROWS.sum(1))).map(lambda x, y: (scale(x), y), num_parallel_calls=2).prefetch(1)
    model = ours.Sequential([ours.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(data, verbose=0).history["loss"][0])
    np.testing.assert_allclose(next(iter(data))[0], ROWS[:2] / 2)


def test_random_layers_draw_anew_for_each_element():
    flip = ours.layers.RandomFlip("horizontal", seed=1)
    same = np.repeat(IMAGES[:1], 20, axis=0)
    found = {tuple(one.ravel()) for one in slices(same, None).map(flip, num_parallel_calls=4).as_numpy_iterator()}
    assert found == {tuple(IMAGES[0].ravel()), tuple(IMAGES[0][:, ::-1].ravel())}


def test_structures_and_own_layers():
    class Split(ours.layers.Layer):
        def call(self, inputs):
            return {"sum": inputs["a"] + inputs["b"], "parts": (inputs["a"], inputs["b"][:, :1])}

    mapped = slices({"a": ROWS, "b": ROWS}).map(Split())
    assert mapped.element_spec["parts"][1].shape.as_list() == [None, 1]
    np.testing.assert_allclose(next(iter(mapped))["sum"], 2 * ROWS[:2])


def test_a_whole_model():
    model = ours.Sequential([ours.layers.Rescaling(2.0), ours.layers.CenterCrop(2, 2), ours.layers.Dense(1)])
    mapped = slices(IMAGES).map(model)
    assert mapped.element_spec.shape.as_list() == [None, 2, 2, 1]
    np.testing.assert_allclose(next(iter(mapped)), model(IMAGES[:2]), rtol=1e-6)


def test_in_a_function_and_on_eager_tensors():
    scale = ours.layers.Rescaling(2.0)
    np.testing.assert_allclose(tf.function(lambda x: scale(x) + 1)(tf.constant(ROWS)), 2 * ROWS + 1)
    eager = scale(tf.constant(ROWS))
    assert not isinstance(eager, tf.Tensor), "outside of a graph, a layer gives arrays of JAX's"
    np.testing.assert_allclose(eager, 2 * ROWS)
    lookup = ours.layers.StringLookup(vocabulary=["a"])
    assert np.asarray(lookup(tf.constant(["a", "b"]))).tolist() == [1, 0]


def test_tensors_whose_rank_is_not_known_are_refused_with_the_way():
    data = tf.data.Dataset.from_generator(lambda: iter([ROWS]), output_types=tf.float32)
    with pytest.raises(Exception, match="number of axes is not known"):
        data.map(ours.layers.Rescaling(2.0))
    known = data.map(lambda x: ours.layers.Rescaling(2.0)(tf.ensure_shape(x, (None, 2))))
    np.testing.assert_allclose(next(iter(known)), 2 * ROWS)


def test_no_call_is_recorded():
    scale = ours.layers.Rescaling(2.0)
    next(iter(slices(ROWS).map(scale)))
    assert scale._inbound_nodes == []


def test_seeds_of_tensorflow():
    ours.utils.set_random_seed(3)
    first = tf.random.uniform((3,)).numpy()
    ours.utils.set_random_seed(3)
    np.testing.assert_array_equal(first, tf.random.uniform((3,)).numpy())
