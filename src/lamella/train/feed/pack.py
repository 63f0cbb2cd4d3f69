"""(x, y, sample_weight) as one value, and back."""

from __future__ import annotations

from typing import Any

from lamella.errors import DataError

Batch = tuple[Any, Any, Any]
"""x, y, sample_weight; None where there is none."""


def unpack_x_y_sample_weight(data: Any) -> Batch:
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
