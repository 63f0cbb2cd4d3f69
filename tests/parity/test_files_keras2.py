"""Files of Keras 2: what real Keras reads of them, read alike; and more of them, since it reads few."""

from __future__ import annotations

import json
import warnings

import h5py
import keras
import numpy as np
import pytest
from keras2_files import (
    at,
    called,
    dense,
    dense_weights,
    functional,
    layer,
    norm,
    norm_weights,
    sequential,
    start,
    write,
)

import lamella
from lamella import layers as L
from lamella.errors import FileError

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
X = np.random.default_rng(1).uniform(-1, 1, (5, 4)).astype("float32")
BYTES_OR_TEXT = pytest.mark.parametrize("text", [str.encode, str], ids=["bytes", "text"])


def flat(outputs):
    return [np.asarray(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def assert_alike(one, two):
    for left, right in zip(flat(one), flat(two), strict=True):
        np.testing.assert_allclose(left, right, **CLOSE)


def affine(weights, name, x):
    return x @ weights[f"{name}/kernel:0"] + weights[f"{name}/bias:0"]


def normed(weights, name, x):
    gamma, beta, mean, variance = (
        weights[f"{name}/{part}:0"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def merged(layers):
    return {name: value for weights in layers.values() for name, value in weights.items()}


def load(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return lamella.saving.load_model(path, **options)


# Whole models that real Keras reads


def stacked():
    layers = [start("d0_input", 4), dense("d0", 3, batch_input_shape=[None, 4]), norm("n"), dense("d1", 2)]
    weights = {"d0": dense_weights("d0", 4, 3), "n": norm_weights("n", 3), "d1": dense_weights("d1", 3, 2)}
    w = merged(weights)
    return sequential(layers), weights, affine(w, "d1", normed(w, "n", affine(w, "d0", X)))


def shared():
    """A layer that is called twice, the second time on what comes of the first."""
    x = at("x")
    layers = [
        start("x", 4),
        dense("s", 4, [x], [at("m")]),
        dense("m", 4, [at("s")]),
        layer("Concatenate", "c", [at("s"), at("s", 1)], axis=-1),
        dense("a", 2, [at("c")]),
        dense("b", 1, [at("s", 1)]),
    ]
    weights = {name: dense_weights(name, *shape) for name, shape in _SHAPES.items()}
    weights = {"x": {}, "s": weights["s"], "m": weights["m"], "c": {}, "a": weights["a"], "b": weights["b"]}
    w = merged(weights)
    first = affine(w, "s", X)
    second = affine(w, "s", affine(w, "m", first))
    expected = [affine(w, "a", np.concatenate([first, second], -1)), affine(w, "b", second)]
    return functional(layers, [["x", 0, 0]], [["a", 0, 0], ["b", 0, 0]], kind="Model"), weights, expected


_SHAPES = {"s": (4, 4), "m": (4, 4), "a": (8, 2), "b": (4, 1)}


@BYTES_OR_TEXT
@pytest.mark.parametrize("make", [stacked, shared])
def test_whole_models_are_read_as_keras_reads_them(tmp_path, make, text):
    config, weights, expected = make()
    path = write(tmp_path / "old.h5", weights, config, text=text)
    ours = load(path)
    assert_alike(ours(X), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = keras.saving.load_model(path)
    assert_alike(theirs(X), expected)
    assert [one.name for one in ours.layers] == [one.name for one in theirs.layers]
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]


# Weights alone


def both(make):
    return [make(k) for k in (keras, lamella)]


def three(k):
    """A dense layer, a model of two layers, and one layer without weights."""
    inner = k.Sequential(
        [k.Input((3,)), k.layers.BatchNormalization(name="n"), k.layers.Dense(2, name="d1")], name="inner"
    )
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, name="d0"), inner, k.layers.ReLU(name="r")])


INNER = {  # of a model in a model: what is trained first, then what is not
    **{name: value for name, value in norm_weights("n", 3).items() if "moving" not in name},
    **dense_weights("d1", 3, 2),
    **{name: value for name, value in norm_weights("n", 3).items() if "moving" in name},
}


@BYTES_OR_TEXT
@pytest.mark.parametrize("by_name", [False, True])
def test_weights(tmp_path, by_name, text):
    path = write(tmp_path / "w.h5", {"d0": dense_weights("d0", 4, 3), "inner": INNER, "r": {}}, text=text)
    theirs, ours = both(three)
    theirs.load_weights(path, by_name=by_name)
    report = ours.load_weights(path, by_name=by_name)
    for one, two in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(ours.layers[0].get_weights()[0], dense_weights("d0", 4, 3)["d0/kernel:0"])
    assert report.loaded == ["d0", "inner"] and not report.skipped and not report.unused


def test_weights_under_a_name_of_today(tmp_path):
    path = write(tmp_path / "m.weights.h5", {"d0": dense_weights("d0", 4, 3), "inner": INNER})
    model = three(lamella)
    assert model.load_weights(path).loaded == ["d0", "inner"]
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], dense_weights("d0", 4, 3)["d0/kernel:0"])


