"""Callback: code that `fit`, `evaluate` and `predict` call at fixed moments."""

from __future__ import annotations

from typing import Any

Logs = dict[str, Any] | None
"""{name: float}, or None where there is nothing to tell."""


class Callback:
    """Subclass it and override the moments you need.  `epoch` and `batch` count from 0.

    After `set_params` and `set_model`: `self.params` has verbose, epochs and steps,
    and `self.model` is the model; `self.model.stop_training = True` ends `fit` after the step,
    `stop_evaluating` ends `evaluate`, `stop_predicting` ends `predict`.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    @property
    def model(self) -> Any:
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self._model = model

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None: ...

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Logs = None) -> None: ...

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None: ...

    def on_train_begin(self, logs: Logs = None) -> None: ...
    def on_train_end(self, logs: Logs = None) -> None: ...
    def on_test_begin(self, logs: Logs = None) -> None: ...
    def on_test_end(self, logs: Logs = None) -> None: ...
    def on_predict_begin(self, logs: Logs = None) -> None: ...
    def on_predict_end(self, logs: Logs = None) -> None: ...


def overrides(callback: Any, *moments: str) -> bool:
    """Whether a callback does anything at one of these moments.

    Example: >>> overrides(keras.callbacks.LambdaCallback(on_train_batch_end=print), "on_train_batch_end")
             True
    """
    own = [getattr(getattr(callback, moment, None), "__func__", moment) for moment in moments]
    idle = [getattr(function, "is_idle", None) for function in own]
    return any(
        function is not getattr(Callback, moment) and not (rests and rests(callback))
        for function, rests, moment in zip(own, idle, moments, strict=True)
    )
