"""Each place in a config takes what belongs there: every other kind of object is refused before it is made."""

from __future__ import annotations

import inspect
from importlib import import_module

import numpy as np
import pytest

import lamella as L
from lamella.errors import ConfigError, LamellaError
from lamella.registry import DOORS, register_keras_serializable
from lamella.registry.slots import MAX_TEXT, check_arguments, check_compile_config

read, write = L.saving.deserialize_keras_object, L.saving.serialize_keras_object


def named(module, class_name, config=None):
    return {"module": module, "class_name": class_name, "config": {} if config is None else config}


OBJECTS = {
    "activation": named("builtins", "function", "relu"),
    "constraint": named("keras.constraints", "NonNeg"),
    "initializer": named("keras.initializers", "Zeros"),
    "layer": named("keras.layers", "ReLU"),
    "loss": named("keras.losses", "Huber"),
    "loss function": named("builtins", "function", "huber"),
    "metric": named("keras.metrics", "AUC"),
    "metric function": named("builtins", "function", "binary_accuracy"),
    "model": named("keras", "Sequential"),
    "op": named("keras.src.ops.numpy", "Add"),
    "optimizer": named("keras.optimizers", "SGD"),
    "policy": named("keras", "DTypePolicy", {"name": "float32"}),
    "regularizer": named("keras.regularizers", "L2"),
    "schedule": named("keras.optimizers.schedules", "PolynomialDecay"),
    "seed": named("keras.random", "SeedGenerator"),
}
NEVER = {
    f"{module}.{name}": named(module, "function", name)
    for module, name in [
        *[("keras.utils", "get_file"), ("keras.ops", "save"), ("keras.ops", "arange"), ("keras.ops", "while_loop")],
        *[
            ("numpy", "save"),
            ("numpy", "load"),
            ("os", "system"),
            ("keras.random", "shuffle"),
            ("keras.models", "load"),
        ],
        *[("keras.config", "set_floatx"), ("keras.saving", "load_model"), ("builtins.eval", "eval"), ("jax", "jit")],
        *[("keras.layers", "Dense"), ("keras.losses", "deserialize"), ("keras.utils", "set_random_seed")],
    ]
}
FITS = {
    "activation": {"activation", "layer"},
    "cell": {"layer"},
    "cells": {"layer"},
    "constraint": {"constraint"},
    "dtype": {"policy"},
    "function": {"activation", "layer", "model"},
    "initializer": {"initializer"},
    "layer": {"layer", "model"},
    "layers": {"layer", "model", "op"},
    "optimizer": {"optimizer"},
    "regularizer": {"regularizer"},
    "seed": {"seed"},
}
SPECIAL = {  # where the last word of the name does not tell
    **{("Lambda", name): FITS["function"] for name in ("output_shape", "mask", "arguments")},
    ("LossFunctionWrapper", "fn"): {"loss", "loss function"},
    ("MeanMetricWrapper", "fn"): {"loss", "loss function", "metric", "metric function"},
    **{("Distiller", name): FITS["layer"] for name in ("teacher", "student")},
    **{(name, "loss"): {"loss", "loss function"} for name in ("FeatureDistillation", "LogitsDistillation")},
    **{("*", name): {"optimizer"} for name in ("optimizer_map", "default_optimizer", "inner_optimizer")},
    **{("*", name): {"policy"} for name in ("default_policy", "policy_map")},
    ("Feature", "preprocessor"): FITS["layer"],
    ("*", "exclude_layers"): {"a list of names"},
    ("*", "learning_rate"): {"schedule"},
    ("*", "layers"): FITS["layers"],
}


def classes():
    """Every class that a file may name."""
    found = {}
    for room in dict.fromkeys(DOORS.values()):
        door = import_module(room)
        for name in door.__all__:
            if inspect.isclass(cls := getattr(door, name)) and hasattr(cls, "from_config"):
                found[cls.__name__] = cls
    return found


