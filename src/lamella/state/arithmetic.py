"""Operators for things that stand for an array: `v + 1`, `2 ** v`, `v[0]`, `v @ w`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp


def _binary(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(self.value, getattr(other, "value", other))


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(getattr(other, "value", other), self.value)


def _unary(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda self: function(self.value)


class Arithmetic:
    """Sends every operator to `self.value`.  Equality too: use `is` for identity."""

    value: Any
    __array_priority__ = 100  # numpy_array * variable is ours to answer

    __add__, __radd__ = _binary(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _binary(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul), _reflected(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv), _reflected(operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv), _reflected(operator.floordiv)
    __mod__, __rmod__ = _binary(operator.mod), _reflected(operator.mod)
    __pow__, __rpow__ = _binary(operator.pow), _reflected(operator.pow)
    __matmul__, __rmatmul__ = _binary(operator.matmul), _reflected(operator.matmul)
    __and__, __rand__ = _binary(jnp.logical_and), _reflected(jnp.logical_and)
    __or__, __ror__ = _binary(jnp.logical_or), _reflected(jnp.logical_or)
    __xor__, __rxor__ = _binary(operator.xor), _reflected(operator.xor)
    __lt__, __le__ = _binary(operator.lt), _binary(operator.le)
    __gt__, __ge__ = _binary(operator.gt), _binary(operator.ge)
    __eq__ = _binary(operator.eq)  # type: ignore[assignment]
    __ne__ = _binary(operator.ne)  # type: ignore[assignment]
    __getitem__ = _binary(operator.getitem)
    __round__ = lambda self, ndigits=None: jnp.round(self.value, ndigits or 0)  # noqa: E731
    __neg__, __pos__, __abs__, __invert__ = map(_unary, (operator.neg, operator.pos, operator.abs, operator.inv))
    __float__, __int__, __bool__, __len__ = map(_unary, (float, int, bool, len))
    __iter__ = _unary(iter)

    def __hash__(self) -> int:
        return id(self)
