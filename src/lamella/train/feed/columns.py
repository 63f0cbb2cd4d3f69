"""Columns: what the user passed, as host arrays in the user's structure, checked.

A list of numbers (or of lists of numbers) is one column; a list, tuple or dict
that holds arrays is a structure of columns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from lamella.config import floatx
from lamella.errors import DataError


class EmptyDataError(DataError):
    """Data without one sample or batch."""


class Sparse:
    """Rows of a SciPy sparse matrix, made dense a batch at a time."""

    def __init__(self, matrix: Any):
        self.rows = matrix.tocsr()
        self.shape, self.dtype = self.rows.shape, self.rows.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self.rows[rows].toarray()


def columns(data: Any, name: str) -> Any:
    """The columns of a structure of arrays, under the same keys.

    Args:   name: of the argument, for errors.
    Raises: DataError: something in it is no array of samples.
    """
    if data is None:
        return None
    if isinstance(data, dict):
        return {key: columns(value, f"{name}[{key!r}]") for key, value in data.items()}
    if isinstance(data, (list, tuple)) and _holds_arrays(data):
        return _like(data, [columns(value, f"{name}[{i}]") for i, value in enumerate(data)])
    return _column(data, name)


def mapped(function: Callable[[Any], Any], data: Any) -> Any:
    """Applies a function to every column of a structure; None stays None."""
    if data is None:
        return None
    if isinstance(data, dict):
        return {key: mapped(function, value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return _like(data, [mapped(function, value) for value in data])
    return function(data)


def named(data: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yields (name, column) for every column of a structure."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from named(value, f"{name}[{key!r}]")
    elif isinstance(data, (list, tuple)):
        for index, value in enumerate(data):
            yield from named(value, f"{name}[{index}]")
    elif data is not None:
        yield name, data


def as_batch(values: Any) -> Any:
    """Values of another float dtype than floatx become floatx; the others stay as they are."""
    dtype = _dtype_in_batches(values.dtype, floatx())
    return values if dtype == values.dtype else values.astype(dtype)


@lru_cache(maxsize=256)
def _dtype_in_batches(dtype: Any, floats: str) -> Any:
    other = jnp.issubdtype(dtype, jnp.floating) and dtype.name != floats
    return jnp.dtype(floats) if other else dtype


def common_length(x: Any, y: Any, sample_weight: Any, where: str = "") -> int:
    """The number of samples that all columns have.

    Args:   where: what to begin an error with.
    Raises: DataError: there are none, or they are not of one length.
    """
    lengths = {n: c.shape[0] for part in _parts(x, y, sample_weight) for n, c in named(*part)}
    if not lengths:
        raise DataError(
            f"{where}There is no data: x is None or empty.", fix="pass an array with samples along its first axis"
        )
    (first, count), *others = lengths.items()
    if any(other != count for _, other in others):
        raise DataError(
            f"{where}{first} has {count} samples, {', '.join(f'{name} has {other}' for name, other in others)}.",
            expected="the same number of samples everywhere",
            fix="check how the arrays were cut; they are matched row by row",
        )
    return count


def _parts(x: Any, y: Any, sample_weight: Any) -> list[tuple[Any, str]]:
    return [(x, "x"), (y, "y"), (sample_weight, "sample_weight")]


def is_array(value: Any) -> bool:
    """Whether a value is an array with at least one axis, of whatever library."""
    return (hasattr(value, "shape") and hasattr(value, "dtype") and len(value.shape) > 0) or _is_pandas(value)


def is_data(data: Any) -> bool:
    """Whether something consists of arrays (or numbers, or strings) and nothing else."""
    if isinstance(data, dict):
        return all(map(is_data, data.values()))
    if isinstance(data, (list, tuple)):
        return all(map(is_data, data)) if _holds_arrays(data) else True
    return data is None or is_array(data) or hasattr(data, "__array__")


def _is_pandas(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series))


def _holds_arrays(data: Any) -> bool:
    return any(is_array(v) or isinstance(v, dict) or (isinstance(v, (list, tuple)) and _holds_arrays(v)) for v in data)


def _like(sequence: Any, values: list[Any]) -> Any:
    if isinstance(sequence, list):
        return values
    return type(sequence)(*values) if hasattr(sequence, "_fields") else tuple(values)


def _column(value: Any, name: str) -> Any:
    if hasattr(value, "tocsr"):
        return Sparse(value)
    array = _from_rows(list(value), name) if isinstance(value, (list, tuple)) else _on_host(value)
    if array.ndim == 0:
        raise DataError(
            f"{name} is no array of samples.",
            expected="an array with samples along its first axis",
            received=f"{type(value).__name__} {value!r}"[:80],
        )
    if array.shape[0] == 0:
        raise EmptyDataError(f"{name} is empty.", expected="at least one sample", received=f"shape {array.shape}")
    _check_dtype(array, name)
    return array


def _on_host(value: Any) -> np.ndarray:
    if _is_pandas(value):
        array = value.to_numpy()
        return array[:, None] if array.ndim == 1 else array
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
    return np.asarray(value)


def _from_rows(rows: list[Any], name: str) -> np.ndarray:
    if rows and isinstance(rows[0], str):
        return np.array(rows, object)
    try:
        return np.array(rows)
    except ValueError:
        shapes = [_row_shape(row) for row in rows]
        odd = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), 0)
        raise _ragged(name, odd, shapes[0], shapes[odd]) from None


def _row_shape(row: Any) -> Any:
    try:
        return np.shape(row)
    except ValueError:
        return "ragged"


def _ragged(name: str, sample: int, expected: Any, received: Any) -> DataError:
    return DataError(
        f"{name} is ragged: sample {sample} has another shape than sample 0.",
        expected=expected,
        received=received,
        fix="pad the samples to one length, e.g. with keras.utils.pad_sequences",
    )


def _check_dtype(array: np.ndarray, name: str) -> None:
    if array.dtype.kind == "O":
        _check_objects(array, name)
    elif array.dtype.kind == "c":
        raise DataError(
            f"{name} holds complex numbers.",
            expected="real numbers",
            received=array.dtype,
            fix="np.stack([x.real, x.imag], axis=-1), or np.abs(x)",
        )
    elif array.dtype.kind in "Mm":
        raise DataError(f"{name} holds dates.", expected="numbers", received=array.dtype, fix="convert them to numbers")
    if name.startswith(("y", "sample_weight")) and array.dtype.kind in "OUS":
        raise DataError(
            f"{name} holds strings.",
            expected="numbers",
            received=repr(array.flat[0]),
            fix="np.unique(y, return_inverse=True) gives class names and integer labels",
        )


def _check_objects(array: np.ndarray, name: str) -> None:
    odd = next((i for i, value in enumerate(array.flat) if not isinstance(value, (str, bytes))), None)
    if odd is None:
        return
    value, sample = array.flat[odd], odd * len(array) // array.size
    if isinstance(value, (list, tuple, np.ndarray)):
        _from_rows(list(array), name)  # says which row is another
        raise DataError(
            f"{name} has dtype object: every sample is a {type(value).__name__}.",
            expected="one array of numbers",
            fix=f"np.stack({name}), or np.array({name}.tolist())",
        )
    raise DataError(
        f"{name} has dtype object, and {value!r:.60} at sample {sample}.",
        expected="numbers, or strings only",
        received=type(value).__name__,
        fix='array.astype("float32"), after missing values are filled in',
    )
