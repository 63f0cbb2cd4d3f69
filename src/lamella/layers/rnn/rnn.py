"""RNN: a cell run along the steps of a sequence."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, Unpack

import jax
import jax.numpy as jnp

from lamella.errors import ShapeError
from lamella.layers.configured import Configured
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.layer import Layer
from lamella.layers.rnn.cell import call_options, same_masks
from lamella.layers.rnn.loop import assigned_by, scan
from lamella.layers.rnn.stacked import StackedRNNCells
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import Owner, Variable, to_snake_case

__all__ = ["RNN"]


class KeptStates(Owner):
    """The states that a stateful layer takes from one batch to the next: state, but no weights."""

    def __init__(self, values: Any, dtype: str):
        self.states = jax.tree.map(lambda v: Variable(v, dtype=dtype, trainable=False, name="rnn_state"), values)

    def variables(self) -> list[Variable]:
        return jax.tree.leaves(self.states, is_leaf=lambda v: isinstance(v, Variable))


class RNN(Configured):
    """Runs a cell along axis 1: output, states = cell(x[:, t], states).

    Args:    cell: an object with `call(inputs, states)`, `state_size` (and
                 `output_size`), such as LSTMCell; a list of them is stacked.
             return_sequences: the outputs of all steps, not only of the last.
             return_state: the last states too.
             stateful: a batch starts from the states that the one before ended with.
             unroll: writes the steps out instead of looping.
             zero_output_for_mask: masked steps give 0, not the output before.
    Shape:   in (batch, steps, ...) → out (batch, units), or (batch, steps, units)
    State:   the cell's weights; the states if stateful
    Example: >>> RNN([LSTMCell(8), LSTMCell(4)])(np.ones((2, 5, 3))).shape
             (2, 4)
    """

    config_names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.cell: Any = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        if not hasattr(self.cell, "call") or not isinstance(getattr(self.cell, "state_size", None), (int, list, tuple)):
            raise self._refusal_(
                "cell", cell, "a cell: it has call(inputs, states) and a state_size, an integer or a list"
            )
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful = go_backwards, stateful
        self.unroll, self.zero_output_for_mask = unroll, zero_output_for_mask
        self.supports_masking = True
        self._kept_: KeptStates | None = None
        self.single_state = isinstance(self.cell.state_size, int)
        self.state_size = [self.cell.state_size] if self.single_state else list(self.cell.state_size)

    # Shapes

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[:2]
        if self.unroll and steps is None:
            raise ShapeError(
                f"{self._where_()} cannot unroll an unknown number of steps.",
                received=tuple(sequences_shape),
                fix="give the number of steps to Input(), or leave unroll=False",
            )
        output_size = getattr(self.cell, "output_size", None) or self.state_size[0]
        output = (batch, steps, output_size) if self.return_sequences else (batch, output_size)
        states = jax.tree.map(lambda size: (batch, size), self.state_size)
        return (output, *states) if self.return_state else output

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        mask = next(iter(jax.tree.leaves(mask)), None)
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask

    # States

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and self._kept_ is None:
            if sequences_shape[0] is None:
                raise ShapeError(
                    f"{self._where_()} is stateful, so it needs to know the batch size.",
                    received=tuple(sequences_shape),
                    fix="give it where the input is made: Input(batch_shape=(32, ...))",
                )
            self._kept_ = KeptStates(self.get_initial_state(sequences_shape[0]), self.variable_dtype)

    @property
    def states(self) -> Any:
        """The variables that a stateful layer keeps its states in; None if it is not, or not built."""
        return None if self._kept_ is None else self._kept_.states

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states that a sequence starts from: what the cell says, or zeros."""
        if not hasattr(self.cell, "get_initial_state"):
            dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
            return [jnp.zeros((batch_size, size), dtype) for size in self.state_size]
        states = self.cell.get_initial_state(batch_size=batch_size)
        return list(states) if isinstance(states, (list, tuple)) else [states]

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero."""
        for variable in self._kept_.variables() if self._kept_ else []:
            variable.assign(jnp.zeros_like(variable.raw))

    reset_states = reset_state

    def _first_states_(self, batch: int, given: Any) -> list[Any]:
        states = given
        if self._kept_ is not None:
            expected = self._kept_.variables()[0].shape[0]
            if expected != batch:
                raise ShapeError(f"{self._where_()} is stateful.", expected=f"batches of {expected}", received=batch)
            states = self.states if given is None else given
        if states is None:
            states = self.get_initial_state(batch)
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        return jax.tree.map(lambda s: jnp.asarray(s, getattr(self.cell, "compute_dtype", self.compute_dtype)), states)

    # The call

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        states = self._first_states_(sequences.shape[0], initial_state)
        mask = next(iter(jax.tree.leaves(mask)), None)
        last, outputs, states = self.inner_loop(sequences, states, mask, training)
        output, *states = jax.tree.map(
            lambda a: a.astype(self.compute_dtype), [outputs if self.return_sequences else last, *states]
        )
        for variable, value in zip(
            self._kept_.variables() if self._kept_ else [], jax.tree.leaves(states), strict=False
        ):
            variable.assign(value)
        return (output, *states) if self.return_state else output

    def inner_loop(self, sequences: Any, initial_state: list[Any], mask: Any, training: bool = False) -> Any:
        """The last output, all outputs and the last states."""
        batch = sequences.shape[0]
        options = {name: getattr(self, name) for name in ("go_backwards", "unroll", "zero_output_for_mask")}
        with same_masks(self.cell, batch, training):
            return scan(
                self._cell_call_(training),
                sequences,
                initial_state,
                mask=mask,
                variables=assigned_by(self.cell),
                **options,
            )

    def _cell_call_(self, training: bool) -> Any:
        call = self.cell if callable(self.cell) else self.cell.call
        options = call_options(self.cell, training=training)
        return lambda x, states: call(x, states, **options)

    # Configs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        cell = deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        return cls(cell, **{key: value for key, value in config.items() if key != "cell"})


class CellRNN(RNN):
    """An RNN around a cell that it makes itself: what it is asked, it asks the cell.

    cell_class: the cell's class; its settings are the layer's too.
    """

    cell_class: ClassVar[Any]

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name in cls.cell_class.config_names:
            setattr(cls, name, property(attrgetter(f"cell.{name}")))

    def __init__(self, arguments: dict[str, Any], **kwargs: Any):
        """Args: arguments: those of the layer's constructor, for the cell to pick its own."""
        cell = self.cell_class(
            **{name: arguments[name] for name in self.cell_class.config_names},
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            **self._cell_options(kwargs),
            name=to_snake_case(self.cell_class.__name__),
        )
        own = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "activity_regularizer")
        super().__init__(cell, **{name: arguments[name] for name in own if name in arguments}, **kwargs)
        self.input_spec = InputSpec(ndim=3)
        self.use_cudnn = arguments.get("use_cudnn", "auto")
        if self.use_cudnn not in ("auto", True, False):
            raise self._refusal_("use_cudnn", self.use_cudnn, '"auto", True or False')

    def _cell_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the cell takes beside its settings; the caller's options lose it."""
        return {"implementation": options.pop("implementation", 2)}

    def get_config(self) -> dict[str, Any]:
        written = self.cell.get_config()
        config = {**super().get_config(), **{name: written[name] for name in self.cell_class.config_names}}
        return {"activity_regularizer": None, **{key: value for key, value in config.items() if key != "cell"}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        return cls(**config)
