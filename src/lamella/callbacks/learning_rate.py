"""Changing the learning rate between epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.callbacks.callback import Callback, Logs
from lamella.callbacks.monitor import MonitorCallback
from lamella.callbacks.say import say
from lamella.errors import ArgumentError, parameters_of, unknown_arguments


def _named_optimizers(model: Any) -> list[tuple[str, Any]]:
    """(name for messages and logs, optimizer): one without a name, or each of a MultiOptimizer."""
    if hasattr(model.optimizer, "optimizers"):
        return [(optimizer.name, optimizer) for optimizer in model.optimizer.optimizers]
    return [("", model.optimizer)]


def _rate(optimizer: Any) -> float:
    return float(np.asarray(optimizer.learning_rate))


def _log_rates(model: Any, logs: Logs) -> None:
    if logs is not None:
        logs.update({f"learning_rate{name and '_' + name}": _rate(o) for name, o in _named_optimizers(model)})


class LearningRateScheduler(Callback):
    """Sets the learning rate at the begin of each epoch.

    Args:   schedule: a function (epoch, rate) → rate, or (epoch) → rate.
            verbose: 1 tells the rate.
    Raises: ArgumentError: the schedule returns no number.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        for name, optimizer in _named_optimizers(self.model):
            optimizer.learning_rate = rate = self._scheduled(epoch, _rate(optimizer))
            if self.verbose > 0:
                which = f"{name} learning rate" if name else "learning rate"
                say(f"Epoch {epoch + 1}: LearningRateScheduler setting {which} to {rate}.")

    def _scheduled(self, epoch: int, rate: float) -> float:
        try:
            new = self.schedule(epoch, rate)
        except TypeError:
            new = self.schedule(epoch)
        if isinstance(new, bool) or not isinstance(new, (int, float, np.floating)):
            raise ArgumentError("The schedule must return a number.", expected="a float", received=repr(new))
        return float(new)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        _log_rates(self.model, logs)


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` when a number has stopped becoming better.

    Args:   monitor, mode, min_delta: what to watch, which way it should go, what counts as a change.
            factor: below 1.
            patience: how many epochs without progress are borne.
            cooldown: how many epochs to wait after a reduction.
            min_lr: the lowest rate.
    Raises: ArgumentError: a factor of 1 or more.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        if kwargs:
            raise unknown_arguments("ReduceLROnPlateau()", kwargs, parameters_of(type(self)))
        if factor >= 1.0:
            raise ArgumentError("ReduceLROnPlateau needs a factor below 1.", received=factor)
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.on_train_begin()

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best, self.cooldown_counter, self.wait = None, 0, 0

    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        _log_rates(self.model, logs)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        reducible = [(name, o) for name, o in _named_optimizers(self.model) if _rate(o) > np.float32(self.min_lr)]
        for name, optimizer in reducible:
            optimizer.learning_rate = rate = max(_rate(optimizer) * self.factor, self.min_lr)
            if self.verbose > 0:
                which = f"{name} learning rate" if name else "learning rate"
                say(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing {which} to {rate}.")
        return bool(reducible)
