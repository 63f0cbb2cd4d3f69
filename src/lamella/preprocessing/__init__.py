"""What `keras.preprocessing` promises: names from `lamella.utils` at their old places."""

from lamella.preprocessing import image, sequence
from lamella.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
