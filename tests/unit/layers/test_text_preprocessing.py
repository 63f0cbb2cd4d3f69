"""Lookups, hashing and text: results as Keras documents them, worked out by hand or taken from its tests."""

import numpy as np
import pytest

from lamella import layers as L
from lamella.errors import ArgumentError, ConfigError, DataError, FileError, ShapeError, StateError
from lamella.layers.preprocessing.fingerprint import farm, sip
from lamella.layers.preprocessing.strings import ngrams

LETTERS = ["a", "b", "c", "d"]
SEEN = [["a", "c", "d", "d"], ["d", "z", "b", "z"]]
NUMBERS = [12, 36, 1138, 42]


# Hashes


FINGERPRINTS = {  # by the package `cityhash`, of the bytes 0, 1, 2, …
    0: 11160318154034397263,
    2: 14024286643213798773,
    5: 13024315463276085577,
    12: 11517357035142004093,
    24: 4556289589497654983,
    40: 645241335607543436,
    64: 17691551913807367243,
    65: 14313328211205373374,
    200: 525935771297148851,
}


@pytest.mark.parametrize(("size", "fingerprint"), FINGERPRINTS.items())
def test_fingerprints_of_all_sizes(size, fingerprint):
    assert farm(bytes(range(size))) == fingerprint


def test_siphash_has_its_published_value():
    assert sip(bytes(range(15)), 0x0706050403020100, 0x0F0E0D0C0B0A0908) == 0xA129CA6149BE45E5


@pytest.mark.parametrize(
    ("kwargs", "inputs", "outputs"),
    [
        ({"num_bins": 3}, ["A", "B", "C", "D", "E"], [1, 0, 1, 1, 2]),
        ({"num_bins": 3, "mask_value": ""}, ["A", "B", "", "C", "D"], [1, 1, 0, 2, 2]),
        ({"num_bins": 3, "salt": [133, 137]}, ["A", "B", "C", "D", "E"], [1, 2, 1, 0, 2]),
        ({"num_bins": 3, "salt": 133}, ["A", "B", "C", "D", "E"], [0, 0, 2, 1, 0]),
        ({"num_bins": 3}, [0, 1, 2, 3, 4], [1, 0, 1, 0, 2]),
        ({"num_bins": 3, "salt": [133, 137]}, np.arange(5), [1, 1, 2, 0, 1]),
        ({"num_bins": 3, "mask_value": "omar"}, ["omar", b"stringer", "marlo"], [0, 1, 2]),
        ({"num_bins": 1}, ["A", "B"], [0, 0]),
        ({"num_bins": 3, "output_mode": "count"}, ["A", "B", "C", "D", "E"], [1, 3, 1]),
        ({"num_bins": 3, "output_mode": "one_hot"}, [["A"], ["E"]], [[0, 1, 0], [0, 0, 1]]),
    ],
)
def test_hashing(kwargs, inputs, outputs):
    layer = L.Hashing(**kwargs)
    assert layer(inputs).tolist() == outputs
    assert L.Hashing.from_config(layer.get_config())(inputs).tolist() == outputs


def test_hashed_crossing():
    letters, numbers = np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102])
    assert L.HashedCrossing(5)((letters, numbers)).tolist() == [1, 4, 1, 1, 3]
    hot = L.HashedCrossing(5, output_mode="one_hot")([letters[:, None], numbers[:, None]])
    assert hot.shape == (5, 5) and hot.argmax(1).tolist() == [1, 4, 1, 1, 3]
    assert L.HashedCrossing(10)(("A", 101)).tolist() == 1
    with pytest.raises(ShapeError, match="one shape"):
        L.HashedCrossing(5)([letters, numbers[:2]])


# Lookups


