"""Where the data sets come from, and how their files are read.

Every file has a hash that is checked before it is opened.  Some hold pickles, as
their makers published them; these are read by an unpickler that knows arrays and
nothing else.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, FileError
from lamella.utils import get_file

GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"

Split = tuple[tuple[Any, Any], tuple[Any, Any]]
"""((x_train, y_train), (x_test, y_test))."""

_ARRAYS = {
    ("_codecs", "encode"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *(("numpy", name) for name in ("ndarray", "dtype")),
}


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles arrays, lists, dicts, numbers and texts.

    Raises: FileError: the pickle asks for anything else.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise FileError(f"A data set holds {module}.{name}, which is no array.")
        return super().find_class(module, name)


def from_google(path: str, file: str, file_hash: str) -> str:
    """The path of a file of TensorFlow's collection of data sets."""
    return get_file(path, origin=GOOGLE + file, file_hash=file_hash)


def npz(path: Any, *names: str) -> list[np.ndarray]:
    """Arrays out of an .npz file; those of objects (lists of numbers) too."""
    found = []
    with zipfile.ZipFile(path) as archive:
        for name in names:
            with archive.open(f"{name}.npy") as member:
                found.append(_array(member))
    return found


def _array(member: Any) -> np.ndarray:
    version = np.lib.format.read_magic(member)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(member)
    if dtype.hasobject:
        return ArrayUnpickler(member, encoding="latin1").load()
    values = np.frombuffer(member.read(), dtype)
    return values.reshape(shape[::-1]).transpose() if fortran else values.reshape(shape).copy()


def pickled(path: Any) -> dict[str, Any]:
    """A pickled dict with names in bytes, as CIFAR comes."""
    with Path(path).open("rb") as file:
        return {key.decode(): value for key, value in ArrayUnpickler(file, encoding="bytes").load().items()}


def shuffled(generator: np.random.RandomState, *arrays: np.ndarray) -> list[np.ndarray]:
    """Arrays in one new order."""
    order = np.arange(len(arrays[0]))
    generator.shuffle(order)
    return [array[order] for array in arrays]


def check_test_split(test_split: float) -> None:
    if not 0 <= test_split < 1:
        raise ArgumentError("`test_split` is at least 0 and less than 1.", received=test_split)


def split(x: Any, y: Any, test_split: float) -> Split:
    """The last part is for tests."""
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])
