"""Files that mean harm, one builder each: {name: (ending, words of the refusal, bytes)}."""

from __future__ import annotations

import base64
import io
import json
import marshal
import os
import pickle
import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import h5py
import numpy as np

import lamella

CASES: dict[str, tuple[str, str, Callable[[], bytes]]] = {}
CODE = base64.b64encode(marshal.dumps((lambda x: __import__("os").system("true")).__code__)).decode()
LAMBDA = {"class_name": "__lambda__", "config": {"value": [CODE, None, None]}}
SECRET = "/etc/hostname"


def case(ending: str, words: str, name: str | None = None) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def keep(build: Callable[[], bytes]) -> Callable[[], bytes]:
        CASES[f"{name or build.__name__}{ending}"] = (ending, words, build)
        return build

    return keep


def model() -> Any:
    dense = lamella.layers.Dense(4, name="d")
    one = lamella.Sequential([lamella.Input((3,), name="i"), dense], name="s")
    one.compile("adam", "mse")
    return one


@cache
def written(ending: str) -> bytes:
    """A good file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"m{ending}")
        one = model()
        (one.save if ending in (".keras", ".h5") else one.save_weights)(path)
        with open(path, "rb") as file:
            return file.read()


@cache
def graph() -> bytes:
    """The config of a good model with a graph."""
    x = lamella.Input((3,), name="i")
    return lamella.Model(x, lamella.layers.Dense(4, name="d")(x), name="g").to_json().encode()


def load(path: Any) -> Any:
    """The model in a file, by what its name ends in."""
    if str(path).endswith((".weights.h5", ".safetensors")):
        one = model()
        one.load_weights(path)
        return one
    return lamella.saving.load_model(path)


def entries() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(written(".keras"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(changes: Any = (), method: int = zipfile.ZIP_STORED, add: Any = ()) -> bytes:
    """The good .keras file with some entries changed, and others added."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand twice
        for name, content in [*{**entries(), **dict(changes)}.items(), *add]:
            archive.writestr(name, content)
    return data.getvalue()


def config() -> Any:
    return json.loads(entries()["config.json"])


def with_config(value: Any) -> bytes:
    return zipped({"config.json": value if isinstance(value, (str, bytes)) else json.dumps(value)})


