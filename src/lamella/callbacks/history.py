"""History: what `fit` returns."""

from __future__ import annotations

from lamella.callbacks.callback import Callback, Logs


class History(Callback):
    """Keeps the logs of every epoch: `history` is {name: [value of each epoch]}, `epoch` their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def __repr__(self) -> str:
        if not self.history:
            return "<History of no epoch>"
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        epochs = f"{len(self.epoch)} epoch{'s' if len(self.epoch) != 1 else ''}"
        return f"<History of {epochs}, at the end {last}; all values are in .history>"