def test_weights_of_a_whole_model(tmp_path):
    config, weights, expected = stacked()
    path = write(tmp_path / "old.h5", weights, config)
    model = lamella.Sequential([lamella.Input((4,)), L.Dense(3), L.BatchNormalization(momentum=0.9), L.Dense(2)])
    model.load_weights(path)
    assert_alike(model(X), expected)


def test_by_order_names_do_not_matter_and_by_name_order_does_not(tmp_path):
    path = write(tmp_path / "w.h5", {name: dense_weights(name, 4, 4) for name in ("a", "b")})
    for by_name, names in ((False, ("p", "q")), (True, ("b", "a")), (True, ("b", "c"))):
        theirs, ours = both(lambda k, n=names: k.Sequential([k.Input((4,)), *(k.layers.Dense(4, name=i) for i in n)]))
        ours.set_weights(theirs.get_weights())
        theirs.load_weights(path, by_name=by_name)
        ours.load_weights(path, by_name=by_name)
        for one, two in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_long_lists_of_names_are_in_parts(tmp_path):
    names = [f"a_rather_long_name_that_fills_the_attribute_quickly_{number:04d}" for number in range(1200)]
    weights = {name: {f"{name}/kernel:0": np.full((1, 1), number, "float32")} for number, name in enumerate(names)}
    path = write(tmp_path / "w.h5", weights)
    with h5py.File(path) as file:
        assert "layer_names0" in file.attrs and "layer_names1" in file.attrs and "layer_names" not in file.attrs
    dense_layers = [L.Dense(1, use_bias=False, name=name) for name in names]
    for number, one in enumerate(dense_layers):
        one.build((None, 1))
        one.kernel.assign([[-1.0]])
        assert number == int(names[number][-4:])
    model = lamella.Sequential(dense_layers)
    model.built = True
    model.load_weights(path)
    assert [float(one.kernel[0, 0]) for one in dense_layers] == list(range(1200))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: weights.pop("d0"), "Layer count mismatch"),
        (lambda weights: weights["d0"].popitem(), "1 arrays in the file, 2 weights in the layer"),
        (lambda weights: weights["d0"].update({"d0/kernel:0": np.ones((4, 7), "float32")}), r"\(4, 7\) in the file"),
    ],
)
def test_weights_that_do_not_fit(tmp_path, change, words):
    weights = {"d0": dense_weights("d0", 4, 3), "inner": dict(INNER)}
    change(weights)
    theirs, ours = both(three)
    path = write(tmp_path / "w.h5", weights)
    with pytest.raises(ValueError):
        theirs.load_weights(path)
    before = ours.get_weights()
    with pytest.raises(FileError, match=words):
        ours.load_weights(path)
    for one, two in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)


# Whole models that Keras 3 does not read, and Lamella does


