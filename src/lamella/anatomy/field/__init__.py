"""How much of an input one output sees."""

from lamella.anatomy.field.fields import Field, fields
from lamella.anatomy.field.span import Span

__all__ = ["Field", "Span", "fields"]
