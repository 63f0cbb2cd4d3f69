"""What a known architecture is asked for, checked once for all of them."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import Any

from lamella import activations, config
from lamella.applications.card import Card
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import KerasTensor, standardize_shape
from lamella.layers import Input
from lamella.models import Functional

Shape = tuple[int | None, ...]
POOLING = ("avg", "max")


@dataclass
class Request:
    """The arguments that every application has.

    Raises: ArgumentError: weights that are neither published nor a file, another number of
            classes than the published weights have, an unknown pooling, or an activation that
            pretrained weights were not made for.
    """

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str | None

    def __post_init__(self):
        self._check_weights()
        if self.pooling not in (None, *POOLING):
            raise ArgumentError("Unknown pooling.", expected=(None, *POOLING), received=repr(self.pooling))
        if self.input_tensor is not None and not isinstance(self.input_tensor, KerasTensor):
            raise ArgumentError(
                "input_tensor is a symbolic tensor.",
                received=type(self.input_tensor).__name__,
                fix="pass lamella.Input(shape), or leave it out and call the model on the array",
            )
        if self.input_shape is not None:
            self.input_shape = standardize_shape(self.input_shape)
        if self.include_top and self.weights is not None:
            self._check_activation()

    @property
    def pretrained(self) -> bool:
        """Whether the weights published for ImageNet are asked for."""
        return isinstance(self.weights, str) and self.weights == "imagenet"

    def _check_weights(self) -> None:
        is_file = isinstance(self.weights, (str, os.PathLike)) and os.path.exists(self.weights)
        if not (self.weights is None or self.pretrained or is_file):
            raise ArgumentError(
                "`weights` is None (random), 'imagenet' (published), or the path of a file that exists.",
                received=repr(self.weights),
            )
        if self.pretrained and self.include_top and self.classes != 1000:
            raise ArgumentError(
                "The classifier published for ImageNet has 1000 classes.",
                received=f"classes={self.classes}",
                fix="pass include_top=False and put a Dense layer of your own on top, or weights=None",
            )

    def _check_activation(self) -> None:
        if activations.get(self.classifier_activation) not in (activations.get("softmax"), activations.get(None)):
            raise ArgumentError(
                "Pretrained weights go with classifier_activation 'softmax' or None.",
                received=repr(self.classifier_activation),
            )

    # The input

    def shape(self, size: int | None, smallest: int) -> Shape:
        """The shape of an image: as given, checked, or by default; `size` and `smallest` in pixels.

        Args:   size: what the classifier is made for; None if it takes images of any size.
        Raises: ShapeError: not three sizes, too small, not the 3 channels of the published
                weights, or sizes left open under a classifier.
        """
        fixed = self.include_top and size is not None
        default = image_shape((size, size), 3)
        if self.pretrained and fixed:
            if self.input_shape not in (None, default):
                raise ShapeError(
                    "The published classifier needs another input shape.",
                    expected=default,
                    received=self.input_shape,
                    fix="pass include_top=False for images of another size",
                )
            return default
        if self.input_shape is not None:
            self._check_shape(self.input_shape, smallest)
        shape = self.input_shape or (default if fixed else image_shape((None, None), 3))
        if fixed and None in shape:
            raise ShapeError("A model with include_top=True needs a full input_shape.", received=shape)
        return shape

    def _check_shape(self, shape: Shape, smallest: int) -> None:
        if len(shape) != 3:
            raise ShapeError(
                "input_shape has three sizes, without the batch.",
                expected=image_shape(("height", "width"), 3),
                received=shape,
            )
        sizes, channels = image_parts(shape)
        if self.pretrained and channels != 3:
            raise ShapeError("The published weights are for images with 3 channels.", received=shape)
        if channels not in (1, 3):
            warnings.warn(f"Images have 1 or 3 channels; this model is made for {channels}: {shape}.", stacklevel=5)
        if any(side is not None and side < smallest for side in sizes):
            raise ShapeError(
                "The input is too small for this architecture.",
                expected=f"{smallest} × {smallest} or more",
                received=shape,
            )

    def image(self, shape: Shape) -> KerasTensor:
        """The symbolic tensor that the network starts from."""
        return Input(shape) if self.input_tensor is None else self.input_tensor

    # The model

    def model(self, image: KerasTensor, outputs: KerasTensor, card: Card) -> Functional:
        """The model from the image to the outputs, with the weights asked for."""
        inputs = image if self.input_tensor is None else _sources(image)
        model = Functional(inputs, outputs, name=self.name)
        if self.pretrained:
            card.load(model, self.include_top)
        elif self.weights is not None:
            model.load_weights(self.weights)
        return model


def image_shape(sizes: Any, channels: Any) -> Any:
    """A shape in the order of the image data format."""
    return (channels, *sizes) if config.image_data_format() == "channels_first" else (*sizes, channels)


def image_parts(shape: Any) -> tuple[tuple[Any, ...], Any]:
    """Sizes and channels of an image's shape, by the image data format."""
    return (
        (tuple(shape[1:]), shape[0])
        if config.image_data_format() == "channels_first"
        else (tuple(shape[:-1]), shape[-1])
    )


def _sources(tensor: KerasTensor) -> list[KerasTensor]:
    from lamella.utils import get_source_inputs

    return get_source_inputs(tensor)
