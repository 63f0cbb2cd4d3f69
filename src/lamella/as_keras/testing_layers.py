"""`run_layer_test` of `keras.src.testing.TestCase`: what libraries check of every layer that they define."""

from __future__ import annotations

import unittest
from typing import Any

import jax
import numpy as np

from lamella import ops, utils
from lamella.dtypes import is_float
from lamella.graph import KerasTensor
from lamella.losses import Loss
from lamella.models import Model
from lamella.state import SeedGenerator, walk_all


class LayerTest:
    """One layer class, checked: built, called on symbolic tensors and on arrays, trained, and in mixed precision.

    Args: case: the test case whose assertions are used.
          options: those of `run_layer_test`, by name.
    """

    def __init__(self, case: unittest.TestCase, layer_cls: type, init_kwargs: dict[str, Any], options: dict[str, Any]):
        self.case, self.layer_cls, self.init_kwargs, self.options = case, layer_cls, init_kwargs, options
        self.call_kwargs = options["call_kwargs"] or {}
        shape, dtype = options["input_shape"], options["input_dtype"]
        if shape is not None and options["input_data"] is not None:
            raise ValueError("run_layer_test() takes input_shape or input_data, not both.")
        self.specs = None if shape is None else _specs(shape, dtype)
        self.data = options["input_data"] if shape is None else jax.tree.map(_array, self.specs)
        if shape is None and self.data is not None:
            self.specs = jax.tree.map(lambda x: KerasTensor(ops.shape(x), utils.standardize_dtype(x.dtype)), self.data)

    def run(self) -> None:
        if self.specs is None:
            return
        self._check_building()
        self._check_symbolic_call()
        output = self._check_call()
        if self.options["run_training_check"]:
            _train(self.layer, self.data, output)
        if self.options["run_mixed_precision_check"]:
            self._check_mixed_precision()

    def _made(self, **other: Any) -> Any:
        self.layer = self.layer_cls(**{**self.init_kwargs, **other})
        return self.layer

    def _called(self, layer: Any, inputs: Any) -> Any:
        return layer(**inputs, **self.call_kwargs) if isinstance(inputs, dict) else layer(inputs, **self.call_kwargs)

    def _check_building(self) -> None:
        layer, shapes = self._made(), jax.tree.map(lambda spec: spec.shape, self.specs)
        layer.build(**shapes) if isinstance(shapes, dict) else layer.build(shapes)
        self._check_counts(layer)

    def _check_counts(self, layer: Any) -> None:
        self.case.assertTrue(layer.built)
        counts = {
            "trainable_weights": len(layer.trainable_weights),
            "non_trainable_weights": len(layer.non_trainable_weights),
            "non_trainable_variables": len(layer.non_trainable_variables),
            "seed_generators": sum(isinstance(one, SeedGenerator) for _, one in walk_all(layer)),
        }
        for name, count in counts.items():
            expected = self.options[f"expected_num_{name}"]
            if expected is not None:
                self.case.assertEqual(expected, count, f"another number of {name}")

    def _check_symbolic_call(self) -> None:
        layer = self._made()
        outputs = self._called(layer, self.specs)
        self._check_counts(layer)
        self._check_output(outputs)
        if self.options["expected_mask_shape"] is not None:
            self.case.assertEqual(self.options["expected_mask_shape"], layer.compute_mask(self.specs).shape)
        if self.options["assert_built_after_instantiation"]:
            self.case.assertTrue(self._made().built, "it has nothing to build, so it should be built when it is made")

    def _check_call(self) -> Any:
        layer = self._made()
        output = self._called(layer, self.data)
        self._check_output(output)
        expected = self.options["expected_output"]
        if expected is not None:
            for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(output), strict=True):
                np.testing.assert_allclose(np.asarray(other), np.asarray(one), atol=1e-6, rtol=1e-6)
        if self.options["expected_num_losses"] is not None:
            self.case.assertEqual(self.options["expected_num_losses"], len(layer.losses))
        return output

    def _check_output(self, outputs: Any) -> None:
        tensors = jax.tree.leaves(outputs)
        shape, dtype = self.options["expected_output_shape"], self.options["expected_output_dtype"]
        if shape is not None:
            shapes = jax.tree.leaves(shape, is_leaf=_is_shape)
            self.case.assertEqual(len(shapes), len(tensors))
            for expected, tensor in zip(shapes, tensors, strict=True):
                fits = len(expected) == len(tensor.shape) and all(
                    size in (None, found) for size, found in zip(expected, tensor.shape, strict=True)
                )
                self.case.assertTrue(fits, f"expected the shape {expected}, got {tensor.shape}")
        if dtype is not None:
            found = jax.tree.map(lambda tensor: utils.standardize_dtype(tensor.dtype), outputs)
            self.case.assertEqual(jax.tree.leaves(dtype), jax.tree.leaves(found))

    def _check_mixed_precision(self) -> None:
        layer = self._made(dtype="mixed_float16")

        def spec(one: KerasTensor) -> KerasTensor:
            casts = layer.autocast and is_float(one.dtype)
            return KerasTensor(one.shape, layer.compute_dtype if casts else one.dtype)

        specs, outputs = jax.tree.map(spec, self.specs), self._called(layer, self.data)
        told = layer.compute_output_spec(**specs) if isinstance(specs, dict) else layer.compute_output_spec(specs)
        for tensor, expected in zip(jax.tree.leaves(outputs), jax.tree.leaves(told), strict=True):
            self.case.assertEqual(utils.standardize_dtype(tensor.dtype), expected.dtype)
        for weight in layer.weights:
            if is_float(weight.dtype):
                self.case.assertEqual(weight.dtype, "float32")


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(size, (int, type(None))) for size in value)


def _specs(shape: Any, dtype: Any) -> Any:
    """A structure of shapes, and one of dtypes (or one for all), as symbolic tensors."""
    if _is_shape(shape):
        return KerasTensor(tuple(shape), dtype or "float32")
    if isinstance(shape, dict):
        return {key: _specs(one, dtype[key] if isinstance(dtype, dict) else dtype) for key, one in shape.items()}
    return type(shape)(
        _specs(one, dtype[index] if isinstance(dtype, (list, tuple)) else dtype) for index, one in enumerate(shape)
    )


def _array(spec: KerasTensor) -> Any:
    shape = tuple(2 if size is None else size for size in spec.shape)
    kind = np.dtype(spec.dtype).kind if spec.dtype != "bfloat16" else "f"
    values = np.random.default_rng(0)
    if kind in "iub":
        return ops.convert_to_tensor(values.integers(0, 2, shape), spec.dtype)
    return ops.convert_to_tensor(values.normal(size=shape), spec.dtype)


def _train(layer: Any, inputs: Any, outputs: Any) -> None:
    """One step of training, on a loss that any output has."""

    class Around(Model):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def call(self, x: Any, training: bool = False) -> Any:
            return self.layer(x, training=training)

    model = Around()
    model.compile(optimizer="sgd", loss=_Sum())
    model.fit(iter([(inputs, outputs)]), steps_per_epoch=1, verbose=0)


class _Sum(Loss):
    def __init__(self) -> None:
        super().__init__(name="sum")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return ops.sum(ops.cast(y_pred, "float32"))
