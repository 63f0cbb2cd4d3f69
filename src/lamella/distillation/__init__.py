"""What `keras.distillation` promises: a student model that learns from data and from a teacher."""

from lamella.distillation.distiller import Distiller
from lamella.distillation.losses import DistillationLoss, FeatureDistillation, LogitsDistillation

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]
