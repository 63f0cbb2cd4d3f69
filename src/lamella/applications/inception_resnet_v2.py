"""InceptionResNetV2: what convolutions of several sizes see is scaled down and added.

Source: Szegedy et al. 2016, arXiv:1602.07261.
"""

from __future__ import annotations

from typing import Any

from lamella.applications.application import Recipe, application, preprocessing
from lamella.applications.blocks import channels, headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.inception import Branch, Unit, branched, halving, mixed, side_by_side, smaller, stem
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.layers import Activation, Conv2D, Layer

__all__ = ["CustomScaleLayer", "InceptionResNetV2", "decode_predictions", "preprocess_input"]

_FIRST = ((Unit(96),), (Unit(48), Unit(64, 5, 5)), (Unit(64), Unit(96, 3, 3), Unit(96, 3, 3)), (Unit(64),))
_BLOCK35 = ((Unit(32),), (Unit(32), Unit(32, 3, 3)), (Unit(32), Unit(48, 3, 3), Unit(64, 3, 3)))
_SMALLER = ((halving(384),), (Unit(256), Unit(256, 3, 3), halving(384)))
_BLOCK17 = ((Unit(192),), (Unit(128), Unit(160, 1, 7), Unit(192, 7, 1)))
_SMALLEST = (
    *((Unit(256), halving(384)), (Unit(256), halving(288))),
    (Unit(256), Unit(288, 3, 3), halving(320)),
)
_BLOCK8 = ((Unit(192),), (Unit(192), Unit(224, 1, 3), Unit(256, 3, 1)))

preprocess_input = preprocessing("tf", __name__)


class CustomScaleLayer(Layer):
    """Adds to the first of two inputs the second, scaled."""

    def __init__(self, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        return inputs[0] + inputs[1] * self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _network(x: KerasTensor, request: Request) -> KerasTensor:
    x = mixed(stem(x), _FIRST, "mixed_5b")
    x = smaller(_repeated(x, _BLOCK35, "block35", (0.17,) * 10), _SMALLER, "mixed_6a")
    x = smaller(_repeated(x, _BLOCK17, "block17", (0.1,) * 20), _SMALLEST, "mixed_7a")
    x = _repeated(x, _BLOCK8, "block8", (0.2,) * 9)
    x = _residual(x, _BLOCK8, "block8_10", 1.0)
    return headed(branched(x, Unit(1536, name="conv_7b")), request, names=(None, None))


def _repeated(x: KerasTensor, branches: tuple[Branch, ...], name: str, scales: tuple[float, ...]) -> KerasTensor:
    """Residual blocks, each activated."""
    for number, scale in enumerate(scales, start=1):
        x = _residual(x, branches, f"{name}_{number}", scale)
        x = Activation("relu", name=f"{name}_{number}_ac")(x)
    return x


def _residual(x: KerasTensor, branches: tuple[Branch, ...], name: str, scale: float) -> KerasTensor:
    """What the branches see, mixed into as many channels as `x` has, scaled and added."""
    seen = side_by_side([branched(x, *branch) for branch in branches], f"{name}_mixed")
    seen = Conv2D(channels(x), 1, padding="same", name=f"{name}_conv")(seen)
    return CustomScaleLayer(scale)([x, seen])


InceptionResNetV2 = application(
    "InceptionResNetV2",
    __name__,
    Recipe(
        _network,
        kernels_card(
            "inception_resnet_v2",
            "inception_resnet_v2",
            "e693bd0210a403b3192acc6073ad2e96",
            "d19885ff4a710c122648d3b5c3b684e4",
        ),
        size=299,
        smallest=75,
    ),
    "InceptionResNetV2, for pixels in [-1, 1] (`preprocess_input`) and images of 299 × 299.",
    default="inception_resnet_v2",
)
