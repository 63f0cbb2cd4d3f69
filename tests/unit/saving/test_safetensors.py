"""safetensors: addresses as keys, bytes that others read, and nothing taken on trust."""

from __future__ import annotations

import json
import random

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import lamella
from lamella import layers
from lamella.errors import FileError
from lamella.saving.safetensors import Safetensors, write_safetensors

DTYPES = ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float16", "float32"]
ARRAYS = {name: np.array([[1, 0, 3], [4, 5, 6]]).astype(name) for name in [*DTYPES, "float64", "complex64"]}
ARRAYS |= {
    "bfloat16": np.array([1.5, -2]).astype(ml_dtypes.bfloat16),
    "scalar": np.float32(7),
    "none": np.zeros((0, 2)),
}
ARRAYS["scalar"] = np.asarray(ARRAYS["scalar"])


def model(*widths, **names):
    return lamella.Sequential([lamella.Input((3,)), *(layers.Dense(width) for width in widths or (4, 2))], **names)


def assert_same_weights(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape, name
        np.testing.assert_array_equal(found[name], value)


# The format


def test_the_real_package_reads_ours(tmp_path):
    write_safetensors(tmp_path / "ours.safetensors", ARRAYS)
    assert_same(safetensors.numpy.load_file(tmp_path / "ours.safetensors"), ARRAYS)


def test_ours_reads_the_real_packages(tmp_path):
    safetensors.numpy.save_file(ARRAYS, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    assert_same(Safetensors(tmp_path / "theirs.safetensors"), ARRAYS)


def test_ours_reads_ours(tmp_path):
    write_safetensors(tmp_path / "ours.safetensors", ARRAYS)
    assert_same(Safetensors(tmp_path / "ours.safetensors"), ARRAYS)


def test_a_dtype_that_the_format_lacks(tmp_path):
    with pytest.raises(FileError, match="dtype that safetensors lacks"):
        write_safetensors(tmp_path / "x.safetensors", {"a": np.array(["text"])})
    assert not (tmp_path / "x.safetensors").exists()


def hostile(header, data=b"\0" * 8, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(begin=0, end=8, shape=(2,), dtype="F32", **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


HOSTILE = {
    "empty": (b"", "longer than the file"),
    "no header": (b"\x08" + bytes(6), "longer than the file"),
    "header beyond the file": (hostile({}, b"", 1 << 40), "longer than the file"),
    "header beyond any": (hostile(b"{}" + b" " * (5 << 20), b""), "than any header"),
    "no JSON": (hostile(b"\x80\x04pickle."), "no JSON text"),
    "no object": (hostile([1]), "no JSON object"),
    "key twice": (hostile(b'{"a":1,"a":2}'), "stands twice"),
    "deep": (hostile(b'{"a":' * 5000 + b"1" + b"}" * 5000), "nested deeper"),
    "NaN": (hostile(b'{"a":NaN}'), "no JSON number"),
    "entry is no object": (hostile({"a": 3}), "a › the entry needs"),
    "more in an entry": (hostile({"a": entry(path="/etc/passwd")}), "a › the entry needs"),
    "dtype unknown": (hostile({"a": entry(dtype="O")}), "describes no array"),
    "dtype is a list": (hostile({"a": entry(dtype=["F32"])}), "describes no array"),
    "negative size": (hostile({"a": entry(shape=(-2,))}), "lists of sizes"),
    "true as a size": (hostile({"a": entry(shape=(True,))}), "lists of sizes"),
    "huge shape": (hostile({"a": entry(shape=(1 << 40, 1 << 40))}), "do not agree"),
    "beyond 64 bits": (hostile({"a": entry(end=1 << 70)}), "lists of sizes"),
    "offsets turned round": (hostile({"a": entry(8, 0)}), "do not agree"),
    "beyond the file": (hostile({"a": entry(0, 800, (200,))}), "cut off"),
    "overlap": (hostile({"a": entry(), "b": entry(4, 8, (1,))}), "overlaps"),
    "gap": (hostile({"a": entry(4, 8, (1,))}), "overlaps another array, or leaves a gap"),
    "more than arrays": (hostile({"a": entry()}, bytes(9)), "more in it than arrays"),
    "metadata is no text": (hostile({"__metadata__": {"a": 1}, "a": entry()}), "more than texts"),
    "checksum left out": (hostile({"__metadata__": {"crc32 b": "0"}, "a": entry()}), "checksum is missing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name):
    data, words = HOSTILE[name]
    (tmp_path / "bad.safetensors").write_bytes(data)
    with pytest.raises(FileError, match=words) as caught:
        Safetensors(tmp_path / "bad.safetensors")
    assert "bad.safetensors" in str(caught.value)


def test_no_mutation_is_loaded_as_if_it_were_right(tmp_path):
    """Any one byte changed: an error, or the very arrays (a byte of padding, or of the metadata)."""
    path, dice = tmp_path / "m.safetensors", random.Random(0)
    arrays = {"square": np.arange(4, dtype="float32").reshape(2, 2), "other": np.arange(4, dtype="int32")}
    write_safetensors(path, arrays)
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= dice.randrange(1, 256)
        path.write_bytes(changed)
        try:
            found = dict(Safetensors(path))
        except FileError:
            refused += 1
        else:
            assert_same(found, arrays)
    assert refused > len(whole) * 0.8


# Models


def test_weights_by_address(tmp_path):
    one, two = model(), model()
    one.save_weights(tmp_path / "m.safetensors")
    assert list(safetensors.numpy.load_file(tmp_path / "m.safetensors")) != []
    assert set(Safetensors(tmp_path / "m.safetensors")) == {
        "dense/kernel",
        "dense/bias",
        "dense_1/kernel",
        "dense_1/bias",
    }
    report = two.load_weights(tmp_path / "m.safetensors")
    assert sorted(report.loaded) == sorted(Safetensors(tmp_path / "m.safetensors")) and not report.skipped
    assert_same_weights(one, two)


def test_training_adds_nothing_to_the_file(tmp_path):
    one = model()
    one.compile("adam", "mse", metrics=["mae"])
    one.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    one.save_weights(tmp_path / "m.safetensors")
    assert len(Safetensors(tmp_path / "m.safetensors")) == 4


def test_automatic_names_are_counted_anew(tmp_path):
    """A file written of a loaded model keeps the numbers that its layers once had."""
    one = lamella.Sequential([lamella.Input((3,)), *(layers.Dense(3, name=f"dense_{number}") for number in (9, 12))])
    one.save_weights(tmp_path / "m.safetensors")
    two = model(3, 3)
    two.load_weights(tmp_path / "m.safetensors")
    assert_same_weights(one, two)


def test_names_that_were_given_are_not(tmp_path):
    def named(*names):
        return lamella.Sequential([lamella.Input((3,)), *(layers.Dense(3, name=name) for name in names)])

    named("a_1", "a_2").save_weights(tmp_path / "m.safetensors")
    with pytest.raises(FileError, match="it is not in the file"):
        named("a_2", "a_3").load_weights(tmp_path / "m.safetensors")


def test_bfloat16_and_random_seeds(tmp_path):
    def made(seed):
        body = [layers.Dense(2, dtype="bfloat16"), layers.Dropout(0.5, seed=seed), layers.BatchNormalization()]
        return lamella.Sequential([lamella.Input((3,)), *body])

    one, two = made(1), made(2)
    one.save_weights(tmp_path / "m.safetensors")
    two.load_weights(tmp_path / "m.safetensors")
    for left, right in zip(one.variables, two.variables, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left.numpy(), right.numpy())


def test_what_does_not_fit_changes_nothing(tmp_path):
    one, other = model(4, 2), model(4, 5)
    before = other.get_weights()
    one.save_weights(tmp_path / "m.safetensors")
    with pytest.raises(FileError, match="2 of 4 parts") as caught:
        other.load_weights(tmp_path / "m.safetensors")
    assert "dense_1/kernel: it has shape (4, 2) in the file, (4, 5) in the model" in str(caught.value)
    for left, right in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_skip_mismatch(tmp_path):
    one, other = model(4, 2), model(4, 5)
    one.save_weights(tmp_path / "m.safetensors")
    with pytest.warns(UserWarning, match="2 of 4 parts"):
        report = other.load_weights(tmp_path / "m.safetensors", skip_mismatch=True)
    assert report.loaded == ["dense/kernel", "dense/bias"] and set(report.skipped) == {"dense_1/kernel", "dense_1/bias"}
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])


def test_missing_and_unused(tmp_path):
    one = model(4)
    arrays = {"dense/kernel": one.get_weights()[0], "extra": np.ones(2)}
    safetensors.numpy.save_file(arrays, tmp_path / "m.safetensors")
    with pytest.warns(UserWarning):
        report = one.load_weights(tmp_path / "m.safetensors", skip_mismatch=True)
    assert report.loaded == ["dense/kernel"] and report.unused == ["extra"]
    assert report.skipped == {"dense/bias": "it is not in the file"}


def test_another_kind_of_number_is_refused(tmp_path):
    one = model(4)
    arrays = {"dense/kernel": np.zeros((3, 4), "int32"), "dense/bias": np.zeros(4, "float64")}
    safetensors.numpy.save_file(arrays, tmp_path / "m.safetensors")
    with pytest.raises(FileError, match="int32 in the file, float32 in the model"):
        one.load_weights(tmp_path / "m.safetensors")


def test_a_flipped_bit_is_noticed(tmp_path):
    one = model()
    before = one.get_weights()
    one.save_weights(tmp_path / "m.safetensors")
    data = bytearray((tmp_path / "m.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "m.safetensors").write_bytes(data)
    one.set_weights([w + 1 for w in before])
    with pytest.raises(FileError, match="checksum is wrong"):
        one.load_weights(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(one.get_weights()[0], before[0] + 1)


def test_from_a_file_of_torch_users(tmp_path):
    safetensors.numpy.save_file(
        {"dense/kernel": np.ones((3, 1), "float16"), "dense/bias": np.zeros(1)}, tmp_path / "h.safetensors"
    )
    one = model(1)
    one.load_weights(tmp_path / "h.safetensors")
    assert float(one(jnp.ones((1, 3)))[0, 0]) == 3 and one.weights[0].dtype == "float32"


def test_a_known_architecture_from_a_file(tmp_path):
    options = {"input_shape": (32, 32, 3), "alpha": 0.35, "include_top": False}
    one = lamella.applications.MobileNetV2(**options, weights=None)
    one.save_weights(tmp_path / "m.safetensors")
    assert_same_weights(one, lamella.applications.MobileNetV2(**options, weights=tmp_path / "m.safetensors"))
    with pytest.raises(FileError, match="parts of the model could not be loaded"):
        lamella.applications.MobileNetV2(**(options | {"alpha": 0.5}), weights=tmp_path / "m.safetensors")
