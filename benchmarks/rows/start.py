"""From nothing: importing, and the first step of a process that is not the first one."""

from __future__ import annotations

from importlib import import_module

from benchmarks.row import Work, row
from benchmarks.rows.mobilenet import classifier


@row("import, reach layers.Dense and Model", cold=True, before_import=True, tolerance=None)
def imported(module: str) -> Work:
    def work() -> None:
        keras = import_module(module)
        _ = keras.layers.Dense, keras.Model

    return work


@row("import, build a Dense model and read its weights", cold=True, before_import=True, tolerance=None)
def first_model(module: str) -> Work:
    def work() -> list:
        keras = import_module(module)
        return keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)]).get_weights()

    return work


@row(
    "second process: import, build, first fine-tune step",
    cold=True,
    primed=True,
    before_import=True,
    tolerance=None,
)
def second_process(module: str) -> Work:
    def work() -> float:
        model, x, y = classifier(import_module(module))
        return model.train_on_batch(x, y)

    return work