def test_models_in_models(tmp_path):
    """Keras 2 counts the calls of a model in a graph from 1."""
    inner = functional([start("i", 4), dense("d", 4, [at("i")])], [["i", 0, 0]], [["d", 0, 0]], "inner")
    stack = sequential([start("e_input", 4), dense("e", 4)], "stack")
    layers = [
        start("x", 4),
        called(inner, [at("x")], [at("stack", 1)]),
        called(stack, [at("inner", 1)]),
        layer("Add", "sum", [at("inner", 1), at("inner", 2)]),
    ]
    config = functional(layers, [["x", 0, 0]], [["sum", 0, 0], ["stack", 1, 0], ["inner", 2, 0]])
    weights = {"x": {}, "inner": dense_weights("d", 4, 4), "stack": dense_weights("e", 4, 4), "sum": {}}
    w = merged(weights)
    first = affine(w, "d", X)
    middle = affine(w, "e", first)
    second = affine(w, "d", middle)
    assert_alike(load(write(tmp_path / "m.h5", weights, config))(X), [first + second, middle, second])


def test_the_oldest_sequential(tmp_path):
    """A bare list of layers; the shape of the input stands in the first one."""
    ones = {"class_name": "Ones", "config": {"dtype": "float32"}}
    first = dense("d0", 3, batch_input_shape=[None, 4], bias_initializer=ones)
    layers = [{key: one[key] for key in ("class_name", "config")} for one in (first, dense("d1", 2))]
    weights = {"d0": dense_weights("d0", 4, 3), "d1": dense_weights("d1", 3, 2)}
    config = {"class_name": "Sequential", "config": layers}
    model = load(write(tmp_path / "m.h5", weights, config, version="2.0.6"))
    assert_alike(model(X), affine(merged(weights), "d1", affine(merged(weights), "d0", X)))
    assert model.input_shape == (None, 4)


def test_what_was_said_at_a_call(tmp_path):
    """Tensors and flags that a layer was called with, beside its inputs."""
    attention = {"num_heads": 1, "key_dim": 2, "value_dim": 2, "dropout": 0.0, "use_bias": True, "output_shape": None}
    shapes = {f"{name}_shape": [None, 3, 4] for name in ("query", "key", "value")}
    layers = [
        start("x", 3, 4),
        start("y", 3, 4),
        layer("MultiHeadAttention", "at", [at("x", value=["y", 0, 0])], **attention, **shapes, attention_axes=[1]),
        layer("Dropout", "drop", [at("at", training=False)], rate=0.9, noise_shape=None, seed=None),
        layer("Multiply", "twice", [at("drop"), ["_CONSTANT_VALUE", -1, 2.0, {}]]),
    ]
    ours = L.MultiHeadAttention(1, 2)
    x, y = np.random.default_rng(0).normal(size=(2, 2, 3, 4)).astype("float32")
    ours(x, y)
    weights = {"at": {f"at/{number}:0": value for number, value in enumerate(ours.get_weights())}}
    config = functional(layers[:-1], [["x", 0, 0], ["y", 0, 0]], [["drop", 0, 0]])
    model = load(write(tmp_path / "m.h5", weights, config))
    assert_alike(model([x, y], training=True), ours(x, y))


