"""Watching one number of the logs, and which way it should go."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from lamella import ops
from lamella.callbacks.callback import Callback, Logs
from lamella.errors import ArgumentError, nearest

_UP = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "cosine_similarity")


class MonitorCallback(Callback):
    """What EarlyStopping, ModelCheckpoint and ReduceLROnPlateau share.

    Args:  monitor: a name in the logs.
           mode: "min", "max", or "auto": as the metric of that name says.
           baseline: the value to beat first.
           min_delta: a smaller change is none.
    Warns: an unknown mode; a name that is not in the logs.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{type(self).__name__} knows no mode {mode!r} and takes 'auto'.", stacklevel=3)
            mode = "auto"
        self.monitor, self.mode, self.best, self.min_delta = monitor, mode, baseline, abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _is_improvement(self, monitor_value: float, reference_value: float | None) -> bool:
        if self.monitor_op is None:
            self._set_monitor_op()
        assert self.monitor_op is not None
        return reference_value is None or bool(self.monitor_op(monitor_value - self.min_delta, reference_value))

    def _set_monitor_op(self) -> None:
        """Chooses `monitor_op`, ops.greater or ops.less; where less is better, `min_delta` becomes negative."""
        self.monitor_op = ops.greater if self._wants_more_() else ops.less
        if self.monitor_op is ops.less:
            self.min_delta = -abs(self.min_delta)

    def _wants_more_(self) -> bool:
        """Whether higher is better.

        Raises: ArgumentError: nothing tells.
        """
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        for metric in _metrics(self.model):
            direction = getattr(metric, "_direction", None)
            if metric.name == name and direction:
                return direction == "up"
        if name.endswith(("loss", "error")) or any(part in name for part in _UP):
            return not name.endswith(("loss", "error"))
        raise ArgumentError(
            f"{type(self).__name__} does not know whether {self.monitor!r} should rise or fall.",
            fix="pass mode='max' or mode='min'",
        )

    def get_monitor_value(self, logs: Logs) -> Any:
        """The monitored value; None, with a warning, if it is not in the logs."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__} monitors {self.monitor!r}, which is not among the logs: {', '.join(logs)}. "
                f"{nearest(self.monitor, logs)}",
                stacklevel=3,
            )
        return logs.get(self.monitor)


def _metrics(model: Any) -> Iterator[Any]:
    for metric in getattr(model, "metrics", None) or ():
        yield metric
        yield from getattr(metric, "metrics", None) or ()
