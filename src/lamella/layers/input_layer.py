"""Input: where a graph begins."""

from __future__ import annotations

import warnings
from typing import Any

from lamella import config
from lamella.dtypes import standardize_dtype
from lamella.errors import ArgumentError
from lamella.graph import KerasTensor, Node, standardize_shape
from lamella.layers.layer import Layer


class InputLayer(Layer):
    """The node of an `Input`: it holds the shape and passes data through.

    Args: shape: without the batch; `batch_shape` is with it.
          optional: None may be fed for it.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        if sparse or ragged:
            raise ArgumentError(
                "Sparse and ragged inputs are not supported.", fix="feed dense arrays (padded, with a mask)"
            )
        if "input_shape" in kwargs or "batch_input_shape" in kwargs:
            warnings.warn("`input_shape` is Keras 2's name; InputLayer takes `shape`.", stacklevel=2)
            batch_shape = kwargs.pop("batch_input_shape", batch_shape)
            shape = kwargs.pop("input_shape", shape)
        super().__init__(name=name, **kwargs)
        if input_tensor is None:
            self.batch_shape = _batch_shape(shape, batch_size, batch_shape)
        else:
            _check_tensor(input_tensor, shape, batch_size, batch_shape, dtype)
            self.batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        self._dtype = standardize_dtype(dtype or config.floatx())
        self.sparse = self.ragged = False
        self.optional, self.built = optional, True
        tensor = KerasTensor(self.batch_shape, self._dtype, name=self.name) if input_tensor is None else input_tensor
        Node(self, (), {}, tensor)

    def call(self, inputs: Any = None) -> Any:
        return inputs

    @property
    def dtype(self) -> str:  # type: ignore[override]
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self._dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor to build a model from.

    Args:    shape: sizes without the batch; None for sizes known later.
             dtype: floatx if None.
    Raises:  ArgumentError: no shape, or a shape that is no tuple.
    Example: >>> Input((28, 28, 1)).shape
             (None, 28, 28, 1)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> Any:
    for name, given in (("shape", shape), ("batch_size", batch_size)):
        if given is not None and batch_shape is not None:
            raise ArgumentError(
                f"Input() takes `{name}` or `batch_shape`, not both.", received=f"{given} and {batch_shape}"
            )
    if batch_shape is not None:
        return standardize_shape(batch_shape)
    if shape is None:
        raise ArgumentError(
            "Input() needs a `shape`.", fix="Input((28, 28, 1)): the sizes of one sample, without the batch"
        )
    return (batch_size, *standardize_shape(shape))


def _check_tensor(tensor: Any, shape: Any, batch_size: int | None, batch_shape: Any, dtype: Any) -> None:
    """Refuses what is no symbolic tensor, and arguments that say something else than the tensor."""
    if not isinstance(tensor, KerasTensor):
        raise ArgumentError("InputLayer's `input_tensor` is a symbolic tensor.", received=type(tensor).__name__)
    of_tensor = {"shape": tensor.shape[1:], "batch_size": next(iter(tensor.shape), None)}
    of_tensor |= {"batch_shape": tensor.shape, "dtype": tensor.dtype}
    given = {"shape": shape, "batch_size": batch_size, "batch_shape": batch_shape, "dtype": dtype}
    for name, value in given.items():
        said = tuple(value) if name in ("shape", "batch_shape") and isinstance(value, (list, tuple)) else value
        if said is not None and (standardize_dtype(said) if name == "dtype" else said) != of_tensor[name]:
            raise ArgumentError(
                f"InputLayer has another `{name}` than its `input_tensor`.",
                expected=of_tensor[name],
                received=value,
                fix=f"leave `{name}` out",
            )
