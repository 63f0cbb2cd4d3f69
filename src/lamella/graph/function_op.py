"""`@op` makes a plain function over arrays one that also takes symbolic tensors."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, overload

from lamella.errors import unknown
from lamella.graph.op_arguments import belongs_to_call
from lamella.graph.op_errors import explained
from lamella.graph.operation import Operation
from lamella.graph.tensor import any_symbolic
from lamella.state import Variable

P = ParamSpec("P")
R = TypeVar("R")

OPS: dict[str, type[FunctionOp]] = {}
"""Every op by the class name that it has in graphs and files (`TrueDivide`)."""


class FunctionOp(Operation):
    """A recorded call of a function: state-free, one instance a call.

    Args: fixed: those of the function's arguments that do not go with the call, such as `axis`.
    """

    function: Callable[..., Any]
    signature: inspect.Signature

    def __init__(self, *, name: str | None = None, **fixed: Any):
        super().__init__(name)
        parameters = self.signature.parameters
        for key in set(fixed) - set(parameters):
            raise unknown(f"argument of {type(self).__name__}", key, parameters)
        self.fixed = fixed
        self._open = self.signature.replace(parameters=[p for key, p in parameters.items() if key not in fixed])

    def call(self, *args: Any, **kwargs: Any) -> Any:
        function = type(self).function
        if not self.fixed:
            return function(*args, **kwargs)
        given = {**self.fixed, **self._open.bind(*args, **kwargs).arguments}
        bound = _arranged(self.signature, given)
        return function(*bound.args, **bound.kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.fixed}

    def __reduce__(self) -> Any:
        return _blank, (type(self).__name__,), vars(self)  # its class is made by `@op` and found by its name there

    @classmethod
    def record(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Records a call: what belongs to it makes the node, the rest the op's config."""
        try:
            given = cls.signature.bind(*args, **kwargs).arguments
        except TypeError:
            return cls()(*args, **kwargs)  # the function itself says what is wrong
        fixed = {key: value for key, value in given.items() if not cls._goes_with_call(key, value)}
        operation = cls(**fixed)
        bound = _arranged(operation._open, given)
        return operation(*bound.args, **bound.kwargs)

    @classmethod
    def _goes_with_call(cls, key: str, value: Any) -> bool:
        kind = cls.signature.parameters[key].kind
        several = kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return several or belongs_to_call(cls.__name__, key) or any_symbolic([value])


def _blank(name: str) -> FunctionOp:
    return object.__new__(OPS[name])


def _arranged(signature: inspect.Signature, given: dict[str, Any]) -> inspect.BoundArguments:
    """Named arguments as a function with this signature takes them."""
    return inspect.BoundArguments(signature, OrderedDict((k, given[k]) for k in signature.parameters if k in given))


@overload
def op(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def op(*, name: str) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def op(function: Any = None, *, name: str | None = None) -> Any:
    """Decorates a function of arrays so that symbolic tensors are recorded.

    Variables among the positional arguments arrive as their values.

    Args:    name: its class name in graphs; else the function's own, in CamelCase.
    Example: >>> @op
             ... def double(x):
             ...     return x * 2
             >>> double(Input((3,))).shape
             (None, 3)
    """
    if function is None:
        return lambda f: _as_op(f, name)
    return _as_op(function, name)


def _as_op(function: Callable[..., Any], name: str | None) -> Callable[..., Any]:
    name = name or "".join(part[:1].upper() + part[1:] for part in function.__name__.split("_"))
    kind = type(name, (FunctionOp,), {"function": staticmethod(function), "__module__": function.__module__})
    kind.__doc__ = function.__doc__
    kind.signature = inspect.signature(function)
    OPS[name] = kind

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if any_symbolic(args) or (kwargs and any_symbolic(kwargs.values())):
                return kind.record(args, kwargs)
            return function(*[a.value if isinstance(a, Variable) else a for a in args], **kwargs)
        except (TypeError, ValueError, IndexError) as error:
            told = explained(error, function, args, kwargs)
            if told is error:
                raise
            raise told from error

    call.operation = kind  # type: ignore[attr-defined]
    return call
