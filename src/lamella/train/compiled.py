"""What `compile` chose: optimizer, loss, metrics, and how steps are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lamella import metrics, optimizers
from lamella.errors import ArgumentError
from lamella.train.compiled_loss import CompiledLoss
from lamella.train.compiled_metrics import CompiledMetrics


@dataclass(eq=False)
class Compiled:
    """Not an `Owner`: what trains a model is not part of the model."""

    optimizer: Any = None
    loss: CompiledLoss | None = None
    metrics: CompiledMetrics | None = None
    run_eagerly: bool = False
    jits: bool = True
    steps_per_execution: int = 1
    user_loss: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    loss_tracker: Any = field(default_factory=lambda: metrics.Mean(name="loss"))

    @property
    def parts(self) -> list[Any]:
        """The metrics that training resets, updates and reports, in Keras's order."""
        trackers = [] if self.loss is None else self.loss.trackers
        return [self.loss_tracker, *([] if self.metrics is None else [self.metrics]), *trackers]


def checked_steps_per_execution(value: Any) -> int:
    """The number of steps, if it is one.  Raises ArgumentError if not."""
    if not isinstance(value, int) or value < 1:
        raise ArgumentError("`steps_per_execution` is at least 1.", received=repr(value))
    return value


def compiled(
    optimizer: Any,
    loss: Any,
    loss_weights: Any,
    user_metrics: Any,
    weighted_metrics: Any,
    run_eagerly: bool,
    steps_per_execution: int,
    jit_compile: Any,
    output_names: list[str] | None,
    scale_loss: bool,
) -> Compiled:
    """Checks the arguments of `compile` and resolves what can be resolved without data."""
    checked_steps_per_execution(steps_per_execution)
    chosen = optimizers.get(optimizer)
    if scale_loss and chosen is not None and not isinstance(chosen, optimizers.LossScaleOptimizer):
        chosen = optimizers.LossScaleOptimizer(chosen, name="loss_scale_optimizer")
    if isinstance(loss, str) and loss.lower() not in ("crossentropy", "ce"):
        from lamella import losses

        losses.get(loss)  # an unknown name is told now, not in fit
    has_metrics = user_metrics is not None or weighted_metrics is not None
    return Compiled(
        optimizer=chosen,
        loss=None if loss is None else CompiledLoss(loss, loss_weights, output_names),
        metrics=CompiledMetrics(user_metrics, weighted_metrics, output_names) if has_metrics else None,
        run_eagerly=bool(run_eagerly),
        jits=jit_compile is not False,
        steps_per_execution=steps_per_execution,
        user_loss=loss,
        config={
            "optimizer": chosen,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": user_metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        },
    )
