"""Several optimizers for one model: each variable is given its own by the pattern its path matches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from lamella.errors import ArgumentError, DtypeError
from lamella.optimizers.loss_scale import LossScaleOptimizer
from lamella.optimizers.optimizer import Optimizer
from lamella.registry import deserialize_keras_object, matches, serialize_keras_object
from lamella.state import Variable


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by path or pattern of paths (the whole path must match), and one for the rest.

    Raises:  DtypeError: something that is no optimizer, or no dict of them.
             ArgumentError: two patterns match one path; a pattern is given twice.
    Example: >>> chosen = OptimizerMap(keras.optimizers.Adam(), {".*bias": keras.optimizers.SGD()})
             >>> type(chosen["dense/bias"]).__name__, type(chosen["dense/kernel"]).__name__
             ('SGD', 'Adam')
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None):
        if not isinstance(default_optimizer, Optimizer):
            raise DtypeError("OptimizerMap needs an optimizer as default_optimizer.", received=repr(default_optimizer))
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise DtypeError("OptimizerMap needs a dict as optimizer_map.", received=repr(optimizer_map))
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self) -> Optimizer:
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        matching = [pattern for pattern in self._optimizer_map if matches(pattern, key, whole=True)]
        if len(matching) > 1:
            raise ArgumentError(f"Several optimizers are given for the variable {key!r}.", received=", ".join(matching))
        return self._optimizer_map[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ArgumentError("The keys of an OptimizerMap are patterns of paths.", received=repr(key))
        if key in self._optimizer_map:
            raise ArgumentError(f"The OptimizerMap has an optimizer for {key!r} already.", fix="delete it first")
        self._optimizer_map[key] = _plain(optimizer)

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        return {
            "default_optimizer": serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> OptimizerMap:
        return cls(
            *[deserialize_keras_object(config[k], custom_objects) for k in ("default_optimizer", "optimizer_map")]
        )


class MultiOptimizer(Optimizer):
    """Sends each variable's gradient to the optimizer that a map, or a function of variables, names.

    Args:  optimizer_map: an `OptimizerMap`, or a function variable → optimizer.
    State: its own count of steps; those of all optimizers.
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        if not callable(optimizer_map):
            raise ArgumentError(
                "MultiOptimizer needs an OptimizerMap or a function of a variable.", received=repr(optimizer_map)
            )
        self._inner_optimizers: list[Optimizer] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._take_in(optimizer)

    def _take_in(self, optimizer: Optimizer) -> Optimizer:
        if all(optimizer is not known for known in self._inner_optimizers):
            self._inner_optimizers.append(_plain(optimizer))
            optimizer.loss_scale_factor = self.loss_scale_factor
        return optimizer

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self._optimizer_of = {v: self._take_in(self._optimizer_map(v)) for v in variables}
        for optimizer, served in self._shares(variables):
            optimizer.follow(served)

    def _shares(self, variables: Sequence[Variable]) -> list[tuple[Optimizer, list[Variable]]]:
        shares = [(o, [v for v in variables if self._optimizer_of[v] is o]) for o in self._inner_optimizers]
        return [(optimizer, served) for optimizer, served in shares if served]

    @property
    def optimizers(self) -> list[Optimizer]:
        return self._inner_optimizers

    @property
    def variables(self) -> list[Variable]:
        return super().variables + [v for optimizer in self._inner_optimizers for v in optimizer.variables]

    @property
    def iterations(self) -> Variable:
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        raise AttributeError("A MultiOptimizer has one learning rate for each of its `optimizers`.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("A MultiOptimizer has one learning rate for each of its `optimizers`: set it there.")

    @property
    def loss_scale_factor(self) -> float | None:
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for optimizer in self._inner_optimizers:
            optimizer.loss_scale_factor = value

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        if not len(grads):
            return
        variables = self._served_(trainable_variables)
        if len(grads) != len(variables):
            raise ArgumentError(
                "Gradients and variables must go in pairs.", expected=len(variables), received=len(grads)
            )
        gradient_of = dict(zip(variables, grads, strict=True))
        for optimizer, served in self._shares(variables):
            optimizer.apply([gradient_of[v] for v in served], served)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for optimizer, served in self._shares(var_list):
            optimizer.finalize_variable_values(served)

    def get_config(self) -> dict[str, Any]:
        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        chosen = deserialize_keras_object(config["optimizer_map"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": chosen})


def _plain(optimizer: Any) -> Optimizer:
    """The optimizer, if it is one that works beside others."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError("An optimizer is needed here.", received=repr(optimizer))
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ArgumentError(
            f"{type(optimizer).__name__} cannot be one of several optimizers.", fix="wrap the MultiOptimizer"
        )
    return optimizer
