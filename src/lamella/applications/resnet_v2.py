"""ResNetV2: residual bottlenecks that normalise and activate before each convolution.

Source: He et al. 2016, arXiv:1603.05027.
"""

from __future__ import annotations

from functools import partial

from lamella.applications.application import Application, Recipe, application, preprocessing
from lamella.applications.blocks import chain, headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request
from lamella.applications.resnet import FILTERS, convolved, normalization, relu, shrunk
from lamella.graph import KerasTensor
from lamella.layers import Add, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]
_HASHES = {  # with and without the classifier
    "ResNet50V2": ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    "ResNet101V2": ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
    "ResNet152V2": ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
}

preprocess_input = preprocessing("tf", __name__)


def _network(x: KerasTensor, request: Request, blocks: tuple[int, ...]) -> KerasTensor:
    x = shrunk(convolved(x))
    for stage, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), start=2):
        for number in range(1, count + 1):
            stride = 2 if number == count and stage < 5 else 1
            x = _block(x, filters, f"conv{stage}_block{number}", stride, projected=number == 1)
    return headed(chain(x, normalization("post_bn"), relu("post_relu")), request)


def _block(x: KerasTensor, filters: int, name: str, stride: int, projected: bool) -> KerasTensor:
    """Activated, then 1 × 1, 3 × 3, 1 × 1, beside a shortcut that skips pixels where the stride does."""
    active = chain(x, normalization(f"{name}_preact_bn"), relu(f"{name}_preact_relu"))
    if projected:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(active)
    else:
        shortcut = MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = chain(
        active,
        Conv2D(filters, 1, strides=1, use_bias=False, name=f"{name}_1_conv"),
        normalization(f"{name}_1_bn"),
        relu(f"{name}_1_relu"),
        ZeroPadding2D(1, name=f"{name}_2_pad"),
        Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv"),
        normalization(f"{name}_2_bn"),
        relu(f"{name}_2_relu"),
        Conv2D(4 * filters, 1, name=f"{name}_3_conv"),
    )
    return Add(name=f"{name}_out")([shortcut, x])


def _resnet(title: str, blocks: tuple[int, ...]) -> Application:
    recipe = Recipe(partial(_network, blocks=blocks), kernels_card("resnet", title.lower(), *_HASHES[title]))
    return application(title, __name__, recipe, f"{title}, a residual network, for pixels in [-1, 1].")


ResNet50V2 = _resnet("ResNet50V2", (3, 4, 6, 3))
ResNet101V2 = _resnet("ResNet101V2", (3, 4, 23, 3))
ResNet152V2 = _resnet("ResNet152V2", (3, 8, 36, 3))
