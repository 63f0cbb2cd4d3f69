"""ConvLSTM1D, ConvLSTM2D, ConvLSTM3D: an LSTM whose products are convolutions."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella import ops
from lamella.errors import ShapeError
from lamella.layers.configured import Shape
from lamella.layers.convolution.sliding import WINDOW, Sliding
from lamella.layers.input_spec import InputSpec
from lamella.layers.rnn.cell import SETTINGS, DroppingCell, Masks
from lamella.layers.rnn.lstm import forgetful, gated
from lamella.layers.rnn.rnn import CellRNN

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class ConvLSTMCell(Sliding, DroppingCell):
    """One step of a ConvLSTM; ∗ is a convolution.

        i, f, g, o = split(x ∗ kernel + bias + h ∗ recurrent_kernel)
        c' = σ(f) · c + σ(i) · activation(g)
        h' = σ(o) · activation(c')

    The input's window slides as told; the state's has the same size, and keeps the state's shape.

    Args:    rank: how many spatial axes there are.
    State:   kernel (*kernel_size, channels, 4 filters); recurrent_kernel (*kernel_size, filters, 4 filters);
             bias (4 filters,) if use_bias
    Source:  Shi et al. 2015.
    """

    gates = 4
    seeded_first = True
    strides_or_dilates = True
    config_names = ("filters", *WINDOW, "recurrent_activation", "unit_forget_bias", *SETTINGS[1:])

    def __init__(self, rank: int, **settings: Any):
        own = {name: settings.pop(name) for name in self.config_names}
        super().__init__(**settings)
        self.rank = rank
        self.filters = self._positive_("filters", own["filters"])
        self.unit_forget_bias = own["unit_forget_bias"]
        self._keep_window_(*(own[name] for name in WINDOW))
        self._keep_settings_(own)
        self.state_size = [self.filters, self.filters]

    def build(self, inputs_shape: Shape, states_shape: Any = None) -> None:
        if None in self._spatial_(inputs_shape):
            raise ShapeError(
                f"{self._where_()} needs to know the spatial sizes of its input, which its states have too.",
                received=tuple(inputs_shape),
                fix="give them where the input is made, e.g. Input((10, 32, 32, 3))",
            )
        channels, width = self._channels_(inputs_shape), self.gates * self.filters
        self._step_shape: Any = tuple(inputs_shape[1:])
        self.kernel = self._add_ruled_("kernel", (*self.kernel_size, channels, width))
        self.recurrent_kernel = self._add_ruled_(
            "recurrent_kernel", (*self.kernel_size, self.filters, width), ruled_as="recurrent"
        )
        self.bias = self._make_bias_(width) if self.use_bias else None

    def _make_bias_(self, width: int) -> Any:
        initial = self.bias_initializer
        return self._add_ruled_(
            "bias", (width,), initializer=forgetful(initial, self.filters) if self.unit_forget_bias else initial
        )

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        h, c = states
        input_masks, recurrent_masks = self._masks_(inputs.shape[0], training)
        z = self._biased_(self._masked_conv(inputs, self.kernel.value, input_masks, **self._how_()))
        z = z + self._masked_conv(h, self.recurrent_kernel.value, recurrent_masks, padding="same")
        return gated(self, z, c, self._channel_axis_)

    def _masked_conv(self, x: Any, kernel: Any, masks: Masks, **how: Any) -> Any:
        """x ∗ kernel, where each mask holds for one gate's share of the kernel."""
        how = {**how, "data_format": self.data_format}
        if masks is None:
            return ops.conv(x, kernel, **how)
        blocks = zip(masks, jnp.split(kernel, len(masks), axis=-1), strict=True)
        return jnp.concatenate([ops.conv(x * mask, block, **how) for mask, block in blocks], axis=self._channel_axis_)

    def draw_masks(self, batch: int) -> tuple[Masks, Masks]:
        return (
            self._draw_(self.dropout, (batch, *self._step_shape), self.gates),
            self._draw_(self.recurrent_dropout, self._state_shape(batch), self.gates),
        )

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states that a sequence starts from: zeros, as large as the outputs."""
        return [jnp.zeros(self._state_shape(batch_size), self.compute_dtype) for _ in self.state_size]

    def _state_shape(self, batch: int | None) -> Any:
        return self._window_shape_((batch, *self._step_shape), self.filters)

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        state = self._window_shape_(inputs_shape, self.filters)
        return state, [state, state]


class ConvLSTM(CellRNN):
    """A ConvLSTMCell along a sequence; see ConvLSTM2D."""

    cell_class = ConvLSTMCell
    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        super().__init__(locals(), **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def _cell_options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"rank": self.rank}

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps, *step = sequences_shape
        _, *state = self.cell.compute_output_shape((batch, *step))[0]
        output = (batch, steps, *state) if self.return_sequences else (batch, *state)
        return (output, (batch, *state), (batch, *state)) if self.return_state else output


class ConvLSTM1D(ConvLSTM):
    """An LSTM along a sequence of signals, each with one spatial axis.

    Args:    see ConvLSTM2D.
    Shape:   in (batch, steps, places, channels) → out (batch, new_places, filters),
             or (batch, steps, new_places, filters)
    Example: >>> ConvLSTM1D(4, 3, padding="same")(Input((5, 8, 2))).shape
             (None, 8, 4)
    """

    rank = 1


class ConvLSTM2D(ConvLSTM):
    """An LSTM along a sequence of images, such as a film: its products are convolutions.

    Args:    filters: number of output channels.
             kernel_size: one integer, or (height, width), of both windows.
             strides, padding, dilation_rate: of the window over the input; that over the state
                 goes in steps of 1 and keeps the state's size.
             recurrent_activation: of the gates.
             unit_forget_bias: the forget gate's bias starts at 1.
             dropout, recurrent_dropout: fractions of inputs and of states to drop,
                 the same ones at each step of a sequence.
             return_sequences, return_state, go_backwards, stateful: see RNN.
    Shape:   in (batch, steps, height, width, channels) → out (batch, new_height, new_width, filters),
             or (batch, steps, new_height, new_width, filters);
             channels before height and width with data_format="channels_first"
    State:   kernel (*kernel_size, channels, 4 filters); recurrent_kernel (*kernel_size, filters, 4 filters);
             bias (4 filters,) if use_bias; the states if stateful
    Source:  Shi et al. 2015, https://arxiv.org/abs/1506.04214.
    Raises:  ShapeError: spatial sizes or channels unknown; window larger than the input.
    Example: >>> ConvLSTM2D(4, 3, return_sequences=True)(Input((5, 8, 8, 3))).shape
             (None, 5, 6, 6, 4)
    """

    rank = 2


class ConvLSTM3D(ConvLSTM):
    """An LSTM along a sequence of volumes.

    Args:    see ConvLSTM2D.
    Shape:   in (batch, steps, depth, height, width, channels) → out (batch, …, filters), or (batch, steps, …, filters)
    Example: >>> ConvLSTM3D(4, 2)(Input((5, 4, 4, 4, 1))).shape
             (None, 3, 3, 3, 4)
    """

    rank = 3
