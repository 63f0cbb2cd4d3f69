"""Holding out the end of arrays for validation."""

from __future__ import annotations

import math
from typing import Any

from lamella.errors import DataError
from lamella.train.feed.columns import columns, common_length, is_data, mapped


def train_validation_split(arrays: Any, validation_split: float) -> tuple[Any, Any]:
    """(x, y, sample_weight) cut in two: all but the last fraction of the samples, and that fraction.

    Raises:  DataError: no arrays, a fraction outside of (0, 1), or a part that would be empty.
    Example: >>> train, held_out = train_validation_split((np.arange(5), None, None), 0.4)
             >>> held_out[0].tolist()
             [3, 4]
    """
    if not 0 < validation_split < 1:
        raise DataError("validation_split is a fraction.", expected="between 0 and 1", received=validation_split)
    if not all(map(is_data, arrays)):
        raise DataError(
            "validation_split can cut arrays only.",
            received=", ".join(type(part).__name__ for part in arrays),
            fix="pass validation_data=(x, y), or another dataset",
        )
    x, y, sample_weight = (*arrays, None, None)[:3]
    parts = columns(x, "x"), columns(y, "y"), columns(sample_weight, "sample_weight")
    count = common_length(*parts)
    at = math.floor(count * (1 - validation_split))
    if at == 0:
        raise DataError(
            f"validation_split={validation_split} of {count} samples leaves none to train on.",
            fix="pass more data, or a smaller validation_split",
        )
    return mapped(lambda c: c[:at], parts), mapped(lambda c: c[at:], parts)
