"""Roles: what a call does in a network (convolve, normalise, join two paths, …), read from its layer or its code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lamella import layers
from lamella.graph import FunctionOp, Site

CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
    *(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
DENSE = (layers.Dense, layers.EinsumDense)
NORMALIZATIONS = (
    *(layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization),
    *(layers.RMSNormalization, layers.UnitNormalization),
)
ACTIVATIONS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax)
ATTENTION = (layers.MultiHeadAttention, layers.GroupQueryAttention, layers.Attention)
_UPSAMPLING = (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D, *TRANSPOSED)
_POOLING = (
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
)
_JOINING_LAYERS = {layers.Add: "add", layers.Concatenate: "concatenate", layers.Multiply: "multiply"}
_JOINING = {"add": "add", "add_any": "add", "concatenate": "concatenate", "mul": "multiply"}
_ACTIVATING_OPS = {
    *("Relu", "Relu6", "Gelu", "Silu", "Swish", "Sigmoid", "Tanh", "Elu", "Selu", "LeakyRelu", "HardSwish"),
    *("HardSilu", "HardSigmoid", "Softplus", "Mish"),
}


def is_a(site: Site, classes: tuple[type, ...]) -> bool:
    return isinstance(site.operation, classes)


def op_name(site: Site) -> str | None:
    """The name of an op between layers: `Add` for `x + y`."""
    return type(site.operation).__name__ if isinstance(site.operation, FunctionOp) else None


def is_convolution(site: Site) -> bool:
    return is_a(site, CONVOLUTIONS)


def is_dense(site: Site) -> bool:
    return is_a(site, DENSE)


def is_recurrent(site: Site) -> bool:
    return is_a(site, (layers.RNN,))


def is_normalization(site: Site) -> bool:
    return is_a(site, NORMALIZATIONS)


def is_activation(site: Site) -> bool:
    """Whether a call applies an activation, be it plain code between layers."""
    if site.operation is None:
        return len(site.inputs) == 1 and {"max", "logistic", "tanh", "erf", "erfc"} & primitives(site) != set()
    return (is_a(site, ACTIVATIONS) and not is_linear(site)) or op_name(site) in _ACTIVATING_OPS


def is_linear(site: Site) -> bool:
    """Whether a layer has no activation of its own."""
    activation = getattr(site.operation, "activation", None)
    named = is_a(site, (layers.Activation,)) or not is_a(site, ACTIVATIONS)
    return named and getattr(activation, "__name__", "linear") == "linear"


def has_weights(site: Site) -> bool:
    return bool(getattr(site.operation, "weights", ()))


def window(site: Site) -> tuple[int, ...]:
    """The size of a convolution's window."""
    return site.operation.kernel_size  # type: ignore[union-attr]


def is_pointwise(site: Site) -> bool:
    """Whether a call mixes channels at every place by itself: a 1 × 1 convolution, or a Dense layer."""
    return is_dense(site) or (is_convolution(site) and not is_depthwise(site) and max(window(site)) == 1)


def is_depthwise(site: Site) -> bool:
    """Whether a convolution works on each channel by itself."""
    operation: Any = site.operation
    if is_a(site, (layers.DepthwiseConv1D, layers.DepthwiseConv2D)):
        return True
    return getattr(operation, "groups", 1) > 1 and is_convolution(site) and operation.groups == channels_in(site)


def channel_axis(site: Site) -> int:
    return 1 if getattr(site.operation, "data_format", None) == "channels_first" else -1


def channels_in(site: Site) -> int | None:
    return site.inputs[0].shape[channel_axis(site)]


def channels_out(site: Site) -> int | None:
    return site.outputs[0].shape[channel_axis(site)]


def concatenation_axis(site: Site) -> int:
    operation: Any = site.operation
    axis = getattr(operation, "axis", None) or getattr(operation, "fixed", {}).get("axis", -1)
    return axis if isinstance(axis, int) else -1


def grows(site: Site) -> bool:
    """Whether a call makes a feature map larger again."""
    return is_a(site, _UPSAMPLING) or op_name(site) in ("Resize", "Repeat")


