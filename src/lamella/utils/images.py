"""Images as arrays and back, by way of Pillow."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lamella import ops
from lamella.config import floatx, standardize_data_format
from lamella.errors import ArgumentError, FileError, MissingExtraError, ShapeError, unknown

_MODES = {"grayscale": ("L", ("L", "I;16", "I")), "rgb": ("RGB", ("RGB",)), "rgba": ("RGBA", ("RGBA",))}
_RESAMPLING = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("Images need Pillow.", fix="pip install lamella[image]") from error
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Reads an image file as a Pillow image.

    Args:   path: of a file, or a BytesIO.
            color_mode: "grayscale", "rgb" or "rgba".
            target_size: (height, width) to resize to, with `interpolation`.
            keep_aspect_ratio: cuts away what does not fit the target's proportions, around the centre.
    Raises: FileError: no image there.
    """
    if color_mode not in _MODES:
        raise unknown("color_mode", color_mode, _MODES)
    mode, kept = _MODES[color_mode]
    image = _opened(path)
    image = image if image.mode in kept else image.convert(mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in _RESAMPLING:
        raise unknown("interpolation", interpolation, _RESAMPLING)
    size = (target_size[1], target_size[0])
    box = _centre(image.width, image.height, *size) if keep_aspect_ratio else None
    return image.resize(size, getattr(_pillow().Resampling, interpolation.upper()), box=box)


def _opened(path: Any) -> Any:
    if not isinstance(path, (io.BytesIO, str, bytes, Path)):
        raise ArgumentError("load_img() takes a path or a BytesIO.", received=type(path).__name__)
    try:
        if isinstance(path, io.BytesIO):
            return _pillow().open(path)
        with open(path, "rb") as file:
            return _pillow().open(io.BytesIO(file.read()))
    except OSError as error:
        raise FileError(f"{path}: no image can be read there: {error}") from error


def _centre(width: int, height: int, target_width: int, target_height: int) -> tuple[int, int, int, int]:
    """The largest box around the centre that has the target's proportions: (left, top, right, bottom)."""
    crop_height = min(height, (width * target_height) // target_width)
    crop_width = min(width, (height * target_width) // target_height)
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A Pillow image as an array of rank 3.

    Raises: ShapeError: it is no image of rank 2 or 3.
    """
    first = standardize_data_format(data_format) == "channels_first"
    array = np.asarray(img, dtype=dtype or floatx())
    if array.ndim == 2:
        return array[None] if first else array[..., None]
    if array.ndim != 3:
        raise ShapeError("An image has rank 2 or 3.", received=array.shape)
    return array.transpose(2, 0, 1) if first else array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """An array of rank 3 as a Pillow image.

    Args:   scale: maps its range to 0 … 255.
    Raises: ShapeError: another rank, or neither 1, 3 nor 4 channels.
    """
    array = np.asarray(x, dtype=dtype or floatx())
    if array.ndim != 3:
        raise ShapeError("An image array has rank 3 (one image).", received=array.shape)
    if standardize_data_format(data_format) == "channels_first":
        array = array.transpose(1, 2, 0)
    if array.shape[2] not in (1, 3, 4):
        raise ShapeError("An image has 1, 3 or 4 channels.", received=array.shape)
    if scale:
        array = array - array.min()
        array = array / (array.max() or 1) * 255
    array = array[:, :, 0] if array.shape[2] == 1 else array
    return _pillow().fromarray(array.astype("int32" if array.ndim == 2 and array.max() > 255 else "uint8"))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Writes an image array to a file; what its name ends in says how."""
    if file_format is None and isinstance(path, (str, Path)):
        file_format = Path(path).suffix[1:]
    file_format = {"jpg": "jpeg"}.get((file_format or "").lower(), file_format)
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and (file_format or "").lower() == "jpeg":
        warnings.warn("JPEG has no transparency: the image is written as RGB.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last", **kwargs: Any
) -> Any:
    """Resizes one image or a batch without distortion: cut to the target's proportions first, around the centre.

    Raises:  ShapeError: no image of rank 3 or 4, or a size that is no pair.
    Example: >>> smart_resize(np.ones((4, 8, 3)), (2, 2)).shape
             (2, 2, 3)
    """
    kwargs.pop("backend_module", None)
    if kwargs or len(size) != 2:
        raise ArgumentError(
            "smart_resize() takes a size of (height, width), and no other arguments.", received=[size, *kwargs]
        )
    image = ops.convert_to_tensor(x)
    if image.ndim not in (3, 4):
        raise ShapeError("smart_resize() takes one image (rank 3) or a batch (rank 4).", received=image.shape)
    first = 0 if data_format == "channels_last" else 1
    rows, columns = image.ndim - 3 + first, image.ndim - 2 + first
    left, top, right, bottom = _whole_centre(image.shape[columns], image.shape[rows], size[1], size[0])
    image = jax.lax.slice_in_dim(jax.lax.slice_in_dim(image, top, bottom, axis=rows), left, right, axis=columns)
    image = ops.image.resize(image, tuple(size), interpolation=interpolation, data_format=data_format)
    return np.array(image) if isinstance(x, np.ndarray) else image


def _whole_centre(width: int, height: int, target_width: int, target_height: int) -> tuple[int, int, int, int]:
    """Like `_centre`, at least one pixel wide and high."""
    left, top, right, bottom = _centre(width, height, target_width, target_height)
    return left, top, max(right, left + 1), max(bottom, top + 1)
