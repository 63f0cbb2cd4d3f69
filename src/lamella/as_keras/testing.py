"""`keras.src.testing.TestCase`: the assertions that the tests of libraries built on Keras use."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella import ops, saving, utils
from lamella.as_keras.testing_layers import LayerTest

if TYPE_CHECKING:
    _Base = unittest.TestCase
else:
    try:
        from absl.testing.parameterized import TestCase as _Base
    except ImportError:
        _Base = unittest.TestCase


class TestCase(_Base):
    """A unittest case that compares tensors, and objects with what their configs give."""

    maxDiff = None

    def setUp(self) -> None:
        utils.clear_session(free_memory=False)

    def get_temp_dir(self) -> str:
        """A folder that goes with the test."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def assertAllClose(self, x1: Any, x2: Any, atol: float = 1e-6, rtol: float = 1e-6, msg: str | None = None) -> None:
        """Two tensors, or structures of them, agree within tolerances."""
        self._compare(lambda a, b: np.testing.assert_allclose(a, b, atol=atol, rtol=rtol, err_msg=msg or ""), x1, x2)

    def assertNotAllClose(
        self, x1: Any, x2: Any, atol: float = 1e-6, rtol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Two tensors do not agree within tolerances."""
        close = np.allclose(ops.convert_to_numpy(x1), ops.convert_to_numpy(x2), atol=atol, rtol=rtol)
        self.assertFalse(close, msg or "the tensors are close")

    def assertAllEqual(self, x1: Any, x2: Any, msg: str | None = None) -> None:
        """Two tensors, or structures of them, are equal."""
        self._compare(lambda a, b: np.testing.assert_array_equal(a, b, err_msg=msg or ""), x1, x2)

    def assertAlmostEqual(self, x1: Any, x2: Any, decimal: int = 3, msg: str | None = None) -> None:  # type: ignore[override]
        """Two tensors agree up to so many decimals."""
        self._compare(lambda a, b: np.testing.assert_almost_equal(a, b, decimal=decimal, err_msg=msg or ""), x1, x2)

    def assertLen(self, iterable: Any, expected_len: int, msg: str | None = None) -> None:
        """A collection has so many elements."""
        self.assertEqual(len(iterable), expected_len, msg)

    def assertDType(self, x: Any, dtype: Any, msg: str | None = None) -> None:
        """A tensor has this dtype."""
        self.assertEqual(utils.standardize_dtype(x.dtype), utils.standardize_dtype(dtype), msg)

    def assertFileExists(self, path: str) -> None:
        """There is a file at a path."""
        self.assertTrue(Path(path).is_file(), f"{path} is no file")

    def run_class_serialization_test(self, instance: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """An object, and the one that its config gives, have the same config; returns the second."""
        config = instance.get_config()
        text = json.dumps(config, sort_keys=True, default=str)
        with saving.custom_object_scope(custom_objects or {}):
            again = type(instance).from_config(config)
            revived = saving.deserialize_keras_object(saving.serialize_keras_object(instance))
        for one in (again, revived):
            self.assertEqual(text, json.dumps(one.get_config(), sort_keys=True, default=str))
        return revived

    def run_layer_test(
        self,
        layer_cls: type,
        init_kwargs: dict[str, Any] | None,
        input_shape: Any = None,
        input_dtype: Any = None,
        input_sparse: bool = False,
        input_ragged: bool = False,
        input_data: Any = None,
        call_kwargs: dict[str, Any] | None = None,
        expected_output_shape: Any = None,
        expected_output_dtype: Any = None,
        expected_output_sparse: bool = False,
        expected_output_ragged: bool = False,
        expected_output: Any = None,
        expected_num_trainable_weights: int | None = None,
        expected_num_non_trainable_weights: int | None = None,
        expected_num_non_trainable_variables: int | None = None,
        expected_num_seed_generators: int | None = None,
        expected_num_losses: int | None = None,
        supports_masking: bool | None = None,
        expected_mask_shape: Any = None,
        custom_objects: dict[str, Any] | None = None,
        run_training_check: bool = True,
        run_mixed_precision_check: bool = True,
        assert_built_after_instantiation: bool = False,
        tpu_atol: float | None = None,
        tpu_rtol: float | None = None,
    ) -> None:
        """A layer is made again by its config, built, called on shapes and arrays, trained, and run in float16."""
        if input_sparse or input_ragged:
            self.skipTest("there are no sparse or ragged tensors")
        options = {key: value for key, value in locals().items() if key not in ("self", "layer_cls", "init_kwargs")}
        layer = layer_cls(**(init_kwargs or {}))
        self.run_class_serialization_test(layer, custom_objects)
        if supports_masking is not None:
            self.assertEqual(layer.supports_masking, supports_masking)
        LayerTest(self, layer_cls, init_kwargs or {}, options).run()

    def _compare(self, assertion: Any, x1: Any, x2: Any) -> None:
        if isinstance(x1, dict):
            self.assertEqual(set(x1), set(x2))
            for key in x1:
                self._compare(assertion, x1[key], x2[key])
        else:
            assertion(ops.convert_to_numpy(x1), ops.convert_to_numpy(x2))


def named_product(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    """All combinations of parameters, each with a "testcase_name" of its own, for absl's `named_parameters`.

    Args:    args: lists of dicts, each of which has a "testcase_name".
             kwargs: the values of a parameter, which give their names.
    Example: >>> [one["testcase_name"] for one in named_product(size=[1, 2], kind=[int])]
             ['1_int', '2_int']
    """
    named = [[{"testcase_name": _name(v), key: v} for v in values] for key, values in kwargs.items()]
    found = []
    for parts in itertools.product(*reversed([*args, *named])):  # the first changes fastest
        test: dict[str, Any] = {}
        for part in reversed(parts):
            test.update(
                {**part, "testcase_name": "_".join(filter(None, [test.get("testcase_name"), part["testcase_name"]]))}
            )
        found.append(test)
    return found


def _name(value: Any) -> str:
    return getattr(value, "__name__", str(value)).lower()