def obj(module: str | None, class_name: str, config: Any = None, **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": {} if config is None else config, **more}


# What a config names


def in_layer(name: str, words: str, /, **changes: Any) -> None:
    """A case: the Dense layer with other arguments."""

    @case(".keras", words, name)
    def build() -> bytes:
        whole = config()
        whole["config"]["layers"][1]["config"].update(changes)
        return with_config(whole)


def as_layer(name: str, words: str, layer: Any) -> None:
    """A case: something else in the place of the Dense layer."""

    @case(".keras", words, name)
    def build() -> bytes:
        whole = config()
        whole["config"]["layers"][1] = layer
        return with_config(whole)


for slot in ("activation", "kernel_initializer", "bias_regularizer", "kernel_constraint", "dtype"):
    in_layer(f"lambda as {slot}", "lambda", **{slot: LAMBDA})
    in_layer(f"os.system as {slot}", "not known here|is no|dtype", **{slot: obj("os", "function", "system")})
for module, function in [
    *[("builtins", "eval"), ("os", "system"), ("subprocess", "Popen"), ("posix", "system"), ("importlib", "reload")],
    *[("lamella.saving", "load_model"), ("keras.saving", "load_model"), ("keras.models", "load_model")],
    *[("keras.utils", "get_file"), ("keras.config", "enable_unsafe_deserialization"), ("numpy", "load")],
    *[("keras.applications.convnext", "ConvNeXtBase"), ("keras.src.saving.saving_api", "load_model")],
    *[("keras.losses", "mean_squared_error"), ("keras.ops", "arange"), ("keras.random", "normal")],
    *[("malicious", "case"), ("keras.layers.__init__", "__builtins__"), ("keras.layers", "deserialize")],
]:
    named = obj(module, "function", function)
    in_layer(f"{module}.{function} as activation", "not known|is no activation", activation=named)
    if not module.startswith(("keras.losses", "keras.ops", "keras.random")):
        as_layer(f"{module}.{function} as layer", "", obj(module, function, registered_name=f"{module}>{function}"))

in_layer("a loss as activation", "no activation", activation=obj("keras.losses", "MeanSquaredError"))
in_layer("an optimizer as activation", "no activation", activation=obj("keras.optimizers", "SGD"))
in_layer("a layer as initializer", "no initializer", kernel_initializer=obj("keras.layers", "ReLU"))
in_layer("an activation as regularizer", "", kernel_regularizer=obj("builtins", "function", "relu"))
as_layer("an optimizer as layer", "", obj("keras.optimizers", "SGD"))
as_layer("a function as layer", "", obj("builtins", "function", "relu"))
as_layer("torch module", "not known here", obj("keras.layers", "TorchModuleWrapper", {"module": CODE, "name": "t"}))
as_layer("saved model", "not known here", obj("keras.layers", "TFSMLayer", {"filepath": "/etc", "name": "t"}))
as_layer("jax layer", "", obj("keras.layers", "JaxLayer", {"call_fn": LAMBDA, "name": "t"}))
as_layer("lambda", "lambda", obj("keras.layers", "Lambda", {"name": "l", "function": LAMBDA}))
as_layer("safe mode off in the layer", "", obj("keras.layers", "Lambda", {"function": LAMBDA, "safe_mode": False}))
as_layer("wrapped lambda", "lambda", obj("keras.layers", "TimeDistributed", {"layer": obj("keras.layers", "Lambda", {
    "function": LAMBDA})}))  # fmt: skip

for lookup in ("StringLookup", "IntegerLookup", "TextVectorization"):
    for path in (SECRET, "../secret.txt", "https://example.com/words.txt", "file:///etc/hosts"):
        as_layer(f"{lookup} of {path}", "vocabulary", obj("keras.layers", lookup, {"vocabulary": path}))


@case(".keras", "lambda")
def safe_mode_off_in_the_file() -> bytes:
    whole = config()
    whole["config"]["layers"][1]["config"]["activation"] = LAMBDA
    return with_config({**whole, "safe_mode": False, "custom_objects": {"system": "os.system"}})


@case(".keras", "lambda")
def lambda_as_loss() -> bytes:
    whole = config()
    whole["compile_config"]["loss"] = LAMBDA
    return with_config(whole)


@case(".keras", "not known here")
def built_by_another_class() -> bytes:
    return with_config(obj("shutil", "rmtree", {"path": "/tmp/none"}, build_config={"input_shape": [None, 3]}))


# What a config costs

in_layer("units 10^12", "", units=10**12)
in_layer("units 10^7", "", units=10**7)
in_layer("units beyond 64 bits", "", units=10**30)
in_layer("array of a huge dtype", "", kernel_initializer=obj("keras.initializers", "Constant", {
    "value": obj(None, "__numpy__", {"value": ["a"], "dtype": "<U1000000000"})}))  # fmt: skip
as_layer("embedding 10^10", "", obj("keras.layers", "Embedding", {"input_dim": 10**10, "output_dim": 8}))
as_layer("ngrams", "larger than", obj("keras.layers", "TextVectorization", {"ngrams": 10**9}))
as_layer("oov", "larger than", obj("keras.layers", "StringLookup", {"num_oov_indices": 10**9, "vocabulary": ["a"]}))


def in_metrics(name: str, words: str, metric: Any) -> None:
    @case(".keras", words, name)
    def build() -> bytes:
        whole = config()
        whole["compile_config"]["metrics"] = [metric]
        return with_config(whole)


in_metrics("thresholds", "larger than", obj("keras.metrics", "AUC", {"num_thresholds": 10**9}))


def text(name: str, words: str, value: str | bytes) -> None:
    @case(".keras", words, name)
    def build() -> bytes:
        return with_config(value)


text("no JSON", "no JSON text", b"\x80\x04\x95pickle")
text("no UTF-8", "no JSON text", b'{"a": "\xff\xfe"}')
text("no object", "describe a model", "[]")
text("a function for a model", "", json.dumps(obj("builtins", "function", "relu")))
text("deep lists", "nested deeper|too long", "[" * 100_000)
text("deep objects", "nested deeper|too long", '{"config":' * 5000 + "1" + "}" * 5000)
text("NaN", "NaN", '{"class_name": NaN}')
text("minus infinity", "Infinity", '{"a": -Infinity}')
text("overflow", "too large", '{"a": 1e999}')
text("many digits", "digits", '{"a": ' + "7" * 5000 + "}")
text("key twice", "stands twice", '{"class_name": "Sequential", "class_name": "Model", "config": {}}')
text("a million lists", "too long", "[" + "[]," * 3_000_000 + "[]]")
text("a million layers", "too long", json.dumps({"class_name": "Sequential", "config": {"name": "s",
    "layers": [obj("keras.layers", "ReLU", {"name": "r"})] * 200_000}}))  # fmt: skip
text("many layers", "more layers", json.dumps({"class_name": "Sequential", "config": {"layers": [0] * 20_000}}))

for kind, layer_name in [("NUL", "a\0b"), ("escape", "a\x1b[2J"), ("overlong", "x" * 5000), ("bidi", "a\u202eb")]:
    in_layer(f"{kind} in a name", "name", name=layer_name)
for kind, layer_name in [("slash", "../../etc/cron.d/x"), ("number", 7), ("list", ["a"]), ("object", {"a": 1})]:
    in_layer(f"{kind} as a name", "", name=layer_name)


def in_graph(name: str, words: str, change: Callable[[Any], Any]) -> None:
    @case(".keras", words, name)
    def build() -> bytes:
        whole = json.loads(graph())
        change(whole["config"])
        return with_config(whole)


def _tensor_of(layer: str) -> Any:
    return obj(None, "__keras_tensor__", {"shape": [None, 4], "dtype": "float32", "keras_history": [layer, 0, 0]})


def _call(c: Any, *args: Any, **kwargs: Any) -> None:
    c["layers"][1]["inbound_nodes"] = [{"args": list(args), "kwargs": kwargs}]


in_graph("a loop", "loops", lambda c: _call(c, _tensor_of("d")))
in_graph("a call on what is not there", "does not hold", lambda c: _call(c, _tensor_of("nobody")))
in_graph("a call that computes", "no tensor", lambda c: _call(c, obj(None, "__numpy__", {
    "value": [[1.0, 2.0, 3.0]], "dtype": "float32"})))  # fmt: skip
in_graph("an op that allocates", "no tensor", lambda c: c["layers"].append({**obj("keras.src.ops.numpy", "Arange"),
    "name": "a", "inbound_nodes": [{"args": [10**12], "kwargs": {}}]}))  # fmt: skip
in_graph("outputs of nothing", "", lambda c: c.update(output_layers=[["d", 5, 0]]))
in_graph("outputs far away", "", lambda c: c.update(output_layers=[["d", 0, 10**12]]))


# Archives

for path in ("../evil", "assets/../../evil", "/etc/evil", "assets//x", "C:\\evil", "other.bin", "assets/a\x1bb", "."):
    case(".keras", "no saved model has", f"member {path!r}")(lambda path=path: zipped(add=[(path, "x")]))


@case(".keras", "stands twice")
def member_twice() -> bytes:
    return zipped(add=[("config.json", "{}")])


@case(".keras", "is a link")
def member_is_a_link() -> bytes:
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped(add=[(info, SECRET)])


@case(".keras", "unpack to far more")
def bomb() -> bytes:
    return zipped(method=zipfile.ZIP_DEFLATED, add=[("assets/zeros", bytes(80 << 20))])


@case(".keras", "unpack to far more")
def bomb_of_spaces() -> bytes:
    return zipped({"config.json": b" " * (40 << 20) + b"{}"}, zipfile.ZIP_DEFLATED)


@case(".keras", "does not use")
def another_method() -> bytes:
    return zipped(method=zipfile.ZIP_LZMA)


def _central(data: bytes, at: int, value: bytes, member: int = -1) -> bytes:
    """The archive with some bytes of a member's line in the directory changed."""
    changed, start = bytearray(data), -1
    starts = []
    while (start := data.find(b"PK\x01\x02", start + 1)) >= 0:
        starts.append(start)
    changed[starts[member] + at : starts[member] + at + len(value)] = value
    return bytes(changed)


@case(".keras", "overlaps")
def overlapping_members() -> bytes:
    return _central(zipped(), 42, bytes(4))


@case(".keras", "far more than it holds")
def member_that_claims_much() -> bytes:
    return _central(zipped(), 24, struct.pack("<I", 0xF0000000))


@case(".keras", "encrypted")
def encrypted() -> bytes:
    return _central(zipped(), 8, b"\x01\x00")


@case(".keras", "")
def wrong_checksum() -> bytes:
    return _central(zipped(), 16, b"\1\2\3\4")


# HDF5


def written_with(change: Callable[[Any], Any], ending: str = ".h5") -> bytes:
    """The good file after `change(file)`."""
    data = io.BytesIO(entries()["model.weights.h5"] if ending != ".h5" else written(".h5"))
    with h5py.File(data, "r+") as file:
        change(file)
    return data.getvalue()


def in_weights(name: str, words: str, change: Callable[[Any], Any], ending: str = ".weights.h5") -> None:
    """A case: a weights file that was changed, alone and inside of a whole model."""
    case(ending, words, name)(lambda: written_with(change, ending))
    if ending == ".weights.h5":
        case(".keras", words, name)(lambda: zipped({"model.weights.h5": written_with(change, ending)}))


KERNEL = "layers/dense/vars/0"


def replaced(**options: Any) -> Callable[[Any], Any]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, **options)

    return change


