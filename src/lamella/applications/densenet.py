"""DenseNet: each convolution sees what all before it in its block made.

Source: Huang et al. 2016, arXiv:1608.06993.
"""

from __future__ import annotations

from functools import partial

from lamella.applications.application import Application, Recipe, application, preprocessing
from lamella.applications.blocks import chain, channel_axis, channels, headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request
from lamella.applications.resnet import normalization, relu
from lamella.graph import KerasTensor
from lamella.layers import AveragePooling2D, Concatenate, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32
_HASHES = {  # with and without the classifier
    "DenseNet121": ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    "DenseNet169": ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    "DenseNet201": ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
}

preprocess_input = preprocessing("torch", __name__)


def _network(x: KerasTensor, request: Request, blocks: tuple[int, ...]) -> KerasTensor:
    x = chain(
        x,
        ZeroPadding2D(3),
        Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv"),
        normalization("conv1_bn"),
        relu("conv1_relu"),
        ZeroPadding2D(1),
        MaxPooling2D(3, strides=2, name="pool1"),
    )
    for stage, count in enumerate(blocks, start=2):
        if stage > 2:
            x = _halved(x, f"pool{stage - 1}")
        for number in range(1, count + 1):
            x = _grown(x, f"conv{stage}_block{number}")
    return headed(chain(x, normalization("bn"), relu("relu")), request)


def _grown(x: KerasTensor, name: str) -> KerasTensor:
    """The features, with some more beside them."""
    more = chain(
        x,
        normalization(f"{name}_0_bn"),
        relu(f"{name}_0_relu"),
        Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv"),
        normalization(f"{name}_1_bn"),
        relu(f"{name}_1_relu"),
        Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv"),
    )
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, more])


def _halved(x: KerasTensor, name: str) -> KerasTensor:
    """Half the features, at half the size."""
    return chain(
        x,
        normalization(f"{name}_bn"),
        relu(f"{name}_relu"),
        Conv2D(channels(x) // 2, 1, use_bias=False, name=f"{name}_conv"),
        AveragePooling2D(2, strides=2, name=f"{name}_pool"),
    )


def _densenet(title: str, blocks: tuple[int, ...]) -> Application:
    card = kernels_card("densenet", title.lower(), *_HASHES[title])
    recipe = Recipe(partial(_network, blocks=blocks), card, channels_first=False)
    return application(title, __name__, recipe, f"{title}, for `densenet.preprocess_input`.")


DenseNet121 = _densenet("DenseNet121", (6, 12, 24, 16))
DenseNet169 = _densenet("DenseNet169", (6, 12, 32, 32))
DenseNet201 = _densenet("DenseNet201", (6, 12, 48, 32))
