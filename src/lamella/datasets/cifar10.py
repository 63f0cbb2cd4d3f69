"""CIFAR-10: small colour images of ten classes."""

from __future__ import annotations

import os

import numpy as np

from lamella.datasets.cifar import images, unpacked
from lamella.datasets.origin import Split


def load_data() -> Split:
    """50,000 and 10,000 colour images.

    Shape:  x (n, 32, 32, 3) uint8, pixels in [0, 255] (channels first if the image data format is so);
            y (n, 1) uint8, 0 … 9: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck
    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009
    Raises: FileError: it is not in the cache, and there is no network.
    """
    folder = unpacked("cifar-10", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
    folder = os.path.join(folder, "cifar-10-batches-py")
    batches = [images(os.path.join(folder, f"data_batch_{i}"), "labels") for i in range(1, 6)]
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return (x, y.astype("uint8")), _as_bytes(*images(os.path.join(folder, "test_batch"), "labels"))


def _as_bytes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x, y.astype("uint8")


__all__ = ["load_data"]
