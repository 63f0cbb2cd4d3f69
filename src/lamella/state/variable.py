"""Variable: the one place where an array lives between calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from lamella.dtypes import is_float, standardize_dtype
from lamella.errors import ArgumentError, ShapeError, StateError, parameters_of, unknown_arguments
from lamella.state.alias import aliases
from lamella.state.arithmetic import Arithmetic
from lamella.state.frame import current
from lamella.state.handover import arrived
from lamella.state.later import Drawn, Later, is_traced, settle
from lamella.state.names import auto_name

_serial = itertools.count()
_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = (None, "none", "on_read", "on_write", "auto")


class changes:  # noqa: N801 - a namespace for one counter
    """Counts new variables and changed `trainable` flags, so that training notices them."""

    count = 0


@aliases(
    _name="name",
    _path="path",
    _shape="shape",
    _ndim="ndim",
    _dtype="_value.dtype.name",
    _autocast="autocast",
    _aggregation="aggregation",
    _synchronization="synchronization",
    _regularizer="regularizer",
    _constraint="constraint",
)
class Variable(Arithmetic):
    """An array with a name that layers, metrics and optimizers own and change.

    Reading and writing go through the current frame: inside `pure` they touch
    the overlay, outside of it the variable itself.  Any `jax.numpy` function,
    and any function under `jax.jit`, takes a variable as an argument and sees
    its value.

    Args:    initializer: an array, a number, a function (shape, dtype) → array, or the name of an initializer.
             shape: needed when `initializer` is a function or a name.
             dtype: floatx if None (or that of an array given).
             autocast: whether layers with another compute dtype read it in that one.
             aggregation, synchronization: kept for Keras's code; one process has one copy.
    Raises:  ShapeError: `assign` with another shape.
    Example: >>> v = Variable([1.0, 2.0], name="v")
             >>> v.assign_add([1.0, 1.0]).tolist()
             [2.0, 3.0]
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ):
        if layout is not None:
            raise ArgumentError("Variables have no layout yet.", fix="shard arrays with jax.sharding")
        if kwargs:
            raise unknown_arguments("Variable()", kwargs, parameters_of(Variable))
        if aggregation not in _AGGREGATIONS:
            raise ArgumentError("Unknown aggregation.", expected=_AGGREGATIONS, received=repr(aggregation))
        if synchronization not in _SYNCHRONIZATIONS:
            raise ArgumentError("Unknown synchronization.", expected=_SYNCHRONIZATIONS, received=repr(synchronization))
        if isinstance(initializer, str):
            initializer = _named(initializer)
        if shape is not None:
            shape = _sizes(shape)
        self.name = name or auto_name(type(self).__name__)
        if not isinstance(self.name, str) or "/" in self.name:
            raise ArgumentError(
                "A variable's name is a string without '/', which separates addresses.", received=repr(self.name)
            )
        self.path = "/".join((*current().path, self.name))
        self.serial = next(_serial)
        changes.count += 1
        self.autocast = autocast
        self.aggregation, self.synchronization = aggregation or "none", synchronization or "none"
        self.regularizer: Callable[..., Any] | None = None
        self.constraint: Callable[..., Any] | None = None
        self.overwrite_with_gradient = False
        self._trainable = self.made_trainable = bool(trainable)  # the second orders `get_weights`
        self._value: Any = _later(initializer, shape, dtype, self.path) or _initial(initializer, shape, dtype)

    # What it holds

    @property
    def value(self) -> jax.Array:
        """The array, in the compute dtype of the layer that reads it."""
        here = current()
        raw = self.raw
        if here.autocast and self.autocast and raw.dtype != here.autocast and is_float(raw.dtype.name):
            return raw.astype(here.autocast)
        return raw

    @property
    def raw(self) -> jax.Array:
        """The array in its own dtype, from the overlay where there is one."""
        overlay = current().overlay
        if overlay is not None and self in overlay:
            return overlay[self]
        value = self._value
        if isinstance(value, Later):
            if current().deferred and is_traced():
                return value.stand_in()
            settle(self, value, value.made())
            return self.raw
        return arrived(value)

    @property
    def nbytes(self) -> int:
        return self._value.nbytes

    @property
    def has_value(self) -> bool:
        """Whether its value is there; else it is computed when it is first read."""
        return not isinstance(self._value, Later)

    @property
    def is_deferred(self) -> bool:
        """Whether its initial value is still open, for a file to give it."""
        return type(self._value) is Later

    def assign(self, value: Any) -> jax.Array:
        """Replaces the value; the shape stays, the dtype is kept.

        Raises: ShapeError: `value` has another shape.
                StateError: `value` is a tracer and no frame is there to keep it.
        """
        value = _array(value, self._value.dtype)
        if value.shape != self._value.shape:
            raise ShapeError(
                f"Variable {self.path!r} cannot take a value of another shape.",
                expected=self._value.shape,
                received=value.shape,
            )
        overlay = current().overlay
        if overlay is not None:
            overlay[self] = value
        elif isinstance(value, jax.core.Tracer):
            raise StateError(
                f"Variable {self.path!r} was assigned inside of a jax transformation.",
                fix="call the layer through lamella.state.pure or layer.stateless_call there",
            )
        elif isinstance(later := self._value, Later):
            settle(self, later, value)
            if self._value is not value:  # another thread read it just then
                self._value = _placed_like(value, self._value)
        else:
            self._value = _placed_like(value, later)
        return value

    def assign_add(self, value: Any) -> jax.Array:
        """Adds to the value."""
        return self.assign(self.raw + jnp.asarray(value))

    def assign_sub(self, value: Any) -> jax.Array:
        """Subtracts from the value."""
        return self.assign(self.raw - jnp.asarray(value))

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array of its own."""
        value = self._value
        if type(value) is Drawn and current().overlay is None:
            return np.array(value.host())
        return np.array(self.raw)

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def dtype(self) -> str:
        """The dtype it is read in here (its own, unless a layer autocasts it)."""
        own, here = self._value.dtype.name, current()
        return here.autocast if here.autocast and self.autocast and is_float(own) else own

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    @property
    def trainable(self) -> bool:
        """Whether training may change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        changes.count += 1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.value, dtype)

    def __jax_array__(self) -> jax.Array:
        return self.value

    def __repr__(self) -> str:
        value = self.raw if isinstance(self.raw, jax.core.Tracer) else np.asarray(self.raw)
        with np.printoptions(threshold=8, edgeitems=2, precision=4):
            shown = " ".join(str(value).split())
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={shown}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        new = object.__new__(type(self))
        memo[id(self)] = new
        new.__dict__.update(self.__dict__, serial=next(_serial))
        return new


