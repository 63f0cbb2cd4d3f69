"""CallbackList: many callbacks as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamella.callbacks.callback import Callback, Logs, overrides
from lamella.callbacks.history import History
from lamella.callbacks.progress import ProgbarLogger
from lamella.errors import DtypeError

_LISTENING = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """Calls each of its callbacks in turn; logs reach them as plain dicts of numbers.

    Logs of a batch may be handed over as they come from the device: they are
    turned into numbers, which waits for the device, only where a callback listens.

    Args:   callbacks: one, or a list (of lists) of them.
            add_history, add_progbar: adds a `History`, a `ProgbarLogger` if there is none.
            params: verbose, epochs, steps.
    Raises: DtypeError: something among them is no callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        super().__init__()
        self.callbacks = list(_flat(callbacks))
        self._history = self._one_of(History, add_history)
        self._progbar = self._one_of(ProgbarLogger, add_progbar)
        self._listeners: dict[str, list[Any]] = {
            mode: [c for c in self.callbacks if overrides(c, *moments)] for mode, moments in _LISTENING.items()
        }
        self.set_model(model)
        self.set_params(params)

    def _one_of(self, kind: Any, add: bool) -> Any:
        found = next((c for c in self.callbacks if isinstance(c, kind)), None)
        if found is None and add:
            found = kind()
            self.callbacks.append(found)
        return found

    def wants_batches(self, mode: str) -> bool:
        """Whether a callback other than the progress bar listens to batches.

        Args: mode: "train", "test" or "predict".
        """
        return any(callback is not self._progbar for callback in self._listeners[mode])

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks if params else ():
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    # Moments

    def _all(self, moment: str, *arguments: Any) -> None:
        *place, logs = arguments
        logs = numbers(logs)
        for callback in self.callbacks:
            getattr(callback, moment)(*place, logs)

    def _listening(self, mode: str, moment: str, batch: int, logs: Logs) -> None:
        if self.wants_batches(mode):
            logs = numbers(logs)
        for callback in self._listeners[mode]:
            getattr(callback, moment)(batch, logs=logs)


def _for_epoch(moment: str) -> Any:
    """A method that calls all callbacks with the epoch."""
    return lambda self, epoch, logs=None: self._all(moment, epoch, logs)


def _for_all(moment: str) -> Any:
    """A method that calls all callbacks."""
    return lambda self, logs=None: self._all(moment, logs)


def _for_listeners(mode: str, moment: str) -> Any:
    """A method that calls the callbacks which listen to batches."""
    return lambda self, batch, logs=None: self._listening(mode, moment, batch, logs)


for _moment in ("on_epoch_begin", "on_epoch_end"):
    setattr(CallbackList, _moment, _for_epoch(_moment))
for _mode, _moments in _LISTENING.items():
    for _when in ("begin", "end"):
        setattr(CallbackList, f"on_{_mode}_{_when}", _for_all(f"on_{_mode}_{_when}"))
    for _moment in _moments:
        setattr(CallbackList, _moment, _for_listeners(_mode, _moment))


def numbers(logs: Any) -> dict[str, Any]:
    """Logs with every scalar as a Python number; a dict without device values is handed on itself.

    Example: >>> numbers({"loss": jnp.asarray(0.5)})
             {'loss': 0.5}
    """
    if logs is None:
        return {}
    if all(isinstance(value, (int, float)) for value in logs.values()):
        return logs
    return {name: _number(value) for name, value in logs.items()}


def _number(value: Any) -> Any:
    return np.asarray(value).item() if np.ndim(value) == 0 and hasattr(value, "dtype") else value


def _flat(callbacks: Any) -> Iterator[Any]:
    if callbacks is None:
        return
    if isinstance(callbacks, (list, tuple)):
        for callback in callbacks:
            yield from _flat(callback)
    elif hasattr(callbacks, "on_epoch_end") and not isinstance(callbacks, type):
        yield callbacks
    else:
        is_class = isinstance(callbacks, type)
        raise DtypeError(
            "Something among the callbacks is no Callback.",
            received=callbacks.__name__ if is_class else repr(callbacks),
            fix=f"write {callbacks.__name__}()" if is_class else "subclass Callback, or use LambdaCallback",
        )
