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

_K = "lamella.keras2"


def _from(module: str, names: str) -> dict[str, str]:
    """{name: "module:name"}, "old=new" where the name changed."""
    pairs = (word.partition("=") for word in names.split())
    return {old: f"{module}:{new or old}" for old, _, new in pairs}


_BACKEND = """
    abs all any arange argmax argmin batch_dot batch_flatten batch_normalization bias_add binary_crossentropy
    binary_focal_crossentropy cast categorical_crossentropy categorical_focal_crossentropy clip concatenate cos
    ctc_batch_cost ctc_decode cumprod cumsum dot dropout elu equal exp expand_dims flatten gather greater greater_equal
    hard_sigmoid in_top_k l2_normalize less less_equal log max maximum mean min minimum not_equal one_hot
    permute_dimensions pow prod relu repeat repeat_elements reshape reverse round shape sigmoid sign sin softmax
    softplus softsign sparse_categorical_crossentropy sqrt square squeeze stack std stop_gradient sum tanh tile
    transpose var
"""
_BACKEND_CONVOLUTIONS = """
    conv1d conv2d conv2d_transpose conv3d depthwise_conv2d pool2d pool3d resize_images resize_volumes separable_conv2d
    spatial_2d_padding spatial_3d_padding temporal_padding
"""
_BACKEND_VALUES = """
    batch_get_value batch_set_value cast_to_floatx constant count_params dtype eval eye foldl foldr get_value int_shape
    is_sparse learning_phase map_fn moving_average_update ndim ones ones_like random_bernoulli random_normal
    random_normal_variable random_uniform random_uniform_variable rnn set_value switch to_dense truncated_normal update
    update_add update_sub variable zeros zeros_like
"""
_SHORT = """
    KLD=kl_divergence kld=kl_divergence kullback_leibler_divergence=kl_divergence logcosh=log_cosh
    MAE=mean_absolute_error mae=mean_absolute_error MAPE=mean_absolute_percentage_error
    mape=mean_absolute_percentage_error MSE=mean_squared_error mse=mean_squared_error
    MSLE=mean_squared_logarithmic_error msle=mean_squared_logarithmic_error cosine_proximity=cosine_similarity
"""
_TEXT = "Tokenizer hashing_trick one_hot text_to_word_sequence tokenizer_from_json"
_TRANSFORMS = """
    apply_affine_transform apply_brightness_shift apply_channel_shift random_brightness random_channel_shift
    random_rotation random_shear random_shift random_zoom
"""
_MERGE = "add average concatenate dot maximum minimum multiply subtract"

# Namespace → {name: the "module:name" that serves}.
_SERVED: dict[str, dict[str, str]] = {
    "backend": {
        **_from(f"{_K}.backend", _BACKEND),
        **_from(f"{_K}.backend_convolutions", _BACKEND_CONVOLUTIONS),
        **_from(f"{_K}.backend_values", _BACKEND_VALUES),
        "name_scope": "lamella:name_scope",
    },
    "layers": _from(f"{_K}.layers", "ThresholdedReLU"),
    "losses": {**_from("lamella.losses", _SHORT), "Reduction": "lamella.as_keras.internals:Reduction"},
    "metrics": _from("lamella.losses", _SHORT),
    "mixed_precision": _from("lamella.mixed_precision", "set_policy=set_global_policy global_policy"),
    "optimizers.legacy": _from(f"{_K}.optimizers", "SGD Adadelta Adagrad Adam Adamax Ftrl Nadam RMSprop"),
    "preprocessing.image": {
        **_from(f"{_K}.image_generator", "ImageDataGenerator"),
        **_from(f"{_K}.image_iterators", "DataFrameIterator DirectoryIterator Iterator NumpyArrayIterator"),
        **_from(f"{_K}.image_transforms", _TRANSFORMS),
    },
    "preprocessing.sequence": _from(f"{_K}.sequence", "TimeseriesGenerator make_sampling_table skipgrams"),
    "preprocessing.text": _from(f"{_K}.text", _TEXT),
}


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


_AT_ONCE = "Lamella computes at once, without graphs and sessions"
_KERNEL = "write the layer's math in `call` with keras.ops"
_GENERATORS = "fit, evaluate and predict take generators and keras.utils.PyDataset themselves"

_GONE = {
    **dict.fromkeys(("backend.get_session", "backend.set_session", "backend.get_graph"), _AT_ONCE),
    **dict.fromkeys(("backend.tf", "backend.tensorflow"), "keras.ops computes in place of K.tf"),
    **dict.fromkeys(("backend.set_learning_phase", "backend.in_train_phase"), "pass training= when calling a layer"),
    "backend.ctc_label_dense_to_sparse": "keras.ops.ctc_loss takes dense labels",
    "backend.function": "keras.Model(inputs, outputs) computes inner tensors; model.anatomy.tap gives them by name",
    "backend.gradients": "lamella.value_and_grad(function)(model, …) gives gradients",
    "backend.image_dim_ordering": "keras.config.image_data_format()",
    "backend.image_data_dim_ordering": "keras.config.image_data_format()",
    "backend.set_image_dim_ordering": "keras.config.set_image_data_format('channels_last')",
    "backend.local_conv2d": _KERNEL,
    "backend.placeholder": "keras.Input takes the place of placeholders",
    "callbacks.experimental.BackupAndRestore": "keras.callbacks.BackupAndRestore",
    "estimator": "a keras.Model has fit, evaluate and predict; estimators are gone",
    "layers.Convolution1D": "keras.layers.Conv1D",
    "layers.CuDNNGRU": "keras.layers.GRU computes the same",
    "layers.CuDNNLSTM": "keras.layers.LSTM computes the same",
    "layers.DenseFeatures": "keras.utils.FeatureSpace takes the place of feature columns",
    "layers.Highway": _KERNEL,
    "layers.LocallyConnected1D": _KERNEL,
    "layers.LocallyConnected2D": _KERNEL,
    "layers.MaxoutDense": _KERNEL,
    "layers.Merge": "keras.layers.Add, Multiply, Average, Maximum, Concatenate or Dot",
    "layers.RandomHeight": "keras.layers.RandomZoom with width_factor=0, and Resizing",
    "layers.RandomWidth": "keras.layers.RandomZoom with height_factor=0, and Resizing",
    "layers.TimeDistributedDense": "keras.layers.Dense works on every step",
    "layers.merge.merge": "keras.layers.Add, Multiply, Average, Maximum, Concatenate or Dot",
    "layers.experimental.RandomFourierFeatures": _KERNEL,
    "layers.experimental.SyncBatchNormalization": "keras.layers.BatchNormalization(synchronized=True)",
    "models.Graph": "keras.Model(inputs, outputs)",
    "utils.GeneratorEnqueuer": _GENERATORS,
    "utils.HDF5Matrix": "h5py reads slices of a file; put them into a keras.utils.PyDataset",
    "utils.OrderedEnqueuer": _GENERATORS,
    "utils.SequenceEnqueuer": _GENERATORS,
    "utils.convert_all_kernels_in_model": "kernels are those of TensorFlow already",
    "utils.layer_utils.convert_all_kernels_in_model": "kernels are those of TensorFlow already",
    "utils.layer_utils.print_summary": "model.summary()",
    "utils.multi_gpu_model": "keras.distribution spreads a model over devices",
    "utils.print_summary": "model.summary()",
    "wrappers.scikit_learn": "keras.wrappers.SKLearnClassifier and SKLearnRegressor, or the scikeras package",
}
