"""What is fed to a graph: put in order, cast, and made to fit the inputs' ranks."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.errors import ShapeError
from lamella.graph import Graph, KerasTensor, node_of
from lamella.layers import Input
from lamella.layers.input_spec import describe
from lamella.state import Variable, get_mask, set_mask


@jax.tree_util.register_pytree_node_class
class Staged:
    """What the host part of a model computed, as the rest takes it.

    values: {number of a tensor in the graph: array}.
    inner:  {number of a nested model's output: what that model staged}.
    """

    def __init__(self, values: dict[int, Any], inner: dict[int, Any]):
        self.values, self.inner = values, inner

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.values, self.inner), None

    @classmethod
    def tree_unflatten(cls, _: Any, parts: Any) -> Staged:
        return cls(*parts)


def standardized(graph: Graph, inputs: Any, where: str) -> list[Any]:
    """A value for each input of the graph, in order, of its dtype and rank.

    Raises: ShapeError: another number of inputs, or a rank or name that fits nothing.
    """
    values = _ordered(graph, inputs, where)
    if len(values) != len(graph.inputs):
        raise ShapeError(
            f"{where} takes {len(graph.inputs)} input(s).",
            expected=[tensor.name for tensor in graph.inputs],
            received=f"{len(values)}: {describe(inputs)}",
        )
    return [_fitted(value, tensor, where) for value, tensor in zip(values, graph.inputs, strict=True)]


def _ordered(graph: Graph, inputs: Any, where: str) -> list[Any]:
    structure = graph.inputs_structure
    if isinstance(inputs, dict):
        names = sorted(structure) if isinstance(structure, dict) else [_name(tensor) for tensor in graph.inputs]
        if isinstance(structure, dict) and not all(isinstance(v, KerasTensor) for v in structure.values()):
            return jax.tree.leaves(inputs, is_leaf=lambda v: v is None)
        missing = [
            name
            for name, tensor in zip(names, graph.inputs, strict=True)
            if name not in inputs and not _optional(tensor)
        ]
        if missing:
            raise ShapeError(
                f"{where} has inputs that were not given: {missing}.", expected=names, received=sorted(inputs)
            )
        extra = sorted(set(inputs) - set(names))
        if extra:
            warnings.warn(f"{where} does not use {extra} of what it was given; its inputs are {names}.", stacklevel=5)
        return [inputs.get(name) for name in names]
    if isinstance(structure, dict) and list(structure) != sorted(structure):
        raise ShapeError(
            f"{where} takes a dict: its inputs are not in the order of their names, so a list could mean either.",
            expected=list(structure),
            received=describe(inputs),
        )
    if isinstance(inputs, (list, tuple)):
        return jax.tree.leaves(inputs, is_leaf=_is_value)
    return [inputs]


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, Variable)


def _name(tensor: KerasTensor) -> str:
    node = node_of(tensor)
    return tensor.name if node is None else node.operation.name


def _fitted(value: Any, tensor: KerasTensor, where: str) -> Any:
    if value is None:
        if not _optional(tensor):
            raise ShapeError(f"{where} was given None for its input {_name(tensor)!r}, which is not optional.")
        return None
    value = _array(value, tensor.dtype)
    rank, wanted = len(value.shape), len(tensor.shape)
    if rank == wanted:
        return value
    mask, fitted = get_mask(value), None
    if rank == wanted + 1 and value.shape[-1] == 1:
        fitted = value[..., 0]
    elif rank == wanted - 1 and tensor.shape[-1] == 1:
        fitted = value[..., None]
    if fitted is None:
        raise ShapeError(
            f"{where} cannot take this as {_name(tensor)!r}.", expected=tensor.shape, received=describe(value)
        )
    if not isinstance(fitted, np.ndarray):
        set_mask(fitted, mask)
    return fitted


def _optional(tensor: KerasTensor) -> bool:
    """Whether None may be fed for an input; one that no `Input` made is not asked."""
    node = node_of(tensor)
    return getattr(node.operation if node else None, "optional", True)


def _array(value: Any, dtype: str) -> Any:
    if isinstance(value, KerasTensor):
        return value
    if dtype == "string":
        return np.asarray(value)
    if isinstance(value, Variable):
        value = value.value
    held = jax.dtypes.canonicalize_dtype(dtype)  # int64 is int32, unless jax_enable_x64 is set
    if isinstance(value, jax.Array) and value.dtype == held:
        return value
    mask = get_mask(value) if isinstance(value, jax.Array) else None
    array = jnp.asarray(value, held)
    set_mask(array, mask)
    return array


def supported(values: list[Any], mask: Any) -> None:
    """Gives input values the masks that were passed beside them."""
    if mask is not None:
        for value, one in zip(values, jax.tree.leaves(mask, is_leaf=lambda m: m is None), strict=True):
            if one is not None:
                set_mask(value, one)


def cut_at(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Inputs and outputs of a graph that begins at `inputs`, wherever those stand.

    Tensors in the middle of a graph become inputs of a new one: the calls after
    them are recorded once more, from an `Input` of the same shape.
    """
    leaves = [leaf for leaf in jax.tree.leaves(inputs) if isinstance(leaf, KerasTensor)]
    if all((node := node_of(leaf)) is not None and node.is_input for leaf in leaves):
        return inputs, outputs
    fresh: dict[KerasTensor, Any] = {}
    for leaf in leaves:
        node = node_of(leaf)
        starts = node is not None and node.is_input
        fresh[leaf] = leaf if starts else Input(batch_shape=leaf.shape, dtype=leaf.dtype, name=leaf.name)
    graph = Graph(inputs, outputs)
    new_outputs = graph.run([fresh[leaf] for leaf in graph.inputs])
    return jax.tree.map(lambda leaf: fresh[leaf], inputs), new_outputs
