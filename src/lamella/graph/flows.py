"""Reading a jaxpr: which marked value follows from which, and what was computed between.

Values are marked while a function is traced (`mark`), with names that stay in
the jaxpr.  Plain jax code between two marks leaves equations there, and these
tell what flows where, whatever the code was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

_PREFIX = "lamella:"
_SAME = frozenset({"convert_element_type", "copy", "copy_p", "name", "stop_gradient"})


def mark(value: Any, name: str) -> Any:
    """The same value, with a name that stays in the jaxpr."""
    return checkpoint_name(value, _PREFIX + name)


class Code:
    """Plain code between marks: where its values come from, and its equations.

    sources:   marks (str), numbers of inputs (int) and other Code, in order.
    equations: (equation, how often a loop runs it).
    """

    def __init__(self, sources: Iterable[Any] = (), equations: Iterable[tuple[Any, int | None]] = ()):
        self.sources = list(dict.fromkeys(sources))
        self.equations = list({id(e): (e, times) for e, times in equations}.values())
        self.cut = False  # something marked follows from it, so it is a thing of its own


Source = str | int | Code


class Flows:
    """What flows where in a jaxpr.

    of:      {mark: where that value comes from}.
    outputs: the same for each output of the jaxpr.
    repeats: {mark: how often a loop runs it}; None for a number that depends on data.
    """

    def __init__(self, closed: ClosedJaxpr):
        self.of: dict[str, Source | None] = {}
        self.repeats: dict[str, int | None] = {}
        jaxpr = closed.jaxpr
        self.outputs = self._read(jaxpr, list(range(len(jaxpr.invars))), 1, ends=True)

    def _read(self, jaxpr: Jaxpr, sources: list[Source | None], times: int | None, ends: bool = False) -> list[Any]:
        known: dict[Any, Source | None] = dict(zip(jaxpr.invars, sources, strict=True))
        cuts = {e.invars[0] for e in jaxpr.eqns if _mark_of(e) and not isinstance(e.invars[0], Literal)}
        if ends:
            cuts |= {v for v in jaxpr.outvars if not isinstance(v, Literal)}

        def source(variable: Any) -> Source | None:
            return None if isinstance(variable, Literal) else known.get(variable)

        for equation in jaxpr.eqns:
            inputs = [source(v) for v in equation.invars]
            known.update(zip(equation.outvars, self._made(equation, inputs, times), strict=True))
            for variable in equation.outvars:
                made = known[variable]
                if variable in cuts and isinstance(made, Code):
                    made.cut = True
        return [source(v) for v in jaxpr.outvars]

    def _made(self, equation: Any, inputs: list[Source | None], times: int | None) -> list[Source | None]:
        name = _mark_of(equation)
        if name:
            self.of[name], self.repeats[name] = inputs[0], times
            return [name]
        if equation.primitive.name in _SAME:
            return inputs[:1]
        inner = _body(equation) if any(_marked(sub) for sub in jaxprs_in(equation)) else None
        if inner is not None:
            body, first, loop = inner
            within = None if times is None or loop is None else times * loop
            return self._read(body, inputs[first : first + len(body.invars)], within)[-len(equation.outvars) :]
        return [_joined(inputs, equation, times)] * len(equation.outvars)


def _joined(inputs: list[Source | None], equation: Any, times: int | None) -> Code | None:
    sources: list[Source] = []
    equations: list[tuple[Any, int | None]] = []
    for one in inputs:
        if isinstance(one, Code) and not one.cut:
            sources += one.sources
            equations += one.equations
        elif one is not None:
            sources.append(one)
    return Code(sources, [*equations, (equation, times)]) if sources else None


def _mark_of(equation: Any) -> str | None:
    name = equation.params.get("name") if equation.primitive.name == "name" else None
    return name.removeprefix(_PREFIX) if isinstance(name, str) and name.startswith(_PREFIX) else None


def jaxprs_in(equation: Any) -> Iterator[Jaxpr]:
    """The jaxprs that an equation runs: a loop's body, a jitted function, branches."""
    for value in equation.params.values():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, ClosedJaxpr):
                yield one.jaxpr
            elif isinstance(one, Jaxpr):
                yield one


def _marked(jaxpr: Jaxpr) -> bool:
    return any(_mark_of(e) or any(_marked(sub) for sub in jaxprs_in(e)) for e in jaxpr.eqns)


def _body(equation: Any) -> tuple[Jaxpr, int, int | None] | None:
    """The jaxpr to look into, where its inputs begin among the equation's, and how often it runs."""
    if equation.primitive.name == "while":
        return equation.params["body_jaxpr"].jaxpr, equation.params["cond_nconsts"], None
    inside = [sub for sub in jaxprs_in(equation) if _marked(sub)]
    first = len(equation.invars) - len(inside[0].invars)
    if first < 0 or len(inside[0].outvars) < len(equation.outvars):
        return None
    return inside[0], first, equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