@pytest.mark.parametrize(
    ("kwargs", "inputs", "outputs"),
    [
        ({}, [["a", "c", "d"], ["d", "z", "b"]], [[1, 3, 4], [4, 0, 2]]),
        ({"num_oov_indices": 2}, [["a", "c", "d"], ["m", "z", "b"]], [[2, 4, 5], [0, 1, 3]]),
        ({"mask_token": ""}, ["a", "", "z"], [2, 0, 1]),
        ({"mask_token": "", "output_mode": "count"}, [["a", "", "z", "a"]], [[1, 2, 0, 0, 0]]),
        ({"num_oov_indices": 0}, ["d", "a"], [3, 0]),
        ({"output_mode": "one_hot"}, ["a", "z"], [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]),
        ({"output_mode": "multi_hot"}, SEEN, [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]),
        ({"output_mode": "count"}, SEEN, [[0, 1, 0, 1, 2], [2, 0, 1, 0, 1]]),
        ({"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 6}, ["a"], [0, 1, 0, 0, 0, 0]),
        ({"invert": True}, [[1, 3, 4], [4, 0, 2]], [["a", "c", "d"], ["d", "[UNK]", "b"]]),
        ({"invert": True, "mask_token": "-", "oov_token": "?"}, [0, 1, 2, 99], ["-", "?", "a", "?"]),
    ],
)
def test_string_lookup(kwargs, inputs, outputs):
    layer = L.StringLookup(vocabulary=LETTERS, **kwargs)
    assert layer(inputs).tolist() == outputs
    assert layer(np.array(inputs)).tolist() == outputs
    config = layer.get_config()
    again = L.StringLookup.from_config(config)
    assert again.get_config() == config and again(inputs).tolist() == outputs


@pytest.mark.parametrize(
    ("kwargs", "inputs", "outputs"),
    [
        ({}, [[12, 1138, 42], [42, 1000, 36]], [[1, 3, 4], [4, 0, 2]]),
        ({"num_oov_indices": 2}, [[12, 1138, 42], [37, 1000, 36]], [[2, 4, 5], [1, 0, 3]]),
        ({"num_oov_indices": 4, "oov_method": "farmhash"}, [100, 200, 300, 400, 12], [3, 1, 3, 1, 4]),
        ({"mask_token": 0}, [12, 0, 7], [2, 0, 1]),
        ({"invert": True}, [1, 0, 4], [12, -1, 42]),
        ({"output_mode": "multi_hot"}, [[12, 1138, 42, 42]], [[0, 1, 0, 1, 1]]),
    ],
)
def test_integer_lookup(kwargs, inputs, outputs):
    layer = L.IntegerLookup(vocabulary=NUMBERS, **kwargs)
    assert layer(np.array(inputs)).tolist() == outputs
    assert L.IntegerLookup.from_config(layer.get_config())(inputs).tolist() == outputs


def test_idf():
    layer = L.StringLookup(output_mode="tf_idf")
    layer.set_vocabulary(LETTERS, idf_weights=[0.25, 0.75, 0.6, 0.4])
    np.testing.assert_allclose(layer(SEEN), [[0, 0.25, 0, 0.6, 0.8], [1.0, 0, 0.75, 0, 0.4]], rtol=1e-6)
    layer.set_vocabulary(["[UNK]", *LETTERS], idf_weights=[0.9, 0.25, 0.75, 0.6, 0.4])
    np.testing.assert_allclose(layer(SEEN), [[0, 0.25, 0, 0.6, 0.8], [1.8, 0, 0.75, 0, 0.4]], rtol=1e-6)


def test_idf_learned():
    layer = L.StringLookup(output_mode="tf_idf", max_tokens=8, pad_to_max_tokens=True)
    layer.adapt([["a", "b"], ["b", "b"], ["b", "c"]])
    assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a"]
    weights = np.log(1 + 3 / (1 + np.array([3, 1, 1])))
    np.testing.assert_allclose(layer.idf_weights, [weights.mean(), *weights, 0, 0, 0, 0], rtol=1e-6)


def test_learned_vocabularies():
    layer = L.StringLookup()
    layer.adapt([["a", "c", "d"], ["d", "z", "b"]])
    assert layer.get_vocabulary() == ["[UNK]", "d", "z", "c", "b", "a"]
    assert layer.vocabulary_size() == 6
    layer = L.StringLookup(max_tokens=3, mask_token="")
    layer.adapt(iter([["a", "b", ""], ["b", "c", "[UNK]"]]))
    assert layer.get_vocabulary() == ["", "[UNK]", "b"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["b"]
    numbers = L.IntegerLookup()
    numbers.adapt(np.array([[12, 1138, 42], [42, 1000, 36]]))
    assert numbers.get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]


def test_steps_limit_what_is_learned():
    layer = L.StringLookup()
    layer.adapt((["x"] for _ in iter(int, 1)), steps=3)
    assert layer.get_vocabulary() == ["[UNK]", "x"]


def test_vocabulary_files(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\nc\nd\n")
    layer = L.StringLookup(vocabulary=str(tmp_path / "words.txt"))
    assert layer(["d", "q"]).tolist() == [4, 0]
    with pytest.raises(ConfigError, match="names a vocabulary file"):
        L.StringLookup.from_config({"vocabulary": str(tmp_path / "words.txt")})
    with pytest.raises(ConfigError, match="names a vocabulary file"):
        L.TextVectorization.from_config({"vocabulary": str(tmp_path / "words.txt"), "standardize": None, "split": None})
    with pytest.raises(FileError, match="no vocabulary file"):
        L.StringLookup(vocabulary="nowhere.txt")


def test_assets(tmp_path):
    layer, empty = L.StringLookup(), L.StringLookup()
    layer.adapt(["x", "y", "y"])
    layer.save_assets(tmp_path)
    empty.load_assets(tmp_path)
    assert empty.get_vocabulary() == layer.get_vocabulary() == ["[UNK]", "y", "x"]


def test_large_vocabularies_are_not_searched_for_variables():
    layer = L.StringLookup(vocabulary=[f"w{i}" for i in range(1000)])
    assert not any(isinstance(value, (list, tuple, dict)) and len(value) > 100 for value in vars(layer).values())


def test_symbolic():
    x = L.Input((3,), dtype="string")
    assert (L.StringLookup(vocabulary=LETTERS)(x).shape, L.StringLookup(vocabulary=LETTERS)(x).dtype) == (
        (None, 3),
        "int64",
    )
    assert L.StringLookup(vocabulary=LETTERS, output_mode="one_hot")(x).shape == (None, 3, 5)
    assert L.StringLookup(vocabulary=LETTERS, output_mode="count")(x).shape == (None, 5)
    text = L.Input((1,), dtype="string")
    assert L.TextVectorization(output_sequence_length=7)(text).shape == (None, 7)
    assert L.TextVectorization(vocabulary=LETTERS, output_mode="multi_hot")(text).shape == (None, 5)
    assert L.Hashing(3, output_mode="one_hot")(text).shape == (None, 3)


# Texts


@pytest.mark.parametrize(
    ("kwargs", "texts", "outputs"),
    [
        ({"output_sequence_length": 4}, [["foo qux bar"], ["qux baz"]], [[4, 1, 3, 0], [1, 2, 0, 0]]),
        ({"output_sequence_length": 2}, ["foo qux bar", "qux"], [[4, 1], [1, 0]]),
        ({}, ["Foo, BAR!", "(baz)"], [[4, 3], [2, 0]]),
        ({"standardize": "lower"}, ["Foo! bar"], [[1, 3]]),
        ({"standardize": "strip_punctuation"}, ["Foo! bar."], [[1, 3]]),
        ({"standardize": None}, ["foo bar."], [[4, 1]]),
        ({"standardize": lambda texts: np.char.replace(texts, "x", "")}, ["fxoo bar"], [[4, 3]]),
        (
            {"split": lambda texts: [text.split("-") for text in texts], "standardize": None},
            ["foo-bar", "baz"],
            [[4, 3], [2, 0]],
        ),
        ({"split": None}, [["foo", "qux"], ["bar", "baz"]], [[4, 1], [3, 2]]),
        ({"split": None}, ["foo", "bar"], [4, 3]),
        ({"output_mode": "multi_hot"}, ["foo foo qux", ""], [[1, 0, 0, 1], [0, 0, 0, 0]]),
        ({"output_mode": "count"}, ["foo foo qux", "baz"], [[1, 0, 0, 2], [0, 1, 0, 0]]),
        ({"output_mode": "count", "max_tokens": 6, "pad_to_max_tokens": True}, ["foo qux"], [[1, 0, 0, 1, 0, 0]]),
        ({}, np.array([b"foo bar"]), [[4, 3]]),
        ({}, "bar foo", [3, 4]),
    ],
)
def test_text_vectorization(kwargs, texts, outputs):
    layer = L.TextVectorization(vocabulary=["baz", "bar", "foo"], **kwargs)
    assert layer(texts).tolist() == outputs
    again = L.TextVectorization.from_config(layer.get_config())
    assert again(texts).tolist() == outputs and again.get_config() == layer.get_config()


def test_texts_learned():
    layer = L.TextVectorization(max_tokens=5000, output_sequence_length=4)
    layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    assert layer([["foo qux bar"], ["qux baz"]]).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]
    assert layer.get_vocabulary() == ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]


def test_characters_and_ngrams():
    assert L.TextVectorization(split="character", vocabulary=["a", "b"])(["ab c"]).tolist() == [[2, 3, 1, 1]]
    layer = L.TextVectorization(ngrams=2, vocabulary=["a", "a b", "b a"])
    assert layer(["a b a"]).tolist() == [[2, 1, 2, 3, 4]]
    assert L.TextVectorization(ngrams=(2,), vocabulary=["a b"])(["a b", "a"]).tolist() == [[2], [0]]
    assert ngrams(["a"], (2, 3)) == []


def test_only_ascii_is_lowered_and_split():
    layer = L.TextVectorization(vocabulary=["É", "a\u00a0b"])
    assert layer(["É A\u00a0B"]).tolist() == [[2, 3]]


def test_text_idf():
    layer = L.TextVectorization(output_mode="tf_idf")
    layer.adapt(["a b", "b"])
    weights = np.log(1 + 2 / (1 + np.array([2, 1])))
    np.testing.assert_allclose(layer(["b b a"]), [[0, 2 * weights[0], weights[1]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.StringLookup(max_tokens=1), ArgumentError, "max_tokens=1"),
        (lambda: L.StringLookup(num_oov_indices=-1), ArgumentError, "num_oov_indices"),
        (lambda: L.StringLookup(pad_to_max_tokens=True), ArgumentError, "pad_to_max_tokens"),
        (lambda: L.StringLookup(output_mode="sum"), ArgumentError, "output_mode"),
        (lambda: L.StringLookup(sparse=True), ArgumentError, "dense"),
        (lambda: L.StringLookup(invert=True, output_mode="count"), ArgumentError, "invert=True"),
        (lambda: L.StringLookup(vocabulary=["a", "a"]), ArgumentError, "repeated"),
        (lambda: L.StringLookup(vocabulary=[]), ArgumentError, "some tokens"),
        (lambda: L.StringLookup(vocabulary=["a", "b"], max_tokens=2), ArgumentError, "too long"),
        (lambda: L.StringLookup(vocabulary=["a", "-"], mask_token="-"), ArgumentError, "special token '-'"),
        (lambda: L.StringLookup(vocabulary=["a"], output_mode="tf_idf"), ArgumentError, "idf_weights"),
        (lambda: L.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]), DataError, "num_oov_indices=1"),
        (lambda: L.StringLookup(output_mode="count")(["b"]), StateError, "adapt"),
        (lambda: L.StringLookup(vocabulary=["a"]).adapt(["b"]), StateError, "given vocabulary"),
        (lambda: L.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]), DataError, "unequal lengths"),
        (lambda: L.IntegerLookup(vocabulary_dtype="int32"), ArgumentError, "int64"),
        (lambda: L.IntegerLookup(oov_method="md5"), ArgumentError, "oov_method"),
        (lambda: L.TextVectorization(ragged=True), ArgumentError, "padded"),
        (lambda: L.TextVectorization(split="words"), ArgumentError, "split='words'"),
        (lambda: L.TextVectorization(standardize="upper"), ArgumentError, "standardize='upper'"),
        (lambda: L.TextVectorization(ngrams="2"), ArgumentError, "ngrams"),
        (lambda: L.TextVectorization(output_mode="count", output_sequence_length=3), ArgumentError, "output_sequence"),
        (lambda: L.TextVectorization(vocabulary=["a"])([["a", "b"]]), ShapeError, "batch, 1"),
        (lambda: L.Hashing(0), ArgumentError, "num_bins=0"),
        (lambda: L.Hashing(3, salt="x"), ArgumentError, "salt"),
        (lambda: L.Hashing(3, output_mode="int", dtype="float32"), ArgumentError, "int32 or int64"),
        (lambda: L.HashedCrossing(3, output_mode="count"), ArgumentError, "one_hot"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()
