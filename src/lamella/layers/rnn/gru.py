"""GRU: a state that one gate resets and another updates."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella.layers.keywords import LayerKeywords, RegularizedKeywords
from lamella.layers.rnn.cell import SETTINGS, Masks, RecurrentCell, masked_matmul
from lamella.layers.rnn.rnn import CellRNN

__all__ = ["GRU", "GRUCell"]


class GRUCell(RecurrentCell):
    """One step of a GRU, with σ the `recurrent_activation`.

        z = σ(x @ kernel_z + h @ recurrent_z)
        r = σ(x @ kernel_r + h @ recurrent_r)
        g = activation(x @ kernel_g + r · (h @ recurrent_g))
        h' = z · h + (1 - z) · g

    Args:    reset_after: as above, with biases on both products; else
                 (r · h) @ recurrent_g, with biases on the input's only.
    Shape:   in (batch, features), [h] → out (batch, units), [h]
    State:   kernel (features, 3 units); recurrent_kernel (units, 3 units);
             bias (2, 3 units), or (3 units,) without reset_after, if use_bias
    Source:  Cho et al. 2014.
    Example: >>> output, states = GRUCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
             >>> output.shape
             (2, 4)
    """

    gates = 3
    config_names = ("units", "activation", "recurrent_activation", *SETTINGS, "reset_after")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(locals(), **kwargs)
        self.reset_after = reset_after

    def _make_bias_(self, width: int) -> Any:
        return self._add_ruled_("bias", (2, width) if self.reset_after else (width,))

    def _input_bias_(self) -> Any:
        return super()._input_bias_() if self.bias is None or not self.reset_after else self.bias.value[0]

    def step(self, projected: Any, states: list[Any], masks: Masks) -> tuple[Any, list[Any]]:
        h, n, kernel = states[0], 2 * self.units, self.recurrent_kernel.value
        z, r, g = jnp.split(projected, 3, axis=-1)  # split, not sliced: its derivative is one concatenation
        if self.reset_after:
            recurrent = masked_matmul(h, kernel, masks) + (0 if self.bias is None else self.bias.value[1])
            of_z, of_r, of_g = jnp.split(recurrent, 3, axis=-1)
        else:
            of_z, of_r = jnp.split(masked_matmul(h, kernel[:, :n], masks and masks[:2]), 2, axis=-1)
        z, r = self.recurrent_activation(z + of_z), self.recurrent_activation(r + of_r)
        inner = r * of_g if self.reset_after else masked_matmul(r * h, kernel[:, n:], masks and masks[2:])
        h = z * h + (1 - z) * self.activation(g + inner)
        return h, [h]


class GRU(CellRNN):
    """A GRUCell along a sequence.

    Args:    recurrent_activation: of the gates.
             dropout, recurrent_dropout: fractions of inputs and of states to drop,
                 the same ones at each step of a sequence.
             return_sequences, return_state, go_backwards, stateful, unroll: see RNN.
             reset_after: see GRUCell.
             use_cudnn: taken for Keras code; one loop serves all devices.
    Shape:   in (batch, steps, features) → out (batch, units), or (batch, steps, units)
    Source:  Cho et al. 2014.
    Example: >>> GRU(4, return_sequences=True)(np.ones((2, 5, 3))).shape
             (2, 5, 4)
    """

    cell_class = GRUCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(locals(), **kwargs)
