"""Callbacks: Keras's `keras.callbacks`."""

from lamella.callbacks.backup import BackupAndRestore
from lamella.callbacks.callback import Callback
from lamella.callbacks.callback_list import CallbackList
from lamella.callbacks.checkpoint import ModelCheckpoint
from lamella.callbacks.csv_logger import CSVLogger
from lamella.callbacks.early_stopping import EarlyStopping
from lamella.callbacks.ema import SwapEMAWeights
from lamella.callbacks.history import History
from lamella.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from lamella.callbacks.orbax import OrbaxCheckpoint
from lamella.callbacks.progress import Progbar, ProgbarLogger
from lamella.callbacks.small import LambdaCallback, RemoteMonitor, TerminateOnNaN
from lamella.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "Progbar",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
