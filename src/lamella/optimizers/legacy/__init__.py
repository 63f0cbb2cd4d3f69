"""`keras.optimizers.legacy`: names that Keras 3 keeps only to say that they are gone."""

from __future__ import annotations

from typing import Any

from lamella.errors import MissingExtraError

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]


class Optimizer:
    """Raises MissingExtraError: the optimizers of Keras 2 are not part of Keras 3."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise MissingExtraError(
            "keras.optimizers.legacy holds the optimizers of Keras 2, which are not part of Keras 3.",
            fix="use the optimizer of the same name in keras.optimizers",
        )


Adagrad = Adam = Ftrl = RMSprop = SGD = Optimizer
