"""ModelCheckpoint: saves the model while it trains."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from lamella.callbacks.callback import Logs
from lamella.callbacks.every import Every, counting
from lamella.callbacks.folder import make_folder, path_of
from lamella.callbacks.monitor import MonitorCallback
from lamella.callbacks.say import say
from lamella.errors import ArgumentError, FileError, nearest


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or batches.

    Args:   filepath: may name values of the logs: "{epoch:02d}-{val_loss:.2f}.keras" (epochs from 1).
            monitor, mode: what to watch, and which way it should go.
            save_best_only: keeps the file unless the watched value is better than ever.
            save_weights_only: saves to .weights.h5 in place of the whole model.
            save_freq: "epoch", or a number of batches.
            initial_value_threshold: the value to beat first.
    Raises: ArgumentError: a filepath with another ending, a save_freq that is no number.
            FileError: the path is a folder.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath, self.verbose = path_of("ModelCheckpoint", "filepath", filepath), verbose
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        self._every = Every(save_freq)
        self._current_epoch = 0
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            what = "weights" if save_weights_only else "a model"
            raise ArgumentError(
                f"ModelCheckpoint cannot save {what} to this path.",
                expected=f"a name ending in {' or '.join(endings)}",
                received=self.filepath,
            )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    @counting
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._every.is_due(batch):
            self._save_model(self._current_epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs or {})

    def _save_model(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        path = self._get_file_path(epoch, batch, logs)
        if not self._should_save_model(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise FileError(f"ModelCheckpoint cannot write to {path!r}: it is a folder.", fix="name a file in it")
        if os.path.dirname(path):
            make_folder("ModelCheckpoint", os.path.dirname(path))
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _should_save_model(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        if not self.save_best_only:
            return self._say(epoch, f"saving model to {path}")
        current = self.get_monitor_value(logs)
        if current is None:
            return True
        if np.ndim(current):
            warnings.warn(f"ModelCheckpoint saves, since {self.monitor!r} is no single number.", stacklevel=4)
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            return not self._say(epoch, f"{self.monitor} did not improve from {best}")
        self.best = current
        return self._say(epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")

    def _say(self, epoch: int, message: str) -> bool:
        if self.verbose > 0:
            say(f"Epoch {epoch + 1}: {message}")
        return True

    def _get_file_path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        place = {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1}
        try:
            return self.filepath.format(**{**place, **logs})
        except KeyError as error:
            name = error.args[0]
            raise ArgumentError(
                f"ModelCheckpoint cannot fill in {{{name}}} in {self.filepath!r}.",
                expected=f"a name in the logs: {', '.join({**place, **logs})}",
                fix=nearest(name, {**place, **logs}),
            ) from None
