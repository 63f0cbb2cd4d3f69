"""Names that do not depend on what a process made before."""

from __future__ import annotations

from collections.abc import Sequence

from lamella.graph.function_op import FunctionOp
from lamella.graph.operation import Operation
from lamella.state import to_snake_case


def addresses(operations: Sequence[Operation]) -> list[str]:
    """The address of each layer and op in its model: its name, if it was given one.

    Automatic names count per process; here they are counted anew in the model,
    so that an address does not depend on what was made before.  Layers come
    first, so that their addresses do not depend on the ops between them either.

    Example: >>> addresses([Dense(1, name="head"), Dense(2), Dense(3)])
             ['head', 'dense', 'dense_1']
    """
    found: dict[Operation, str] = {}
    taken: set[str] = set()
    for ops in (False, True):
        group = [one for one in operations if isinstance(one, FunctionOp) is ops]
        for one in group:
            if not one.auto_named and one.name not in taken:
                found[one] = one.name
                taken.add(one.name)
        for one in group:
            if one not in found:
                found[one] = _free(to_snake_case(type(one).__name__), taken)
    return [found[one] for one in operations]


def _free(stem: str, taken: set[str]) -> str:
    name, number = stem, 0
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name