CONV = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last", "use_bias": False}
RNN = {"units": 2, "time_major": False, "implementation": 2, "unroll": False, "stateful": False}
OLD_ARGUMENTS = {  # layers whose configs had more in them
    "DepthwiseConv2D": ((4, 4, 2), {**CONV, "groups": 1, "depth_multiplier": 1, "dilation_rate": [1, 1]}),
    "SeparableConv2D": (
        (4, 4, 2),
        {**CONV, "filters": 2, "groups": 1, "kernel_initializer": None, "kernel_regularizer": None},
    ),
    "Conv2DTranspose": ((4, 4, 2), {**CONV, "filters": 2, "groups": 1, "output_padding": None}),
    "LSTM": ((4, 2), RNN),
    "SimpleRNN": ((4, 2), RNN),
    "Bidirectional": ((4, 2), {"merge_mode": "concat", "layer": {**layer("GRU", "g", **RNN), "name": None}}),
    "SpatialDropout1D": ((4, 2), {"rate": 0.5, "noise_shape": None, "seed": None}),
    "RandomFlip": ((4, 4, 2), {"mode": "horizontal", "seed": None, "rng_type": "stateful"}),
    "LeakyReLU": ((4,), {"alpha": 0.25}),
    "LayerNormalization": ((4,), {"axis": [1], "epsilon": 1e-3}),
    "Attention": ((4, 2), {"use_scale": False, "score_mode": "dot", "dropout": 0.0}),
    "Dense": ((4,), {"units": 2, "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}}),
}


@pytest.mark.parametrize("kind", OLD_ARGUMENTS)
@pytest.mark.filterwarnings("ignore:.*alpha.*deprecated")
def test_arguments_that_went(kind):
    shape, config = OLD_ARGUMENTS[kind]
    x = at("x")
    layers = [start("x", *shape), layer(kind, "it", [x, x] if kind == "Attention" else [x], **config)]
    text = json.dumps({**functional(layers, [["x", 0, 0]], [["it", 0, 0]]), "keras_version": "2.6.0"})
    model = lamella.saving.model_from_json(text)
    found = model.get_layer("it")
    assert type(found).__name__ == kind and model(np.ones((2, *shape), "float32")) is not None
    assert lamella.saving.model_from_json(model.to_json()).count_params() == model.count_params()
    if kind == "Bidirectional":
        assert not found.forward_layer.cell.reset_after  # the default of the time
    if kind == "Dense":
        assert (found.compute_dtype, found.kernel.dtype) == ("float16", "float32")


REFUSED = {
    "time_major": (layer("LSTM", "it", [at("x")], units=2, time_major=True), "time_major"),
    "lambda": (layer("Lambda", "it", [at("x")], function=["4wEAAA==\n", None, None], function_type="lambda"), "lambda"),
    "TensorFlow": (layer("TFOpLambda", "tf.fft", ["x", 0, 0, {}], function="signal.fft"), "operation of TensorFlow"),
    "a loop": (dense("it", 4, [at("it")]), "loops"),
    "nothing": (dense("it", 4, [at("nowhere")]), "no tensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    made, words = REFUSED[name]
    config = functional([start("x", 4, 4), made], [["x", 0, 0]], [[made["name"], 0, 0]])
    with pytest.raises(FileError, match=words) as caught:
        load(write(tmp_path / "m.h5", {"x": {}}, config))
    assert "m.h5: model_config" in str(caught.value)


def test_names_with_slashes(tmp_path):
    """Keras renamed its own `conv1/bn` to `conv1_bn`; a name with a slash is refused now."""
    layers = [start("x", 4), dense("conv1/d", 3, [at("x")]), dense("e", 2, [at("conv1/d")])]
    weights = {"x": {}, "conv1/d": dense_weights("conv1/d", 4, 3), "e": dense_weights("e", 3, 2)}
    model = load(write(tmp_path / "m.h5", weights, functional(layers, [["x", 0, 0]], [["e", 0, 0]])))
    assert_alike(model(X), affine(merged(weights), "e", affine(merged(weights), "conv1/d", X)))
    assert [one.name for one in model.layers] == ["x", "conv1_d", "e"]


# How it was trained

WRAPPED = {
    "class_name": "MeanMetricWrapper",
    "config": {"name": "mae", "dtype": "float32", "fn": "mean_absolute_error"},
}
HUBER = {"class_name": "Huber", "config": {"reduction": "auto", "name": "huber_loss", "delta": 0.5, "fn": "huber"}}
BASE = {"name": "Adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}
ADAMS = {
    "2.11": ("Custom>Adam", {**BASE, "learning_rate": 0.01, "jit_compile": False, "is_legacy_optimizer": False}),
    "2.4": ("Adam", {**BASE, "learning_rate": 0.01, "decay": 0.0}),
    "2.2": ("Adam", {**{k: v for k, v in BASE.items() if k != "name"}, "lr": 0.01, "decay": 0.0}),
}


def trained():
    """A small model after a few steps, and the data it learns."""
    model = lamella.Sequential([lamella.Input((4,)), L.Dense(3, name="d0"), L.Dense(2, name="d1")])
    model.compile(lamella.optimizers.Adam(0.01), lamella.losses.Huber(0.5), metrics=["mae"])
    y = np.random.default_rng(2).normal(size=(5, 2)).astype("float32")
    model.fit(X, y, epochs=3, shuffle=False, verbose=0)
    return model, y


def slots(model, version):
    """The state of Adam, under the names and in the order of the time."""
    places = [f"{one.name}/{part}" for one in model.layers for part in ("kernel", "bias")]
    kept = {
        (slot, place): np.asarray(model.optimizer.slot(variable, name))
        for slot, name in (("m", "momentum"), ("v", "velocity"))
        for place, variable in zip(places, model.trainable_variables, strict=True)
    }
    steps = np.int64(model.optimizer.iterations)
    if version == "2.11":
        return {"iteration:0": steps, **{f"Adam/{s}/{p}:0": kept[s, p] for p in places for s in "mv"}}
    return {"Adam/iter:0": steps, **{f"Adam/{p}/{s}:0": kept[s, p] for s in "mv" for p in places}}


@pytest.mark.parametrize("version", ADAMS)
def test_training_goes_on(tmp_path, version):
    model, y = trained()
    config = sequential([start("d0_input", 4), dense("d0", 3, batch_input_shape=[None, 4]), dense("d1", 2)])
    weights = {
        one.name: {f"{one.name}/{p}:0": np.asarray(w) for p, w in zip(("kernel", "bias"), one.weights, strict=True)}
        for one in model.layers
    }
    kind, options = ADAMS[version]
    training = {
        "loss": HUBER,
        "metrics": [[WRAPPED]] if version > "2.2" else ["mae"],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {"class_name": kind, "config": options},
        **({} if version > "2.2" else {"sample_weight_mode": None}),
    }
    optimizer = slots(model, version) if version > "2.2" else None
    copy = load(write(tmp_path / "m.h5", weights, config, training, optimizer, version=f"{version}.0"))
    if optimizer is None:
        copy.optimizer.build(copy.trainable_variables)
        copy.optimizer.set_weights([v.numpy() for v in model.optimizer.variables])
    histories = [one.fit(X, y, epochs=3, shuffle=False, verbose=0).history for one in (model, copy)]
    assert set(histories[1]) == {"loss", "mae"}
    for name in ("loss", "mae"):
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-6)


def test_a_state_that_does_not_fit_starts_anew(tmp_path):
    model, y = trained()
    config = sequential([start("d0_input", 4), dense("d0", 2)])
    kind, options = ADAMS["2.11"]
    training = {"loss": "mse", "loss_weights": None, "optimizer_config": {"class_name": kind, "config": options}}
    path = write(tmp_path / "m.h5", {"d0": dense_weights("d0", 4, 2)}, config, training, slots(model, "2.11"))
    with pytest.warns(UserWarning, match=r"m\.h5: the optimizer's state does not fit"):
        copy = lamella.saving.load_model(path)
    assert int(copy.optimizer.iterations) == 0
    copy.fit(X, y, verbose=0)


def test_several_outputs_and_a_decay(tmp_path):
    layers = [start("x", 4), dense("a", 2, [at("x")]), dense("b", 2, [at("x")])]
    weights = {"x": {}, "a": dense_weights("a", 4, 2), "b": dense_weights("b", 4, 2)}
    training = {
        "loss": {"a": "mse", "b": "mae"},
        "metrics": [[WRAPPED], [None]],
        "weighted_metrics": None,
        "loss_weights": {"a": 1.0, "b": 0.5},
        "optimizer_config": {"class_name": "SGD", "config": {"learning_rate": 0.5, "momentum": 0.0, "decay": 0.25}},
    }
    config = functional(layers, [["x", 0, 0]], [["a", 0, 0], ["b", 0, 0]])
    model = load(write(tmp_path / "m.h5", weights, config, training))
    y = [np.zeros((5, 2), "float32")] * 2
    model.fit(X, y, epochs=2, verbose=0)
    rate = model.optimizer.learning_rate
    np.testing.assert_allclose(rate(np.float32(2.0)) if callable(rate) else rate, 0.5 / 1.5, rtol=1e-6)


NEW = {  # {optimizer: {slot here: its name since Keras 2.11}}
    "Nadam": {"momentum": "m", "velocity": "v"},
    "Adafactor": {"r": "r", "c": "c", "velocity": "v"},
    "Adamax": {"momentum": "m", "norm": "u"},
    "Adadelta": {"accumulated_grad": "accumulated_grad", "accumulated_delta_var": "accumulated_delta_var"},
    "RMSprop": {"velocity": "velocity"},
    "Ftrl": {"accumulator": "accumulator", "linear": "linear"},
    "Lion": {"momentum": "m"},
}
LEGACY = {  # {optimizer: {slot here: its name before, and in keras.optimizers.legacy}}
    "Adamax": {"momentum": "m", "norm": "v"},
    "Adadelta": {"accumulated_grad": "accum_grad", "accumulated_delta_var": "accum_var"},
    "Adagrad": {"accumulator": "accumulator"},
    "Ftrl": {"accumulator": "accumulator", "linear": "linear"},
    "Nadam": {"momentum": "m", "velocity": "v"},
}


def state_of(model, slots, legacy):
    """What Keras 2 wrote: of Adafactor no means for vectors, of Nadam no product of momenta before 2.11."""
    kept = {}
    for name, old in slots.items():
        for variable in model.trainable_variables:
            value = np.asarray(model.optimizer.slot(variable, name))
            at = "/".join(variable.path.split("/")[-2:])
            if name not in "rc" or variable.ndim > 1:
                kept[f"Old/{at}/{old}:0" if legacy else f"Old/{old}/{at}:0"] = value
    steps = np.int64(model.optimizer.iterations)
    cache = {"Old/momentum_cache:0": np.float32(0.1)} if legacy and type(model.optimizer).__name__ == "Nadam" else {}
    return {"Old/iter:0" if legacy else "iteration:0": steps, **cache, **kept}


def half_trained(tmp_path, kind, slots, legacy, **said):
    """A model after some steps, the file that Keras 2 would have written of it, and the data."""
    model = lamella.Sequential([lamella.Input((4,)), L.Dense(3, name="d0"), L.Dense(2, name="d1")])
    model.compile(getattr(lamella.optimizers, kind)(0.01), "mse")
    y = np.random.default_rng(2).normal(size=(5, 2)).astype("float32")
    model.fit(X, y, epochs=3, shuffle=False, verbose=0)
    config = sequential([start("d0_input", 4), dense("d0", 3, batch_input_shape=[None, 4]), dense("d1", 2)])
    weights = {
        one.name: {f"{one.name}/{p}:0": np.asarray(w) for p, w in zip(("kernel", "bias"), one.weights, strict=True)}
        for one in model.layers
    }
    written = {"class_name": kind, "config": {"name": kind, "learning_rate": 0.01, **said}}
    training = {"loss": "mse", "loss_weights": None, "optimizer_config": written}
    state = state_of(model, slots, legacy)
    return model, y, write(tmp_path / "m.h5", weights, config, training, state, version="2.13.1")


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("kind", "legacy"), [*((kind, False) for kind in NEW), *((kind, True) for kind in LEGACY if kind != "Nadam")]
)
def test_states_of_optimizers_go_on(tmp_path, kind, legacy):
    said = {"decay": 0.0} if legacy else {"is_legacy_optimizer": False, "jit_compile": True}
    model, y, path = half_trained(tmp_path, kind, (LEGACY if legacy else NEW)[kind], legacy, **said)
    copy = load(path)
    histories = [one.fit(X, y, epochs=3, shuffle=False, verbose=0).history["loss"] for one in (model, copy)]
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-6)
    for one, two in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_a_nadam_of_another_formula_starts_anew(tmp_path):
    """Its `decay` was one of the momentum, not of the rate."""
    _, y, path = half_trained(tmp_path, "Nadam", LEGACY["Nadam"], True, decay=0.004)
    with pytest.warns(UserWarning, match=r"m\.h5: the state of Nadam is of before Keras 2\.11.*another formula"):
        copy = lamella.saving.load_model(path)
    assert int(copy.optimizer.iterations) == 0 and float(copy.optimizer.learning_rate) == pytest.approx(0.01)
    copy.fit(X, y, verbose=0)
