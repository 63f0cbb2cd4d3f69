"""SimpleRNN: the output is the state, fed back through one matrix."""

from __future__ import annotations

from typing import Any, Unpack

from lamella.layers.keywords import LayerKeywords, RegularizedKeywords
from lamella.layers.rnn.cell import SETTINGS, Masks, RecurrentCell, masked_matmul
from lamella.layers.rnn.rnn import CellRNN

__all__ = ["SimpleRNN", "SimpleRNNCell"]


class SimpleRNNCell(RecurrentCell):
    """One step of a SimpleRNN: h' = activation(x @ kernel + bias + h @ recurrent_kernel).

    Shape:   in (batch, features), [(batch, units)] → out (batch, units), [(batch, units)]
    State:   kernel (features, units); recurrent_kernel (units, units); bias (units,) if use_bias
    Example: >>> output, states = SimpleRNNCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
             >>> output.shape
             (2, 4)
    """

    config_names = ("units", "activation", *SETTINGS)
    seeded_first = True

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(locals(), **kwargs)

    def step(self, projected: Any, states: list[Any], masks: Masks) -> tuple[Any, list[Any]]:
        output = self.activation(projected + masked_matmul(states[0], self.recurrent_kernel.value, masks))
        return output, [output]


class SimpleRNN(CellRNN):
    """A SimpleRNNCell along a sequence: h' = activation(x @ kernel + bias + h @ recurrent_kernel).

    Args:    dropout, recurrent_dropout: fractions of inputs and of states to drop,
                 the same ones at each step of a sequence.
             return_sequences, return_state, go_backwards, stateful, unroll: see RNN.
    Shape:   in (batch, steps, features) → out (batch, units), or (batch, steps, units)
    Example: >>> SimpleRNN(4)(np.ones((2, 5, 3))).shape
             (2, 4)
    """

    cell_class = SimpleRNNCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(locals(), **kwargs)

    def get_config(self) -> dict[str, Any]:  # Keras writes no seed here
        return {key: value for key, value in super().get_config().items() if key != "seed"}
