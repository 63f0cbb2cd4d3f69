"""More files that mean harm: small ones that cost much, and formats bent."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import h5py
import numpy as np
from malicious import KERNEL, as_layer, case, entries, in_graph, in_layer, in_weights, obj, replaced, text, zipped

# Ops that never end


def _input(c: Any, shape: list[Any]) -> None:
    c["layers"][0]["config"]["batch_shape"] = shape


def wide(name: str, op: Any, shape: list[Any], *more: Any) -> None:
    """A case: an op on a large tensor, called on it once more for each of `more`."""

    def change(c: Any) -> None:
        tensor = obj(None, "__keras_tensor__", {"shape": shape, "dtype": "float32", "keras_history": ["i", 0, 0]})
        c["layers"] = [c["layers"][0], {**op, "name": "o", "inbound_nodes": [{"args": [tensor] * (1 + len(more)),
                       "kwargs": {}}]}]  # fmt: skip
        c["layers"][0]["config"]["batch_shape"] = shape
        c["output_layers"] = [["o", 0, 0]]

    in_graph(name, "too long to find out", change)


N = 10**6
wide("a million differences", obj("keras.src.ops.numpy", "Diff", {"n": N}), [8, N])
wide("rows of the batch stacked", obj("keras.src.ops.numpy", "Reshape"), [None, 8], 1)
wide("a million rows stacked", obj("keras.src.ops.numpy", "Stack"), [N, 8])
wide("a million rows joined", obj("keras.src.ops.numpy", "Concatenate"), [N, 8])
wide("a million rows in a shape", obj("keras.src.ops.numpy", "Reshape"), [N, 8], 1)
wide("a million rows unstacked", obj("keras.src.ops.core", "Unstack", {"num": N}), [N, 8])
wide("a million parts", obj("keras.src.ops.numpy", "Split", {"indices_or_sections": N}), [N, 8])
wide("a million windows", obj("keras.src.ops.nn", "MaxPool"), [N, 8], 1)


def long_graph(name: str, words: str, order: int, last: str) -> None:
    """A case: thousands of calls, the last of which cannot be made."""

    def change(c: Any) -> None:
        layers, before = c["layers"][:1], "i"
        for number in range(3000):
            history = {"shape": [None, 3], "dtype": "float32", "keras_history": [before, 0, 0]}
            call = {"args": [obj(None, "__keras_tensor__", history)], "kwargs": {}}
            layers.append({**obj("keras.layers", "Identity", {"name": f"l{number}"}), "name": f"l{number}",
                           "inbound_nodes": [call]})  # fmt: skip
            before = f"l{number}"
        layers[1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = last
        c["layers"] = [layers[0], *layers[1:][::order]]

    in_graph(name, words, change)


long_graph("a loop of thousands", "loops", 1, "l2999")
long_graph("a loop of thousands, backwards", "loops", -1, "l2999")
long_graph("thousands of calls on nothing", "does not hold", 1, "nobody")
ten_thousand = [obj("keras.layers", "Dense", {"units": 1, "name": f"d{n}"}) for n in range(9_998)]
ten_thousand.append(obj("keras.layers", "Nothing"))
text("the last of ten thousand", "not known here", json.dumps(
    obj("keras", "Sequential", {"name": "s", "layers": ten_thousand})))  # fmt: skip

nested = json.dumps(obj("keras.layers", "ReLU", {"name": "r"}))
for _ in range(400):
    nested = '{"module": "keras", "class_name": "Sequential", "config": {"layers": [' + nested + "]}}"
text("models in models", "nested", nested)
wrapped: Any = obj("keras.layers", "ReLU", {"name": "r"})
for number in range(60):
    wrapped = obj("keras.layers", "Bidirectional", {"layer": wrapped, "name": f"b{number}"})
as_layer("copies of copies", "", wrapped)

text("millions of numbers", "too long", "[" + "1," * 4_000_000 + "1]")
text("a million names", "more objects", "{" + ",".join(f'"{n}":1' for n in range(700_000)) + "}")
text("a large exponent", "too large", '{"a": 1E400}')
text("a large signed exponent", "too large", '{"a": 1e+400}')
text("a million digits", "too large", '{"a": 1.' + "7" * 1_000_000 + "e999}")
text("half a text", "no JSON text", '{"class_name": "Sequen')
text("bytes of another code", "no JSON text", '{"a": "ä"}'.encode("utf-16"))
text("a lone surrogate as name", "", '{"class_name": "\\ud800", "module": "keras", "config": {}}')
in_layer("one long text of many", "overlong", kernel_initializer=obj("keras.initializers", "Constant", {
    "value": obj(None, "__numpy__", {"value": ["x" * 1_000_000, *["a"] * 100_000], "dtype": "str"})}))  # fmt: skip


@case(".keras", "too long")
def bomb_of_a_long_config() -> bytes:
    return zipped({"config.json": b'"' + b"x" * (70 << 20) + b'"'}, zipfile.ZIP_STORED)


# HDF5

OPTIONS = {
    "lzf": {"compression": "lzf"},
    "shuffle": {"shuffle": True, "chunks": (1, 4)},
    "fletcher32": {"fletcher32": True, "chunks": (1, 4)},
    "scale and offset": {"scaleoffset": 4, "chunks": (1, 4)},
    "growing": {"maxshape": (None, 4)},
}
for name, options in OPTIONS.items():
    in_weights(name, "through a filter|in chunks", replaced(data=np.ones((3, 4), "f4"), **options))
in_weights("backwards numbers", "not numeric", replaced(data=np.ones((3, 4), ">f4")))
in_weights("arrays of arrays", "not numeric", replaced(shape=(3,), dtype=np.dtype(("f4", (4,)))))
in_weights("times", "not numeric", replaced(data=np.zeros((3, 4), "i8").astype(h5py.opaque_dtype(np.dtype("M8[s]")))))
in_weights("names of numbers", "not numeric", replaced(shape=(3, 4), dtype=h5py.enum_dtype({"a": 1, "b": 2}, "i4")))
in_weights("regions", "not numeric", replaced(shape=(3,), dtype=h5py.regionref_dtype))
in_weights("lists of numbers", "not numeric", replaced(shape=(3,), dtype=h5py.vlen_dtype(np.dtype("f4"))))
in_weights("a single number", "could not be loaded", replaced(data=np.float32(1)))
in_weights("no rows", "could not be loaded", replaced(data=np.ones((0, 4), "f4")))
in_weights("32 axes", "could not be loaded", replaced(data=np.ones((1,) * 32, "f4")))
in_weights("a thousand groups", "", lambda file: (file.__delitem__("layers"), [
    file.create_group(f"layers/g{n}") for n in range(1000)]))  # fmt: skip


def with_latest_format() -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w", libver="latest") as file:
        for number in range(12):
            file[f"layers/dense/vars/{number}"] = np.ones(3, "f4")
    return data.getvalue()


def behind_other_bytes() -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w", userblock_size=512) as file:
        file[KERNEL] = np.ones((3, 4), "f4")
    return data.getvalue()


case(".weights.h5", "keeps its names", "dense names")(with_latest_format)
case(".keras", "keeps its names", "dense names")(lambda: zipped({"model.weights.h5": with_latest_format()}))
case(".weights.h5", "no HDF5", "behind other bytes")(behind_other_bytes)


def patched(name: str, words: str, *places: tuple[int, bytes]) -> None:
    """A case: some bytes at the front of a weights file replaced."""

    def weights() -> bytes:
        data = bytearray(entries()["model.weights.h5"])
        for at, value in places:
            data[at : at + len(value)] = value
        return bytes(data)

    case(".weights.h5", words, name)(weights)
    case(".keras", words, name)(lambda: zipped({"model.weights.h5": weights()}))


FAR = struct.pack("<Q", 1 << 63)
patched("another version", "not those that Keras writes", (8, b"\x09"))
patched("wide addresses", "not those that Keras writes", (13, b"\x10"))
patched("a base elsewhere", "", (24, struct.pack("<Q", 512)))
patched("an end far away", "", (40, FAR))
patched("a root far away", "", (64, FAR))
patched("a root in itself", "", (64, struct.pack("<Q", 0)))


# Archives


def stub_before() -> bytes:
    return b"#!/bin/sh\nexec sh\n" * 100 + zipped()


def two_archives() -> bytes:
    return zipped({"config.json": b"{}"}) + zipped()


def many_members() -> bytes:
    return zipped(add=[(f"assets/{n}", b"") for n in range(10_100)])


def folder_for_file() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in entries().items():
            archive.writestr(f"{name}/" if name == "config.json" else name, b"" if name == "config.json" else content)
    return data.getvalue()


def another_name_inside() -> bytes:
    """The directory says `config.json`, the member itself another name."""
    data = bytearray(zipped())
    at = data.find(b"config.json")
    data[at : at + 11] = b"donfig.json"
    return bytes(data)


case(".keras", "members", "ten thousand members")(many_members)
case(".keras", "", "a folder for a file")(folder_for_file)
case(".keras", "", "another name inside")(another_name_inside)
for name in ("CONFIG.JSON", "config.json\0.txt", "assets/../config.json", "assets/CON:x", "~/x", "assets/" + "x" * 300):
    case(".keras", "no saved model has|stands twice", f"member {name[:20]!r}…")(
        lambda name=name: zipped(add=[(name, b"x")])
    )