CLASSES = classes()
PATTERNS = ("exclude_layers", "policy_map", "optimizer_map")  # their keys, or items, are names


def arguments(cls):
    """The names of a class's arguments, and some that none has."""
    names = {name for base in cls.__mro__ for name in inspect.signature(base.__init__).parameters}
    return sorted({*names, "anything", "layers", "learning_rate", "kernel_initializer"} - {"self", "args", "kwargs"})


def expected(cls, argument):
    special = SPECIAL.get((cls.__name__, argument)) or SPECIAL.get(("*", argument))
    return special or FITS.get("layer" if argument == "backward_layer" else argument.rpartition("_")[2], set())


def refuses(cls, argument, value):
    try:
        check_arguments(cls, {argument: value}, {})
    except ConfigError as error:
        assert any(words in str(error) for words in (argument, "not known here", "is not run"))
        return True
    return False


def test_there_are_many_classes():
    assert len(CLASSES) > 200 and {"Dense", "Adam", "AUC", "Huber", "L1L2", "Sequential", "LayerScale"} <= set(CLASSES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_argument_of_every_class(name):
    cls = CLASSES[name]
    wrappers = {"LossFunctionWrapper", "MeanMetricWrapper"}  # further arguments are options of the function
    for argument in arguments(cls):
        fits = expected(cls, argument)
        if name in wrappers and not fits:
            continue
        for kind, value in OBJECTS.items():
            for around in ({"a": value}, {"a": [[value]]}, *([] if argument in PATTERNS else [value, [value]])):
                assert refuses(cls, argument, around) == (kind not in fits), (argument, kind, around)
        for kind, value in NEVER.items():
            assert refuses(cls, argument, value), (argument, kind)


@pytest.mark.parametrize("slot", ["optimizer", "loss", "metrics", "weighted_metrics", "loss_weights", "run_eagerly"])
def test_every_argument_of_compile(slot):
    metrics = {"loss", "loss function", "metric", "metric function"}
    fits = {"optimizer": {"optimizer"}, "loss": {"loss", "loss function"}, "metrics": metrics}
    for kind, value in {**OBJECTS, **NEVER}.items():
        for around in (value, [value], {"out": [value]}):
            try:
                check_compile_config({slot: around})
                refused = False
            except ConfigError:
                refused = True
            assert refused == (kind not in fits.get(slot.removeprefix("weighted_"), ())), kind


def test_a_model_of_ones_own_may_be_compiled_in_its_own_way():
    @register_keras_serializable("tests")
    class Pair(L.Sequential):
        def compile(self, first, second, **kwargs):
            super().compile(first, "mse", **kwargs)
            self.second = second

        def get_compile_config(self):
            return write({"first": self.optimizer, "second": self.second})

    model = Pair([L.Input((3,)), L.layers.Dense(1)])
    model.compile(L.optimizers.SGD(0.5), L.optimizers.Adam(0.25))
    assert float(read(write(model)).second.learning_rate) == 0.25


def test_options_of_wrapped_functions():
    for cls in (L.losses.LossFunctionWrapper, L.metrics.MeanMetricWrapper):
        assert not refuses(cls, "of", OBJECTS["activation"]) and refuses(cls, "of", OBJECTS["optimizer"])


def test_only_functions_of_ones_own_standardize_and_split():
    @register_keras_serializable("tests", "lowered")
    def lowered(texts):
        return np.char.lower(texts)

    layer = L.layers.TextVectorization(standardize=lowered, vocabulary=["a"])
    assert read(write(layer)).standardize is lowered
    for argument in ("standardize", "split"):
        for value in (*OBJECTS.values(), *NEVER.values()):
            assert refuses(L.layers.TextVectorization, argument, value)


def test_what_is_inside_of_values_is_looked_at_too():
    hidden = {"class_name": "__numpy__", "config": {"value": [OBJECTS["optimizer"]], "dtype": "float32"}}
    assert refuses(L.layers.Rescaling, "scale", hidden)
    assert refuses(L.layers.Dense, "units", {"class_name": "__slice__", "config": {"start": OBJECTS["layer"]}})
    assert not refuses(L.layers.Rescaling, "scale", write(np.ones(3)))


def test_arguments_of_calls_are_looked_at():
    def layers(argument):
        return [{**OBJECTS["op"], "inbound_nodes": [{"args": [argument], "kwargs": {"axis": argument}}]}]

    assert not refuses(L.models.Functional, "layers", layers(OBJECTS["activation"]))
    assert refuses(L.models.Functional, "layers", layers(OBJECTS["optimizer"]))
    assert refuses(L.models.Functional, "layers", layers(NEVER["numpy.save"]))
    assert refuses(L.models.Functional, "layers", layers("x" * (MAX_TEXT + 1)))


def test_all_is_looked_at_before_anything_is_made(monkeypatch):
    made = []
    monkeypatch.setattr(L.layers.ReLU, "from_config", classmethod(lambda cls, config: made.append(cls)))
    bad = named("keras.layers", "Dense", {"units": 1, "activation": OBJECTS["optimizer"], "name": "bad"})
    inner = named("keras", "Sequential", {"name": "inner", "layers": [OBJECTS["layer"], bad]})
    with pytest.raises(
        ConfigError, match=r"Sequential 'outer' › Sequential 'inner' › Dense 'bad' › 'activation' holds"
    ):
        read(named("keras", "Sequential", {"name": "outer", "layers": [OBJECTS["layer"], inner]}))
    assert not made


def test_a_shared_object_is_of_the_kind_it_is_said_to_be():
    optimizer = {**OBJECTS["optimizer"], "shared_object_id": 1}
    layer = {**OBJECTS["layer"], "shared_object_id": 1}
    with L.registry.ObjectSharingScope(), pytest.raises(ConfigError, match="shares an object that is no ReLU"):
        read([optimizer, named("keras.layers", "Activation", {"activation": layer})])


def test_classes_of_ones_own_fit_where_their_base_does():
    @register_keras_serializable("tests")
    class Bend(L.layers.Layer):
        pass

    @register_keras_serializable("tests")
    class Start:  # derived from nothing of Keras
        def get_config(self):
            return {}

    objects = {"tests>Bend": Bend, "tests>Start": Start, "tests>double": lambda x: 2 * x}
    bend, start = ({**named("m", n), "registered_name": f"tests>{n}"} for n in ("Bend", "Start"))
    double = named("builtins", "function", "tests>double")
    taken = {
        argument: [not _refused(argument, value, objects) for value in (bend, start, double)]
        for argument in ("activation", "kernel_initializer", "units", "dtype")
    }
    assert taken["activation"] == [True, True, True]
    assert taken["kernel_initializer"] == [False, True, True]
    assert taken["units"] == [False, False, False]
    assert taken["dtype"] == [False, True, False]


def _refused(argument, value, objects):
    try:
        check_arguments(L.layers.Dense, {argument: value}, objects)
    except ConfigError:
        return True
    return False


@pytest.mark.parametrize("name", ["eval", "getattr", "shuffle", "get_file", "pair", "numpy", "legacy", "compute_fans"])
@pytest.mark.parametrize("slot", ["activation", "kernel_initializer", "bias_constraint", "kernel_regularizer"])
def test_names_without_a_module(name, slot):
    for module in ("builtins", None):
        with pytest.raises(LamellaError):
            read(named("keras.layers", "Dense", {"units": 1, slot: named(module, "function", name)}))


def test_lambda_layers_of_named_functions_go_and_come_back():
    for function in (L.activations.relu, L.ops.tanh):
        assert read(write(L.layers.Lambda(function))).function.__name__ == function.__name__
    with pytest.raises(ConfigError, match=r"'function' holds 'mean', which is no|not known"):
        read(named("keras.layers", "Lambda", {"function": named("keras.ops", "function", "mean")}))
