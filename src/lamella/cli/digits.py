"""Real handwritten digits (scikit-learn ships them), as 32×32×3 images in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lamella.errors import MissingExtraError


@dataclass(frozen=True)
class Split:
    """Images (n, 32, 32, 3) and labels (n,), for training and held out."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def only(self, classes: range) -> Split:
        """The digits of some classes, labelled from 0."""
        train, test = np.isin(self.y, classes), np.isin(self.y_test, classes)
        first = classes[0]
        return Split(self.x[train], self.y[train] - first, self.x_test[test], self.y_test[test] - first)

    def few(self, per_class: int) -> Split:
        """The same with only the first few training examples of each class."""
        chosen = np.concatenate([np.flatnonzero(self.y == c)[:per_class] for c in np.unique(self.y)])
        return Split(self.x[chosen], self.y[chosen], self.x_test, self.y_test)


def load_digits(seed: int) -> Split:
    """All ten digits, three quarters to train on and a quarter held out.

    Raises: MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise MissingExtraError("The digits come with scikit-learn.", fix='pip install "lamella[demo]"') from error
    images, labels = load(return_X_y=True)
    small = (images.reshape(-1, 8, 8, 1) / 16).astype("float32")
    x = np.broadcast_to(small.repeat(4, axis=1).repeat(4, axis=2), (len(small), 32, 32, 3))
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = np.ascontiguousarray(x[order]), labels[order].astype("int32")
    cut = len(x) * 3 // 4
    return Split(x[:cut], y[:cut], x[cut:], y[cut:])


def pairs(x: np.ndarray, y: np.ndarray, count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Pairs of images, and whether the first digit is the larger one."""
    random = np.random.default_rng(seed)
    first, second = random.integers(len(x), size=(2, 3 * count))
    differ = np.flatnonzero(y[first] != y[second])[:count]
    first, second = first[differ], second[differ]
    return [x[first], x[second]], (y[first] > y[second]).astype("float32")[:, None]
