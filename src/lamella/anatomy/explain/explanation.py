"""Explanation: sentences under headings, and the numbers they are made of."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from html import escape
from typing import Any

_GUTTER = 9


@dataclass(frozen=True)
class Explanation:
    """What a model, layer, op or weight is, in words.

    title:    one sentence.
    sections: (heading, sentences) in reading order.
    facts:    every number and name that the text was made from.

    Example: >>> print(Dense(2, name="head").anatomy.explain().title)
             `head` is a Dense layer that has not been called yet.
    """

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self, width: int = 80) -> str:
        """The explanation in lines of at most `width` characters."""
        lines = [*textwrap.wrap(self.title, width), ""]
        for heading, sentences in self.sections:
            body = textwrap.wrap(" ".join(sentences), width - _GUTTER, break_long_words=False, break_on_hyphens=False)
            for index, line in enumerate(body):
                lines.append(f"{heading if not index else '':<{_GUTTER}}{line}")
        return "\n".join(lines) + "\n"

    __str__ = text

    def to_dict(self) -> dict[str, Any]:
        """{"title": …, "sections": {heading: [sentences]}, "facts": {…}}, of plain values."""
        return {"title": self.title, "sections": {h: list(s) for h, s in self.sections}, "facts": self.facts}

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(h)}</th><td>{escape(' '.join(s))}</td></tr>" for h, s in self.sections)
        return f"<p>{escape(self.title)}</p><table>{rows}</table>"

    def __repr__(self) -> str:
        return self.text()


def sections(**parts: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Headings in order, without those that have nothing to say."""
    return tuple((heading, tuple(said)) for heading, said in parts.items() if said)
