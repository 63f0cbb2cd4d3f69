"""A function in plainer operations, for formats that know fewer: no choices by platform, no windows over all axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Jaxpr, Literal

from lamella.lower.sliding import PLAIN


def portable(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, taking of every `lax.platform_dependent` what is meant for any platform.

    A maximum over windows becomes the maximum of shifted slices: ONNX has none over all axes of an image.

    Example: >>> from jax import lax
             >>> double = lambda x: lax.platform_dependent(x, cpu=lambda x: x + x, default=lambda x: 2 * x)
             >>> [str(e.primitive) for e in jax.make_jaxpr(portable(double))(1.0).eqns]
             ['mul']
    """

    def settled(*args: Any) -> Any:
        program, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        outputs = _run(program.jaxpr, program.consts, jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shape), outputs)

    return settled


def _run(program: Jaxpr, consts: Any, args: Any) -> list[Any]:
    """Binds the equations of a program anew, one after the other."""
    values = dict(zip([*program.constvars, *program.invars], [*consts, *args], strict=True))

    def read(name: Any) -> Any:
        return name.val if isinstance(name, Literal) else values[name]

    for equation in program.eqns:
        outputs = _bind(equation, [read(name) for name in equation.invars])
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(name) for name in program.outvars]


def _bind(equation: Any, args: list[Any]) -> list[Any]:
    kind, params = equation.primitive.name, equation.params
    if kind == "platform_index":
        return [None]  # only read by the choice itself
    if kind == "cond" and params.get("branches_platforms"):
        chosen = params["branches"][params["branches_platforms"].index(None)]
        return _run(chosen.jaxpr, chosen.consts, args[1:])
    if equation.primitive in PLAIN:
        return [PLAIN[equation.primitive](*args, **params)]
    if kind == "reduce_window_max":
        return [_max_of_shifts(*args, **params)]
    if kind == "scan" and params["reverse"]:
        return _scan_of_flipped(equation.primitive, args, params)
    if kind == "jit":
        return _run(params["jaxpr"].jaxpr, params["jaxpr"].consts, args)
    outputs = equation.primitive.bind(*args, **equation.primitive.get_bind_params(params))
    return outputs if equation.primitive.multiple_results else [outputs]


def _scan_of_flipped(scan: Any, args: list[Any], params: dict[str, Any]) -> list[Any]:
    """A loop from the end to the start, as one from the start over what is flipped."""
    fixed, kept = params["num_consts"] + params["num_carry"], params["num_carry"]
    args = [*args[:fixed], *(lax.rev(each, (0,)) for each in args[fixed:])]
    outputs = scan.bind(*args, **{**params, "reverse": False})
    return [*outputs[:kept], *(lax.rev(each, (0,)) for each in outputs[kept:])]


def _max_of_shifts(
    inputs: Any, window_dimensions: Any, window_strides: Any, padding: Any, base_dilation: Any, window_dilation: Any
) -> Any:
    lowest = -jnp.inf if jnp.issubdtype(inputs.dtype, jnp.inexact) else jnp.iinfo(inputs.dtype).min
    if any(low or high or rate > 1 for (low, high), rate in zip(padding, base_dilation, strict=True)):
        pads = [(*sides, rate - 1) for sides, rate in zip(padding, base_dilation, strict=True)]
        inputs = lax.pad(inputs, np.asarray(lowest, inputs.dtype)[()], pads)
    for axis, (window, stride, rate) in enumerate(zip(window_dimensions, window_strides, window_dilation, strict=True)):
        if window > 1 or stride > 1:
            places = (inputs.shape[axis] - (window - 1) * rate - 1) // stride + 1
            ends = [(place * rate, place * rate + (places - 1) * stride + 1) for place in range(window)]
            inputs = reduce(lax.max, [lax.slice_in_dim(inputs, *end, stride, axis) for end in ends])
    return inputs
