"""ResNet: stacks of residual bottlenecks.

Source: He et al. 2015, arXiv:1512.03385.
"""

from __future__ import annotations

from functools import partial

from lamella.applications.application import Application, Recipe, application, preprocessing
from lamella.applications.blocks import chain, channel_axis, headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

FILTERS = (64, 128, 256, 512)
_HASHES = {  # with and without the classifier
    "ResNet50": ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    "ResNet101": ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    "ResNet152": ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}

preprocess_input = preprocessing("caffe", __name__)


def normalization(name: str) -> BatchNormalization:
    return BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=name)


def relu(name: str) -> Activation:
    return Activation("relu", name=name)


def convolved(x: KerasTensor) -> KerasTensor:
    """The first convolution, 7 × 7 of stride 2."""
    return chain(x, ZeroPadding2D(3, name="conv1_pad"), Conv2D(64, 7, strides=2, name="conv1_conv"))


def shrunk(x: KerasTensor) -> KerasTensor:
    """The first pooling, 3 × 3 of stride 2."""
    return chain(x, ZeroPadding2D(1, name="pool1_pad"), MaxPooling2D(3, strides=2, name="pool1_pool"))


def _network(x: KerasTensor, request: Request, blocks: tuple[int, ...]) -> KerasTensor:
    x = shrunk(chain(convolved(x), normalization("conv1_bn"), relu("conv1_relu")))
    for stage, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), start=2):
        x = _block(x, filters, f"conv{stage}_block1", stride=1 if stage == 2 else 2, projected=True)
        for number in range(2, count + 1):
            x = _block(x, filters, f"conv{stage}_block{number}")
    return headed(x, request)


def _block(x: KerasTensor, filters: int, name: str, stride: int = 1, projected: bool = False) -> KerasTensor:
    """1 × 1, 3 × 3, 1 × 1, beside a shortcut that is projected where the shape changes."""
    shortcut = x
    if projected:
        project = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")
        shortcut = chain(x, project, normalization(f"{name}_0_bn"))
    x = chain(
        x,
        Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv"),
        normalization(f"{name}_1_bn"),
        relu(f"{name}_1_relu"),
        Conv2D(filters, 3, padding="same", name=f"{name}_2_conv"),
        normalization(f"{name}_2_bn"),
        relu(f"{name}_2_relu"),
        Conv2D(4 * filters, 1, name=f"{name}_3_conv"),
        normalization(f"{name}_3_bn"),
    )
    return chain(Add(name=f"{name}_add")([shortcut, x]), relu(f"{name}_out"))


def _resnet(title: str, blocks: tuple[int, ...]) -> Application:
    recipe = Recipe(partial(_network, blocks=blocks), kernels_card("resnet", title.lower(), *_HASHES[title]))
    return application(title, __name__, recipe, f"{title}, a residual network, for `resnet.preprocess_input`.")


ResNet50 = _resnet("ResNet50", (3, 4, 6, 3))
ResNet101 = _resnet("ResNet101", (3, 4, 23, 3))
ResNet152 = _resnet("ResNet152", (3, 8, 36, 3))
