"""Layers that draw which other layers change images: RandAugment, AugMix."""

from __future__ import annotations

import random as python_random
from collections.abc import Callable, Mapping
from typing import Any, Unpack

import jax
import jax.core
import jax.numpy as jnp

from lamella import random
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, RandomColor
from lamella.layers.preprocessing.random_color import RandomBrightness, RandomColorDegeneration, RandomContrast
from lamella.layers.preprocessing.random_geometry import RandomRotation, RandomTranslation
from lamella.layers.preprocessing.random_levels import RandomPosterization, Solarization
from lamella.layers.preprocessing.random_sharpness import RandomSharpness
from lamella.layers.preprocessing.random_warp import RandomShear
from lamella.layers.preprocessing.tone import AutoContrast, Equalization

__all__ = ["AugMix", "RandAugment"]

_OF_COLOR = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")
_UNSEEDED = ("auto_contrast", "equalization")


class Augmenting(RandomColor):
    """A layer that holds others, under the names that Keras gives them, and lets them change images."""

    _bounds, _sorts = (0.0, 1.0), False
    interpolation: str

    def _add_layers(self, names: tuple[str, ...], options: Mapping[str, Any]) -> None:
        """Makes the layers of these names, with what all of them take."""
        options = {**{k: v for k, v in options.items() if k != "name"}, "data_format": self.data_format}
        for name in names:
            seed = {} if name in _UNSEEDED else {"seed": self.seed}
            setattr(self, name, self._made(name, {**seed, **options}))

    def _made(self, name: str, options: dict[str, Any]) -> Any:
        moving = {"interpolation": self.interpolation, **options}
        ranged = {"value_range": self.value_range, **options}
        factor, make = (
            self.factor,
            {
                "random_shear": lambda: RandomShear(factor, factor, **moving),
                "random_translation": lambda: RandomTranslation(factor, factor, **moving),
                "random_rotation": lambda: RandomRotation(factor, **moving),
                "random_brightness": lambda: RandomBrightness(factor, **ranged),
                "random_color_degeneration": lambda: RandomColorDegeneration(factor, **ranged),
                "random_contrast": lambda: RandomContrast(factor, **ranged),
                "random_sharpness": lambda: RandomSharpness(factor, **ranged),
                "random_posterization": lambda: RandomPosterization(max(1, int(8 * factor[1])), **ranged),
                "solarization": lambda: Solarization(factor, factor, **ranged),
                "auto_contrast": lambda: AutoContrast(**ranged),
                "equalization": lambda: Equalization(**ranged),
            },
        )
        return make[name]()

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._combined_("segmentation_masks", segmentation_masks, transformation)

    def _combined_(self, part: str, value: Any, transformation: Any) -> Any:
        """A part of the data, such as "images", changed by the layers that were drawn."""
        raise NotImplementedError

    def _by(self, name: str, part: str, transformation: Any) -> Callable[[Any], Any]:
        """How one of the layers changes a part of the data."""
        transform = getattr(getattr(self, name), f"transform_{part}")

        def changed(value: Any) -> Any:
            new = transform(value, transformation=transformation)
            return jax.tree.map(lambda one, old: one.astype(old.dtype), new, value)

        return changed


