"""SwapEMAWeights: evaluates with the moving averages of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamella.callbacks.callback import Callback, Logs
from lamella.errors import ArgumentError


class SwapEMAWeights(Callback):
    """Exchanges the model's weights and their moving averages around evaluation and prediction.

    Args:   swap_on_epoch: also at the end of each epoch, so that checkpoints hold the averages.
    Raises: ArgumentError: no optimizer has use_ema=True.
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._put(averages=False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch:
            return
        self._put(averages=True)
        if epoch == (self.params or {}).get("epochs", 0) - 1:  # fit copies the averages into the model when it ends
            for variable, average in self._pairs():
                average.assign(variable)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._put(averages=True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._put(averages=False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._put(averages=True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._put(averages=False)

    def _put(self, averages: bool) -> None:
        if averages == self._ema_weights_in_model:
            return
        for variable, average in self._pairs():
            value = variable.raw
            variable.assign(average.raw)
            average.assign(value)
        self._ema_weights_in_model = averages

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        averaging = [o for o in getattr(optimizer, "optimizers", [optimizer]) if o.use_ema]
        if not averaging:
            raise ArgumentError("SwapEMAWeights needs an optimizer with use_ema=True.", fix="Adam(…, use_ema=True)")
        for one in averaging:
            yield from one.averages()
