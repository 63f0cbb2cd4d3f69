"""Optimizers: Keras's `keras.optimizers`, and any optax transformation."""

from lamella.optimizers import legacy, schedules
from lamella.optimizers.adadelta import Adadelta
from lamella.optimizers.adafactor import Adafactor
from lamella.optimizers.adagrad import Adagrad
from lamella.optimizers.adam import Adam, AdamW
from lamella.optimizers.adamax import Adamax
from lamella.optimizers.ftrl import Ftrl
from lamella.optimizers.lamb import Lamb
from lamella.optimizers.lion import Lion
from lamella.optimizers.lookup import deserialize, get, serialize
from lamella.optimizers.loss_scale import LossScaleOptimizer
from lamella.optimizers.multi import MultiOptimizer, OptimizerMap
from lamella.optimizers.muon import Muon
from lamella.optimizers.nadam import Nadam
from lamella.optimizers.optax import OptaxOptimizer
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.rmsprop import RMSprop
from lamella.optimizers.schedule_free import ScheduleFreeAdamW
from lamella.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptaxOptimizer",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]
