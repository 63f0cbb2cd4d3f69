"""Names, doors, safe mode, sharing: what configs may and may not do."""

import sys

import numpy as np
import pytest

import lamella as L
from lamella import registry
from lamella.errors import ConfigError, UnknownNameError
from lamella.registry.doors import resolve

read, write = registry.deserialize_keras_object, registry.serialize_keras_object


@registry.register_keras_serializable("tests", name="Box")
class Box:
    def __init__(self, inside=None):
        self.inside = inside

    def get_config(self):
        return {"inside": write(self.inside)}

    @classmethod
    def from_config(cls, config):
        return cls(read(config["inside"]))


class Unregistered(Box):
    pass


@registry.register_keras_serializable("tests")
def halve(x):
    return x / 2


def test_registered_class_goes_and_comes_back():
    config = write(Box(Box(3)))
    assert config["class_name"] == "Box"
    assert config["registered_name"] == "tests>Box"
    assert read(config).inside.inside == 3


def test_registered_function_goes_and_comes_back():
    assert write(halve)["config"] == "tests>halve"
    assert read(write(halve)) is halve
    assert read({**write(halve), "config": "halve"}) is halve


def test_unregistered_class_needs_custom_objects():
    config = write(Unregistered(1))
    with pytest.raises(ConfigError, match=r"'Unregistered'.*not known here") as error:
        read(config)
    assert "custom_objects={'Unregistered': Unregistered}" in str(error.value)
    assert read(config, custom_objects={"Unregistered": Unregistered}).inside == 1
    with registry.CustomObjectScope({"Unregistered": Unregistered}):
        assert read(config).inside == 1
    with pytest.raises(ConfigError):
        read(config)


def test_custom_objects_reach_what_is_inside():
    config = write(Box(Unregistered(2)))
    assert read(config, custom_objects={"Unregistered": Unregistered}).inside.inside == 2


def test_a_misspelled_class_names_the_nearest():
    config = {"module": "keras.losses", "class_name": "Hubber", "config": {}, "registered_name": None}
    with pytest.raises(ConfigError, match="did you mean 'Huber'"):
        read(config)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("lamella.saving", "load_model"),
        ("subprocess", "Popen"),
        ("keras.utils", "get_file"),
    ],
)
@pytest.mark.parametrize("kind", ["class", "function"])
def test_nothing_outside_of_the_doors(module, name, kind):
    config = {"module": module, "class_name": name, "config": {}, "registered_name": None}
    if kind == "function":
        config.update(class_name="function", config=name)
    with pytest.raises(ConfigError):
        read(config)


