"""The door of explanations: finds what is asked about and has it explained."""

from __future__ import annotations

from typing import Any

from lamella.anatomy.explain.explanation import Explanation
from lamella.anatomy.explain.layer import Place, explain_part
from lamella.anatomy.explain.model import explain_model, explain_uncalled
from lamella.errors import ArgumentError


def explain(anatomy: Any, address: Any = None) -> Explanation:
    """Explains the whole, or one part of it.

    Args:   address: of a layer, a call (`enc@1/d1`), an op or a weight; or the thing itself.
    Raises: ArgumentError: the address means several things.
    """
    if address is None:
        return explain_model(anatomy) if anatomy.called else explain_uncalled(anatomy)
    selection = anatomy[address]
    things = list(dict.fromkeys((id(part.thing), part.place) for part in selection.parts))
    if len({one for one, _ in things}) > 1:
        raise ArgumentError(
            f"{address!r} means {len(things)} things, and one is explained at a time.",
            received=", ".join(selection.paths[:8]) + (" …" if len(things) > 8 else ""),
            fix="give one of these addresses",
        )
    first = selection.parts[0].place
    parts = [part for part in selection.parts if part.place == first]
    asked = address if isinstance(address, str) else selection.paths[0]
    return explain_part(Place(anatomy, asked, parts))
