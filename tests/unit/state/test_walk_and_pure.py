import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamella.errors import UnknownNameError
from lamella.state import (
    Owner,
    SeedGenerator,
    StateView,
    Variable,
    at,
    grad,
    pure,
    state_of,
    value_and_grad,
    walk,
    write_state,
)


class Part(Owner):
    def __init__(self, size=2):
        self.kernel = Variable(np.ones(size), name="kernel")


class Whole(Owner):
    def __init__(self):
        self.text, self.number, self.nothing = "x", 3, None
        self._first = Part()
        self.parts = [Part(), {"deep": Part(), "plain": 1}]
        self.again = self._first
        self.count = Variable(0, dtype="int32")

    def step(self, x):
        self.count.assign_add(1)
        return x * self._first.kernel.value.sum()


def test_addresses_are_read_off_the_attributes():
    assert [address for address, _ in walk(Whole())] == [
        "first/kernel",
        "parts[0]/kernel",
        "parts[1][deep]/kernel",
        "count",
    ]


def test_a_list_stays_a_list_and_overwriting_replaces():
    whole = Whole()
    assert type(whole.parts) is list
    whole.parts = [Part()]
    assert "parts[1][deep]/kernel" not in dict(walk(whole))


def test_cycles_end():
    whole = Whole()
    whole.me = whole
    whole.parts[0].parent = whole
    whole.parts.append(whole.parts)
    whole.parts[1]["again"] = whole.parts
    assert len(list(walk(whole))) == 4


def test_at():
    whole = Whole()
    assert at(whole, "parts[0]") is whole.parts[0]
    assert at(whole, "count") is whole.count
    with pytest.raises(UnknownNameError, match="parts") as caught:
        at(whole, "parts[0]/kernl")
    assert "parts[0]/kernel" in caught.value.fix


def test_pure_changes_nothing():
    whole = Whole()
    out, state = pure(whole.step, state_of(whole), 3.0)
    assert float(out) == 6 and int(state["count"]) == 1 and int(whole.count.value) == 0


def test_pure_under_jit_grad_and_vmap():
    whole = Whole()
    state = {"first/kernel": jnp.array([1.0, 3.0])}

    def loss(state, x):
        return pure(whole.step, state, x)[0]

    assert float(jax.jit(loss)(state, 2.0)) == 8
    np.testing.assert_array_equal(jax.grad(loss)(state, 2.0)["first/kernel"], [2, 2])
    np.testing.assert_array_equal(jax.vmap(loss, (None, 0))(state, jnp.arange(3.0)), [0, 4, 8])


def test_pure_names_a_wrong_address():
    with pytest.raises(UnknownNameError, match="first/kernal"):
        pure(Whole().step, {"first/kernal": 0}, 1.0)


def test_write_state():
    whole = Whole()
    write_state(whole, {"first/kernel": [5.0, 6.0]})
    assert whole._first.kernel.numpy().tolist() == [5, 6]


def test_value_and_grad_keeps_what_was_assigned():
    whole = Whole()
    value, (gradient,) = value_and_grad(lambda: whole.step(2.0), [whole._first.kernel])()
    assert float(value) == 4 and gradient.tolist() == [2, 2] and int(whole.count.value) == 1


def test_value_and_grad_inside_of_pure_stays_pure():
    whole = Whole()

    class Step(Owner):
        def __init__(self):
            self.whole = whole

        def run(self):
            return grad(lambda: whole.step(2.0), [whole._first.kernel])()

    step = Step()
    gradients, state = jax.jit(lambda s: pure(step.run, s))(state_of(step))
    assert gradients[0].tolist() == [2, 2] and int(state["whole/count"]) == 1 and int(whole.count.value) == 0


def test_state_view_writes_all_even_if_interrupted():
    whole = Whole()
    view = StateView(whole)
    before = view.read()
    after = {address: value + 1 for address, value in before.items()}

    class Interrupting(dict):
        asked = 0

        def items(self):
            self.asked += 1
            for number, item in enumerate(super().items()):
                if self.asked == 1 and number == 1:
                    raise KeyboardInterrupt
                yield item

    with pytest.raises(KeyboardInterrupt):
        view.write(Interrupting(after))
    assert all(np.array_equal(value, after[address]) for address, value in view.read().items())


def test_seeds_are_state():
    generator = SeedGenerator(7)
    assert generator.next().tolist() == [7, 0] and generator.next().tolist() == [7, 1]
    seed, state = pure(generator.next, state_of(generator))
    assert seed.tolist() == [7, 2] and state["state"].tolist() == [7, 3] and generator.next().tolist() == [7, 2]


def test_seeds_are_new_in_every_run_of_compiled_code():
    generator = SeedGenerator(7)
    draw = jax.jit(lambda: generator.next())
    assert [int(draw()[1]) for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("seed", ["a", -1, 1.5])
def test_wrong_seed(seed):
    with pytest.raises(ValueError, match="seed"):
        SeedGenerator(seed)
