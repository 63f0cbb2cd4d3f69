"""CIFAR-100: small colour images of a hundred classes."""

from __future__ import annotations

import os

from lamella.datasets.cifar import images, unpacked
from lamella.datasets.origin import Split
from lamella.errors import unknown


def load_data(label_mode: str = "fine") -> Split:
    """50,000 and 10,000 colour images.

    Args:   label_mode: "fine" for 100 classes, "coarse" for 20.
    Shape:  x (n, 32, 32, 3) uint8, pixels in [0, 255] (channels first if the image data format is so); y (n, 1)
    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009
    Raises: FileError: it is not in the cache, and there is no network.
    """
    if label_mode not in ("fine", "coarse"):
        raise unknown("label_mode", label_mode, ["fine", "coarse"])
    folder = unpacked("cifar-100", "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7")
    folder = os.path.join(folder, "cifar-100-python")
    train, test = (images(os.path.join(folder, part), f"{label_mode}_labels") for part in ("train", "test"))
    return train, test


__all__ = ["load_data"]
