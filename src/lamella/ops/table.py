"""Ops that are one function of JAX: written as rows, with Keras's argument names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lamella.graph import op
from lamella.ops.tensors import hashable_axis, tensor

Function = Callable[..., Any]


class Unary(Protocol):
    """An op of one tensor."""

    def __call__(self, x: Any) -> Any: ...


class Binary(Protocol):
    """An op of two tensors that broadcast together."""

    def __call__(self, x1: Any, x2: Any) -> Any: ...


class Bitwise(Protocol):
    """An op of the bits of two tensors."""

    def __call__(self, x: Any, y: Any) -> Any: ...


class Reduction(Protocol):
    """An op that reduces axes (all of them for None) to one number each."""

    def __call__(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any: ...


def unary(name: str, function: Function, text: str, prepare: Function = tensor) -> Unary:
    def call(x: Any) -> Any:
        return function(prepare(x))

    return _as_op(call, name, text)


def binary(name: str, function: Function, text: str, prepare: Function = tensor) -> Binary:
    def call(x1: Any, x2: Any) -> Any:
        return function(prepare(x1), prepare(x2))

    return _as_op(call, name, text)


def bitwise(name: str, function: Function, text: str) -> Bitwise:
    def call(x: Any, y: Any) -> Any:
        return function(tensor(x), tensor(y))

    return _as_op(call, name, text)


def reduction(name: str, function: Function, text: str, prepare: Function = tensor) -> Reduction:
    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(prepare(x), axis=hashable_axis(axis), keepdims=keepdims)

    return _as_op(call, name, text)


def _as_op(call: Function, name: str, text: str) -> Any:
    call.__name__ = call.__qualname__ = name
    call.__module__, call.__doc__ = "lamella.ops", text
    return op(call)
