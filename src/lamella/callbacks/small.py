"""Callbacks of a few lines: LambdaCallback, TerminateOnNaN, RemoteMonitor."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.callbacks.callback import Callback, Logs
from lamella.callbacks.say import say
from lamella.errors import StateError, unknown

_MOMENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """A callback made of functions, one for each moment: LambdaCallback(on_epoch_end=lambda epoch, logs: …).

    Args:   on_…: any moment of Callback.  Other names are kept as attributes.
    Raises: UnknownNameError: a name like on_… that is no moment.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name in kwargs:
            if name.startswith("on_") and name not in _MOMENTS:
                raise unknown("moment of a callback", name, _MOMENTS)
        vars(self).update({name: value for name, value in {**given, **kwargs}.items() if value is not None})


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite.

    Args:   raise_error: raises in place of ending `fit` quietly.
    Raises: StateError: with raise_error, naming the batch.
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise StateError(
                f"The loss is {loss} at batch {batch}: NaN or Inf loss.", fix="lower the learning rate, or set clipnorm"
            )
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


class RemoteMonitor(Callback):
    """Sends the logs of every epoch to a server, as a form field with JSON in it, or as JSON.

    Args:  root, path: the address.  headers: of the request.
           field: the form's field.  send_as_json: sends JSON alone.
    Warns: the server cannot be reached.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        told = json.dumps(
            {"epoch": epoch, **{name: np.asarray(value).tolist() for name, value in (logs or {}).items()}}
        )
        body = told if self.send_as_json else urllib.parse.urlencode({self.field: told})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        try:
            request = urllib.request.Request(self.root + self.path, body.encode(), headers)
            urllib.request.urlopen(request, timeout=10).close()
        except (urllib.error.URLError, OSError):
            warnings.warn(f"RemoteMonitor could not reach the server at {self.root}.", stacklevel=2)