def _sizes(shape: Any) -> tuple[Any, ...]:
    sizes = None if isinstance(shape, (int, str)) else tuple(shape)
    if sizes is None or None in sizes:
        raise ArgumentError(
            "A Variable's shape is a tuple of sizes that are all known.",
            received=repr(shape),
            fix=f"write ({shape},)" if isinstance(shape, int) else None,
        )
    return sizes


def _named(initializer: str) -> Any:
    """An initializer by its name."""
    from lamella import initializers

    return initializers.get(initializer)


def _makes_values(initializer: Any) -> bool:
    return callable(initializer) and not hasattr(initializer, "__array__")


def _later(initializer: Any, shape: Any, dtype: Any, owner: str) -> Later | None:
    """The value, to be computed when it is read; None where it has to be computed now.

    Args: owner: the path of the variable.
    """
    if shape is None or not _makes_values(initializer):
        return None
    if current().deferred:
        return Later(lambda: _initial(initializer, shape, dtype), shape, dtype)
    if getattr(initializer, "numbers_later", None) is None or not is_float(name := standardize_dtype(dtype)):
        return None
    settings: Any = jax.config
    if settings.jax_default_device is not None:  # it may be another one when the value is read
        return None
    if not all(isinstance(size, (int, np.integer)) and size >= 0 for size in shape):
        return None
    return Drawn(initializer.numbers_later(tuple(shape), jnp.dtype(name)), shape, name, owner)


def _initial(initializer: Any, shape: Any, dtype: Any) -> jax.Array:
    """A real array, even when it is made inside of a trace."""
    with jax.ensure_compile_time_eval():
        return _first_value(initializer, shape, dtype)


def _first_value(initializer: Any, shape: Any, dtype: Any) -> jax.Array:
    if _makes_values(initializer):
        if shape is None:
            raise ArgumentError("A Variable made with an initializer function needs `shape`.")
        value = initializer(tuple(shape), dtype=standardize_dtype(dtype))
    else:
        value: Any = getattr(initializer, "raw", initializer)
        if dtype is None and not hasattr(value, "dtype") and np.asarray(value).dtype.kind == "f":
            dtype = standardize_dtype(None)
        if shape is not None and tuple(np.shape(value)) != tuple(shape):
            raise ShapeError(
                "A Variable's initial value has another shape.", expected=tuple(shape), received=np.shape(value)
            )
    return _array(value, None if dtype is None else standardize_dtype(dtype))


def _array(value: Any, dtype: Any) -> jax.Array:
    """A jax array of a definite dtype; one of NumPy's is copied, since it may change under our hands."""
    value = getattr(value, "raw", value)
    if isinstance(value, jax.Array):
        return jnp.asarray(value, dtype=value.dtype if dtype is None else dtype)
    return jax.device_put(np.array(value, None if dtype is None else jnp.dtype(dtype)))  # jnp.array would compile


def _placed_like(new: jax.Array, old: Any) -> jax.Array:
    """`new` on the devices that `old` is on, so that an assign keeps a layout."""
    if len(old.sharding.device_set) > 1 and new.sharding != old.sharding:
        return jax.device_put(new, old.sharding)
    return new


# A variable handed to jax.jit, grad or a jnp function arrives there as its value.
jax.tree_util.register_pytree_node(Variable, lambda v: ((v.value,), None), lambda _, leaves: leaves[0])  # type: ignore[arg-type]
