"""ImageDataGenerator of Keras 2: augmented batches of images; `keras.layers` have taken its place."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lamella import config
from lamella.errors import ArgumentError, DataError
from lamella.keras2.image_iterators import DataFrameIterator, DirectoryIterator, NumpyArrayIterator
from lamella.keras2.image_transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
)


class ImageDataGenerator:
    """Transforms and normalizes images at random, batch by batch.

    Args:    featurewise_center, featurewise_std_normalization, zca_whitening: by what `fit` found in sample images.
             samplewise_center, samplewise_std_normalization: by each image itself.
             rotation_range, shear_range: degrees.
             width_shift_range, height_shift_range: parts of the size below 1, else pixels; or a list to choose from.
             zoom_range: a number z for [1 − z, 1 + z], or two factors.
             brightness_range: two factors.  channel_shift_range: what is added at most.
             fill_mode, cval: what stands beyond the border.  horizontal_flip, vertical_flip: half of the images.
             rescale: a factor.  preprocessing_function: of one image.
             validation_split: the part that `subset="validation"` gives.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ):
        self.featurewise_center = featurewise_center or zca_whitening or featurewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.channel_shift_range, self.fill_mode, self.cval = channel_shift_range, fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.interpolation_order, self.dtype = interpolation_order, dtype or config.floatx()
        self.data_format = config.standardize_data_format(data_format)
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        number = isinstance(zoom_range, (int, float))
        self.zoom_range = [1 - zoom_range, 1 + zoom_range] if number else _pair("zoom_range", zoom_range)
        self.brightness_range = None if brightness_range is None else _pair("brightness_range", brightness_range)
        if validation_split and not 0 < validation_split < 1:
            raise ArgumentError("validation_split does not fit.", expected="between 0 and 1", received=validation_split)
        self._validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, **kwargs: Any
    ) -> NumpyArrayIterator:
        """Batches from arrays; the other arguments are NumpyArrayIterator's."""
        kwargs = {"data_format": self.data_format, "dtype": self.dtype, **kwargs}
        return NumpyArrayIterator(x, y, self, batch_size=batch_size, shuffle=shuffle, **kwargs)

    def flow_from_directory(
        self, directory: str, target_size: tuple[int, int] = (256, 256), color_mode: str = "rgb", **kwargs: Any
    ) -> DirectoryIterator:
        """Batches from a folder that holds a folder for each class; the other arguments are DirectoryIterator's."""
        kwargs = {"data_format": self.data_format, "dtype": self.dtype, **kwargs}
        return DirectoryIterator(str(directory), self, target_size, color_mode, **kwargs)

    def flow_from_dataframe(
        self, dataframe: Any, directory: str | None = None, x_col: str = "filename", y_col: Any = "class", **kwargs: Any
    ) -> DataFrameIterator:
        """Batches from a table; the other arguments are DataFrameIterator's."""
        kwargs = {"data_format": self.data_format, "dtype": self.dtype, **kwargs}
        return DataFrameIterator(dataframe, directory, self, x_col, y_col, **kwargs)

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """An image, or a batch, normalized."""
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        x = np.asarray(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center and self._fitted(self.mean):
            x = x - self.mean
        if self.featurewise_std_normalization and self._fitted(self.std):
            x = x / (self.std + 1e-6)
        if self.zca_whitening and self._fitted(self.zca_whitening_matrix):
            flat = x.reshape(-1, int(np.prod(x.shape[-3:])))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _fitted(self, value: Any) -> bool:
        if value is None:
            warnings.warn("The generator has not seen sample images: call fit(x) first.", stacklevel=4)
        return value is not None

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
        """Random parameters for `apply_transform`, drawn from NumPy's generator."""
        if seed is not None:
            np.random.seed(seed)
        shape: Any = tuple(img_shape)
        uniform: Any = np.random.uniform
        theta = uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = _shift(self.height_shift_range, shape[self.row_axis - 1])
        ty = _shift(self.width_shift_range, shape[self.col_axis - 1])
        shear = uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = (1, 1) if self.zoom_range == [1, 1] else uniform(*self.zoom_range, 2)
        horizontal, vertical = np.random.random() < 0.5, np.random.random() < 0.5
        channels = uniform(-self.channel_shift_range, self.channel_shift_range) if self.channel_shift_range else None
        brightness = None if self.brightness_range is None else uniform(*self.brightness_range)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": horizontal * self.horizontal_flip,
            "flip_vertical": vertical * self.vertical_flip,
            "channel_shift_intensity": channels,
            "brightness": brightness,
        }

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """One image, transformed by the parameters that `get_random_transform` draws."""
        given = transform_parameters
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(
            x,
            **{name: given[name] for name in ("theta", "tx", "ty", "shear", "zx", "zy") if name in given},
            row_axis=rows,
            col_axis=columns,
            channel_axis=channels,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        if given.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given["channel_shift_intensity"], channels)
        if given.get("flip_horizontal"):
            x = flip_axis(x, columns)
        if given.get("flip_vertical"):
            x = flip_axis(x, rows)
        if given.get("brightness") is not None:
            x = apply_brightness_shift(x, given["brightness"], False)
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """One image, transformed at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Finds mean, standard deviation and whitening of sample images, (images, rows, columns, channels)."""
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise DataError("fit() takes images.", expected="(images, rows, columns, channels)", received=x.shape)
        if seed is not None:
            np.random.seed(seed)
        x = x * self.rescale if self.rescale else x
        if augment:
            x = np.stack([self.random_transform(image) for _ in range(rounds) for image in x])
        axes, shape = (0, self.row_axis, self.col_axis), [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(x, axis=axes).reshape(shape)
            x = x - self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=axes).reshape(shape)
            x = x / (self.std + 1e-6)
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(x)) / (s + self.zca_epsilon))) @ u.T


def _pair(name: str, value: Any) -> list[float]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ArgumentError(f"{name} does not fit.", expected="two numbers", received=repr(value))
    return [*value]


def _shift(most: Any, size: int) -> float:
    """How far an image moves, in pixels: by parts of its size below 1, up to whole pixels, or one of a list."""
    if not np.any(most):
        return 0
    try:
        shift = np.random.choice(most) * np.random.choice([-1, 1])
    except ValueError:  # a fraction
        shift = np.random.uniform(-most, most)
    return shift * size if np.max(most) < 1 else shift
