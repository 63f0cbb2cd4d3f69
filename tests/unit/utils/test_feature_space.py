"""FeatureSpace: columns to vectors, by themselves, in models, in files, and as Keras does it."""

import json

import numpy as np
import pytest

import lamella as L
from lamella.errors import ArgumentError, ConfigError, DataError, DtypeError, StateError, UnknownNameError
from lamella.utils import FeatureSpace

ROWS = {
    "age": [20.0, 40.0, 60.0, 80.0],
    "height": [1.5, 1.6, 1.7, 1.8],
    "size": [0.5, 2.5, 1.5, 3.5],
    "pet": ["cat", "dog", "cat", "fish"],
    "rooms": [1, 2, 3, 1],
    "street": ["a", "b", "c", "d"],
    "house": [10, 20, 30, 40],
    "bare": [1.0, 2.0, 3.0, 4.0],
}


def space(module=L, **options):
    of = module.utils.FeatureSpace
    features = {
        "age": "float_normalized",
        "height": of.float_rescaled(scale=2.0, offset=1.0, name="height"),
        "size": of.float_discretized(3, name="size"),
        "pet": "string_categorical",
        "rooms": of.integer_categorical(max_tokens=3, name="rooms"),
        "street": "string_hashed",
        "house": of.integer_hashed(num_bins=5, name="house"),
        "bare": "float",
    }
    return of(features, crosses=[("pet", "rooms"), of.cross(("house", "street"), 7)], crossing_dim=6, **options)


def adapted(**options):
    made = space(**options)
    made.adapt(ROWS)
    return made


def as_text(config):
    return json.loads(json.dumps(config))


def test_one_vector_a_row():
    made = adapted(hashing_dim=4)
    out = np.asarray(made(ROWS))
    assert out.shape == (4, 1 + 1 + 3 + 4 + 3 + 4 + 5 + 1 + 6 + 7) == (4, *made.get_encoded_features().shape[1:])
    age, bare, height = out[:, 0], out[:, 1], out[:, 2]
    np.testing.assert_allclose(age, (np.array(ROWS["age"]) - 50) / np.std(ROWS["age"]), rtol=1e-5)
    np.testing.assert_allclose(bare, ROWS["bare"])
    np.testing.assert_allclose(height, 2 * np.array(ROWS["height"]) + 1, rtol=1e-6)
    np.testing.assert_allclose(out[:, 3:].sum(1), 7)  # what is left is one-hot


def test_one_array_a_feature():
    features = {"pet": FeatureSpace.string_categorical(output_mode="int"), "age": "float"}
    made = FeatureSpace(features, "dict", [FeatureSpace.cross(("pet", "age"), 4, "int")])
    with pytest.raises(StateError, match=r"\['pet'\]"):
        made(ROWS)
    made = FeatureSpace({**features, "rooms": "integer_hashed"}, "dict", [("pet", "rooms")])
    made.adapt(ROWS)
    out = made(ROWS)
    shapes = {"age": (4, 1), "pet": (4, 1), "rooms": (4, 32), "pet_X_rooms": (4, 32)}
    assert {name: value.shape for name, value in out.items()} == shapes
    assert np.ravel(out["pet"]).tolist() == [1, 3, 1, 2]


def test_a_single_row():
    made = adapted()
    row = {name: values[1] for name, values in ROWS.items()}
    np.testing.assert_allclose(made(row), np.asarray(made(ROWS))[1], rtol=1e-5)


def test_rows_batches_and_columns_adapt_alike():
    rows = [{name: np.array(values[i]) for name, values in ROWS.items()} for i in range(4)]
    batches = [{name: np.array(values[i : i + 2]) for name, values in ROWS.items()} for i in (0, 2)]
    for data in (rows, iter(rows), batches):
        made = space()
        made.adapt(data)
        assert made.preprocessors["pet"].get_vocabulary() == adapted().preprocessors["pet"].get_vocabulary()
        np.testing.assert_allclose(made(ROWS)[:, 0], adapted()(ROWS)[:, 0], rtol=1e-5)


def test_in_a_model():
    made = adapted()
    model = L.Model(made.get_inputs(), L.layers.Dense(1)(made.get_encoded_features()))
    columns = {name: np.array(values)[:, None] for name, values in ROWS.items()}
    expected = model.layers[-1](made(ROWS))
    np.testing.assert_allclose(model.predict(columns, verbose=0), expected, rtol=1e-5)


def test_a_layer_of_your_own():
    feature = FeatureSpace.feature("string", L.layers.TextVectorization(output_mode="tf_idf"), "float")
    made = FeatureSpace({"text": feature})
    texts = {"text": ["first text", "second text"]}
    made.adapt(texts)
    assert made(texts).shape == (2, 4)
    made = FeatureSpace({"x": FeatureSpace.feature("float32", L.layers.Discretization([0.0, 1.0]), "one_hot")})
    assert made({"x": [0.5, 2.0]}).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_files(tmp_path):
    made = adapted()
    made.save(tmp_path / "space.keras")
    read = L.models.load_model(tmp_path / "space.keras")
    assert as_text(read.get_config()) == as_text(made.get_config())
    np.testing.assert_allclose(read(ROWS), made(ROWS), rtol=1e-6)


@pytest.mark.parametrize("place", ["features", "crosses", "preprocessor"])
def test_a_file_puts_nothing_else_there(place):
    config = L.saving.serialize_keras_object(space())
    loss = {"module": "keras.losses", "class_name": "Huber", "config": {}, "registered_name": None}
    if place == "preprocessor":
        config["config"]["features"]["age"]["config"]["preprocessor"] = loss
    else:
        config["config"][place] = {"age": loss}
    with pytest.raises(ConfigError, match="which is no"):
        L.saving.deserialize_keras_object(config)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: FeatureSpace({}), ArgumentError),
        (lambda: FeatureSpace({"a": "number"}), UnknownNameError),
        (lambda: FeatureSpace({"a": "float"}, "list"), UnknownNameError),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), UnknownNameError),
        (lambda: FeatureSpace({"a": "float", "b": "float"}, crosses=[("a", "b")], crossing_dim=0), ArgumentError),
        (lambda: FeatureSpace.cross(("a", "b"), 3, "float"), UnknownNameError),
        (lambda: FeatureSpace.feature("string", None, "vector"), UnknownNameError),
        (lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})({"a": [1]}), DtypeError),
        (
            lambda: FeatureSpace({"a": FeatureSpace.feature("float32", L.layers.ReLU(), "one_hot")})({"a": [1]}),
            DtypeError,
        ),
        (lambda: FeatureSpace({"a": "float"})([1.0]), DtypeError),
        (lambda: FeatureSpace({"a": "float"})({"b": [1.0]}), DataError),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt(3), DtypeError),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt([]), DataError),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt({"b": [1.0]}), DataError),
    ],
)
def test_refused(make, error):
    with pytest.raises(error):
        make()


def test_as_keras(tmp_path):
    pytest.importorskip("tensorflow")  # Keras encodes rows with it
    import keras

    theirs, ours = space(keras), adapted()
    theirs.adapt(ROWS)
    np.testing.assert_allclose(ours(ROWS), theirs(ROWS), rtol=1e-5, atol=1e-6)
    assert as_text(ours.get_config()).keys() == as_text(theirs.get_config()).keys()
    theirs.save(tmp_path / "theirs.keras"), ours.save(tmp_path / "ours.keras")
    np.testing.assert_allclose(L.models.load_model(tmp_path / "theirs.keras")(ROWS), theirs(ROWS), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "ours.keras")(ROWS), ours(ROWS), rtol=1e-5, atol=1e-6)
