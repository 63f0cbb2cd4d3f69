"""FlaxLayer: a module of Flax as a layer."""

from __future__ import annotations

import inspect
from typing import Any

from lamella.errors import ConfigError, MissingExtraError
from lamella.layers.core.jax_layer import JaxLayer
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["FlaxLayer"]


class FlaxLayer(JaxLayer):
    """A `flax.linen.Module` as a layer: its "params" are weights, its other collections are kept.

    Args:    module: takes `inputs`, and `training` if it names it.
             method: another method of the module, or a function (module, inputs, training), in place of `__call__`.
             variables: the module's first variables, as `module.init` gives them; made at build if None.
    State:   params: trained; the other collections, such as batch_stats: not trained
    Raises:  MissingExtraError: Flax is not installed.
    """

    def __init__(self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any):
        mutable = _all_but_params()
        self.module, self.method = module, method
        forward = method or module.__call__
        takes_training = "training" in inspect.signature(forward).parameters

        def apply(params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> Any:
            options = {"training": training} if takes_training else {}
            return module.apply(_joined(params, state), inputs, rngs=rng, method=method, mutable=mutable, **options)

        def init(rng: Any, inputs: Any, training: bool) -> Any:
            options = {"training": training} if takes_training else {}
            return _split(module.init(rng, inputs, method=method, **options))

        params, state = _split(variables)
        super().__init__(apply, init, params, state, **kwargs)

    def _get_init_rng(self) -> Any:
        return {"params": self._get_init_seed(), "dropout": self._get_init_seed()}

    def _get_call_rng(self, training: bool) -> Any:
        return {"dropout": self._get_call_seed()} if training else {}

    def get_config(self) -> dict[str, Any]:
        bound = getattr(self.method, "__self__", None) is self.module
        functions = ("call_fn", "init_fn")  # come from the module
        return {
            **{key: value for key, value in super().get_config().items() if key not in functions},
            "module": serialize_keras_object(self.module),
            "method": self.method.__name__ if bound else serialize_keras_object(self.method),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        options = {"custom_objects": custom_objects, "safe_mode": safe_mode is not False}
        module, method = deserialize_keras_object(config["module"], **options), config["method"]
        method = _own_method(module, method) if isinstance(method, str) else deserialize_keras_object(method, **options)
        return cls(**{**config, "module": module, "method": method})


def _all_but_params() -> Any:
    try:
        from flax.linen import DenyList  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingExtraError("A FlaxLayer needs Flax.", fix="pip install lamella[flax]") from error
    return DenyList(["params"])


def _own_method(module: Any, name: str) -> Any:
    """A method that the module's author wrote: a file names no other.

    Raises: ConfigError: there is none of this name.
    """
    authors = [cls for cls in type(module).__mro__ if cls.__module__.partition(".")[0] not in ("flax", "builtins")]
    if not any(inspect.isfunction(vars(cls).get(name)) for cls in authors) or (
        name.startswith("_") and name != "__call__"
    ):
        raise ConfigError(f"{type(module).__name__} has no method {name[:100]!r} of its own.")
    return getattr(module, name)


def _joined(params: Any, state: Any) -> dict[str, Any]:
    return {**(params or {}), **(state or {})}


def _split(variables: Any) -> tuple[Any, Any]:
    """(params, all others), each with the names of the collections."""
    if variables is None:
        return None, None
    others = {name: values for name, values in variables.items() if name != "params"}
    return ({"params": variables["params"]} if "params" in variables else {}), others
