"""Every optimizer and option against Keras: same slots, same numbers over four steps."""

import inspect
import json

import jax
import keras
import numpy as np
import pytest

import lamella.optimizers as L
from lamella.state import Variable, pure, state_of

STEPS = 4
NAMES = [
    *["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"],
    *["Lion", "Lamb", "Adafactor", "Muon", "ScheduleFreeAdamW"],
]
OWN = [
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {"amsgrad": True, "beta_1": 0.8}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "rho": 0.8}),
    ("RMSprop", {"centered": True}),
    ("Ftrl", {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.1, "beta": 0.2}),
    ("Ftrl", {"l2_shrinkage_regularization_strength": 0.1, "learning_rate_power": -0.3}),
    ("Adafactor", {"clip_threshold": 0.5}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 3}),
    ("Muon", {"exclude_layers": ["kernel"], "adam_lr_ratio": 0.5}),
    ("ScheduleFreeAdamW", {"warmup_steps": 3}),
    ("AdamW", {"weight_decay": 0.1}),
]
SHARED = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.2},
    {"global_clipnorm": 0.7},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 2},
    {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 2, "clipnorm": 0.5},
]
CASES = [(n, {}) for n in NAMES] + OWN + [(n, o) for n in ("SGD", "Adam", "Muon") for o in SHARED]


def data():
    rng = np.random.default_rng(0)
    shapes = [(3, 2), (2,), (5, 4), (2, 3, 4)]
    values = [rng.normal(size=s).astype("float32") for s in shapes]
    grads = [[rng.normal(size=s).astype("float32") for s in shapes] for _ in range(STEPS)]
    return values, grads


def variables_of(kind, values):
    names = ["kernel", "bias", "wide", "cube"]
    return [kind(v, name=n) for v, n in zip(values, names, strict=True)]


def arguments_of(kind):
    return [(p.name, p.kind, p.default) for p in inspect.signature(kind).parameters.values()]


def run_stateless(optimizer, variables, grads):
    """Real Keras cannot apply a LossScaleOptimizer eagerly on JAX."""
    optimizer.build(variables)
    state, now = [v.value for v in optimizer.variables], [v.value for v in variables]
    for step in grads:
        now, state = optimizer.stateless_apply(state, [jax.numpy.asarray(g) for g in step], now)
    for variable, value in zip([*variables, *optimizer.variables], [*now, *state], strict=True):
        variable.assign(value)
    return variables


def run_keras(optimizer, values, grads):
    variables = variables_of(keras.Variable, values)
    for step in grads:
        optimizer.apply([jax.numpy.asarray(g) for g in step], variables)
    return variables


def check_same(ours, theirs, tolerance=2e-6):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(a.value), np.asarray(b.value), rtol=1e-4, atol=tolerance, err_msg=b.path)


@pytest.mark.sample(4)
@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_four_steps(name, options):
    values, grads = data()
    theirs = getattr(keras.optimizers, name)(**options)
    expected = run_keras(theirs, values, grads)
    optimizer, variables = getattr(L, name)(**options), variables_of(Variable, values)
    for step in grads:
        optimizer.apply(step, variables)
    check_same(variables, expected)
    check_same(optimizer.variables, theirs.variables)
    if options.get("use_ema"):
        theirs.finalize_variable_values(expected)
        optimizer.finalize_variable_values(variables)
        check_same(variables, expected)


