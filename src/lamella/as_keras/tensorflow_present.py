"""`tf.keras` where TensorFlow is installed: what is set up in it once a program imports it.

TensorFlow finds `keras` through the import hook, so `tf.keras` is Lamella.  Its functions compute on its own tensors;
given Lamella's inside of a model, they hand over to `keras.ops` where `tensorflow_names` has the name, by TensorFlow's
own way to extend its functions to other types.
"""

from __future__ import annotations

import importlib
from typing import Any

import jax

from lamella.as_keras.tensorflow_names import SERVED, advice
from lamella.as_keras.tensorflow_words import in_tensorflows_words, served, tensors_have_numpy
from lamella.errors import DtypeError, StateError
from lamella.graph import KerasTensor
from lamella.state import Variable


def set_up(tensorflow: Any) -> None:
    """Makes `tf.keras` Lamella, hands Lamella's tensors over to keras.ops, and lets the tape say what it cannot do."""
    tensorflow.keras = importlib.import_module("keras")
    tensorflow.GradientTape = _tape(tensorflow.GradientTape)
    _dispatcher(tensorflow.__internal__.dispatch).register()
    tensors_have_numpy()


def _is_ours(value: Any) -> bool:
    return isinstance(value, (jax.Array, KerasTensor, Variable))


def _any_ours(values: Any) -> bool:
    if isinstance(values, dict):
        return any(_any_ours(value) for value in values.values())
    if isinstance(values, (list, tuple)):
        return any(_any_ours(value) for value in values)
    return _is_ours(values)


def _dispatcher(dispatch: Any) -> Any:
    """What TensorFlow asks when one of its functions refuses its arguments."""

    class LamellaDispatcher(dispatch.GlobalOpDispatcher):
        def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
            if not _any_ours((args, kwargs)):
                return self.NOT_SUPPORTED
            names = _public_names(op)
            for name in names:
                if name in SERVED:
                    return in_tensorflows_words(served(name))(*args, **kwargs)
            raise DtypeError(
                f"tf.{names[0]} computes on TensorFlow's tensors, and was given Lamella's.", fix=advice(names[0])
            )

    return LamellaDispatcher()


def _public_names(op: Any) -> list[str]:
    """What a function of TensorFlow is called in public: "math.reduce_mean", "reduce_mean"."""
    names: list[str] = []
    inner = op
    while inner is not None:
        names += vars(inner).get("_tf_api_names", ()) if hasattr(inner, "__dict__") else ()
        inner = getattr(inner, "__wrapped__", None)
    return names or [getattr(op, "__name__", "function").removesuffix("_v2")]


def _tape(tape: Any) -> Any:
    """A GradientTape that refuses what JAX computed."""

    class GradientTape(tape):
        def watch(self, tensor: Any) -> None:
            _refuse_ours(tensor)
            super().watch(tensor)

        def gradient(self, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            _refuse_ours((target, sources))
            return super().gradient(target, sources, *args, **kwargs)

        def jacobian(self, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            _refuse_ours((target, sources))
            return super().jacobian(target, sources, *args, **kwargs)

    return GradientTape


def _refuse_ours(values: Any) -> None:
    if _any_ours(values):
        raise StateError(
            "tf.GradientTape sees what TensorFlow computes; a model of Lamella computes on JAX.",
            fix=advice("GradientTape"),
        )