class RandAugment(Augmenting):
    """Changes all images of a batch by a few of eleven layers, drawn for the batch, in training.

    Args:    value_range: the values that images may have.
             num_ops: how many changes follow each other.
             factor: how strong they are, f for (0, f), or a range in [0, 1].
             interpolation: "bilinear" or "nearest".
    State:   generator: the seeds of all draws
    Source:  Cubuk et al. 2020, "RandAugment: practical automated data augmentation".
    Example: >>> RandAugment(num_ops=1)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("data_format", "value_range", "num_ops", "factor", "interpolation", "seed")
    _needs_rgb = True
    _layers = (
        *("random_shear", "random_translation", "random_rotation", *_OF_COLOR),
        *("random_posterization", "solarization", "auto_contrast", "equalization"),
    )

    def __init__(
        self,
        value_range: Any = BYTES,
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)
        self.num_ops, self.interpolation = self._positive_("num_ops", num_ops), interpolation
        self._add_layers(self._layers, kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self.generator if seed is None else seed
        drawn = random.randint((self.num_ops,), 0, len(self._layers), seed=seed)
        transforms = {name: getattr(self, name).get_random_transformation(data, seed=seed) for name in self._layers}
        return {"transforms": transforms, "layer_idxes": drawn}

    def _apply(self, images: Any, transformation: Any) -> Any:
        return self._combined_("images", images, transformation)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training or transformation is None:
            return bounding_boxes
        return self._combined_("bounding_boxes", bounding_boxes, transformation)

    def _combined_(self, part: str, value: Any, transformation: Any) -> Any:
        changes = [self._by(name, part, drawn) for name, drawn in transformation["transforms"].items()]
        for index in transformation["layer_idxes"]:
            value = _one_of(changes, index, value)
        return value


def _one_of(functions: list[Callable[[Any], Any]], index: Any, value: Any) -> Any:
    if isinstance(index, jax.core.Tracer):
        return jax.lax.switch(index, functions, value)
    return functions[int(index)](value)


class AugMix(Augmenting):
    """Mixes images with chains of changes of them, in training; their boxes stay.

    The layers of the chains are drawn by Python's `random`: for each call, but in compiled
    code once, when it is compiled.  How strong they are, and the weights, are drawn each time.

    Args:    value_range: the values that images may have.
             num_chains: how many chains are mixed.
             chain_depth: how many changes follow each other in one, at most.
             factor: how strong they are, f for (0, f), or a range in [0, 1].
             alpha: the parameter of the distributions that the weights are drawn from.
             all_ops: whether brightness, color, contrast and sharpness are among the changes.
             interpolation: "bilinear" or "nearest".
    State:   generator: the seeds of all draws
    Source:  Hendrycks et al. 2020, "AugMix: a simple data processing method".
    Example: >>> AugMix(num_chains=1, chain_depth=1)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = (
        *("data_format", "value_range", "num_chains", "chain_depth", "factor"),
        *("alpha", "all_ops", "interpolation", "seed"),
    )
    _layers = (
        *("random_shear", "random_translation", "random_rotation", "random_posterization"),
        *("solarization", "auto_contrast", "equalization"),
    )

    def __init__(
        self,
        value_range: Any = BYTES,
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)
        self.num_chains = self._positive_("num_chains", num_chains)
        self.chain_depth = self._positive_("chain_depth", chain_depth)
        if not isinstance(alpha, (int, float)) or alpha <= 0:
            raise self._refusal_("alpha", alpha, "a positive number")
        self.alpha, self.all_ops, self.interpolation = alpha, all_ops, interpolation
        self._choices = (*self._layers, *_OF_COLOR) if all_ops else self._layers
        self._add_layers(self._choices, kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self.generator if seed is None else seed
        parts = random.gamma((self.num_chains,), self.alpha, seed=seed)
        own = random.beta((), self.alpha, self.alpha, seed=seed)
        chains = [self._draw_chain(data, seed) for _ in range(self.num_chains)]
        return {"chain_mixing_weights": parts / parts.sum(), "weight_sample": own, "chain_transforms": chains}

    def _draw_chain(self, data: Any, seed: Any) -> list[dict[str, Any]]:
        """One layer or none at each place, with what is drawn for it."""
        chain = []
        for _ in range(self.chain_depth):
            name = python_random.choice([*self._choices, None])
            if name is not None:
                drawn = getattr(self, name).get_random_transformation(data, seed=seed)
                chain.append({"layer_name": name, "transformation": drawn})
        return chain

    def _apply(self, images: Any, transformation: Any) -> Any:
        return self._clipped(self._combined_("images", images, transformation))

    def _combined_(self, part: str, value: Any, transformation: Any) -> Any:
        own, weights = transformation["weight_sample"], transformation["chain_mixing_weights"]
        chains = [self._through(chain, part, value) for chain in transformation["chain_transforms"]]
        mixed = sum(weight * changed for weight, changed in zip(weights, chains, strict=True))
        return own * value + (1 - own) * jnp.asarray(mixed)

    def _through(self, chain: list[dict[str, Any]], part: str, value: Any) -> Any:
        for link in chain:
            value = self._by(link["layer_name"], part, link["transformation"])(value)
        return value
