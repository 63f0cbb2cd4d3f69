"""A model as a drawing: the text that Graphviz draws, and the drawing itself."""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import Any

import jax

from lamella.errors import FileError, MissingExtraError, StateError, parameters_of, unknown_arguments
from lamella.graph import KerasTensor

_SHOW = ("show_shapes", "show_dtype", "show_layer_names", "show_layer_activations", "show_trainable")


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draws a model into a file; what its name ends in says how (`.png`, `.svg`, `.pdf`, `.dot`).

    Returns: in a notebook, the picture, which shows itself as the last line of a cell; else None.
    Raises:  MissingExtraError: pydot is not installed (`.dot` needs none); a notebook goes on, and prints so.
             FileError: Graphviz is not installed.
    """
    shown = {name: value for name, value in locals().items() if name in _SHOW}
    if Path(to_file).suffix == ".dot":
        Path(to_file).write_text(dot_text(model, rankdir, expand_nested, dpi, splines, **shown), encoding="utf-8")
        return None
    try:
        drawing = model_to_dot(
            model, rankdir=rankdir, expand_nested=expand_nested, dpi=dpi, splines=splines, **shown, **kwargs
        )
    except MissingExtraError as error:
        if not _in_notebook():
            raise
        print(error)
        return None
    try:
        drawing.write(str(to_file), format=Path(to_file).suffix[1:] or "png")
    except OSError as error:
        raise FileError(f"{to_file}: the drawing could not be made: {error}", fix="install Graphviz") from error
    return _picture(str(to_file)) if _in_notebook() else None


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _picture(path: str) -> Any:
    """A file as what a notebook shows; None for formats that it does not."""
    from IPython import display  # type: ignore[import-not-found]

    kind = {".png": display.Image, ".jpg": display.Image, ".jpeg": display.Image, ".svg": display.SVG}
    shown = kind.get(Path(path).suffix.lower())
    return shown and shown(filename=path)


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """A model as a `pydot.Dot`.

    Raises: MissingExtraError: pydot is not installed.  StateError: the model is not built.
    """
    if kwargs:
        raise unknown_arguments("model_to_dot()", kwargs, parameters_of(model_to_dot))
    shown = {name: value for name, value in locals().items() if name in _SHOW}
    text = dot_text(model, rankdir, expand_nested, dpi, splines, **shown)
    try:
        import pydot  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingExtraError(
            "A drawing of a model needs pydot (and Graphviz).",
            fix="pip install pydot, or plot_model(model, 'model.dot') for the text that Graphviz takes",
        ) from error
    return pydot.graph_from_dot_data(text)[0]


def dot_text(
    model: Any, rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200, splines: str = "ortho", **shown: bool
) -> str:
    """A model in Graphviz's language.

    Example: >>> print(dot_text(Sequential([Input((2,)), Dense(1, name="out")], name="m")).splitlines()[0])
             digraph "m" {
    """
    if not model.built:
        raise StateError(
            f"The model {model.name!r} is not built, so there is nothing to draw.", fix="call build() first"
        )
    style = f"graph [rankdir={rankdir}, dpi={int(dpi)}, splines={splines}]; node [shape=plain, fontname=Helvetica];"
    drawing = _Drawing(expand_nested, shown)
    body = "\n".join(f"  {line}" for line in drawing.inside(model))
    return f"digraph {_quoted(model.name)} {{\n  {style}\n{body}\n}}\n"


class _Drawing:
    """Writes the lines of boxes, of frames around nested models, and of arrows."""

    def __init__(self, expand_nested: bool, shown: dict[str, bool]):
        self._expand, self._shown = expand_nested, shown

    def inside(self, model: Any) -> list[str]:
        graph = getattr(model, "_graph_", None)
        if graph is None:
            return [self._box(model)]
        lines = [line for operation in graph.operations for line in self._part(operation)]
        arrows = {
            f"n{id(self._last(source))} -> n{id(self._first(node.operation))};": None
            for node in graph.nodes
            for tensor in node.inputs
            if (source := tensor._keras_history.operation) in graph.operations
        }
        return [*lines, *arrows]

    def _part(self, operation: Any) -> list[str]:
        if not self._expands(operation):
            return [self._box(operation)]
        title = f"label={_quoted(operation.name)}; style=dashed; labeljust=l;"
        return [f"subgraph cluster_{id(operation)} {{ {title}", *(f"  {x}" for x in self.inside(operation)), "}"]

    def _expands(self, operation: Any) -> bool:
        return self._expand and getattr(operation, "_graph_", None) is not None

    def _first(self, operation: Any) -> Any:
        """The box that an arrow to an operation points to."""
        while self._expands(operation):
            operation = operation._graph_.inputs[0]._keras_history.operation
        return operation

    def _last(self, operation: Any) -> Any:
        """The box that an arrow from an operation comes from."""
        while self._expands(operation):
            operation = operation._graph_.outputs[0]._keras_history.operation
        return operation

    def _box(self, operation: Any) -> str:
        title = type(operation).__name__
        if self._shown.get("show_layer_names"):
            title = f"{operation.name} ({title})"
        rows = [f'<td bgcolor="black"><font color="white"><b>{html.escape(title)}</b></font></td>']
        rows += [f'<td bgcolor="white">{html.escape(text)}</td>' for text in self._facts(operation)]
        table = "".join(f"<tr>{row}</tr>" for row in rows)
        return f'n{id(operation)} [label=<<table border="0" cellborder="1" cellpadding="8">{table}</table>>];'

    def _facts(self, operation: Any) -> list[str]:
        facts, shown = [], self._shown
        activation = getattr(operation, "activation", None)
        if shown.get("show_layer_activations") and activation is not None:
            facts.append(f"Activation: {getattr(activation, '__name__', activation)}")
        if shown.get("show_shapes"):
            facts += [
                f"Input shape: {_of(operation, 'input', 'shape')}",
                f"Output shape: {_of(operation, 'output', 'shape')}",
            ]
        if shown.get("show_dtype"):
            facts.append(f"Output dtype: {_of(operation, 'output', 'dtype')}")
        if shown.get("show_trainable") and getattr(operation, "weights", None):
            facts.append("Trainable" if operation.trainable else "Non-trainable")
        return facts


def _of(operation: Any, side: str, what: str) -> str:
    """The shapes or dtypes of an operation's inputs or outputs, where they are known."""
    try:
        tensors = getattr(operation, side)
    except (StateError, AttributeError):
        return "?"
    return str(jax.tree.map(lambda t: getattr(t, what), tensors, is_leaf=lambda t: isinstance(t, KerasTensor)))


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The inputs that a symbolic tensor follows from.

    Example: >>> x = Input((2,)); get_source_inputs(Dense(3)(x))[0] is x
             True
    """
    found: dict[KerasTensor, None] = {}
    stack, seen = [tensor], set()
    while stack:
        here = stack.pop()
        operation, index, _ = here._keras_history
        if operation is None or index is None:
            found[here] = None
            continue
        node = operation.inbound_nodes[index]
        if node in seen:
            continue
        seen.add(node)
        if node.is_input:
            found.update(dict.fromkeys(node.outputs))
        stack += reversed(node.inputs)
    return list(found)
