"""What makes two layers or ops alike: their class and their config."""

from __future__ import annotations

from typing import Any

from lamella.registry import comparing


def config_of(operation: Any) -> dict[str, Any] | None:
    """The config of a layer or op, to compare with others; None if it cannot say."""
    with comparing():
        try:
            return operation.get_config()
        except Exception:  # whatever a user's get_config() may raise
            return None