def linked(link: Any, where: str = KERNEL) -> Callable[[Any], Any]:
    def change(file: Any) -> None:
        del file[where]
        file[where] = link(file) if callable(link) and not isinstance(link, type) else link

    return change


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource(SECRET, "x", (3, 4))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


in_weights("soft link", "link to somewhere else", linked(h5py.SoftLink("/layers/dense/vars/1")))
in_weights("external link", "link to somewhere else", linked(h5py.ExternalLink(SECRET, "/x"), "layers/dense"))
in_weights("two names", "two names", linked(lambda file: file["layers/dense/vars/1"]))
in_weights("a loop", "two names", lambda file: file.__setitem__("layers/again", file["/"]))
in_weights("external data", "outside", replaced(shape=(3, 4), dtype="f4", external=[(SECRET, 0, 48)]))
in_weights("virtual", "view of other files", virtual)
in_weights("filter", "through a filter", replaced(data=np.ones((3, 4)), compression="gzip"))
in_weights("chunks", "in chunks", replaced(data=np.ones((3, 4)), chunks=(1, 4)))
bomb_of_chunks = {"shape": (1 << 20, 1 << 20), "dtype": "f4", "chunks": (1024, 1024), "compression": 9}
in_weights("shape bomb", "through a filter", replaced(**bomb_of_chunks))
in_weights("never written", "more bytes", replaced(shape=(1 << 20, 1 << 10), dtype="f4"))
in_weights("texts", "not numeric", replaced(data=["a", "b"]))
in_weights("fixed texts", "not numeric", replaced(data=np.array([b"a", b"b"])))
in_weights("compound", "not numeric", replaced(data=np.zeros(3, [("a", "f4"), ("b", "i8")])))
in_weights("references", "not numeric", replaced(shape=(3,), dtype=h5py.ref_dtype))
in_weights("opaque", "not numeric", replaced(data=np.zeros((3, 4), "V16")))
in_weights("no value", "no array", replaced(data=h5py.Empty("f4")))
in_weights("group for array", "could not be loaded", lambda file: (file.__delitem__(KERNEL), file.create_group(KERNEL)))
in_weights("type for array", "", lambda file: (file.__delitem__(KERNEL), file.__setitem__(KERNEL, np.dtype("f4"))))
in_weights("deep groups", "deeper", lambda file: file.create_group("layers/" + "g/" * 400))
in_weights("overlong name", "", lambda file: file.create_group("layers/" + "g" * 40_000))
in_weights("flipped", "checksum", lambda file: file[KERNEL].__setitem__((0, 0), 7))
in_weights("another shape", "could not be loaded", replaced(data=np.ones((3, 5), "f4")))
in_weights("texts as checksum", "checksum", lambda file: file[KERNEL].attrs.__setitem__("crc32", "abc"))


