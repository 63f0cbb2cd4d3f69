"""A known architecture is a recipe and one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lamella import config
from lamella.applications.card import Card
from lamella.applications.imagenet_utils import preprocess_input as preprocess
from lamella.applications.request import Request
from lamella.errors import ArgumentError
from lamella.graph import KerasTensor
from lamella.models import Functional


@dataclass(frozen=True)
class Recipe:
    """All that sets one architecture apart.

    network:  from the image to the outputs, classifier included, given the request.
    card:     where its weights are published.
    size:     of the images it was trained on, in pixels.
    smallest: size of an image, in pixels.
    channels_first: whether it can be built for that image data format.
    """

    network: Callable[[KerasTensor, Request], KerasTensor]
    card: Card
    size: int = 224
    smallest: int = 32
    channels_first: bool = True

    def make(self, request: Request, shape: Any = None) -> Functional:
        """The model that is asked for, on images of `shape` where that is settled already."""
        if not self.channels_first and config.image_data_format() == "channels_first":
            raise ArgumentError(
                f"{request.name!r} is for images with the channels last.",
                fix="lamella.config.set_image_data_format('channels_last')",
            )
        image = request.image(shape or request.shape(self.size, self.smallest))
        return request.model(image, self.network(image, request), self.card)


class Application(Protocol):
    """A function that makes a model: the arguments are Keras's, in Keras's order."""

    def __call__(
        self,
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str | None = ...,
    ) -> Functional: ...


ARGUMENTS = """
    Args:    include_top: with the classifier, or features only.
             weights: "imagenet" (downloaded once), the path of a weights file, or None (random).
             input_tensor: a symbolic tensor to start from, in place of an Input.
             input_shape: of an image; sizes may be None without a classifier.
             pooling: "avg", "max" or None, without a classifier.
             classes: how many; 1000 with the published weights.
             classifier_activation: None for logits.
    Raises:  ArgumentError, ShapeError: what is asked for does not go together.
"""


def application(title: str, module: str, recipe: Recipe, about: str, default: str | None = None) -> Application:
    """The function that makes models by a recipe.

    Args: default: the models' name; the title in lower case if None.
    """

    def make(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str | None = default or title.lower(),
    ) -> Functional:
        return recipe.make(
            Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
        )

    return named(make, title, module, f"{about}\n{ARGUMENTS}")


def named(function: Any, title: str, module: str, about: str) -> Any:
    """The function under the name, module and docstring it is known by."""
    function.__name__ = function.__qualname__ = title
    function.__module__, function.__doc__ = module, about
    return function


def preprocessing(mode: str | None, module: str) -> Callable[..., Any]:
    """A family's `preprocess_input`; None for a model that scales the pixels itself."""

    def preprocess_input(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else preprocess(x, data_format=data_format, mode=mode)

    return named(preprocess_input, "preprocess_input", module, _PREPROCESSING[mode])


_PREPROCESSING = {
    None: "Returns the images as they are: the model scales them itself, from [0, 255].",
    "tf": "Scales pixels from [0, 255] to [-1, 1]; NumPy floats in place.",
    "torch": "Scales pixels from [0, 255] to [0, 1], then by ImageNet's mean and deviation; NumPy floats in place.",
    "caffe": "Turns RGB into BGR and takes ImageNet's mean away, pixels in [0, 255]; NumPy floats in place.",
}
