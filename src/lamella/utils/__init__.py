"""What `keras.utils` promises."""

from lamella.callbacks import Progbar
from lamella.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from lamella.dtypes import standardize_dtype
from lamella.graph import is_keras_tensor
from lamella.registry import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from lamella.train.feed import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from lamella.utils import bounding_boxes, legacy
from lamella.utils.archives import extract_archive
from lamella.utils.download import cache_path, get_file
from lamella.utils.encoding import normalize, pad_sequences, to_categorical
from lamella.utils.feature_space import FeatureSpace
from lamella.utils.from_directory import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from lamella.utils.images import array_to_img, img_to_array, load_img, save_img, smart_resize
from lamella.utils.named_values import Config
from lamella.utils.plotting import get_source_inputs, model_to_dot, plot_model
from lamella.utils.session import clear_session, set_random_seed
from lamella.utils.split import split_dataset
from lamella.utils.timeseries import timeseries_dataset_from_array

Sequence = PyDataset

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "cache_path",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "extract_archive",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "smart_resize",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
