"""Layers called on symbolic tensors of TensorFlow: in `tf.data.Dataset.map`, or in a `tf.function`.

Such a call becomes a node of TensorFlow's graph that calls the layer on NumPy arrays; its shapes and
dtypes are known before, from `compute_output_spec`.  TensorFlow is only looked at where the program has
imported it.
"""

from __future__ import annotations

import sys
from threading import RLock
from typing import Any

import jax
import numpy as np

from lamella.errors import ShapeError
from lamella.graph import KerasTensor
from lamella.state import current

_drawing = RLock()  # threads of `map` take turns where a layer has state: each element draws numbers of its own


def holds_graph_tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call is on symbolic tensors of TensorFlow, which the program has imported."""
    if not any(_is_foreign(value) for value in (*args, *kwargs.values())):
        return False
    tf: Any = sys.modules["tensorflow"]
    return hasattr(tf, "nest") and any(tf.is_symbolic_tensor(leaf) for leaf in tf.nest.flatten((args, kwargs)))


def _is_foreign(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_foreign, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_foreign, value))
    return type(value).__module__.startswith("tensorflow.")


def call_in_graph(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a layer returns for symbolic tensors of TensorFlow: symbolic tensors in the layer's structure.

    Its shapes and dtypes are those of `compute_output_spec`, or of the layer's own `_outputs_in_graph`.

    Raises: ShapeError: the number of axes of a tensor is not known.
    """
    tf: Any = sys.modules["tensorflow"]
    flat = tf.nest.flatten((args, kwargs))
    places = [index for index, leaf in enumerate(flat) if tf.is_symbolic_tensor(leaf)]
    specs = {index: _spec(layer, flat[index]) for index in places}

    def filled(values: dict[int, Any]) -> Any:
        return tf.nest.pack_sequence_as((args, kwargs), [values.get(i, leaf) for i, leaf in enumerate(flat)])

    spec_args, spec_kwargs = filled(specs)
    outputs, structure = jax.tree.flatten(_outputs(layer, spec_args, spec_kwargs))

    def run(*arrays: Any) -> list[np.ndarray]:
        given_args, given_kwargs = filled(dict(zip(places, map(_decoded, arrays), strict=True)))
        results = jax.tree.leaves(_called(layer, given_args, given_kwargs))
        return [_as_numpy(result, spec.dtype) for result, spec in zip(results, outputs, strict=True)]

    tensors = tf.numpy_function(run, [flat[index] for index in places], [tf.as_dtype(spec.dtype) for spec in outputs])
    for tensor, spec in zip(tensors, outputs, strict=True):
        tensor.set_shape(spec.shape)
    return jax.tree.unflatten(structure, tensors)


def _spec(layer: Any, tensor: Any) -> KerasTensor:
    if tensor.shape.rank is None:
        where = f"{type(layer).__name__} {layer.name!r}"
        raise ShapeError(
            f"{where} cannot be called on the tensor {tensor.name!r}, whose number of axes is not known.",
            fix="say it before: dataset.map(lambda x: tf.ensure_shape(x, (None, 3)))",
        )
    return KerasTensor(tuple(tensor.shape), tensor.dtype.name)


def _outputs(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The symbolic outputs of a call that is not recorded; the layer is built for it."""
    if hasattr(layer, "_outputs_in_graph"):
        return layer._outputs_in_graph(*args, **kwargs)
    call = layer._bound_(*layer._converted_(args, kwargs), current())
    layer._check_(call.first)
    layer._build_for_(call, True)
    return layer.compute_output_spec(*call.args, **call.passed())


def _called(layer: Any, args: Any, kwargs: Any) -> Any:
    if not layer.non_trainable_variables:
        return layer(*args, **kwargs)
    with _drawing:
        return layer(*args, **kwargs)


def _decoded(given: Any) -> np.ndarray:
    """Strings as `str`; TensorFlow gives bytes, and a single one as it is."""
    array = np.asarray(given, object if isinstance(given, bytes) else None)
    if array.dtype != object:
        return array
    texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in array.reshape(-1)]
    return np.array(texts, object).reshape(array.shape)


def _as_numpy(result: Any, dtype: str) -> np.ndarray:
    return np.asarray(result, object if dtype == "string" else dtype)
