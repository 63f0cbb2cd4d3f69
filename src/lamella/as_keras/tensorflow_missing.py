"""`import tensorflow` where TensorFlow is not installed: a stand-in that holds `keras`."""

from __future__ import annotations


def install() -> None:
    """Lets programs import the stand-in."""
