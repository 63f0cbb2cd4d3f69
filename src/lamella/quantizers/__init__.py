"""What `keras.quantizers` promises: not here yet; its names say what to use meanwhile."""

from __future__ import annotations

from typing import Any

from lamella.missing_names import missing_name

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    raise missing_name(__name__, name)
