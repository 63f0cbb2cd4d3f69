"""`tf.keras` where TensorFlow is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec


def spec_with_notes(name: str, path: Sequence[str] | None, here: MetaPathFinder) -> ModuleSpec | None:
    """How the other finders find TensorFlow, if they do."""
    return None
