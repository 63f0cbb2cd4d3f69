"""Data feeding, the pure step, the loop."""

from lamella.train.compiled import Compiled
from lamella.train.step import Steps
from lamella.train.trainer import Trainer

__all__ = ["Compiled", "Steps", "Trainer"]
