"""OrbaxCheckpoint: checkpoints that are written in the background, each device its own part, as Keras lays them out."""

from __future__ import annotations

import os
import warnings
from typing import Any

import jax

from lamella.callbacks.callback import Logs
from lamella.callbacks.every import Every, counting
from lamella.callbacks.monitor import MonitorCallback
from lamella.callbacks.say import say


class OrbaxCheckpoint(MonitorCallback):
    """Saves the model, its weights and its optimizer's state, into a numbered folder now and then.

    `load_weights(directory)` and `load_model(directory)` read the last one, ours and Keras's.

    Args:   directory: gets a folder for each step: epochs from 0, or batches since the first.
            monitor, mode: what to watch, and which way it should go.
            save_best_only: saves only when the watched value is better than ever.
            save_freq: "epoch", or a number of batches.
            initial_value_threshold: the value to beat first.
            max_to_keep: how many of the last checkpoints stay; all if None.
            save_on_background: training goes on while a checkpoint is written.
            save_weights_only: leaves out the optimizer, metrics and the model's config.
    Raises: MissingExtraError: orbax-checkpoint is not installed.  ArgumentError: a save_freq that is no number.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ):
        from lamella.saving import Checkpoints

        super().__init__(monitor, mode, initial_value_threshold)
        self.directory, self.verbose, self.save_best_only = os.fspath(directory), verbose, save_best_only
        self.save_freq, self.max_to_keep = save_freq, max_to_keep
        self.save_on_background, self.save_weights_only = save_on_background, save_weights_only
        self._every = Every(save_freq)
        self._batches_ = 0
        self._last = -1
        self._checkpoints = Checkpoints(self.directory, max_to_keep, save_on_background)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if getattr(model, "optimizer", None) is not None:
            self._batches_ = int(model.optimizer.iterations)  # of a model that was loaded

    @counting
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches_ += batch + 1 if batch <= self._last else batch - self._last
        self._last = batch
        if self._every.is_due(batch):
            self._save(self._batches_, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self.wait_until_finished()

    def wait_until_finished(self) -> None:
        """Returns when all that was saved is on the disk."""
        self._checkpoints.wait()

    def is_multihost_enabled(self) -> bool:
        """Whether several processes train together."""
        return jax.process_count() > 1

    def is_primary_host(self) -> bool:
        """Whether this is the first of them."""
        return jax.process_index() == 0

    def latest(self) -> str | None:
        """The path of the last checkpoint, for `load_weights`."""
        return self._checkpoints.latest()

    def _save(self, step: int, logs: Logs) -> None:
        if self.save_best_only and not self._is_best(step, logs):
            return
        if self.verbose:
            say(f"Saving checkpoint {step} to {self.directory}")
        from lamella.saving import content_of

        self._checkpoints.save(step, *content_of(self.model, self.save_weights_only))

    def _is_best(self, step: int, logs: Logs) -> bool:
        current = (logs or {}).get(self.monitor)
        if current is None:
            message = f"OrbaxCheckpoint saves the best by {self.monitor!r}, which is not among the logs: skips {step}."
            warnings.warn(message, stacklevel=4)
            return False
        if not self._is_improvement(current, self.best):
            return False
        self.best = current
        return True
