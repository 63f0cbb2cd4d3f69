"""One step of training, testing or predicting, as a pure function that is compiled once.

The step is written with objects (`self.optimizer.apply(grads, …)`); `pure` turns
it into a function of state.  Values go back into the variables after every step,
so weights can be read at any moment and an error loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import jax
import numpy as np

from lamella.errors import DataError, LamellaError
from lamella.graph import KerasTensor, output_spec
from lamella.lower import at_hand, is_fast_in_a_loop, keep_compiled
from lamella.state import Owner, StateView, Variable, changes, global_seed_if_used
from lamella.train.features import called_with_features
from lamella.train.feed import Batch, with_x
from lamella.train.joined import joined
from lamella.train.own_steps import call_step, is_overridden
from lamella.train.program import Program
from lamella.train.settings import Settings
from lamella.train.step_functions import call_function, users_function


class Steps(Owner):
    """Runs the steps of one model, keeping a compiled program for each kind.

    Its state is all that a step may change: the model, the optimizer, the metrics,
    and the seed of unnamed random draws.
    """

    def __init__(self, model: Any):
        self._model = model
        self._programs: dict[tuple[Any, ...], Program] = {}
        self._loops: dict[tuple[Any, ...], Program | None] = {}
        self.paces: dict[tuple[str, int | None], int] = {}  # by kind and batch size: how many steps a dispatch makes
        self._views: dict[str, StateView] = {}
        self._version: tuple[Any, ...] = ()
        self._makeups: dict[tuple[Any, ...], int] = {}  # layers and what of them trains: a number for each
        self._makeup = -1
        self._ready: set[tuple[Any, ...]] = set()
        self.settings = Settings(lambda: dict(self.children()))
        self._traced = False  # a step, since the last look at the settings
        self._jits = True

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        chosen = self._model._compiled_
        yield "model", self._model
        for segment in ("optimizer", "loss", "metrics", "loss_tracker"):
            part = getattr(chosen, segment, None)
            if part is not None:
                yield segment, part
        if (seed := global_seed_if_used()) is not None:
            yield "random", seed

    # The three steps, with objects

    def train(self, batch: Any) -> Any:
        return call_step(self._model, "train_step", batch)

    def test(self, batch: Any) -> Any:
        return call_step(self._model, "test_step", batch)

    def predict(self, batch: Any) -> Any:
        return call_step(self._model, "predict_step", batch)

    # Running them

    def run(self, kind: str, batch: Any, waits: bool = True, after: Any = None) -> Any:
        """Makes one step on a batch and keeps the new state.

        Args: kind: "train", "test" or "predict".
              waits: for the batch to be in the device's memory, which is better for the step; else the next
                  batch may be made meanwhile.
              after: the result of the step before, which is waited for, too.
        """
        batch = self._staged(batch)
        self.refresh()
        if (function := users_function(self._model, kind)) is not None:
            return call_function(self._model, kind, function, batch)
        if not self._jits or self._model.run_eagerly:
            return getattr(self, kind)(batch)
        result = self._program(kind, batch)(self._views[kind], at_hand(batch, after) if waits else batch)
        self._look_after_tracing()
        return result

    def form(self, kind: str) -> Callable[[Batch], Any]:
        """Gives batches the form that the steps take them in: steps of ours share programs, and ignore some parts."""
        if is_overridden(self._model, f"{kind}_step") or users_function(self._model, kind) is not None:
            return lambda batch: batch
        return (lambda batch: (batch[0], None, None)) if kind == "predict" else tuple

    def look_at_settings(self) -> None:
        """Follows changes of plain attributes; to be called where a user's code may have run."""
        self.settings.look()

    def _look_after_tracing(self) -> None:
        if self._traced:
            self.settings.look_after_tracing()
            self._traced = False

    def joins(self, kind: str, batch: Any) -> bool:
        """Whether many steps on batches like this one are as fast, or faster, as one program."""
        self.refresh()
        key = (kind, self._makeup, jax.tree.structure(batch))
        if key not in self._loops:
            self._loops[key] = self._loop(kind, batch)
        return self._loops[key] is not None

    def _loop(self, kind: str, batch: Any) -> Program | None:
        model = self._model
        if users_function(model, kind) is not None:
            return None
        if not self._jits or model.run_eagerly or any(layer.runs_on_host for layer in model._inner_layers_()):
            return None
        program = self._program(kind, batch)
        if not is_fast_in_a_loop(program.trace(self._views[kind], batch).jaxpr):
            return None
        return Program(joined(program.traced_once, gathers=kind == "predict"), in_place=kind == "train")

    def run_joined(self, kind: str, stack: Any, count: int) -> Any:
        """Makes a step on each of the first `count` batches of a stack, where `joins` said so.

        Returns: the result of the last step; for "predict", those of all steps, stacked.
        """
        result = self._loops[kind, self._makeup, jax.tree.structure(stack)](self._views[kind], stack, count)  # type: ignore[misc]
        self._look_after_tracing()
        return result

    def _program(self, kind: str, batch: Any) -> Program:
        """The compiled step; a first draw without a seed makes a generator, which then becomes part of the state."""
        key = (kind, self._makeup)
        if key not in self._programs:
            program, without_seed = self._made(kind), global_seed_if_used() is None
            if without_seed:
                program.trace(self._views[kind], batch)
            if without_seed and global_seed_if_used() is not None:
                self.forget()
                self.refresh()
                program = self._made(kind)
            self._programs[key] = program
        return self._programs[key]

    def _made(self, kind: str) -> Program:
        method = getattr(self, kind)

        def step(state: Any, batch: Any) -> Any:
            self._traced = True
            result, after = called_with_features(method, state, batch)
            return result, {address: value for address, value in after.items() if value is not state[address]}

        return Program(step, in_place=kind == "train")

    def _staged(self, batch: Any) -> Any:
        """The batch after the layers that work on the host (strings become numbers)."""
        x = self._model.stage(batch[0])
        return batch if x is batch[0] else with_x(batch, x)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: the model; the rest is made anew."""
        return {"_model": self._model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_model"])

    def forget(self) -> None:
        """Drops compiled programs: what they were compiled from has changed."""
        self._programs.clear()
        self._loops.clear()
        self.paces.clear()
        self._version = ()

    def refresh(self) -> None:
        """Follows changes of trainability, and of the parts, since the last step."""
        version, chosen = self._current_version(), self._model._compiled_
        if version == self._version:
            return
        if chosen is not None and chosen.optimizer is not None and self._model.built:
            chosen.optimizer.follow(self._model.trainable_variables)
        layers = (self._model, *self._model._inner_layers_())
        made_of = (self.settings.number, *layers, *[one.trainable for one in (*layers, *self._model.variables)])
        whole = StateView(self)
        self._views = {"train": whole, "test": whole, "predict": StateView(self, only=("model/", "random/"))}
        self._makeup = self._makeups.setdefault(made_of, len(self._makeups))
        wanted = chosen is None or chosen.jits
        self._jits = wanted and all(layer.supports_jit or layer.runs_on_host for layer in layers)
        self._version = (changes.count, *version[1:])  # following may have made slots

    def _current_version(self) -> tuple[int, ...]:
        """Changes whenever variables, `trainable` flags, settings or parts do."""
        chosen = self._model._compiled_
        parts = () if self._model._graph_ is not None else self._model._sublayers_()
        owners = (chosen, getattr(chosen, "optimizer", None), global_seed_if_used(), *parts)
        return (changes.count, self.settings.number, *map(id, owners))

    # Before the first step

    def prepare(self, kind: str, batch: Any) -> None:
        """Makes every variable that a step will use, from the shapes of a first batch; follows changed settings."""
        if (kind, self._makeup, self._version) not in self._ready:
            self._prepare(kind, batch)
        self.look_at_settings()

    def _prepare(self, kind: str, batch: Any) -> None:
        keep_compiled()
        model, given = self._model, batch
        batch = self._staged(given)
        x, y, _ = batch
        if model.built or not any(layer.runs_on_host for layer in model._inner_layers_()):
            _refuse_strings(x)
        own_step = is_overridden(model, f"{kind}_step")
        if x is not None and not self._layers_are_built():
            _build_model(model, _specs(batch)[0], must=not own_step and not model.built)
            if model.run_eagerly and model.built and not self._layers_are_built():
                with suppress(Exception):  # the step itself will tell
                    model(x, training=False)  # its code may depend on values
            batch = self._staged(given)  # only now it is known which layers work on the host
        targets = not own_step or (y is not None and model.built)
        if kind != "predict" and model._compiled_ is not None and targets:
            self._prepare_losses(*_specs((*batch,)))
        if own_step:
            self._prepare_own(kind, batch)
        self.refresh()
        self._ready.add((kind, self._makeup, self._version))

    def is_prepared(self, kind: str) -> bool:
        """Whether the model, its loss and its metrics are built."""
        if (kind, self._makeup, self._current_version()) in self._ready:
            return True
        chosen = self._model._compiled_
        parts = () if chosen is None else (chosen.loss, chosen.metrics)
        return self._layers_are_built() and all(part is None or part.built for part in parts)

    def _layers_are_built(self) -> bool:
        return self._model.built and all(layer.built for layer in self._model._inner_layers_())

    def _prepare_losses(self, x: Any, y: Any, sample_weight: Any) -> None:
        model, chosen = self._model, self._model._compiled_
        if all(part is None or part.built for part in (chosen.loss, chosen.metrics)):
            return
        y_pred = model.compute_output_spec(x)
        if chosen.loss is not None and not chosen.loss.built:
            if is_overridden(model, "compute_loss"):  # only it knows what the compiled loss is given, if anything
                with suppress(Exception):  # the step itself will tell
                    _abstractly(model._loss_of_, x, y, y_pred, sample_weight, True)
            else:
                chosen.loss.build(y, y_pred)
        if chosen.metrics is not None and is_overridden(model, "compute_metrics"):
            with suppress(Exception):
                _abstractly(model._metrics_of_, x, y, y_pred, sample_weight)
        elif chosen.metrics is not None:
            if not chosen.metrics.built:
                chosen.metrics.build(y, y_pred)
            _abstractly(chosen.metrics.update_state, y, y_pred, sample_weight)  # some make variables here

    def _prepare_own(self, kind: str, batch: Any) -> None:
        """A `train_step` of the user's: run once on shapes, since only it knows what it builds."""
        optimizer = self._model.optimizer
        if kind == "train" and optimizer is not None and self._model.built:
            optimizer.follow(self._model.trainable_variables)
        _abstractly(getattr(self, kind), _specs(batch))


