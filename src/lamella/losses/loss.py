"""Loss: how far predictions are from targets, for each sample and then as one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamella import dtype_policies
from lamella.config import floatx
from lamella.losses.reduction import reduce_weighted_values, same_rank, standardize_reduction
from lamella.losses.selection import counted, without_uncounted
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import auto_name, get_mask


class Loss:
    """A loss: subclass it, and compute one number for each sample in `call(y_true, y_pred)`.

    Args:    reduction: "sum_over_batch_size" (the mean), "sum", "mean", "mean_with_sample_weight" (divides by the
                 sum of the weights), or None: a number for each sample.
             dtype: what targets and predictions are cast to; floatx if None.
    Example: >>> class Distance(keras.losses.Loss):
             ...     def call(self, y_true, y_pred):
             ...         return jnp.abs(y_true - y_pred)
             >>> float(Distance()([1.0, 2.0], [2.0, 4.0]))
             1.5
    """

    _samples_apart_ = False
    """Whether the loss of a sample certainly depends on no other sample."""

    def __init__(self, name: str | None = None, reduction: Any = "sum_over_batch_size", dtype: Any = None):
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = dtype_policies.get(dtype or floatx())

    @property
    def dtype(self) -> str:
        return self._dtype_policy.compute_dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> jax.Array:
        """The reduced loss; steps of `y_pred` that its mask hides do not count.

        Args: sample_weight: a number for each sample (or step), which its loss is multiplied by.
        """
        mask = get_mask(y_pred)
        y_true, y_pred = self._converted_(y_true), self._converted_(y_pred)
        if sample_weight is not None or mask is not None:
            where = counted(sample_weight, mask)
            y_true = without_uncounted(y_true, where, 0, only_bad=True)
            y_pred = without_uncounted(y_pred, where, 1, not self._samples_apart_)
        values = self.call(y_true, y_pred)
        mask = _both(mask, get_mask(values))
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def _converted_(self, tensors: Any) -> Any:
        if isinstance(tensors, (dict, list, tuple)) and not _is_numbers(tensors):
            return jax.tree.map(lambda tensor: jnp.asarray(tensor, self.dtype), tensors)
        return jnp.asarray(tensors, self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """A loss for each sample.  Define it in every loss."""
        raise NotImplementedError(f"{type(self).__name__} does not define call().")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


def _both(mask: Any, other: Any) -> Any:
    if mask is None or other is None:
        return other if mask is None else mask
    return jnp.logical_and(mask, other)


def _is_numbers(value: Any) -> bool:
    """Whether nested lists hold plain numbers, so that they are one array."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (int, float))


class LossFunctionWrapper(Loss):
    """A loss from a function (y_true, y_pred, **kwargs) → a number for each sample."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: Any = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        predictions, structure = jax.tree.flatten(y_pred)
        pairs = [same_rank(*both) for both in zip(structure.flatten_up_to(y_true), predictions, strict=True)]
        y_true, y_pred = (structure.unflatten(side) for side in zip(*pairs, strict=True))
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fn": serialize_keras_object(self.fn),
            **serialize_keras_object(self._fn_kwargs),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))

    def __repr__(self) -> str:
        return (
            f"<LossFunctionWrapper({getattr(self.fn, '__name__', type(self.fn).__name__)}, kwargs={self._fn_kwargs})>"
        )


class NamedLoss(LossFunctionWrapper):
    """A loss from one of the functions here: the function's options are attributes, and its config."""

    _samples_apart_ = True

    def __init__(self, fn: Callable[..., Any], reduction: Any, name: str | None, dtype: Any, **options: Any):
        self._option_names_ = tuple(options)
        super().__init__(fn, reduction, name, dtype, **options)

    @property
    def _fn_kwargs(self) -> dict[str, Any]:  # type: ignore[override]
        """The options as they are now: an attribute that is set anew holds at once."""
        return {name: getattr(self, name) for name in self._option_names_}

    @_fn_kwargs.setter
    def _fn_kwargs(self, options: dict[str, Any]) -> None:
        vars(self).update(options)

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self._fn_kwargs}
