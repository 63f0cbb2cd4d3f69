"""Classes and functions registered for a package, given by their bare names, and the other way round."""

import json

import numpy as np
import pytest

import lamella as L
from lamella import registry
from lamella.errors import ConfigError, FileError, LamellaError

write, read = registry.serialize_keras_object, registry.deserialize_keras_object


class Own(L.layers.Layer):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))

    def call(self, x):
        return L.ops.matmul(x, self.kernel)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Far(L.losses.Loss):
    def call(self, y_true, y_pred):
        return L.ops.mean(L.ops.abs(y_true - y_pred), -1)


class Seen(L.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_pred)


class Slow(L.optimizers.SGD):
    pass


class Half(L.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return L.ops.full(shape, 0.5, dtype)


class Norm(L.regularizers.Regularizer):
    def __call__(self, x):
        return L.ops.sum(L.ops.square(x))

    def get_config(self):
        return {}


class Box(L.constraints.Constraint):
    def __call__(self, w):
        return L.ops.clip(w, -1, 1)


def twice(x):
    return 2 * x


def error(y_true, y_pred):
    return L.ops.mean(L.ops.square(y_true - y_pred), -1)


ALL = {one.__name__: one for one in (Own, Far, Seen, Slow, Half, Norm, Box, twice, error)}


@pytest.fixture
def names():
    """`names(package)` registers all of them for a package, or for none; nothing is left afterwards."""
    objects, by_object = dict(registry.names._objects), dict(registry.names._names)

    def reset(package=None):
        registry.names._objects.clear(), registry.names._names.clear()
        for name, one in ALL.items() if package else ():
            registry.register_keras_serializable(package, name)(one)

    reset()
    yield reset
    registry.names._objects.clear(), registry.names._names.clear()
    registry.names._objects.update(objects), registry.names._names.update(by_object)


def model():
    dense = L.layers.Dense(
        2, activation=twice, kernel_initializer=Half(), kernel_regularizer=Norm(), bias_constraint=Box(), name="d"
    )
    one = L.Sequential([L.Input((3,)), Own(name="o"), dense, L.layers.Activation(twice, name="a")], name="s")
    one.compile(Slow(0.5), Far(), metrics=[Seen(name="seen"), error])
    return one


def test_one_name(names):
    assert registry.names.same_name("shop>Own", {"Own": 1}) == 1
    assert registry.names.same_name("Own", {"a>Own": 1, "b>Own": 1}) == 1
    assert registry.names.same_name("Own", {"a>Own": 1, "b>Own": 2}) is None
    assert registry.names.same_name("Own", {"a>Other": 1}) is None


# Each case: (registered for, when the file is written; registered for, and given, when it is read)
CASES = {
    "written for a package, given bare": ("shop", None, ALL),
    "written bare, registered for a package": (None, "shop", None),
    "written for a package, registered for another": ("shop", "store", None),
    "written for a package, given for another": ("shop", None, {f"store>{name}": one for name, one in ALL.items()}),
}


@pytest.fixture(params=CASES, ids=CASES)
def case(request):
    return CASES[request.param]


def like(one):
    return type(one.layers[0]), type(one.optimizer), one.layers[1].activation, type(one.layers[1].kernel_initializer)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_whole_models(names, case, ending, tmp_path):
    before, after, given = case
    names(before)
    one = model()
    x, y = np.ones((4, 3)), np.ones((4, 2))
    one.fit(x, y, verbose=0)
    one.save(tmp_path / f"m{ending}")
    names(after)
    copy = L.saving.load_model(tmp_path / f"m{ending}", custom_objects=given)
    assert like(copy) == like(one) == (Own, Slow, twice, Half)
    np.testing.assert_array_equal(copy.predict(x, verbose=0), one.predict(x, verbose=0))
    np.testing.assert_allclose(copy.evaluate(x, y, verbose=0), one.evaluate(x, y, verbose=0), rtol=1e-6)


def test_texts_configs_and_clones(names, case):
    before, after, given = case
    names(before)
    one = model()
    text, config = one.to_json(), one.get_config()
    names(after)
    for copy in (
        L.models.model_from_json(text, given),
        L.Sequential.from_config(config, given),
        read(json.loads(text), custom_objects=given),
    ):
        assert type(copy.layers[0]) is Own and copy.layers[1].activation is twice
    with registry.custom_object_scope(given or {}):
        assert type(L.Sequential.from_config(config).layers[0]) is Own
        assert type(L.models.clone_model(one).layers[0]) is Own


@pytest.mark.parametrize("name", [*ALL])
def test_each_alone(names, case, name):
    before, after, given = case
    names(before)
    one = ALL[name]
    config = write(one if not isinstance(one, type) else one(0.1) if one is Slow else one())
    names(after)
    found = read(config, custom_objects=given)
    assert found is one or type(found) is one


@pytest.mark.parametrize(
    ("get", "name"),
    [
        (L.activations.get, "twice"),
        (L.losses.get, "error"),
        (L.losses.get, "Far"),
        (L.metrics.get, "Seen"),
        (L.initializers.get, "Half"),
        (L.regularizers.get, "Norm"),
        (L.constraints.get, "Box"),
    ],
)
def test_texts_for_objects(names, get, name):
    with pytest.raises(LamellaError):
        get(f"shop>{name}")
    with registry.custom_object_scope({name: ALL[name]}):
        found = get(f"shop>{name}")
    assert found is ALL[name] or type(found) is ALL[name]


def test_a_built_in_is_never_another(names):
    """A class of the user's that is called as a built-in one stands only for what is registered so."""

    class Dense(L.layers.Dense):
        pass

    config = write(L.layers.Dense(2))
    names("shop")
    registry.register_keras_serializable("shop")(Dense)
    assert type(read(config)) is L.layers.Dense
    assert type(read({**config, "module": "shop.layers", "registered_name": "shop>Dense"})) is Dense
    assert type(read({**config, "module": "shop.layers", "registered_name": "store>Dense"})) is Dense


@pytest.mark.parametrize("registered", ["keras>Lambda", "shop>Dense", "Lambda"])
def test_a_built_in_has_no_registered_name(names, registered):
    with pytest.raises(ConfigError, match="built-in 'Dense', and yet has a registered name"):
        read({**write(L.layers.Dense(2)), "registered_name": registered})
    with pytest.raises(ConfigError, match="built-in 'relu', and yet has a registered name"):
        read({"module": "builtins", "class_name": "function", "config": "relu", "registered_name": registered})


def test_no_class_is_of_the_module_builtins(names):
    with pytest.raises(ConfigError, match="'Dense' of 'builtins' that is not known"):
        read({"module": "builtins", "class_name": "Dense", "config": {"units": 2}, "registered_name": None})


def test_two_of_a_name_are_no_answer(names, tmp_path):
    names("shop")
    model().save(tmp_path / "m.keras")
    names(None)
    with pytest.raises(FileError, match=r"class 'Own'.*not known here") as caught:
        L.saving.load_model(tmp_path / "m.keras", custom_objects={**ALL, "a>Own": Own, "b>Own": Far})
    assert "shop>Own" in str(caught.value)
