"""Functional: a model made from symbolic tensors."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from lamella.models.model import Model


class Functional(Model, metaclass=ABCMeta):
    """What `Model(inputs, outputs)` makes; subclasses of Model that are made so count as its instances.

    Example: >>> x = Input((4,))
             >>> type(Model(x, Dense(2)(x))).__name__
             'Functional'
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None):
        super().__init__(inputs, outputs, name=name, trainable=trainable)
