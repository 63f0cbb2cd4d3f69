"""What the two CIFAR data sets share."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.config import image_data_format
from lamella.datasets.origin import TORONTO, pickled
from lamella.utils import get_file


def unpacked(name: str, file_hash: str) -> str:
    """The folder of the unpacked data set."""
    return get_file(
        f"{name}-{'batches-py' if name == 'cifar-10' else 'python'}-target",
        origin=f"{TORONTO}{name}-python.tar.gz",
        extract=True,
        file_hash=file_hash,
    )


def images(path: Any, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of one file."""
    content = pickled(path)
    x = content["data"].reshape(-1, 3, 32, 32)
    x = x.transpose(0, 2, 3, 1) if image_data_format() == "channels_last" else x
    return x, np.reshape(content[labels], (-1, 1))
