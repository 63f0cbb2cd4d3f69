"""Control flow that compiles: branches, loops, maps, and gradients of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import lax

from lamella.errors import ArgumentError
from lamella.graph import op
from lamella.ops.tensors import indices

Function = Callable[..., Any]


def _values(structure: Any) -> Any:
    """The structure with each Variable's value in its place."""
    return jax.tree.map(lambda leaf: leaf, structure)  # a Variable's leaf is its value


@op
def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    """What `true_fn()` returns if `pred` holds, else what `false_fn()` does.

    Example: >>> int(ops.cond(True, lambda: 1, lambda: 2))
             1
    """
    return lax.cond(_values(pred), true_fn, false_fn)


@op
def switch(index: Any, branches: Sequence[Function], *operands: Any) -> Any:
    """What the index-th branch returns for the operands."""
    return lax.switch(indices(_values(index)), branches, *_values(operands))


@op
def while_loop(cond: Function, body: Function, loop_vars: Any, maximum_iterations: int | None = None) -> Any:
    """Repeats loop_vars = body(*loop_vars) as long as cond(*loop_vars) holds.

    Example: >>> int(ops.while_loop(lambda i: i < 5, lambda i: i + 2, 0))
             6
    """
    several = isinstance(loop_vars, (tuple, list))
    start = tuple(_values(loop_vars)) if several else (_values(loop_vars),)

    def goes_on(carry: Any) -> Any:
        count, values = carry
        return cond(*values) if maximum_iterations is None else cond(*values) & (count < maximum_iterations)

    def step(carry: Any) -> Any:
        count, values = carry
        new = body(*values)
        return count + 1, tuple(new) if several else (new,)

    _, end = lax.while_loop(goes_on, step, (0, start))
    return end if several else end[0]


@op
def fori_loop(lower: Any, upper: Any, body_fun: Function, init_val: Any) -> Any:
    """Applies value = body_fun(i, value) for i from `lower` up to, not including, `upper`."""
    return lax.fori_loop(lower, upper, body_fun, _values(init_val))


@op
def map(f: Function, xs: Any) -> Any:
    """Applies `f` to one slice of the first axis after the other, and stacks the results."""
    return lax.map(f, _values(xs))


@op
def vectorized_map(function: Function, elements: Any) -> Any:
    """Applies a function to all slices of the first axis at once, and stacks the results."""
    return jax.vmap(function)(_values(elements))


@op
def scan(
    f: Function, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False, unroll: int | bool = 1
) -> Any:
    """Carries a value along the first axis: carry, y = f(carry, x) for each slice x.

    Returns the last carry, and all y stacked.

    Raises:  ArgumentError: `unroll` is no positive integer or boolean.
    Example: >>> ops.scan(lambda total, x: (total + x, total), jnp.array(0), jnp.array([1, 2, 3]))[1].tolist()
             [0, 1, 3]
    """
    if not isinstance(unroll, int) or (not isinstance(unroll, bool) and unroll < 1):
        raise ArgumentError("`unroll` is a positive integer or a boolean.", received=repr(unroll))
    return lax.scan(f, _values(init), _values(xs), length=length, reverse=reverse, unroll=unroll)


@op
def associative_scan(f: Function, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All running results of an associative function, computed in parallel.

    Example: >>> ops.associative_scan(jnp.add, jnp.array([1, 2, 3])).tolist()
             [1, 3, 6]
    """
    return lax.associative_scan(f, _values(elems), reverse, axis)


def custom_gradient(f: Function) -> Function:
    """Decorates a function that returns (output, gradient function) with just that gradient.

    Example: >>> @ops.custom_gradient
             ... def twice(x):
             ...     return 2 * x, lambda upstream: 7 * upstream
             >>> float(jax.grad(twice)(1.0))
             7.0
    """
    inner = jax.custom_gradient(f)

    def call(*args: Any, **kwargs: Any) -> Any:
        return inner(*_values(args), **_values(kwargs))

    return call
