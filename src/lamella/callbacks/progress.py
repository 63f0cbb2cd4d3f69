"""The progress bar: in place on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from lamella.callbacks.callback import Callback, Logs
from lamella.callbacks.say import say, write
from lamella.config import is_interactive_logging_enabled
from lamella.errors import ArgumentError

_BOLD, _GREEN, _FAINT, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progbar:
    """Shows how far something is, and the values of metrics.

    Args:   target: the number of steps in all; None if it is not known.
            width: of the bar, in characters.
            verbose: 0 silent, 1 a bar (on a terminal), 2 one line at the end.
            interval: seconds between two drawings, at least.
            stateful_metrics: names whose value is shown as it is; the others are averaged over steps.
            stateless_metrics: the other way round: names that are averaged, and no others.
    Raises: ArgumentError: both lists of names are given.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError("Progbar takes stateful_metrics or stateless_metrics, not both.")
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.prefix = ""
        self._seen = 0
        self._sums: dict[str, tuple[Any, int]] = {}
        self._start = time.monotonic()
        self._warm: tuple[int, float] | None = None  # the first update: its step and time
        self._drawn = 0.0

    def add(self, n: int, values: Any = None) -> None:
        """Goes on by `n` steps."""
        self.update(self._seen + n, values)

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Goes to a step.

        Args: values: pairs (name, value).
              finalize: whether this is the last call; by default, when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, max(current - self._seen, 1), finalize)
        self._seen = current
        now = time.monotonic()
        self._warm = self._warm or (current, now)
        if finalize:
            self._finish(now)
        elif self.is_due():
            self._draw(now)

    def is_due(self) -> bool:
        """Whether an update now would be shown."""
        return self.verbose == 1 and _is_live() and time.monotonic() - self._drawn >= self.interval

    def _take(self, name: str, value: Any, steps: int, finalize: bool) -> None:
        if not self._is_averaged(name) or finalize:
            self._sums[name] = (value, 1)
        else:
            total, count = self._sums.get(name, (0, 0))
            self._sums[name] = (total + value * steps, count + steps)

    def _is_averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return name not in (self.stateful_metrics or ())

    # What it looks like

    def _draw(self, now: float) -> None:
        self._drawn = now
        left, metrics = self._time_left(now), self._metrics()
        room = _columns() - len(f"{self._count()}  {left}") - 1
        width = min(self.width, max(room - len(metrics), 5))
        if len(metrics) > room - width:
            metrics = metrics[: max(room - width - 1, 0)] + "…"
        write(f"\r{self._bar(width, left)}{metrics}\x1b[K")

    def _finish(self, now: float) -> None:
        live = self.verbose == 1 and _is_live()
        took = f"{now - self._start:.0f}s {self._pace(now)}"
        if live:
            write(f"\r{self._bar(self.width, took)}{self._metrics()}\x1b[K\n")
        elif self.verbose:
            say(f"{self.prefix}{self._count()} - {took}{self._metrics()}")

    def _count(self) -> str:
        if not self.target:
            return f"{self._seen}/Unknown" if self.target is None else f"{self._seen}"
        return f"{self._seen:>{len(str(self.target))}}/{self.target}"

    def _bar(self, width: int, told: str) -> str:
        full = width if not self.target else int(width * min(self._seen / self.target, 1))
        line = "━" if _can_encode("━") else "="
        done, rest = line * full, ("━" if line == "━" else ".") * (width - full)
        if self.target is None:
            done = rest = ""
        if _is_coloured():
            return f"{_BOLD}{self._count()}{_PLAIN} {_GREEN}{done}{_PLAIN}{_FAINT}{rest}{_PLAIN} {_BOLD}{told}{_PLAIN}"
        return f"{self._count()} {done}{' ' * len(rest) if line == '━' else rest} {told}"

    def _metrics(self) -> str:
        return "".join(f" - {name}: {_shown(*pair)}" for name, pair in self._sums.items())

    def _time_left(self, now: float) -> str:
        if not self.target:
            return f"{now - self._start:.0f}s {self._pace(now)}"
        seconds = int(self._per_step(now) * (self.target - self._seen))
        hours, minutes = seconds // 3600, seconds // 60
        clock = f"{minutes % 60:02d}:{seconds % 60:02d}"
        eta = f"{hours}:{clock}" if hours else f"{minutes}:{seconds % 60:02d}" if minutes else f"{seconds}s"
        return f"{eta} {self._pace(now)}"

    def _pace(self, now: float) -> str:
        each = self._per_step(now)
        for scale, unit in ((1, "s"), (1e3, "ms")):
            if each * scale >= 1 or each == 0:
                return f"{each * scale:.0f}{unit}/{self.unit_name}"
        return f"{each * 1e6:.0f}us/{self.unit_name}"

    def _per_step(self, now: float) -> float:
        """Seconds a step, without what came before the first update: it compiles."""
        step, then = self._warm or (0, self._start)
        if self._seen > step:
            return (now - then) / (self._seen - step)
        return (now - self._start) / self._seen if self._seen else 0.0


class ProgbarLogger(Callback):
    """Shows the progress of `fit`, `evaluate` and `predict`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose: int = 1
        self.epochs = 1
        self._called_in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs, self.target = params.get("epochs", 1), params.get("steps")

    def on_train_begin(self, logs: Logs = None) -> None:
        self._called_in_fit = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._called_in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        bar = self._begin()
        title = f"Epoch {epoch + 1}/{self.epochs}"
        if self.verbose == 1 and _is_live():
            if self.epochs > 1:
                say(title)
        else:
            bar.prefix = f"{title} - "

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._called_in_fit:
            self._begin()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._go_to(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._called_in_fit:
            self._go_to(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._go_to(batch, None)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def _begin(self) -> Progbar:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, interval=0.1, stateless_metrics=())
        return self.progbar

    def _go_to(self, batch: int, logs: Logs) -> None:
        bar = self.progbar or self._begin()
        self.seen = batch + 1
        if bar.is_due():
            bar.update(self.seen, (logs or {}).items(), finalize=False)
        elif batch == 0:
            bar.update(self.seen, finalize=False)

    def _finish(self, logs: Logs) -> None:
        bar = self.progbar or self._begin()
        if self.target is None:
            self.target = bar.target = self.seen
        bar.update(self.target if self.seen == 0 else self.seen, (logs or {}).items(), finalize=True)


def _shown(total: Any, count: int) -> str:
    mean = float(np.mean(total)) / max(count, 1)
    return f"{mean:.4f}" if abs(mean) > 1e-3 or mean == 0 else f"{mean:.4e}"


def _is_live() -> bool:
    """Whether lines can be drawn over: on a terminal, or in a notebook."""
    return is_interactive_logging_enabled() and (_is_terminal() or "ipykernel" in sys.modules)


def _is_terminal() -> bool:
    return hasattr(sys.stdout, "isatty") and sys.stdout.isatty()


def _is_coloured() -> bool:
    return _is_live() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _columns() -> int:
    return shutil.get_terminal_size((120, 24)).columns if _is_terminal() else 120


def _can_encode(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
