"""`keras.src.testing.TestCase`: the assertions that the tests of libraries built on Keras use."""

from __future__ import annotations

import json
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

from lamella import ops, saving, utils


class TestCase(unittest.TestCase):
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

    def _compare(self, assertion: Any, x1: Any, x2: Any) -> None:
        if isinstance(x1, dict):
            self.assertEqual(set(x1), set(x2))
            for key in x1:
                self._compare(assertion, x1[key], x2[key])
        else:
            assertion(ops.convert_to_numpy(x1), ops.convert_to_numpy(x2))
