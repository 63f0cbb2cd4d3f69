"""fit, evaluate and predict: batches in, logs and predictions out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from lamella import config
from lamella.callbacks import CallbackList, History
from lamella.errors import ArgumentError, DataError, unknown
from lamella.layers import Layer
from lamella.lower import give_back_memory
from lamella.state import get_mask
from lamella.train.compiled import Compiled
from lamella.train.dispatch import Dispatch
from lamella.train.features import Budget, Features
from lamella.train.feed import ArrayFeed, EmptyDataError, Feed, feed, only_batch, train_validation_split
from lamella.train.own_steps import is_overridden
from lamella.train.step import Steps, computes_compiled_loss


class Loops(Layer):
    """The loops of Trainer."""

    stop_training: bool
    stop_evaluating: bool
    stop_predicting: bool
    history: History
    _initial_epoch: int | None = None
    _steps_: Steps
    _compiled_: Compiled | None
    _features_: Features

    def _chosen_(self, kind: str) -> Compiled:
        raise NotImplementedError

    def _reported_names_(self) -> list[str]:
        raise NotImplementedError

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        frozen_features: Any = "auto",
    ) -> History:
        """Trains the model for a number of epochs.

        Args:    x, y: arrays (lists and dicts of them for several inputs or outputs), or one
                     source of (x, y) batches: a generator, a `PyDataset`, a tf.data.Dataset, a DataLoader.
                 batch_size: samples in a step; 32 if None.
                 validation_split: this last part of the arrays is held out.
                 validation_freq: every so many epochs, or a list of epochs counted from 1.
                 frozen_features: what the frozen part of the model gives for each sample of arrays is computed once
                     and kept for all epochs; False to switch that off, {"memory": bytes, "disk": bytes} to bound it.
        Returns: a History: `.history` has {name: [value of each epoch]}.
        Raises:  DataError: the data cannot be used; said before the first step where it can be known.
        """
        self._chosen_("train")
        if not isinstance(epochs, (int, np.integer)) or epochs < 0:
            raise ArgumentError("fit() cannot run so many epochs.", expected="a whole number", received=repr(epochs))
        epochs = min(epochs, config.max_epochs() or epochs)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = train_validation_split((x, y, sample_weight), validation_split)
        data = self._feed_("train", x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        validation = self._validation_(validation_data, validation_batch_size or batch_size, validation_steps)
        try:
            self._build_from_("train", data)
            hooks = _hooks(callbacks, self, verbose, epochs=epochs, steps=data.num_batches, history=True)
            budget = Budget(frozen_features)
            if any(not layer.trainable and layer.weights for layer in self._inner_layers_()):
                data, validation = self._with_features_(data, validation, budget, epochs - initial_epoch, bool(verbose))
            self._train_(data, validation, hooks, range(initial_epoch, epochs), validation_freq)
        finally:
            for source in (data, validation):
                if source is not None:
                    source.close()
            give_back_memory()
        return self.history

    def _with_features_(
        self, data: Feed, validation: Feed | None, budget: Budget, epochs: int, tells: bool
    ) -> tuple[Feed, Feed | None]:
        """The data, with the features of the frozen part of the model where these can be kept."""
        if budget.wanted and epochs > 1 and isinstance(data, ArrayFeed):
            self._steps_.prepare("train", data.rows(slice(0, data.batch_size)))
        data, told = self._features_.feed(data, budget, epochs, training=True)
        if tells and budget.wanted and epochs > 1:
            print(told)
        if validation is not None:
            validation, _ = self._features_.feed(validation, budget, epochs, training=False)
        return data, validation

    def _train_(
        self, data: Feed, validation: Feed | None, hooks: CallbackList, epochs: range, validation_freq: Any
    ) -> None:
        chosen, logs = self._chosen_("train"), {}
        if validation is not None:
            validation.asked_by = "fit(validation_data=…)"
        self.stop_training, self._initial_epoch = False, None
        hooks.on_train_begin()  # a callback may set _initial_epoch, to resume
        first = self._initial_epoch or epochs.start
        for epoch in range(first, epochs.stop):
            hooks.on_epoch_begin(epoch)
            try:
                logs = self._epoch_("train", data, chosen, hooks)
            except EmptyDataError:
                if epoch == first:
                    raise
                break  # a generator that ended, which was said
            if validation is not None and _validates(epoch + 1, validation_freq):
                validation.close()  # it starts from its beginning
                logs = dict(sorted({**logs, **self._validated_(validation, hooks)}.items()))
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if chosen.optimizer is not None:
            chosen.optimizer.finalize_variable_values(self.trainable_variables)
        hooks.on_train_end(logs)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and metrics on data, without training.

        Returns: the loss alone, [loss, metric, …] if there are metrics, or a dict.
        """
        self._chosen_("test")
        data = self._feed_("test", x, y, sample_weight, batch_size, steps)
        self._build_from_("test", data)
        hooks = _hooks(callbacks, self, verbose, epochs=1, steps=data.num_batches)
        logs = self._evaluated_(data, hooks)
        return logs if return_dict else self._in_order_(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for data.

        Returns: NumPy arrays, all batches one after the other, in the structure of the outputs.
        """
        data = self._feed_("predict", x, None, None, batch_size, steps)
        self._build_from_("predict", data)
        hooks = _hooks(callbacks, self, verbose, epochs=1, steps=data.num_batches)
        hooks.on_predict_begin()
        number, listened, self.stop_predicting = 0, hooks.wants_batches("predict"), False
        every = 1 if self._compiled_ is None else self._compiled_.steps_per_execution
        dispatch = Dispatch(self._steps_, "predict", data, every, listened)
        for group in dispatch.groups(self._batches_("predict", data)):
            hooks.on_predict_batch_begin(number)
            outputs = dispatch.run(group)
            outputs = dispatch.collected(number) if listened and len(group) > 1 else outputs
            number += len(group)
            hooks.on_predict_batch_end(number - 1, {"outputs": outputs} if listened else None)
            if self.stop_predicting:
                break
        hooks.on_predict_end()
        give_back_memory()
        if not number:
            raise DataError("predict() got no data.", fix="pass at least one sample")
        return dispatch.collected()

    # Parts

    def _feed_(
        self,
        kind: str,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: Any = False,
        class_weight: Any = None,
    ) -> Feed:
        limit = config.max_steps_per_epoch()
        if steps == 0 and not isinstance(steps, bool):
            warnings.warn("0 steps are taken for None, as Keras does: all of the data.", stacklevel=4)
            steps = None
        steps = limit if steps is None else min(steps, limit or steps)
        aligned = kind != "predict" and not is_overridden(self, f"{kind}_step")
        return feed(x, y, sample_weight, batch_size, steps, shuffle or False, class_weight, aligned)

    def _validation_(self, data: Any, batch_size: int | None, steps: int | None) -> Feed | None:
        if data is None:
            return None
        parts = data if isinstance(data, (tuple, list)) else (data,)
        if not 1 <= len(parts) <= 3:
            raise DataError(
                "`validation_data` cannot be used.",
                expected="(x, y), (x, y, sample_weight) or one source of batches",
                received=f"a {type(data).__name__} of {len(parts)}",
            )
        x, y, sample_weight = (*parts, None, None)[:3]
        try:
            return self._feed_("test", x, y, sample_weight, batch_size, steps)
        except EmptyDataError as error:
            warnings.warn(f"No validation: in `validation_data`, {error.what}", stacklevel=3)
            return None

    def _build_from_(self, kind: str, data: Feed) -> None:
        """Makes what is missing, the optimizer's slots too, so that callbacks find it when they begin.

        It is made from the first batch, which the data still give.
        """
        if self._steps_.is_prepared(kind):
            self._steps_.refresh()
            return
        if kind == "train":
            data.on_dry_run()
        try:
            batch = data.peek()
            if batch is not None:
                self._steps_.prepare(kind, batch)
        except BaseException:
            data.close()
            raise

    def _batches_(self, kind: str, data: Feed) -> Iterator[Any]:
        """The batches of an epoch; what is not built yet is built from the first."""
        form: Callable[[Any], Any] = tuple
        for number, batch in enumerate(data.batches()):
            if number == 0:
                self._steps_.prepare(kind, batch)
                getattr(self, f"make_{kind}_function")()
                if kind != "predict" and not data.is_checked:
                    where = data.asked_by or {"train": "fit()", "test": "evaluate()"}[kind]
                    self._check_targets_(where, data.known(batch))
                    data.is_checked = True
                form = self._steps_.form(kind)
            yield form(batch)

    def _check_targets_(self, where: str, data: Any) -> None:
        """Raises DataError where the compiled loss would take targets that make no sense."""
        loss = None if self._compiled_ is None else self._compiled_.loss
        if loss is None or not computes_compiled_loss(self):
            return
        _, y, sample_weight = data
        outputs = jax.tree.leaves(getattr(self, "outputs", None))

        def masked(output: int) -> bool:
            return get_mask(outputs[output]) is not None if outputs else not isinstance(y, np.ndarray) or y.ndim > 1

        loss.check(y, sample_weight, masked, where)

    def _epoch_(self, kind: str, data: Feed, chosen: Compiled, hooks: CallbackList) -> dict[str, float]:
        """Runs the steps of one epoch and returns its logs."""
        begin, end = (getattr(hooks, f"on_{kind}_batch_{when}") for when in ("begin", "end"))
        results = None
        listened = hooks.wants_batches(kind)
        dispatch = Dispatch(self._steps_, kind, data, chosen.steps_per_execution, listened)
        data.on_epoch_begin()
        self.reset_metrics()  # type: ignore[attr-defined]
        number = 0
        for group in dispatch.groups(self._batches_(kind, data)):
            begin(number)
            if listened:
                self._steps_.look_at_settings()
            results = dispatch.run(group)
            number += len(group)
            end(number - 1, results)
            if self.stop_training if kind == "train" else self.stop_evaluating:
                break
        data.on_epoch_end()
        if results is None:
            raise EmptyDataError(
                "There is no data: not one batch came.", fix="check the length of x, or what the generator yields"
            )
        return floats(results)

    def _evaluated_(self, data: Feed, hooks: CallbackList) -> dict[str, float]:
        self.stop_evaluating = False
        hooks.on_test_begin()
        logs = self._epoch_("test", data, self._chosen_("test"), hooks)
        hooks.on_test_end(logs)
        return logs

    def _validated_(self, data: Feed, hooks: CallbackList) -> dict[str, float]:
        """The logs of a validation; none, and a warning, where the data have no batch, or no more."""
        try:
            logs = self._evaluated_(data, hooks)
        except EmptyDataError as error:
            if not data.restarts and not self.history.history:
                raise
            warnings.warn(f"No validation in this epoch: {error.what}", stacklevel=4)
            return {}
        return {f"val_{name}": value for name, value in logs.items()}

    def _on_batch_(self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool) -> Any:
        batch = only_batch(x, y, sample_weight, class_weight)
        self._steps_.prepare(kind, batch)
        getattr(self, f"make_{kind}_function")()
        self._check_targets_(f"{kind}_on_batch()", batch)
        self.reset_metrics()  # type: ignore[attr-defined]
        logs = {
            name: np.asarray(value)
            for name, value in flat_logs(self._steps_.run(kind, self._steps_.form(kind)(batch))).items()
        }
        return logs if return_dict else self._in_order_(logs)

    def _in_order_(self, logs: dict[str, Any]) -> Any:
        """Values in the order the metrics were given in, those of no such name at the end; one value alone."""
        order = self._reported_names_()
        names = [name for name in order if name in logs] + [name for name in sorted(logs) if name not in order]
        values = [logs[name] for name in names]
        return values[0] if len(values) == 1 else values


def floats(logs: Any) -> dict[str, float]:
    """Logs as plain numbers, sorted by name as Keras has them, which waits for the device."""
    return {name: _number(value) for name, value in sorted(flat_logs(logs).items())}


def flat_logs(logs: Any) -> dict[str, Any]:
    """Logs without dicts inside: a metric with several results gives one entry for each."""
    flat: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        flat.update(flat_logs(value) if isinstance(value, dict) else {name: value})
    return flat


def _number(value: Any) -> Any:
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array


def _validates(epoch: int, freq: Any) -> bool:
    if isinstance(freq, int):
        return epoch % freq == 0
    if isinstance(freq, (list, tuple, set)):
        return epoch in freq
    raise ArgumentError("`validation_freq` is a number or a list of epochs.", received=repr(freq))


def _hooks(
    callbacks: Any, model: Any, verbose: Any, epochs: int, steps: int | None, history: bool = False
) -> CallbackList:
    if verbose not in ("auto", 0, 1, 2, True, False):
        raise unknown("verbosity", verbose, ["auto", "0", "1", "2"])
    if isinstance(callbacks, CallbackList):
        return callbacks
    verbose = 1 if verbose == "auto" else int(verbose)
    return CallbackList(
        callbacks,
        add_history=history,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )
