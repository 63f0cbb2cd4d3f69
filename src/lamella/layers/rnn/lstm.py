"""LSTM: a memory that gates let in, keep and let out."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella.layers.keywords import LayerKeywords, RegularizedKeywords
from lamella.layers.rnn.cell import SETTINGS, Masks, RecurrentCell, masked_matmul
from lamella.layers.rnn.rnn import CellRNN

__all__ = ["LSTM", "LSTMCell"]


class LSTMCell(RecurrentCell):
    """One step of an LSTM.

        i, f, g, o = split(x @ kernel + bias + h @ recurrent_kernel)
        c' = σ(f) · c + σ(i) · activation(g)
        h' = σ(o) · activation(c')

    Args:    recurrent_activation: σ.
             unit_forget_bias: the bias of f starts at 1.
    Shape:   in (batch, features), [h, c] → out (batch, units), [h, c]
    State:   kernel (features, 4 units); recurrent_kernel (units, 4 units); bias (4 units,) if use_bias
    Source:  Hochreiter and Schmidhuber 1997.
    Example: >>> output, (h, c) = LSTMCell(4)(np.ones((2, 3)), [np.zeros((2, 4)), np.zeros((2, 4))])
             >>> output.shape, c.shape
             ((2, 4), (2, 4))
    """

    gates = 4
    config_names = ("units", "activation", "recurrent_activation", "unit_forget_bias", *SETTINGS)

    def __init__(
        self,
        units: int,
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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(locals(), **kwargs)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _make_bias_(self, width: int) -> Any:
        initial = self.bias_initializer
        return self._add_ruled_(
            "bias", (width,), initializer=forgetful(initial, self.units) if self.unit_forget_bias else initial
        )

    def step(self, projected: Any, states: list[Any], masks: Masks) -> tuple[Any, list[Any]]:
        h, c = states
        return gated(self, projected + masked_matmul(h, self.recurrent_kernel.value, masks), c)


def gated(cell: Any, z: Any, c: Any, axis: int = -1) -> tuple[Any, list[Any]]:
    """The output and the states after a step: three gates and the candidate stand side by side in z."""
    i, f, g, o = jnp.split(z, 4, axis=axis)
    c = cell.recurrent_activation(f) * c + cell.recurrent_activation(i) * cell.activation(g)
    h = cell.recurrent_activation(o) * cell.activation(c)
    return h, [h, c]


def forgetful(initial: Any, units: int) -> Any:
    """An initializer of four gates' bias, in which that of the second, the forget gate's, is 1."""

    def initializer(shape: Any, dtype: Any = None) -> Any:
        first, rest = initial((units,), dtype=dtype), initial((2 * units,), dtype=dtype)
        return jnp.concatenate([first, jnp.ones(units, dtype), rest])

    return initializer


class LSTM(CellRNN):
    """An LSTMCell along a sequence.

    Args:    recurrent_activation: of the gates.
             unit_forget_bias: the forget gate's bias starts at 1.
             dropout, recurrent_dropout: fractions of inputs and of states to drop,
                 the same ones at each step of a sequence.
             return_sequences, return_state, go_backwards, stateful, unroll: see RNN.
             use_cudnn: taken for Keras code; one loop serves all devices.
    Shape:   in (batch, steps, features) → out (batch, units), or (batch, steps, units)
    Source:  Hochreiter and Schmidhuber 1997.
    Example: >>> output, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
             >>> output.shape, c.shape
             ((2, 5, 4), (2, 4))
    """

    cell_class = LSTMCell

    def __init__(
        self,
        units: int,
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
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(locals(), **kwargs)
