"""BackupAndRestore: goes on after an interruption."""

from __future__ import annotations

import json
import os
import shutil

from lamella.callbacks.callback import Callback, Logs
from lamella.callbacks.every import Every, counting
from lamella.callbacks.folder import make_folder, path_of
from lamella.errors import StateError


class BackupAndRestore(Callback):
    """Saves weights and optimizer state now and then; a `fit` that begins anew goes on from there.

    Args:   backup_dir: a folder of its own, removed at the end unless delete_checkpoint is False.
            save_freq: "epoch", or a number of batches.
            double_checkpoint: keeps the backup before the last one too.
    Raises: ArgumentError: no backup_dir, or a save_freq that is no number.
            StateError: the model has no weights yet.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | str = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        self.backup_dir, self.save_freq = path_of("BackupAndRestore", "backup_dir", backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._every = Every(save_freq)
        self._current_epoch = 0
        self._weights_path = os.path.join(self.backup_dir, "latest.weights.h5")
        self._training_metadata_path = os.path.join(self.backup_dir, "training_metadata.json")

    def on_train_begin(self, logs: Logs = None) -> None:
        if not self.model.built:
            raise StateError(
                "BackupAndRestore needs a model that is built.", fix="call the model on a batch, or model.build()"
            )
        for suffix in ("", ".bkp"):
            if os.path.exists(self._weights_path + suffix) and self._restored(suffix):
                return

    def _restored(self, suffix: str) -> bool:
        """Whether a backup could be read; the one before it serves when it could not."""
        spare = not suffix and os.path.exists(self._weights_path + ".bkp")
        if suffix:
            os.replace(self._weights_path + suffix, self._weights_path)
        if self.model.optimizer is not None and not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        try:
            self.model.load_weights(self._weights_path)
        except OSError:
            if spare:
                return False
            raise
        if os.path.exists(self._training_metadata_path + suffix):
            with open(self._training_metadata_path + suffix, encoding="utf-8") as file:
                self.model._initial_epoch = self._current_epoch = json.load(file)["epoch"]
        return True

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch + 1
        if self.save_freq == "epoch":
            self._save(0)

    @counting
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._every.is_due(batch):
            self._save(batch)

    def _save(self, batch: int) -> None:
        make_folder("BackupAndRestore", self.backup_dir)
        for path in (self._weights_path, self._training_metadata_path):
            if self.double_checkpoint and os.path.exists(path):
                shutil.copy(path, path + ".bkp")
        self.model.save_weights(self._weights_path, overwrite=True)
        partial = self._training_metadata_path + ".part"
        with open(partial, "w", encoding="utf-8") as file:
            json.dump({"epoch": self._current_epoch, "batch": batch}, file)
        os.replace(partial, self._training_metadata_path)

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint and os.path.exists(self.backup_dir):
            shutil.rmtree(self.backup_dir)