def attribute(name: str, value: Any, group: str = "/") -> Callable[[Any], Any]:
    return lambda file: file[group].attrs.__setitem__(name, value)


def evil_config() -> str:
    whole = config()
    whole["config"]["layers"][1]["config"]["activation"] = LAMBDA
    return json.dumps(whole)


in_weights("lambda", "lambda", attribute("model_config", evil_config()), ".h5")
in_weights("config of numbers", "no text", attribute("model_config", np.ones(3)), ".h5")
in_weights("deep config", "nested|too long", attribute("model_config", "[" * 5000), ".h5")
in_weights("names of numbers", "no list", attribute("layer_names", np.ones(3), "model_weights"), ".h5")
in_weights("names of elsewhere", "", attribute("layer_names", [b"../../x", b"/etc"], "model_weights"), ".h5")
in_weights("overlong names", "", attribute("weight_names", np.array([b"x" * 30_000] * 2), "model_weights/d"), ".h5")
in_weights("weights of another layer", "", attribute("weight_names", [b"s/d/kernel"] * 2, "model_weights/d"), ".h5")
in_weights("lambda as loss", "lambda", attribute("training_config", json.dumps({"loss": LAMBDA})), ".h5")


# Bytes that are something else

PICKLE = pickle.dumps(os.system)
for ending in (".keras", ".h5", ".weights.h5", ".safetensors"):
    case(ending, "", "pickle")(lambda: PICKLE)
    case(ending, "", "empty")(lambda: b"")
    case(ending, "", "zeros")(lambda: bytes(4096))
    case(ending, "", "cut in the middle")(lambda ending=ending: written(ending)[: len(written(ending)) // 2])
    case(ending, "", "cut at the end")(lambda ending=ending: written(ending)[:-3])
    case(ending, "", "magic only")(lambda ending=ending: written(ending)[:8])


@case(".safetensors", "than any header")
def header_beyond_all() -> bytes:
    return struct.pack("<Q", 1 << 62) + b"{}"


@case(".safetensors", "do not agree")
def huge_shape() -> bytes:
    header = json.dumps({"d": {"dtype": "F32", "shape": [1 << 40, 1 << 20], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)
