"""Functional: a model made from symbolic tensors."""

from __future__ import annotations

from typing import Any

from lamella.models.model import Model


class Functional(Model):
    """What `Model(inputs, outputs)` makes.

    Example: >>> x = Input((4,))
             >>> type(Model(x, Dense(2)(x))).__name__
             'Functional'
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None):
        super().__init__(inputs, outputs, name=name, trainable=trainable)
