"""KerasTensor: a tensor known by shape and dtype only, and by the node that made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from lamella.dtypes import standardize_dtype
from lamella.errors import ArgumentError, GraphError, NoValueError, ShapeError
from lamella.state import aliases, auto_name

if TYPE_CHECKING:
    from lamella.graph.operation import Operation

Shape = tuple[int | None, ...]

OPERATORS: dict[str, Callable[..., Any]] = {}
"""What `x + y`, `x[i]`, … record; filled by the room `ops`, which knows how."""


class KerasHistory(NamedTuple):
    """Which call of which operation a tensor came from, and as which output."""

    operation: Operation | None
    node_index: int | None
    tensor_index: int | None

    @property
    def layer(self) -> Operation | None:
        """The operation, under the name that Keras 2 had for it."""
        return self.operation


NO_HISTORY = KerasHistory(None, None, None)


@aliases(_shape="shape", _dtype="dtype")
class KerasTensor:
    """A placeholder in a graph.  Layers, `lamella.ops` and operators take it.

    Args: shape: a tuple; None stands for a size known later.
    """

    _compares: bool | None = None  # of the result of ==: whether it was one tensor on both sides

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        if sparse or ragged:
            raise ArgumentError("Sparse and ragged tensors are not supported; JAX has dense arrays.")
        self.shape: Shape = standardize_shape(shape)
        self.dtype = standardize_dtype(dtype)
        self.sparse = self.ragged = False
        self.record_history = record_history
        self._name = name
        self._keras_history: KerasHistory = NO_HISTORY

    @property
    def name(self) -> str:
        if self._name is None:
            self._name = auto_name("keras_tensor")
        return self._name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def reshape(self, *newshape: Any) -> Any:
        shape = newshape[0] if len(newshape) == 1 and not isinstance(newshape[0], int) else newshape
        return OPERATORS["reshape"](self, shape)

    def squeeze(self, axis: int | None = None) -> Any:
        return OPERATORS["squeeze"](self, axis)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"

    def __iter__(self) -> NoReturn:
        raise GraphError("Iterating over a symbolic tensor is not possible.", fix="use lamella.ops.unstack")

    def __bool__(self) -> bool:
        if self._compares is not None:  # `tensor in tensors`, as Python asks it
            return self._compares
        raise NoValueError(
            "A symbolic tensor has no truth value: its numbers come later.",
            fix="use lamella.ops.where or lamella.ops.cond, or write a Layer whose call() branches",
        )

    def _no_value(self, *_: Any, **__: Any) -> NoReturn:
        raise NoValueError(
            f"{self!r} has a shape and a dtype, but no numbers yet.",
            fix="use lamella.ops in place of numpy or jax.numpy, or move the code into the call() of a Layer",
        )

    __array__ = __float__ = __int__ = _no_value


def _operator(name: str, reflected: bool = False) -> Callable[..., Any]:
    if reflected:
        return lambda self, other: OPERATORS[name](other, self)
    return lambda self, *others: OPERATORS[name](self, *others)


_REFLECTED = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"]
for _name in [*_REFLECTED, *["lt", "le", "gt", "ge", "ne", "getitem", "neg", "pos", "abs", "invert", "round"]]:
    setattr(KerasTensor, f"__{_name}__", _operator(_name))
for _name in _REFLECTED:
    setattr(KerasTensor, f"__r{_name}__", _operator(_name, reflected=True))


def _equal(self: KerasTensor, other: Any) -> Any:
    """A symbolic tensor, whose truth value is whether both are the same tensor; that alone where shapes do not fit."""
    if not isinstance(other, (KerasTensor, bool, int, float, complex, list, tuple)) and not hasattr(other, "__array__"):
        return NotImplemented
    try:
        equal = OPERATORS["eq"](self, other)
    except ShapeError:
        return NotImplemented
    equal._compares = self is other
    return equal


KerasTensor.__eq__ = _equal  # type: ignore[method-assign]
KerasTensor.__hash__ = object.__hash__  # type: ignore[method-assign]


def standardize_shape(shape: Any) -> Shape:
    """A shape as a tuple of ints and Nones.

    Raises:  ArgumentError: it holds anything else, or a negative size.
    Example: >>> standardize_shape([None, 3])
             (None, 3)
    """
    if isinstance(shape, int):
        raise ArgumentError("A shape is a tuple.", received=repr(shape), fix=f"write ({shape},)")
    try:
        sizes = tuple(None if d is None else int(d) for d in shape)
    except (TypeError, ValueError):
        raise ArgumentError("A shape is a tuple of sizes and Nones.", received=repr(shape)) from None
    if any(d is not None and d < 0 for d in sizes):
        raise ArgumentError("A shape has no negative sizes.", received=repr(shape), fix="use None for unknown sizes")
    return sizes


def is_keras_tensor(x: Any) -> bool:
    """Whether a value is a symbolic tensor."""
    return isinstance(x, KerasTensor)


def any_symbolic(values: Any) -> bool:
    """Whether symbolic tensors are among values, or in lists, tuples and dicts there."""
    for value in values:
        if isinstance(value, KerasTensor):
            return True
        if isinstance(value, (list, tuple)):
            if value and any_symbolic(value):
                return True
        elif isinstance(value, dict) and any_symbolic(value.values()):
            return True
    return False
