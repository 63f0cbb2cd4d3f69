"""MNIST: handwritten digits."""

from __future__ import annotations

from lamella.datasets.origin import Split, from_google, npz


def load_data(path: str = "mnist.npz") -> Split:
    """60,000 and 10,000 grey images of digits.

    Shape:  x (n, 28, 28) uint8, pixels in [0, 255]; y (n,) uint8, digits
    Source: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/
    Raises: FileError: it is not in the cache, and there is no network.
    """
    file = from_google(path, "mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")
    x_train, y_train, x_test, y_test = npz(file, "x_train", "y_train", "x_test", "y_test")
    return (x_train, y_train), (x_test, y_test)


__all__ = ["load_data"]
