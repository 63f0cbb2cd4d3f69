"""NASNet: two cells found by search on small images, stacked for large ones.

Source: Zoph et al. 2017, arXiv:1707.07012.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from lamella.applications.application import ARGUMENTS, Recipe, named, preprocessing
from lamella.applications.blocks import chain, channels, halving_pad, headed
from lamella.applications.card import STORE, Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request, image_shape
from lamella.errors import ShapeError
from lamella.graph import KerasTensor
from lamella.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)
from lamella.models import Functional
from lamella.state import name_scope

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf", __name__)


class Scale(NamedTuple):
    """blocks are those between two reductions, stem and filters the widths of the first ones.

    skips: whether what goes into a reduction is not seen by the cell after the next.
    """

    size: int
    blocks: int
    stem: int
    filters: int
    skips: bool


def _network(x: KerasTensor, request: Request, scale: Scale) -> KerasTensor:
    if None in x.shape[1:]:
        raise ShapeError("NASNet needs to know the sizes of its images.", received=x.shape[1:])
    first = Conv2D(scale.stem, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")
    x = chain(x, first, _normalized("stem_bn1"))
    x, before = _reduction(x, None, scale.filters // 4, "stem_1")
    x, before = _reduction(x, before, scale.filters // 2, "stem_2")
    for stage in range(3):
        if stage:
            x, skipped = _reduction(x, before, scale.filters << stage, f"reduce_{stage * scale.blocks}")
            before = before if scale.skips else skipped
        for number in range(scale.blocks):
            block = stage * scale.blocks + number + bool(stage)
            x, before = _normal(x, before, scale.filters << stage, f"{block}")
    return headed(Activation("relu")(x), request, None, names=(None, None))


# The cells: what comes out, and what went in


def _normal(x: KerasTensor, before: KerasTensor, filters: int, block: str) -> tuple[KerasTensor, KerasTensor]:
    """Figure 4 of the paper, left: of the size of `x`."""
    separated, averaged = partial(_separated, filters=filters), partial(AveragePooling2D, 3, 1, "same")
    with name_scope(f"normal_A_block_{block}"):
        p = _adjusted(before, x, filters, block)
        h = _squeezed(x, filters, "normal", block)
        with name_scope("block_1"):
            parts = [separated(h, f"normal_left1_{block}", kernel=5), separated(p, f"normal_right1_{block}")]
            one = Add(name=f"normal_add_1_{block}")(parts)
        with name_scope("block_2"):
            parts = [separated(p, f"normal_left2_{block}", kernel=5), separated(p, f"normal_right2_{block}")]
            two = Add(name=f"normal_add_2_{block}")(parts)
        three = Add(name=f"normal_add_3_{block}")([averaged(name=f"normal_left3_{block}")(h), p])
        parts = [averaged(name=f"normal_{side}4_{block}")(p) for side in ("left", "right")]
        four = Add(name=f"normal_add_4_{block}")(parts)
        with name_scope("block_5"):
            five = Add(name=f"normal_add_5_{block}")([separated(h, f"normal_left5_{block}"), h])
        return _side_by_side([p, one, two, three, four, five], f"normal_concat_{block}"), x


def _reduction(x: KerasTensor, before: KerasTensor | None, filters: int, block: str) -> tuple[KerasTensor, KerasTensor]:
    """Figure 4, right: half the size of `x`."""
    separated, halved = partial(_separated, filters=filters), partial(_separated, filters=filters, stride=2)
    with name_scope(f"reduction_A_block_{block}"):
        p = x if before is None else _adjusted(before, x, filters, block)
        h = _squeezed(x, filters, "reduction", block)
        padded = ZeroPadding2D(halving_pad(h, 3), name=f"reduction_pad_1_{block}")(h)
        with name_scope("block_1"):
            parts = [halved(h, f"reduction_left1_{block}", kernel=5), halved(p, f"reduction_right1_{block}", kernel=7)]
            one = Add(name=f"reduction_add_1_{block}")(parts)
        with name_scope("block_2"):
            pooled = MaxPooling2D(3, 2, name=f"reduction_left2_{block}")(padded)
            right = halved(p, f"reduction_right2_{block}", kernel=7)
            two = Add(name=f"reduction_add_2_{block}")([pooled, right])
        with name_scope("block_3"):
            pooled = AveragePooling2D(3, 2, name=f"reduction_left3_{block}")(padded)
            right = halved(p, f"reduction_right3_{block}", kernel=5)
            three = Add(name=f"reduction_add3_{block}")([pooled, right])
        four = Add()([two, AveragePooling2D(3, 1, "same", name=f"reduction_left4_{block}")(one)])
        with name_scope("block_5"):
            left = separated(one, f"reduction_left4_{block}")
            pooled = MaxPooling2D(3, 2, name=f"reduction_right5_{block}")(padded)
            five = Add(name=f"reduction_add4_{block}")([left, pooled])
        return _side_by_side([two, three, four, five], f"reduction_concat_{block}"), x


# What the cells are made of


def _squeezed(x: KerasTensor, filters: int, cell: str, block: str) -> KerasTensor:
    pointwise = _pointwise(filters, f"{cell}_conv_1_{block}")
    return chain(x, Activation("relu"), pointwise, _normalized(f"{cell}_bn_1_{block}"))


def _adjusted(before: KerasTensor, x: KerasTensor, filters: int, block: str) -> KerasTensor:
    """What went into the cell before, in the size of `x` and with as many channels as there are filters."""
    with name_scope("adjust_block"):
        if before.shape[2] != x.shape[2]:
            with name_scope(f"adjust_reduction_block_{block}"):
                return _halved(before, filters, block)
        if channels(before) == filters:
            return before
        with name_scope(f"adjust_projection_block_{block}"):
            pointwise = _pointwise(filters, f"adjust_conv_projection_{block}")
            return chain(before, Activation("relu"), pointwise, _normalized(f"adjust_bn_{block}"))


def _halved(x: KerasTensor, filters: int, block: str) -> KerasTensor:
    """Every second pixel, beside those one further down and to the right."""
    x = Activation("relu", name=f"adjust_relu_1_{block}")(x)
    here = chain(x, *_second(filters // 2, 1, block))
    there = chain(x, ZeroPadding2D(((0, 1), (0, 1))), Cropping2D(((1, 0), (1, 0))), *_second(filters // 2, 2, block))
    return _normalized(f"adjust_bn_{block}")(_side_by_side([here, there]))


def _second(filters: int, number: int, block: str) -> tuple[AveragePooling2D, Conv2D]:
    every_second = AveragePooling2D(1, 2, name=f"adjust_avg_pool_{number}_{block}")
    return every_second, _pointwise(filters, f"adjust_conv_{number}_{block}")


def _separated(x: KerasTensor, name: str, filters: int, kernel: int = 3, stride: int = 1) -> KerasTensor:
    """Two separable convolutions, activated before; the first may halve the size."""
    with name_scope(f"separable_conv_block_{name}"):
        x = Activation("relu")(x)
        if stride == 2:
            x = ZeroPadding2D(halving_pad(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
        options = {"use_bias": False, "kernel_size": kernel}
        padding = "valid" if stride == 2 else "same"
        return chain(
            x,
            SeparableConv2D(filters, strides=stride, padding=padding, name=f"separable_conv_1_{name}", **options),
            _normalized(f"separable_conv_1_bn_{name}"),
            Activation("relu"),
            SeparableConv2D(filters, padding="same", name=f"separable_conv_2_{name}", **options),
            _normalized(f"separable_conv_2_bn_{name}"),
        )


def _pointwise(filters: int, name: str) -> Conv2D:
    return Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)


def _normalized(name: str) -> BatchNormalization:
    return BatchNormalization(axis=-1, momentum=0.9997, epsilon=1e-3, name=name)


def _side_by_side(parts: list[KerasTensor], name: str | None = None) -> KerasTensor:
    return Concatenate(axis=-1, name=name)(parts)


def _nasnet(size: str, scale: Scale, hashes: tuple[str, str]) -> Callable[..., Functional]:
    title, default = f"NASNet{size.title()}", f"nasnet_{size}"
    card = Card(f"{STORE}/nasnet/NASNet-{size}", hashes, bare="-no-top", kept=default)
    recipe = Recipe(partial(_network, scale=scale), card, scale.size, channels_first=False)

    def make(
        input_shape: Any = None,
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: KerasTensor | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str | None = default,
    ) -> Functional:
        shape = image_shape((scale.size, scale.size), 3) if input_shape is None else input_shape
        return recipe.make(
            Request(include_top, weights, input_tensor, shape, pooling, classes, classifier_activation, name)
        )

    about = f"{title}, for pixels in [-1, 1] (`preprocess_input`) and images of {scale.size} × {scale.size}."
    return named(make, title, __name__, f"{about}\n{ARGUMENTS}")


NASNetLarge = _nasnet(
    "large",
    Scale(331, blocks=6, stem=96, filters=168, skips=True),
    ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
)
NASNetMobile = _nasnet(
    "mobile",
    Scale(224, blocks=4, stem=32, filters=44, skips=False),
    ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
)