def test_no_module_is_imported_because_a_config_names_it(tmp_path, monkeypatch):
    (tmp_path / "trap_module.py").write_text("raise SystemExit('run')\nclass Trap: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("trap_module", "keras.trap_module", "keras.src.trap_module"):
        with pytest.raises(ConfigError):
            read({"module": module, "class_name": "Trap", "config": {}, "registered_name": None})
    assert "trap_module" not in sys.modules


@pytest.mark.parametrize("name", ["get", "deserialize", "serialize", "__builtins__", "importlib", "_LOSSES"])
def test_doors_show_objects_only(name):
    assert resolve("keras.losses", name) is None


def test_lambdas_are_refused_unless_asked_for():
    offset = 2
    with pytest.warns(UserWarning, match="safe_mode=False"):
        config = write(lambda x, y=1: x + y + offset)
    with pytest.raises(ConfigError, match=r"(?s)Python lambda.*enable_unsafe_deserialization"):
        read(config)
    assert read(config, safe_mode=False)(3) == 6
    with registry.SafeModeScope(False):
        assert read(config)(3) == 6
    with registry.SafeModeScope(True), pytest.raises(ConfigError):
        read(config, safe_mode=False)


def test_safe_mode_reaches_what_is_inside():
    with pytest.warns(UserWarning):
        config = write(Box(lambda x: x + 1))
    with pytest.raises(ConfigError, match="lambda"):
        read(config)
    assert read(config, safe_mode=False).inside(1) == 2


def test_shared_objects_stay_one():
    shared = Box(1)
    with registry.ObjectSharingScope():
        config = write([shared, shared, Box(1)])
    assert "shared_object_id" in config[0]
    assert "shared_object_id" not in config[2]
    with registry.ObjectSharingScope():
        first, second, third = read(config)
    assert first is second
    assert third is not first


def test_auto_named_is_kept_only_where_true():
    automatic, named = L.layers.Dense(2), L.layers.Dense(2, name="mine")
    assert write(automatic)["auto_named"] is True
    assert "auto_named" not in write(named)
    assert read(write(automatic)).auto_named
    assert not read(write(named)).auto_named


def test_build_and_compile_configs_are_used():
    dense = L.layers.Dense(2)
    dense.build((None, 3))
    again = read(write(dense))
    assert again.built
    assert again.kernel.shape == (3, 2)


def test_what_cannot_be_written_says_so():
    class Plain:
        pass

    with pytest.raises(ConfigError, match=r"(?s)received +Plain.*get_config"):
        write({"a": [Plain()]})
    with pytest.raises(ConfigError, match="a class, not an object"):
        write(Box)


def test_config_that_does_not_fit_names_the_class():
    config = {"module": "keras.losses", "class_name": "Huber", "config": {"dleta": 1}, "registered_name": None}
    with pytest.raises(ConfigError, match="Huber cannot be made from its config"):
        read(config)


def test_class_without_get_config_is_not_registered():
    with pytest.raises(ConfigError, match="has no get_config"):
        registry.register_keras_serializable()(type("Bare", (), {}))


def test_catalog_knows_no_such_name():
    with pytest.raises(UnknownNameError, match="did you mean 'glorot_uniform'"):
        L.initializers.get("glorot_unifrom")


def test_catalog_prefers_the_users_object():
    class Zeros(L.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 7.0)

    with registry.custom_object_scope({"zeros": Zeros}):
        assert isinstance(L.initializers.get("zeros"), Zeros)
    assert not isinstance(L.initializers.get("zeros"), Zeros)


def test_old_configs_without_a_module():
    assert isinstance(read({"class_name": "Dense", "config": {"units": 3}}), L.layers.Dense)
    assert isinstance(L.initializers.get({"class_name": "Zeros", "config": {}}), L.initializers.Zeros)
    assert isinstance(L.metrics.get({"class_name": "Poisson", "config": {}}), L.metrics.Metric)
    assert isinstance(L.losses.get({"class_name": "Poisson", "config": {}}), L.losses.Loss)


def test_class_of_a_script_is_not_taken_for_a_builtin():
    with pytest.raises(ConfigError):
        read({"module": None, "class_name": "Dense", "config": {"units": 3}, "registered_name": "Dense"})


class Ruler:
    def __init__(self, length=1):
        self.length = length

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_a_name_of_module_objects_stands_for_an_object():
    read = L.saving.deserialize_keras_object
    made = read("ruler", module_objects={"ruler": Ruler})
    assert isinstance(made, Ruler) and made.length == 1
    assert read({"class_name": "ruler", "config": {"length": 3}}, module_objects={"ruler": Ruler}).length == 3
    assert read("ruler", custom_objects={"ruler": Ruler}) is Ruler, "as in Keras"
    assert read("twice", module_objects={"twice": len}) is len
    assert read("other", module_objects={"ruler": Ruler}) == "other"


@pytest.mark.parametrize(
    ("room", "name", "kind"),
    [
        ("losses", "MeanSquaredError", "MeanSquaredError"),
        ("metrics", "AUC", "AUC"),
        ("initializers", "zeros", "Zeros"),
        ("regularizers", "l2", "L2"),
        ("constraints", "non_neg", "NonNeg"),
    ],
)
def test_rooms_make_objects_of_names(room, name, kind):
    assert type(getattr(L, room).deserialize(name)).__name__ == kind
