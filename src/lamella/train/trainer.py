"""Trainer: what makes a layer a model that can be compiled, fitted, evaluated and asked."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.errors import StateError
from lamella.layers import Layer
from lamella.state import aliases, current, frame, get_mask, set_mask, value_and_grad
from lamella.train.compiled import Compiled, checked_steps_per_execution, compiled
from lamella.train.compiled_metrics import CompiledMetrics
from lamella.train.features import Features
from lamella.train.feed import only_batch, unpack_x_y_sample_weight
from lamella.train.loop import Loops
from lamella.train.own_steps import builtin, builtin_step, call_by_names, is_overridden, with_lists, with_state
from lamella.train.step import Steps, batch_size_of
from lamella.train.step_functions import make_function


@aliases(
    _run_eagerly="run_eagerly",
    _jit_compile="jit_compile",
    _compile_config="_compiled_.config",
    _compile_loss="_compiled_.loss",
    _compile_metrics="_compiled_.metrics",
    _loss_tracker="_compiled_.loss_tracker",
)
class Trainer(Loops, Layer):
    """Training and inference, mixed into Model.

    A subclass may override `train_step(data)`, `test_step(data)`, `predict_step(data)`
    (or Keras's JAX form, `train_step(state, data)`), `compute_loss` and
    `compute_metrics`.
    """

    not_parts = Layer.not_parts | {
        "_held_steps_",
        "_held_features_",
        "train_function",
        "test_function",
        "predict_function",
    }
    _compiled_: Compiled | None = None
    _held_steps_: Steps | None = None
    _held_features_: Features | None = None
    stop_training = stop_evaluating = stop_predicting = False
    train_function: Any = None
    test_function: Any = None
    predict_function: Any = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Chooses how the model is trained.

        Args:    optimizer: a name, an optimizer, or an optax transformation.
                 loss: a name, a function (y_true, y_pred), a loss; a list or dict for several outputs.
                 metrics, weighted_metrics: lists of the same kinds; lists or dicts of them for several outputs.
                 run_eagerly: runs every step as plain Python, to debug it.
                 steps_per_execution: steps between two calls of the batch callbacks.
        Raises:  UnknownNameError: no such optimizer, loss or metric.
        Example: >>> model = Sequential([Input((3,)), Dense(1)])
                 >>> model.compile("adam", "mse", metrics=["mae"])
        """
        names = getattr(self, "output_names", None)
        scale = auto_scale_loss and self.dtype_policy.name == "mixed_float16"
        self._compiled_ = compiled(
            optimizer,
            loss,
            loss_weights,
            metrics,
            weighted_metrics,
            run_eagerly,
            steps_per_execution,
            jit_compile,
            names,
            scale,
        )
        self.stop_training = False
        self._held_steps_ = None
        self.train_function = self.test_function = self.predict_function = None

    @property
    def _steps_(self) -> Steps:
        if self._held_steps_ is None:
            self._held_steps_ = Steps(self)
        observer = current().observer  # it may change what is computed: nothing compiled without it is used
        return self._held_steps_ if observer is None else observer.held.setdefault(self._held_steps_, Steps(self))

    @property
    def _features_(self) -> Features:
        if self._held_features_ is None:
            self._held_features_ = Features(self)
        return self._held_features_

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled_ is not None and bool(self._compiled_.config)

    def _chosen_(self, kind: str) -> Compiled:
        """What `compile` chose; what it is where nobody called it and the step is the user's."""
        if not self.compiled and not is_overridden(self, f"{kind}_step"):
            method = {"train": "fit", "test": "evaluate"}[kind]
            raise StateError(
                f"{method}() needs to know how to train.", fix='call model.compile(optimizer="adam", loss="mse")'
            )
        return self._settings_()

    @property
    def optimizer(self) -> Any:
        return None if self._compiled_ is None else self._compiled_.optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self._settings_().optimizer = value

    @property
    def loss(self) -> Any:
        """The loss as it was given to `compile`."""
        return None if self._compiled_ is None else self._compiled_.user_loss

    @property
    def run_eagerly(self) -> bool:
        return self._compiled_ is not None and self._compiled_.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._settings_().run_eagerly = bool(value)

    def _settings_(self) -> Compiled:
        if self._compiled_ is None:
            self._compiled_ = Compiled()
        return self._compiled_

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled."""
        chosen, layers = self._compiled_ is None or self._compiled_.jits, (self, *self._inner_layers_())
        return chosen and not self.run_eagerly and all(one.supports_jit or one.runs_on_host for one in layers)

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        self._settings_().jits = value is not False
        self._held_steps_ = None

    @property
    def steps_per_execution(self) -> int:
        return 1 if self._compiled_ is None else self._compiled_.steps_per_execution

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        self._settings_().steps_per_execution = checked_steps_per_execution(value)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, as plain values."""
        from lamella.registry import serialize_keras_object

        return None if self._compiled_ is None else serialize_keras_object(self._compiled_.config)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles from what `get_compile_config` returned.

        Where the class has a `compile` of its own that takes other arguments, it warns and leaves the model as it is.
        """
        from lamella.registry import check_compile_config, deserialize_keras_object

        check_compile_config(config)
        if not self._takes_compile_config_(config):
            return
        self.compile(**deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _takes_compile_config_(self, config: dict[str, Any]) -> bool:
        """Whether `compile`, which may be the user's, takes the arguments in a config; warns where it does not."""
        try:
            inspect.signature(self.compile).bind(**config)
        except TypeError as error:
            name = type(self).__name__
            warnings.warn(
                f"{name} {self.name!r} is not compiled: its own compile() takes other arguments than the "
                f"{sorted(config)} that were kept ({error}). Call compile() on it, or define "
                f"{name}.get_compile_config() and {name}.compile_from_config(config).",
                stacklevel=3,
            )
            return False
        return True

    def jax_state_sync(self) -> None:
        """Does nothing: on JAX, Keras's callbacks ask for the weights of the moment; here they are always there."""

    # Losses and metrics

    @property
    def metrics(self) -> list[Any]:
        """The loss trackers, the compiled metrics, then those that the model and its layers own."""
        own = [metric for layer in (self, *self._inner_layers_()) for metric in layer._own_metrics_()]
        return [*([] if self._compiled_ is None else self._compiled_.parts), *dict.fromkeys(own)]

    @property
    def metrics_names(self) -> list[str]:
        return [metric.name for metric in self.metrics]

    def _reported_names_(self) -> list[str]:
        """The names that lists of results begin with, as Keras has it; prefixed ones follow, sorted."""
        single = (metric.metrics if isinstance(metric, CompiledMetrics) else [metric] for metric in self.metrics)
        return list(dict.fromkeys(metric.name for metrics in single for metric in metrics))

    @property
    def metrics_variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_metrics(self) -> None:
        """Sets every metric back to its start, as each epoch does."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """{name: value} of all metrics."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {metric.name: value})
        return results

    @builtin
    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss to minimise: the compiled one, plus `add_loss` and regularization.

        Returns: a scalar; 0 if there is no loss at all.
        """
        losses = list(self.losses)
        if self._compiled_ is not None and self._compiled_.loss is not None:
            loss = self._compiled_.loss(y, y_pred, sample_weight)
            losses = losses if loss is None else [loss, *losses]
        return sum(losses[1:], losses[0]) if losses else jnp.zeros(())

    @builtin
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Updates the compiled metrics with one batch and returns all results."""
        if self._compiled_ is not None and self._compiled_.metrics is not None:
            self._compiled_.metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _loss_of_(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """`compute_loss`, also where an override takes less."""
        if not is_overridden(self, "compute_loss"):
            return self.compute_loss(x, y, y_pred, sample_weight, training)
        values = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight, "training": training}
        return call_by_names(self.compute_loss, **values)

    def _metrics_of_(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """`compute_metrics`, also where an override takes less."""
        if not is_overridden(self, "compute_metrics"):
            return self.compute_metrics(x, y, y_pred, sample_weight)
        return call_by_names(self.compute_metrics, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)

    # The steps

    @builtin_step
    def train_step(self, data: Any) -> dict[str, Any]:
        """One step: predict, loss, gradients, update, metrics.

        Args:    data: (x, y, sample_weight), what is absent left out at the end.
        Returns: {name: value} for the log.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        variables = self.trainable_variables
        optimizer = self.optimizer

        def loss_of() -> tuple[Any, tuple[Any, Any, Any]]:
            with frame(losses=[]):
                y_pred = self(x, training=True)
                loss = self._loss_of_(x, y, y_pred, sample_weight, training=True)
            return optimizer.scale_loss(loss), (loss, y_pred, [get_mask(leaf) for leaf in jax.tree.leaves(y_pred)])

        (_, (loss, y_pred, masks)), gradients = value_and_grad(loss_of, variables, has_aux=True)()
        for leaf, mask in zip(jax.tree.leaves(y_pred), masks, strict=True):
            set_mask(leaf, mask)  # for the metrics
        self._chosen_("train").loss_tracker.update_state(loss, sample_weight=batch_size_of(x))
        if variables:
            optimizer.apply(gradients, variables)
        return self._metrics_of_(x, y, y_pred, sample_weight)

    @builtin_step
    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of `evaluate`: predict, loss, metrics."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with frame(losses=[]):
            y_pred = self(x, training=False)
            loss = self._loss_of_(x, y, y_pred, sample_weight, training=False)
        self._chosen_("test").loss_tracker.update_state(loss, sample_weight=batch_size_of(x))
        return self._metrics_of_(x, y, y_pred, sample_weight)

    @builtin_step
    def predict_step(self, data: Any) -> Any:
        """One step of `predict`."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def compute_loss_and_updates(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Any = None,
    ) -> tuple[Any, tuple[Any, Any, Any, Any]]:
        """The loss as a function of lists of values, for a `train_step(state, data)`.

        Returns: (loss, (unscaled loss, y_pred, non_trainable_variables, metrics_variables)).
        """
        others, metrics = self.non_trainable_variables, self.metrics_variables
        held = [*self.trainable_variables, *others, *metrics]
        values = [*trainable_variables, *non_trainable_variables, *metrics_variables]
        overlay = dict(zip(held, values, strict=True))
        with frame(overlay=overlay, losses=[]):
            y_pred = self(x, training=training)
            loss = self._loss_of_(x, y, y_pred, sample_weight, training=training)
            scaled = self.optimizer.scale_loss(loss) if training and self.optimizer is not None else loss
        return scaled, (loss, y_pred, [overlay[v] for v in others], [overlay[v] for v in metrics])

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[Any, Any, Any]]:
        """`compute_loss` as a function of lists of values.

        Returns: (loss, (trainable, non-trainable and metrics' variables after it)).
        """
        state = (trainable_variables, non_trainable_variables, metrics_variables)
        return with_state(self, "test_step", state, lambda: self._loss_of_(x, y, y_pred, sample_weight, training))

    def _update_metrics_variables(
        self, metrics_variables: Any, unscaled_loss: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[dict[str, Any], list[Any]]:
        """The logs of a batch, and the metrics' variables after it, for a `train_step(state, data)`."""

        def update() -> dict[str, Any]:
            self._settings_().loss_tracker.update_state(unscaled_loss, sample_weight=batch_size_of(x))
            return self._metrics_of_(x, y, y_pred, sample_weight)

        logs, (after,) = with_lists([self.metrics_variables], [metrics_variables], "metrics_variables", update)
        return logs, after

    # The steps as functions of their state, as Keras's loops call them

    def make_train_function(self, force: bool = False) -> None:
        """Sets `train_function`: (state, iterator over batches) → (logs, state).  `fit` calls one of the user's."""
        make_function(self, "train", force)

    def make_test_function(self, force: bool = False) -> None:
        """Sets `test_function`, for `evaluate`."""
        make_function(self, "test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """Sets and returns `predict_function`: (state, iterator over batches) → (outputs, state)."""
        make_function(self, "predict", force)
        return self.predict_function

    def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Makes all variables of training from the shapes of a batch (Keras's private name, which libraries call)."""
        batch = unpack_x_y_sample_weight(next(iter(iterator)) if data_batch is None else data_batch)
        self._steps_.prepare("train", only_batch(*batch))

    # One batch at a time

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Makes one training step on one batch.

        Returns: the loss, [loss, metric, …], or a dict of them.
        """
        self._chosen_("train")
        return self._on_batch_("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Evaluates one batch."""
        self._chosen_("test")
        return self._on_batch_("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Predicts one batch; NumPy arrays in the structure of the outputs."""
        batch = only_batch(x, parts=1)
        self._steps_.prepare("predict", batch)
        self.make_predict_function()
        outputs = self._steps_.run("predict", self._steps_.form("predict")(batch))
        return np.asarray(outputs) if isinstance(outputs, jax.Array) else jax.tree.map(np.asarray, outputs)
