"""Batches of images for `fit`, of `keras.preprocessing.image` of Keras 2: from arrays, folders and tables."""

from __future__ import annotations

import os
from collections.abc import Iterator as Iterating
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamella import config
from lamella.errors import ArgumentError, DataError
from lamella.utils import PyDataset, array_to_img, img_to_array, load_img

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
_CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
_TABLE_MODES = ("categorical", "binary", "sparse", "input", "raw", "multi_output", None)


class Iterator(PyDataset):
    """Batches of n samples by their numbers, in another order in every epoch if shuffled; `next` goes on for ever."""

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None
        self._endless = self._batches()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if idx >= len(self):
            raise DataError(f"There is no batch {idx}.", expected=f"less than {len(self)}")
        self._seed()
        self.total_batches_seen += 1
        return self._get_batches_of_transformed_samples(self._batch(idx))

    def _seed(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _batch(self, number: int) -> np.ndarray:
        if self.index_array is None:
            self._set_index_array()
        assert self.index_array is not None
        return self.index_array[self.batch_size * number : self.batch_size * (number + 1)]

    def on_epoch_end(self) -> None:
        self._set_index_array()

    def reset(self) -> None:
        """Begins again with the first batch."""
        self._endless = self._batches()

    def _batches(self) -> Iterating[np.ndarray]:
        while True:
            for number in range(max(len(self), 1)):
                self._seed()
                if number == 0:
                    self._set_index_array()
                self.total_batches_seen += 1
                yield self._batch(number)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        return self._get_batches_of_transformed_samples(next(self._endless))

    next = __next__

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        raise NotImplementedError

    def _augmented(self, generator: Any, image: np.ndarray) -> np.ndarray:
        if generator is None:
            return image
        return generator.standardize(generator.apply_transform(image, generator.get_random_transform(image.shape)))

    def _write(self, batch: np.ndarray, numbers: np.ndarray, folder: str | None, prefix: str, ending: str) -> None:
        """Puts what was made into a folder, to look at."""
        for image, number in zip(batch, numbers, strict=True) if folder else ():
            name = f"{prefix}_{number}_{np.random.randint(10_000)}.{ending}"
            array_to_img(image, scale=True).save(os.path.join(folder or "", name))


class NumpyArrayIterator(Iterator):
    """Batches from arrays in memory."""

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ):
        self.dtype = dtype or config.floatx()
        others = []
        if isinstance(x, (tuple, list)):
            x, others = x[0], x[1] if isinstance(x[1], list) else [x[1]]
        count = len(x)
        for name, one in (("y", y), ("sample_weight", sample_weight), *(("x", other) for other in others)):
            if one is not None and len(one) != count:
                raise DataError(f"{name} does not go with the images.", expected=f"{count} of them", received=len(one))
        kept = _part(count, subset, image_data_generator._validation_split)
        self.x = np.asarray(x[kept], dtype=self.dtype)
        self.x_misc = [np.asarray(other)[kept] for other in others]
        self.y, self.sample_weight = (None if one is None else np.asarray(one)[kept] for one in (y, sample_weight))
        if self.x.ndim != 4:
            raise DataError(
                "Images come in four axes.", expected="(images, rows, columns, channels)", received=self.x.shape
            )
        self.image_data_generator = image_data_generator
        self.data_format = data_format or config.image_data_format()
        self._files = (save_to_dir, save_prefix, save_format)
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        images = [self._augmented(self.image_data_generator, self.x[i].copy()) for i in index_array]
        batch = np.asarray(images, dtype=self.dtype)
        self._write(batch, index_array, *self._files)
        inputs: Any = [batch, *(other[index_array] for other in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return inputs
        rest = (self.y,) if self.sample_weight is None else (self.y, self.sample_weight)
        return (inputs, *(one[index_array] for one in rest))


def _part(count: int, subset: str | None, validation_split: float) -> slice:
    """The samples of a subset: the first ones are for validation."""
    if subset is None:
        return slice(None)
    if subset not in ("training", "validation"):
        raise ArgumentError("Unknown subset.", expected=("training", "validation"), received=repr(subset))
    split = int(count * validation_split)
    return slice(None, split) if subset == "validation" else slice(split, None)


class FileIterator(Iterator):
    """Batches from files of images; whoever inherits says which files, and what belongs to each."""

    def __init__(
        self,
        image_data_generator: Any,
        paths: Sequence[str],
        target_size: tuple[int, int],
        color_mode: str,
        class_mode: str | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        data_format: str | None,
        files: tuple[str | None, str, str],
        interpolation: str,
        keep_aspect_ratio: bool,
        dtype: Any,
    ):
        if color_mode not in _CHANNELS:
            raise ArgumentError("Unknown color_mode.", expected=tuple(_CHANNELS), received=repr(color_mode))
        self.image_data_generator, self.filepaths = image_data_generator, list(paths)
        self.target_size, self.color_mode, self.class_mode = tuple(target_size), color_mode, class_mode
        self.data_format, self.dtype = data_format or config.image_data_format(), dtype or config.floatx()
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        channels, first = (_CHANNELS[color_mode],), self.data_format == "channels_first"
        self.image_shape = channels + self.target_size if first else self.target_size + channels
        self.samples, self._files = len(self.filepaths), files
        super().__init__(self.samples, batch_size, shuffle, seed)

    class_indices: dict[Any, int]
    classes: Any
    labels: Any
    sample_weight: Any = None

    def _image(self, path: str) -> np.ndarray:
        image = load_img(
            path,
            color_mode=self.color_mode,
            target_size=self.target_size,
            interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        )
        return self._augmented(self.image_data_generator, img_to_array(image, data_format=self.data_format))

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        batch = np.zeros((len(index_array), *self.image_shape), dtype=self.dtype)
        for place, number in enumerate(index_array):
            batch[place] = self._image(self.filepaths[number])
        self._write(batch, index_array, *self._files)
        if self.class_mode is None:
            return batch
        targets = self._targets(batch, index_array)
        return (batch, targets) if self.sample_weight is None else (batch, targets, self.sample_weight[index_array])

    def _targets(self, batch: np.ndarray, numbers: np.ndarray) -> Any:
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode == "raw":
            return self.labels[numbers]
        if self.class_mode == "multi_output":
            return [output[numbers] for output in self.labels]
        classes = np.asarray([self.classes[number] for number in numbers], dtype="int32")
        if self.class_mode == "categorical":
            return np.eye(len(self.class_indices), dtype=self.dtype)[classes]
        return classes.astype(self.dtype)


class DirectoryIterator(FileIterator):
    """Batches from a folder that holds a folder for each class."""

    def __init__(
        self,
        directory: str,
        image_data_generator: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ):
        if class_mode not in _CLASS_MODES:
            raise ArgumentError("Unknown class_mode.", expected=_CLASS_MODES, received=repr(class_mode))
        folders = [one for one in sorted(os.listdir(directory)) if os.path.isdir(os.path.join(directory, one))]
        names = list(classes or folders)
        self.directory, self.num_classes = directory, len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        split = getattr(image_data_generator, "_validation_split", 0.0)
        found: list[tuple[int, str]] = []
        for number, name in enumerate(names):
            paths = _images(directory, name, follow_links)
            found += [(number, path) for path in paths[_part(len(paths), subset, split)]]
        self.filenames = [path for _, path in found]
        self.classes = self.labels = np.asarray([number for number, _ in found], dtype="int32")
        print(f"Found {len(found)} images belonging to {len(names)} classes.")
        super().__init__(
            image_data_generator,
            [os.path.join(directory, path) for path in self.filenames],
            target_size,
            color_mode,
            class_mode,
            batch_size,
            shuffle,
            seed,
            data_format,
            (save_to_dir, save_prefix, save_format),
            interpolation,
            keep_aspect_ratio,
            dtype,
        )


def _images(directory: str, name: str, follow_links: bool) -> list[str]:
    """The images in the folder of a class, by their paths from the folder around it."""
    top = os.path.join(directory, name)
    walked = sorted(os.walk(top, followlinks=follow_links), key=lambda entry: entry[0])
    return [
        os.path.relpath(os.path.join(folder, file), directory)
        for folder, _, files in walked
        for file in sorted(files)
        if file.lower().endswith(_ENDINGS)
    ]


class DataFrameIterator(FileIterator):
    """Batches from a pandas table with a column of files and one or more of targets."""

    def __init__(
        self,
        dataframe: Any,
        directory: str | None = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[Any] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = "float32",
        validate_filenames: bool = True,
    ):
        if class_mode not in _TABLE_MODES:
            raise ArgumentError("Unknown class_mode.", expected=_TABLE_MODES, received=repr(class_mode))
        table = dataframe.copy()
        self.directory = directory or ""
        if validate_filenames:
            table = _with_images(table, x_col, self.directory)
        with_classes = class_mode in ("categorical", "binary", "sparse")
        if with_classes:
            names = list(classes or sorted(set(table[y_col])))
            table = table[table[y_col].isin(names)]
            self.class_indices = {name: number for number, name in enumerate(names)}
        split = getattr(image_data_generator, "_validation_split", 0.0)
        table = table[_part(len(table), subset, split)]
        self.filenames = [str(path) for path in table[x_col]]
        if with_classes:
            self.classes = self.labels = np.asarray([self.class_indices[name] for name in table[y_col]], dtype="int32")
            print(f"Found {len(table)} validated image filenames belonging to {len(self.class_indices)} classes.")
        else:
            if class_mode == "raw":
                self.labels = table[y_col].values
            elif class_mode == "multi_output":
                self.labels = [np.array(table[column].tolist()) for column in y_col]
            print(f"Found {len(table)} validated image filenames.")
        self.sample_weight = None if weight_col is None else table[weight_col].values
        super().__init__(
            image_data_generator,
            [os.path.join(self.directory, path) for path in self.filenames],
            target_size,
            color_mode,
            class_mode,
            batch_size,
            shuffle,
            seed,
            data_format,
            (save_to_dir, save_prefix, save_format),
            interpolation,
            keep_aspect_ratio,
            dtype,
        )


def _with_images(table: Any, column: str, directory: str) -> Any:
    """The rows whose file is an image; says how many are not."""
    there = [_is_image(os.path.join(directory, str(path))) for path in table[column]]
    if not all(there):
        print(f"{there.count(False)} of {len(there)} files in {column} are no images, and are left out.")
    return table[there]


def _is_image(path: str) -> bool:
    return path.lower().endswith(_ENDINGS) and os.path.isfile(path)
