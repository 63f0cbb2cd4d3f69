"""All kinds of models in files: Keras predicts and trains as we do from ours, and we as Keras does from its."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

import lamella

FLOW = {"rtol": 1e-5, "atol": 1e-6}
BOTH_WAYS = pytest.mark.parametrize(("writer", "reader"), [(lamella, keras), (keras, lamella)], ids=["write", "read"])


def quick(names, chosen):
    """All names as parameters; those that are not chosen are marked slow."""
    return [name if name in chosen else pytest.param(name, marks=pytest.mark.slow) for name in names]


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


# Classes of the user's, once for each side


def classes(k):
    class Scaled(k.layers.Layer):
        """Layers in attributes, lists and dicts, weights of its own, numbers that training does not touch."""

        def __init__(self, units=3, activation="tanh", **kwargs):
            super().__init__(**kwargs)
            self.units, self.activation = units, k.activations.get(activation)
            self.stages = [k.layers.Dense(units), k.layers.Dense(units)]
            self.sides = {"left": k.layers.Dense(units), "right": k.layers.BatchNormalization()}

        def build(self, input_shape):
            self.gain = self.add_weight(shape=(self.units,), initializer="ones", name="gain")
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")
            self.stages[0].build(input_shape)
            for layer in (self.stages[1], *self.sides.values()):
                layer.build((*input_shape[:-1], self.units))

        def call(self, x, training=None):
            if training:
                self.seen.assign_add(1.0)
            x = self.activation(self.stages[1](self.stages[0](x)))
            return self.sides["right"](self.sides["left"](x), training=training) * self.gain

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], self.units)

        def get_config(self):
            activation = k.activations.serialize(self.activation)
            return {**super().get_config(), "units": self.units, "activation": activation}

    class Noise(k.layers.Layer):
        """Draws from a generator of its own."""

        def __init__(self, seed=None, **kwargs):
            super().__init__(**kwargs)
            self.seed = seed
            self.draws = k.random.SeedGenerator(seed)

        def call(self, x, training=None):
            return x + k.random.normal(k.ops.shape(x), seed=self.draws) if training else x

        def get_config(self):
            return {**super().get_config(), "seed": self.seed}

    class Tower(k.Model):
        """A model without a graph, of layers, a model and a composite layer."""

        def __init__(self, depth=2, **kwargs):
            super().__init__(**kwargs)
            self.depth = depth
            self.blocks = [k.layers.Dense(4, activation="relu") for _ in range(depth)]
            self.scaled = Scaled()
            self.top = k.Sequential([k.layers.Dense(4), k.layers.Dense(2)])

        def call(self, x, training=None):
            for block in self.blocks:
                x = block(x)
            return self.top(self.scaled(x, training=training))

        def get_config(self):
            return {**super().get_config(), "depth": self.depth}

    class Worst(k.metrics.Metric):
        """A metric with a weight of its own."""

        def __init__(self, name="worst", **kwargs):
            super().__init__(name=name, **kwargs)
            self.highest = self.add_variable((), initializer="zeros", name="highest")

        def update_state(self, y_true, y_pred, sample_weight=None):
            error = k.ops.max(k.ops.abs(y_true - y_pred))
            self.highest.assign(k.ops.maximum(self.highest, error))

        def result(self):
            return self.highest.value

        def reset_state(self):
            self.highest.assign(0.0)

    def cubed(y_true, y_pred):
        return k.ops.mean(k.ops.abs(y_true - y_pred) ** 3, axis=-1)

    return {one.__name__: one for one in (Scaled, Noise, Tower, Worst, cubed)}


OWN = {k: classes(k) for k in (lamella, keras)}


# Kinds of models


def deferred(k):
    return k.Sequential([k.layers.Dense(3, "relu"), k.layers.Dense(2)])


def composite(k):
    return k.Sequential([k.Input((4,)), OWN[k]["Scaled"](3), OWN[k]["Scaled"](2, activation="relu")])


def subclassed(k):
    return OWN[k]["Tower"](3)


def nested(k):
    """A graph in a stack in a graph, the stack called twice, a layer of the graph three times."""
    x, twice = k.Input((4,)), k.layers.Dense(4, activation="tanh")
    graph = k.Model(x, k.layers.Add()([twice(twice(x)), twice(x)]), name="graph")
    stack = k.Sequential([k.layers.LayerNormalization(), graph, k.layers.Dense(4)], name="stack")
    y = k.Input((4,))
    return k.Model(y, k.layers.Dense(2)(k.layers.Subtract()([stack(stack(y)), y])))


def several(k):
    """Named inputs and outputs in dicts."""
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    shared = k.layers.Dense(4, name="shared")
    both = k.layers.Concatenate()([shared(a), shared(b)])
    return k.Model({"a": a, "b": b}, {"u": k.layers.Dense(2, name="u")(both), "v": k.layers.Dense(1, name="v")(both)})


def listed(k):
    a, b = k.Input((4,)), k.Input((4,))
    return k.Model([a, b], [k.layers.Dot(-1)([a, b]), k.layers.Dense(2)(k.layers.Maximum()([a, b]))])


def prepared(k):
    """Numbers that were learnt before training."""
    norm = k.layers.Normalization()
    norm.adapt(3 * uniform(20, 4, seed=5) + 1)
    return k.Sequential([k.Input((4,)), k.layers.Rescaling(2.0, 1.0), norm, k.layers.Dense(2)])


def drawing(k):
    """Random numbers in training, from layers of both kinds."""
    return k.Sequential([k.Input((4,)), k.layers.Dense(8), k.layers.Dropout(0.4, seed=3), OWN[k]["Noise"](7)])


def frozen(k):
    body = k.Sequential([k.layers.Dense(4), k.layers.BatchNormalization()], name="body")
    model = k.Sequential([k.Input((4,)), body, k.layers.Dense(2)])
    body.trainable = False
    return model


def mixed(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, dtype="mixed_bfloat16"), k.layers.Dense(2)])


def operators(k):
    """Functions of `ops` in the graph."""
    x = k.Input((4,))
    y = k.ops.softmax(k.ops.concatenate([x[:, ::2], -x], axis=-1) ** 2, axis=-1)
    return k.Model(x, k.layers.Dense(2)(k.ops.where(y > 0.1, y, k.ops.zeros_like(y))))


KINDS = {
    build.__name__: build
    for build in (
        *(deferred, composite, subclassed, nested, several, listed),
        *(prepared, drawing, frozen, mixed, operators),
    )
}
WHOLE = [name for name in KINDS if name not in ("subclassed", "mixed")]  # old files know graphs of layers


def inputs_of(name):
    x = uniform(8, 4)
    return {"several": {"a": x, "b": x[::-1]}, "listed": [x, x[::-1].copy()]}.get(name, x)


def each(value):
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]


def made(k, name):
    """A model of a kind, after one call, with the same weights on both sides."""
    model = KINDS[name](k)
    model(inputs_of(name))
    weights = [
        w if w.dtype.kind == "i" or w.ndim == 0 or (name == "prepared" and 2 not in w.shape) else uniform(*w.shape)
        for w in model.get_weights()
    ]
    model.set_weights([np.abs(w) if w.ndim == 1 else w for w in weights])
    return model


def targets(model, x):
    outputs = model(x)
    if isinstance(outputs, dict):
        return {key: uniform(*value.shape, seed=9) for key, value in outputs.items()}
    found = [uniform(*value.shape, seed=9) for value in each(outputs)]
    return found if len(found) > 1 else found[0]


def fit(model, x, y, epochs=2):
    return model.fit(x, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0).history


def assert_alike(one, two, **close):
    for left, right in zip(each(one), each(two), strict=True):
        np.testing.assert_allclose(np.asarray(left, "float32"), np.asarray(right, "float32"), **(close or FLOW))


def load(k, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if k is keras else "error")
        return k.saving.load_model(path, custom_objects=OWN[k])


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", quick(KINDS, ("nested", "several", "subclassed")))
@BOTH_WAYS
def test_models(tmp_path, writer, reader, name):
    model, x = made(writer, name), inputs_of(name)
    y = targets(model, x)
    model.compile("adam", "mse" if not isinstance(y, list) else ["mse", "mae"])
    fit(model, x, y)
    model.save(tmp_path / "m.keras")
    copy = load(reader, tmp_path / "m.keras")
    close = {"rtol": 2e-2, "atol": 1e-2} if name == "mixed" else FLOW
    assert_alike(model.predict(x, verbose=0), copy.predict(x, verbose=0), **close)
    assert int(copy.optimizer.iterations) == 4
    assert [v.shape for v in copy.trainable_variables] == [v.shape for v in model.trainable_variables]
    if name == "drawing":  # the state of generators is in no file: Keras's own copy begins with the seed too
        model = load(writer, tmp_path / "m.keras")
    histories = [fit(one, x, y) for one in (model, copy)]
    assert set(histories[0]) == set(histories[1])
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-2 if name == "mixed" else 1e-4)


@pytest.mark.sample(7)
@pytest.mark.parametrize("name", KINDS)
@BOTH_WAYS
def test_weights(tmp_path, writer, reader, name):
    model, x = made(writer, name), inputs_of(name)
    model.save_weights(tmp_path / "m.weights.h5")
    copy = KINDS[name](reader)
    copy(x)
    copy.load_weights(tmp_path / "m.weights.h5")
    assert_alike(model.get_weights(), copy.get_weights(), rtol=0)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", quick(WHOLE, ("composite", "listed")))
@BOTH_WAYS
def test_old_files(tmp_path, writer, reader, name):
    model, x = made(writer, name), inputs_of(name)
    y = targets(model, x)
    model.compile(writer.optimizers.RMSprop(0.01), writer.losses.MeanSquaredError())
    fit(model, x, y)
    model.save(tmp_path / "m.h5")
    copy = load(reader, tmp_path / "m.h5")
    assert_alike(model.predict(x, verbose=0), copy.predict(x, verbose=0))
    if reader is lamella and name != "drawing":  # Keras builds the optimizer of such a file without variables
        np.testing.assert_allclose(fit(copy, x, y)["loss"], fit(model, x, y)["loss"], rtol=1e-4)


# Optimizers

OPTIMIZERS = {
    **{
        name: lambda k, name=name: getattr(k.optimizers, name)(0.01)
        for name in (
            *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl"),
            *("Lamb", "Lion", "Muon", "Nadam", "RMSprop", "SGD", "ScheduleFreeAdamW"),
        )
    },
    "momentum": lambda k: k.optimizers.SGD(0.01, momentum=0.9, nesterov=True, clipnorm=1.0),
    "centered": lambda k: k.optimizers.RMSprop(0.01, momentum=0.5, centered=True, weight_decay=1e-3),
    "amsgrad": lambda k: k.optimizers.Adam(0.01, amsgrad=True, clipvalue=0.5),
    "schedule": lambda k: k.optimizers.Adam(k.optimizers.schedules.CosineDecay(0.1, 10, warmup_steps=2)),
    "average": lambda k: k.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "accumulated": lambda k: k.optimizers.SGD(0.1, gradient_accumulation_steps=3),
    "scaled": lambda k: k.optimizers.LossScaleOptimizer(
        k.optimizers.Adam(0.01), initial_scale=8, dynamic_growth_steps=2
    ),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", quick(OPTIMIZERS, ("Adafactor", "average", "accumulated", "scaled")))
@BOTH_WAYS
def test_optimizers(tmp_path, writer, reader, name):
    """In the middle of an average, an accumulation, a schedule or a loss scale."""
    x, y = uniform(12, 4), uniform(12, 2, seed=9)
    model = writer.Sequential([writer.Input((4,)), writer.layers.Dense(3, "tanh"), writer.layers.Dense(2)])
    model.set_weights([uniform(*w.shape) for w in model.get_weights()])
    model.compile(OPTIMIZERS[name](writer), "mse")
    fit(model, x[:8], y[:8], epochs=2)
    model.save(tmp_path / "m.keras")
    trained = [np.asarray(v) for v in model.optimizer.variables]
    model, copy = load(writer, tmp_path / "m.keras"), load(reader, tmp_path / "m.keras")
    for one in (model, copy):  # Keras cannot go on with the first after an average took the place of the weights
        assert_alike(trained, [np.asarray(v) for v in one.optimizer.variables])
    np.testing.assert_allclose(fit(copy, x, y)["loss"], fit(model, x, y)["loss"], rtol=1e-4)
    assert_alike(model.get_weights(), copy.get_weights(), rtol=1e-4, atol=1e-5)


# How a model was compiled

COMPILED = {
    "strings": ("listed", lambda k: {"optimizer": "sgd", "loss": ["mse", "mae"], "metrics": [["mae"], ["mse", "acc"]]}),
    "dicts": (
        "several",
        lambda k: {
            "optimizer": "rmsprop",
            "loss": {"u": "huber", "v": k.losses.MeanSquaredError(reduction="sum")},
            "loss_weights": {"u": 0.5, "v": 2.0},
            "metrics": {"u": ["mae", k.metrics.RootMeanSquaredError(name="root")]},
            "weighted_metrics": {"v": ["mse"]},
        },
    ),
    "weights": ("listed", lambda k: {"optimizer": "adam", "loss": ["mse"] * 2, "loss_weights": [1.0, 0.25]}),
    "own": ("composite", lambda k: {"loss": OWN[k]["cubed"], "metrics": [OWN[k]["Worst"](), OWN[k]["cubed"], "mae"]}),
    "settings": (
        "composite",
        lambda k: {
            "optimizer": k.optimizers.get({"class_name": "Adam", "config": {"learning_rate": 0.5}}),
            "loss": k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
            "metrics": ["accuracy", k.metrics.AUC(num_thresholds=5), "kl_divergence"],
            "weighted_metrics": ["cosine_similarity"],
            "steps_per_execution": 2,
            "jit_compile": False,
            "run_eagerly": False,
        },
    ),
    "a function": (
        "composite",
        lambda k: {"optimizer": "adamw", "loss": k.losses.log_cosh, "metrics": [k.metrics.mean_absolute_error]},
    ),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", COMPILED)
@BOTH_WAYS
def test_how_it_was_compiled(tmp_path, writer, reader, name):
    kind, options = COMPILED[name]
    model, x = made(writer, kind), inputs_of(kind)
    y = targets(model, x)
    y = np.eye(2, dtype="float32")[(y[:, 0] > 0).astype(int)] if name == "settings" else y
    model.compile(**options(writer))
    expected = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    model.save(tmp_path / "m.keras")
    copy = load(reader, tmp_path / "m.keras")
    found = copy.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
    assert type(copy.optimizer).__name__ == type(model.optimizer).__name__
    np.testing.assert_allclose(np.asarray(copy.optimizer.learning_rate), np.asarray(model.optimizer.learning_rate))
    assert copy.steps_per_execution == model.steps_per_execution


@pytest.mark.parametrize("writer", [lamella, keras])
def test_old_files_name_classes_of_the_users(tmp_path, writer):
    model, x = made(writer, "composite"), inputs_of("composite")
    y = targets(model, x)
    model.compile(writer.optimizers.Adam(), loss=OWN[writer]["cubed"], metrics=[OWN[writer]["Worst"]()])
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "m.h5")
    found = load(lamella, tmp_path / "m.h5").evaluate(x, y, verbose=0, return_dict=True)
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-4, err_msg=key)
