"""Pixels as the published weights expect them, and predictions as words."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella import config, ops
from lamella.applications.card import fetch
from lamella.dtypes import is_float
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import KerasTensor

__all__ = ["decode_predictions", "preprocess_input"]

_BGR_MEAN = (103.939, 116.779, 123.68)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASSES_HASH = "c2c37ea517e94d9795004a39431a14cb"
_MODES = ("caffe", "tf", "torch")


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Brings pixels in [0, 255] to what a network was trained on.

        caffe   BGR in place of RGB, minus ImageNet's mean
        tf      x / 127.5 - 1, in [-1, 1]
        torch   (x / 255 - mean) / deviation, of ImageNet

    A NumPy array of floats is written over, as in Keras; others are left alone.

    Args:    x: arrays or symbolic tensors, one image or a batch.
             data_format: "channels_last" or "channels_first"; the configured one if None.
    Raises:  ArgumentError: unknown mode or data_format.
             ShapeError: not three channels.
    Example: >>> keras.applications.imagenet_utils.preprocess_input(np.array([[[0.0, 127.5, 255.0]]]), mode="tf")
             array([[[-1.,  0.,  1.]]])
    """
    if mode not in _MODES:
        raise ArgumentError("Unknown mode.", expected=_MODES, received=repr(mode))
    first = config.standardize_data_format(data_format) == "channels_first"
    x = x if isinstance(x, (jax.Array, KerasTensor)) else _floats(np.asarray(x))
    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    axis = _channels(x, first)
    if mode == "caffe":
        x = _reversed(x, axis)
        x += _along(axis, x, [-mean for mean in _BGR_MEAN])
        return x
    x /= 255.0
    x += _along(axis, x, [-mean for mean in _MEAN])
    x /= _along(axis, x, _DEVIATION)
    return x


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The most likely classes as (WordNet id, name, probability), the likeliest first.

    Args:    preds: what a model with 1000 classes predicted.
             top: how many classes an image.
    Shape:   (images, 1000) → a list for each image
    Raises:  ShapeError: another shape.
             FileError: the class names are not in Keras's cache folder and cannot be downloaded.
    """
    scores = np.asarray(preds)
    if scores.ndim != 2 or scores.shape[1] != 1000:
        raise ShapeError(
            "decode_predictions() takes ImageNet predictions.", expected="(images, 1000)", received=scores.shape
        )
    return [[(*_class_index()[i], row[i]) for i in row.argsort()[-top:][::-1]] for row in scores]


@cache
def _class_index() -> list[tuple[str, str]]:
    with open(fetch(_CLASSES, _CLASSES_HASH), encoding="utf-8") as file:
        classes = json.load(file)
    return [tuple(classes[str(i)]) for i in range(len(classes))]


def _floats(x: np.ndarray) -> np.ndarray:
    """The array itself where it can be written over, else a copy in floatx."""
    if not issubclass(x.dtype.type, np.floating):
        return x.astype(config.floatx())
    return x if x.flags.writeable else x.copy()


def _channels(x: Any, first: bool) -> int:
    """The axis of the three channels: 0, 1 or -1."""
    axis = -1 if not first else 0 if x.ndim == 3 else 1
    if x.ndim < 3 or x.shape[axis] not in (3, None):
        raise ShapeError(
            "Images have 3 channels here.",
            expected="(batch, 3, height, width)" if first else "(batch, height, width, 3)",
            received=tuple(x.shape),
        )
    return axis


def _reversed(x: Any, axis: int) -> Any:
    if isinstance(x, np.ndarray):
        return np.flip(x, axis)
    pick = {-1: lambda i: (..., i), 0: lambda i: (i, ...), 1: lambda i: (slice(None), i, slice(None))}[axis]
    return ops.stack([x[pick(i)] for i in (2, 1, 0)], axis=axis)


def _along(axis: int, x: Any, values: Any) -> Any:
    """Three numbers as an array that broadcasts along the axis of the channels."""
    shape = [1] * x.ndim
    shape[axis] = 3
    make = np if isinstance(x, np.ndarray) else jnp
    return make.asarray(values, x.dtype if is_float(x.dtype) else config.floatx()).reshape(shape)
