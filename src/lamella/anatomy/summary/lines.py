"""What the rows of a summary are about, as a tree: layers and ops with their calls, and what is inside of them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax

from lamella.errors import StateError
from lamella.graph import Graph, Node, Operation, Site, Value
from lamella.layers import Layer
from lamella.state import Variable


@dataclass(eq=False)
class Line:
    """A layer or op; or, with a `title`, blocks.

    operations: the layer or op; all that the blocks hold.
    sites:      the calls; `ends`: those whose outputs count, `sources`: what goes in.
    known:      whether the calls can be seen.
    nodes:      the recorded calls that "Connected to" is about.
    inside:     the lines below it.
    title, kind: name and kind of the blocks, which are `times` equal ones.
    """

    operations: list[Any]
    sites: list[Site]
    ends: list[Site]
    sources: list[Value]
    known: bool
    nodes: list[Node] = field(default_factory=list)
    inside: list[Line] = field(default_factory=list)
    title: str = ""
    kind: str = ""
    times: int = 1

    @cached_property
    def variables(self) -> list[Variable]:
        """The weights, each once."""
        return list({id(v): v for one in self.operations for v in getattr(one, "weights", ())}.values())

    @property
    def structures(self) -> list[Any]:
        """What it returns: shapes in any structure, one for each call; empty if it is not known."""
        if self.sites or self.known:
            return [site.structure for site in self.ends]
        return _from_itself(self.operations[0])


def _from_itself(operation: Any) -> list[Any]:
    """What a layer returns, by its graph or by the shapes it was built on."""
    graph, shapes = getattr(operation, "_graph_", None), getattr(operation, "_build_shapes_", None)
    if graph is not None:
        return [graph.outputs_structure]
    if not shapes:
        return []
    try:
        shape = operation.compute_output_shape(*shapes.values())
    except Exception:  # a call() that cannot run on shapes
        return []
    return [jax.tree.map(lambda one: jax.ShapeDtypeStruct(one, "float32"), shape, is_leaf=_is_shape)]


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(d is None or isinstance(d, int) for d in value)


def graph_of(model: Any) -> Graph | None:
    """The graph of a model whose calls Keras lists; a Sequential is listed layer by layer."""
    return getattr(model, "_graph_", None) if getattr(model, "calls_itself_first", True) else None


_Calls = dict[int, list[Site]]
"""{id of a layer or op: its calls}."""


class Reader:
    """Reads the lines off a model, with the calls that its trace knows.

    Args: expand: the layers of models inside too.
          depth: how many levels of layers in layers, composite layers too; with it, or `ops`, ops inside as well.
    """

    def __init__(self, model: Any, expand: bool = False, depth: int | None = None, ops: bool = False):
        self.model, self.anatomy = model, model.anatomy
        self.expand, self.depth, self.ops = expand, depth, ops or depth is not None
        self.notes: list[str] = []
        self.root: Site | None = None
        try:
            self.root = self.anatomy.trace
        except StateError:  # never called: there is a table still, without shapes
            pass
        except Exception as error:
            self.notes.append(f"{model.name} cannot be traced: {str(error).splitlines()[0]}")

    def listed(self) -> list[Any]:
        """What is shown of the model: its layers, and its ops where it has a graph; a leaf layer shows itself."""
        found = self._in(self.model, True)
        return found or ([] if hasattr(self.model, "fit") else [self.model])

    def _in(self, container: Any, ops: bool) -> list[Any]:
        graph, layers = graph_of(container), getattr(container, "layers", None)
        if graph is not None and ops:
            return graph.operations
        found = container._sublayers_() if layers is None else layers
        return [one for one in found if isinstance(one, Operation)]

    def lines(self, listed: list[Any]) -> list[Line]:
        """The lines of some of what is listed."""
        sites = [self.root] if self.root is not None else []
        if listed == [self.model]:
            return [self._line(self.model, sites, self.root is not None, frozenset())]
        self.notes += (
            self.anatomy.notes if self.ops and sites else [f"{self.model.name}: {s.note}" for s in sites if s.note]
        )
        return self._below(self.model, listed, sites, {}, self.root is not None, 0)

    def _below(
        self,
        container: Any,
        listed: list[Any],
        sites: list[Site],
        above: dict[int, list[Site]],
        known: bool,
        level: int,
    ) -> list[Line]:
        own: dict[int, list[Site]] = {}
        for call in (call for site in sites for call in site.inner):
            own.setdefault(id(call.operation), []).append(call)
        calls = {**above, **own}  # a layer may be called from further out than it stands
        known = known and not any(site.note for site in sites)
        graph = getattr(container if self.ops else self.model, "_graph_", None)
        nodes = graph.node_set() if graph is not None else frozenset()
        lines = [self._line(one, calls.get(id(one), []), known, nodes) for one in listed]
        for line in lines:
            one = line.operations[0]
            if self._opens(one, level):
                line.inside = self._below(one, self._in(one, self.ops), line.sites, calls, known, level + 1)
        return lines

    def _opens(self, operation: Any, level: int) -> bool:
        if self.depth is not None:
            return level + 1 < self.depth and operation.composite
        return self.expand and isinstance(operation, Layer) and bool(getattr(operation, "layers", None))

    def _line(self, operation: Any, sites: list[Site], known: bool, nodes: Set[Node]) -> Line:
        sources = [value for site in sites for value in site.inputs or site.outputs]
        recorded = [node for node in operation.inbound_nodes if node in nodes]
        return Line([operation], sites, sites, sources, known, recorded)
