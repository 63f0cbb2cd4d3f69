"""CSVLogger."""

from __future__ import annotations

import csv
import os
from typing import Any, TextIO

import numpy as np

from lamella.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes the logs of every epoch to a CSV file, one row each.

    Args: filename: the file, made anew unless `append`.
          separator: between columns.
          append: adds rows to a file that is there.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.csv_file: TextIO | None = None
        self.writer: csv.DictWriter[str] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._close()
        going_on = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._wants_header = not going_on
        mode = "a" if self.append else "w"
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")  # noqa: SIM115 - open until train_end

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self.csv_file is None:
            return
        if self.writer is None:
            self.writer = csv.DictWriter(
                self.csv_file, ["epoch", *_columns(logs)], restval="NA", extrasaction="ignore", delimiter=self.sep
            )
            if self._wants_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{name: _cell(value) for name, value in logs.items()}})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None


def _columns(logs: dict[str, Any]) -> list[str]:
    """The names, and those of validation too, which may come in a later epoch."""
    names = sorted(logs)
    return names if any(name.startswith("val_") for name in names) else [*names, *[f"val_{name}" for name in names]]


def _cell(value: Any) -> Any:
    return f"[{', '.join(map(str, np.ravel(value)))}]" if np.ndim(value) else value
