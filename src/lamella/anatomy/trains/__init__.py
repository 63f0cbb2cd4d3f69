"""What trains, and why; freezing and unfreezing."""

from lamella.anatomy.trains.freeze import freeze, unfreeze
from lamella.anatomy.trains.trainability import Trainability, Trains, trainability

__all__ = ["Trainability", "Trains", "freeze", "trainability", "unfreeze"]