@pytest.mark.sample(7)
@pytest.mark.parametrize(("name", "options"), [*[(n, {}) for n in NAMES], ("Adam", SHARED[-1]), ("SGD", SHARED[-1])])
def test_compiled_steps_are_the_same(name, options):
    values, grads = data()
    eager, jitted = (getattr(L, name)(**options) for _ in range(2))
    expected, variables = variables_of(Variable, values), variables_of(Variable, values)
    jitted.build(variables)
    step = jax.jit(lambda state, values, grads: jitted.stateless_apply(state, grads, values))
    state, now = [v.raw for v in jitted.variables], [v.raw for v in variables]
    for g in grads:
        eager.apply(g, expected)
        now, state = step(state, now, g)
    for a, b in zip([*now, *state], [*expected, *eager.variables], strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-4, atol=2e-6)
    assert step._cache_size() == 1


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_named_as_in_keras(name):
    values, _ = data()
    options = {"use_ema": True, "gradient_accumulation_steps": 2}
    theirs, ours = getattr(keras.optimizers, name)(name="o", **options), getattr(L, name)(name="o", **options)
    theirs.build(variables_of(keras.Variable, values))
    ours.build(variables_of(Variable, values))
    assert [tuple(v.shape) for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    if name != "Adafactor":  # whose empty places are int32 in Keras
        assert [v.dtype for v in ours.variables] == [v.dtype for v in theirs.variables]
    for ours_v, theirs_v in zip(ours.variables, theirs.variables, strict=True):
        if theirs_v.path not in ("o/kernel", "o/wide", "o/cube", "bias", "variable") and name != "Nadam":
            assert ours_v.path == theirs_v.path


@pytest.mark.parametrize("name", NAMES)
def test_signature_and_config(name):
    theirs, ours = getattr(keras.optimizers, name), getattr(L, name)
    assert arguments_of(ours) == arguments_of(theirs)
    config = theirs(name="o", clipnorm=1.0).get_config()
    assert ours(name="o", clipnorm=1.0).get_config() == config
    assert ours.from_config(json.loads(json.dumps(config))).get_config() == config
    assert theirs.from_config(ours(name="o").get_config()).name == "o"


@pytest.mark.parametrize("scale_up", [2, 100])
def test_loss_scale(scale_up):
    values, grads = data()
    grads[2][0][0, 0] = np.inf
    make = lambda module: module.LossScaleOptimizer(module.SGD(0.1, momentum=0.9), 4.0, scale_up)
    theirs, ours, compiled = make(keras.optimizers), make(L), make(L)
    expected = run_stateless(theirs, variables_of(keras.Variable, values), grads)
    variables = variables_of(Variable, values)
    ours.build(variables)
    for step in grads:
        ours.apply(step, variables)
    check_same(variables, expected)
    check_same(ours.variables, theirs.variables)
    assert float(ours.scale_loss(1.0)) == float(theirs.scale_loss(1.0))
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    variables = variables_of(Variable, values)
    compiled.build(variables)
    compiled.stateless_apply = jax.jit(compiled.stateless_apply)
    check_same(run_stateless(compiled, variables, grads), expected)
    check_same(compiled.variables, theirs.variables)


def test_multi_optimizer():
    values, grads = data()
    pair = []
    for module, kind in ((keras.optimizers, keras.Variable), (L, Variable)):
        chosen = module.OptimizerMap(module.SGD(0.1, momentum=0.5), {".*kernel": module.Adam(0.01)})
        optimizer, variables = module.MultiOptimizer(chosen), variables_of(kind, values)
        for step in grads:
            optimizer.apply([jax.numpy.asarray(g) for g in step], variables)
        pair.append((variables, optimizer))
    check_same(pair[1][0], pair[0][0])
    check_same(pair[1][1].variables, pair[0][1].variables)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 4, 0.5)),
    ("ExponentialDecay", (0.1, 4, 0.5, True)),
    ("InverseTimeDecay", (0.1, 4, 0.5)),
    ("InverseTimeDecay", (0.1, 4, 0.5, True)),
    ("PolynomialDecay", (0.1, 4, 0.01, 2.0)),
    ("PolynomialDecay", (0.1, 4, 0.01, 0.5, True)),
    ("PiecewiseConstantDecay", ([2, 5], [1.0, 0.5, 0.1])),
    ("CosineDecay", (0.1, 6, 0.1)),
    ("CosineDecay", (0.0, 6, 0.1, "n", 0.2, 3)),
    ("CosineDecayRestarts", (0.1, 3, 2.0, 0.9, 0.1)),
    ("CosineDecayRestarts", (0.1, 3, 1.0)),
]


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules(name, arguments):
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    ours = getattr(L.schedules, name)(*arguments)
    for step in range(12):
        np.testing.assert_allclose(float(ours(step)), float(theirs(step)), rtol=1e-5, atol=1e-7)
    assert ours.get_config() == theirs.get_config()
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()
    assert arguments_of(type(ours)) == arguments_of(type(theirs))
    values, grads = data()
    optimizer, variables = L.SGD(ours), variables_of(Variable, values)
    expected = run_keras(keras.optimizers.SGD(theirs), values, grads)
    for step in grads:
        optimizer.apply(step, variables)
    check_same(variables, expected)
    config = L.serialize(optimizer)
    assert config["config"]["learning_rate"]["class_name"] == name
    assert L.deserialize(config).get_config() == optimizer.get_config()


def test_exclude_from_weight_decay():
    values, grads = data()
    pair = []
    for module, kind in ((keras.optimizers, keras.Variable), (L, Variable)):
        optimizer, variables = module.AdamW(0.1, 0.5), variables_of(kind, values)
        optimizer.exclude_from_weight_decay(var_list=[variables[2]], var_names=["bias"])
        optimizer.apply([jax.numpy.asarray(g) for g in grads[0]], variables)
        pair.append(variables)
    check_same(pair[1], pair[0])


def test_an_optimizer_written_for_keras_serves():
    def make(module):
        class Heavy(module.Optimizer):
            def __init__(self, learning_rate=0.1, rho=0.9, **kwargs):
                super().__init__(learning_rate=learning_rate, **kwargs)
                self.rho = rho

            def build(self, variables):
                if self.built:
                    return
                super().build(variables)
                self.means = self.add_optimizer_variables(variables, "mean")
                self.count = self.add_variable((), name="count")

            def update_step(self, gradient, variable, learning_rate):
                mean = self.means[self._get_variable_index(variable)]
                self.assign(mean, mean * self.rho + gradient)
                self.assign_add(self.count, 1)
                self.assign_sub(variable, mean * learning_rate)

        return Heavy(weight_decay=0.1)

    values, grads = data()
    theirs, ours = make(keras.optimizers), make(L)
    expected = run_keras(theirs, values, grads)
    variables = variables_of(Variable, values)
    for step in grads:
        ours.apply(step, variables)
    check_same(variables, expected)
    assert [v.path.split("/")[1] for v in ours.variables] == [v.path.split("/")[1] for v in theirs.variables]


def test_pure_and_state_of_reach_every_slot():
    values, grads = data()
    optimizer, variables = L.Adam(), variables_of(Variable, values)
    optimizer.build(variables)
    assert list(state_of(optimizer))[:4] == ["iteration", "learning_rate", "kernel/momentum", "kernel/velocity"]
    _, new = pure(optimizer.apply, state_of(optimizer), grads[0])
    assert float(new["kernel/momentum"][0, 0]) != 0 == float(optimizer.variables[2].numpy()[0, 0])