def _refuse_strings(x: Any) -> None:
    if any(getattr(leaf, "dtype", np.dtype("f4")).kind in "OSU" for leaf in jax.tree.leaves(x)):
        raise DataError(
            "x holds strings, and no layer of the model turns them into numbers.",
            expected="numbers",
            fix="begin with TextVectorization, StringLookup or Hashing, or map the strings to numbers first",
        )


def batch_size_of(x: Any) -> int:
    """The number of samples in a batch."""
    return next((leaf.shape[0] for leaf in jax.tree.leaves(x) if leaf.ndim), 1)


def computes_compiled_loss(model: Any) -> bool:
    """Whether training takes the loss that `compile` was given as it is."""
    return not any(is_overridden(model, method) for method in ("train_step", "test_step", "compute_loss"))


def _build_model(model: Any, x: Any, must: bool) -> None:
    try:
        if isinstance(x, KerasTensor) and x.dtype == "string":
            model.build(x.shape)  # layers on the host cannot be run on shapes
        else:
            output_spec(model, x)
    except LamellaError:
        raise
    except Exception:
        if must:
            raise


def _abstractly(function: Callable[..., Any], *args: Any) -> None:
    """Runs a function on shapes only, for what it builds; values it assigns are dropped."""
    output_spec(function, *args)


def _specs(values: Any) -> Any:
    """Arrays as symbolic tensors of the same shape, batch size left open where all have the same."""
    sizes = {leaf.shape[0] for leaf in jax.tree.leaves(values) if leaf.shape}
    open_size = len(sizes) <= 1

    def spec(value: Any) -> Any:
        if isinstance(value, KerasTensor):
            return value
        shape = tuple(value.shape)
        name = jax.dtypes.canonicalize_dtype(value.dtype).name if value.dtype.kind not in "OUS" else "string"
        return KerasTensor((None, *shape[1:]) if shape and open_size else shape, name)

    return jax.tree.map(spec, values)
