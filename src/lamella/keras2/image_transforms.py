"""Transformations of one image, of `keras.preprocessing.image` of Keras 2."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.errors import ArgumentError, MissingExtraError, ShapeError
from lamella.utils import array_to_img, img_to_array


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """An image turned (degrees), shifted (pixels), sheared (degrees) and zoomed about its middle.

    Raises:  ShapeError: x is not one image.  ArgumentError: the axes do not fit.
    """
    if x.ndim != 3:
        raise ShapeError("A transformation takes one image.", expected="three axes", received=x.shape)
    if sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2] or channel_axis == 1:
        raise ArgumentError("The axes do not fit.", expected="0, 1 and 2, the channels first or last")
    matrix = _matrix(theta, tx, ty, shear, zx, zy)
    if np.array_equal(matrix, np.eye(3)):
        return x
    try:
        from scipy.ndimage import affine_transform
    except ImportError as error:
        raise MissingExtraError("Affine transformations need SciPy.", fix="pip install scipy") from error
    middle = np.eye(3)
    middle[:2, 2] = (x.shape[row_axis] - 1) / 2, (x.shape[col_axis] - 1) / 2
    matrix = middle @ matrix @ np.linalg.inv(middle)
    if col_axis > row_axis:  # as Keras has it: the first coordinate is x
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    offset: Any = matrix[:2, 2]
    turned = [
        affine_transform(channel, matrix[:2, :2], offset, order=order, mode=fill_mode, cval=cval)
        for channel in np.moveaxis(x, channel_axis, 0)
    ]
    return np.moveaxis(np.stack(turned), 0, channel_axis)


def _matrix(theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> np.ndarray:
    """Rows and columns of the result → those of the image."""
    theta, shear = np.deg2rad(theta), np.deg2rad(shear)
    rotation = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    shearing = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    return rotation @ shift @ shearing @ np.diag([zx, zy, 1.0])


def flip_axis(x: np.ndarray, axis: int) -> np.ndarray:
    """An image turned round along an axis."""
    return np.flip(x, axis)


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """A value added, within the range of the image."""
    return np.clip(x + intensity, np.min(x), np.max(x))


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """An image of another brightness: 1 leaves it, 0 is black. `scale`: its values are stretched to [0, 255] before."""
    try:
        from PIL import ImageEnhance
    except ImportError as error:
        raise MissingExtraError("Brightness needs Pillow.", fix='pip install "lamella[image]"') from error
    low, high = np.min(x), np.max(x)
    outside = low < 0 or high > 255
    image = array_to_img(x, scale=bool(outside or scale))
    shifted = img_to_array(ImageEnhance.Brightness(image).enhance(brightness))
    return shifted / 255 * (high - low) + low if outside and not scale else shifted


def random_rotation(
    x: np.ndarray, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, **kw: Any
) -> Any:
    """An image turned by up to `rg` degrees."""
    return apply_affine_transform(x, theta=np.random.uniform(-rg, rg), **_axes(row_axis, col_axis, channel_axis, kw))


def random_shift(
    x: np.ndarray, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, **kw: Any
) -> Any:
    """An image shifted by up to a part of its width and height."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(x, tx=tx, ty=ty, **_axes(row_axis, col_axis, channel_axis, kw))


def random_shear(
    x: np.ndarray, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, **kw: Any
) -> Any:
    """An image sheared by up to so many degrees."""
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(x, shear=shear, **_axes(row_axis, col_axis, channel_axis, kw))


def random_zoom(
    x: np.ndarray, zoom_range: Any, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, **kw: Any
) -> Any:
    """An image zoomed by factors between two numbers."""
    if len(zoom_range) != 2:
        raise ArgumentError("zoom_range does not fit.", expected="two numbers", received=repr(zoom_range))
    low, high = zoom_range
    zx, zy = (1, 1) if (low, high) == (1, 1) else np.random.uniform(low, high, 2)
    return apply_affine_transform(x, zx=zx, zy=zy, **_axes(row_axis, col_axis, channel_axis, kw))


def random_channel_shift(x: np.ndarray, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """A random value added, within the range of the image."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x: np.ndarray, brightness_range: Any, scale: bool = True) -> np.ndarray:
    """An image of a brightness between two numbers."""
    if len(brightness_range) != 2:
        raise ArgumentError("brightness_range does not fit.", expected="two numbers", received=repr(brightness_range))
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)


def _axes(row_axis: int, col_axis: int, channel_axis: int, others: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `apply_affine_transform` that say how, with Keras's name of the interpolation."""
    if "interpolation_order" in others:
        others["order"] = others.pop("interpolation_order")
    return {"row_axis": row_axis, "col_axis": col_axis, "channel_axis": channel_axis, **others}
