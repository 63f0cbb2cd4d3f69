"""Files of Keras 1 and 2, made into what Keras 3 would have written.

config.py     configs: the walk, and what a layer says in a graph (graph.py)
arguments.py  the arguments that changed between Keras 2 and 3, as a table; keras1.py: between Keras 1 and 2
weights.py    arrays: gates of recurrent layers, CuDNN's layout, kernels of Theano
optimizer.py  the states of optimizers
"""

from lamella.saving.keras2.config import is_keras2, modernized, modernized_training
from lamella.saving.keras2.optimizer import optimizer_state, unlike
from lamella.saving.keras2.tensorflow_weights import (
    checkpoint_prefix,
    load_tensorflow_model,
    load_tensorflow_weights,
)
from lamella.saving.keras2.weights import Origin, hard_sigmoids, modernized_weights

__all__ = [
    "Origin",
    "checkpoint_prefix",
    "hard_sigmoids",
    "is_keras2",
    "load_tensorflow_model",
    "load_tensorflow_weights",
    "modernized",
    "modernized_training",
    "modernized_weights",
    "optimizer_state",
    "unlike",
]
