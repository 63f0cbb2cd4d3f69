"""What a layer does in training that it does not do in inference, in words."""

from __future__ import annotations

from inspect import signature
from typing import Any

from lamella import layers
from lamella.anatomy.cost.programs import program
from lamella.anatomy.explain.words import counted, listed, sentence
from lamella.graph import Site
from lamella.state import walk_all

_DROPOUT = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
_NOISE = (layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout)
_AUGMENTATION = (
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomZoom,
    layers.RandomTranslation,
    layers.RandomCrop,
    layers.RandomContrast,
    layers.RandomBrightness,
)
DIFFERS = (*_DROPOUT, *_NOISE, *_AUGMENTATION, layers.BatchNormalization)
"""Layers that do something else in training than in inference."""


def differs_in_training(layer: Any) -> bool:
    """Whether a layer itself, apart from layers in it, computes something else in training than in inference."""
    if isinstance(layer, _DROPOUT):
        return bool(layer.rate)
    if isinstance(layer, layers.RNN):
        return any(getattr(layer.cell, rate, 0) for rate in ("dropout", "recurrent_dropout"))
    return isinstance(layer, DIFFERS)


def told_training(site: Site | None) -> tuple[bool, Site] | None:
    """The `training=` that holds in a call because a call site says so, and that site."""
    while site is not None:
        if site.training is not None:
            return site.training, site
        site = site.parent
    return None


def behaviour_words(layer: Any, site: Site | None, frozen: bool, address_of: Any) -> list[str]:
    """How it behaves in `fit` and in `predict`."""
    told = told_training(site)
    inside = [one for _, one in walk_all(layer) if differs_in_training(one)] if layer.composite else []
    if differs_in_training(layer) or inside:
        said = [_own(layer)] if differs_in_training(layer) else [_inside(inside)]
    elif (differs := _differs(layer, site)) is None:
        return ["Its call() takes `training`, so what it computes may depend on that."]
    elif differs:
        said = ["In training it computes something else than in inference."]
    elif _draws(layer, site):
        return ["It draws random numbers, in training and in inference: two calls give two results."]
    else:
        return ["It computes the same in training and in inference."]
    if told is not None:
        mode = "training" if told[0] else "inference"
        where = "here" if told[1] is site else f"at `{address_of(told[1])}`"
        said.append(f"It is called with training={told[0]} {where}, so it runs in {mode} mode always, in `fit` too.")
    elif frozen and isinstance(layer, layers.BatchNormalization):
        said.append("It is frozen, so it runs in inference mode, in `fit` too: its statistics stand still.")
    elif frozen and any(isinstance(one, layers.BatchNormalization) for one in inside):
        said.append("It is frozen, so its BatchNormalization layers run in inference mode, in `fit` too.")
    return said


def _takes_training(layer: Any) -> bool:
    said = layer.differs_in_training
    return "training" in signature(type(layer).call).parameters if said is None else said


def _differs(layer: Any, site: Site | None) -> bool | None:
    """Whether the program of a call is another in training; None if that is not known."""
    if not any(_takes_training(one) for one in (layer, *layer._inner_layers_())):
        return False
    if site is None:
        return None
    try:
        return str(program(site, True)) != str(program(site, False))
    except Exception:  # it does not run on shapes alone
        return None


def _draws(layer: Any, site: Site | None) -> bool:
    """Whether code of the user's draws random numbers in inference; layers of ours draw in training only."""
    inside = (layer, *layer._inner_layers_())
    users = [one for one in inside if not type(one).__module__.startswith("lamella.") or isinstance(one, layers.Lambda)]
    if site is None or not users:
        return False
    try:
        text = str(program(site, False))
    except Exception:  # it does not run on shapes alone
        return False
    return any(word in text for word in ("threefry", "random_bits", "random_wrap"))


def _inside(inside: list[Any]) -> str:
    kinds: dict[str, int] = {}
    for one in inside:
        kinds[type(one).__name__] = kinds.get(type(one).__name__, 0) + 1
    shown = listed([f"{number} {name}" for name, number in kinds.items()])
    behave = "behaves" if len(inside) == 1 else "behave"
    many = counted(len(inside), "layer")
    return sentence(f"{many} inside {behave} otherwise in training than in inference: {shown}.")


def _own(layer: Any) -> str:
    if isinstance(layer, layers.BatchNormalization):
        return (
            "In training it normalizes each channel by the mean and variance of the batch, and moves its moving "
            f"averages by 1 − momentum = {1 - layer.momentum:.3g} of the way; in inference it uses these averages."
        )
    if isinstance(layer, _DROPOUT):
        what = "whole channels" if "Spatial" in type(layer).__name__ else "numbers"
        kept = 1 - layer.rate
        scale = f" and the others are multiplied by 1 / (1 − {layer.rate:g}) = {1 / kept:.4g}" if kept else ""
        return f"In training a share of {layer.rate:g} of the {what} become 0{scale}; in inference everything passes."
    if isinstance(layer, layers.RNN):
        return (
            "In training it drops numbers of its inputs or states at random (dropout); in inference everything passes."
        )
    if isinstance(layer, _NOISE):
        return "In training it adds noise; in inference everything passes unchanged."
    return "In training it changes each image at random; in inference it passes images unchanged."
