"""image_, text_ and audio_dataset_from_directory: batches of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lamella import ops
from lamella.config import standardize_data_format
from lamella.errors import ArgumentError, unknown
from lamella.utils.audio import padded_stack, read_wav
from lamella.utils.directories import Choice, Listed, list_files
from lamella.utils.images import img_to_array, load_img, smart_resize
from lamella.utils.indexed import IndexedBatches

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


class DirectoryBatches(IndexedBatches):
    """Batches of files, read when they are asked for.

    class_names: the names of the classes, in the order of their numbers.
    file_paths:  the files, in the order of the first epoch.
    """

    def __init__(
        self,
        listed: Listed,
        read: Callable[[str], Any],
        choice: Choice,
        batch_size: int | None,
        shuffle: bool,
        stack: Callable[[list[Any]], Any],
    ):
        labels = listed.encoded(choice.label_mode)

        def make(numbers: Any) -> Any:
            single = np.ndim(numbers) == 0
            x = read(listed.paths[numbers]) if single else stack([read(listed.paths[i]) for i in numbers])
            return x if labels is None else (x, labels[numbers])

        super().__init__(np.arange(len(listed.paths)), make, batch_size, shuffle, choice.shuffle_seed)
        self.class_names, self.file_paths = listed.class_names, listed.paths


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Images in folders, one folder a class, as a PyDataset of NumPy batches.

    Args:   label_mode: "int", "categorical" (one-hot), "binary" (0.0 and 1.0), or None: images alone.
            image_size: (height, width) that every image is resized to.
            subset: "training", "validation", or "both" for a list of the two.
            crop_to_aspect_ratio, pad_to_aspect_ratio: cut, or fill up, before resizing, in place of distorting.
            format: "tf" or "grain", accepted for Keras code.
    Shape:  images (batch, height, width, channels), float32, pixels in [0, 255]
    Raises: ArgumentError, FileError, DataError: arguments or files that do not go together.
    """
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2 or (crop_to_aspect_ratio and pad_to_aspect_ratio):
        raise ArgumentError(
            "An image_size of (height, width) is needed, and at most one of crop and pad.", received=image_size
        )
    if interpolation.lower() not in _INTERPOLATIONS:
        raise unknown("interpolation", interpolation, _INTERPOLATIONS)
    first = standardize_data_format(data_format) == "channels_first"

    def read(path: str) -> np.ndarray:
        image = img_to_array(load_img(path, color_mode), "channels_last")
        image = _padded(image, size) if pad_to_aspect_ratio else image
        if crop_to_aspect_ratio:
            image = smart_resize(image, size, interpolation)
        else:
            image = np.asarray(ops.image.resize(image, size, interpolation.lower(), data_format="channels_last"))
        return image.transpose(2, 0, 1) if first else image

    choice = Choice(
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose
    )
    return _datasets(choice, IMAGES, read, batch_size)


def _padded(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image with black borders, of the target's proportions."""
    height, width = image.shape[:2]
    rows = max(round(width * size[0] / size[1]) - height, 0)
    columns = max(round(height * size[1] / size[0]) - width, 0)
    return np.pad(image, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)))


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Text files in folders, one folder a class, as a PyDataset of batches of texts.

    Args:   max_length: cuts each text to so many bytes.
            The others are those of `image_dataset_from_directory`.
    Raises: ArgumentError, FileError, DataError: arguments or files that do not go together.
    """
    choice = Choice(
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose
    )

    def read(path: str) -> Any:
        return np.array(Path(path).read_bytes()[:max_length].decode("utf-8", "replace"), dtype=object)

    return _datasets(choice, (".txt",), read, batch_size)


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """WAV files in folders, one folder a class, as a PyDataset of NumPy batches.

    Args:   sampling_rate: samples a second that every file is brought to; as they come if None.
            output_sequence_length: cuts each file to so many samples, or fills it up with zeros; if None,
                those of a batch are filled up to the longest.
            ragged: False; arrays have samples of one length.
            The others are those of `image_dataset_from_directory`.
    Shape:  sounds (batch, samples, channels), float32, from -1 to 1
    Raises: ArgumentError, FileError, DataError: arguments or files that do not go together.
    """
    if ragged:
        raise ArgumentError(
            "audio_dataset_from_directory() gives arrays, which are not ragged.",
            fix="leave ragged=False: zeros fill up",
        )
    for name, value in (("sampling_rate", sampling_rate), ("output_sequence_length", output_sequence_length)):
        if value is not None and (not isinstance(value, int) or value <= 0):
            raise ArgumentError(f"`{name}` is a positive integer, or None.", received=repr(value))
    choice = Choice(
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links, verbose
    )

    def read(path: str) -> np.ndarray:
        return read_wav(path, sampling_rate, output_sequence_length)

    return _datasets(choice, (".wav",), read, batch_size, padded_stack)


def _datasets(
    choice: Choice,
    endings: tuple[str, ...],
    read: Callable[[str], Any],
    batch_size: int | None,
    stack: Callable[[list[Any]], Any] = np.stack,
) -> Any:
    listed = list_files(choice, endings)
    if choice.subset != "both":
        return DirectoryBatches(listed.part(choice, choice.subset), read, choice, batch_size, choice.shuffle, stack)
    training, validation = (listed.part(choice, subset) for subset in ("training", "validation"))
    return [
        DirectoryBatches(training, read, choice, batch_size, choice.shuffle, stack),
        DirectoryBatches(validation, read, choice, batch_size, False, stack),
    ]