def pools_all(site: Site) -> bool:
    """Whether a call takes one number of each channel from everywhere."""
    if site.operation is None:
        return bool(primitives(site) & {"reduce_sum", "reduce_max"})
    return is_a(site, _POOLING) or op_name(site) in ("Mean", "Max")


def joins(site: Site) -> str | None:
    """How a call joins the paths it takes: "add", "concatenate", "multiply" or None."""
    for kind, how in _JOINING_LAYERS.items():
        if isinstance(site.operation, kind):
            return how
    if site.operation is None:
        return _Code(site).joins
    return {"Add": "add", "Concatenate": "concatenate", "Multiply": "multiply"}.get(op_name(site) or "")


def attends(sites: list[Site]) -> bool:
    """Whether calls compute attention: an attention layer, or two products of data with a softmax between."""
    if any(is_a(site, ATTENTION) or op_name(site) == "DotProductAttention" for site in sites):
        return True
    wanted = iter(("product", "softmax", "product"))
    want = next(wanted)
    for done in (one for site in sites for one in _attention_steps(site)):
        if done == want and (want := next(wanted, "")) == "":
            return True
    return False


def _attention_steps(site: Site) -> list[str]:
    if site.operation is None:
        return _Code(site).steps
    if op_name(site) in ("Matmul", "Einsum", "Dot", "Tensordot") or is_a(site, (layers.Dot,)):
        return ["product"] if len(site.inputs) > 1 else []
    softmax = getattr(getattr(site.operation, "activation", None), "__name__", None) == "softmax"
    return ["softmax"] if softmax or is_a(site, (layers.Softmax,)) or op_name(site) == "Softmax" else []


# Plain code


def primitives(site: Site) -> set[str]:
    """The names of all primitives that plain code consists of."""
    return set(_names(equation for equation, _ in site.steps))


def _names(equations: Iterable[Any]) -> Iterator[str]:
    for equation in equations:
        body = _body(equation)
        if body is None:
            yield equation.primitive.name
        else:
            yield from _names(body.eqns)


def _body(equation: Any) -> Any:
    """The function that an equation calls, if it calls one."""
    inner = equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
    body = getattr(inner, "jaxpr", inner)
    return body if body is not None and len(body.invars) == len(equation.invars) else None


Sources = frozenset[Any]
"""Which of the values that came in something follows from."""


class _Code:
    """What plain code does with the values it takes.

    joins: how it joins two of them, if it does.
    steps: products of two of them, and softmaxes, in order.
    """

    def __init__(self, site: Site):
        self.joins: str | None = None
        self.steps: list[str] = []
        self._shapes = {value.sized().shape for value in site.inputs}
        self._run([equation for equation, _ in site.steps], {}, self._own)

    def _own(self, variable: Any) -> Sources:
        """What comes in is told from weights by its shape."""
        shape = tuple(variable.aval.shape)
        return frozenset([variable] if shape in self._shapes and math.prod(shape) > 1 else [])

    def _run(self, equations: list[Any], known: dict[Any, Sources], other: Callable[[Any], Sources]) -> None:
        for equation in equations:
            sets = [_none(v) if hasattr(v, "val") else known[v] if v in known else other(v) for v in equation.invars]
            body = _body(equation)
            if body is None:
                self._note(equation.primitive.name, [one for one in sets if one])
                made = [frozenset().union(*sets)] * len(equation.outvars)
            else:
                inside = dict(zip(body.invars, sets, strict=True))
                self._run(body.eqns, inside, _none)
                made = [inside[v] if not hasattr(v, "val") and v in inside else _none(v) for v in body.outvars]
            known.update(zip(equation.outvars, made, strict=False))

    def _note(self, name: str, sets: list[Sources]) -> None:
        if name == "exp":
            self.steps.append("softmax")
        elif name == "dot_general" and len(sets) == 2:
            self.steps.append("product")
        elif name in _JOINING and len(set(sets)) > 1 and self.joins != "add":
            self.joins = _JOINING[name]


def _none(variable: Any) -> Sources:
    return frozenset()
