"""Optimizers beyond parity: changing what is trained, optax, errors, cost of slots."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lamella.optimizers as opt
from lamella.errors import (
    ArgumentError,
    ConfigError,
    DtypeError,
    LamellaError,
    MissingExtraError,
    ShapeError,
    StateError,
)
from lamella.state import Variable, state_of


def make(*shapes):
    rng = np.random.default_rng(1)
    return [Variable(rng.normal(size=s).astype("float32"), name=f"v{i}") for i, s in enumerate(shapes)]


def ones(variables):
    return [np.ones(v.shape, "float32") for v in variables]


# Slots that go with variables


def test_a_newly_trained_variable_gets_slots_and_the_others_keep_theirs():
    a, b, c = make((2,), (3,), (4,))
    optimizer = opt.Adam(0.1)
    optimizer.build([a, c])
    optimizer.apply(ones([a, c]))
    kept = optimizer.slot(c, "momentum")
    before = kept.numpy()
    optimizer.build([a, b, c])
    assert optimizer.slot(c, "momentum") is kept
    np.testing.assert_array_equal(kept.numpy(), before)
    assert [v.name for v in optimizer.variables[2:]] == [
        f"{name}_{slot}" for name in ("v0", "v1", "v2") for slot in ("momentum", "velocity")
    ]
    optimizer.apply(ones([a, b, c]))
    assert float(optimizer.iterations) == 2


def test_frozen_slots_are_kept_but_not_listed():
    a, b = make((2,), (3,))
    optimizer = opt.SGD(0.1, momentum=0.9)
    optimizer.apply(ones([a, b]), [a, b])
    slot = optimizer.slot(b, "momentum")
    optimizer.build([a])
    assert all(v is not slot for v in optimizer.variables)
    assert "v1/momentum" in state_of(optimizer)
    optimizer.build([a, b])
    assert optimizer.variables[-1] is slot


def test_apply_takes_in_variables_it_has_not_seen():
    a, b = make((2,), (3,))
    optimizer = opt.Nadam(0.1)
    optimizer.apply(ones([a]), [a])
    optimizer.apply(ones([b]), [b])
    assert {"v0/momentum", "v1/momentum"} <= set(state_of(optimizer))


def test_follow_rebuilds_an_optimizer_that_returns_early_once_built():
    class Guarded(opt.Optimizer):
        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.means = self.add_optimizer_variables(variables, "mean")
            self.total = self.add_variable((), name="total")

        def update_step(self, gradient, variable, learning_rate):
            self.assign_add(self.means[self._get_variable_index(variable)], gradient)
            self.assign_add(self.total, 1.0)

    a, b = make((2,), (3,))
    optimizer = Guarded(0.1)
    optimizer.apply(ones([b]), [b])
    first = optimizer.means[0]
    optimizer.follow([a, b])
    assert optimizer.means[1] is first
    assert float(optimizer.total) == 1.0
    assert len([v for v in optimizer.variables if v.name == "total"]) == 1


def test_variables_of_one_path_have_slots_of_their_own():
    a, b = Variable(np.zeros(2, "float32"), name="same"), Variable(np.zeros(2, "float32"), name="same")
    optimizer = opt.SGD(0.1, momentum=0.5)
    optimizer.build([a, b])
    assert optimizer.slot(a, "momentum") is not optimizer.slot(b, "momentum")
    assert {"same/momentum", "same_1/momentum"} <= set(state_of(optimizer))


@pytest.mark.parametrize("name", ["SGD", "Adam", "Ftrl", "ScheduleFreeAdamW"])
def test_slots_compile_nothing(name):
    variables = make((7, 3), (11,), (5, 2, 3))
    kind = getattr(opt, name)
    with jax.log_compiles(), warnings.catch_warnings():
        compiled = []
        import logging

        handler = logging.Handler()
        handler.emit = lambda record: compiled.append(record.getMessage())
        logger = logging.getLogger("jax")
        logger.addHandler(handler)
        try:
            kind(0.1, use_ema=True).build(variables)
        finally:
            logger.removeHandler(handler)
    assert not [m for m in compiled if "Compiling" in m]


def test_weights_round_trip():
    (a,) = make((2,))
    first, second = opt.Adam(0.1), opt.Adam(0.1)
    first.apply(ones([a]), [a])
    second.build([a])
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    np.testing.assert_array_equal(second.slot(a, "velocity").numpy(), first.slot(a, "velocity").numpy())
    second.set_weights([v.numpy() * 2 for v in first.variables])
    assert int(second.iterations) == 2
    with pytest.raises(ArgumentError, match="does not fit"):
        opt.SGD(0.1).load_own_variables(store)
    with pytest.raises(ShapeError, match="cannot take"):
        second.set_weights([np.zeros(9) for _ in second.variables])
    with pytest.raises(StateError):
        opt.Adam().set_weights([])


def test_overwrite_with_gradient():
    (a,) = make((2,))
    a.overwrite_with_gradient = True
    optimizer = opt.Adam(0.1)
    optimizer.apply([np.array([5.0, 6.0], "float32")], [a])
    assert a.numpy().tolist() == [5.0, 6.0]
    late = opt.SGD(0.1, gradient_accumulation_steps=2)
    late.apply([np.array([7.0, 1.0], "float32")], [a])
    assert a.numpy().tolist() == [5.0, 6.0]
    late.apply([np.array([2.0, 9.0], "float32")], [a])
    assert a.numpy().tolist() == [7.0, 9.0]


# Rate, constraint, half precision


def test_learning_rate_is_settable():
    optimizer = opt.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = opt.schedules.ExponentialDecay(1.0, 1, 0.5)
    assert float(optimizer.learning_rate) == 1.0
    assert len(optimizer.variables) == 1
    with pytest.raises(DtypeError, match="schedule"):
        optimizer.learning_rate = 0.1
    assert float(opt.SGD(lambda: 0.125).learning_rate) == 0.125


def test_constraint_holds_after_the_step():
    (a,) = make((3,))
    a.constraint = lambda w: jnp.clip(w, -0.1, 0.1)
    opt.SGD(1.0).apply(ones([a]), [a])
    assert float(np.abs(a.numpy()).max()) <= 0.1 + 1e-7


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ["SGD", "Adam", "Lion", "Adafactor", "Muon"])
def test_half_precision_variables_keep_their_dtype(name):
    variable = Variable(np.ones((2, 2)), dtype="bfloat16", name="half")
    optimizer = getattr(opt, name)(0.1)
    optimizer.apply([jnp.ones((2, 2), "float32")], [variable])
    assert variable.dtype == "bfloat16"
    assert {v.dtype for v in optimizer.variables[2:]} == ({"bfloat16"} if name != "SGD" else set())


def test_missing_gradients_are_named():
    a, b = make((2,), (2,))
    optimizer = opt.SGD(0.1)
    with pytest.warns(UserWarning, match="v1"):
        optimizer.apply([np.ones(2), None], [a, b])
    with pytest.raises(ArgumentError, match="no gradient for any"):
        optimizer.apply([None, None], [a, b])


# optax


def test_optax_takes_the_same_steps():
    variables = make((3, 2), (2,))
    params = {v.name: v.raw for v in variables}
    transformation = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))
    state = transformation.init(params)
    optimizer = opt.get(transformation)
    assert isinstance(optimizer, opt.OptaxOptimizer)
    optimizer.build(variables)
    step = jax.jit(lambda s, v, g: optimizer.stateless_apply(s, g, v))
    own, now = [v.raw for v in optimizer.variables], [v.raw for v in variables]
    for _ in range(3):
        updates, state = transformation.update({k: jnp.ones_like(v) for k, v in params.items()}, state, params)
        params = optax.apply_updates(params, updates)
        now, own = step(own, now, ones(variables))
    for value, expected in zip(now, params.values(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert [address for address in state_of(optimizer) if "mu" in address] == ["state/1/0/mu/v0", "state/1/0/mu/v1"]


def test_optax_state_survives_unfreezing():
    a, b = make((2,), (3,))
    optimizer = opt.OptaxOptimizer(optax.adam(0.1))
    optimizer.apply(ones([a]), [a])
    mu = state_of(optimizer)["state/0/mu/v0"]
    optimizer.follow([a, b])
    np.testing.assert_array_equal(state_of(optimizer)["state/0/mu/v0"], mu)
    optimizer.apply(ones([a, b]), [a, b])
    assert int(state_of(optimizer)["state/0/count"]) == 2
    with pytest.raises(ConfigError, match="optax"):
        optimizer.get_config()


# Errors and lookup


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: opt.Adam(learning_rate="fast"), "cannot be used"),
        (lambda: opt.Adam(learning_rate=None), "cannot be used"),
        (lambda: opt.Adam(lr=0.1), "does not know the argument .lr"),
        (lambda: opt.SGD(momentum=1.5), "momentum"),
        (lambda: opt.SGD(clipnorm=1.0, clipvalue=1.0), "one way at a time"),
        (lambda: opt.SGD(gradient_accumulation_steps=1), "at least 2"),
        (lambda: opt.SGD(use_ema=True, ema_momentum=2), "ema_momentum"),
        (lambda: opt.SGD(use_ema=True, ema_overwrite_frequency=0.5), "ema_overwrite_frequency"),
        (lambda: opt.AdamW(weight_decay=None), "weight_decay"),
        (lambda: opt.Lion(beta_1=0.0), "beta_1"),
        (lambda: opt.Ftrl(l1_regularization_strength=-1.0), "l1_regularization"),
        (lambda: opt.Ftrl(learning_rate_power=0.5), "learning_rate_power"),
        (lambda: opt.LossScaleOptimizer(opt.SGD(), clipnorm=1.0), "inner optimizer"),
        (lambda: opt.LossScaleOptimizer("sgd"), "wraps an optimizer"),
        (lambda: opt.MultiOptimizer({}), "OptimizerMap"),
        (lambda: opt.OptimizerMap("adam"), "default_optimizer"),
        (lambda: opt.OptimizerMap(opt.SGD(), {"a": opt.LossScaleOptimizer(opt.SGD())}), "cannot be one of several"),
        (
            lambda: opt.OptimizerMap(opt.SGD(), {"a": opt.SGD(), "a.*": opt.SGD(), "b.": opt.SGD(), "b": 1}),
            "needed here",
        ),
        (lambda: opt.OptaxOptimizer(3), "init and update"),
        (lambda: opt.get("adamm"), "did you mean 'adam'"),
        (lambda: opt.get(3), "no optimizer"),
        (lambda: opt.get(opt.Adam), r"write Adam\(\)"),
        (lambda: opt.SGD().apply([np.ones(2)]), "does not know the variables"),
        (lambda: opt.SGD().apply([np.ones(2)], make((3,))), "another shape"),
        (lambda: opt.SGD().apply([np.ones(2)], make((2,), (2,))), "in pairs"),
        (lambda: opt.SGD().build([np.ones(2)]), "needs Variables"),
        (lambda: opt.SGD().stateless_apply([], [], []), "not built"),
        (lambda: opt.Optimizer(0.1).apply([np.ones(2)], make((2,))), "update_step"),
        (lambda: opt.legacy.Adam(), "Keras 2"),
        (lambda: opt.schedules.CosineDecay(0.1, 0), "decay_steps"),
        (lambda: opt.schedules.PiecewiseConstantDecay([1], [1.0]), "one value more"),
        (lambda: opt.schedules.LearningRateSchedule()(1), "__call__"),
    ],
)
def test_errors_are_clear(call, words):
    with pytest.raises(LamellaError, match=words) as caught:
        call()
    assert "0x" not in str(caught.value)


def test_two_patterns_for_one_path():
    chosen = opt.OptimizerMap(opt.SGD(), {"a.*": opt.SGD(), ".*b": opt.SGD()})
    with pytest.raises(ArgumentError, match="Several optimizers"):
        chosen["ab"]
    assert len(chosen) == 2
    with pytest.raises(MissingExtraError):
        opt.legacy.SGD()


def test_get_by_name_and_config():
    assert isinstance(opt.get("ADAMW"), opt.AdamW)
    assert opt.get(None) is None
    config = opt.serialize(opt.RMSprop(0.5, momentum=0.25))
    assert opt.get(config).momentum == 0.25
    wrapped = opt.LossScaleOptimizer(opt.Lion(0.5), 8.0)
    again = opt.get(opt.serialize(wrapped))
    assert (again.initial_scale, float(again.learning_rate)) == (8.0, 0.5)
    chosen = opt.MultiOptimizer(opt.OptimizerMap(opt.SGD(), {".*bias": opt.Adam()}))
    assert [type(o).__name__ for o in opt.get(opt.serialize(chosen)).optimizers] == ["Adam", "SGD"]
    with pytest.raises(AttributeError, match="one learning rate for each"):
        chosen.learning_rate


def test_positional_arguments_mean_what_they_mean_in_keras():
    optimizer = opt.SGD(0.5, 0.9, True, 0.1, 1.0)
    assert (optimizer.nesterov, optimizer.weight_decay, optimizer.clipnorm) == (True, 0.1, 1.0)
    with pytest.warns(UserWarning, match="decay"):
        opt.SGD(decay=0.1)
