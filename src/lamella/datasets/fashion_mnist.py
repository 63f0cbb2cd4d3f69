"""Fashion-MNIST: articles of clothing."""

from __future__ import annotations

import gzip

import numpy as np

from lamella.datasets.origin import GOOGLE, Split
from lamella.utils import get_file


def load_data() -> Split:
    """60,000 and 10,000 grey images of ten kinds of clothing.

    Shape:  x (n, 28, 28) uint8, pixels in [0, 255]; y (n,) uint8, 0 … 9
    Source: H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747
    Raises: FileError: it is not in the cache, and there is no network.
    """
    return _part("train"), _part("t10k")


def _part(name: str) -> tuple[np.ndarray, np.ndarray]:
    labels = _bytes(f"{name}-labels-idx1-ubyte.gz", header=8)
    return _bytes(f"{name}-images-idx3-ubyte.gz", header=16).reshape(len(labels), 28, 28), labels


def _bytes(file: str, header: int) -> np.ndarray:
    path = get_file(file, origin=GOOGLE + file, cache_subdir="datasets/fashion-mnist")
    with gzip.open(path, "rb") as unpacked:
        return np.frombuffer(unpacked.read(), np.uint8, offset=header)


__all__ = ["load_data"]
