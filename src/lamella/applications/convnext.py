"""ConvNeXt: a residual network modernised step by step.

Source: Liu et al. 2022, arXiv:2201.03545.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lamella import ops
from lamella.applications.application import ARGUMENTS, Recipe, named, preprocessing
from lamella.applications.blocks import chain, pooled
from lamella.applications.card import STORE, Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.initializers import Constant
from lamella.layers import (
    Activation,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    LayerNormalization,
    Normalization,
)
from lamella.models import Functional, Sequential

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "LayerScale",
    "decode_predictions",
    "preprocess_input",
]

_HASHES = {  # with and without the classifier
    "convnext_tiny": (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "convnext_small": (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "convnext_base": (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "convnext_large": (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "convnext_xlarge": (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

preprocess_input = preprocessing(None, __name__)


class LayerScale(Layer):
    """Weighs each channel, at first by next to nothing.

    Source: Touvron et al. 2021, arXiv:2103.17239.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=Constant(self.init_values))

    def call(self, x: Any) -> Any:
        return x * self.gamma

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


def _network(
    x: KerasTensor, request: Request, depths: tuple[int, ...], filters: tuple[int, ...], preprocessed: bool
) -> KerasTensor:
    name = request.name or "convnext"
    if preprocessed and x.shape[-1] == 3:
        x = _normalized(x, name)
    for stage, (depth, width) in enumerate(zip(depths, filters, strict=True)):
        x = _smaller(width, name, stage)(x)
        for block in range(depth):
            x = _block(x, width, f"{name}_stage_{stage}_block_{block}")
    if request.include_top:
        return _classified(x, request, name)
    return LayerNormalization(epsilon=1e-6)(pooled(x, request))


def _normalized(x: KerasTensor, name: str) -> KerasTensor:
    mean = [value * 255 for value in _MEAN]
    variance = [(value * 255) ** 2 for value in _DEVIATION]
    return Normalization(mean=mean, variance=variance, name=f"{name}_prestem_normalization")(x)


def _smaller(filters: int, name: str, stage: int) -> Sequential:
    """The stem, and then what stands before each later stage: a quarter of the size, then half."""
    if stage == 0:
        stem = Conv2D(filters, 4, strides=4, name=f"{name}_stem_conv")
        return Sequential([stem, _layernorm(f"{name}_stem_layernorm")], name=f"{name}_stem")
    number = stage - 1
    convolution = Conv2D(filters, 2, strides=2, name=f"{name}_downsampling_conv_{number}")
    normalization = _layernorm(f"{name}_downsampling_layernorm_{number}")
    return Sequential([normalization, convolution], name=f"{name}_downsampling_block_{number}")


def _block(inputs: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Each channel by 7 × 7, then a two-layer perceptron at each pixel, added to the inputs."""
    x = chain(
        inputs,
        Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv"),
        _layernorm(f"{name}_layernorm"),
        Dense(4 * filters, name=f"{name}_pointwise_conv_1"),
        Activation("gelu", name=f"{name}_gelu"),
        Dense(filters, name=f"{name}_pointwise_conv_2"),
        LayerScale(1e-6, filters, name=f"{name}_layer_scale"),
        Activation("linear", name=f"{name}_identity"),
    )
    return ops.add(inputs, x)


def _classified(x: KerasTensor, request: Request, name: str) -> KerasTensor:
    return chain(
        x,
        GlobalAveragePooling2D(name=f"{name}_head_gap"),
        _layernorm(f"{name}_head_layernorm"),
        Dense(request.classes, activation=request.classifier_activation, name=f"{name}_head_dense"),
    )


def _layernorm(name: str) -> LayerNormalization:
    return LayerNormalization(epsilon=1e-6, name=name)


def _convnext(title: str, default: str, depths: tuple[int, ...], filters: tuple[int, ...]) -> Callable[..., Functional]:
    card = Card(f"{STORE}/convnext/{default}", _HASHES[default])

    def make(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Any = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str | None = default,
    ) -> Functional:
        request = Request(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        network = partial(_network, depths=depths, filters=filters, preprocessed=include_preprocessing)
        return Recipe(network, card, channels_first=False).make(request)

    return named(make, title, __name__, f"{title}, for pixels in [0, 255], which it scales itself.\n{ARGUMENTS}")


_SHALLOW, _DEEP = (3, 3, 9, 3), (3, 3, 27, 3)
ConvNeXtTiny = _convnext("ConvNeXtTiny", "convnext_tiny", _SHALLOW, (96, 192, 384, 768))
ConvNeXtSmall = _convnext("ConvNeXtSmall", "convnext_small", _DEEP, (96, 192, 384, 768))
ConvNeXtBase = _convnext("ConvNeXtBase", "convnext_base", _DEEP, (128, 256, 512, 1024))
ConvNeXtLarge = _convnext("ConvNeXtLarge", "convnext_large", _DEEP, (192, 384, 768, 1536))
ConvNeXtXLarge = _convnext("ConvNeXtXLarge", "convnext_xlarge", _DEEP, (256, 512, 1024, 2048))
