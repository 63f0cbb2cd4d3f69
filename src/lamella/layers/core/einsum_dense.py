"""EinsumDense: Dense over any axes, written as an einsum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Unpack

from lamella import activations, initializers, ops
from lamella.errors import ArgumentError, ShapeError
from lamella.layers.configured import Shape, rules
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.lora import LowRank

__all__ = ["EinsumDense"]

_FORMS = {  # how an equation may spell "and any other axes": nowhere, before, after
    "nowhere": r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)",
    "before": r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)",
    "after": r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.",
}


class EinsumDense(LowRank):
    """Contracts chosen axes with a learned tensor: activation(einsum(equation, x, kernel) + bias).

    Args:    equation: "ab,bc->ac", "...x,xy->...y" or "ab...,bc->ac...".
             output_shape: sizes of the output without the batch and without `...`;
                 None for those that are as in the input.
             bias_axes: output letters that the bias has; no bias if None.
    State:   kernel: shaped as the letters of the equation say; bias
    Raises:  ArgumentError: the equation or `bias_axes` names no such axes.
             ShapeError: the input's sizes are not those in `output_shape`.
    Example: >>> EinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de")(Input((5, 8))).shape
             (None, 5, 2, 4)
    """

    differs_in_training = False  # Keras's `call` has the argument too
    config_names = (
        *("equation", "activation", "bias_axes", *rules("kernel", "bias")),
        *("activity_regularizer", "quantization_config"),
    )

    kernel_initializer: Any

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self._rule_("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._rule_("bias", bias_initializer, bias_regularizer, bias_constraint)
        self._keep_lora_(lora_rank, lora_alpha)
        self._refuse_quantization_(quantization_config or gptq_unpacked_column_size)

    def build(self, input_shape: Shape) -> None:
        axes = self._axes(input_shape)
        kernel_shape, fan_in, fan_out = axes.kernel()
        self._kernel = self._add_ruled_("kernel", kernel_shape, initializer=self._fanned(fan_in, fan_out))
        self.bias = None if self.bias_axes is None else self._add_ruled_("bias", axes.bias(self.bias_axes))
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._adapt_()

    def _fanned(self, fan_in: list[int], fan_out: list[int]) -> Any:
        """The kernel's initializer, told which axes are its inputs and which its outputs."""
        given = self.kernel_initializer
        if not isinstance(given, initializers.VarianceScaling) or None not in (given.input_axes, given.output_axes):
            return given
        config = {**given.get_config(), "seed": given.seed, "input_axes": fan_in, "output_axes": fan_out}
        return type(given).from_config(config)

    @property
    def kernel(self) -> Any:
        """The kernel, with its adaptation where there is one."""
        return self._adapted_kernel_()

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._axes(input_shape).output_shape

    def _axes(self, input_shape: Shape) -> EquationAxes:
        return EquationAxes.of(self.equation, tuple(input_shape), self.partial_output_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_shape": self.partial_output_shape}


@dataclass
class EquationAxes:
    """An equation with sizes: letters of input, kernel and output, and what each one measures."""

    equation: str
    letters: tuple[str, str, str]
    input_sizes: dict[str, int | None]
    output_sizes: dict[str, int | None]
    output_shape: Shape
    trailing: int  # axes of `...` that come after the letters

    @classmethod
    def of(cls, equation: str, input_shape: Shape, partial: Shape) -> EquationAxes:
        form, letters = _parsed(equation)
        source, _, target = letters
        elided = len(input_shape) - len(source)
        if elided < 0 or (elided and form == "nowhere"):
            raise ShapeError(f"EinsumDense({equation!r}) has {len(source)} input axes.", received=input_shape)
        before, after = (elided, 0) if form == "before" else (0, elided)
        output = [input_shape[0], *input_shape[1:before], *partial, *input_shape[len(input_shape) - after :]]
        if len(output) != len(target) + elided:
            wanted = len(partial) + len(target) + elided - len(output)
            raise ArgumentError(
                f"EinsumDense({equation!r}) needs an output_shape of {wanted} sizes.",
                received=f"output_shape={partial}",
            )
        input_sizes = dict(zip(source, input_shape[before:], strict=False))
        for place, letter in enumerate(target, before):
            if output[place] is None:
                output[place] = input_sizes.get(letter)
        output_sizes = dict(zip(target, output[before:], strict=False))
        made = cls(equation, letters, input_sizes, output_sizes, tuple(output), after)
        made._check()
        return made

    def _check(self) -> None:
        source, kernel, target = self.letters
        for letter in source:
            size, given = self.input_sizes[letter], self.output_sizes.get(letter)
            if given is not None and given != size:
                raise ShapeError(
                    f"EinsumDense({self.equation!r}) has axis {letter!r} in input and output, with two sizes.",
                    expected=f"{given}, from output_shape",
                    received=f"{size}, from the input",
                )
        for where, names, known in (("output", target, source + kernel), ("kernel", kernel, source + target)):
            for letter in names:
                if letter not in known:
                    raise ArgumentError(
                        f"EinsumDense({self.equation!r}) has axis {letter!r} in its {where} only.",
                        expected=f"each letter of the {where} to stand in another part too",
                    )

    def kernel(self) -> tuple[Shape, list[int], list[int]]:
        """The kernel's shape, and which of its axes come from the input and which go to the output."""
        names = self.letters[1]
        shape = tuple({**self.input_sizes, **self.output_sizes}[letter] for letter in names)
        fan_out = [i for i, letter in enumerate(names) if letter in self.output_sizes]
        return shape, [i for i in range(len(names)) if i not in fan_out], fan_out

    def bias(self, axes: str) -> Shape:
        """The bias's shape: sizes in its axes, 1 between them, nothing before the first."""
        target = self.letters[2]
        for letter in axes:
            if letter not in target:
                raise ArgumentError(f"EinsumDense({self.equation!r}) has no output axis {letter!r} for a bias.")
        first = min(map(target.index, axes))
        return (*(self.output_sizes[x] if x in axes else 1 for x in target[first:]), *(1,) * self.trailing)


def _parsed(equation: str) -> tuple[str, tuple[str, str, str]]:
    for form, pattern in _FORMS.items():
        match = re.fullmatch(pattern, equation.replace(" ", ""))
        if match:
            return form, (match[1], match[2], match[3])
    raise ArgumentError(
        f"EinsumDense cannot read the equation {equation!r}.",
        expected="'[X],[Y]->[Z]', '...[X],[Y]->...[Z]' or '[X]...,[Y]->[Z]...'",
    )
