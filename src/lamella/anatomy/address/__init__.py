"""Where things stand: parts, patterns that mean some of them, selections."""

from lamella.anatomy.address.parts import Part, Step, names_in, parts_of
from lamella.anatomy.address.pattern import matching
from lamella.anatomy.address.selection import Selection

__all__ = ["Part", "Selection", "Step", "matching", "names_in", "parts_of"]
