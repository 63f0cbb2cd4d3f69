"""Optimizer: from gradients to new values, the same way for every algorithm."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError, StateError, unknown_arguments
from lamella.optimizers import clip
from lamella.optimizers.alike import Updates
from lamella.optimizers.checks import check_count, check_options, paired
from lamella.optimizers.conditional import run_if
from lamella.optimizers.options import OPTIONS
from lamella.optimizers.rated import Rated
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import Variable, aliases, auto_name, current, frame


@aliases(_variables="variables", _get_current_learning_rate=lambda optimizer: lambda: optimizer.learning_rate)
class Optimizer(Rated):
    """What all optimizers share; a subclass adds slots in `build` and writes `update_step`.

    Args:  learning_rate: a number, a `LearningRateSchedule`, or a function without arguments.
           weight_decay: takes this × learning_rate of each variable off it, before the step.
           clipnorm, clipvalue, global_clipnorm: limits on gradients, at most one of them.
           use_ema: keeps a moving average of the model's variables with `ema_momentum`,
             and copies it into them every `ema_overwrite_frequency` steps (None: at the end of `fit`).
           loss_scale_factor: gradients come multiplied by this; see `scale_loss`.
           gradient_accumulation_steps: averages so many gradients for one update.
    State: iterations; learning_rate, unless it is a schedule; slots as the algorithm has them.
    """

    _own_arguments_: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if kwargs.pop("decay", None) is not None:
            warnings.warn("`decay` has no effect; pass a schedule as learning_rate.", stacklevel=3)
        if kwargs:
            known = [*self._own_arguments_, "learning_rate", *OPTIONS]
            raise unknown_arguments(f"{type(self).__name__}()", kwargs, known)
        super().__init__(name or auto_name(type(self).__name__))
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._undecayed_: tuple[frozenset[Variable], re.Pattern[str] | None] = (frozenset(), None)
        check_options(self)
        self._iterations = self._add_("iteration", "iteration", (), 0, "int", "only_first_replica")
        self._learning_rate = self._as_rate_(learning_rate)

    # State

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = [self.add_slot(v, "gradient_accumulator") for v in variables]

    def assign(self, variable: Variable, value: Any) -> None:
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        variable.assign_sub(value)

    # One step

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assigns a variable and its slots their next values.  Every algorithm writes its own.

        Args: gradient, learning_rate: in the dtype of the variable.
        """
        raise StateError(f"{type(self).__name__} does not define update_step(gradient, variable, learning_rate).")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Applies pairs of (gradient, variable); returns the count of steps."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Updates variables with gradients, one to one.  A variable that is new gets its slots here.

        Args:   grads: arrays; None for a variable that had no part in the loss (a warning names it).
        Raises: StateError: no variables given, and none built with.
                ArgumentError, ShapeError: gradients and variables do not match.
        Example: >>> v, optimizer = Variable([1.0, 2.0]), keras.optimizers.SGD(0.5)
                 >>> optimizer.apply([jnp.ones(2)], [v])
                 >>> v.numpy().tolist()
                 [0.5, 1.5]
        """
        if not len(grads):
            return
        variables = self._served_(trainable_variables)
        pairs = self._without_missing_(paired(list(grads), variables))
        pairs = [pair for pair in pairs if not self._overwritten_(*pair)]
        if pairs:
            scale = self.loss_scale_factor or 1
            self._backend_apply_gradients([g / scale if scale != 1 else g for g, _ in pairs], [v for _, v in pairs])
            for _, variable in pairs:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable.raw))
        self._iterations.assign_add(1)

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """`apply` as a pure function of values: → (trainable_variables, optimizer_variables).

        Raises: StateError: not built.  ArgumentError: not as many values as variables.
        """
        if not self.built:
            raise StateError(
                f"{self.name} is not built.", fix="call build(trainable_variables) before stateless_apply()"
            )
        own, models = self.variables, self._trainable_variables
        check_count("optimizer_variables", optimizer_variables, own)
        check_count("trainable_variables", trainable_variables, models)
        values = [jnp.asarray(value) for value in (*optimizer_variables, *trainable_variables)]
        overlay = {**(current().overlay or {}), **dict(zip((*own, *models), values, strict=True))}
        with frame(overlay=overlay):
            self.apply(grads)
        return [overlay[v] for v in models], [overlay[v] for v in own]

    def scale_loss(self, loss: Any) -> Any:
        """The loss to differentiate: multiplied by `loss_scale_factor` if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def _served_(self, variables: Sequence[Variable] | None) -> list[Variable]:
        if variables is None:
            if not self.built:
                raise StateError(
                    f"{self.name} does not know the variables.", fix="pass trainable_variables, or call build()"
                )
            return self._trainable_variables
        new = [v for v in variables if v not in self._indices_]
        if new or not self.built:
            self.follow([*self._trainable_variables, *new])
        return list(variables)

    def _without_missing_(self, pairs: list[tuple[Any, Variable]]) -> list[tuple[Any, Variable]]:
        missing = [v.path for g, v in pairs if g is None]
        if len(missing) == len(pairs):
            raise ArgumentError("There is no gradient for any variable.", fix="does the loss depend on the variables?")
        if missing:
            warnings.warn(f"The loss does not depend on the variables {', '.join(missing)}.", stacklevel=3)
        return [(jnp.asarray(g), v) for g, v in pairs if g is not None]

    def _overwritten_(self, gradient: Any, variable: Variable) -> bool:
        """Variables such as float8 scales take their "gradient" as the new value."""
        if variable.overwrite_with_gradient and self.gradient_accumulation_steps:
            highest = self.slot(variable, "gradient_accumulator")
            highest.assign(jnp.maximum(highest.raw, gradient))

            def take() -> None:
                variable.assign(highest)
                highest.assign(jnp.zeros_like(highest.raw))

            run_if(self._is_update_step_(), take, [variable, highest])
        elif variable.overwrite_with_gradient:
            variable.assign(gradient)
        return variable.overwrite_with_gradient

    def _is_update_step_(self) -> Any:
        return (self._iterations + 1) % self.gradient_accumulation_steps == 0

    def _backend_apply_gradients(self, grads: list[Any], variables: list[Variable]) -> None:
        if self.gradient_accumulation_steps:
            self._accumulate_(grads, variables)
        else:
            self._update_(grads, variables)
        if self.use_ema:
            self._update_averages_()

    def _accumulate_(self, grads: list[Any], variables: list[Variable]) -> None:
        sums = [self.slot(v, "gradient_accumulator") for v in variables]
        for total, gradient in zip(sums, grads, strict=True):
            total.assign_add(gradient)

        def update() -> None:
            self._update_([total / self.gradient_accumulation_steps for total in sums], variables)
            for total in sums:
                total.assign(jnp.zeros_like(total.raw))

        run_if(self._is_update_step_(), update, [*variables, *self.variables])

    def _update_(self, grads: list[Any], variables: list[Variable]) -> None:
        grads = self._clip_gradients(grads)
        self._apply_weight_decay(variables)
        self._backend_update_step(grads, variables, self.learning_rate)

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Variable], learning_rate: Any) -> None:
        update = Updates(self.update_step, self._slots_of_each_())
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            update(gradient.astype(variable.dtype), variable, self.rate_for(variable, learning_rate))

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm and self.clipnorm > 0:
            return clip.by_norm(grads, self.clipnorm)
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip.by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return clip.by_value(grads, self.clipvalue)
        return grads

    # Weight decay

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leaves variables out of weight decay: those given, and those whose name matches a pattern."""
        pattern = re.compile("|".join(var_names)) if var_names else None
        self._undecayed_ = (frozenset(var_list or ()), pattern)

    def _use_weight_decay(self, variable: Variable) -> bool:
        excluded, pattern = self._undecayed_
        return variable not in excluded and not (pattern and pattern.search(variable.name))

    def _weight_decay_for_(self, variable: Variable) -> float | None:
        return self.weight_decay

    def _apply_weight_decay(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            decay = self._weight_decay_for_(variable)
            if decay is not None and self._use_weight_decay(variable):
                variable.assign_sub(variable * jnp.asarray(decay, variable.dtype) * self.rate_for(variable))

    # Moving average of the model

    def averages(self) -> list[tuple[Variable, Variable]]:
        served = [v for v in self._trainable_variables if not v.overwrite_with_gradient]
        return [(variable, self.slot(variable, "average")) for variable in served]

    def _update_averages_(self) -> None:
        for variable, average in self.averages():
            momentum = jnp.asarray(self.iterations != 0, variable.dtype) * self.ema_momentum
            average.assign(momentum * average + (1 - momentum) * variable)
        if self.ema_overwrite_frequency:
            due = (self.iterations + 1) % self.ema_overwrite_frequency == 0
            for variable, average in self.averages():
                variable.assign(jnp.where(due, average.raw, variable.raw))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Copies the moving averages, if there are any, into the model (at the end of `fit`)."""
        if self.use_ema:
            for variable in var_list:
                if not variable.overwrite_with_gradient:
                    variable.assign(self.slot(variable, "average"))

    # Config

    def get_config(self) -> dict[str, Any]:
        rate = self._learning_rate
        rate = float(rate.numpy()) if isinstance(rate, Variable) else serialize_keras_object(rate)
        shared = {name: getattr(self, name) for name in OPTIONS}
        return {"learning_rate": rate, **shared, **{name: getattr(self, name) for name in self._own_arguments_}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": deserialize_keras_object(rate, custom_objects=custom_objects)}
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
