"""`keras.optimizers.legacy`: today's optimizers by the arguments of Keras 2, which had `lr` and `decay`."""

from __future__ import annotations

from typing import Any

from lamella import optimizers

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop"]


def _legacy(kind: Any) -> Any:
    """Makes an optimizer of today; `decay` becomes a schedule, lr / (1 + decay · step)."""

    def make(*args: Any, decay: float = 0.0, **kwargs: Any) -> Any:
        if "lr" in kwargs:
            kwargs["learning_rate"] = kwargs.pop("lr")
        optimizer = kind(*args, **kwargs)
        if not decay:
            return optimizer
        kwargs.pop("learning_rate", None)
        schedule = optimizers.schedules.InverseTimeDecay(float(optimizer.learning_rate), 1, decay)
        return kind(schedule, *args[1:], **kwargs)

    make.__name__, make.__doc__ = kind.__name__, f"keras.optimizers.{kind.__name__} of today, by Keras 2's arguments."
    return make


SGD, Adadelta, Adagrad = _legacy(optimizers.SGD), _legacy(optimizers.Adadelta), _legacy(optimizers.Adagrad)
Adam, Adamax, Nadam = _legacy(optimizers.Adam), _legacy(optimizers.Adamax), _legacy(optimizers.Nadam)
Ftrl, RMSprop = _legacy(optimizers.Ftrl), _legacy(optimizers.RMSprop)
