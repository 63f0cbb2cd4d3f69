"""Names that `tf.keras` still has, or that Keras 1 and 2 had: what they are today, or what serves now."""

from __future__ import annotations

import importlib
from typing import Any

# Public namespace of today → modules of older Keras whose names are there now.
_TODAY = {
    "activations": "activations.activations",
    "backend": "backend.tensorflow_backend",
    "callbacks": "callbacks.callbacks callbacks.experimental",
    "constraints": "constraints.constraints",
    "initializers": "initializers.initializers",
    "layers .": """layers.core layers.convolutional layers.convolutional_recurrent layers.recurrent layers.recurrent_v2
        layers.local layers.merge layers.merging layers.embeddings layers.normalization layers.normalization_v2
        layers.normalization.batch_normalization layers.noise layers.pooling layers.attention layers.dense_attention
        layers.advanced_activations layers.wrappers layers.cudnn_recurrent layers.regularization layers.reshaping
        layers.rnn layers.experimental layers.experimental.preprocessing layers.preprocessing
        layers.preprocessing.image_preprocessing layers.preprocessing.text_vectorization""",
    "losses": "losses.losses",
    "metrics": "metrics.metrics",
    "mixed_precision": "mixed_precision.experimental",
    "models": "models.models",
    "optimizers optimizers.schedules": """optimizer_v2 optimizer_v2.adam optimizer_v2.gradient_descent
        optimizer_v2.rmsprop optimizer_v2.learning_rate_schedule optimizers.experimental optimizers.optimizer_v2
        optimizers.optimizers optimizers.adam optimizers.sgd optimizers.rmsprop optimizers.learning_rate_schedule
        optimizers.schedules.learning_rate_schedule""",
    "optimizers.schedules layers .": "experimental",
    "regularizers": "regularizers.regularizers",
    "saving models": "saving.hdf5_format saving.legacy",
    "utils backend .": """utils.np_utils utils.vis_utils utils.generic_utils utils.data_utils utils.layer_utils
        utils.io_utils utils.conv_utils utils.training_utils utils.all_utils utils.dataset_utils utils.image_utils
        utils.losses_utils utils.metrics_utils utils.tf_utils utils.version_utils""",
    ". layers models utils saving": """engine engine.topology engine.base_layer engine.base_layer_v1 engine.training
        engine.training_v1 engine.network engine.functional engine.sequential engine.input_layer engine.input_spec
        engine.keras_tensor engine.node engine.data_adapter engine.saving engine.training_utils""",
    "": "preprocessing.text",
}

# A module of older Keras → the public namespaces where its names are today.
MODULES = {
    module: tuple(place.strip(".") for place in places.split())
    for places, modules in _TODAY.items()
    for module in modules.split()
}

# Namespace → {name: the "module:name" that serves}.
_SERVED: dict[str, dict[str, str]] = {}


def find(namespace: str, name: str) -> Any:
    """What an old name in a module of Keras stands for today; None if it is not known, or gone."""
    if _joined(namespace, name) in MODULES:
        return importlib.import_module(f"keras.{_joined(namespace, name)}")
    target = _SERVED.get(namespace, {}).get(name)
    if target is None:
        return None
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def advice(namespace: str, name: str) -> str | None:
    """What serves in place of a name that is gone, or None."""
    return _GONE.get(_joined(namespace, name))


def _joined(namespace: str, name: str) -> str:
    return f"{namespace}.{name}".lstrip(".")


_GONE = {
    "layers.CuDNNGRU": "keras.layers.GRU computes the same",
    "layers.CuDNNLSTM": "keras.layers.LSTM computes the same",
}
