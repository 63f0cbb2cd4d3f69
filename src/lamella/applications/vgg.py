"""VGG: 3 × 3 convolutions in five blocks, and three dense layers.

Source: Simonyan and Zisserman 2014, arXiv:1409.1556.
"""

from __future__ import annotations

from functools import partial

from lamella.applications.application import Application, Recipe, application
from lamella.applications.blocks import chain, pooled, predictions
from lamella.applications.card import kernels_card
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.layers import Conv2D, Dense, Flatten, MaxPooling2D

_FILTERS = (64, 128, 256, 512, 512)


def vgg(title: str, module: str, depths: tuple[int, ...], *hashes: str) -> Application:
    """A VGG with so many convolutions in each block."""
    recipe = Recipe(partial(_network, depths=depths), kernels_card(title.lower(), title.lower(), *hashes))
    return application(title, module, recipe, f"{title}, for `{title.lower()}.preprocess_input`.")


def _network(x: KerasTensor, request: Request, depths: tuple[int, ...]) -> KerasTensor:
    for block, (filters, depth) in enumerate(zip(_FILTERS, depths, strict=True), start=1):
        for number in range(1, depth + 1):
            x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{number}")(x)
        x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if not request.include_top:
        return pooled(x, request)
    hidden = (Dense(4096, activation="relu", name=f"fc{number}") for number in (1, 2))
    return chain(x, Flatten(name="flatten"), *hidden, predictions(request))
