"""Images warped: each output pixel is looked up at another place of the input."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import ndimage

from lamella.errors import ShapeError
from lamella.graph import op
from lamella.ops.image.filter import averaged, gaussian
from lamella.ops.image.layout import FILL_MODES, INTERPOLATIONS, images_of, on_batch_last, one_of, space
from lamella.ops.tensors import tensor
from lamella.state import draw_seed


@op
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Any:
    """The input's values at the given (fractional) coordinates.

    Args:   coordinates: (axes of the input, …).
            order: 0 takes the nearest value, 1 interpolates linearly.
            fill_mode: what is outside: "constant", "nearest", "wrap", "mirror" or "reflect".
    Raises: ShapeError, ArgumentError: coordinates for other axes, an unknown mode or order.
    """
    inputs, coordinates = tensor(inputs), tensor(coordinates)
    if coordinates.ndim < 2 or coordinates.shape[0] != inputs.ndim:
        raise ShapeError("Coordinates of another space.", expected=(inputs.ndim, "…"), received=coordinates.shape)
    one_of("fill_mode", fill_mode, FILL_MODES)
    one_of("order", order, (0, 1))
    return ndimage.map_coordinates(inputs, coordinates, order, fill_mode, fill_value)


def _looked_up(images: jax.Array, rows: Any, columns: Any, order: int, fill_mode: str, fill_value: Any) -> jax.Array:
    """The pixels of (batch, height, width, channels) at (batch, height, width) rows and columns."""

    def plane(pixels: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
        return ndimage.map_coordinates(pixels, [row, column], order, fill_mode, fill_value)

    each_channel = jax.vmap(plane, in_axes=(-1, None, None), out_axes=-1)
    return jax.vmap(each_channel)(images, rows, columns)


@op
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Moves, turns, scales and shears: output (x, y) is looked up at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:   transform: (8,) or (batch, 8): a0, a1, a2, b0, b1, b2, and two zeros.
    Raises: ArgumentError, ShapeError: an unknown mode; a transform of another rank.
    """
    images, transform = images_of(images), tensor(transform)
    order = INTERPOLATIONS[one_of("interpolation", interpolation, INTERPOLATIONS)]
    one_of("fill_mode", fill_mode, FILL_MODES)
    if transform.ndim not in (1, 2):
        raise ShapeError("A transform has eight numbers.", expected="(8,) or (batch, 8)", received=transform.shape)
    return on_batch_last(
        lambda x: _looked_up(x, *_affine(transform, x.shape), order, fill_mode, fill_value), images, data_format
    )


def _affine(transform: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """The rows and columns that each output pixel is looked up at."""
    batch, height, width, _ = shape
    numbers = jnp.broadcast_to(jnp.atleast_2d(transform), (batch, transform.shape[-1]))
    a0, a1, a2, b0, b1, b2 = numbers.T[:6, :, None, None]
    y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    return b0 * x + b1 * y + b2, a0 * x + a1 * y + a2


@op
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Moves four points of the images from `start_points` to `end_points`, and all others with them.

    Args:   start_points, end_points: (4, 2) or (batch, 4, 2): x and y in pixels.
    Raises: ShapeError: the points have another shape.  ArgumentError: an unknown interpolation.
    """
    images, start, end = images_of(images), tensor(start_points, "float32"), tensor(end_points, "float32")
    order = INTERPOLATIONS[one_of("interpolation", interpolation, INTERPOLATIONS)]
    if start.shape != end.shape or start.shape[-2:] != (4, 2) or start.ndim not in (2, 3):
        raise ShapeError(
            "Four points each are needed.", expected="(4, 2) or (batch, 4, 2)", received=(start.shape, end.shape)
        )
    numbers = homography(start.reshape(-1, 4, 2), end.reshape(-1, 4, 2))

    def warped(x: jax.Array) -> jax.Array:
        return _looked_up(x, *_perspective(numbers, x.shape), order, "constant", fill_value)

    return on_batch_last(warped, images, data_format)


def homography(start: jax.Array, end: jax.Array) -> jax.Array:
    """The eight numbers of the perspective that leads from the end points back to the start points.

    Shape: (batch, 4, 2) each → (batch, 8): h0 … h7 of x' = (h0 x + h1 y + h2) / (h6 x + h7 y + 1),
           y' = (h3 x + h4 y + h5) / the same
    """
    (sx, sy), (ex, ey) = (jnp.moveaxis(points, -1, 0) for points in (start, end))
    zero, one = jnp.zeros_like(ex), jnp.ones_like(ex)
    for_x = jnp.stack([ex, ey, one, zero, zero, zero, -sx * ex, -sx * ey], axis=-1)
    for_y = jnp.stack([zero, zero, zero, ex, ey, one, -sy * ex, -sy * ey], axis=-1)
    both = jnp.concatenate([for_x, for_y], axis=1)
    return jnp.linalg.solve(both, jnp.concatenate([sx, sy], axis=-1)[..., None])[..., 0]


def _perspective(numbers: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    batch, height, width, _ = shape
    h = jnp.broadcast_to(numbers, (batch, 8)).T[:, :, None, None]
    y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    depth = h[6] * x + h[7] * y + 1.0
    return (h[3] * x + h[4] * y + h[5]) / depth, (h[0] * x + h[1] * y + h[2]) / depth


@op
def elastic_transform(
    images: Any,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
    largest_sigma: float | None = None,
) -> Any:
    """Moves each pixel a little, at random, neighbours alike.

    Args:   alpha: how far; sigma: how smoothly, in pixels.
            largest_sigma: a bound of `sigma`, which may then be drawn inside of compiled code.
    Raises: ArgumentError: an unknown mode.
    Source: Simard et al. 2003, "Best practices for convolutional neural networks".
    """
    images = images_of(images)
    order = INTERPOLATIONS[one_of("interpolation", interpolation, INTERPOLATIONS)]
    one_of("fill_mode", fill_mode, FILL_MODES)
    batch = images.shape[0] if images.ndim == 4 else 1
    height, width = space(images, data_format)
    curve = _bell(sigma, sigma if largest_sigma is None else largest_sigma, images.dtype)
    moved = alpha * _smooth_noise((batch, height, width), sigma, curve, draw_seed(seed))
    y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")

    def warped(pixels: jax.Array) -> jax.Array:
        return _looked_up(pixels, y + moved, x + moved, order, fill_mode, fill_value)

    return on_batch_last(warped, images, data_format).astype(images.dtype)


def _bell(sigma: Any, largest: float, dtype: Any) -> jax.Array:
    """A bell curve three sigmas to each side, in a window that holds the largest one."""
    size = int(6 * largest) | 1
    inside = jnp.abs(jnp.arange(size) - size // 2) <= (jnp.asarray(6 * sigma).astype("int32") | 1) // 2
    curve = jnp.where(inside, gaussian(size, sigma, dtype), 0)
    return curve / curve.sum()


def _smooth_noise(shape: tuple[int, ...], sigma: Any, curve: jax.Array, key: Any) -> jax.Array:
    """Normal noise of width sigma, blurred.  Keras draws both directions from one key, so they are equal."""
    noise = jax.random.normal(key, shape, curve.dtype) * sigma
    return averaged(noise[..., None], curve, curve, "channels_last")[..., 0]
