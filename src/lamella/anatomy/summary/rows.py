"""The table of a summary, read off a model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax

from lamella.anatomy.cost.memory import size_of
from lamella.anatomy.summary.columns import Columns, column_names
from lamella.anatomy.summary.lines import Line, Reader, graph_of
from lamella.anatomy.summary.table import Count, Row, Table
from lamella.errors import ArgumentError, unknown
from lamella.graph import KerasTensor, Node
from lamella.layers import Layer
from lamella.state import Variable


def table(
    model: Any,
    expand_nested: bool = False,
    layer_range: Any = None,
    columns: str | Sequence[str] = (),
    blocks: bool = False,
    depth: int | None = None,
    show_trainable: bool = False,
) -> Table:
    """Reads the table off a model.

    Args:   expand_nested: the layers of models inside too.
            layer_range: two layer names, the first and the last, as regular expressions.
            columns: extra columns; see `lamella.anatomy.summary.columns`.
            blocks: layers of a block stand under its heading, and equal neighbours fold.
            depth: how many levels of layers in layers are shown, composite layers too.
            show_trainable: a column for the layers' own flags.
    Raises: ArgumentError: `layer_range` is not two names, or `depth` is less than 1.
            UnknownNameError: a name in it matches no layer, or a column is not known.
    """
    if depth is not None and depth < 1:
        raise ArgumentError("`depth` counts levels from 1.", received=depth)
    names = column_names(columns)
    extended = bool(names) or blocks or depth is not None
    reader = Reader(model, expand_nested, depth, ops=extended)
    listed = reader.listed()
    first, last = _bounds(listed, layer_range)
    lines = whole = reader.lines(listed[first:last])
    if blocks and reader.root is not None:
        from lamella.anatomy.summary.folding import folded

        lines = folded(reader.anatomy, lines, reader.root)
    weights, graph = model.weights, graph_of(model)
    cells = Columns(reader.anatomy if reader.root is not None else None, names)
    sums = [*_sums(weights, whole), *cells.notes(whole)] if extended and layer_range is None else []
    return Table(
        model=model.name,
        rows=tuple(_rows(lines, cells, 0)),
        branches=not names and graph is not None and _branches(graph.nodes),
        **_totals(model, weights),
        notes=(*reader.notes, *sums, *_repeats(lines)),
        columns=names,
        extended=extended,
        header=_header(reader) if extended else "",
        show_trainable=show_trainable,
    )


def _header(reader: Reader) -> str:
    """How many layers, layers with weights and blocks there are; the latter where one can see inside."""
    if reader.root is not None and reader.root.inner:
        from lamella.anatomy.blocks import counts

        return counts(reader.anatomy).sentence()
    layers = getattr(reader.model, "layers", [])
    return f"{len(layers):,} layers listed, {sum(bool(one.weights) for one in layers):,} with weights" if layers else ""


# Rows


def _rows(lines: list[Line], columns: Columns, level: int) -> Iterator[Row]:
    for line in lines:
        yield _heading(line, columns, level) if line.title else _row(line, columns, level)
        yield from _rows(line.inside, columns, level + 1)


def _row(line: Line, columns: Columns, level: int) -> Row:
    operation = line.operations[0]
    return Row(
        name=operation.name,
        kind=type(operation).__name__,
        shape=_shape(line),
        params=sum(math.prod(weight.shape) for weight in line.variables),
        built=not isinstance(operation, Layer) or operation.built,
        connected=tuple(_place(tensor) for node in line.nodes for tensor in node.inputs),
        trainable=operation.trainable if line.variables else None,
        level=level,
        address=columns.address(operation),
        outputs=_outputs(line),
        more=columns.cells(line, _shape(line)),
    )


def _heading(line: Line, columns: Columns, level: int) -> Row:
    return Row(
        name=line.title,
        kind=line.kind,
        shape=_shape(line),
        params=sum(math.prod(weight.shape) for weight in line.variables),
        built=True,
        connected=(),
        trainable=None,
        level=level,
        outputs=_outputs(line),
        more=columns.cells(line, _shape(line)),
        heading=True,
        times=line.times,
    )


def _shape(line: Line) -> str:
    """The shapes that a line returns, each once."""
    return ", ".join(dict.fromkeys(map(_shown, line.structures))) or ("not called" if line.known else "?")


def _outputs(line: Line) -> tuple[tuple[int | None, ...], ...]:
    return tuple(dict.fromkeys(leaf.shape for leaf in jax.tree.leaves(line.structures)))


def _shown(structure: Any) -> str:
    shapes = [str(leaf.shape) for leaf in jax.tree.leaves(structure)]
    return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _place(tensor: KerasTensor) -> str:
    operation, call, output = tensor._keras_history
    return f"{operation.name if operation else tensor.name}[{call}][{output}]"


def _branches(nodes: list[Node]) -> bool:
    """Whether the graph is more than one chain of layers, each called once."""
    consumers: dict[KerasTensor, int] = {}
    for node in nodes:
        for tensor in node.inputs:
            consumers[tensor] = consumers.get(tensor, 0) + 1
    called = [node.operation for node in nodes]
    starts = sum(node.is_input for node in nodes)
    return (
        starts > 1
        or any(len(node.inputs) > 1 for node in nodes)
        or any(count > 1 for count in consumers.values())
        or len(set(called)) < len(called)
    )


# Totals, and what keeps the rows from adding up to them


def _totals(model: Any, weights: list[Variable]) -> dict[str, Any]:
    trained = set(map(id, model.trainable_weights))
    optimizer = getattr(model, "optimizer", None)
    return {
        "trainable": _count(weight for weight in weights if id(weight) in trained),
        "frozen": _count(weight for weight in weights if id(weight) not in trained),
        "optimizer": _count(optimizer.variables) if optimizer is not None and optimizer.built else None,
    }


def _count(variables: Iterable[Variable]) -> Count:
    unique = list({id(v): v for v in variables}.values())
    return Count(sum(math.prod(v.shape) for v in unique), size_of(unique))


def _sums(weights: list[Variable], lines: list[Line]) -> list[str]:
    """Why the parameters in the rows do not add up to the total, where they do not."""
    listed = [weight for line in lines for weight in line.variables]
    shown = {id(weight) for weight in listed}
    own = _count(weight for weight in weights if id(weight) not in shown).params
    twice = sum(math.prod(weight.shape) for weight in listed) - _count(listed).params
    return [
        *([f"{own:,} parameters are the model's own, in none of its layers."] if own else []),
        *([f"{twice:,} parameters stand in more than one row; the totals count each once."] if twice else []),
    ]


def _repeats(lines: list[Line]) -> list[str]:
    """What a heading with a × says."""
    stack = list(lines)
    while stack:
        line = stack.pop()
        if line.times > 1:
            return ["×n stands for n equal blocks: its row is about all of them, the rows below it about the first."]
        stack += line.inside
    return []


# A part of the rows


def _bounds(operations: list[Any], layer_range: Any) -> tuple[int, int]:
    if layer_range is None:
        return 0, len(operations)
    if (
        not isinstance(layer_range, (list, tuple))
        or len(layer_range) != 2
        or not all(isinstance(n, str) for n in layer_range)
    ):
        raise ArgumentError("`layer_range` is two layer names, the first and the last.", received=repr(layer_range))
    found = [[i for i, one in enumerate(operations) if re.match(pattern, one.name)] for pattern in layer_range]
    for pattern, indices in zip(layer_range, found, strict=True):
        if not indices:
            raise unknown("layer", pattern, [one.name for one in operations])
    (first, last) = (found[0], found[1]) if min(found[0]) <= max(found[1]) else (found[1], found[0])
    return min(first), max(last) + 1
