"""Several changes of color in one layer."""

from __future__ import annotations

from typing import Any, Unpack

from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, ColorLayer
from lamella.layers.preprocessing.image import RandomImageLayer
from lamella.layers.preprocessing.random_color import RandomBrightness, RandomContrast, RandomHue, RandomSaturation

__all__ = ["RandomColorJitter"]

_CHANGES = {
    "brightness": RandomBrightness,
    "contrast": RandomContrast,
    "saturation": RandomSaturation,
    "hue": RandomHue,
}


class RandomColorJitter(ColorLayer, RandomImageLayer):
    """Changes brightness, contrast, saturation and hue at random, in training, in this order.

    Args:    value_range: the values that images may have.
             brightness_factor, contrast_factor, saturation_factor, hue_factor: as for
                 RandomBrightness, RandomContrast, RandomSaturation and RandomHue; None leaves one out.
    Example: >>> RandomColorJitter(brightness_factor=0.2, hue_factor=0.1)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("data_format", "value_range", *(f"{name}_factor" for name in _CHANGES), "seed")
    _sorts = False

    def __init__(
        self,
        value_range: Any = BYTES,
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(value_range=value_range, seed=seed, data_format=data_format, **kwargs)
        factors = (brightness_factor, contrast_factor, saturation_factor, hue_factor)
        shared = {"seed": seed, "data_format": self.data_format, "dtype": self.dtype_policy}
        for (name, change), factor in zip(_CHANGES.items(), factors, strict=True):
            setattr(self, f"{name}_factor", factor)
            layer = None if factor is None else change(factor, value_range, **shared)
            setattr(self, f"random_{name}", layer)

    def _check_shape(self, shape: Shape) -> None:
        super()._check_shape(shape)
        for _, layer in self._changes():
            layer._check_shape(shape)

    def _changes(self) -> list[tuple[str, Any]]:
        layers = [(name, getattr(self, f"random_{name}")) for name in _CHANGES]
        return [(name, layer) for name, layer in layers if layer is not None]

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        return {name: layer._draw_(count, shape, seed) for name, layer in self._changes()}

    def _apply(self, images: Any, transformation: Any) -> Any:
        for name, layer in self._changes():
            images = layer.transform_images(images, transformation[name])
        return images
