"""(x, y, sample_weight) as one value, and back."""

from __future__ import annotations

from typing import Any

import jax

from lamella.errors import DataError


@jax.tree_util.register_pytree_node_class
class Batch(tuple[Any, Any, Any]):
    """x, y, sample_weight; None where there is none.

    Args:    parts: how a `train_step` of the user's is given it: 0 for x as it is, else a tuple of so many.
                 If None, as Keras packs arrays.
    Example: >>> Batch({"a": 1}).as_given(), Batch(1, 2).as_given(), Batch(1, 2, parts=3).as_given()
             ({'a': 1}, (1, 2), (1, 2, None))
    """

    parts: int

    def __new__(cls, x: Any, y: Any = None, sample_weight: Any = None, parts: int | None = None) -> Batch:
        self = super().__new__(cls, (x, y, sample_weight))
        if parts is None:
            parts = 3 if sample_weight is not None else 2 if y is not None else int(isinstance(x, (tuple, list)))
        self.parts = parts
        return self

    def as_given(self) -> Any:
        """What a step of the user's is given."""
        return self[: self.parts] if self.parts else self[0]

    def tree_flatten(self) -> tuple[Any, int]:
        return tuple(self), self.parts

    @classmethod
    def tree_unflatten(cls, parts: int, children: Any) -> Batch:
        return cls(*children, parts=parts)


def with_x(batch: Any, x: Any) -> Any:
    """The same batch, a `Batch` or a plain triple, with another x."""
    return Batch(x, *batch[1:], parts=batch.parts) if isinstance(batch, Batch) else (x, *batch[1:])


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` as a triple.  A list counts as a tuple.

    Raises:  DataError: a tuple of any other length.
    Example: >>> unpack_x_y_sample_weight((1, 2))
             (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(
            "Data has too many or too few parts.",
            expected="x, (x,), (x, y) or (x, y, sample_weight)",
            received=f"a tuple of {len(data)}",
            fix="put several inputs into one list or dict: ([x1, x2], y)",
        )
    return (*data, None, None)[:3]  # type: ignore[return-value]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest value that unpacks to these three.

    Example: >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight(1, 2)
             (1, (1, 2))
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
