"""What the cells share: weights, settings and dropout masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamella import activations, random
from lamella.layers.call import signature_of
from lamella.layers.configured import Configured, Shape, rules
from lamella.layers.layer import Layer
from lamella.state import SeedGenerator

Masks = list[jax.Array] | None
SETTINGS = ("use_bias", *rules("kernel", "recurrent", "bias"), "dropout", "recurrent_dropout", "seed")


class DroppingCell(Configured):
    """A cell that drops the same inputs, and the same states, in each step of a sequence.

    seeded_first: whether Keras draws the seed of dropout before those of the initializers.
    """

    seeded_first: ClassVar[bool] = False
    activation: Any
    recurrent_activation: Any
    bias_initializer: Any
    _held_: tuple[Masks, Masks] | None = None

    def _keep_settings_(self, settings: Mapping[str, Any]) -> None:
        self.seed = settings["seed"]
        generator = SeedGenerator(self.seed) if self.seeded_first else None
        for weight in ("kernel", "recurrent", "bias"):
            self._rule_(weight, *(settings[rule] for rule in rules(weight)))
        for name in ("activation", "recurrent_activation"):
            if name in settings:
                setattr(self, name, activations.get(settings[name]))
        self.use_bias = settings["use_bias"]
        self.dropout, self.recurrent_dropout = (
            min(1.0, max(0.0, settings[name])) for name in ("dropout", "recurrent_dropout")
        )
        self.seed_generator = generator or SeedGenerator(self.seed)

    def draw_masks(self, batch: int) -> tuple[Masks, Masks]:
        """Dropout masks of the input and of the state, each for all gates or one a gate."""
        raise NotImplementedError

    def _draw_(self, rate: float, shape: tuple[int, ...], count: int) -> Masks:
        if not 0 < rate < 1:
            return None
        ones = jnp.ones(shape, self.compute_dtype)
        return [random.dropout(ones, rate, seed=self.seed_generator) for _ in range(count)]

    def _masks_(self, batch: int, training: bool) -> tuple[Masks, Masks]:
        if not training:
            return None, None
        return self._held_ or self.draw_masks(batch)

    # For cells of one's own that are derived from these

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The dropout mask of the input, the same in all steps of a sequence; a list where each gate has its own."""
        return _one_or_all(self._masks_(step_input.shape[0], True)[0])

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The dropout mask of the state, as `get_dropout_mask`."""
        return _one_or_all(self._masks_(step_input.shape[0], True)[1])

    def reset_dropout_mask(self) -> None:
        """Does nothing: the masks of a sequence are dropped at its end."""

    reset_recurrent_dropout_mask = reset_dropout_mask


class RecurrentCell(DroppingCell):
    """One step in time, in two parts: `project` sees only the input, `step` the state too.

    Both run inside of the loop over time: projecting a whole sequence at once
    takes 1.7 times as long on a CPU, which then waits for memory.

    gates: how many blocks of `units` columns the kernels have.
    """

    gates: ClassVar[int] = 1

    def __init__(self, settings: Mapping[str, Any], **kwargs: Any):
        self.implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.units = self._positive_("units", settings["units"])
        self._keep_settings_(settings)
        if self.recurrent_dropout and self.gates > 1:
            self.implementation = 1  # a mask for each gate
        self.state_size: Any = self.units
        self.output_size = self.units

    def build(self, input_shape: Shape) -> None:
        features, width = self._known_size_(input_shape, -1), self.gates * self.units
        self.kernel = self._add_ruled_("kernel", (features, width))
        self.recurrent_kernel = self._add_ruled_("recurrent_kernel", (self.units, width), ruled_as="recurrent")
        self.bias = self._make_bias_(width) if self.use_bias else None

    def _make_bias_(self, width: int) -> Any:
        return self._add_ruled_("bias", (width,))

    def _input_bias_(self) -> Any:
        return 0 if self.bias is None else self.bias.value

    # The step

    def project(self, x: Any, masks: Masks) -> Any:
        """The part of a step that depends on its input alone: x @ kernel + bias."""
        return masked_matmul(x, self.kernel.value, masks) + self._input_bias_()

    def step(self, projected: Any, states: list[Any], masks: Masks) -> tuple[Any, list[Any]]:
        """The output and the new states, from a projected input."""
        raise NotImplementedError

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        nested = isinstance(states, (list, tuple))
        input_masks, recurrent_masks = self._masks_(inputs.shape[0], training)
        output, new = self.step(
            self.project(inputs, input_masks), list(states) if nested else [states], recurrent_masks
        )
        return output, new if nested else new[0]

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        state = (inputs_shape[0], self.units)
        states = [state] * (len(self.state_size) if isinstance(self.state_size, list) else 1)
        single = isinstance(states_shape, tuple) and not isinstance(states_shape[0], (list, tuple))
        return state, states[0] if single else states

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states that a sequence starts from: zeros."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [jnp.zeros((batch_size, size), self.compute_dtype) for size in sizes]

    # Dropout

    def draw_masks(self, batch: int) -> tuple[Masks, Masks]:
        count = self.gates if self.implementation == 1 else 1
        return (
            self._draw_(self.dropout, (batch, self.kernel.shape[0]), count),
            self._draw_(self.recurrent_dropout, (batch, self.units), count),
        )


def masked_matmul(x: Any, kernel: Any, masks: Masks) -> Any:
    """x @ kernel, where each mask holds for its share of the kernel's columns."""
    if masks is None:
        return jnp.matmul(x, kernel)
    blocks = jnp.split(kernel, len(masks), axis=-1)
    return jnp.concatenate([jnp.matmul(x * mask, block) for mask, block in zip(masks, blocks, strict=True)], axis=-1)


def _one_or_all(masks: Masks) -> Any:
    return masks if masks is None or len(masks) > 1 else masks[0]


@contextmanager
def same_masks(cell: Any, batch: int, training: bool) -> Iterator[None]:
    """Within it, a cell (or each of stacked ones) keeps its dropout masks from step to step."""
    cells = [c for c in getattr(cell, "cells", [cell]) if isinstance(c, DroppingCell)]
    for one in cells:
        one._held_ = one.draw_masks(batch) if training else None
    try:
        yield
    finally:
        for one in cells:
            one._held_ = None


def call_options(layer: Any, **options: Any) -> dict[str, Any]:
    """Those options that the layer's `call()` has arguments for; none for what is no layer."""
    names = signature_of(type(layer).call).names if isinstance(layer, Layer) else ()
    return {name: value for name, value in options.items() if name in names}
