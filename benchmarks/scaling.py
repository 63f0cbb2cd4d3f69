"""How times and memory grow with depth, batch, data and the number of models, for Lamella and Keras on JAX.

python -m benchmarks.scaling [--peers PEER …]
"""

from __future__ import annotations

import argparse
import gc
import json
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.data import normal
from benchmarks.peers import OURS, PEERS
from benchmarks.processes import peak_memory, spawn
from benchmarks.report import RESULTS, circumstances, keep, megabytes, seconds, table

Numbers = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """A measurement at several sizes.  Names of numbers say their unit: "… MiB" are bytes, "count" ones bare."""

    measure: Callable[[Any, int], Numbers]
    title: str
    sizes: tuple[int, ...]


SCALES: dict[str, Scale] = {}


def scale(title: str, *sizes: int) -> Callable[[Callable[[Any, int], Numbers]], Callable[[Any, int], Numbers]]:
    """Adds the function below it to the table."""

    def add(measure: Callable[[Any, int], Numbers]) -> Callable[[Any, int], Numbers]:
        SCALES[measure.__name__] = Scale(measure, title, sizes)
        return measure

    return add


class Laps:
    """Seconds between one call and the next."""

    def __init__(self) -> None:
        self.last = perf_counter()

    def __call__(self) -> float:
        before, self.last = self.last, perf_counter()
        return self.last - before


def _mlp(keras: Any, depth: int = 2, width: int = 64) -> Any:
    inputs = x = keras.Input((width,))
    for _ in range(depth):
        x = keras.layers.Dense(width, activation="relu")(x)
    return keras.Model(inputs, x)


@scale("depth: a chain of Dense(16) layers", 10, 100, 300, 1000)
def depth(keras: Any, layers: int) -> Numbers:
    """The forward pass, step by step from Python to an executable."""
    import jax

    _mlp(keras, 1, 16)  # what is imported late, or once a shape, is not what grows
    lap = Laps()
    model = _mlp(keras, layers, 16)
    state = [[v.value for v in part] for part in (model.trainable_variables, model.non_trainable_variables)]
    built = lap()
    lowered = jax.jit(model.stateless_call).lower(*state, normal(32, 16))
    traced = lap()
    lowered.compile()
    return {"build": built, "trace": traced, "compile": lap(), "memory MiB": peak_memory()}


@scale("batch: predict_on_batch of an MLP, rows at once", 1, 32, 1024, 32768)
def batch(keras: Any, rows: int) -> Numbers:
    model, x = _mlp(keras), normal(rows, 64)
    for _ in range(3):
        model.predict_on_batch(x)
    lap = Laps()
    call = median([model.predict_on_batch(x) is not None and lap() for _ in range(50)])
    return {"call": call, "row": call / rows}


@scale("data: fit from a generator, batches of 256 × 64 (64 KiB), steps in an epoch", 100, 1000, 10000)
def data(keras: Any, steps: int) -> Numbers:
    """Memory must not grow with the number of steps."""
    model = _mlp(keras)
    model.compile("sgd", "mse")

    def batches(count: int) -> Iterator[tuple[Any, Any]]:
        for index in range(count):
            x = normal(256, 64) + index % 7
            yield x, x

    model.fit(batches(10), verbose=0)
    lap = Laps()
    model.fit(batches(steps), verbose=0)
    return {"step": lap() / steps, "memory MiB": peak_memory()}


@scale("models: built, compiled, asked for once and dropped", 10, 100, 1000)
def models(keras: Any, count: int) -> Numbers:
    """Neither models nor memory may stay."""
    _mlp(keras)
    lap, alive = Laps(), []
    for _ in range(count):
        model = _mlp(keras)
        model.compile("adam", "mse")
        model(normal(1, 64))
        alive.append(weakref.ref(model))
        del model
    gc.collect()
    alive_count = sum(reference() is not None for reference in alive)
    return {"a model": lap() / count, "alive count": alive_count, "memory MiB": peak_memory()}


def _written(name: str, value: float) -> str:
    if name.endswith("MiB"):
        return megabytes(value)
    return str(value) if name.endswith("count") else seconds(value)


def _cells(numbers: dict[str, Any], names: Iterable[str]) -> list[str]:
    return [_written(name, numbers[name]) if name in numbers else "-" for name in names]


def section(scale: Scale, results: dict[str, dict[str, Any]]) -> str:
    """A Markdown table: a line for each size, columns for each peer."""
    every = (name for sizes in results.values() for numbers in sizes.values() for name in numbers)
    names = [name for name in dict.fromkeys(every) if name != "failed"]
    head = ["size", *(f"{peer} {name}" for peer in results for name in names)]
    lines = ([size, *(c for peer in results for c in _cells(results[peer][str(size)], names))] for size in scale.sizes)
    failed = [(peer, n) for peer, sizes in results.items() for n in sizes if "failed" in sizes[n]]
    notes = [f"{peer} at {n}: {results[peer][n]['failed']}" for peer, n in failed]
    return "\n\n".join([f"## {scale.title}", table(head, lines), *notes])


def _run(name: str, peers: list[str], timeout: float) -> dict[str, dict[str, Any]]:
    """{peer: {size: numbers}}, peers in turn."""
    results: dict[str, dict[str, Any]] = {peer: {} for peer in peers}
    for size in SCALES[name].sizes:
        for peer in peers:
            inside = ["benchmarks.scaling", "--inside", name, str(size), peer]
            results[peer][str(size)] = spawn(inside, PEERS[peer], timeout)
    return results


def _inside(name: str, size: str, peer: str) -> None:
    print(json.dumps(SCALES[name].measure(import_module(PEERS[peer].module), int(size))))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--inside", nargs=3, metavar=("SCALE", "SIZE", "PEER"), help="one measurement in this process")
    parser.add_argument("--scales", nargs="+", choices=SCALES, default=list(SCALES))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=[OURS, "keras-jax"])
    parser.add_argument("--timeout", type=float, default=600, help="seconds a process may take")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder that keeps them")
    chosen = parser.parse_args()
    if chosen.inside:
        return _inside(*chosen.inside)
    about, results, text = circumstances(), {}, []
    peers = [peer for peer in chosen.peers if PEERS[peer].installed]
    for name in chosen.scales:
        results[name] = _run(name, peers, chosen.timeout)
        text.append(section(SCALES[name], results[name]))
        print(text[-1], "\n", flush=True)
    head = f"# Scaling, {about['date']}\n\n{about['machine']}; load at the start {about['load']}."
    print("kept in", keep(chosen.results, about, results, "\n\n".join([head, *text]) + "\n", "scaling"))


if __name__ == "__main__":
    main()
