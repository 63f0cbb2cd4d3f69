"""More files that mean harm: things in the wrong place, and patterns."""

from __future__ import annotations

import json
from typing import Any

from malicious import LAMBDA, as_layer, case, config, in_graph, in_layer, in_metrics, obj, with_config

ELSEWHERE = "which is no|not known here|from a file is not run|overlong"

ADD = obj("keras.src.ops.numpy", "Add")
SGD = obj("keras.optimizers", "SGD")
RELU = obj("builtins", "function", "relu")
STEALING = [
    *[("keras.utils", "get_file"), ("keras.ops", "save"), ("numpy", "save"), ("numpy", "fromfile"), ("jax", "jit")],
    *[("keras.random", "shuffle"), ("keras.config", "set_floatx"), ("keras.utils", "set_random_seed")],
    *[("keras.callbacks", "CSVLogger"), ("keras.export", "ExportArchive"), ("keras.quantizers", "get")],
    *[("keras.ops", "while_loop"), ("keras.ops", "custom_gradient"), ("keras.ops", "numpy"), ("keras.tree", "map")],
    *[("lamella.saving.gate", "Entries"), ("lamella.registry.budget", "budget"), ("keras.src.utils", "file_utils")],
]


def compiled(name: str, words: str, **changes: Any) -> None:
    @case(".keras", words, name)
    def build() -> bytes:
        whole = config()
        whole["compile_config"].update(changes)
        return with_config(whole)


for module, function in STEALING:
    named = obj(module, "function", function)
    as_layer(f"Lambda of {module}.{function}", ELSEWHERE, obj("keras.layers", "Lambda", {"function": named}))
    in_layer(f"{module}.{function} as initializer", ELSEWHERE, kernel_initializer=named)
    compiled(f"{module}.{function} as loss", ELSEWHERE, loss=named)
    compiled(f"{module}.{function} as optimizer", ELSEWHERE, optimizer=obj(module, function))

for key in ("output_shape", "mask", "arguments"):
    evil = {"function": RELU, key: obj("keras.ops", "function", "save")}
    as_layer(f"function as {key} of Lambda", ELSEWHERE, obj("keras.layers", "Lambda", evil))
    as_layer(f"lambda as {key} of Lambda", "lambda", obj("keras.layers", "Lambda", {"function": RELU, key: LAMBDA}))
for key in ("standardize", "split"):
    as_layer(f"relu as {key}", "function of your own", obj("keras.layers", "TextVectorization", {key: RELU}))
for key in ("units", "use_bias", "trainable", "name"):
    in_layer(f"an optimizer as {key}", "no plain value|name", **{key: SGD})
for key in ("layer", "cell"):
    kind = {"layer": "TimeDistributed", "cell": "RNN"}[key]
    for name, value in {"an optimizer": SGD, "a function": RELU, "an op": ADD}.items():
        as_layer(f"{name} as {key}", f"no {key}", obj("keras.layers", kind, {key: value}))
in_layer("a policy as seed", "no seed", kernel_initializer=obj("keras.initializers", "GlorotUniform", {
    "seed": obj("keras", "DTypePolicy", {"name": "float32"})}))  # fmt: skip
in_layer("an optimizer in an array", "no plain value", kernel_initializer=obj("keras.initializers", "Constant", {
    "value": obj(None, "__numpy__", {"value": [SGD], "dtype": "object"})}))  # fmt: skip
in_layer("a deep wrong place", "no plain value", activation=obj("keras.layers", "Activation", {
    "activation": obj("keras.layers", "ReLU", {"activity_regularizer": obj("keras.regularizers", "L2", {
        "l2": obj("keras.optimizers", "SGD", {"learning_rate": SGD})})})}))  # fmt: skip
compiled("a layer as loss", "no loss", loss=obj("keras.layers", "ReLU"))
compiled("a metric as loss", "no loss", loss=obj("keras.metrics", "AUC"))
compiled("a loss as optimizer", "no optimizer", optimizer=obj("keras.losses", "Huber"))
compiled("an optimizer as rate", "no learning rate", optimizer=obj("keras.optimizers", "Adam", {"learning_rate": SGD}))
compiled("an activation in a loss", "no loss", loss=obj("keras.src.losses.losses", "LossFunctionWrapper", {"fn": RELU}))
in_metrics("an optimizer as metric", "no metric", SGD)
in_metrics("get_file in a metric", ELSEWHERE, obj("keras.metrics", "MeanMetricWrapper", {
    "fn": obj("keras.utils", "function", "get_file")}))  # fmt: skip
in_metrics("an option that loads", ELSEWHERE, obj("keras.metrics", "MeanMetricWrapper", {
    "fn": obj("builtins", "function", "mean_squared_error"), "y": obj("numpy", "function", "load")}))  # fmt: skip


@case(".keras", "shares an object")
def an_optimizer_under_the_id_of_an_activation() -> bytes:
    whole = config()
    activation = obj("keras.layers", "Activation", {"activation": obj("keras.layers", "ReLU")}, shared_object_id=5)
    whole["config"]["layers"][1]["config"]["activation"] = activation
    whole["compile_config"]["optimizer"] = {**SGD, "shared_object_id": 5}
    return with_config(whole)


for kind, value in {"a list": ["Dense"], "an object": {"a": 1}, "a number": 7, "nothing": None}.items():
    as_layer(f"{kind} as class", "", {"module": "keras.layers", "class_name": value, "config": {"units": 1}})
    as_layer(f"{kind} as module", "", {"module": value, "class_name": "nn", "config": {}})
    as_layer(f"{kind} as config", "", {"module": "keras.layers", "class_name": "Dense", "config": value})
    as_layer(f"{kind} as function", "", obj("builtins", "function", value))
    as_layer(f"{kind} as registered", "", obj("keras.layers", "Nothing", registered_name=value))


# Patterns

ONLY_RE = ["(?=a)a", r"(a)\1", "(?i)a", "(" * 300, "a" * 250 + ".", "(a{200}){200}"]


def muon(patterns: Any) -> Any:
    return obj("keras.optimizers", "Muon", {"exclude_layers": patterns})


for number, pattern in enumerate(ONLY_RE):
    policy = obj("keras", "DTypePolicy", {"name": "float32"})
    compiled(f"pattern {number} of Muon", "not run", optimizer=muon([pattern]))
    in_layer(f"pattern {number} of a policy", "not run", dtype=obj("keras.dtype_policies", "DTypePolicyMap", {
        "default_policy": None, "policy_map": {pattern: policy}}))  # fmt: skip
    compiled(f"pattern {number} of optimizers", "not run|not known", optimizer=obj(
        "keras.optimizers", "MultiOptimizer", {"optimizer_map": obj("keras.optimizers", "OptimizerMap", {
            "default_optimizer": SGD, "optimizer_map": {pattern: SGD}})}))  # fmt: skip
compiled("a thousand patterns", "too many", optimizer=muon([f"layer_{n}.*" for n in range(1000)]))
compiled("patterns that are none", "not run", optimizer=muon([["a"], 7]))


# Calls in a graph


def calls(name: str, words: str, *args: Any, op: Any = None, **kwargs: Any) -> None:
    """A case: one more op in the graph, with these arguments after the tensor."""

    def change(c: Any) -> None:
        tensor = {"shape": [None, 3], "dtype": "float32", "keras_history": ["i", 0, 0]}
        args_and = [obj(None, "__keras_tensor__", tensor), *args]
        call = {"args": args_and, "kwargs": kwargs}
        c["layers"].append({**(op or ADD), "name": "o", "inbound_nodes": [call]})

    in_graph(name, words, change)


calls("an optimizer as argument", "no argument of a call", SGD)
calls("a lambda as argument", "lambda", LAMBDA)
calls("get_file as argument", ELSEWHERE, obj("keras.utils", "function", "get_file"))
calls("a function as argument", ELSEWHERE, x=obj("keras.ops", "function", "map"))
calls("a long text", "overlong", "(" * 1_000_000 + "->", op=obj("keras.src.ops.einops", "Rearrange"))
calls("an overlong einsum", "overlong", op=obj("keras.src.ops.numpy", "Einsum", {"subscripts": "a," * 10_000 + "->"}))


@case(".h5", "no optimizer", "an optimizer that is none")
def optimizer_that_is_none() -> bytes:
    from malicious import attribute, written_with

    return written_with(attribute("training_config", json.dumps({"optimizer_config": obj("keras.layers", "ReLU")})))
